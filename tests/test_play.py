"""Playing a timeline against walking through every trip of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lright.play import CannotPlay, Key, Play
from lright.quantity import Expr, Lit, Op, Scalar, Sym, op
from lright.situation import Fact, Training
from lright.timeline import Block, Branch, Event, Loop, Place

PLACE = Place(1, 1, 1, 2)
OPTIMIZER, SCHEDULERS = 1, (2, 3)


def event(kind: str, subject: int) -> Event:
    return Event(kind, PLACE, subject)


def training(
    root: Block, facts: dict[str, Scalar] | None = None, definitions: dict[str, Expr] | None = None
) -> Training:
    known = {name: Fact(name, name, value, True) for name, value in (facts or {}).items()}
    return Training("default", root, known, {}, definitions or {}, {}, {}, {})


def walk(block: Block, values: dict[str, Scalar], indices: dict[str, int]) -> Iterator[tuple[Event, dict[str, int]]]:
    """Every event that happens, with the trips of the loops around it: the plain way."""
    for item in block:
        if isinstance(item, Event):
            yield item, dict(indices)
        elif isinstance(item, Loop):
            assert item.trips is not None
            trips: Any = item.trips.evaluate({**values, **indices})
            for trip in range(int(-(-trips // 1))):
                yield from walk(item.body, values, {**indices, item.index: trip})
        else:
            assert item.test is not None
            taken = item.test.evaluate({**values, **indices})
            yield from walk(item.arms[0 if taken else 1], values, indices)


def compare(root: Block, values: dict[str, Scalar] | None = None, every: int = 1) -> None:
    """Counts, and for every update (or some) what had happened before it."""
    values = values or {}
    play = Play(training(root, values), OPTIMIZER, SCHEDULERS)
    counts: dict[Key, int] = {}
    last: tuple[Event, dict[str, int]] | None = None
    update = 0
    for happened, trips in walk(root, values, {}):
        key = (happened.kind, happened.subject)
        if happened.kind == "save":
            continue
        if key == ("update", OPTIMIZER):
            if update % every == 0:
                moment = play.before(update)
                assert {k: n for k, n in moment.counts.items() if n} == counts, update
                assert moment.trips == trips
                if last is None:
                    assert moment.last is None
                else:
                    assert moment.last is not None
                    assert moment.last[0] is last[0]
                    assert moment.last[1] == last[1]
            update += 1
        if happened.kind == "tick":
            tick = counts.get(key, 0)
            if tick % (7 * every) == 0:
                before = {k: n for k, n in play.at_tick(happened.subject, tick).counts.items() if n}
                assert before == counts
        counts[key] = counts.get(key, 0) + 1
        if happened.kind != "update":
            last = (happened, trips)
    assert play.updates == update
    for number in SCHEDULERS:
        assert play.ticks(number) == counts.get(("tick", number), 0)
    with pytest.raises(IndexError):
        play.before(update)


# -- random timelines -------------------------------------------------------------------------------------------------


@st.composite
def guards(draw: st.DrawFn, indices: tuple[str, ...]) -> Expr:
    """A guard on the trips: every k-th, from some trip on, one trip only, before another counter, or a setting."""
    if not indices or draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from((Lit(True), Lit(False), op("<", Sym("n"), 3))))
    here = Sym(draw(st.sampled_from(indices)))
    k = draw(st.integers(1, 5))
    kind = draw(st.sampled_from(("every", "every or last", "bare", "from", "until", "at", "both", "not", "sum")))
    every = op("==", op("%", op("+", here, draw(st.integers(0, 2))), k), 0)
    if kind == "every":
        return every
    if kind == "every or last":
        return op("or", every, op("==", op("+", here, 1), Sym("n")))
    if kind == "bare":
        return op("%", here, k)
    if kind == "both":
        return op("and", every, op(">", here, draw(st.integers(0, 6))))
    if kind == "not":
        return op("not", every)
    if kind == "sum":
        other = Sym(draw(st.sampled_from(indices)))
        return op("==", op("%", op("+", op("*", here, Sym("n")), other), k + 1), 0)
    return op({"from": ">=", "until": "<", "at": "=="}[kind], here, draw(st.integers(0, 8)))


@st.composite
def lengths(draw: st.DrawFn, indices: tuple[str, ...]) -> Expr:
    kind = draw(st.integers(0, 5))
    if kind == 0 and indices:
        return op("min", Sym("n"), Sym(draw(st.sampled_from(indices))))
    if kind == 1:
        return Op("/", (Sym("n"), Lit(2)))
    return Sym("n") if kind == 2 else Lit(draw(st.integers(0, 9)))


@st.composite
def blocks(draw: st.DrawFn, depth: int, indices: tuple[str, ...]) -> Block:
    nodes: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("event", "event", "loop", "branch"))) if depth else "event"
        if kind == "event":
            nodes.append(
                event(
                    *draw(
                        st.sampled_from(
                            (("update", 1), ("update", 1), ("tick", 2), ("tick", 3), ("write", 1), ("save", 0))
                        )
                    )
                )
            )
        elif kind == "loop":
            index = f"@{len(indices)}.{draw(st.integers(0, 10**9))}"
            count = draw(lengths(indices))
            nodes.append(Loop(PLACE, index, count, "n", draw(blocks(depth - 1, (*indices, index)))))
        else:
            arms = (draw(blocks(depth - 1, indices)), draw(st.one_of(st.just(Block()), blocks(depth - 1, indices))))
            nodes.append(Branch(PLACE, draw(guards(indices)), "", arms))
    return Block(nodes)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks(4, ()), st.integers(0, 7))
def test_a_compressed_trace_is_the_training(root: Block, n: int) -> None:
    happened = sum(1 for _ in zip(walk(root, {"n": n}, {}), range(4000), strict=False))
    compare(root, {"n": n}, every=1 if happened < 300 else 13)


# -- long loops -------------------------------------------------------------------------------------------------------

HERE, EPOCH = Sym("@i"), Sym("@e")


def loop(index: str, count: int, *nodes: Any) -> Loop:
    return Loop(PLACE, index, Lit(count), "", Block(list(nodes)))


def when(test: Expr, *nodes: Any, otherwise: tuple[Any, ...] = ()) -> Branch:
    return Branch(PLACE, test, "", (Block(list(nodes)), Block(list(otherwise))))


UPDATE, TICK, OTHER, WRITE = event("update", 1), event("tick", 2), event("tick", 3), event("write", 1)


@pytest.mark.parametrize(
    "body",
    [
        (UPDATE, TICK),
        (when(op("==", op("%", op("+", HERE, 1), 4), 0), UPDATE, TICK),),
        (UPDATE, when(op(">=", HERE, 5000), TICK)),
        (when(op("<", HERE, 300), WRITE, otherwise=(TICK,)), UPDATE),
        (when(op("not", op("%", HERE, 7)), UPDATE), when(op("==", op("%", HERE, 3), 2), TICK)),
        (when(op("<", HERE, 100), WRITE), UPDATE, when(op(">", HERE, 9000), TICK, OTHER)),
        (UPDATE, when(op("==", op("%", op("+", HERE, 1), 1000), 0), TICK)),
    ],
    ids=["plain", "accumulation", "after a while", "warmup by hand", "two periods", "two changes", "long period"],
)
@pytest.mark.parametrize("count", [4097, 10_000])
def test_loops_too_long_to_be_written_out(body: tuple[Any, ...], count: int) -> None:
    try:
        compare(Block([loop("@i", count, *body)]), every=173)
    except CannotPlay:
        assert any(isinstance(node, Branch) and "1000" in str(node.test) for node in body)


def test_a_change_between_the_probes_of_a_long_loop_is_not_overlooked() -> None:
    """Twelve trips out of ten thousand, away from every middle: found, or refused, but never played wrongly."""
    body = (UPDATE, when(op("and", op(">=", HERE, 6101), op("<", HERE, 6113)), TICK))
    try:
        compare(Block([loop("@i", 10_000, *body)]), every=499)
    except CannotPlay as error:
        assert "irregular" in str(error)


def test_a_period_that_ends_is_not_overlooked() -> None:
    """Accumulation in the first half only."""
    test = op("or", op(">", HERE, 5000), op("==", op("%", HERE, 4), 3))
    try:
        compare(Block([loop("@i", 10_000, when(test, UPDATE, TICK))]), every=499)
    except CannotPlay as error:
        assert "irregular" in str(error)


def test_long_nested_training_is_a_handful_of_nodes() -> None:
    root = Block([loop("@e", 90, loop("@i", 100_000, UPDATE), TICK)])
    play = Play(training(root), OPTIMIZER, SCHEDULERS)
    assert play.updates == 9_000_000
    moment = play.before(8_999_999)
    assert moment.counts == {("update", 1): 8_999_999, ("tick", 2): 89}
    assert moment.trips == {"@e": 89, "@i": 99_999}
    assert moment.last is not None and moment.last[1] == {"@e": 88}


def test_counters_through_definitions() -> None:
    """``step`` is a symbol defined by the trips of both loops."""
    step = op("+", op("*", EPOCH, 7), HERE)
    root = Block([loop("@e", 5, loop("@i", 7, when(op("==", op("%", Sym("step"), 3), 0), UPDATE, TICK)))])
    play = Play(training(root, {}, {"step": step}), OPTIMIZER, SCHEDULERS)
    assert play.updates == len(range(0, 35, 3))
    assert [play.before(u).trips["@e"] * 7 + play.before(u).trips["@i"] for u in range(12)] == list(range(0, 35, 3))


def test_trainings_inside_a_loop_of_folds() -> None:
    fold = loop("@f", 5, loop("@e", 3, UPDATE, TICK))
    assert Play(training(Block([fold])), OPTIMIZER, SCHEDULERS, inside=[fold]).updates == 3
    assert Play(training(Block([fold])), OPTIMIZER, SCHEDULERS).updates == 15


@pytest.mark.parametrize(
    ("trips", "words"),
    [
        (None, "how often"),
        (Sym("n"), "n is not known"),
        (op("/", Sym("one"), 0), "cannot be computed"),
        (Lit(float("inf")), "no number of trips"),
        (Lit(float("nan")), "no number of trips"),
        (Lit("ten"), "no number of trips"),
        (Lit(10**15), "no number of trips"),
    ],
)
def test_trips_that_are_no_number(trips: Expr | None, words: str) -> None:
    root = Block([Loop(PLACE, "@i", trips, "the loader", Block([UPDATE]))])
    with pytest.raises(CannotPlay, match=words):
        Play(training(root, {"one": 1}), OPTIMIZER, SCHEDULERS)


def test_what_is_irrelevant_need_not_be_known() -> None:
    root = Block([Loop(PLACE, "@j", None, "validation", Block([event("metric", 9)])), UPDATE])
    assert Play(training(root), OPTIMIZER, SCHEDULERS).updates == 1


def test_undecidable_tests_are_marked() -> None:
    unknown = Sym("?loss")
    assert not Play(training(Block([UPDATE, TICK])), OPTIMIZER, SCHEDULERS).guessed
    guessed = Play(training(Block([UPDATE, when(unknown, TICK)])), OPTIMIZER, SCHEDULERS)
    assert guessed.guessed
    assert guessed.ticks(2) == 1
    either = Play(training(Block([when(unknown, UPDATE, TICK, otherwise=(UPDATE, TICK))])), OPTIMIZER, SCHEDULERS)
    assert not either.guessed
