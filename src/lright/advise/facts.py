"""Everything known about one case, by name.

Facts come from the setting; numbers and marks from the question; the rest is arithmetic: a *working* is a function of
the case, worked out when its name is asked for (:mod:`lright.advise.workings` has them all). Their names are those that
the conditions and sentences of the knowledge use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..setting import ASSUMED, Setting, Symptom

Working = Callable[["Facts"], Any]
WORKINGS: dict[str, Working] = {}


def working(function: Working) -> Working:
    """Register a function of the case under its own name.

    :raises ValueError: if another one has that name: the later would silently win.
    """
    if function.__name__ in WORKINGS:
        raise ValueError(f"two workings are called {function.__name__}")
    WORKINGS[function.__name__] = function
    return function


class Facts(Mapping[str, Any]):
    """Everything known about one case by name: the facts of the setting, labelled numbers of the question, what was
    seen (``saw:nan``), touched (``about:resume``) and found in code (``found:LR101``), and the workings.

    >>> facts = Facts(Setting.of(samples=50_000, batch_size=128, epochs=20))
    >>> facts["batches_per_epoch"], facts["updates"]
    (391, 7820)
    """

    def __init__(
        self,
        setting: Setting,
        numbers: Mapping[str, Sequence[float]] | None = None,
        marks: Mapping[str, Any] | None = None,
    ) -> None:
        self.setting = setting
        self.numbers = dict(numbers or {})
        self.marks = {**(marks or {}), **{f"saw:{_seen(symptom)}": True for symptom in setting.symptoms}}
        self._worked: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name; None (or ``default``) where it is unknown. A mark that is not set is False."""
        value = self._get(name)
        return default if value is None else value

    def _get(self, name: str) -> Any:
        if name.startswith("told:"):
            known = self.setting.facts.get(name[len("told:") :])
            return known is not None and known.certainty != ASSUMED
        if ":" in name:
            return self.marks.get(name, False)
        if name in self.setting:
            return self.setting.get(name)
        if name in self.marks:
            return self.marks[name]
        if name not in self._worked:
            self._worked[name] = None  # a working that asks for itself gets nothing
            from . import workings  # noqa: F401  # it fills WORKINGS

            if name in WORKINGS:
                self._worked[name] = WORKINGS[name](self)
            elif name in self.numbers:
                self._worked[name] = _one(self.numbers[name])
        return self._worked[name]

    def number(self, name: str) -> float | None:
        """A value as a number, None where it is unknown or none."""
        value = self._get(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def __iter__(self) -> Iterator[str]:
        return iter({**self.marks, **self.numbers, **self.setting.facts})

    def __len__(self) -> int:
        return len(list(iter(self)))


def _seen(symptom: Symptom) -> str:
    """A symptom's name; of the LR itself it is another one: an LR that swings is no unstable training."""
    return f"lr-{symptom.kind}" if symptom.metric == "lr" and not symptom.kind.startswith("lr-") else symptom.kind


def _one(values: Sequence[float]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)
