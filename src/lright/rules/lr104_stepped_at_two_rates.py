"""LR104: one scheduler is stepped both per batch and per epoch, or twice in a row."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_EPOCH, Case, Tick
from ..finding import Finding
from ..quantity import Unit
from ..situation import Scheduler
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .ticking import (
    IN_TRAINING,
    PER_BATCH,
    Numbers,
    certain,
    common_loop,
    name_of,
    reads_as_epochs,
    unit_of,
    updates_of,
)
from .wiring import exclusive


class SteppedAtTwoRates(Rule):
    id = "LR104"
    slug = "stepped-at-two-rates"
    severity = "error"
    summary = "The same scheduler is stepped per batch and per epoch, or twice in a row"
    why = """Every step() moves the schedule on by one, wherever it stands. With one call after each batch and
another after each epoch, or two calls between the same updates, the schedule is used up faster than its length
says, and no unit fits its length any more. Usually one of the calls is left over from an earlier version."""
    bad = (
        """\
import torch

EPOCHS = 30
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
    scheduler.step()
""",
        """\
import torch

def train(model, loader, optimizer, scheduler):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
for epoch in range(90):
    train(model, loader, optimizer, scheduler)
    print(epoch, scheduler.get_last_lr())
    scheduler.step()
""",
    )
    good = (
        """\
import torch

EPOCHS = 30
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=len(loader))
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[15, 25])
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        if epoch < 1:
            warmup.step()
    scheduler.step()
""",
        """\
import torch

ACCUMULATE = 4
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
updates = (len(loader) + ACCUMULATE - 1) // ACCUMULATE
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30 * updates)
for epoch in range(30):
    for i, (x,) in enumerate(loader):
        model(x).pow(2).mean().backward()
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    if len(loader) % ACCUMULATE != 0:
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
""",
    )
    sources = ("torch 2.13 documentation: schedulers count calls of step()",)
    fix_safety = """Unsafe: which of the two calls is meant follows from the unit of the length where that is known;
where it is not, either may be the right one."""
    covers = (
        "LR101", "LR102", "LR103", "LR105", "LR201", "LR202", "LR203", "LR204", "LR205", "LR211", "LR214", "LR217",
        "LR604", "LR605", "LR611",
    )  # fmt: skip
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.all_schedulers():
            if scheduler.framework in ("timm", "own") or scheduler.prepared:
                continue
            pair = self._pair(case, scheduler)
            if pair is not None:
                yield self._finding(case, scheduler, *pair)

    def _pair(self, case: Case, scheduler: Scheduler) -> tuple[Tick, Tick] | None:
        """The first two ticks that surely follow each other without an update between."""
        ticks = [t for t in case.ticks(scheduler) if t.rate.unit in IN_TRAINING]
        if not scheduler.plateau:
            ticks = [tick for tick in ticks if not tick.has_argument]
        for position, first in enumerate(ticks):
            for second in ticks[position + 1 :]:
                if self._follow(case, scheduler, first, second):
                    return first, second
        return None

    def _follow(self, case: Case, scheduler: Scheduler, first: Tick, second: Tick) -> bool:
        loop = common_loop(first.site, second.site)
        if (
            loop is None
            or exclusive(first.site, second.site)
            or first.site.place == second.site.place
            and scheduler.plateau
        ):
            return False
        if first.rate.unit != second.rate.unit and (first.rate.every or second.rate.every):
            return False  # every 1500 batches and after each epoch: nobody writes that by oversight
        if scheduler.plateau and not case.same_period(first.site, second.site):
            return False  # one step for each validation is right, wherever validations stand
        shared = {(id(guard.branch), guard.arm) for guard in first.site.guards}
        shared &= {(id(guard.branch), guard.arm) for guard in second.site.guards}
        for site in (first.site, second.site):
            own = [guard for guard in site.guards_below(loop) if (id(guard.branch), guard.arm) not in shared]
            if not certain(case, tuple(own)):
                return False
        updates = [
            site.order
            for site in updates_of(case, scheduler)
            if site.within(loop) and not exclusive(site, first.site) and not exclusive(site, second.site)
        ]
        between = [order for order in updates if first.site.order < order < second.site.order]
        around = [order for order in updates if order < first.site.order or order > second.site.order]
        return bool(updates) and (not between or not around)

    def _wrong(self, case: Case, scheduler: Scheduler, first: Tick, second: Tick) -> tuple[Tick, bool]:
        """The call to be dropped, and whether the unit of the length tells."""
        units = {tick.rate.unit in PER_BATCH: tick for tick in (first, second)}
        if len(units) == 1:
            updates = updates_of(case, scheduler)
            early = all(site.order > first.site.order for site in updates) and first.rate.unit == EVERY_EPOCH
            return (first if early else second), False
        unit = unit_of(case, scheduler)
        if unit is None:
            outcomes = case.outcomes(scheduler)
            if outcomes and all(reads_as_epochs(outcome) for outcome in outcomes):
                return units[True], False
            return units[False], False
        return (units[True] if unit is Unit.EPOCH else units[False]), True

    def _finding(self, case: Case, scheduler: Scheduler, first: Tick, second: Tick) -> Finding:
        wrong, told = self._wrong(case, scheduler, first, second)
        other = first if wrong is second else second
        numbers: Numbers = {}
        message = f"{name_of(scheduler)} is stepped {self._rates(first, second)}"
        outcome = case.outcome(scheduler) if scheduler.seen else None
        if outcome is not None and case.known() and outcome.epochs:
            numbers["ticks"] = outcome.ticks
            message += f": {outcome.ticks:,} steps in {outcome.epochs:g} epochs"
        kept = "per epoch" if other.rate.unit == EVERY_EPOCH else "per batch"
        title = f"keep the step {kept} only" if first.rate.unit != second.rate.unit else "step once, not twice"
        remedies = [Remedy("delete", title, wrong.site.place)]
        if not told:
            remedies.append(Remedy("delete", "drop the other step instead", other.site.place))
        return self.finding(
            wrong.site.place, message, certainty=PROVEN if scheduler.known else LIKELY, numbers=numbers,
            related=[Related(other.site.place, f"also stepped here, {other.rate}")], remedies=remedies,
            actual=outcome.curve(label="actual") if outcome and case.known() else None, subjects=[scheduler.number],
        )  # fmt: skip

    def _rates(self, first: Tick, second: Tick) -> str:
        if first.rate.unit in PER_BATCH and second.rate.unit in PER_BATCH:
            return "twice for the same optimizer update"
        if first.rate.unit == second.rate.unit:
            return "twice in every epoch"
        return "once per batch and again once per epoch"


RULE = SteppedAtTwoRates()
