"""Symbolic numbers against Python's own, and the algebra of what they count."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lright.quantity import (
    BATCHES,
    BATCHES_PER_EPOCH,
    EPOCHS,
    OPERATIONS,
    PURE,
    SAMPLES_PER_BATCH,
    SAMPLES_PER_EPOCH,
    UPDATES,
    Dimension,
    DimensionError,
    Expr,
    Lit,
    Op,
    Sym,
    Unbound,
    Unit,
    as_expr,
    clashes,
    dimension,
    op,
    substitute,
)

NAMES = ("a", "b", "c")
ARITHMETIC = ("+", "-", "*", "/", "//", "%", "**")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

leaves = st.one_of(
    st.integers(-20, 20).map(Lit), st.floats(-8, 8, allow_nan=False).map(Lit), st.sampled_from(NAMES).map(Sym)
)


def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from((*ARITHMETIC, *COMPARISONS, "and", "or")), pairs).map(lambda t: Op(t[0], t[1])),
        inner.map(lambda e: Op("neg", (e,))),
        inner.map(lambda e: Op("not", (e,))),
        st.tuples(inner, inner, inner).map(lambda t: Op("if", t)),
        st.tuples(st.sampled_from(("min", "max")), pairs).map(lambda t: Op(t[0], t[1])),
        st.tuples(st.sampled_from(("int", "float", "abs", "bool", "round")), inner).map(lambda t: Op(t[0], (t[1],))),
    )


expressions = st.recursive(leaves, grown, max_leaves=12)
numbers = st.fixed_dictionaries({name: st.integers(-9, 9) for name in NAMES})


def outcome(compute: Any) -> Any:
    """A result that can be compared, or the kind of error."""
    try:
        value = compute()
    except (ArithmeticError, TypeError, ValueError) as error:
        return ArithmeticError if isinstance(error, ArithmeticError) else type(error)
    return "nan" if value != value else value


def same(one: Any, other: Any) -> bool:
    if (
        isinstance(one, (int, float))
        and isinstance(other, (int, float))
        and math.isfinite(one)
        and math.isfinite(other)
    ):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


@settings(max_examples=200, deadline=None)
@given(expressions, numbers)
@example(Op("**", (Lit(-1), Lit(0))), {"a": 0, "b": 0, "c": 0})
def test_evaluates_as_its_text_does_in_python(expr: Expr, values: dict[str, int]) -> None:
    compiled = compile(str(expr), "expr", "eval")
    want = outcome(lambda: eval(compiled, {}, dict(values)))
    got = outcome(lambda: expr.evaluate(values))
    assert same(got, want), str(expr)


@settings(max_examples=200, deadline=None)
@given(expressions, numbers)
def test_folding_changes_nothing(expr: Expr, values: dict[str, int]) -> None:
    def folded(part: Expr) -> Expr:
        return op(part.name, *(folded(arg) for arg in part.args)) if isinstance(part, Op) else part

    assert same(outcome(lambda: folded(expr).evaluate(values)), outcome(lambda: expr.evaluate(values)))


@settings(max_examples=200, deadline=None)
@given(expressions, numbers)
def test_substitution_is_evaluation(expr: Expr, values: dict[str, int]) -> None:
    closed = substitute(expr, {name: Lit(value) for name, value in values.items()})
    assert list(closed.symbols()) == []
    assert same(outcome(lambda: closed.evaluate({})), outcome(lambda: expr.evaluate(values)))


@settings(max_examples=100, deadline=None)
@given(expressions, expressions)
def test_equal_expressions_have_equal_hashes(one: Expr, other: Expr) -> None:
    again = substitute(one, {})
    if again == one:
        assert hash(again) == hash(one)
    if one == other:
        assert str(one) == str(other)


def test_literals_of_different_types_differ() -> None:
    assert Lit(1) != Lit(1.0) and Lit(1) != Lit(True) and Lit(0) != Lit(None)
    assert Sym("a", "as written") == Sym("a")
    assert str(Sym("a", "args.a")) == "args.a"


def test_operators_build_expressions() -> None:
    a = Sym("a")
    made = [a + 1, 1 + a, a - 1, 1 - a, a * 2, 2 * a, a / 2, a // 2, a % 2, a**2, -a]
    assert [e.evaluate({"a": 7}) for e in made] == [8, 8, 6, -6, 14, 14, 3.5, 3, 1, 49, -7]
    assert as_expr(a) is a
    assert as_expr(3) == Lit(3)


def test_unknown_operands_do_not_matter_where_the_other_decides() -> None:
    a, b = Sym("a"), Sym("b")
    assert op("and", a, b).evaluate({"b": False}) is False
    assert op("or", a, b).evaluate({"b": 3}) == 3
    assert op("if", a, b, 1).evaluate({"a": 0}) == 1
    for undecided in (op("and", a, b), op("or", op("not", b), a), op("if", b, a, 1)):
        with pytest.raises(Unbound) as caught:
            undecided.evaluate({"b": True})
        assert caught.value.name == "a"
    with pytest.raises(Unbound, match="the value of a is not known"):
        op("and", a, True).evaluate({})


def test_and_or_give_the_operand_as_python_does() -> None:
    a, b = Sym("a"), Sym("b")
    for x in (0, 2, "", "t", None):
        for y in (0, 5, "u"):
            assert op("and", a, b).evaluate({"a": x, "b": y}) == (x and y)
            assert op("or", a, b).evaluate({"a": x, "b": y}) == (x or y)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (op("-", Sym("a"), op("-", Sym("b"), Sym("c"))), "a - (b - c)"),
        (op("-", op("-", Sym("a"), Sym("b")), Sym("c")), "a - b - c"),
        (op("*", op("+", Sym("a"), 1), Sym("b")), "(a + 1) * b"),
        (op("ceil", op("/", Sym("a"), Sym("b"))), "ceil(a / b)"),
        (op("if", Sym("a"), 1, op("if", Sym("b"), 2, 3)), "1 if a else (2 if b else 3)"),
        (op("not", op("==", op("%", Sym("a"), 4), 0)), "not a % 4 == 0"),
    ],
)
def test_text(expr: Expr, text: str) -> None:
    assert str(expr) == text


def test_number_is_a_finite_number_or_nothing() -> None:
    a = Sym("a")
    assert (a / 2).number({"a": 3}) == 1.5
    assert op("<", a, 2).number({"a": 1}) == 1
    for value in (None, "text", math.inf, math.nan):
        assert a.number({"a": value}) is None
    assert a.number({}) is None
    assert (1 - a / 0).number({"a": 1}) is None
    assert op("sqrt", a).number({"a": -1}) is None
    assert a.number({"a": 10**400}) is None
    assert a.number({"a": 10**18}) == 10**18


def test_huge_powers_are_no_work() -> None:
    with pytest.raises(OverflowError):
        op("**", Sym("a"), Sym("b")).evaluate({"a": 10, "b": 10**10})
    assert isinstance(op("**", 10, 10**10), Op)
    assert op("**", 2, 100) == Lit(2**100)
    assert isinstance(op("**", 10**4000, 4000), Op)
    assert isinstance(op("*", "a", 10**9), Op)
    assert op("*", "ab", 3) == Lit("ababab")


def test_every_operation_can_be_applied() -> None:
    given: dict[str, tuple[object, ...]] = {
        "in": ("a", "abc"), "startswith": ("abc", "a"), "endswith": ("abc", "c"), "if": (True, 1, 2),
        "is": (None, None),
        "lower": ("A",), "upper": ("a",), "strip": (" a",), "min": (1, 2), "max": (1, 2), "divmod0": (7, 2),
        "and": (1, 2), "or": (1, 2), "not": (1,), "int": ("3",), "str": (3,), "float": ("3",),
    }  # fmt: skip
    binary = {*ARITHMETIC, *COMPARISONS}
    for name in OPERATIONS:
        arguments = given.get(name, (5, 3) if name in binary else (0.5,))
        assert isinstance(op(name, *arguments), Lit), name  # type: ignore[arg-type]


# -- dimensions -------------------------------------------------------------------------------------------------------

powers = st.dictionaries(st.sampled_from(list(Unit)), st.integers(-3, 3), max_size=4)
dimensions = powers.map(Dimension)


@given(dimensions, dimensions, dimensions)
def test_dimensions_are_a_commutative_group(one: Dimension, two: Dimension, three: Dimension) -> None:
    assert one * two == two * one
    assert (one * two) * three == one * (two * three)
    assert one * PURE == one
    assert one / one == PURE
    assert (one * two) / two == one
    assert hash(one * two) == hash(two * one)
    for unit in Unit:
        assert (one * two).power(unit) == one.power(unit) + two.power(unit)
        assert (one / two).power(unit) == one.power(unit) - two.power(unit)


def test_dimension_text_and_unit() -> None:
    assert str(BATCHES_PER_EPOCH) == "batch/epoch"
    assert str(PURE) == "1"
    assert str(PURE / EPOCHS) == "1/epoch"
    assert str(EPOCHS * EPOCHS / BATCHES) == "epoch^2/batch"
    assert EPOCHS.unit is Unit.EPOCH
    assert (EPOCHS * EPOCHS).unit is None and PURE.unit is None and BATCHES_PER_EPOCH.unit is None
    assert str(Unit.UPDATE) == "update"
    assert issubclass(DimensionError, Exception)


UNITS = {"epochs": EPOCHS, "loader": BATCHES_PER_EPOCH, "data": SAMPLES_PER_EPOCH, "batch": SAMPLES_PER_BATCH}


@pytest.mark.parametrize(
    ("expr", "want"),
    [
        (Sym("epochs") * Sym("loader"), BATCHES),
        (2 * Sym("epochs"), EPOCHS),
        (Sym("epochs") + 1, EPOCHS),
        (op("ceil", Sym("data") / Sym("batch")), BATCHES_PER_EPOCH),
        (Sym("data") // Sym("batch") * Sym("epochs"), BATCHES),
        (Sym("epochs") / Sym("epochs"), PURE),
        (Sym("epochs") + Sym("loader"), None),
        (Sym("unknown") * Sym("epochs"), None),
        (Sym("unknown"), None),
        (Lit(3), None),
        (op("if", Sym("unknown"), Sym("epochs"), 5), EPOCHS),
        (op("min", Sym("epochs"), 90), EPOCHS),
        (op("int", Sym("epochs") * 0.1), EPOCHS),
        (-Sym("epochs"), EPOCHS),
        (op("<", Sym("epochs"), 3), None),
    ],
)
def test_dimension_of_expressions(expr: Expr, want: Dimension | None) -> None:
    assert dimension(expr, UNITS) == want


def test_clashes_are_found_wherever_they_are() -> None:
    total = op("max", 1, op("-", Sym("epochs"), Sym("loader") * Sym("epochs")))
    found = list(clashes(total, UNITS))
    assert [(str(e), one, two) for e, one, two in found] == [("epochs - loader * epochs", EPOCHS, BATCHES)]
    assert list(clashes(op("<", Sym("epochs"), Sym("loader")), UNITS))
    assert not list(clashes(Sym("epochs") + 1, UNITS))
    assert not list(clashes(Sym("epochs") * Sym("loader"), {**UNITS, "x": UPDATES}))
