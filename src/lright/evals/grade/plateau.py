"""Schedules that wait for a metric: they have no curve before the run, so their wiring is read instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...case import Case, Tick
from ...doctor import scalar
from ...errors import LrightError
from ...quantity import Expr
from ...situation import Scheduler
from .simulate import SECONDS, TooLong, limit, unreadable

PROBLEMS = (LrightError, RecursionError, MemoryError, ArithmeticError, ValueError, TooLong)


def reading_of(text: str, settings: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """How a script wires its plateau scheduler: how many there are, ``mode``, the ``direction`` and ``phase`` of what
    it is fed as far as names tell, and how often (``per``). None where it has none that is stepped."""
    from ...observe import source

    if unreadable(text):
        return None
    try:
        with limit(SECONDS):
            values = {name: scalar(value) for name, value in (settings or {}).items()}
            situation = source.read(text, "train.py", values)
            if situation.default is None:
                return None
            case = Case(situation.default, drawing=False)
            found = [(one, case.ticks(one)) for one in case.all_schedulers() if one.plateau]
            stepped = [(one, ticks) for one, ticks in found if ticks]
            return _described(case, stepped[0][0], stepped[0][1], len(stepped)) if stepped else None
    except PROBLEMS:
        return None


def _described(case: Case, scheduler: Scheduler, ticks: list[Tick], count: int) -> dict[str, Any]:
    tick, metric = ticks[0], ticks[0].metric
    return {
        "count": count,
        "ticks": len(ticks),
        "mode": _text(case, scheduler, "mode", "min"),
        "per": tick.rate.unit,
        "fed": tick.has_argument,
        "direction": None if metric is None else _flipped(metric.direction) if metric.negated else metric.direction,
        "phase": None if metric is None else metric.phase,
        "last_batch": metric is not None and metric.last_batch,
        "factor": _number(case, scheduler, "factor", 0.1),
        "patience": _number(case, scheduler, "patience", 10),
    }


def _flipped(direction: str | None) -> str | None:
    return {"min": "max", "max": "min"}.get(direction or "")


def _value(case: Case, scheduler: Scheduler, name: str, default: object) -> object:
    argument = scheduler.arguments.get(name)
    if argument is None:
        return default
    return case.value(argument.value) if isinstance(argument.value, Expr) else argument.value


def _text(case: Case, scheduler: Scheduler, name: str, default: str) -> str | None:
    value = _value(case, scheduler, name, default)
    return value if isinstance(value, str) else None


def _number(case: Case, scheduler: Scheduler, name: str, default: float) -> float | None:
    value = _value(case, scheduler, name, default)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def right(found: Mapping[str, Any] | None, mode: str) -> tuple[bool, str]:
    """Whether a plateau scheduler does its work: once per epoch, on a validation metric, in the metric's direction."""
    if found is None:
        return False, "no ReduceLROnPlateau is stepped"
    if found["ticks"] > 1 or found["count"] > 1:
        return False, "it is stepped in several places"
    if not found["fed"]:
        return False, "its step() is not told the metric"
    if found["per"] in ("batch", "update", "evaluation"):
        return False, f"it is stepped once per {found['per']}"
    if found["last_batch"] or found["phase"] == "train":
        return False, "it is fed the training loss"
    better = found["direction"]
    if better is not None and found["mode"] is not None and better != found["mode"]:
        return False, f'its mode is "{found["mode"]}", and the metric is better the other way'
    if better is None and found["mode"] not in (mode, None):
        return False, f'its mode is "{found["mode"]}"'
    if found["factor"] is not None and not 0 < found["factor"] < 1:
        return False, "its factor does not lower the rate"
    return True, "a plateau scheduler is stepped once per epoch with a validation metric"
