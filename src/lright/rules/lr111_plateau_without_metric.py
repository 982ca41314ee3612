"""LR111: ReduceLROnPlateau is stepped without a metric."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
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
    fix_safety = "None is offered: which metric is meant cannot be known."
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
                    subjects=[scheduler.number],
                )  # fmt: skip


RULE = PlateauWithoutMetric()
