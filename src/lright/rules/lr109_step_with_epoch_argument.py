"""LR109: step(epoch), where the scheduler misreads, deprecates or refuses it."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import ERROR, INFO, LIKELY, PROVEN, WARNING, Finding
from ..quantity import Expr
from ..situation import Scheduler
from ..timeline import Loop
from .base import Remedy, Rule
from .ticking import PER_BATCH, Numbers, name_of, period, updates_of

_WITHOUT_ARGUMENT = ("SequentialLR", "ChainedScheduler")
_BY_DESIGN = ("CosineAnnealingWarmRestarts",)


class StepWithEpochArgument(Rule):
    id = "LR109"
    slug = "step-with-epoch-argument"
    severity = "warning"
    summary = "step() is given an argument that the scheduler misreads, deprecates or refuses"
    why = """step() of a torch scheduler takes no argument, except for ReduceLROnPlateau (a metric) and
CosineAnnealingWarmRestarts (a position in epochs). Elsewhere an argument is taken as the number of steps already
made: step(epoch) after epoch 0 sets the schedule back to its start, so everything comes one epoch late, and
step(val_loss) puts the schedule at position 0.37. torch warns that the argument is deprecated. SequentialLR and
ChainedScheduler raise."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60], gamma=0.1)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step(epoch)
""",
        """\
import torch

@torch.no_grad()
def validate(model, loader):
    total = 0.0
    for (x,) in loader:
        total += model(x).pow(2).mean().item()
    return total / len(loader)

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    val_loss = validate(model, val_loader)
    scheduler.step(val_loss)
""",
    )
    good = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=30)
for epoch in range(90):
    for i, (x,) in enumerate(loader):
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step(epoch + i / len(loader))
""",
        """\
import torch
from timm.scheduler import CosineLRScheduler

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = CosineLRScheduler(optimizer, t_initial=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step(epoch + 1)
""",
    )
    sources = ("measured with torch 2.13: step(n) sets every torch scheduler but MultiplicativeLR and SWALR to step n",)
    fix_safety = """Unsafe: dropping the argument gives the schedule as written. Where the value equals the number
of steps already made (step(epoch + 1) after the epoch) nothing changes, and the finding is only a note."""
    covers = ("LR101", "LR201", "LR202", "LR203", "LR204", "LR112", "LR217")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if not scheduler.known or scheduler.plateau or scheduler.framework not in ("torch", "transformers"):
                continue
            for tick in case.ticks(scheduler):
                loop = period(tick)
                if loop is None or not tick.has_argument:
                    continue
                found = self._judge(case, scheduler, tick, loop)
                if found is not None:
                    yield found
                    break

    def _judge(self, case: Case, scheduler: Scheduler, tick: Tick, loop: Loop) -> Finding | None:
        name, text = name_of(scheduler), tick.text
        if scheduler.name in _WITHOUT_ARGUMENT:
            message = f"{name}.step({text}) raises a TypeError: step() of {scheduler.name} takes no argument"
            return self._finding(scheduler, tick, message, ERROR, PROVEN)
        if self._is_metric(tick):
            message = f"{name}.step({text}) is no plateau step: {scheduler.name} takes the metric as its step number"
            return self._finding(scheduler, tick, message, WARNING, LIKELY)
        if scheduler.name in _BY_DESIGN:
            return None
        late = self._steps_late(case, scheduler, tick, loop)
        if not late:
            message = f"{name}.step({text}): the argument is deprecated, and step() alone does the same"
            if late is None:
                message = f"{name}.step({text}): the argument is deprecated, and sets the schedule to that step"
            return self._finding(scheduler, tick, message, INFO, PROVEN)
        numbers: Numbers = {"late": late}
        size = f"{abs(late):g} epoch{'' if abs(late) == 1 else 's'}"
        if late > 0:
            message = f"{name}.step({text}) sets the schedule back: every change comes {size} late"
            return self._finding(scheduler, tick, message, WARNING, PROVEN, numbers)
        # Epochs that are counted from 1: milestone 30 then means "in epoch 30", which a person may well mean.
        message = f"{name}.step({text}) is deprecated: every change comes {size} earlier than with plain steps"
        return self._finding(scheduler, tick, message, INFO, PROVEN, numbers)

    def _is_metric(self, tick: Tick) -> bool:
        metric = tick.metric
        if metric is None or (tick.argument is not None and _counts(tick.argument)):
            return False
        if any(word in tick.text.lower() for word in ("epoch", "step", "iter")):
            return False
        return metric.direction is not None or metric.phase is not None

    def _steps_late(self, case: Case, scheduler: Scheduler, tick: Tick, loop: Loop) -> float | None:
        """By how many epochs the position given is behind that of plain steps; None where that is not known."""
        if tick.argument is None or tick.rate.unit in PER_BATCH or tick.rate.every is not None:
            return None
        starts = {other.index: 0 for other in tick.site.loops}
        first = case.number(tick.argument, {**starts, loop.index: 0})
        second = case.number(tick.argument, {**starts, loop.index: 1})
        if first is None or second is None or second - first != 1:
            return None
        updates = [site for site in updates_of(case, scheduler) if site.within(loop)]
        if not updates:
            return None
        before = all(site.order > tick.site.order for site in updates)
        return (0.0 if before else 1.0) - first

    def _finding(
        self, scheduler: Scheduler, tick: Tick, message: str, severity: str, certainty: str,
        numbers: Numbers | None = None,
    ) -> Finding:  # fmt: skip
        remedies = []
        if tick.argument_place is not None:
            remedies.append(Remedy("remove-argument", "step without an argument", tick.argument_place))
        return self.finding(
            tick.site.place, message, severity=severity, certainty=certainty, numbers=numbers, remedies=remedies,
            subjects=[scheduler.number],
        )  # fmt: skip


def _counts(expr: Expr) -> bool:
    """Whether a loop counter is in it."""
    return any(name.startswith("@") for name in expr.symbols())


RULE = StepWithEpochArgument()
