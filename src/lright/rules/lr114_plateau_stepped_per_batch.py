"""LR114: ReduceLROnPlateau is stepped once per batch with a patience meant in epochs."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import Finding
from ..situation import Scheduler
from ..timeline import BATCH, EPOCH
from . import examples
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .ticking import PER_BATCH, Numbers, certain, name_of


class PlateauSteppedPerBatch(Rule):
    id = "LR114"
    slug = "plateau-stepped-per-batch"
    severity = "error"
    summary = "ReduceLROnPlateau is stepped for every batch, with a patience meant in epochs"
    why = """patience counts calls of step(). Stepped after every batch, patience=10 is ten batches: the loss of
single batches goes up and down by far more than it improves in ten of them, so the learning rate is cut again and
again within the first epoch."""
    bad = (
        examples.plateau_on_loss("    print(val_loss)\n", per_batch="        scheduler.step(loss)\n"),
        """\
import torch

@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    total, correct = 0.0, 0
    for x, y in loader:
        output = model(x)
        total += torch.nn.functional.cross_entropy(output, y).item()
        correct += (output.argmax(1) == y).sum().item()
    return total / len(loader), correct / len(loader.dataset)

def data(size):
    return torch.utils.data.TensorDataset(torch.randn(size, 10), torch.randint(0, 2, (size,)))

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(data(50000), batch_size=128)
val_loader = torch.utils.data.DataLoader(data(10000), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
for epoch in range(90):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step(loss.item())
    print(evaluate(model, val_loader))
""",
    )
    good = (
        examples.plateau_on_loss("    scheduler.step(val_loss)\n"),
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3 * len(loader))
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
        scheduler.step(loss)
""",
    )
    sources = ("torch 2.13 documentation, ReduceLROnPlateau: patience counts steps without improvement",)
    fix_safety = """Unsafe: stepping once per epoch keeps the patience as written, and the metric should then be
that of the epoch; a patience in batches is offered otherwise."""
    covers = ("LR113", "LR115", "LR219", "LR101", "LR103")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if not scheduler.plateau or scheduler.framework == "timm" or scheduler.prepared:
                continue
            for tick in case.ticks(scheduler):
                loop = tick.site.innermost(BATCH)
                if loop is None or tick.rate.unit not in PER_BATCH or tick.rate.every is not None:
                    continue
                if tick.site.innermost(EPOCH) is None or not certain(case, tick.site.guards_below(loop)):
                    continue
                if self._patience_in_epochs(case, scheduler):
                    yield self._finding(case, scheduler, tick)
                    break

    def _patience_in_epochs(self, case: Case, scheduler: Scheduler) -> bool:
        """Whether the patience is shorter than an epoch of batches."""
        argument = scheduler.arguments.get("patience")
        per_epoch = [case.number(case.batches_per_epoch(), witness) for witness in case.witnesses()]
        known = [number for number in per_epoch if number is not None]
        if argument is None:
            return not known or max(known) > 10
        patience = case.number(argument.value)
        return patience is not None and bool(known) and all(patience < number for number in known)

    def _finding(self, case: Case, scheduler: Scheduler, tick: Tick) -> Finding:
        argument = scheduler.arguments.get("patience")
        patience = case.number(argument.value) if argument is not None else 10
        numbers: Numbers = {"patience": patience}
        said = f"patience={patience:g}" if argument is not None else "the default patience of 10"
        message = f"{name_of(scheduler)} is stepped for every batch, so {said} means {patience:g} batches"
        batches = case.number(case.batches_per_epoch())
        if batches is not None:
            numbers["batches_per_epoch"] = batches
            message += f" of the {batches:,.0f} in an epoch"
        message += ": the noise between batches cuts the LR within the first epochs"
        batch = tick.site.innermost(BATCH)
        assert batch is not None
        remedies = [Remedy("move-after-loop", "step the scheduler once per epoch", tick.site.place, to=batch.place)]
        per_epoch = case.source(case.batches_per_epoch())
        if per_epoch is not None:
            if argument is not None:
                text = f"{argument.text} * {per_epoch}"
                remedies.append(Remedy("replace", f"give the patience in batches: {text}", argument.place, text))
            elif scheduler.call is not None:
                text = f"patience=10 * {per_epoch}"
                title = f"give the patience in batches: {text}"
                remedies.append(Remedy("insert-argument", title, scheduler.call, text))
        return self.finding(
            tick.site.place, message, certainty=PROVEN if batches is not None else LIKELY, numbers=numbers,
            related=[Related(argument.place if argument is not None else scheduler.place, said)], remedies=remedies,
            subjects=[scheduler.number],
        )  # fmt: skip


RULE = PlateauSteppedPerBatch()
