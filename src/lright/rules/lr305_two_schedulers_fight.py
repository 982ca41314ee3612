"""LR305: two schedulers set the learning rate of one optimizer, and one of them undoes the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..case import Case
from ..finding import Finding
from ..situation import Scheduler
from ..timeline import Site
from . import wiring
from .base import Related, Remedy, Rule

_HEAD = """\
import torch
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, MultiStepLR, ReduceLROnPlateau, StepLR

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
_STEP = """\
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
"""


class TwoSchedulersFight(Rule):
    id = "LR305"
    slug = "two-schedulers-fight"
    severity = "warning"
    summary = "Two schedulers set the same learning rate, and one undoes the other"
    why = """LambdaLR, OneCycleLR, CyclicLR, warm restarts and the schedules of transformers and timm compute the
learning rate from their step count and write it, whatever stood there. Next to such a one, the reductions of another
scheduler last until its next step and are gone. Schedulers that multiply what they find (StepLR, ExponentialLR,
ReduceLROnPlateau) can be chained with each other."""
    bad = (
        _HEAD
        + """\
warmup = LambdaLR(optimizer, lr_lambda=lambda epoch: min(1.0, (epoch + 1) / 5))
scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
"""
        + _STEP
        + """\
    scheduler.step()
    warmup.step()
""",
        _HEAD
        + """\
scheduler = LambdaLR(optimizer, lr_lambda=lambda epoch: (1 - epoch / 90) ** 0.9)
plateau = ReduceLROnPlateau(optimizer, patience=5)
"""
        + _STEP
        + """\
    with torch.no_grad():
        val_loss = sum(model(x).pow(2).mean().item() for (x,) in loader) / len(loader)
    plateau.step(val_loss)
    scheduler.step()
""",
    )
    good = (
        _HEAD
        + """\
slow = ExponentialLR(optimizer, gamma=0.98)
drops = MultiStepLR(optimizer, milestones=[30, 60], gamma=0.5)
"""
        + _STEP
        + """\
    slow.step()
    drops.step()
""",
        _HEAD
        + """\
warmup = LambdaLR(optimizer, lr_lambda=lambda epoch: min(1.0, (epoch + 1) / 5))
scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
"""
        + _STEP
        + """\
    if epoch < 5:
        warmup.step()
    else:
        scheduler.step()
""",
    )
    sources = (
        "torch 2.13, measured: ChainedScheduler and hand-made chains with LambdaLR lose what the others did",
        "torch documentation, 'How to adjust learning rate': chaining is described for schedulers that multiply",
    )
    fix_safety = """Unsafe: a plateau scheduler or a second closed form whose work is undone is taken out. A
warmup in front of a decay is written as a SequentialLR, which is left to a person."""
    covers = ("LR213", "LR211", "LR103")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for wiping, undone in self._pairs(case):
            for over in case.ticks(wiping):
                for under in case.ticks(undone):
                    if self._meet(case, over.site, under.site):
                        yield self._finding(case, wiping, undone, over.site, under.site)
                        break
                else:
                    continue
                break

    def _pairs(self, case: Case) -> Iterator[tuple[Scheduler, Scheduler]]:
        """Schedulers of one optimizer, first the one that writes from scratch."""
        stepped = [s for s in case.schedulers() if s.known and s.optimizer is not None and not case.escapes(s)]
        for position, first in enumerate(stepped):
            for second in stepped[position + 1 :]:
                if first.optimizer != second.optimizer:
                    continue
                if wiring.from_scratch(second):
                    yield second, first
                elif wiring.from_scratch(first):
                    yield first, second

    def _meet(self, case: Case, first: Site, second: Site) -> bool:
        """Whether two ticks happen in the same period of training, each of them regularly."""
        if wiring.period(first, second) is None or wiring.exclusive(first, second):
            return False
        return wiring.regular(case, first) and wiring.regular(case, second)

    def _finding(self, case: Case, wiping: Scheduler, undone: Scheduler, over: Site, under: Site) -> Finding:
        strong, weak = wiring.titled(wiping), wiring.titled(undone)
        if wiring.from_scratch(undone):
            last = max((over, under), key=lambda site: site.order)
            strong, weak = (strong, weak) if last is over else (weak, strong)
            message = f"{strong} and {weak} each compute the whole learning rate: the one stepped last, {strong}, wins"
        elif undone.plateau:
            message = f"{strong} computes the learning rate anew at every step, so every reduction by {weak} is undone"
        else:
            message = f"{strong} computes the learning rate anew at every step, so what {weak} does to it is undone"
        related = [Related(under.place, f"{weak} is stepped here"), Related(wiping.place, strong)]
        return self.finding(
            over.place, message, subjects=[wiping.number, undone.number], remedies=self._remedies(case, undone, under),
            related=[*related, Related(undone.place, weak)],
        )  # fmt: skip

    def _remedies(self, case: Case, undone: Scheduler, under: Site) -> list[Remedy]:
        """Dropping what has no effect; not where that is the decay itself, beside what looks like a warmup."""
        if not undone.plateau and not wiring.from_scratch(undone):
            return []
        return list(wiring.dropped(undone, under.place))


RULE = TwoSchedulersFight()
