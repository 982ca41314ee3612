"""LR206: with several processes, the length and the number of steps differ by their number."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import ERROR, Finding
from ..quantity import Sym
from .base import PROVEN, Related, Rule
from .spans import Span, call, end_of, fit, spans

_SETUP = """\
import torch
import torch.distributed as dist
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("nccl")
EPOCHS = 10
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(10, 2))
dataset = TensorDataset(torch.randn(51200, 10))
sampler = DistributedSampler(dataset)
loader = DataLoader(dataset, batch_size=128, sampler=sampler)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
"""
_LOOP = """\
for epoch in range(EPOCHS):
    sampler.set_epoch(epoch)
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
"""


class ProcessesIgnoredInLength(Rule):
    id = "LR206"
    slug = "processes-ignored-in-length"
    severity = ERROR
    summary = "With several processes the length and the number of steps differ by their number"
    why = """A loader with a DistributedSampler gives each process its share: len(loader) is already
divided. A length from len(dataset) // batch_size counts the batches of all processes while each steps its
scheduler for its own; dividing len(loader) by the world size again makes the schedule too short. On one
GPU, where scripts are tried, both look right."""
    bad = (
        _SETUP + "scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS * (len(dataset) // 128))\n" + _LOOP,
        _SETUP
        + "steps = len(loader) // dist.get_world_size()\n"
        + "scheduler = OneCycleLR(optimizer, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=steps)\n"
        + _LOOP,
    )
    good = (
        _SETUP + "scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))\n" + _LOOP,
        _SETUP
        + "steps = len(dataset) // (128 * dist.get_world_size())\n"
        + "scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS * steps)\n"
        + _LOOP,
    )
    sources = ("torch 2.13 documentation: DistributedSampler divides the data among the processes",)
    fix_safety = "Unsafe: the length of one process's training is offered where the schedule has one length."
    covers = ("LR201", "LR202", "LR203", "LR208", "LR211", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        processes = case.number(Sym("processes"))
        if processes is None or processes <= 1:
            return
        for found in spans(case):
            if found.per_epoch or not found.comparable:
                continue
            together = [self._ratio(found, outcome) for outcome in found.outcomes]
            alone = [self._alone(found, outcome) for outcome in found.outcomes]
            if all(self._only_together(t, a) for t, a in zip(together, alone, strict=True)):
                yield self._finding(found, together[0] or 1.0, int(processes))

    def _only_together(self, together: float | None, alone: float | None) -> bool:
        """Whether the length fits with one process (but for a remainder) and not with several."""
        if together is None or alone is None:
            return False
        return 0.7 < alone < 1.4 and not 0.6 < together / alone < 1.7

    def _ratio(self, found: Span, outcome: Outcome | None) -> float | None:
        if outcome is None or outcome.ticks == 0:
            return None
        emulated = outcome.emulated
        end = emulated.length if emulated is not None and found.last().name == "OneCycleLR" else end_of(found, outcome)
        return None if end is None else end / outcome.ticks

    def _alone(self, found: Span, outcome: Outcome) -> float | None:
        """The same ratio with one process."""
        return self._ratio(found, found.case.outcome(found.scheduler, {**outcome.witness, "processes": 1}))

    def _finding(self, found: Span, ratio: float, processes: int) -> Finding:
        outcome = found.outcome
        which = "too long" if ratio > 1 else "too short"
        times = ratio if ratio > 1 else 1 / ratio
        message = f"With {processes} processes {found.name} is {times:.2g} times {which}: each process takes "
        message += (
            "only its share of the batches, and its length counts those of all"
            if ratio > 1
            else ("its share of the batches, which its length divides once more")
        )
        related = [Related(a.argument.place, f"{a.name}") for a in found.case.lengths(found.scheduler)]
        return self.finding(
            call(found.scheduler),
            message,
            certainty=PROVEN,
            conditions=("processes>1",),
            numbers={"ratio": round(ratio, 4), "processes": processes},
            related=[*related, *found.related()],
            remedies=fit(found),
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )


RULE = ProcessesIgnoredInLength()
