"""LR307: schedulers combined so that one erases what another does."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from ..situation import Scheduler
from . import wiring
from .base import Related, Rule

_HEAD = """\
import torch
from torch.optim.lr_scheduler import (
    ChainedScheduler, CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, OneCycleLR, SequentialLR,
)

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
warmup = LinearLR(optimizer, start_factor=0.1, total_iters=5)
"""
_STEP = """\
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
"""


class ChainedSchedulersWipe(Rule):
    id = "LR307"
    slug = "chained-schedulers-wipe"
    severity = "warning"
    summary = "A ChainedScheduler or SequentialLR has a member that erases what the others do"
    why = """ChainedScheduler steps its members one after the other on the same learning rate, which works for
those that multiply what they find. LambdaLR, OneCycleLR, CyclicLR and warm restarts write the learning rate
from their own step count: a warmup chained in front of one of them never shows. In a SequentialLR the members
take turns, but OneCycleLR lowers the optimizer's base learning rate as soon as it is built, so a warmup before
it runs 25 times too low."""
    bad = (
        _HEAD
        + """\
decay = LambdaLR(optimizer, lr_lambda=lambda epoch: 0.97 ** epoch)
scheduler = ChainedScheduler([warmup, decay])
"""
        + _STEP,
        _HEAD
        + """\
cycle = OneCycleLR(optimizer, max_lr=0.1, total_steps=85)
scheduler = SequentialLR(optimizer, [warmup, cycle], milestones=[5])
"""
        + _STEP,
    )
    good = (
        _HEAD
        + """\
decay = ExponentialLR(optimizer, gamma=0.97)
scheduler = ChainedScheduler([warmup, decay])
"""
        + _STEP,
        _HEAD
        + """\
decay = LambdaLR(optimizer, lr_lambda=lambda epoch: (1 - epoch / 85) ** 0.9)
scheduler = SequentialLR(optimizer, [warmup, decay], milestones=[5])
"""
        + _STEP,
    )
    sources = (
        "torch 2.13, measured: LinearLR(0.1) chained with LambdaLR starts at 1.0; LinearLR(0.1) in sequence with "
        "OneCycleLR runs from 0.004 to 0.04 in place of 0.1 to 1",
        "pytorch issue #82859",
    )
    fix_safety = "No fix is offered: which of the curves was meant is a choice."
    covers = ("LR103", "LR213", "LR210", "LR209")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.training.schedulers.values():
            members = case.children(scheduler)
            if not scheduler.seen or len(members) < 2 or not all(member.known for member in members):
                continue
            if scheduler.name == "ChainedScheduler":
                wiping = [member for member in members if wiring.from_scratch(member)]
                if wiping:
                    yield self._chained(scheduler, members, wiping[-1])
            elif scheduler.name == "SequentialLR":
                cycles = [member for member in members if member.name == "OneCycleLR"]
                if cycles:
                    yield self._sequential(case, scheduler, members, cycles[0])

    def _chained(self, scheduler: Scheduler, members: list[Scheduler], wiping: Scheduler) -> Finding:
        others = ", ".join(wiring.titled(member) for member in members if member is not wiping)
        message = (
            f"{wiring.titled(wiping)} computes the whole learning rate at every step, so in this ChainedScheduler what "
            f"{others} does is lost"
        )
        return self._finding(scheduler, members, message)

    def _sequential(self, case: Case, scheduler: Scheduler, members: list[Scheduler], cycle: Scheduler) -> Finding:
        argument = cycle.arguments.get("div_factor")
        divisor = case.number(argument.value) if argument is not None else 25.0
        others = ", ".join(wiring.titled(member) for member in members if member is not cycle)
        times = f"{divisor:g} times lower than written" if divisor else "lower than written"
        message = (
            f"{wiring.titled(cycle)} sets the optimizer's base learning rate to max_lr/div_factor when it is "
            "built, so in "
            f"this SequentialLR {others} runs {times}"
        )
        return self._finding(scheduler, members, message)

    def _finding(self, scheduler: Scheduler, members: list[Scheduler], message: str) -> Finding:
        related = [Related(member.place, f"member: {member.name}") for member in members]
        subjects = [scheduler.number, *(member.number for member in members)]
        return self.finding(scheduler.place, message, related=related, subjects=subjects)


RULE = ChainedSchedulersWipe()
