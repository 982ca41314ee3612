"""Reading what is asked for, the order of the runs, and the names under which they are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lright.ablate.job import OWN, Cell, Job, Outcome, Peak, thinned
from lright.ablate.plan import (
    Plan,
    checked,
    direction,
    found_peak,
    read_peaks,
    read_schedules,
    read_seeds,
    sources,
)
from lright.drive.measured import Measured
from lright.errors import LrightError, ReadError, UsageError


def plan_of(script: Path, **changes: object) -> Plan:
    told: dict[str, object] = {
        "script": str(script), "arguments": (), "schedules": (OWN, "cosine to 0"), "peaks": read_peaks("3"),
        "seeds": (0, 1), "metric": "val_loss", "mode": "min", **changes,
    }  # fmt: skip
    return Plan(**told)  # type: ignore[arg-type]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("import model\nfrom data import loader\nfrom torch import nn\n", "utf-8")
    (tmp_path / "model.py").write_text("from layers.block import Block\n", "utf-8")
    (tmp_path / "data.py").write_text("import model\n", "utf-8")
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "block.py").write_text("class Block: ...\n", "utf-8")
    (tmp_path / "unrelated.py").write_text("", "utf-8")
    return path


@pytest.mark.parametrize(
    "text, schedules",
    [
        ("own,cosine to 0", ("own", "cosine to 0")),
        (" own , cosine ", ("own", "cosine to 0")),
        ("multi-step at 30ep, 60ep gamma 0.1,own", ("multi-step at 30ep, 60ep gamma 0.1", "own")),
        ("own,1-sqrt to 0", ("own", "1-sqrt to 0")),
    ],
)
def test_schedules(text: str, schedules: tuple[str, ...]) -> None:
    assert read_schedules([text]) == schedules
    assert read_schedules(text.split(",", 1) if "at" not in text else [text]) == schedules


@pytest.mark.parametrize("text, said", [("own,cosin to 0", "cosin"), ("own,own", "twice"), ("", "no schedule"),
                                        ("cosine,cosine to 0", "twice")])  # fmt: skip
def test_schedules_that_are_none(text: str, said: str) -> None:
    with pytest.raises(LrightError, match=said):
        read_schedules([text])


def test_peaks() -> None:
    assert [peak.factor for peak in read_peaks("1")] == [1]
    assert [peak.factor for peak in read_peaks("5")] == [0.1, 0.3, 1, 3, 10]
    assert [peak.lr for peak in read_peaks("3e-3, 1e-3")] == [1e-3, 3e-3]
    assert [peak.lr for peak in read_peaks("3", around=0.01)] == [0.003, 0.01, 0.03]
    assert [peak.lr for peak in read_peaks("1.0")] == [1.0]


@pytest.mark.parametrize("text", ["0", "10", "", ",", "a", "-1e-3", "1e-3,nan", "inf,1"])
def test_peaks_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--peaks"):
        read_peaks(text)


@pytest.mark.parametrize("text", ["0", "", "a", "-1", "1.5", ","])
def test_seeds_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--seeds"):
        read_seeds(text)


def test_directions() -> None:
    low = ("val_loss", "loss", "eval/ppl", "error_rate", "valLoss", "acc_loss")
    high = ("acc", "val_accuracy", "top1", "mIoU", "valAcc", "Accuracy/test")
    assert {direction(name) for name in low} == {"min"} and {direction(name) for name in high} == {"max"}
    with pytest.raises(UsageError, match="--mode"):
        direction("foo")


def test_what_a_find_suggested(tmp_path: Path) -> None:
    path = tmp_path / "find.json"
    path.write_text(json.dumps({"suggestion": 0.02}), "utf-8")
    assert found_peak(str(path)) == 0.02
    path.write_text("[]", "utf-8")
    with pytest.raises(ReadError, match="lright find"):
        found_peak(str(path))
    with pytest.raises(ReadError, match="lright find"):
        found_peak(str(tmp_path / "none.json"))


def test_the_script_as_it_is_comes_first_and_then_seed_by_seed(script: Path) -> None:
    jobs = plan_of(script).jobs()
    assert len(jobs) == len(set(jobs)) == 12
    assert jobs[0].cell.is_untouched and jobs[0].seed == 0
    assert [job.seed for job in jobs] == [0] * 6 + [1] * 6


def test_named_peaks_take_one_run_more_to_see_the_own_one(script: Path) -> None:
    assert len(plan_of(script, peaks=read_peaks("1e-3,3e-3")).jobs()) == 9
    assert len(plan_of(script, peaks=read_peaks("1e-3,3e-3"), schedules=("cosine to 0", "hold")).jobs()) == 8


def test_what_rate_a_run_asks_for() -> None:
    own, other = Cell(OWN, Peak(factor=3)), Cell("cosine to 0", Peak(factor=3))
    assert Job(own, 0).rate(0.1) == {"peak": None, "scale": 3}
    assert Job(other, 0).rate(0.1) == {"peak": 0.3, "scale": None}
    assert Job(other, 0).rate(None) == {"peak": None, "scale": 3}  # the child finds out what it multiplies
    assert Job(Cell("cosine to 0", Peak(lr=0.2)), 0).rate(0.1) == {"peak": 0.2, "scale": None}
    assert Job(Cell(OWN, Peak(lr=0.2)), 0).rate(0.1) == {"peak": None, "scale": 2}
    assert Job(Cell(OWN, Peak(factor=1)), 0).rate(0.1) == {"peak": None, "scale": None}


def test_the_seed_goes_into_the_arguments(script: Path) -> None:
    plan = plan_of(script, arguments=("--seed", "{seed}", "--out=run{seed}"))
    assert plan.arguments_of(plan.jobs()[-1]) == ("--seed", "1", "--out=run1")


def test_keys_are_of_all_that_matters(script: Path) -> None:
    keys = plan_of(script).keys()
    assert len(set(keys.values())) == len(keys) == 12
    more = plan_of(script, seeds=(0, 1, 2), schedules=("hold", "cosine to 0", OWN), take="best", mode="max").keys()
    assert all(more[job] == key for job, key in keys.items())  # what is added to a plan keeps what was run
    for changed in ({"arguments": ("--epochs", "2")}, {"metric": "acc"}):
        other = plan_of(script, **changed).keys()
        assert not set(other.values()) & set(keys.values())
    script.with_name("unrelated.py").write_text("x = 1\n", "utf-8")
    assert plan_of(script).keys() == keys
    (script.parent / "layers" / "block.py").write_text("class Block: x = 1\n", "utf-8")
    assert not set(plan_of(script).keys().values()) & set(keys.values())


def test_the_modules_beside_a_script(script: Path, tmp_path: Path) -> None:
    assert sorted(path.name for path in sources(script)) == ["block.py", "data.py", "model.py", "train.py"]
    script.write_text("def (", "utf-8")
    assert sources(script) == [script]
    with pytest.raises(ReadError, match="script"):
        sources(tmp_path / "none.py")


def test_a_module_is_read_from_the_folder(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script.parent)
    assert plan_of(Path("train"), module=True).keys()
    with pytest.raises(ReadError, match="module"):
        plan_of(Path("none"), module=True).keys()


def test_nothing_to_compare(script: Path) -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        checked(plan_of(script, schedules=(OWN,), peaks=read_peaks("1")))


def test_what_counts_of_an_outcome() -> None:
    job = Job(Cell(OWN, Peak(factor=1)), 0)
    values = ((0, 3.0), (9, 1.0), (19, 2.0))
    one = Outcome(job, Measured(values, 2.0, 1.0, 20))
    assert one.value("min", "final") == 2 and one.value("min", "best") == 1 and one.value("max", "best") == 3
    nan = Outcome(job, Measured(((0, float("nan")),), float("nan"), None, 20))
    assert nan.diverged and not nan.failed and nan.value("min", "final") is None
    crashed = Outcome(job, Measured(values, 2.0, 1.0, 20, "crashed", "ValueError: no"))
    assert crashed.failed and crashed.value("min", "final") is None and crashed.why == "crashed: ValueError: no"
    assert Outcome(job, Measured(ended="diverged")).diverged
    assert Outcome(job, Measured()).failed and "without a value" in Outcome(job, Measured()).why


def test_thinned_keeps_what_matters() -> None:
    values = [(u, float((u - 777) ** 2)) for u in range(5000)]
    few = thinned(values)
    assert len(few) <= 204 and {values[0], values[777], values[-1]} <= set(few)
    assert thinned([(0, float("nan"))] * 300, 10)[0][0] == 0
