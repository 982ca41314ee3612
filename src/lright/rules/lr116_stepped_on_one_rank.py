"""LR116: the scheduler is stepped on the main process only."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import ONCE, Case
from ..finding import Finding
from ..situation import Scheduler
from ..timeline import Guard, Place
from .base import PROVEN, Related, Remedy, Rule
from .ticking import name_of, updates_of


class SteppedOnOneRank(Rule):
    id = "LR116"
    slug = "stepped-on-one-rank"
    severity = "error"
    summary = "The scheduler is stepped on the main process only"
    why = """Every process has its own optimizer and its own scheduler. If only rank 0 steps its scheduler, the
others keep the learning rate they started with. DistributedDataParallel averages the gradients, not the weights:
with different learning rates the copies of the model drift apart, and the one that is saved is that of rank 0."""
    bad = (
        """\
import torch
import torch.distributed as dist

dist.init_process_group("nccl")
rank = dist.get_rank()
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(10, 2))
data = torch.utils.data.TensorDataset(torch.randn(50000, 10))
sampler = torch.utils.data.distributed.DistributedSampler(data)
loader = torch.utils.data.DataLoader(data, batch_size=128, sampler=sampler)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    sampler.set_epoch(epoch)
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    if rank == 0:
        print(epoch)
        scheduler.step()
""",
        """\
import torch
import torch.distributed as dist

def is_main_process():
    return dist.get_rank() == 0

def main():
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(10, 2))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
    for epoch in range(90):
        for (x,) in loader:
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
        if is_main_process():
            torch.save(model.state_dict(), "model.pt")
            scheduler.step()

main()
""",
    )
    good = (
        """\
import torch
import torch.distributed as dist

dist.init_process_group("nccl")
rank = dist.get_rank()
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(10, 2))
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    if rank == 0:
        print(epoch, scheduler.get_last_lr())
    scheduler.step()
""",
        """\
import torch

rank = 0
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
if rank == 0:
    for epoch in range(90):
        for (x,) in loader:
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
        scheduler.step()
""",
    )
    sources = ("torch 2.13 documentation, DistributedDataParallel: only gradients are averaged",)
    fix_safety = "Unsafe: the call is moved behind the test; what it is given must be known to every process."
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.all_schedulers():
            ticks = case.ticks(scheduler)
            updates = updates_of(case, scheduler)
            if not ticks or scheduler.prepared or not all(tick.rate.one_rank for tick in ticks):
                continue
            if all(tick.rate.unit == ONCE for tick in ticks):  # put to its start where it is made
                continue
            if updates and not any(case.rate(site).one_rank for site in updates):
                yield self._finding(scheduler, ticks[0].site.guards, ticks[0].site.place, ticks[0].has_argument)

    def _finding(self, scheduler: Scheduler, guards: tuple[Guard, ...], place: Place, fed: bool) -> Finding:
        guard = next(g for g in guards if g.branch.origin == "main process")
        message = (
            f"{name_of(scheduler)} is stepped only where {guard.branch.text}: "
            "all other processes keep their first LR, and the copies of the model drift apart"
        )
        title = "step the scheduler on every process"
        remedies = [] if fed else [Remedy("move-after", title, place, to=guard.branch.place)]
        return self.finding(
            place, message, certainty=PROVEN, conditions=("processes>1",),
            related=[Related(guard.branch.place, "only one process goes in here")], remedies=remedies,
            subjects=[scheduler.number],
        )  # fmt: skip


RULE = SteppedOnOneRank()
