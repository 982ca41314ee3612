"""LR101: a schedule counted in epochs is stepped once per batch."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_EPOCH, EVERY_UPDATE, Case, Length, Outcome, Tick
from ..finding import Finding
from ..quantity import Unit
from ..situation import Scheduler
from ..timeline import BATCH, EPOCH
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .spans import factor, per_loader
from .ticking import PER_BATCH, certain, counting, out_of_sight, size_of

_LISTED = ("lr_lambda", "milestones")  # not lengths that a factor would convert


class EpochScheduleSteppedPerBatch(Rule):
    id = "LR101"
    slug = "epoch-schedule-stepped-per-batch"
    severity = "error"
    summary = "The schedule's length is in epochs, but it is stepped once per batch"
    why = """A scheduler counts its step() calls and nothing else. A length in epochs with a step() per batch is
used up within the first epochs: a cosine reaches its floor and then climbs and falls again, step and exponential
decays shrink the learning rate to nothing. Training goes on without an error, with a learning rate nobody chose."""
    bad = (
        """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

EPOCHS = 90
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)

def train_one_epoch():
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()

for epoch in range(90):
    train_one_epoch()
""",
    )
    good = (
        """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

EPOCHS = 90
model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[12000, 16000], gamma=0.1)
for epoch in range(50):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
""",
    )
    sources = ("torch 2.13 documentation: schedulers count calls of step()",)
    fix_safety = """Unsafe: moving step() behind the batch loop and lengthening the schedule to batches are both
right; the first keeps the schedule as written and is offered first."""
    covers = (
        "LR201", "LR202", "LR203", "LR204", "LR211", "LR217", "LR214", "LR208", "LR210", "LR604", "LR605", "LR611",
    )  # fmt: skip
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if not counting(case, scheduler):
                continue
            ticks = case.ticks(scheduler)
            per_batch = [tick for tick in ticks if tick.rate.unit in PER_BATCH and tick.rate.every is None]
            if not per_batch or any(tick.rate.unit == EVERY_EPOCH for tick in ticks):
                continue
            if not all(certain(case, tick.site.guards_below(tick.site.innermost(BATCH))) for tick in per_batch):
                continue
            reading = self._in_epochs(case, scheduler)
            if reading is not None:
                yield self._finding(case, scheduler, per_batch[0], reading)

    def skipped(self, case: Case) -> str | None:
        return out_of_sight(case)

    def _in_epochs(self, case: Case, scheduler: Scheduler) -> tuple[Length | None, str] | None:
        """The length that counts epochs and how sure that is; None where there is none."""
        lengths = case.lengths(scheduler)
        counted = [length for length in lengths if length.unit is not None and case.number(length.expr) != 0]
        if counted:
            others = [
                length for length in counted if length.unit is not Unit.EPOCH or self._beyond_epochs(case, length)
            ]
            if others:
                return self._phase(case, scheduler, [length for length in counted if length not in others])
            return counted[0], PROVEN if case.proven(counted[0].expr) else LIKELY
        if any(case.number(length.expr) is None for length in lengths):
            return None
        outcomes = case.outcomes(scheduler)
        if outcomes and all(self._reads_as_epochs(outcome, lengths) for outcome in outcomes):
            return (lengths[-1] if lengths else None), LIKELY
        return None

    def _phase(self, case: Case, scheduler: Scheduler, lengths: list[Length]) -> tuple[Length | None, str] | None:
        """A phase that surely counts epochs among others that count batches."""
        phases = [length for length in lengths if length.scheduler is not scheduler or scheduler.children]
        sure = [length for length in phases if case.proven(length.expr)]
        return (sure[0], PROVEN) if sure else None

    def _beyond_epochs(self, case: Case, length: Length) -> bool:
        """``epochs * 390``: the number stands for the batches of an epoch."""
        witness = case.witnesses()[0]
        size, epochs = case.number(length.expr, witness), case.number(case.epochs(), witness)
        return size is not None and epochs is not None and size > 2 * epochs

    def _reads_as_epochs(self, outcome: Outcome, lengths: list[Length]) -> bool:
        """Bare numbers: they fit the epochs, and as batches they use the schedule up at once."""
        epochs = outcome.epochs
        if not epochs or outcome.updates < 4 * epochs:
            return False
        numbers = [outcome.case.number(length.expr, outcome.witness) for length in lengths]
        if any(number is None or number > max(1.5 * epochs, 12) for number in numbers):
            return False
        collapsed, peak = outcome.collapse(), outcome.peak()
        at_end = outcome.lr_at_tick(int(epochs))
        if collapsed is not None and collapsed < 0.02:
            return True  # gone before training has begun
        if collapsed is not None and collapsed < 0.6 and at_end is not None and at_end > 1e-3 * peak:
            return True  # as epochs it decays, as batches it vanishes
        size = size_of(outcome)
        if not size or outcome.ticks <= 4 * size:
            return False
        last = [lr for lr in (outcome.lr_at_tick(int(size) - 1), outcome.lr_at_tick(int(size))) if lr is not None]
        return bool(last) and min(last) <= 0.5 * peak  # a warmup over a few batches ends high

    def _finding(self, case: Case, scheduler: Scheduler, tick: Tick, reading: tuple[Length | None, str]) -> Finding:
        length, certainty = reading
        outcome = case.outcome(scheduler)
        numbers: dict[str, float | int | str | bool | None] = {}
        message = self._sentence(case, scheduler, tick, length, outcome, numbers)
        batch = tick.site.innermost(BATCH)
        remedies = []
        alone = not any(per_loader(case, one.expr) for one in case.lengths(scheduler) if one.unit is not Unit.EPOCH)
        if batch is not None and alone:
            remedies.append(
                Remedy("move-after-loop", "step the scheduler once per epoch, after the batch loop", tick.site.place,
                       to=batch.place)
            )  # fmt: skip
        epoch = tick.site.innermost(EPOCH)
        if epoch is not None and alone and epoch.function == tick.site.event.function:
            remedies.append(
                Remedy("move-to-loop-end", "step the scheduler once per epoch, at the end of it", tick.site.place,
                       to=epoch.place)
            )  # fmt: skip
        per_epoch = self._ticks_per_epoch(case, scheduler, tick)
        if length is not None and per_epoch is not None and length.name not in _LISTED and length.unit is Unit.EPOCH:
            text = f"{factor(length.argument.text)} * {per_epoch}"
            remedies.append(
                Remedy("replace", f"count the schedule in batches: {length.name}={text}", length.argument.place, text)
            )
        related = [Related(length.argument.place, f"{length.name} counts epochs")] if length is not None else []
        return self.finding(
            tick.site.place, message, certainty=certainty, numbers=numbers, related=related, remedies=remedies,
            intended=outcome.planned(Unit.EPOCH) if outcome else None,
            actual=outcome.opening(label="actual") if outcome else None,
            subjects=[scheduler.number], unless=() if case.known() else tuple(case.unknowns()),
        )  # fmt: skip

    def _ticks_per_epoch(self, case: Case, scheduler: Scheduler, tick: Tick) -> str | None:
        batches = case.source(case.batches_per_epoch())
        if tick.rate.unit != EVERY_UPDATE or batches is None:
            return batches
        every = case.source(case.accumulation(scheduler.optimizer))
        return f"({batches} // {factor(every)})" if every is not None else None

    def _sentence(
        self, case: Case, scheduler: Scheduler, tick: Tick, length: Length | None, outcome: Outcome | None,
        numbers: dict[str, float | int | str | bool | None],
    ) -> str:  # fmt: skip
        name = scheduler.text or scheduler.name
        written = f"{length.name}={length.argument.text}" if length is not None else "its decay per step"
        if outcome is None or not case.known():
            return f"{name} is stepped {tick.rate}, but {written} counts epochs"
        numbers["ticks"] = outcome.ticks
        start = f"{name} is stepped {outcome.ticks:,} times, once per batch"
        if length is not None:
            sized = case.number(length.expr)
            numbers["length"] = sized
            start += f", but {written} counts epochs"
            if sized is not None and str(length.argument.text) != f"{sized:g}":
                start += f" ({sized:g})"
        return f"{start}: {self._consequence(outcome, numbers)}"

    def _consequence(self, outcome: Outcome, numbers: dict[str, float | int | str | bool | None]) -> str:
        emulated = outcome.emulated
        if outcome.raised is not None and outcome.raised.tick is not None:
            update = outcome.update_after_tick(outcome.raised.tick)
            numbers["raises_at_update"] = update
            return f"it raises {outcome.raised.exception} after {update:,} updates"
        length = emulated.length if emulated is not None else None
        if emulated is not None and length and emulated.past_end() in ("rise", "cycle") and outcome.ticks > length:
            end = outcome.epoch_of(outcome.update_after_tick(length)) or 0.0
            cycles = (outcome.ticks // length) // 2
            numbers["floor_after_epochs"] = round(end, 3)
            numbers["rises"] = cycles
            return f"the LR reaches its floor after {end:.2g} epochs and then rises again, {cycles:,} times"
        collapsed = outcome.collapse()
        if collapsed is not None and outcome.epochs:
            after = collapsed * outcome.epochs
            numbers["collapsed_after_epochs"] = round(after, 3)
            return f"the LR is below a thousandth of its peak after {after:.2g} of {outcome.epochs:g} epochs"
        return "the schedule is used up within the first epochs"


RULE = EpochScheduleSteppedPerBatch()
