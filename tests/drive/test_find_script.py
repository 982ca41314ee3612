"""The range test on scripts that are not ours: in their own process, unchanged, with the real frameworks."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

pytest.importorskip("torch", reason="runs real trainings")

from lright.drive.find import find
from lright.errors import LrightError, ReadError
from lright.find.search import SearchOptions

SCRIPTS = Path(__file__).parent.parent / "data" / "scripts"
SHORT = SearchOptions(steps=80)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scripts write where they are started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def script(name: str) -> str:
    return str(SCRIPTS / f"{name}.py")


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}, which is not installed")


def test_a_plain_script_is_swept_and_stopped_and_writes_nothing(alone: Path) -> None:
    found = find(script("plain"), ("--epochs", "10"), SHORT)
    assert found is not None
    assert found.optimizers == ("AdamW",)
    assert 1e-4 < found.answer.suggestion < 0.3 and not found.answer.abstained
    assert found.withheld == ("checkpoint.pt.new", "checkpoint.pt")
    assert list(alone.iterdir()) == []


def test_allowed_saves_are_written(alone: Path) -> None:
    find(script("plain"), ("--epochs", "10"), SHORT, saves="kept")
    assert (alone / "checkpoint.pt").exists()


def test_a_script_that_is_over_early_gets_a_shorter_sweep() -> None:
    found = find(script("plain"), ("--epochs", "4"), SHORT)  # 64 updates
    assert found is not None and len(found.answer.curve.losses) <= 64


def test_a_script_that_is_far_too_short_is_told_so() -> None:
    with pytest.raises(LrightError, match=r"over after 16 updates and a sweep takes 80: let it run longer"):
        find(script("plain"), ("--epochs", "1"), SHORT)


def test_trials_start_the_script_again_where_it_is_over() -> None:
    options = SearchOptions(steps=60, trials=3, trial_steps=20)
    found = find(script("plain"), ("--epochs", "5"), options)  # 80 updates in one go
    assert found is not None and len(found.answer.trials) == 3


def test_a_gan_drives_one_of_two_optimizers_and_never_ends_by_itself() -> None:
    found = find(script("gan"), (), SHORT, optimizer=1)
    assert found is not None
    assert found.optimizers == ("Adam", "RMSprop") and found.answer.optimizer == "RMSprop"


def test_an_optimizer_that_is_not_there_is_told_so() -> None:
    with pytest.raises(LrightError, match=r"--optimizer 1: only 1 made updates: AdamW"):
        find(script("plain"), ("--epochs", "1"), SHORT, optimizer=1)


def test_accumulation_scaler_groups_and_a_script_that_catches_everything() -> None:
    found = find(script("accumulating"), (), SHORT)
    assert found is not None
    losses = [loss for loss in found.answer.curve.losses if loss == loss]
    assert max(losses[:20]) < 100  # as the script has it, not as the scaler scales it by 65,536


def test_closures_and_compiled_steps_are_driven() -> None:
    for name, optimizer in (("closure", "LBFGS"), ("compiled", "Adam")):
        found = find(script(name), (), SHORT)
        assert found is not None and found.answer.optimizer == optimizer


@pytest.mark.parametrize(
    ("name", "module"),
    [("with_lightning", "lightning"), ("with_trainer", "transformers"), ("with_accelerate", "accelerate")],
)
def test_frameworks(name: str, module: str, alone: Path) -> None:
    needs(module)
    found = find(script(name), (), SHORT)
    assert found is not None and found.withheld
    assert 1e-4 < found.answer.suggestion < 0.3
    assert not [path for path in alone.rglob("*") if path.is_file()]


def test_two_processes_under_torchrun_agree(alone: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "lright", "find"]
    told = subprocess.run(
        [*command, script("distributed"), "--steps", "60", "--format", "json", "--no-progress"],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout)
    jsonschema.validate(answer, json.loads(files("lright").joinpath("schemas/find-v1.schema.json").read_text("utf-8")))
    assert answer["optimizers"] == ["AdamW"] and 1e-4 < answer["suggestion"] < 0.5


def test_a_script_that_fails_is_shown_with_its_own_words(alone: Path) -> None:
    Path("broken.py").write_text("import torch\nprint('before')\nraise ValueError('no data here')\n")
    with pytest.raises(LrightError, match=r"broken.py failed.*ValueError: no data here \(broken.py:3\)") as raised:
        find("broken.py", (), SHORT)
    assert "before" in str(raised.value) and "lright/drive" not in str(raised.value)


def test_what_is_no_training_is_told_so(alone: Path) -> None:
    Path("nothing.py").write_text("print('hello')\n")
    with pytest.raises(LrightError, match=r"ended without an update of a PyTorch optimizer"):
        find("nothing.py", (), SHORT)
    with pytest.raises(ReadError, match=r"missing.py: is not there"):
        find("missing.py", (), SHORT)


def test_an_interrupted_sweep_keeps_what_it_has(alone: Path) -> None:
    slowly = "import time\nwhile True:\n    time.sleep(0.02)"
    Path("slow.py").write_text(Path(script("gan")).read_text().replace("while True:", slowly))
    command = [sys.executable, "-m", "lright", "find", "slow.py", "--format", "json", "--steps", "400"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    assert process.stderr is not None and "1 of 400" in process.stderr.readline()  # the first line of progress
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    told = json.loads(out)
    assert told["interrupted"] and 10 < len(told["curves"][0]["losses"]) < 400
