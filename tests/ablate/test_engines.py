"""Where runs run: several at once, cancelled, on a real Ray cluster of this machine."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from ablate.fake import fake, fake_forever, fake_on_ray
from lright.ablate.engines import Local, Ray, Task
from lright.ablate.job import OWN, Job, Outcome
from lright.ablate.plan import Plan, read_peaks
from lright.drive.measured import Measure, Measured
from lright.errors import LrightError
from lright.records import replace

PLAN = Plan("train.py", ("--seed", "{seed}"), (OWN, "cosine to 0"), read_peaks("3"), (0, 1), "val_loss", "min")
TESTS = Path(__file__).resolve().parents[1]


def test_all_jobs_are_done_once() -> None:
    for count in (1, 3, 50):
        outcomes = list(Local(count).outcomes(Task(PLAN, fake), PLAN.jobs()))
        assert sorted(map(str, (outcome.job for outcome in outcomes))) == sorted(map(str, PLAN.jobs()))
    assert list(Local(2).outcomes(Task(PLAN, fake), [])) == []


def test_as_many_at_once_as_asked_and_each_with_its_device() -> None:
    now, most, seen = 0, 0, set[str]()
    lock = threading.Lock()

    def work(job: Job, environment: Mapping[str, str], cancelled: Callable[[], bool] | None) -> Outcome:
        nonlocal now, most
        with lock:
            now, seen_now = now + 1, environment["CUDA_VISIBLE_DEVICES"]
            most = max(most, now)
            seen.add(seen_now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return Outcome(job, Measured())

    assert len(list(Local(3, ["4", "5"]).outcomes(work, PLAN.jobs()))) == 12
    assert most == 3 and seen == {"4", "5"}


def test_an_error_ends_the_others_and_is_raised() -> None:
    ended: list[str] = []

    def work(job: Job, environment: Mapping[str, str], cancelled: Callable[[], bool] | None) -> Outcome:
        if job.seed == 1 and not job.cell.is_untouched:
            raise LrightError("no such thing")
        while cancelled is not None and not cancelled():
            time.sleep(0.01)
        ended.append(str(job))
        return Outcome(job, Measured())

    jobs = PLAN.jobs()
    with pytest.raises(LrightError, match="no such thing"):
        list(Local(2).outcomes(work, [jobs[0], jobs[-1]]))
    assert ended == [str(jobs[0])]


def test_closing_ends_what_runs() -> None:
    ended: list[str] = []

    def work(job: Job, environment: Mapping[str, str], cancelled: Callable[[], bool] | None) -> Outcome:
        while job.seed == 1 and cancelled is not None and not cancelled():
            time.sleep(0.01)
        ended.append(str(job))
        return Outcome(job, Measured())

    jobs = PLAN.jobs()
    with closing(Local(2).outcomes(work, [jobs[0], jobs[-1], jobs[1]])) as outcomes:
        assert next(outcomes).job == jobs[0]
    assert set(ended) >= {str(jobs[0]), str(jobs[-1])}


def test_a_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(count: int) -> str | None:
        first = next(iter(Local(count).outcomes(_environment, PLAN.jobs()[:1])))
        return first.measured.message or None

    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert told(1) is None and told(4) == "2" and told(16) == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert told(4) is None


def _environment(job: Job, environment: Mapping[str, str], cancelled: Callable[[], bool] | None) -> Outcome:
    return Outcome(job, Measured(message=environment.get("OMP_NUM_THREADS", "")))


def test_what_a_run_is_asked_for(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    def measure(script: str, arguments: Sequence[str], **told: Any) -> Measured:
        asked.append({"arguments": arguments, **told})
        return Measured()

    task = Task(PLAN, cast(Measure, measure), 0.1, timeout=60.0, traces=str(tmp_path))
    for job in PLAN.jobs():
        task(job, {"A": "B"})
    assert asked[0]["schedule"] is asked[0]["peak"] is asked[0]["scale"] is None
    last = asked[-1]
    assert last["arguments"] == ("--seed", "1") and last["seed"] == 1 and last["metric"] == "val_loss"
    assert last["schedule"] == "cosine to 0" and last["peak"] == pytest.approx(0.3) and last["scale"] is None
    assert last["timeout"] == 60 and last["environment"] == {"A": "B"}
    assert len({one["trace"] for one in asked}) == 12 and all(Path(one["trace"]).parent == tmp_path for one in asked)


def test_ray_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LrightError, match=r"pip install 'lright\[ray\]'"), Ray():
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A real Ray on this machine, whose workers find the tests."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'lright[ray]'")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()
    os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


@pytest.mark.slow
class TestRay:
    def test_it_gives_what_the_local_engine_gives(self, cluster: Any) -> None:
        local = {outcome.job: outcome for outcome in Local().outcomes(Task(PLAN, fake, 0.1), PLAN.jobs())}
        with Ray() as engine:
            there = {outcome.job: outcome for outcome in engine.outcomes(Task(PLAN, fake, 0.1), PLAN.jobs())}
        # NaN is equal to nothing, so the texts are compared.
        assert {job: repr(one) for job, one in there.items()} == {job: repr(one) for job, one in local.items()}
        assert cluster.is_initialized()  # it was here before, so it stays

    def test_it_runs_elsewhere_and_in_the_same_folder(self, cluster: Any, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        monkeypatch.chdir(tmp_path)
        outcomes = list(Ray(jobs=1).outcomes(Task(PLAN, fake_on_ray), PLAN.jobs()[:2]))
        told = [outcome.measured.message.split("|") for outcome in outcomes]
        assert all(pid != str(os.getpid()) and folder == str(tmp_path) for pid, folder in told)

    def test_an_error_is_raised_here(self, cluster: Any) -> None:
        with pytest.raises(LrightError, match="no such metric"):
            list(Ray().outcomes(Task(replace(PLAN, metric="none"), fake_on_ray), PLAN.jobs()))
        with pytest.raises(LrightError, match="ZeroDivisionError"):
            list(Ray().outcomes(Task(replace(PLAN, metric="zero"), fake_on_ray), PLAN.jobs()))

    def test_closing_ends_what_runs(self, cluster: Any, tmp_path: Path) -> None:
        note = tmp_path / "note"
        jobs = [PLAN.jobs()[-1], PLAN.jobs()[0]]
        task = Task(replace(PLAN, metric=str(note)), cast(Measure, fake_forever))
        with closing(Ray().outcomes(task, jobs)) as outcomes:
            assert next(outcomes).job.seed == 0
        assert note.read_text("utf-8") == "interrupted\n"

    def test_a_run_that_fits_nowhere_is_refused(self, cluster: Any) -> None:
        with pytest.raises(LrightError, match="--ray-cpus"):
            next(Ray(cpus=1000).outcomes(Task(PLAN, fake), PLAN.jobs()))
        with pytest.raises(LrightError, match="--ray-gpus"):
            next(Ray(gpus=64).outcomes(Task(PLAN, fake), PLAN.jobs()))
