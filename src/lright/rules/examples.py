"""Small complete scripts for the examples of rules: a model, a loader of 391 batches, a schedule, a loop."""

from __future__ import annotations

_HEAD = """\
import torch
from torch.optim import lr_scheduler

EPOCHS = {epochs}
model = torch.nn.Linear(10, 2)
dataset = torch.utils.data.TensorDataset(torch.randn(50000, 10))
loader = torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True)
optimizer = torch.optim.{optimizer}
"""
_LOOP = """\
for epoch in range(EPOCHS):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
"""


def per_epoch(schedule: str, epochs: int = 90, optimizer: str = "SGD(model.parameters(), lr=0.1)") -> str:
    """A script that steps ``scheduler`` once per epoch."""
    return _HEAD.format(epochs=epochs, optimizer=optimizer) + schedule + _LOOP + "    scheduler.step()\n"


def per_batch(schedule: str, epochs: int = 10, optimizer: str = "SGD(model.parameters(), lr=0.1, momentum=0.9)") -> str:
    """A script that steps ``scheduler`` once per batch."""
    return _HEAD.format(epochs=epochs, optimizer=optimizer) + schedule + _LOOP + "        scheduler.step()\n"


def loop(rest: str, epochs: int = 10, optimizer: str = "SGD(model.parameters(), lr=0.1)") -> str:
    """A script with a schedule and a loop of its own."""
    return _HEAD.format(epochs=epochs, optimizer=optimizer) + rest


_TRAINED = """\
import torch
{model}
EPOCHS = 90
dataset = torch.utils.data.TensorDataset(torch.randn(50000, 3, 224, 224), torch.randint(0, 10, (50000,)))
loader = torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True)
optimizer = torch.optim.{optimizer}
{schedule}for epoch in range(EPOCHS):
    for inputs, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
{tick}"""


def trained(model: str, optimizer: str, schedule: str = "", tick: str = "") -> str:
    """A script that makes ``model`` (whole lines) and trains it on 10 classes; ``tick`` ends an epoch."""
    return _TRAINED.format(model=model, optimizer=optimizer, schedule=schedule, tick=tick)


_VALIDATED = """\
import torch

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
val_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer{arguments})
for epoch in range(90):
    model.train()
    for (x,) in loader:
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
{per_batch}    model.eval()
    val_loss = 0.0
    with torch.no_grad():
        for (x,) in val_loader:
            val_loss += model(x).pow(2).mean().item() / len(val_loader)
{per_epoch}"""
_EVALUATED = """\
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
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer{arguments})
{first}for epoch in range(90):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
{per_batch}    val_loss, val_acc = evaluate(model, val_loader)
{per_epoch}"""


def plateau_on_loss(per_epoch: str, arguments: str = ", patience=5", per_batch: str = "") -> str:
    """A script with a ReduceLROnPlateau and a validation that gives ``val_loss``; the texts are whole lines."""
    return _VALIDATED.format(arguments=arguments, per_batch=per_batch, per_epoch=per_epoch)


def plateau_on_evaluate(per_epoch: str, arguments: str = ", patience=5", per_batch: str = "", first: str = "") -> str:
    """The same with a function that gives ``val_loss, val_acc``; ``first`` stands before the epoch loop."""
    return _EVALUATED.format(arguments=arguments, per_batch=per_batch, per_epoch=per_epoch, first=first)
