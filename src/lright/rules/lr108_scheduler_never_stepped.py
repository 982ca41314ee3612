"""LR108: a scheduler is created and never stepped."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from ..quantity import Unit
from ..situation import Scheduler
from ..timeline import BATCH, EPOCH, Site
from .base import PROVEN, Related, Remedy, Rule
from .ticking import Numbers, name_of, out_of_sight, rate_text


class SchedulerNeverStepped(Rule):
    id = "LR108"
    slug = "scheduler-never-stepped"
    severity = "warning"
    summary = "The scheduler is created, but nothing ever steps it"
    why = """A scheduler changes the learning rate only when its step() is called. Without that the whole training
runs at the learning rate of the first step: at the starting point of a warmup if the schedule has one.
`scheduler.step` without parentheses names the method and does not call it; Python says nothing."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step
""",
    )
    good = (
        """\
import torch
from mytrainer import Trainer

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
trainer = Trainer(callbacks=[lambda: scheduler.step()])
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    trainer.epoch_end()
""",
        """\
import torch

def build(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer, scheduler = build(model)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    for s in [scheduler]:
        s.step()
""",
    )
    sources = ("torch 2.13 documentation: schedulers act when step() is called",)
    fix_safety = """Adding the missing parentheses is safe. Adding a call is unsafe: it is put where the unit of the
length belongs, after the batch loop or after the optimizer update."""
    covers = ("LR201", "LR202", "LR203", "LR204", "LR213", "LR217", "LR211", "LR601", "LR611")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        if not case.training.complete:
            return
        for scheduler in case.schedulers():
            made = case.training.of("build", scheduler.number)
            judged = scheduler.known or scheduler.framework == "own"
            if not judged or not made or case.escapes(scheduler) or case.ticks(scheduler):
                continue
            if self._stepped_elsewhere(case, scheduler):
                continue
            updates = [site for site in case.updates(scheduler.optimizer) if site.loops]
            if scheduler.optimizer is not None and updates:
                yield self._finding(case, scheduler, updates)

    def skipped(self, case: Case) -> str | None:
        if not case.training.complete:
            return "the script was not read to its end"
        return out_of_sight(case)

    def _stepped_elsewhere(self, case: Case, scheduler: Scheduler) -> bool:
        """Whether the text has a step that was not read and may be its own: under another setting, in a callback."""
        name = scheduler.text.rsplit(".", 1)[-1]
        return any(owner == name or "sched" in owner.lower() for owner in case.training.unread_steps)

    def _finding(self, case: Case, scheduler: Scheduler, updates: list[Site]) -> Finding:
        numbers: Numbers = {}
        named = case.training.of("uncalled", scheduler.number)
        name = name_of(scheduler)
        message = f"{name} is created but never stepped"
        if named:
            message = f"{name}.step without parentheses does nothing, so {name} is never stepped"
        message += f": {self._consequence(case, scheduler, numbers)}"
        place = named[0].place if named else scheduler.place
        related = [Related(scheduler.place, "created here")] if named else []
        remedy = self._parentheses(scheduler, named) if named else self._call(case, scheduler, updates[-1])
        return self.finding(
            place, message, certainty=PROVEN, numbers=numbers, related=related,
            remedies=[remedy] if remedy is not None else [], subjects=[scheduler.number],
        )  # fmt: skip

    def _consequence(self, case: Case, scheduler: Scheduler, numbers: Numbers) -> str:
        outcome = case.outcome(scheduler) if scheduler.known and not scheduler.plateau else None
        if outcome is None or not case.known() or not case.peak_known(outcome.optimizer):
            return "the LR never changes"
        first = outcome.lr_at_tick(0)
        if first is None:
            return "the LR never changes"
        numbers["lr"], numbers["updates"] = first, outcome.updates
        return f"all {outcome.updates:,} updates run at an LR of {rate_text(first)}"

    def _parentheses(self, scheduler: Scheduler, named: list[Site]) -> Remedy | None:
        if scheduler.plateau or not scheduler.text:
            return None
        return Remedy("replace", "call step()", named[0].place, f"{scheduler.text}.step()", safe=True)

    def _call(self, case: Case, scheduler: Scheduler, update: Site) -> Remedy | None:
        """A step where the unit of the length belongs; only where the scheduler's name can be seen."""
        if scheduler.plateau or not scheduler.text:
            return None
        text = f"{scheduler.text}.step()"
        batch = update.innermost(BATCH)
        if self._in_batches(case, scheduler):
            return Remedy("insert-after", "step the scheduler after each optimizer update", update.place, text)
        if batch is None or batch.epoch_like:
            return None
        epoch = update.innermost(EPOCH)
        if epoch is None or epoch.function != scheduler.function:
            return None
        title = "step the scheduler once per epoch, after the batch loop"
        if batch.function == epoch.function:
            return Remedy("insert-after", title, batch.place, text)
        return None

    def _in_batches(self, case: Case, scheduler: Scheduler) -> bool:
        lengths = case.lengths(scheduler)
        if any(length.unit in (Unit.BATCH, Unit.UPDATE) for length in lengths):
            return True
        epochs = case.number(case.epochs())
        sizes = [case.number(length.expr) for length in lengths if length.unit is None]
        return epochs is not None and any(size is not None and size > 2 * epochs for size in sizes)


RULE = SchedulerNeverStepped()
