"""`lright ablate` as a person meets it: what it prints, draws, keeps, and goes on with."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ablate.fake import fake
from lright.ablate.command import add_options, run
from lright.drive.measured import Measured
from lright.errors import LrightError, UsageError

Ablate = Callable[..., tuple[int, str, str]]
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def ablate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ablate:
    """The command in a folder with a script; gives its code, output and messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    Path("train.py").write_text("print('train')\n", "utf-8")

    def command(*words: str, measure: Any = fake, script_arguments: tuple[str, ...] = ()) -> tuple[int, str, str]:
        code = run(asked_for(*words), "train.py", script_arguments, measure)
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def asked_for(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.set_defaults(module=False, seed=None)
    add_options(parser)
    return parser.parse_args(words)


def counting(measure: Any = fake) -> tuple[Any, list[int]]:
    calls: list[int] = []

    def counted(*arguments: Any, **told: Any) -> Measured:
        calls.append(1)
        measured: Measured = measure(*arguments, **told)
        return measured

    return counted, calls


def test_the_whole_of_it(ablate: Ablate) -> None:
    code, out, err = ablate()
    assert code == 0
    assert err.startswith("train.py: 45 runs (3 schedules x 3 peaks x 5 seeds), kept in lright-ablate")
    assert "[ 1/45] own, own LR, seed 0: val_loss 0.5393, 38 s; about 27 min left\n" in err
    assert "[45/45]" in err and err.count("diverged: the loss is no number") == 5
    assert "3 schedules, 3 peaks, 5 seeds: 45 runs\n" in out
    assert re.search(r"^own +0\.593 ±\.028 +0\.531 ±\.026\* +5 div$", out, re.MULTILINE)
    assert re.search(r"^  cosine to 0 +\+0\.063 \[\+0\.048, \+0\.078\] better   p <\.001$", out, re.MULTILINE)
    flat = " ".join(out.split())
    assert "'cosine to 0' (peak 0.3) is better than own (peak 0.1): val_loss is lower by 0.063 (0.048 to 0.078)" in flat
    assert "No ranking of 'cosine to 0' and 'warmup 5% > cosine to 0' can be told at 5 seeds" in flat
    assert "the best peak is the largest tried. Try higher ones" in flat
    assert "3 comparisons are made at once" in flat and "Holm" in flat and "4 degrees of freedom" in flat
    assert max(map(len, out.splitlines())) <= 80


def test_a_second_time_nothing_is_run(ablate: Ablate) -> None:
    _, first, _ = ablate()
    measure, calls = counting()
    code, again, err = ablate(measure=measure)
    assert code == 0 and not calls and again == first and "45 of them kept" in err
    ablate("--seeds", "6", measure=measure)
    assert len(calls) == 9  # the new seed only
    ablate("--fresh", "--seeds", "1", measure=measure)
    assert len(calls) == 18


def test_a_budget_is_kept_and_gone_on_with(ablate: Ablate) -> None:
    measure, calls = counting()
    code, out, _ = ablate("--budget-runs", "7", measure=measure)
    assert code == 0 and len(calls) == 7 and "7 of 45 runs so far" in out
    assert "38 runs not made yet: the same command goes on with them" in " ".join(out.split())
    ablate(measure=measure)
    assert len(calls) == 45


def test_json_is_as_its_schema_says(ablate: Ablate) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(files("lright").joinpath("schemas/ablate-v1.schema.json").read_text("utf-8"))
    for words in ((), ("--seeds", "1", "--peaks", "1"), ("--schedules", "own"), ("--peaks", "0.05,0.2"),
                  ("--seeds", "2", "--budget-runs", "1", "--store", "other.jsonl")):  # fmt: skip
        _, out, _ = ablate("--format", "json", *words)
        document = json.loads(out)
        jsonschema.validate(document, schema)
    _, out, _ = ablate("--format", "json")
    told = json.loads(out)
    assert told["own_peak"] == 0.1 and [peak["lr"] for peak in told["peaks"]] == [0.03, 0.1, 0.3]
    assert len(told["runs"]) == 45
    assert [one["verdict"] for one in told["comparisons"]] == ["better", "better", "unclear"]
    assert told["best"][1] == {"schedule": "cosine to 0", "peak": {"factor": 3.0, "lr": 0.3},
                               "mean": pytest.approx(0.4678, abs=1e-3), "edge": "largest", "steady": True}  # fmt: skip


def test_csv(ablate: Ablate) -> None:
    _, out, _ = ablate("--format", "csv", "--seeds", "2")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 18 and rows[0]["schedule"] == "own"
    assert float(rows[0]["value"]) == pytest.approx(0.5393, abs=1e-4)
    assert {row["ended"] for row in rows} == {"finished", "diverged"}


def test_pictures(ablate: Ablate) -> None:
    code, out, _ = ablate("-o", "a.svg")
    assert code == 0 and out.endswith("a.svg: the picture\n") and "What the data show" in out
    root = ElementTree.parse("a.svg").getroot()
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
    assert "train.py: val_loss, 5 seeds" in texts and "cosine to 0, best at 0.3" in texts
    assert "own, best at 0.1 (× diverged)" in texts and texts.count("over own") == 2
    pytest.importorskip("matplotlib")
    assert ablate("-o", "a.png")[0] == 0 and Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert ablate("-o", "b.svg", "--seeds", "1", "--peaks", "1")[0] == 0
    assert ablate("-o", "b.png", "--seeds", "1", "--peaks", "1")[0] == 0


def test_narrow_plain_terminals(ablate: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    _, out, _ = ablate("--peaks", "5")
    assert max(len(line) for line in out.splitlines() if "[" not in line) <= 50
    assert out.count("at the peak") > 1  # the table in pieces


def test_named_peaks(ablate: Ablate) -> None:
    _, out, err = ablate("--peaks", "0.05,0.2", "--seeds", "3")
    assert "19 runs (3 schedules x 2 peaks x 3 seeds + the script as it is)" in err
    assert "the script as it is (peak 0.1, seed 0): 0.539" in " ".join(out.split())


def test_peaks_around_a_find(ablate: Ablate) -> None:
    Path("found.json").write_text('{"suggestion": 0.02}', "utf-8")
    _, out, _ = ablate("--from-find", "found.json", "--seeds", "1", "--schedules", "cosine to 0,hold")
    assert re.search(r"at the peak +6e-3|at the peak +0\.006", out)
    with pytest.raises(UsageError, match="--from-find"):
        ablate("--from-find", "found.json", "--peaks", "1e-3,1e-2")


def test_the_script_as_it_is_has_to_run(ablate: Ablate) -> None:
    def crashing(*arguments: Any, **told: Any) -> Measured:
        return Measured(ended="crashed", message="ModuleNotFoundError: No module named 'data'")

    measure, calls = counting(crashing)
    with pytest.raises(LrightError, match=r"train\.py as it stands crashed: ModuleNotFoundError"):
        ablate(measure=measure)
    assert len(calls) == 1
    with pytest.raises(LrightError, match=r"train\.py as it stands crashed"):  # told again, not run again
        ablate(measure=measure)
    assert len(calls) == 1
    with pytest.raises(LrightError, match="the first 4 runs failed"):
        ablate("--schedules", "cosine,hold", measure=measure)
    assert ablate("--retry", "--seeds", "1")[0] == 0


def test_no_value_of_the_metric(ablate: Ablate) -> None:
    with pytest.raises(LrightError, match="without a value of 'acc'"):
        ablate("--metric", "acc", measure=lambda *arguments, **told: Measured(updates=9, own_peak=0.1))


def test_one_failure_later_does_not_end_it(ablate: Ablate) -> None:
    def failing(*arguments: Any, **told: Any) -> Measured:
        if told["seed"] == 1 and told["schedule"] == "hold":
            raise LrightError("the length of the training is not known")
        return fake(*arguments, **told)

    code, out, _ = ablate("--schedules", "own,hold", "--seeds", "3", measure=failing)
    flat = " ".join(out.split())
    assert code == 0 and "3 runs failed and are left out: hold, peak x0.3, seed 1, crashed: the length of" in flat
    measure, calls = counting()
    ablate("--schedules", "own,hold", "--seeds", "3", "--retry", measure=measure)
    assert len(calls) == 3


@pytest.mark.parametrize(
    "words, said",
    [
        (("--metric", "thing"), "--mode"), (("--format", "png"), "--output"), (("-o", "a.gif"), "ending"),
        (("--schedules", "own", "--peaks", "1"), "nothing to compare"), (("--ray-address", "auto"), "--engine ray"),
    ],
)  # fmt: skip
def test_wrong_usage(ablate: Ablate, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ablate(*words)
    assert not Path("lright-ablate").exists()


STUB = """
import sys
sys.path[:0] = {paths!r}
from ablate.test_command import asked_for
from ablate.stub import measure
from lright.ablate.command import run
sys.exit(run(asked_for(*sys.argv[1:]), "train.py", ("--length", "5"), measure))
"""
TRAIN = """
import argparse, random, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--length", type=int)
parser.add_argument("--seed", type=int)
asked = parser.parse_args()
noise = random.Random(asked.seed)
for step in range(asked.length):
    time.sleep(0.02)
    print("val_loss", (asked.lr - 0.3) ** 2 + noise.gauss(1, 0.01), flush=True)
"""


def started(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    (tmp_path / "train.py").write_text(TRAIN, "utf-8")
    (tmp_path / "command.py").write_text(STUB.format(paths=[str(TESTS), str(TESTS.parent / "src")]), "utf-8")
    command = [sys.executable, "command.py", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


@pytest.mark.parametrize("jobs, whole_group", [("1", True), ("2", False)])
def test_ctrl_c_keeps_and_tells_what_there_is(tmp_path: Path, jobs: str, whole_group: bool) -> None:
    """Real processes, interrupted as by a terminal (all of them) and by ``kill -INT`` (the command alone)."""
    process = started(tmp_path, "--schedules", "own,hold", "--jobs", jobs)
    store = tmp_path / "lright-ablate" / "train.jsonl"
    until = time.monotonic() + 120
    while not store.exists() or len(store.read_text("utf-8").splitlines()) < 4:
        assert time.monotonic() < until and process.poll() is None, process.communicate()
        time.sleep(0.05)
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted; the runs made are kept in" in err and re.search(r"\d+ of 30 runs so far", out)
    kept = store.read_text("utf-8").splitlines()
    assert 4 <= len(kept) < 30 and all(json.loads(line)["ended"] == "finished" for line in kept)
    done = started(tmp_path, "--schedules", "own,hold", "--jobs", "2", "--seeds", "2")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0 and f"{min(len(kept), 12)} of them kept" in err and ": 12 runs" in out


def test_a_kill_loses_only_what_was_running(tmp_path: Path) -> None:
    process = started(tmp_path, "--schedules", "own,hold", "--seeds", "2")
    store = tmp_path / "lright-ablate" / "train.jsonl"
    while not store.exists() or len(store.read_text("utf-8").splitlines()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = store.read_text("utf-8")
    out, err = started(tmp_path, "--schedules", "own,hold", "--seeds", "2").communicate(timeout=120)
    assert store.read_text("utf-8").startswith(before) and ": 12 runs" in out, err


@pytest.mark.slow
@pytest.mark.torch
def test_a_real_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    from lright.drive.run import measure

    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(REAL, "utf-8")
    code = run(asked_for("--schedules", "own,linear to 0", "--peaks", "1", "--seeds", "2"), "train.py", (), measure)
    out = capsys.readouterr().out
    assert code == 0 and "at the peak" in out and re.search(r"^own +0?\.?\d", out, re.MULTILINE), out
    rows = [json.loads(line) for line in Path("lright-ablate/train.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 4 and {row["updates"] for row in rows} == {30} and rows[0]["own_peak"] == pytest.approx(0.05)
    assert len({row["final"] for row in rows}) == 4  # seeds and schedules both reach the script


REAL = """
import torch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x = torch.randn(64, 4)
y = x.sum(1, keepdim=True) + torch.randn(64, 1)
for update in range(30):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    if update % 10 == 9:
        print(f"update {update} val_loss {loss.item():.6f}")
"""
