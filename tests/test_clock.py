"""Lengths, rates and budgets."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lright.clock import Budget, Length, MissingFact, Rate, Scope, as_length
from lright.errors import LrightError
from lright.quantity import DimensionError, Sym, Unit

UNITS = [Unit.EPOCH, Unit.BATCH, Unit.UPDATE, Unit.SAMPLE, Unit.TOKEN, Unit.VALIDATION]
numbers = st.one_of(st.integers(0, 10**12), st.floats(0, 1e12, allow_nan=False))
lengths = st.builds(
    Length, numbers, st.sampled_from([None, *UNITS]), st.sampled_from([None, Scope.PROCESS, Scope.GLOBAL])
)
budgets = st.builds(
    Budget,
    epochs=st.integers(1, 500),
    dataset=st.integers(1, 10**6),
    batch_size=st.integers(1, 512),
    accumulate=st.integers(1, 8),
    remainder=st.sampled_from(["carry", "flush"]),
    processes=st.integers(1, 64),
    tokens_per_sample=st.integers(1, 4096),
)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("5ep", 5, Unit.EPOCH),
        ("5 epochs", 5, Unit.EPOCH),
        ("0.5 epoch", 0.5, Unit.EPOCH),
        ("5e3ep", 5000, Unit.EPOCH),
        ("300 batches", 300, Unit.BATCH),
        ("2k updates", 2000, Unit.UPDATE),
        ("1_000 steps", 1000, Unit.UPDATE),
        ("1.5M samples", 1_500_000, Unit.SAMPLE),
        ("2e9tok", 2_000_000_000, Unit.TOKEN),
        ("2.5Btok", 2_500_000_000, Unit.TOKEN),
        ("3 validations", 3, Unit.VALIDATION),
        ("2%", 0.02, None),
        ("0.1%", 0.001, None),
    ],
)
def test_parse(text: str, value: float, unit: Unit | None) -> None:
    assert Length.parse(text) == Length(value, unit)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("5", "'5' has no unit: write 5ep"),
        ("5 iters", "ambiguous: write batches .* or updates"),
        ("5 parsecs", "unknown unit 'parsecs'"),
        ("ep", "begins with a number"),
        ("", "begins with a number.*'nothing'"),
        ("5ep 3", "cannot read '3' at the end"),
        ("1.2.3ep", "'1.2.3' is no number"),
        ("1e999ep", "too large"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, complaint: str) -> None:
    with pytest.raises(LrightError, match=complaint):
        Length.parse(text)


def test_a_bare_number_has_no_unit() -> None:
    with pytest.raises(LrightError, match="7 has no unit"):
        as_length(7)  # type: ignore[arg-type]


@given(lengths)
def test_text_and_pickle_give_the_same_length(length: Length) -> None:
    assert Length.parse(str(length)) == length
    assert eval(repr(length), {"Length": Length}) == length
    assert pickle.loads(pickle.dumps(length)) == length
    assert hash(Length.parse(str(length))) == hash(length)


def test_scopes_are_kept() -> None:
    assert str(Length.parse("5 batches")) == "5 batches"
    assert Length.parse("5 batches per process") == Length.parse("5 batches")
    assert Length.parse("5 batches global").scope is Scope.GLOBAL
    assert str(Length.parse("5 samples per process")) == "5 samples per process"
    assert Length(5, Unit.EPOCH, Scope.PROCESS) == Length(5, Unit.EPOCH)


@given(lengths, lengths)
def test_only_like_adds_to_like(first: Length, second: Length) -> None:
    if (first.unit, first.scope) == (second.unit, second.scope):
        assert first + second == second + first
        assert (first + second - second).number == pytest.approx(first.number, abs=1e-3)
        assert (first <= second) == (first.number <= second.number)
    else:
        for operation in ("__add__", "__sub__", "__lt__", "__le__"):
            with pytest.raises(DimensionError):
                getattr(first, operation)(second)


def test_symbols_are_carried_along() -> None:
    epochs, per_epoch = Sym("epochs"), Sym("len(loader)")
    budget = Budget(Length(epochs, Unit.EPOCH), batches_per_epoch=per_epoch, accumulate=4, remainder="flush")
    length = budget.convert(Length(0.5, None), Unit.UPDATE)
    assert length.is_symbolic
    with pytest.raises(LrightError, match="is symbolic"):
        budget.updates
    values = {"epochs": 90, "len(loader)": 391}
    assert length.bind(values).number == 90 / 2 * 98
    assert budget.bind(values).updates == 90 * 98
    assert budget.bind({"epochs": 90}).bind({"len(loader)": 391}).updates == 90 * 98


@given(budgets, numbers, st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_conversion_comes_back(budget: Budget, value: float, unit: Unit, other: Unit) -> None:
    length = Length(value, unit)
    back = budget.convert(budget.convert(length, other), unit)
    assert back.number == pytest.approx(value, rel=1e-12)


@given(budgets, numbers, numbers, st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_conversion_is_additive_and_monotone(
    budget: Budget, first: float, second: float, unit: Unit, other: Unit
) -> None:
    one, two = (budget.convert(Length(value, unit), other).number for value in (first, second))
    both = budget.convert(Length(first, unit) + Length(second, unit), other).number
    assert both == pytest.approx(one + two, rel=1e-12)
    if first <= second:
        assert one <= two * (1 + 1e-12)


@given(
    st.integers(1, 200),
    st.integers(1, 5000),
    st.integers(1, 16),
    st.sampled_from(["carry", "drop", "flush"]),
)
def test_updates_are_those_of_the_loop(epochs: int, batches: int, accumulate: int, remainder: str) -> None:
    assume(remainder != "drop" or batches >= accumulate)
    assume(epochs * batches < 20_000)
    updates = gathered = 0
    for _ in range(epochs):
        for _ in range(batches):
            gathered += 1
            if gathered == accumulate:
                updates, gathered = updates + 1, 0
        if remainder == "flush" and gathered:
            updates += 1
        if remainder != "carry":
            gathered = 0
    budget = Budget(epochs=epochs, batches_per_epoch=batches, accumulate=accumulate, remainder=remainder)
    assert budget.updates == updates


@given(
    st.integers(1, 10_000),
    st.integers(1, 300),
    st.integers(1, 16),
    st.booleans(),
    st.sampled_from(["process", "global"]),
)
def test_batches_are_those_of_the_loader(size: int, batch: int, processes: int, drop_last: bool, scope: str) -> None:
    share = math.ceil(size / processes)  # DistributedSampler pads
    if scope == "global":
        assume(batch % processes == 0)
    local = batch // processes if scope == "global" else batch
    loaded = share // local if drop_last else math.ceil(share / local)
    assume(loaded > 0)
    budget = Budget(
        epochs=2, dataset=size, batch_size=batch, processes=processes, drop_last=drop_last, batch_scope=scope
    )
    assert budget.batch_count == loaded
    assert budget.updates == 2 * loaded


@pytest.mark.parametrize(
    ("budget", "length", "unit", "fact"),
    [
        (Budget(epochs=3), "5ep", Unit.UPDATE, "batches_per_epoch"),
        (Budget(), "2%", Unit.UPDATE, "total"),
        (Budget(batches_per_epoch=10), "100 samples", Unit.UPDATE, "batch_size"),
        (Budget(batches_per_epoch=10, batch_size=4), "100 tokens", Unit.UPDATE, "tokens_per_sample"),
    ],
)
def test_what_is_missing_is_named(budget: Budget, length: str, unit: Unit, fact: str) -> None:
    with pytest.raises(MissingFact, match="give ") as caught:
        budget.convert(Length.parse(length), unit)
    assert caught.value.fact == fact


def test_what_is_not_needed_is_not_asked_for() -> None:
    assert Budget(accumulate=4).convert(Length.parse("8 batches"), Unit.UPDATE) == Length(2, Unit.UPDATE)
    assert Budget().convert(Length.parse("3 validations"), Unit.EPOCH) == Length(3, Unit.EPOCH)
    assert Budget(batch_size=8, processes=2).convert(Length.parse("32 samples"), Unit.BATCH).number == 2
    assert Budget(dataset=100).convert(Length.parse("50 samples"), Unit.EPOCH).number == 0.5


def test_batches_of_all_processes() -> None:
    budget = Budget(epochs=1, batches_per_epoch=100, processes=4)
    assert budget.convert(Length.parse("100 batches global"), Unit.UPDATE).number == 25


def test_validations_by_fraction_and_by_update() -> None:
    assert Budget("100 updates", validate_every="10%").convert(
        Length.parse("3 validations"), Unit.UPDATE
    ).number == pytest.approx(30)
    assert Budget(validate_every="500 updates").convert(Length.parse("2 validations"), Unit.UPDATE).number == 1000


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"epochs": 0}, "greater than 0"),
        ({"epochs": 3, "updates": 4}, "given twice, as 3ep and as 4 updates"),
        ({"total": "50%"}, "cannot be 50% of itself"),
        ({"accumulate": 0}, "accumulate=0 makes no sense"),
        ({"remainder": "keep"}, "write carry, drop or flush"),
        ({"batches_per_epoch": 3, "accumulate": 4, "remainder": "drop"}, "no update ever happens"),
        ({"validate_every": "2 validations"}, "makes no sense"),
        ({"validate_every": "10%"}, "needs the whole"),
    ],
)
def test_impossible_budgets_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LrightError, match=complaint):
        Budget(**arguments)


def test_the_table_says_what_was_assumed() -> None:
    budget = Budget(epochs=90, dataset=50_000, batch_size=128, accumulate=4, processes=2)
    rows = {(row.quantity, row.unit): row for row in budget.table()}
    assert rows["epoch", "batches per process"].value == 196
    assert "drop_last=False, assumed" in rows["epoch", "batches per process"].how
    assert rows["training", "updates"].value == 4410
    assert rows["processes", "processes"].origin == "given"
    assert rows["validation every", "epochs"].origin == "assumed"


def test_budgets_compare_and_show() -> None:
    budget = Budget("90ep", batches_per_epoch=391, accumulate=4, validate_every="2ep")
    assert eval(repr(budget), {"Budget": Budget}) == budget
    assert hash(budget) == hash(Budget(epochs=90, batches_per_epoch=391, accumulate=4, validate_every="2ep"))


@pytest.mark.parametrize("text", ["every batch", "every 2 epochs", "4 per update", "every 500 updates"])
def test_rates_read_back(text: str) -> None:
    rate = Rate.parse(text)
    assert Rate.parse(str(rate)) == rate
    assert hash(rate) == hash(Rate.parse(text))
    assert eval(repr(rate), {"Rate": Rate, "Length": Length}) == rate


def test_rates_count_whole_ticks() -> None:
    budget = Budget(epochs=10, batches_per_epoch=25, accumulate=4)
    training = Length.parse("10ep")
    assert Rate.parse("every batch").count(training, budget) == 250
    assert Rate.parse("every 3 epochs").count(training, budget) == 3
    assert Rate.parse("4 per update").count(training, budget) == 250
    assert Rate.parse("every 100 updates").count(training, budget) == 0


@pytest.mark.parametrize("text", ["", "every", "often", "2 per parsec"])
def test_unreadable_rates(text: str) -> None:
    with pytest.raises(LrightError, match="cannot read the rate"):
        Rate.parse(text)


def test_a_length_does_not_change() -> None:
    with pytest.raises(AttributeError, match="does not change"):
        Length.parse("5ep").value = 3
