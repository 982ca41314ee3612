"""LR306: a parameter group is added after a scheduler was built that cannot cope with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..case import Case
from ..finding import Finding
from ..schedule import emulate
from ..situation import Scheduler
from ..timeline import Site
from . import wiring
from .base import LIKELY, PROVEN, Related, Remedy, Rule

# Measured with torch 2.13: what the next step() raises.
_RAISES = {
    "LambdaLR": "ValueError", "MultiplicativeLR": "ValueError", "CosineAnnealingWarmRestarts": "ValueError",
    "CyclicLR": "ValueError", "OneCycleLR": "KeyError", "SWALR": "KeyError",
}  # fmt: skip
_HEAD = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR

body, head = torch.nn.Linear(10, 10), torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=100)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
"""
_STEP = """\
    for (x,) in loader:
        optimizer.zero_grad()
        head(body(x)).pow(2).mean().backward()
        optimizer.step()
"""


class GroupAddedAfterScheduler(Rule):
    id = "LR306"
    slug = "group-added-after-scheduler"
    severity = "error"
    summary = "A parameter group is added after a scheduler was built that cannot cope with it"
    why = """Schedulers note the groups of the optimizer when they are built. LambdaLR, MultiplicativeLR, CyclicLR and
warm restarts raise ValueError at the next step() with more groups than they know, OneCycleLR raises KeyError.
ExponentialLR, StepLR, MultiStepLR, CosineAnnealingLR and ReduceLROnPlateau take the new group along. LinearLR and
ConstantLR take it along too, and undo in it a reduction it never had."""
    bad = (
        _HEAD
        + """\
scheduler = LambdaLR(optimizer, lr_lambda=lambda epoch: 0.95 ** epoch)
for epoch in range(20):
    if epoch == 5:
        optimizer.add_param_group({"params": body.parameters(), "lr": 0.01})
"""
        + _STEP
        + """\
    scheduler.step()
""",
        _HEAD
        + """\
scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps=20)
optimizer.add_param_group({"params": body.parameters(), "lr": 0.01})
for epoch in range(20):
"""
        + _STEP
        + """\
    scheduler.step()
""",
    )
    good = (
        _HEAD
        + """\
scheduler = CosineAnnealingLR(optimizer, T_max=20)
for epoch in range(20):
    if epoch == 5:
        optimizer.add_param_group({"params": body.parameters(), "lr": 0.01})
"""
        + _STEP
        + """\
    scheduler.step()
""",
        _HEAD
        + """\
optimizer.add_param_group({"params": body.parameters(), "lr": 0.01})
scheduler = LambdaLR(optimizer, lr_lambda=lambda epoch: 0.95 ** epoch)
for epoch in range(20):
"""
        + _STEP
        + """\
    scheduler.step()
""",
    )
    sources = ("torch 2.13, measured; pytorch issues #53712, #79888, #62475 (open)",)
    fix_safety = "Unsafe: building the scheduler after the group is offered where both stand before the training."
    covers = ("LR217", "LR310")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if not scheduler.known or scheduler.optimizer is None:
                continue
            built = wiring.build_site(case.training, scheduler.number)
            if built is None:
                continue
            for added in case.training.of("add-group", scheduler.optimizer):
                if added.order > built.order and not wiring.exclusive(added, built):
                    yield from self._judge(case, scheduler, built, added)

    def _judge(self, case: Case, scheduler: Scheduler, built: Site, added: Site) -> Iterator[Finding]:
        later = [t.site for t in case.ticks(scheduler) if t.site.order > added.order or _shared(t.site, added)]
        if not later:
            return
        raised = self._raised(case, scheduler)
        name = wiring.titled(scheduler)
        if raised is not None:
            message = f"{name} was built before this group is added: its next step() raises {raised}"
        elif scheduler.name in ("LinearLR", "ConstantLR") and not added.loops and not added.guards:
            start = self._start(case, scheduler)
            if start is None or start >= 1:
                return
            message = (
                f"{name} was built before this group is added and later undoes in it a reduction it never had: its "
                f"learning rate ends {1 / start:.3g} times too high"
            )
        else:
            return
        remedies = []
        if not added.loops and not added.guards and built.event.function == added.event.function and not built.loops:
            remedies.append(
                Remedy("move-after", "build the scheduler after the group is added", scheduler.place, to=added.place)
            )
        yield self.finding(
            added.place, message, certainty=LIKELY if case.rate(added).conditional else PROVEN,
            numbers={"raises": raised}, related=[Related(scheduler.place, f"{scheduler.name} is built here")],
            remedies=remedies, subjects=[scheduler.number, scheduler.optimizer or 0],
        )  # fmt: skip

    def _raised(self, case: Case, scheduler: Scheduler) -> str | None:
        if scheduler.name == "SequentialLR":
            later = case.children(scheduler)[1:]
            return "ValueError" if later else None
        if emulate.FRAMEWORKS.get(scheduler.name) == "transformers" and not scheduler.plateau:
            return None if scheduler.name == "get_scheduler" else "ValueError"
        return _RAISES.get(scheduler.name)

    def _start(self, case: Case, scheduler: Scheduler) -> float | None:
        """The factor in force when the scheduler is built."""
        name = "start_factor" if scheduler.name == "LinearLR" else "factor"
        argument = scheduler.arguments.get(name)
        found = case.number(argument.value) if argument is not None else 1 / 3
        return found if found else None


def _shared(first: Site, second: Site) -> bool:
    return any(second.within(loop) for loop in first.loops)


RULE = GroupAddedAfterScheduler()
