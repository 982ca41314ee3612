"""Factors that a metric decides: plateau and greedy, as pure functions of the metric's trace.

They are no schedules of their own: they multiply one, and only a run (or its log) knows their values.

>>> from lright.clock import Budget
>>> from lright.schedule.constructors import hold
>>> schedule = hold() * plateau(factor=0.5, patience=1)
>>> lr = schedule.resolve(Budget(epochs=6, batches_per_epoch=10), peak=0.1, metrics=[1.0, 0.8, 0.9, 0.9, 0.9])
>>> [lr(10 * epoch) for epoch in range(6)]
[0.1, 0.1, 0.1, 0.1, 0.05, 0.05]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..clock import Length, as_length
from ..errors import LrightError
from .phases import Schedule
from .values import value_text


class MetricFactor(Schedule):
    """A factor made by :func:`plateau` or :func:`greedy`; ``every`` is the time between two metric values."""

    __slots__ = ("name", "every", "params")
    measured = True
    name: str
    every: Length
    params: tuple[tuple[str, Any], ...]

    def __init__(self, name: str, every: Length, params: tuple[tuple[str, Any], ...]) -> None:
        self.name = name
        self.every = every
        self.params = params

    @property
    def open_ended(self) -> bool:
        """A metric goes on for as long as training does."""
        return True

    def factors(self, metrics: Iterable[float]) -> list[float]:
        """The factor after each value of the metric; it is 1 before the first."""
        rule = _greedy if self.name == "greedy" else _plateau
        return rule(metrics, dict(self.params))

    def _key(self) -> tuple[object, ...]:
        return (self.name, self.every, self.params)

    def __repr__(self) -> str:
        parts = [f"every={str(self.every)!r}"] if self.every != DEFAULT_EVERY else []
        parts += [
            f"{key}={value_text(value) if isinstance(value, float) else repr(value)}"
            for key, value in self.params
            if value != METRIC_DEFAULTS[self.name][key]
        ]
        return f"{self.name}({', '.join(parts)})"


DEFAULT_EVERY = Length.parse("1 validation")
_SHARED: dict[str, Any] = {"patience": 10, "cooldown": 0, "floor": 0.0, "mode": "min"}
METRIC_DEFAULTS: dict[str, dict[str, Any]] = {
    "plateau": {"factor": 0.1, "threshold": 1e-4, "threshold_mode": "rel", **_SHARED},
    "greedy": {
        "factor": 0.95,
        "threshold": 1e-6,
        "threshold_mode": "abs",
        "warmup": 0,
        "ceiling": 1.0,
        **_SHARED,
    },
}


def plateau(*, every: Length | str = DEFAULT_EVERY, **options: object) -> MetricFactor:
    """A factor that falls by ``factor`` when the metric has not improved for more than ``patience`` values.

    Options and defaults: factor 0.1, patience 10, threshold 1e-4, threshold_mode "rel" or "abs", cooldown 0
    (values to wait after a fall), floor 0 (the least factor), mode "min" or "max": the rule of torch's
    ReduceLROnPlateau.
    """
    return make_metric("plateau", every, options)


def greedy(*, every: Length | str = DEFAULT_EVERY, **options: object) -> MetricFactor:
    """A factor that also rises again when the metric keeps improving: GreedyLR, arXiv:2512.14527.

    Divided by ``factor`` after more than ``patience`` improvements in a row, multiplied by it after as many
    values without one; between ``floor`` (0) and ``ceiling`` (1); ``cooldown`` and ``warmup`` values of
    waiting follow a fall and a rise. Other options as :func:`plateau`.
    """
    return make_metric("greedy", every, options)


def make_metric(name: str, every: Length | str, options: Mapping[str, object]) -> MetricFactor:
    """The metric factor called ``name`` with the given options, checked."""
    defaults = METRIC_DEFAULTS[name]
    unknown = next((key for key in options if key not in defaults), None)
    if unknown is not None:
        raise LrightError(f"{name} has no option {unknown!r}: it has {', '.join(defaults)}")
    values: dict[str, Any] = {**defaults, **options}
    for key, default in defaults.items():
        value = values[key]
        if isinstance(default, str):
            choices = ("min", "max") if key == "mode" else ("rel", "abs")
            if value not in choices:
                raise LrightError(f"{name}: {key}={value!r} must be {' or '.join(choices)}")
        else:
            values[key] = _checked_number(name, key, value, whole=isinstance(default, int))
    if not 0 < values["factor"] < 1:
        raise LrightError(f"{name}: factor={values['factor']} must lie between 0 and 1")
    return MetricFactor(name, as_length(every), tuple((key, values[key]) for key in defaults))


def _checked_number(name: str, key: str, value: object, whole: bool) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise LrightError(f"{name}: {key}={value!r} is no number") from None
    if not math.isfinite(number) or number < 0 or (whole and not number.is_integer()):
        raise LrightError(f"{name}: {key}={value!r} must be a {'whole ' if whole else ''}number of at least 0")
    return int(number) if whole else number


def _improves(metric: float, best: float | None, p: Mapping[str, Any]) -> bool:
    if best is None:
        return True
    margin: float = p["threshold"] * (abs(best) if p["threshold_mode"] == "rel" else 1)
    return metric < best - margin if p["mode"] == "min" else metric > best + margin


def _plateau(metrics: Iterable[float], p: Mapping[str, Any]) -> list[float]:
    factor, bad, resting = 1.0, 0, 0
    best: float | None = None
    seen = []
    for metric in metrics:
        better = _improves(metric, best, p)
        best, bad = (metric, 0) if better else (best, bad + 1)
        if resting:
            resting, bad = resting - 1, 0
        if bad > p["patience"]:
            factor, bad, resting = max(factor * p["factor"], p["floor"]), 0, p["cooldown"]
        seen.append(factor)
    return seen


def _greedy(metrics: Iterable[float], p: Mapping[str, Any]) -> list[float]:
    factor, good, bad, resting = 1.0, 0, 0, 0
    best: float | None = None
    seen = []
    for metric in metrics:
        if resting:
            resting, good, bad = resting - 1, 0, 0
        elif _improves(metric, best, p):
            best, good, bad = metric, good + 1, 0
        else:
            good, bad = 0, bad + 1
        if good > p["patience"]:
            factor, good, resting = min(factor / p["factor"], p["ceiling"]), 0, p["warmup"]
        elif bad > p["patience"]:
            factor, bad, resting = max(factor * p["factor"], p["floor"]), 0, p["cooldown"]
        seen.append(factor)
    return seen
