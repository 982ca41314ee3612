"""LR112: the mode of ReduceLROnPlateau contradicts the metric it is given."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import Finding
from ..situation import Scheduler
from .base import LIKELY, Related, Remedy, Rule
from .plateaus import fed, mode_of, mode_remedy
from .ticking import name_of


class PlateauWrongMode(Rule):
    id = "LR112"
    slug = "plateau-wrong-mode"
    severity = "error"
    summary = "ReduceLROnPlateau waits for the metric to go the wrong way"
    why = """The default mode is "min": the metric is better when it falls. An accuracy that rises then looks as if
it never improved after the first epoch, and the learning rate is cut every patience + 1 epochs however well
training goes. A loss with mode "max" is the same mistake the other way round."""
    bad = (
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
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    val_loss, val_acc = evaluate(model, val_loader)
    scheduler.step(val_acc)
""",
        """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=5)
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
    )
    good = (
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
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=5)
for epoch in range(90):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    val_loss, val_acc = evaluate(model, val_loader)
    scheduler.step(val_acc)
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
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
for epoch in range(90):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    val_loss, val_acc = evaluate(model, val_loader)
    scheduler.step(1 - val_acc)
""",
    )
    sources = ("torch 2.13 documentation, ReduceLROnPlateau: mode is 'min' unless given",)
    fix_safety = "Unsafe: the direction of the metric is read from its name."
    covers = ("LR610", "LR219")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler, tick, metric in fed(case):
            mode = mode_of(case, scheduler)
            if metric.direction is None or mode is None or metric.negated or metric.direction == mode:
                continue
            yield self._finding(scheduler, tick, mode, metric.direction)

    def _finding(self, scheduler: Scheduler, tick: Tick, mode: str, direction: str) -> Finding:
        better = "larger" if direction == "max" else "smaller"
        given = f'mode="{mode}"' if "mode" in scheduler.arguments else 'the default mode "min"'
        message = (
            f"{name_of(scheduler)} has {given}, but {tick.text} is better when {better}: "
            "the LR is cut while training improves"
        )
        argument = scheduler.arguments.get("mode")
        remedy: Remedy | None = mode_remedy(scheduler, direction)
        return self.finding(
            tick.site.place, message, certainty=LIKELY, numbers={"mode": mode, "direction": direction},
            related=[Related(argument.place if argument is not None else scheduler.place, given)],
            remedies=[remedy] if remedy is not None else [], subjects=[scheduler.number],
        )  # fmt: skip


RULE = PlateauWrongMode()
