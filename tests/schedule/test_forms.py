"""Text, JSON and repr give back an equal schedule; errors say where and what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lright
from lright import Absolute, Length, LrightError, Schedule, schedule
from lright.clock import Scope
from lright.quantity import Unit
from lright.schedule import ScheduleSyntaxError, Share, product, sequence
from lright.schedule.metric import METRIC_DEFAULTS, make_metric
from lright.schedule.phases import make
from lright.schedule.shapes import SHAPES, Family, Kind

numbers = st.floats(1e-6, 1e6, allow_nan=False).map(lambda value: value + 0.0)
shares = st.floats(0.01, 0.99)
lengths = st.builds(
    Length,
    st.one_of(st.integers(1, 10**9), st.floats(1e-6, 1e9)),
    st.sampled_from([None, *(unit for unit in Unit if unit is not Unit.PROCESS)]),
    st.sampled_from([None, Scope.PROCESS, Scope.GLOBAL]),
)
values = st.one_of(st.floats(-10, 10), st.integers(0, 5), st.builds(Absolute, st.floats(0, 1)))
extents = st.one_of(lengths, st.builds(Share, numbers))
plain_shapes = st.sampled_from(["linear", "cosine", "1-sqrt", "1-square", "rex", "tanh"])


@st.composite
def phases(draw: st.DrawFn) -> Schedule:
    name = draw(st.sampled_from(sorted(SHAPES)))
    shape = SHAPES[name]
    params: dict[str, Any] = {}
    for key, kind in shape.params.items():
        if key in shape.defaults and draw(st.booleans()):
            continue
        if kind is Kind.NUMBER:
            params[key] = draw(shares if key == "up" else numbers)
        elif kind is Kind.LENGTH:
            params[key] = draw(lengths)
        elif kind is Kind.LENGTHS:
            params[key] = draw(st.lists(lengths, min_size=1, max_size=4))
        elif kind is Kind.SHAPE:
            params[key] = draw(plain_shapes)
        else:
            params[key] = draw(st.lists(st.tuples(lengths, values), min_size=2, max_size=4))
    if "mult" in params:
        params["mult"] += 1
    if name == "tanh":
        params = {"lower": -draw(numbers), "upper": draw(numbers)}
    to: Any = None
    if shape.family in (Family.ANNEAL, Family.SWING):
        to = draw(st.floats(0.01, 1) if name == "exponential" else values)
    must_start = shape.family is Family.SWING and name != "restarts"
    start = draw(values if must_start else st.one_of(st.none(), values))
    if shape.family is Family.POINTS:
        start = None
    return make(name, draw(extents), start, to, **params)


@st.composite
def metrics(draw: st.DrawFn) -> Schedule:
    name = draw(st.sampled_from(sorted(METRIC_DEFAULTS)))
    options: dict[str, Any] = {}
    for key, default in METRIC_DEFAULTS[name].items():
        if draw(st.booleans()):
            continue
        if isinstance(default, str):
            options[key] = draw(st.sampled_from(["min", "max"] if key == "mode" else ["rel", "abs"]))
        else:
            options[key] = draw(st.integers(0, 50) if isinstance(default, int) else shares)
    return make_metric(name, draw(lengths), options)


def larger(inner: st.SearchStrategy[Schedule]) -> st.SearchStrategy[Schedule]:
    open_parts = st.lists(
        inner.filter(lambda made: getattr(made, "end", "hold") == "hold"), min_size=1, max_size=4
    ).filter(lambda parts: sum(part.open_ended for part in parts) <= 1)
    return st.one_of(
        st.builds(sequence, open_parts, st.sampled_from(["hold", "cycle", "error"])),
        st.lists(st.one_of(inner, metrics()), min_size=2, max_size=3).map(product),
    )


schedules = st.recursive(phases(), larger, max_leaves=6)


@settings(max_examples=100)
@given(schedules)
def test_the_text_reads_back(made: Schedule) -> None:
    assert Schedule.parse(str(made)) == made
    assert str(Schedule.parse(str(made))) == str(made)


@settings(max_examples=100)
@given(schedules)
def test_the_json_reads_back(made: Schedule) -> None:
    assert Schedule.from_json(json.loads(json.dumps(made.to_json()))) == made


@settings(max_examples=100)
@given(schedules)
def test_the_repr_evaluates(made: Schedule) -> None:
    names = {name: getattr(schedule, name) for name in schedule.__all__}
    assert eval(repr(made), names) == made
    assert hash(eval(repr(made), names)) == hash(made)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("warmup 5ep > cosine to 0", "warmup('5ep', to=1) >> cosine(to=0)"),
        ("warmup 5 epochs >> cosine", "warmup('5ep', to=1) >> cosine(to=0)"),
        (
            "warmup 2% → hold → 1-sqrt to 0 over 20%",
            "warmup('2%', to=1) >> hold() >> one_minus_sqrt('20%', to=0)",
        ),
        ("wsd", "warmup('2%', to=1) >> hold() >> one_minus_sqrt('20%', to=0)"),
        ("wsd 1% 10%", "warmup('1%', to=1) >> hold() >> one_minus_sqrt('10%', to=0)"),
        ("one-cycle", "cosine('30%', to=1, start=0.04) >> cosine(to=4e-06)"),
        ("decay 20% shape 1-sqrt", "one_minus_sqrt('20%', to=0)"),
        ("constant 0.5", "hold(at=0.5)"),
        ("constant 0.5 over 3ep", "hold('3ep', at=0.5)"),
        ("hold at 0.5", "hold(at=0.5)"),
        ("cosine to 1e-5 abs from 10%", "cosine(to=Absolute(1e-05), start=0.1)"),
        ("multi_step at 30ep, 60ep gamma 0.1", "multi_step(at=['30ep', '60ep'], gamma=0.1)"),
        ("points 0ep: 0.1, 5ep: 1, 90ep: 0", "points([('0ep', 0.1), ('5ep', 1), ('90ep', 0)])"),
        (
            "(warmup 5ep > hold) * step every 30ep gamma 0.1",
            "(warmup('5ep', to=1) >> hold()) * step(every='30ep', gamma=0.1)",
        ),
        ("linear to 0 over 10ep > cycle", "(linear('10ep', to=0)).past_end('cycle')"),
        ("linear to 0.5 over 2 shares > hold 1 share", "linear(Share(2), to=0.5) >> hold(Share(1))"),
        ("COSINE To 0", "cosine(to=0)"),
        (
            "cosine * plateau factor 0.5 every 2ep mode max",
            "cosine(to=0) * plateau(every='2ep', factor=0.5, mode='max')",
        ),
    ],
)
def test_texts(text: str, python: str) -> None:
    assert repr(Schedule.parse(text)) == python


@pytest.mark.parametrize(
    ("text", "column", "complaint"),
    [
        ("", 1, "a phase is missing"),
        ("warmup 5ep >", 13, "a phase is missing"),
        ("warmup 5ep > cosin to 0", 14, "'cosin' is no shape: did you mean cosine?"),
        ("qqq", 1, "use one of linear, cosine"),
        ("warmup 5 > cosine", 8, "'5' has no unit: write 5ep"),
        ("warmup 5it > cosine", 8, "ambiguous"),
        ("cosine to > hold", 11, "a number belongs here"),
        ("cosine until 5ep", 8, "cosine has no 'until': it takes from, to, k, over"),
        ("cosine 5ep 6ep", 12, "has a length already"),
        ("(cosine to 0", 1, "never closed"),
        ("cosine to 0)", 12, "does not belong here"),
        ("cosine > linear", 10, "both take what is left"),
        ("cosine 5ep > cycle > hold 5ep", 20, "nothing can come after 'cycle'"),
        ("exponential", 1, "exponential needs"),
        ("step every 30ep", 1, "step needs gamma"),
        ("restarts period 5ep mult 0.5", 1, "at least 1"),
        ("points 5ep 3", 12, "a point is written"),
        ("cosine * plateau speed 3", 18, "plateau has no 'speed'"),
        ("warmup 5ep shape wavy", 1, "'wavy' is no plain shape"),
        ("hold from 3", 6, "it takes at, to, over"),
    ],
)
def test_errors_point_at_the_place(text: str, column: int, complaint: str) -> None:
    with pytest.raises(ScheduleSyntaxError) as caught:
        Schedule.parse(text)
    assert complaint in caught.value.problem
    assert caught.value.column == column
    lines = str(caught.value).splitlines()
    assert lines[-1] == " " * (column + 1) + "^"


@given(st.text(st.sampled_from("warmup cosine hold to from over 0123456789.%ep>*()-e,: shares abs"), max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        made = Schedule.parse(text)
    except LrightError:
        return
    assert Schedule.parse(str(made)) == made


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "a schedule is a JSON object"),
        ({}, "'phase' of a schedule must be one of"),
        ({"phase": "cosin"}, "not 'cosin'"),
        ({"phase": "cosine", "till": 3}, "'till' is unknown"),
        ({"phases": []}, "a list with something in it"),
        ({"phases": [{"phase": "hold"}], "end": "rise"}, "hold, cycle or raise"),
        ({"product": "cosine"}, "a list with something in it"),
        ({"metric": "luck"}, "must be one of plateau, greedy"),
        ({"metric": "plateau", "speed": 3}, "no option 'speed'"),
        ({"phase": "cosine", "over": 5}, "5 has no unit"),
    ],
)
def test_wrong_json_is_named(data: object, complaint: str) -> None:
    with pytest.raises(LrightError, match=complaint):
        Schedule.from_json(data)


def test_the_door_has_the_words() -> None:
    assert lright.warmup("5ep") >> lright.cosine() == Schedule.parse("warmup 5ep > cosine to 0")


def test_json_may_leave_out_what_is_usual() -> None:
    assert Schedule.from_json({"phase": "cosine"}) == lright.cosine(to=0)
    assert Schedule.from_json({"phase": "warmup", "over": "5ep"}) == lright.warmup("5ep")
