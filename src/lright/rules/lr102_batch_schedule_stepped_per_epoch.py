"""LR102: a schedule counted in batches is stepped once per epoch."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_EPOCH, Case, Length, Outcome, Tick
from ..finding import Finding
from ..quantity import BATCHES_PER_EPOCH, Unit
from ..situation import Scheduler
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .ticking import Numbers, after_update, counting, name_of, out_of_sight, rate_text, size_of, valued, written

_BATCHES = (Unit.BATCH, Unit.UPDATE)


class BatchScheduleSteppedPerEpoch(Rule):
    id = "LR102"
    slug = "batch-schedule-stepped-per-epoch"
    severity = "error"
    summary = "The schedule's length is in batches, but it is stepped once per epoch"
    why = """A scheduler counts its step() calls and nothing else. OneCycleLR, the warmup schedules of transformers
and anything sized with len(loader) expect a step() after every batch. Stepped once per epoch they get only a small
part of the way: a warmup never ends, a decay never comes, and nothing in the output says so."""
    bad = (
        """\
import torch

EPOCHS = 20
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=EPOCHS, steps_per_epoch=len(loader))
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
        """\
import torch
from transformers import get_linear_schedule_with_warmup

def main(epochs=3):
    model = torch.nn.Linear(10, 2)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(6400, 10)), batch_size=32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
    total = epochs * len(loader)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=total)
    for epoch in range(epochs):
        for (x,) in loader:
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
        scheduler.step()

main()
""",
    )
    good = (
        """\
import torch

EPOCHS = 20
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=EPOCHS, steps_per_epoch=len(loader))
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
""",
        """\
import torch

EPOCHS = 20
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=EPOCHS)
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
""",
    )
    sources = (
        "torch 2.13 documentation, OneCycleLR: step() is called after every batch; transformers 5: one step per update",
    )
    fix_safety = """Unsafe: stepping after every batch and giving the length in epochs are both right; the first
keeps the length as written and is offered first."""
    covers = (
        "LR201", "LR202", "LR203", "LR204", "LR205", "LR206", "LR207", "LR208", "LR210", "LR211", "LR213", "LR214",
        "LR601", "LR611",
    )  # fmt: skip
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if not counting(case, scheduler):
                continue
            ticks = case.ticks(scheduler)
            if not ticks or any(tick.rate.unit != EVERY_EPOCH or tick.rate.every is not None for tick in ticks):
                continue
            found = self._in_batches(case, scheduler)
            if found is not None:
                yield self._finding(case, scheduler, ticks[0], *found)

    def skipped(self, case: Case) -> str | None:
        return out_of_sight(case)

    def _in_batches(self, case: Case, scheduler: Scheduler) -> tuple[Length, str] | None:
        """The length that counts batches and how sure that is."""
        lengths = case.lengths(scheduler)
        if any(length.unit is Unit.EPOCH and self._fits_epochs(case, length) for length in lengths):
            return None
        for length in lengths:
            proven = length.unit in _BATCHES and case.proven(length.expr)
            if proven or case.training.dimension(length.expr) == BATCHES_PER_EPOCH:
                return length, PROVEN
        outcomes = case.outcomes(scheduler)
        if not lengths or not outcomes:
            return None
        longest = max(lengths, key=lambda length: case.number(length.expr, outcomes[0].witness) or 0)
        named = longest.unit in _BATCHES
        if all(self._far_too_long(outcome, named) for outcome in outcomes):
            return longest, LIKELY
        return None

    def _fits_epochs(self, case: Case, length: Length) -> bool:
        """An unknown number, or one that can be epochs (``epochs * 390`` cannot)."""
        witness = case.witnesses()[0]
        # What a resumed run has left says nothing about the unit: the length is that of the whole training.
        whole = Case(case.training.default) if case.training.default is not None else case
        size, epochs = case.number(length.expr, witness), case.number(whole.epochs(), witness)
        return size is None or epochs is None or size <= 2 * epochs

    def _far_too_long(self, outcome: Outcome, named: bool) -> bool:
        """A number that is that of the updates, or that its name calls steps and that epochs never reach."""
        size = size_of(outcome)
        if size is None or size < 4 * outcome.ticks:
            return False
        return named or abs(size - outcome.updates) <= 0.02 * outcome.updates

    def _finding(self, case: Case, scheduler: Scheduler, tick: Tick, length: Length, certainty: str) -> Finding:
        numbers: Numbers = {}
        outcome = case.outcome(scheduler)
        known = outcome is not None and case.known()
        remedies = []
        moved = after_update(case, tick, scheduler.optimizer)
        if moved is not None:
            remedies.append(moved)
        epochs = case.source(case.epochs())
        if epochs is not None and length.name in ("T_max", "total_iters", "total_steps", "num_training_steps"):
            title = f"count the schedule in epochs: {length.name}={epochs}"
            remedies.append(Remedy("replace", title, length.argument.place, epochs))
        message = f"{name_of(scheduler)} is stepped once per epoch, but {written(length)} counts batches"
        if known and outcome is not None:
            message = self._sentence(case, scheduler, length, outcome, numbers)
        return self.finding(
            tick.site.place, message, certainty=certainty, numbers=numbers,
            related=[Related(length.argument.place, f"{length.name} counts batches")], remedies=remedies,
            intended=outcome.planned(Unit.UPDATE) if known and outcome else None,
            actual=outcome.curve(label="actual") if known and outcome else None, subjects=[scheduler.number],
        )  # fmt: skip

    def _sentence(self, case: Case, scheduler: Scheduler, length: Length, outcome: Outcome, numbers: Numbers) -> str:
        numbers["ticks"] = outcome.ticks
        size = size_of(outcome)
        message = (
            f"{name_of(scheduler)} is stepped {outcome.ticks:,} times, once per epoch, "
            f"but {valued(case, length, numbers)} counts batches"
        )
        first, last = outcome.lr(0), outcome.lr(outcome.updates - 1)
        if size:
            numbers["fraction"] = round(outcome.ticks / size, 6)
            message += f": training sees the first {100 * outcome.ticks / size:.2g}% of the schedule"
        if first is not None and last is not None and case.peak_known(outcome.optimizer):
            numbers["first_lr"], numbers["last_lr"] = first, last
            message += f" and ends at an LR of {rate_text(last)}"
        return message


RULE = BatchScheduleSteppedPerEpoch()
