"""The trace of a run: what is read, what is refused, and what it says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lright.errors import LrightError, ReadError
from lright.rules.example_runs import cosine, falling, made
from lright.trace import FORMAT, VERSION, Trace, append, line

START = {"kind": "start", "format": FORMAT, "version": VERSION, "run": "9f3a", "piece": 0}


def update(number: int, lr: float = 0.1, loss: float | None = 2.0, **more: object) -> dict[str, object]:
    return {"kind": "update", "optimizer": 0, "update": number, "lr": [lr], "loss": loss, **more}


def test_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    rows = [START, update(0, epoch=0, batch=1, grad_norm=1.5, ratio=[1e-3]), update(1, loss=math.nan)]
    tick = {"kind": "tick", "scheduler": 0, "update": 3, "metric": math.inf, "at": "train.py:40"}
    append(path, [*rows, update(2, loss=None), tick])
    trace = Trace.read(path)
    track = trace.updates[0]
    assert list(track.numbers) == [0, 1, 2]
    assert track.losses[0] == 2.0
    assert [track.known_loss(at) for at in range(3)] == [True, True, False]
    assert track.broken == [1]
    assert track.grad_norms[0] == 1.5
    assert track.ratios == {0: (1e-3,)}
    assert trace.ticks[0].metrics[0] == math.inf
    assert trace.ticks[0].places == ["train.py:40"]


def test_lines_are_strict_json(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    append(path, [update(0, loss=math.nan), update(1, lr=math.inf)])
    for text in path.read_text("utf-8").splitlines():
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@given(st.floats(), st.integers(0, 10**9))
def test_any_number_survives(loss: float, number: int) -> None:
    trace = Trace.of([json.loads(line(update(number, loss=loss)))])
    (read,) = trace.updates[0].losses
    assert read == loss or (math.isnan(read) and math.isnan(loss))
    assert trace.updates[0].numbers[0] == number


def test_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    append(path, [START, update(0)])
    with path.open("a") as file:
        file.write('{"kind":"update","optim')
    assert list(Trace.read(path).updates[0].numbers) == [0]


def test_a_run_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    append(path, [START, update(0)])
    with path.open("a") as file:
        file.write('{"kind":"update","optim')
    append(path, [{**START, "piece": 1}, update(1)])
    trace = Trace.read(path)
    assert len(trace.pieces) == 2
    assert list(trace.updates[0].numbers) == [0, 1]
    assert trace.updates[0].joints == [1]


def test_torn_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(line(START) + '\n{"kind":"upd\n' + line(update(0)) + "\n", "utf-8")
    with pytest.raises(ReadError, match=r"trace\.jsonl: line 2: is no JSON"):
        Trace.read(path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"kind": "nonsense"}, "'nonsense' is no kind"),
        ({"update": 1}, "None is no kind"),
        ({"kind": "update", "update": 1}, "lacks 'lr'"),
        ({"kind": "update", "update": "1", "lr": [0.1]}, "update='1'"),
        ({"kind": "update", "update": 1, "lr": []}, "lr=[]"),
        ({"kind": "update", "update": 1, "lr": [0.1], "loss": "low"}, "loss='low'"),
        ({"kind": "tick", "update": 1}, "lacks 'scheduler'"),
        ({"kind": "metric", "name": "val_loss", "value": None}, "value=None"),
        ({"kind": "start", "format": FORMAT, "version": 2}, "version 2"),
    ],
)
def test_wrong_rows_are_refused(row: dict[str, object], said: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(line(START) + "\n" + json.dumps(row) + "\n", "utf-8")
    with pytest.raises(ReadError) as error:
        Trace.read(path)
    assert "line 2: " in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["", "\n", "hello\n"])
def test_no_trace_at_all(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(ReadError, match=r"trace\.jsonl"):
        Trace.read(path)
    with pytest.raises(ReadError, match="cannot be read"):
        Trace.read(tmp_path / "missing.jsonl")


NAMES = st.sampled_from(["kind", "update", "lr", "loss", "scheduler", "epoch", "reason"])
PLAIN = st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["update", "tick", "end", "metric"])


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8))
def test_any_row_is_read_or_refused(row: object) -> None:
    try:
        trace = Trace.of([row])  # type: ignore[list-item]
    except LrightError:
        return
    assert trace.length == 1


def test_skipped_updates_are_apart() -> None:
    trace = Trace.of([update(0), update(1, skipped=True), update(1)])
    assert list(trace.updates[0].numbers) == [0, 1]
    assert trace.updates[0].skips == [1]


def test_the_main_group_has_the_most_parameters() -> None:
    groups = [{"lr": 1.0, "parameters": 10}, {"lr": 0.1, "parameters": 1000}]
    rows = [{"kind": "optimizer", "optimizer": 0, "class": "SGD", "groups": groups}, {**update(0), "lr": [1.0, 0.1]}]
    assert Trace.of(rows).updates[0].rates() == [0.1]


def test_equal_rates_are_kept_once() -> None:
    track = Trace.of([update(number) for number in range(5)]).updates[0]
    assert all(rates is track.lrs[0] for rates in track.lrs)


def test_csv() -> None:
    trace = Trace.of([update(0, epoch=0, batch=1, grad_norm=0.5), {**update(1, loss=None), "lr": [0.1, 0.2]}])
    assert list(trace.csv()) == [
        "optimizer,update,epoch,batch,loss,grad_norm,lr_0,lr_1",
        "0,0,0,1,2.0,0.5,0.1,",
        "0,1,,,,,0.1,0.2",
    ]


def test_epochs_are_those_of_the_loader_trained_on() -> None:
    passes = [
        {"kind": "epoch", "loader": loader, "epoch": epoch, "training": loader == 0, "update": 10 * (epoch + loader)}
        for epoch in range(3) for loader in (0, 1)
    ]  # fmt: skip
    trace = Trace.of(passes)
    assert [one.epoch for one in trace.epochs()] == [0, 1, 2]
    assert len(trace.evaluations()) == 3


def test_made_runs_are_traces() -> None:
    trace = made(100, cosine(0.1, 100), falling(), readings={"val_loss": [1.0, 0.5]})
    assert trace.ended == "finished"
    assert trace.main is trace.updates[0]
    assert list(trace.metrics["val_loss"].updates) == [50, 100]
