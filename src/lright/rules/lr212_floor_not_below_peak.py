"""LR212: the floor of the schedule is not below the learning rate."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, WARNING, Finding
from ..quantity import Expr
from ..situation import Argument, Optimizer, Scheduler
from . import examples
from .base import PROVEN, Related, Rule
from .spans import call

_FLOORS = {
    "CosineAnnealingLR": "eta_min", "CosineAnnealingWarmRestarts": "eta_min", "ReduceLROnPlateau": "min_lr",
    "CosineLRScheduler": "lr_min", "TanhLRScheduler": "lr_min", "PolyLRScheduler": "lr_min",
    "PlateauLRScheduler": "lr_min", "get_polynomial_decay_schedule_with_warmup": "lr_end",
    "get_cosine_with_min_lr_schedule_with_warmup": "min_lr",
}  # fmt: skip


class FloorNotBelowPeak(Rule):
    id = "LR212"
    slug = "floor-not-below-peak"
    severity = WARNING
    summary = "The floor (eta_min, min_lr) is at or above the learning rate, so nothing comes down"
    why = """A cosine goes from the optimizer's learning rate to eta_min. If both are equal it is flat; if
eta_min is higher it climbs. ReduceLROnPlateau never goes below min_lr, so one at or above the learning rate
switches it off."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS, eta_min=0.1)\n"),
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS, eta_min=1e-3)\n",
            optimizer="AdamW(model.parameters(), lr=3e-4)",
        ),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS, eta_min=1e-5)\n"),
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n",
            optimizer="AdamW(model.parameters(), lr=1e-6)",
        ),
    )
    sources = ("measured with torch 2.13",)
    fix_safety = "None: the floor that was meant is not known."
    covers = ("LR201", "LR202", "LR214", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        tops = [scheduler for scheduler in case.schedulers() if scheduler.known]
        for scheduler in [*tops, *(child for top in tops for child in case.children(top))]:
            name = _FLOORS.get(scheduler.name)
            argument = scheduler.arguments.get(name) if name is not None else None
            optimizer = self._owner(case, scheduler)
            if name is None or argument is None or optimizer is None:
                continue
            above = [self._above(case, argument.value, group.get("lr")) for group in optimizer.groups]
            if above and all(above):
                yield self._finding(case, scheduler, name, argument, optimizer, WARNING)
            elif any(above):
                yield self._finding(case, scheduler, name, argument, optimizer, INFO)

    def _owner(self, case: Case, scheduler: Scheduler) -> Optimizer | None:
        owner = case.optimizer(scheduler)
        if owner is None and scheduler.parent is not None:
            owner = case.optimizer(case.training.schedulers[scheduler.parent])
        return owner

    def _above(self, case: Case, floor: object, lr: Expr | None) -> bool:
        """Whether a floor is surely not below a learning rate: by their numbers, or because they are the same."""
        low, high = case.number(floor), case.number(lr)
        if low is not None and high is not None:
            return low >= high > 0
        return isinstance(floor, Expr) and lr is not None and floor == lr and next(floor.symbols(), None) is not None

    def _finding(
        self, case: Case, scheduler: Scheduler, name: str, argument: Argument, optimizer: Optimizer, severity: str
    ) -> Finding:
        low, high = case.number(argument.value), case.number(optimizer.groups[0].get("lr"))
        message = f"{name}={argument.text} is not below the learning rate"
        numbers: dict[str, float | int | str | bool | None] = {}
        if low is not None and high is not None:
            numbers = {"floor": low, "lr": high}
            message = (
                f"{name}={argument.text} is {'the same as' if low == high else 'above'} the learning rate ({high:g})"
            )
        if severity == INFO:
            message = f"{name}={argument.text} is not below the learning rate of some of the groups"
        elif scheduler.plateau:
            message += ": it is never reduced"
        elif low is not None and high is not None and low > high:
            message += ": the schedule raises it"
        else:
            message += ": it never changes"
        return self.finding(
            argument.place,
            message,
            severity=severity,
            certainty=PROVEN,
            numbers=numbers,
            related=[Related(call(scheduler), "built here"), Related(optimizer.place, "the learning rate")],
            subjects=[scheduler.number, *([scheduler.parent] if scheduler.parent is not None else [])],
        )


RULE = FloorNotBelowPeak()
