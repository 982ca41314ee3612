"""What several rules ask about ReduceLROnPlateau and what it is fed."""

from __future__ import annotations

from collections.abc import Iterator

from ..case import Case, Tick
from ..situation import Metric, Scheduler
from .base import Remedy


def fed(case: Case) -> Iterator[tuple[Scheduler, Tick, Metric]]:
    """Every step of a ReduceLROnPlateau with what is known of its metric."""
    for scheduler in case.schedulers():
        if scheduler.name not in ("ReduceLROnPlateau", "GreedyLR"):
            continue
        for tick in case.ticks(scheduler):
            if tick.metric is not None:
                yield scheduler, tick, tick.metric


def argument_text(case: Case, scheduler: Scheduler, name: str, default: str) -> str | None:
    """The text an argument is; ``default`` where it is not given, None where it is not known."""
    argument = scheduler.arguments.get(name)
    if argument is None:
        return None if "**" in scheduler.arguments else default
    value = case.value(argument.value)
    return value if isinstance(value, str) else None


def argument_number(case: Case, scheduler: Scheduler, name: str, default: float) -> float | None:
    """The number an argument is; ``default`` where it is not given, None where it is not known."""
    argument = scheduler.arguments.get(name)
    return default if argument is None else case.number(argument.value)


def mode_of(case: Case, scheduler: Scheduler) -> str | None:
    """``min`` or ``max``, None where it is not known."""
    found = argument_text(case, scheduler, "mode", "min")
    return found if found in ("min", "max") else None


def mode_remedy(scheduler: Scheduler, mode: str) -> Remedy | None:
    """Give the scheduler another mode."""
    argument = scheduler.arguments.get("mode")
    title = f'set mode="{mode}"'
    if argument is not None:
        return Remedy("replace", title, argument.place, f'"{mode}"')
    if scheduler.call is not None:
        return Remedy("insert-argument", title, scheduler.call, f'mode="{mode}"')
    return None
