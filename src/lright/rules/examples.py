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
