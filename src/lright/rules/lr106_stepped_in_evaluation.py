"""LR106: the scheduler is stepped inside the batch loop of validation or test."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import IN_EVALUATION, Case, Tick
from ..finding import Finding
from ..quantity import Unit
from ..situation import Scheduler
from ..timeline import EVALUATION
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .ticking import IN_TRAINING, Numbers, after_update, name_of, unit_of, updates_of


class SteppedInEvaluation(Rule):
    id = "LR106"
    slug = "stepped-in-evaluation"
    severity = "error"
    summary = "The scheduler is stepped for every batch of validation or test"
    why = """No weights change during validation, but a step() there moves the schedule on all the same: by as many
steps as there are validation batches, in every epoch. The learning rate then depends on the size of the validation
set."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    model.train()
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for (x,) in val_loader:
            loss = model(x).pow(2).mean()
            scheduler.step()
""",
        """\
import torch

def run(model, loader, optimizer, scheduler):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()

@torch.no_grad()
def validate(model, loader, scheduler):
    total = 0.0
    for (x,) in loader:
        total += model(x).pow(2).mean().item()
        scheduler.step()
    return total / len(loader)

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90 * len(loader))
for epoch in range(90):
    run(model, loader, optimizer, scheduler)
    print(validate(model, val_loader, scheduler))
""",
    )
    good = (
        """\
import torch

@torch.no_grad()
def validate(model, loader, scheduler):
    val_loss = 0.0
    for (x,) in loader:
        val_loss += model(x).pow(2).mean().item()
    val_loss /= len(loader)
    scheduler.step(val_loss)

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    validate(model, val_loader, scheduler)
""",
        """\
import torch
from diffusers import DDPMScheduler

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
noise = DDPMScheduler(num_train_timesteps=1000)

@torch.no_grad()
def sample(scheduler):
    x = torch.randn(16, 10)
    for t in scheduler.timesteps:
        x = scheduler.step(model(x), t, x).prev_sample
    return x

for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    sample(noise)
""",
    )
    sources = ("torch 2.13 documentation: schedulers count calls of step()",)
    fix_safety = """Unsafe: where the scheduler is stepped in training too, the call in validation is dropped; where
it is not, it is moved behind the loop or to the updates, as the length asks for."""
    covers = (
        "LR101", "LR102", "LR104", "LR111", "LR113", "LR114", "LR201", "LR202", "LR203", "LR204", "LR205", "LR211",
        "LR214", "LR217", "LR604", "LR605", "LR611",
    )  # fmt: skip
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.all_schedulers():
            ticks = case.ticks(scheduler)
            inside = [tick for tick in ticks if tick.rate.unit == IN_EVALUATION and tick.rate.every is None]
            if not inside or inside[0].rate.conditional:
                continue
            if not scheduler.seen and inside[0].has_argument:
                continue  # a sampler of a diffusion model, or something else that is called a scheduler
            if case.updates(None):
                yield self._finding(case, scheduler, inside[0], [t for t in ticks if t.rate.unit in IN_TRAINING])

    def _finding(self, case: Case, scheduler: Scheduler, tick: Tick, others: list[Tick]) -> Finding:
        numbers: Numbers = {}
        loop = tick.site.innermost(EVALUATION)
        assert loop is not None
        trips = case.number(loop.trips)
        often = ""
        if trips is not None:
            numbers["evaluation_batches"] = trips
            often = f": {trips:,.0f} steps in every pass over it, while no weights change"
        message = f"{name_of(scheduler)} is stepped for every batch of the evaluation loop over {loop.text}{often}"
        outcome = case.outcome(scheduler) if scheduler.seen else None
        return self.finding(
            tick.site.place, message, certainty=PROVEN if scheduler.known else LIKELY, numbers=numbers,
            related=[Related(other.site.place, f"stepped in training too, {other.rate}") for other in others[:1]],
            remedies=self._remedies(case, scheduler, tick, others),
            actual=outcome.curve(label="actual") if outcome and case.known() else None, subjects=[scheduler.number],
        )  # fmt: skip

    def _remedies(self, case: Case, scheduler: Scheduler, tick: Tick, others: list[Tick]) -> list[Remedy]:
        if others:
            return [Remedy("delete", "step the scheduler in training only", tick.site.place)]
        loop = tick.site.innermost(EVALUATION)
        assert loop is not None
        outside = Remedy("move-after-loop", "step the scheduler once, after the loop", tick.site.place, to=loop.place)
        moved = after_update(case, tick, scheduler.optimizer) if updates_of(case, scheduler) else None
        if moved is None:
            return [outside]
        return [moved, outside] if unit_of(case, scheduler) in (Unit.BATCH, Unit.UPDATE) else [outside, moved]


RULE = SteppedInEvaluation()
