"""Schedules for several parameters and several parameter groups of one optimizer.

>>> from lright.schedule import cosine, one_cycle
>>> plan = Plan(lr=one_cycle("30%"), momentum=cosine("30%", to=0.85, start=0.95) >> cosine(to=0.95))
>>> at = plan.resolve(100, peaks={"lr": 0.1})
>>> {name: round(value, 4) for name, value in at(30).items()}
{'lr': 0.1, 'momentum': 0.85}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..clock import Budget, Length
from ..errors import LrightError
from .phases import Schedule
from .resolve import Resolved
from .values import as_budget


class Plan(Mapping[str, Schedule]):
    """What the hyper-parameters of an optimizer do: a mapping of names ("lr", "momentum") to schedules.

    ``groups`` says what differs in parameter groups, by name: a number multiplies the LR there, a mapping
    gives schedules of its own. Values of a parameter without a peak are the values themselves.

    >>> from lright.schedule import cosine, hold
    >>> plan = Plan(lr=cosine(), groups={"backbone": 0.1, "head": {"lr": hold()}})
    >>> at = plan.resolve(10, peaks={"lr": 1.0})
    >>> at(5, "backbone")["lr"], at(5, "head")["lr"]
    (0.05, 1.0)
    """

    __slots__ = ("schedules", "groups")

    def __init__(
        self, *, groups: Mapping[str, float | Mapping[str, Schedule]] | None = None, **schedules: Schedule
    ) -> None:
        if not schedules:
            raise LrightError("a plan needs a schedule: Plan(lr=cosine())")
        self.schedules = dict(schedules)
        self.groups = {
            name: float(what) if isinstance(what, (int, float)) else dict(what) for name, what in (groups or {}).items()
        }

    def __getitem__(self, name: str) -> Schedule:
        return self.schedules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.schedules)

    def __len__(self) -> int:
        return len(self.schedules)

    def group(self, name: str | None) -> dict[str, Schedule]:
        """The schedules of the group called ``name`` (None: of a group that nothing is said about)."""
        if name is None:
            return self.schedules
        if name not in self.groups:
            raise LrightError(f"the plan has no group {name!r}: it has {', '.join(self.groups) or 'none'}")
        what = self.groups[name]
        if isinstance(what, dict):
            return {**self.schedules, **what}
        if "lr" not in self.schedules:
            raise LrightError(f"group {name!r} multiplies the LR, but the plan has no schedule for 'lr'")
        return {**self.schedules, "lr": self.schedules["lr"] * what}

    def resolve(self, budget: Budget | Length | str | int, peaks: Mapping[str, float] | None = None) -> ResolvedPlan:
        """The plan in one training; ``peaks`` are the values that 1 stands for, by parameter."""
        known, whole = dict(peaks or {}), as_budget(budget)
        stray = next((name for name in known if name not in self.schedules), None)
        if stray is not None:
            raise LrightError(f"a peak is given for {stray!r}, which has no schedule in the plan")
        return ResolvedPlan(
            {
                group: {name: schedule.resolve(whole, known.get(name)) for name, schedule in self.group(group).items()}
                for group in (None, *self.groups)
            }
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as plain dicts; :meth:`from_json` reads them again."""
        groups = {
            name: {key: one.to_json() for key, one in what.items()} if isinstance(what, dict) else what
            for name, what in self.groups.items()
        }
        data: dict[str, Any] = {"plan": {name: one.to_json() for name, one in self.schedules.items()}}
        return {**data, "groups": groups} if groups else data

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Plan:
        """The plan that :meth:`to_json` wrote."""
        if not isinstance(data, Mapping) or not isinstance(data.get("plan"), Mapping):
            raise LrightError(f"a plan is a JSON object with 'plan' (name to schedule), not {data!r}")
        groups = {
            name: {key: Schedule.from_json(one) for key, one in what.items()} if isinstance(what, Mapping) else what
            for name, what in data.get("groups", {}).items()
        }
        return Plan(groups=groups, **{name: Schedule.from_json(one) for name, one in data["plan"].items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and (self.schedules, self.groups) == (other.schedules, other.groups)

    __hash__ = None  # type: ignore[assignment]  # its groups are dicts

    def __repr__(self) -> str:
        parts = [f"{name}={schedule!r}" for name, schedule in self.schedules.items()]
        return f"Plan({', '.join([*parts, *([f'groups={self.groups!r}'] if self.groups else [])])})"


class ResolvedPlan:
    """A plan in one training: call it with an update (and a group) for the values there."""

    __slots__ = ("groups",)

    def __init__(self, groups: dict[str | None, dict[str, Resolved]]) -> None:
        self.groups = groups

    def __call__(self, t: float, group: str | None = None) -> dict[str, float]:
        """The value of every parameter at update ``t``."""
        return {name: resolved(t) for name, resolved in self.of(group).items()}

    def of(self, group: str | None = None) -> dict[str, Resolved]:
        """The resolved schedules of one group."""
        if group not in self.groups:
            names = ", ".join(str(name) for name in self.groups if name is not None)
            raise LrightError(f"the plan has no group {group!r}: it has {names or 'none'}")
        return self.groups[group]
