"""LR111: ReduceLROnPlateau is stepped without a metric."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import Finding, Remedy
from ..situation import Scheduler
from .base import PROVEN, Related, Rule
from .ticking import name_of


class PlateauWithoutMetric(Rule):
    id = "LR111"
    slug = "plateau-without-metric"
    severity = "error"
    summary = "ReduceLROnPlateau is stepped without a metric"
    why = """ReduceLROnPlateau decides by a metric, so its step() requires one: called without, it raises a
TypeError in the first epoch. The line is often left over from another scheduler, or shared by several of them."""
    bad = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
for epoch in range(90):
    model.train()
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    model.eval()
    val_loss = 0.0
    with torch.no_grad():
        for (x,) in val_loader:
            val_loss += model(x).pow(2).mean().item() / len(val_loader)
    scheduler.step()
""",
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
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5)
for epoch in range(90):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    val_loss, val_acc = evaluate(model, val_loader)
    print(val_loss, val_acc)
    scheduler.step()
""",
    )
    good = (
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
for epoch in range(90):
    model.train()
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    model.eval()
    val_loss = 0.0
    with torch.no_grad():
        for (x,) in val_loader:
            val_loss += model(x).pow(2).mean().item() / len(val_loader)
    scheduler.step(val_loss)
""",
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
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5)
for epoch in range(90):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    val_loss, val_acc = evaluate(model, val_loader)
    scheduler.step(metrics=val_loss)
""",
    )
    sources = ("measured with torch 2.13: ReduceLROnPlateau.step() raises TypeError",)
    fix_safety = """Safe, where exactly one validation metric has a name at that line and goes the way the scheduler
watches; none is
offered elsewhere, because which metric is meant cannot be known."""
    covers = ("LR112", "LR113", "LR114", "LR115", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if scheduler.name not in ("ReduceLROnPlateau", "GreedyLR"):
                continue
            for tick in case.ticks(scheduler):
                if tick.has_argument:
                    continue
                name = name_of(scheduler)
                message = f"{name} is a {scheduler.name}, whose step() needs a metric: it raises a TypeError"
                yield self.finding(
                    tick.site.place, message, certainty=PROVEN, related=[Related(scheduler.place, "created here")],
                    remedies=self._remedies(case, scheduler, tick), subjects=[scheduler.number],
                )  # fmt: skip

    def _remedies(self, case: Case, scheduler: Scheduler, tick: Tick) -> list[Remedy]:
        """The validation metric that has a name there, where only one goes the way the scheduler watches."""
        mode = scheduler.arguments.get("mode")
        watched = "min" if mode is None else case.value(mode.value)
        names = [name for name, direction in tick.metrics_at_hand if direction == watched]
        if len(names) != 1:
            return []
        title = f"give it the metric: step({names[0]})"
        return [Remedy("insert-argument", title, tick.site.place, names[0], safe=True)]


RULE = PlateauWithoutMetric()
