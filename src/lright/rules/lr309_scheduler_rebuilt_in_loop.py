"""LR309: the scheduler is made again and again, so the schedule never gets past its beginning."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from ..quantity import Expr
from ..situation import Optimizer, Scheduler
from ..timeline import BATCH, EPOCH, OUTER, Loop, Site
from . import wiring
from .base import LIKELY, PROVEN, Related, Remedy, Rule

_FOLDS = ("fold", "split", "seed", "run", "trial", "repeat", "experiment")
_HEAD = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
"""


class SchedulerRebuiltInLoop(Rule):
    id = "LR309"
    slug = "scheduler-rebuilt-in-loop"
    severity = "warning"
    summary = "The scheduler is built inside the training loop, so the schedule starts again every time"
    why = """A new scheduler counts from 0. Built inside the epoch loop it never gets past its first steps: a
cosine or a step decay does nothing at all, a warmup stays at its start, and an exponential decay works only by
accident. Built once per fold on an optimizer that lives across folds, it starts from whatever learning rate the
last fold has left."""
    bad = (
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(90):
    scheduler = CosineAnnealingLR(optimizer, T_max=90)
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for fold in range(5):
    scheduler = StepLR(optimizer, step_size=10, gamma=0.1)
    for epoch in range(30):
        for (x,) in loader:
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
        scheduler.step()
""",
    )
    good = (
        _HEAD
        + """\
for fold in range(5):
    model = torch.nn.Linear(10, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = StepLR(optimizer, step_size=10, gamma=0.1)
    for epoch in range(30):
        for (x,) in loader:
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
        scheduler.step()
""",
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(60):
    if epoch == 0:
        scheduler = CosineAnnealingLR(optimizer, T_max=60)
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
    )
    sources = ("torch 2.13: a new scheduler starts at last_epoch = -1",)
    fix_safety = """Unsafe for folds (the optimizer has to be made anew too). In an epoch loop the construction
is moved in front of the loop."""
    covers = ("LR108", "LR201", "LR202", "LR203", "LR204", "LR211", "LR213", "LR208", "LR214")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            optimizer = case.optimizer(scheduler)
            built = wiring.build_site(case.training, scheduler.number)
            if optimizer is None or built is None or not built.loops or case.escapes(scheduler):
                continue
            loop = self._restarting(case, scheduler, optimizer, built)
            if loop is not None:
                yield self._finding(case, scheduler, optimizer, built, loop)

    def _restarting(self, case: Case, scheduler: Scheduler, optimizer: Optimizer, built: Site) -> Loop | None:
        """The loop in which the scheduler is made anew while its optimizer lives on."""
        loop = built.loops[-1]
        made = wiring.build_site(case.training, optimizer.number)
        if built.guards_below(loop) or not optimizer.seen or made is None or made.within(loop):
            return None
        trips = case.number(loop.trips)
        if trips is not None and trips < 2:
            return None
        ticked = any(tick.site.within(loop) for tick in case.ticks(scheduler))
        updated = any(site.within(loop) for site in case.updates(optimizer))
        if not ticked or not updated:
            return None
        if loop.kind in (EPOCH, BATCH):
            return loop
        written = f"{loop.variable} {loop.text}".lower()
        reset = any(site.within(loop) for site in case.training.of("write", optimizer.number))
        reset = reset or any(site.within(loop) for site in case.training.of("load", optimizer.number))
        folds = any(word in written for word in _FOLDS)
        return loop if loop.kind == OUTER and folds and not reset else None

    def _finding(self, case: Case, scheduler: Scheduler, optimizer: Optimizer, built: Site, loop: Loop) -> Finding:
        name = wiring.titled(scheduler)
        inner = loop.kind in (EPOCH, BATCH)
        what = "epoch" if loop.kind == EPOCH or loop.epoch_like else "batch" if inner else loop.variable or "run"
        if inner:
            once = sum(tick.site.loops[-1] is loop for tick in case.ticks(scheduler)) == 1
            reach = "its first step" if once else f"the steps of one {what}"
            message = f"{name} is built anew in every {what}: it never gets past {reach}"
        else:
            message = (
                f"{name} is built once per {what}, but {wiring.name_of(optimizer)} (line "
                f"{optimizer.place.line}) is not: "
                f"every {what} after the first starts from the learning rate the last one has left"
            )
        remedies = []
        if inner and not _depends(scheduler, loop):
            title = f"build {scheduler.text or 'the scheduler'} once, before the loop"
            remedies.append(Remedy("move-before", title, scheduler.place, to=loop.place))
        return self.finding(
            scheduler.place, message, certainty=PROVEN if inner else LIKELY, remedies=remedies,
            related=[
                Related(optimizer.place, "the optimizer is built once"),
                Related(loop.header or loop.place, "in this loop"),
            ],
            subjects=[scheduler.number, optimizer.number],
        )  # fmt: skip


def _depends(scheduler: Scheduler, loop: Loop) -> bool:
    """Whether an argument is about the trip."""
    values = [argument.value for argument in scheduler.arguments.values()]
    return any(isinstance(value, Expr) and loop.index in value.symbols() for value in values)


RULE = SchedulerRebuiltInLoop()
