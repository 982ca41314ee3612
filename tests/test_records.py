"""Records behave as the dataclasses they stand in for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lright import records


def both(body: dict[str, Any], annotations: dict[str, str], **options: Any) -> list[tuple[type[Any], Any]]:
    """The same class as a record and as a dataclass, each with its replace()."""
    made: list[tuple[type[Any], Any]] = []
    for decorate, field, replace in (
        (records.record, records.field, records.replace),
        (dataclasses.dataclass, dataclasses.field, dataclasses.replace),
    ):
        given = {
            name: field(default_factory=value) if isinstance(value, type) else value for name, value in body.items()
        }
        cls = type("Thing", (), {**given, "__annotations__": annotations})
        made.append((decorate(**options)(cls), replace))
    return made


ANNOTATIONS = {"a": "int", "b": "str", "c": "list[int]"}
DEFAULTS: dict[str, Any] = {"b": "x", "c": list}


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("order", [True, False])
def test_the_same_answers(frozen: bool, order: bool) -> None:
    answers = []
    for cls, replace in both(DEFAULTS, ANNOTATIONS, frozen=frozen, order=order):
        one, two = cls(1), cls(a=1, b="y", c=[3])
        answers.append(
            [
                repr(one), repr(two), one == cls(1), one == two, one == 1, one != cls(1), one.c is cls(1).c,
                repr(replace(one, b="z")), replace(two) == two, replace(two) is two, cls.__doc__ is None,
                one < cls(2) if order else None, cls(1, "a") < cls(1, "b") if order else None,
                cls.__hash__ is None,
            ]
        )  # fmt: skip
    assert answers[0][:-4] == answers[1][:-4]
    assert answers[0][-3:] == answers[1][-3:]


def test_the_same_refusals() -> None:
    for cls, replace in both(DEFAULTS, ANNOTATIONS, frozen=True, order=True):
        one = cls(1)
        with pytest.raises(AttributeError):
            one.a = 2
        with pytest.raises(TypeError):
            cls()
        with pytest.raises(TypeError):
            cls(1, d=2)
        with pytest.raises(TypeError):
            cls(1, "b", [], 4)
        with pytest.raises(TypeError):
            replace(one, d=2)
        assert one.a == 1


def test_hashes() -> None:
    for cls, _ in both({"b": "x"}, {"a": "int", "b": "str"}, frozen=True):
        assert hash(cls(1)) == hash(cls(1, "x"))
        assert len({cls(1), cls(1), cls(2)}) == 2
    for cls, _ in both({}, {"a": "int"}):
        with pytest.raises(TypeError):
            hash(cls(1))
    for cls, _ in both({}, {"a": "int"}, eq=False):
        assert cls(1) != cls(1)
        assert len({cls(1), cls(1)}) == 2


def test_inheritance() -> None:
    decorators: tuple[Any, ...] = (records.record, dataclasses.dataclass)
    for decorate in decorators:
        base: Any = decorate()(type("Base", (), {"__annotations__": {"a": "int", "b": "int"}, "b": 2}))
        derived: Any = decorate()(
            type("Derived", (base,), {"__annotations__": {"c": "int", "b": "int"}, "c": 3, "b": 5})
        )
        assert repr(derived(1)) == "Derived(a=1, b=5, c=3)"
        assert derived(1, 2, 3) == derived(a=1, b=2, c=3)
        assert derived(1) != base(1, 5)


def test_methods_and_properties_stay() -> None:
    decorators: tuple[Any, ...] = (records.record, dataclasses.dataclass)
    for decorate in decorators:

        @decorate(frozen=True)
        class Length:
            value: float

            @property
            def double(self) -> float:
                return 2 * self.value

            def __repr__(self) -> str:
                return "a length"

        made: Any = Length
        assert made(2).double == 4
        assert repr(made(2)) == "a length"
        assert Length.__name__ == "Length"


def test_bare_decorator_and_empty_record() -> None:
    @records.record
    class Empty:
        pass

    assert Empty() == Empty()
    assert repr(Empty()).endswith("Empty()")


def test_nothing_heavy_is_imported() -> None:
    import subprocess
    import sys

    code = "import sys, lright.records, lright.quantity, lright.timeline; print('dataclasses' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
