"""Watching scripts that are not ours, running them with other schedules, and measuring them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="runs real trainings")

from lright.drive.measured import Measured
from lright.drive.run import measure, run
from lright.drive.watch import watch
from lright.errors import LrightError
from lright.trace import Trace

SCRIPTS = Path(__file__).parent.parent / "data" / "scripts"
PLAIN = str(SCRIPTS / "plain.py")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def test_a_watched_script_runs_as_it_is_and_is_recorded(alone: Path) -> None:
    watched = watch(PLAIN, ("--epochs", "3"))
    assert watched is not None and watched.code == 0
    assert (alone / "checkpoint.pt").exists()
    trace = watched.trace
    assert trace.ended == "finished" and len(trace.updates[0]) == 48
    assert trace.updates[0].rates()[0] == pytest.approx(1e-3)
    assert [ticks.updates[0] for ticks in trace.ticks.values()] == [16]
    assert trace.schedulers[0]["class"] == "CosineAnnealingLR" and trace.schedulers[0]["arguments"] == {"T_max": 3}
    assert trace.loaders[0]["length"] == 16
    assert len(trace.metrics["eval loss"]) == 3
    assert watched.predicted[0].points[-1] == pytest.approx((47, trace.updates[0].rates()[-1]))


def test_a_crash_is_recorded_and_the_next_run_is_another_piece(alone: Path) -> None:
    fails = "    scheduler.step()\n    assert epoch < 2 or args.out\n"
    Path("train.py").write_text(Path(PLAIN).read_text().replace("    scheduler.step()\n", fails))
    crashed = watch("train.py", ("--epochs", "5", "--out", ""))
    assert crashed is not None and crashed.code == 1
    assert crashed.trace.ended == "crashed"
    again = watch("train.py", ("--epochs", "3"))
    assert again is not None and len(again.trace.pieces) == 2 and again.trace.ended == "finished"
    fresh = watch("train.py", ("--epochs", "1"))
    assert fresh is not None and len(fresh.trace.pieces) == 1
    assert Path("lright-trace.jsonl.1").exists()  # the finished run is kept


def test_stop_on_diverged_stops_the_script() -> None:
    watched = watch(PLAIN, ("--epochs", "200", "--lr", "500"), stop_on=["diverged"])
    assert watched is not None and watched.trace.ended == "stopped"
    assert [row["rule"] for row in watched.trace.findings].count("LR607") == 1
    assert len(watched.trace.updates[0]) < 200 * 16


def test_another_schedule_is_what_the_updates_get() -> None:
    watched = run(PLAIN, ("--epochs", "5"), schedule="warmup 5% > cosine to 0", peak=0.01)
    assert watched is not None
    rates = watched.trace.updates[0].rates()
    assert max(rates) == pytest.approx(0.01) and rates[0] == pytest.approx(0.01 / 5) and rates[-1] < 1e-4
    assert len(rates) == 80


def test_the_own_schedule_can_be_scaled() -> None:
    watched = run(PLAIN, ("--epochs", "4"), scale=3.0)
    assert watched is not None
    expected = [3e-3 * share for share in (1, 0.853553, 0.5, 0.146447)]
    assert watched.trace.updates[0].rates()[::16] == pytest.approx(expected, rel=1e-5)


def test_groups_keep_their_ratio(alone: Path) -> None:
    text = (SCRIPTS / "accumulating.py").read_text().replace("range(10_000)", "range(40)")
    Path("groups.py").write_text(text)
    watched = run("groups.py", schedule="linear to 0", updates=40)
    assert watched is not None
    first, *_, last = watched.trace.updates[0].lrs
    assert first == pytest.approx((1e-3, 1e-2)) and last == pytest.approx((1e-3 / 40, 1e-2 / 40))


def test_the_length_of_a_trainers_run_is_asked_of_the_trainer() -> None:
    pytest.importorskip("transformers", reason="its Trainer")
    watched = run(str(SCRIPTS / "with_trainer.py"), schedule="linear to 0")
    assert watched is not None
    rates = watched.trace.updates[0].rates()
    assert len(rates) == 6 * 32 and rates[-1] == pytest.approx(rates[0] / len(rates))
    assert "eval_loss" in watched.trace.metrics


def test_a_length_that_nobody_knows_is_asked_for(alone: Path) -> None:
    text = (SCRIPTS / "gan.py").read_text().replace("while True:", "for _ in range(int(open('steps').read())):")
    Path("gan.py").write_text(text)
    Path("steps").write_text("20")
    with pytest.raises(LrightError, match=r"how many updates the run makes is not seen .* --updates N"):
        run("gan.py", schedule="cosine to 0")
    watched = run("gan.py", schedule="cosine to 0", updates=20)
    assert watched is not None and len(watched.trace.updates) == 2


def test_measuring_reads_logged_and_printed_metrics(alone: Path) -> None:
    def measured(metric: str, seed: int = 0) -> Measured:
        arguments = ("--epochs", "3")
        return measure(PLAIN, arguments, schedule=None, peak=None, scale=None, seed=seed, metric=metric, trace=None)

    logged, printed = measured("eval loss"), measured("val_loss")
    assert [v for _, v in logged.values] == pytest.approx([v for _, v in printed.values], abs=1e-4)
    assert logged.updates == 48 and logged.ended == "finished" and logged.own_peak == 1e-3
    assert list(alone.iterdir()) == []
    assert measured("eval loss").final == logged.final
    assert measured("eval loss", seed=1).final != logged.final
    with pytest.raises(LrightError, match=r"--metric 'bleu': .* seen: 'eval loss'"):
        measured("bleu")


def test_a_diverged_run_is_a_result() -> None:
    arguments = ("--epochs", "3", "--lr", "1e30")
    asked = {"schedule": None, "peak": None, "scale": None, "seed": None, "trace": None}
    measured = measure(PLAIN, arguments, metric="eval loss", **asked)  # type: ignore[arg-type]
    assert measured.ended == "diverged"


def test_the_command_reports_and_gives_the_scripts_exit_code(alone: Path) -> None:
    Path("fails.py").write_text(Path(PLAIN).read_text() + "\nraise SystemExit(3)\n")
    command = [sys.executable, "-m", "lright", "watch", "fails.py", "--format", "json", "--no-view", "--csv", "u.csv"]
    told = subprocess.run([*command, "--", "--epochs", "2"], capture_output=True, text=True)
    assert told.returncode == 3
    report = json.loads(told.stdout[told.stdout.index("{") :])
    assert report["updates"] == 32
    assert len(Path("u.csv").read_text().splitlines()) == 33
    assert Trace.read("lright-trace.jsonl").ended == "crashed"
