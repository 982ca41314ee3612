"""LR105: a schedule counted in optimizer updates is stepped on every micro-batch."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_BATCH, Case, Outcome, Tick
from ..finding import Finding
from ..quantity import Unit
from ..situation import Scheduler
from ..timeline import MICRO
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .ticking import Numbers, after_update, counting, name_of, out_of_sight, size_of, updates_of, written


class SteppedPerMicroBatch(Rule):
    id = "LR105"
    slug = "stepped-per-micro-batch"
    severity = "error"
    summary = "The schedule counts optimizer updates, but it is stepped on every micro-batch"
    why = """With gradient accumulation the optimizer updates once in several batches. A schedule whose length
counts updates and that is stepped on every batch runs several times too fast: the warmup is short, the floor is
reached after a fraction of the training, and OneCycleLR raises. With an accumulation of 1 nothing is wrong, so
tests do not show it."""
    bad = (
        """\
import torch

ACCUMULATE, EPOCHS = 4, 10
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(51200, 10)), batch_size=128)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
updates = EPOCHS * (len(loader) // ACCUMULATE)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=updates)
for epoch in range(EPOCHS):
    for i, (x,) in enumerate(loader):
        (model(x).pow(2).mean() / ACCUMULATE).backward()
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
""",
        """\
import argparse
import torch
from transformers import get_linear_schedule_with_warmup

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--gradient_accumulation_steps", type=int, default=1)
args = parser.parse_args()
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(51200, 10)), batch_size=128)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
total = len(loader) // args.gradient_accumulation_steps * args.epochs
scheduler = get_linear_schedule_with_warmup(optimizer, total // 10, total)
for epoch in range(args.epochs):
    for step, (x,) in enumerate(loader):
        loss = model(x).pow(2).mean() / args.gradient_accumulation_steps
        loss.backward()
        if (step + 1) % args.gradient_accumulation_steps == 0:
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
""",
    )
    good = (
        """\
import torch

ACCUMULATE, EPOCHS = 4, 10
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(51200, 10)), batch_size=128)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))
for epoch in range(EPOCHS):
    for i, (x,) in enumerate(loader):
        (model(x).pow(2).mean() / ACCUMULATE).backward()
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
""",
        """\
import torch

ACCUMULATE, EPOCHS = 4, 10
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(51200, 10)), batch_size=128)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
updates = EPOCHS * (len(loader) // ACCUMULATE)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=updates)
for epoch in range(EPOCHS):
    for i, (x,) in enumerate(loader):
        (model(x).pow(2).mean() / ACCUMULATE).backward()
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
""",
    )
    sources = ("torch 2.13 documentation: schedulers count calls of step()",)
    fix_safety = """Unsafe: moving step() beside the optimizer update keeps the length as written; giving the length
in micro-batches would be right as well."""
    covers = (
        "LR201", "LR203", "LR205", "LR206", "LR211", "LR217", "LR101", "LR103", "LR214", "LR208",
        "LR604", "LR605", "LR611",
    )  # fmt: skip
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            ticks = case.ticks(scheduler)
            if not counting(case, scheduler) or not (
                case.accumulates(scheduler.optimizer) or _in_micro_loop(case, ticks)
            ):
                continue
            if not ticks or any(t.rate.unit != EVERY_BATCH or t.rate.every or t.rate.conditional for t in ticks):
                continue
            outcomes = case.outcomes(scheduler)
            certainty = self._certainty(case, scheduler, outcomes)
            if certainty is not None:
                yield self._finding(case, scheduler, ticks[0], certainty)

    def skipped(self, case: Case) -> str | None:
        return out_of_sight(case)

    def _certainty(self, case: Case, scheduler: Scheduler, outcomes: list[Outcome]) -> str | None:
        lengths = case.lengths(scheduler)
        if outcomes:
            if not all(self._sized_in_updates(case, scheduler, outcome) for outcome in outcomes):
                return None
        elif not any(length.unit is Unit.UPDATE and case.proven(length.expr) for length in lengths):
            return None
        return PROVEN if any(length.unit is Unit.UPDATE and case.proven(length.expr) for length in lengths) else LIKELY

    def _sized_in_updates(self, case: Case, scheduler: Scheduler, outcome: Outcome) -> bool:
        """The length is the number of updates, not that of the ticks."""
        size, updates = size_of(outcome), float(outcome.updates)
        factor = case.number(case.accumulation(scheduler.optimizer), outcome.witness)
        if any(site.event.data.get("accumulate") is not None for site in updates_of(case, scheduler)):
            updates /= factor or 1  # Accelerate skips the others inside optimizer.step()
        return size is not None and outcome.ticks > 1.5 * updates and abs(size - updates) <= 0.15 * updates

    def _finding(self, case: Case, scheduler: Scheduler, tick: Tick, certainty: str) -> Finding:
        numbers: Numbers = {}
        outcome = case.outcome(scheduler)
        factor = case.number(case.accumulation(scheduler.optimizer))
        lengths = case.lengths(scheduler)
        witness = case.witnesses()[0]
        longest = max(lengths, key=lambda length: case.number(length.expr, witness) or 0) if lengths else None
        what = written(longest) if longest is not None else "its length"
        often = "on every micro-batch"
        if factor is not None:
            numbers["accumulation"] = factor
            often = f"{factor:g} times per optimizer update"
        message = f"{name_of(scheduler)} is stepped {often}, but {what} counts updates"
        size = size_of(outcome) if outcome is not None else None
        if outcome is not None and size and case.known():
            numbers["ticks"], numbers["length"] = outcome.ticks, size
            message += f": the schedule is over after {100 * size / outcome.ticks:.2g}% of the training"
        elif factor is not None:
            message += f": the schedule is over after 1/{factor:g} of the training"
        moved = after_update(case, tick, scheduler.optimizer)
        related = [Related(longest.argument.place, f"{longest.name} counts updates")] if longest is not None else []
        remedies: list[Remedy] = [moved] if moved is not None else []
        return self.finding(
            tick.site.place, message, certainty=certainty, numbers=numbers, related=related, remedies=remedies,
            actual=outcome.curve(label="actual") if outcome and case.known() else None, subjects=[scheduler.number],
        )  # fmt: skip


def _in_micro_loop(case: Case, ticks: list[Tick]) -> bool:
    """Whether it is stepped in a loop over the micro-batches of one update: ``for _ in range(accumulate)``."""
    loops = [tick.site.loops[-1] for tick in ticks if tick.site.loops and tick.site.loops[-1].kind == MICRO]
    return bool(loops) and not any(site.within(loop) for loop in loops for site in case.updates(None))


RULE = SteppedPerMicroBatch()
