"""LR103: the scheduler is stepped before the first optimizer update of its period."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_EPOCH, Case, Tick
from ..finding import INFO, Finding
from ..situation import Scheduler
from ..timeline import BATCH, Loop, Site
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .ticking import IN_TRAINING, Numbers, certain, name_of, period, rate_text, updates_of


class SchedulerBeforeOptimizer(Rule):
    id = "LR103"
    slug = "scheduler-before-optimizer"
    severity = "warning"
    summary = "The scheduler is stepped before the optimizer update of the same epoch or batch"
    why = """The constructor of a scheduler already sets the learning rate of the first epoch (or batch). A step()
before the first optimizer update replaces it unused: the first value of the schedule is skipped and everything
after it comes one epoch (or batch) early. Until torch 1.1 this was the right order, so it is still found in older
scripts; since then torch warns once."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60], gamma=0.1)
for epoch in range(90):
    scheduler.step()
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
""",
        """\
import torch

def train(model, optimizer, scheduler, loader):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        scheduler.step()
        optimizer.step()

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 90 * len(loader))
for epoch in range(90):
    train(model, optimizer, scheduler, loader)
""",
    )
    good = (
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
    scheduler.step()
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60], gamma=0.1)
for epoch in range(90):
    if epoch > 0:
        scheduler.step()
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
""",
    )
    sources = ("torch 2.13 documentation, 'How to adjust learning rate': step the scheduler after the optimizer",)
    fix_safety = """Unsafe: moving the call behind the updates gives the schedule as it is written; a script that
was tuned with the early step will train a little differently."""
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.all_schedulers():
            if scheduler.plateau or scheduler.prepared or scheduler.framework in ("timm", "own"):
                continue
            updates = updates_of(case, scheduler)
            for tick in case.ticks(scheduler):
                loop = period(tick)
                if loop is None or tick.has_argument or tick.rate.unit not in IN_TRAINING:
                    continue
                inside = [site for site in updates if site.within(loop)]
                if self._comes_first(tick, inside) and self._in_the_first_trip(case, scheduler, tick, loop):
                    yield self._finding(case, scheduler, tick, inside[0])
                    break

    def _comes_first(self, tick: Tick, updates: list[Site]) -> bool:
        return bool(updates) and all(site.order > tick.site.order for site in updates)

    def _in_the_first_trip(self, case: Case, scheduler: Scheduler, tick: Tick, loop: Loop) -> bool:
        """Whether it happens before any update: ``if epoch > 0: scheduler.step()`` does not."""
        if not tick.site.guards_below(loop):
            return True
        optimizer = case.optimizer(scheduler)
        if optimizer is not None and len(case.ticks(scheduler)) == 1:
            plays = [case.play(optimizer, witness) for witness in case.witnesses()]
            played = [play for play in plays if play is not None and play.ticks(scheduler.number)]
            if played:
                key = ("update", optimizer.number)
                return all(play.at_tick(scheduler.number, 0).counts.get(key, 0) == 0 for play in played)
        return certain(case, tick.site.guards_below(loop))

    def _finding(self, case: Case, scheduler: Scheduler, tick: Tick, update: Site) -> Finding:
        per_epoch = tick.rate.unit == EVERY_EPOCH
        span = "epoch" if per_epoch else "batch"
        numbers: Numbers = {}
        where = "the first optimizer update of each epoch" if per_epoch else "the optimizer update of the same batch"
        message = f"{name_of(scheduler)} is stepped before {where}: {self._consequence(case, scheduler, span, numbers)}"
        outcome = case.outcome(scheduler) if scheduler.seen else None
        # A class of another file may count from one, so that what it begins with is no value of the schedule.
        own = not scheduler.known and scheduler.name[:1].isupper()
        return self.finding(
            tick.site.place,
            message,
            severity=INFO if own else None,
            certainty=PROVEN if scheduler.known else LIKELY,
            numbers=numbers,
            related=[Related(update.place, "the optimizer update that should come first")],
            remedies=[self._remedy(tick, update, per_epoch)],
            actual=outcome.curve(label="actual") if outcome and case.known() else None,
            subjects=[scheduler.number],
        )

    def _consequence(self, case: Case, scheduler: Scheduler, span: str, numbers: Numbers) -> str:
        outcome = case.outcome(scheduler) if scheduler.seen else None
        early = f"every change comes one {span} early"
        if outcome is None or not case.known() or not case.peak_known(outcome.optimizer):
            return f"the first value of the schedule is never used and {early}"
        first, second = outcome.lr_at_tick(0), outcome.lr_at_tick(1)
        if first is None or second is None:
            return early
        if abs(first - second) <= 1e-9 * max(abs(first), abs(second)):
            return early
        numbers["unused_lr"] = first
        return f"its first value, {rate_text(first)}, is never used and {early}"

    def _remedy(self, tick: Tick, update: Site, per_epoch: bool) -> Remedy:
        if not per_epoch:
            return Remedy("move-after", "step the scheduler after the optimizer", tick.site.place, to=update.place)
        batch = update.innermost(BATCH)
        title = "step the scheduler after the batch loop"
        loop = period(tick)
        if batch is not None and not batch.epoch_like and batch.function == tick.site.event.function:
            return Remedy("move-after", title, tick.site.place, to=batch.place)
        assert loop is not None
        return Remedy("move-to-loop-end", "step the scheduler at the end of the epoch", tick.site.place, to=loop.place)


RULE = SchedulerBeforeOptimizer()
