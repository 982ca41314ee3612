"""LR113: ReduceLROnPlateau is fed a number that does not show a plateau."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import IN_EVALUATION, Case, Tick
from ..finding import Finding
from ..situation import Metric, Scheduler
from . import examples
from .base import LIKELY, PROVEN, Related, Rule
from .plateaus import fed
from .ticking import PER_BATCH, name_of

_SHARDED = """\
import torch
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

train_set, val_set = TensorDataset(torch.randn(50000, 10)), TensorDataset(torch.randn(10000, 10))
loader = DataLoader(train_set, batch_size=128, sampler=DistributedSampler(train_set))
val_loader = DataLoader(val_set, batch_size=128, sampler=DistributedSampler(val_set))
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(10, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
for epoch in range(90):
    model.train()
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    model.eval()
    val_loss = torch.zeros(())
    with torch.no_grad():
        for (x,) in val_loader:
            val_loss += model(x).pow(2).mean() / len(val_loader)
{reduce}    scheduler.step(val_loss)
"""


class PlateauWrongMetric(Rule):
    id = "LR113"
    slug = "plateau-wrong-metric"
    severity = "warning"
    summary = "ReduceLROnPlateau is fed the last batch's loss, the training loss, or a running extreme"
    why = """The scheduler waits until its metric stops improving. The loss of one batch is noise. The training loss
goes on falling while the model overfits, so the learning rate stays high when validation has long stalled. The best
value so far never gets worse and, once training has converged, never better. With several processes, a metric that
each of them measures on its own part of the data makes their learning rates drift apart."""
    bad = (
        examples.plateau_on_loss("    print(val_loss)\n    scheduler.step(loss)\n"),
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
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
for epoch in range(90):
    model.train()
    running = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    train_loss = running / len(loader)
    val_loss, val_acc = evaluate(model, val_loader)
    print(val_loss, val_acc)
    scheduler.step(train_loss)
""",
        examples.plateau_on_evaluate(
            "    best_acc = max(best_acc, val_acc)\n    scheduler.step(best_acc)\n",
            arguments=', mode="max", patience=5',
            first="best_acc = 0.0\n",
        ),
        _SHARDED.format(reduce=""),
    )
    good = (
        examples.plateau_on_loss("    scheduler.step(val_loss)\n"),
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
for epoch in range(90):
    train_loss = 0.0
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(loader)
    scheduler.step(train_loss)
""",
        _SHARDED.format(reduce="    torch.distributed.all_reduce(val_loss)\n"),
    )
    sources = ("torch 2.13 documentation, ReduceLROnPlateau: its example steps with the validation loss",)
    fix_safety = "None is offered: which validation metric is meant cannot be known."
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler, tick, metric in fed(case):
            if tick.rate.unit in (*PER_BATCH, IN_EVALUATION):
                continue
            if metric.phase == "validation" and self._on_its_own_part(case, tick):
                yield self._unreduced(scheduler, tick)
                continue
            wrong = self._wrong(metric)
            if wrong is None or not (metric.last_batch or case.validates()):
                continue
            message = f"{name_of(scheduler)} is fed {tick.text}, {wrong}"
            yield self.finding(
                tick.site.place, message, certainty=PROVEN if metric.last_batch else LIKELY,
                related=[Related(scheduler.place, "created here")], subjects=[scheduler.number],
            )  # fmt: skip

    def skipped(self, case: Case) -> str | None:
        if any(True for _ in fed(case)) and not case.validates():
            return "no validation was seen, so the training metric may be all there is"
        return None

    def _on_its_own_part(self, case: Case, tick: Tick) -> bool:
        """Whether every process validates on a part of the data of its own and keeps what it measures to itself."""
        training = case.training
        if training.reduces or tick.rate.one_rank:
            return False
        over = [training.loaders[loop.over] for loop in case.evaluation_loops() if loop.over is not None]
        return bool(over) and all("processes" in training.behind(loader.length) for loader in over)

    def _unreduced(self, scheduler: Scheduler, tick: Tick) -> Finding:
        message = (
            f"{name_of(scheduler)} is fed {tick.text}, which every process measures on its own part of the validation "
            "data: their learning rates drop at different times"
        )
        return self.finding(
            tick.site.place, message, certainty=LIKELY, conditions=("processes>1",),
            related=[Related(scheduler.place, "created here")], subjects=[scheduler.number],
        )  # fmt: skip

    def _wrong(self, metric: Metric) -> str | None:
        if metric.last_batch:
            return "the loss of the last batch only: one noisy number decides about the LR"
        if metric.running:
            return "the best value so far: it stops changing when training goes well, and when it does not"
        if metric.phase == "train":
            return "a training metric, though the script validates: it improves on while the model overfits"
        return None


RULE = PlateauWrongMetric()
