"""A recorded run as a timeline: its loops, what happens in them, and that no trace upsets the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lright.case import Case
from lright.observe.live import judge, read
from lright.timeline import BATCH, EPOCH, EVALUATION, Site
from lright.trace import FORMAT, VERSION, Trace

Row = dict[str, Any]
LINE = {"update": "train.py:10", "epoch": "train.py:20", "evaluation": "train.py:30"}


def rows(
    epochs: int = 4, batches: int = 12, every: int = 1, known: bool = True, validated: bool = True,
    ticks: Callable[[int, int, int], Iterator[Row]] = lambda epoch, batch, update: iter(()),
) -> list[Row]:  # fmt: skip
    """A run as a recorder would tell it. ``ticks(epoch, batch, updates so far)`` gives those after a batch; batch -1 is
    the end of the epoch."""
    found: list[Row] = [
        {"kind": "start", "format": FORMAT, "version": VERSION},
        {"kind": "optimizer", "optimizer": 0, "class": "SGD", "groups": [{"lr": 0.1}], "at": "train.py:5"},
        {"kind": "scheduler", "scheduler": 0, "class": "StepLR", "framework": "torch", "optimizer": 0,
         "arguments": {"step_size": 2}, "at": "train.py:6"},
        {"kind": "loader", "loader": 0, "length": batches if known else None, "batch_size": 32},
        {"kind": "loader", "loader": 1, "length": 3, "batch_size": 32},
    ]  # fmt: skip
    update = 0
    for epoch in range(epochs):
        found.append({"kind": "epoch", "loader": 0, "epoch": epoch, "training": True, "update": update})
        for batch in range(1, batches + 1):
            if batch % every == 0:
                found.append({"kind": "update", "optimizer": 0, "update": update, "lr": [0.1], "loss": 1.0,
                              "epoch": epoch, "batch": batch, "backwards": every})  # fmt: skip
                update += 1
            found += ticks(epoch, batch, update)
        if validated:
            found.append({"kind": "epoch", "loader": 1, "epoch": epoch, "training": False, "update": update})
        found += ticks(epoch, -1, update)
    return [*found, {"kind": "end", "reason": "finished"}]


def tick(epoch: int, batch: int, update: int, at: str = "train.py:20", **more: Any) -> Row:
    return {"kind": "tick", "scheduler": 0, "update": update, "epoch": epoch, "batch": batch, "at": at, **more}


def folded(found: list[Row]) -> tuple[Case, list[Site]]:
    case = Case(read(Trace.of(found)).trainings[0])
    return case, case.training.of("tick")


def at_end(epoch: int, batch: int, update: int) -> Iterator[Row]:
    if batch == -1:
        yield tick(epoch, 12, update)


def after_update(epoch: int, batch: int, update: int) -> Iterator[Row]:
    if batch > 0:
        yield tick(epoch, batch, update)


def test_loops() -> None:
    case, (site,) = folded(rows(ticks=at_end))
    assert [loop.kind for loop in site.loops] == [EPOCH]
    (update,) = case.training.updates()
    assert [loop.kind for loop in update.loops] == [EPOCH, BATCH]
    assert [case.number(loop.trips) for loop in update.loops] == [4, 12]
    assert str(update.loops[1].trips) == "len(loader 0)"
    assert [case.number(loop.trips) for loop in case.evaluation_loops()] == [3]
    assert site.place.line == 20
    assert site.order > update.order


@pytest.mark.parametrize(
    ("ticks", "rate"),
    [
        (at_end, "once per epoch"),
        (after_update, "once per batch"),
        (lambda e, b, u: iter([tick(e, b, u)] if b > 0 and b % 4 == 0 else []), "once per batch, every 4"),
        (lambda e, b, u: iter([tick(e, 12, u)] if b == -1 and e % 2 else []), "once per epoch, every 2"),
        (lambda e, b, u: iter([tick(e, 12, u, training=False)] * 3 if b == -1 else []), "once per evaluation batch"),
    ],
)  # fmt: skip
def test_rates(ticks: Callable[[int, int, int], Iterator[Row]], rate: str) -> None:
    case, (site,) = folded(rows(epochs=8, ticks=ticks))
    assert str(case.rate(site)) == rate
    assert site.loops[-1].kind == {"once per evaluation batch": EVALUATION}.get(rate, site.loops[-1].kind)


def test_only_in_later_epochs() -> None:
    case, (site,) = folded(rows(epochs=8, ticks=lambda e, b, u: at_end(e, b, u) if e >= 3 else iter(())))
    play = case.play(case.training.optimizers[0])
    assert play is not None
    assert play.ticks(site.event.subject) == 5
    assert [play.ticks_before(12 * epoch, site.event.subject) for epoch in range(8)] == [0, 0, 0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("known", [True, False])
def test_accumulation(known: bool) -> None:
    def ticks(epoch: int, batch: int, update: int) -> Iterator[Row]:
        return after_update(epoch, batch, update) if batch % 4 == 0 else iter(())

    case, (site,) = folded(rows(every=4, known=known, ticks=ticks))
    assert str(case.rate(site)) == "once per optimizer update"
    assert case.number(case.accumulation(0)) == 4
    play = case.play(case.training.optimizers[0])
    assert play is not None
    assert (play.updates, play.ticks(site.event.subject)) == (12, 12)


def test_micro_batches() -> None:
    case, (site,) = folded(rows(every=4, ticks=after_update))
    assert str(case.rate(site)) == "once per batch"
    play = case.play(case.training.optimizers[0])
    assert play is not None
    assert play.ticks(site.event.subject) == 48


def test_two_places() -> None:
    def both(epoch: int, batch: int, update: int) -> Iterator[Row]:
        if batch > 0:
            yield tick(epoch, batch, update, "train.py:10")
        else:
            yield tick(epoch, 12, update, "train.py:20")

    case, sites = folded(rows(ticks=both))
    rates = {site.place.line: str(case.rate(site)) for site in sites}
    assert rates == {10: "once per batch", 20: "once per epoch"}


def test_loop_left_early() -> None:
    """The loader has 100 batches, and every epoch is left after 12."""
    found = [dict(row, length=100) if row["kind"] == "loader" and row["loader"] == 0 else row for row in rows()]
    case, _ = folded(found)
    assert case.number(case.batches_per_epoch()) == 12


def test_open_end() -> None:
    case, _ = folded(rows()[:-1])
    assert case.number(case.epochs()) is None
    trace = Trace.of(rows()[:-1])
    trace.expected = 120
    assert Case(read(trace).trainings[0]).number(Case(read(trace).trainings[0]).epochs()) == 10


def test_ticks_that_cannot_be_told_yet() -> None:
    """In the first epoch nothing is known of what comes at its end."""
    found = [row for row in rows(epochs=1) if row["kind"] != "end"]
    case, sites = folded(found)
    (scheduler,) = case.schedulers()
    assert not sites
    assert case.escapes(scheduler)
    assert "not stepped so far" in scheduler.escape_reason


def test_unsteady_updates_are_said() -> None:
    found = [row for row in rows(epochs=6) if row["kind"] != "update" or row["epoch"] < 2 or row["batch"] < 6]
    for number, row in enumerate(row for row in found if row["kind"] == "update"):
        row["update"] = number
    made = 0
    for row in found:
        made += row["kind"] == "update"
        if row["kind"] == "epoch":
            row["update"] = made
    skipped = dict(read(Trace.of(found)).skipped)
    assert "no steady beat" in skipped["LR201"]


NUMBERS = st.integers(-1, 40)
LOSSES = st.floats(width=32) | st.none()
CLASSES = st.sampled_from(
    ["StepLR", "CosineAnnealingLR", "OneCycleLR", "LambdaLR", "ReduceLROnPlateau", "SequentialLR", "Mine"]
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["T_max", "step_size", "max_lr", "total_steps", "patience"]),
    st.integers(0, 50) | st.floats(0, 1) | st.text(max_size=3),
)
ANY_ROW = st.one_of(
    st.fixed_dictionaries({"kind": st.just("update"), "optimizer": st.integers(0, 1), "update": NUMBERS,
                           "lr": st.lists(st.floats(0, 10), min_size=1, max_size=3), "loss": LOSSES, "epoch": NUMBERS,
                           "batch": NUMBERS, "backwards": st.integers(1, 4), "skipped": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("tick"), "scheduler": st.integers(0, 2), "update": NUMBERS, "epoch": NUMBERS,
                           "batch": NUMBERS, "training": st.booleans(), "metric": LOSSES, "epoch_argument": LOSSES,
                           "at": st.sampled_from(["", "train.py:3", "odd"])}),
    st.fixed_dictionaries({"kind": st.just("epoch"), "loader": st.integers(0, 2) | st.none(), "epoch": NUMBERS,
                           "training": st.booleans(), "update": NUMBERS}),
    st.fixed_dictionaries({"kind": st.just("loader"), "loader": st.integers(0, 2), "length": NUMBERS | st.none()}),
    st.fixed_dictionaries({"kind": st.just("optimizer"), "optimizer": st.integers(0, 2), "class": st.just("SGD"),
                           "groups": st.lists(st.fixed_dictionaries({"lr": st.floats(0, 1)}), max_size=2)}),
    st.fixed_dictionaries({"kind": st.just("scheduler"), "scheduler": st.integers(0, 2), "class": CLASSES,
                           "framework": st.just("torch"), "optimizer": st.integers(0, 2) | st.none(),
                           "parent": st.integers(0, 2) | st.none(), "arguments": ARGUMENTS}),
    st.fixed_dictionaries({"kind": st.just("metric"), "name": st.sampled_from(["eval loss", "val_acc", "x"]),
                           "value": st.floats(width=32), "update": NUMBERS}),
    st.fixed_dictionaries({"kind": st.just("write"), "optimizer": st.integers(0, 1), "update": NUMBERS,
                           "lr": st.lists(st.floats(0, 1), min_size=1, max_size=2)}),
    st.just({"kind": "start", "format": FORMAT, "version": VERSION}),
    st.fixed_dictionaries({"kind": st.just("load"), "what": st.sampled_from(["scheduler", "optimizer"])}),
    st.fixed_dictionaries({"kind": st.just("end"), "reason": st.sampled_from(["finished", "stopped", "crashed"])}),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(ANY_ROW, min_size=1, max_size=60), st.none() | st.integers(1, 1000))
def test_any_trace_can_be_judged(found: list[Row], expected: int | None) -> None:
    for finding in judge(Trace.of(found), expected=expected):
        assert finding.message
        assert "update" in finding.numbers
