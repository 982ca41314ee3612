"""The recorder: one file, several pieces, what it stops on, and what it says of bad input."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

from lright.errors import LrightError, UsageError
from lright.finding import Finding
from lright.timeline import Place
from lright.trace import Trace
from lright.watch.recorder import Recorder


class Sees:
    """A judge that finds something at one update."""

    def __init__(self, rule: str, update: int) -> None:
        self.rule, self.update = rule, update

    def feed(self, rows: list[dict[str, object]]) -> list[Finding]:
        seen = any(row["kind"] == "update" and row["update"] == self.update for row in rows)
        place = Place(1, 1, 1, 1)
        return [Finding(self.rule, "slug", "error", "proven", place, "said", numbers={"update": self.update})] * seen


def record(path: Path, updates: int, **options: object) -> Recorder:
    recorder = Recorder(path, script="train.py", judge=options.pop("judge", None), **options)  # type: ignore[arg-type]
    recorder.optimizer(0, "SGD", [{"lr": 0.1}])
    for update in range(updates):
        recorder.update(0, update, [0.1], 1.0)
    return recorder


def test_what_is_told_is_what_is_read(tmp_path: Path) -> None:
    with record(tmp_path / "t.jsonl", 2000) as recorder:
        recorder.update(0, 2000, [0.1], math.nan, grad_norm=math.inf, ratio=[0.01], epoch=1, batch=3)
        recorder.metric("val_loss", 0.5, 2001)
    trace = Trace.read(tmp_path / "t.jsonl")
    assert len(trace.updates[0]) == 2001 and trace.ended == "finished"
    assert trace.pieces[-1].end["updates"] == [2001]
    assert list(trace.updates[0].broken) == [2000] and trace.metrics["val_loss"].values[0] == 0.5


def test_a_run_that_broke_off_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    record(path, 3).flush()  # and is killed
    path.write_bytes(path.read_bytes() + b'{"kind":"upd')  # in the middle of a line
    record(path, 2).end()
    trace = Trace.read(path)
    assert [piece.start["piece"] for piece in trace.pieces] == [0, 1]
    assert trace.pieces[0].start["run"] == trace.pieces[1].start["run"]


def test_a_finished_run_and_another_script_are_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    record(path, 1).end()
    record(path, 2).flush()
    other = Recorder(path, script="other.py", judge=None)
    other.end()
    record(path, 1, resume=False).end()
    assert [len(Trace.read(tmp_path / f"t.jsonl{n}").pieces) for n in ("", ".1", ".2", ".3")] == [1, 1, 1, 1]


def test_it_says_when_to_stop_once(tmp_path: Path) -> None:
    said: list[Finding] = []
    judge = Sees("LR607", 100)
    recorder = Recorder(tmp_path / "t.jsonl", judge=judge, stop_on=["diverged"], on_finding=said.append)
    stops = [recorder.update(0, update, [0.1], 1.0) for update in range(2000)]
    assert True in stops and not any(stops[:100]) and len(said) == 1
    recorder.end("stopped")
    (row,) = [row for row in map(json.loads, (tmp_path / "t.jsonl").open()) if row["kind"] == "finding"]
    assert row["rule"] == "LR607" and row["update"] == 100
    other = Recorder(tmp_path / "u.jsonl", judge=Sees("LR604", 100), stop_on=["LR607"])
    assert not any(other.update(0, update, [0.1], 1.0) for update in range(2000))


def test_what_cannot_be_done_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--stop-on 'explodes': give a rule"):
        Recorder(tmp_path / "t.jsonl", judge=None, stop_on=["explodes"])
    (tmp_path / "file").write_text("")
    with pytest.raises(LrightError, match=r"the trace cannot be written there .*: name another file"):
        Recorder(tmp_path / "file" / "t.jsonl", judge=None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(LrightError, match="--tensorboard needs the package tensorboard"):
        Recorder(tmp_path / "t.jsonl", judge=None, tensorboard=str(tmp_path))


def test_other_ranks_are_silent(tmp_path: Path) -> None:
    record(tmp_path / "t.jsonl", 5, rank=1).end()
    assert not (tmp_path / "t.jsonl").exists()


def test_an_exception_is_how_it_ended(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bad data"), record(tmp_path / "t.jsonl", 1):
        raise ValueError("bad data")
    assert Trace.read(tmp_path / "t.jsonl").pieces[-1].end["message"] == "ValueError: bad data"
