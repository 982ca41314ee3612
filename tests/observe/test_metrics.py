"""What a plateau scheduler is fed, as the reader of source code describes it."""

from __future__ import annotations

import pytest

from lright.observe.source import read
from lright.situation import Metric

SCRIPT = """\
import torch

@torch.no_grad()
def evaluate(model, loader):
    total = 0.0
    for (x,) in loader:
        total += model(x).mean().item()
    return total / len(loader)

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
for epoch in range(10):
    running = 0.0
    losses = []
    for (x,) in train_loader:
        loss = criterion(model(x), x)
        (loss / 2).backward()
        optimizer.step()
        running += loss.item()
        losses.append(loss.item())
    score = evaluate(model, val_loader)
    accuracy = accuracy_of(model)
    FED
"""


def fed(statement: str) -> Metric:
    situation = read(SCRIPT.replace("FED", statement))
    assert situation.default is not None
    found = situation.default.of("tick")[-1].event.data["metric"]
    assert isinstance(found, Metric)
    return found


@pytest.mark.parametrize(
    ("argument", "direction", "phase", "last_batch", "negated", "running"),
    [
        ("score", None, "validation", False, False, False),
        ("running / len(train_loader)", None, "train", False, False, False),
        ("loss", "min", "train", True, False, False),
        ("loss.item()", "min", "train", True, False, False),
        ("accuracy", "max", None, False, False, False),
        ("-accuracy", "max", None, False, True, False),
        ("1 - accuracy", "min", None, False, False, False),
        ("100.0 - accuracy", "min", None, False, False, False),
        ("min(losses)", "min", "train", False, False, True),
        ("best_accuracy", "max", None, False, False, True),
        ("val_dice_loss", "min", "validation", False, False, False),
        ("metrics['val_acc']", "max", "validation", False, False, False),
    ],
)
def test_description(
    argument: str, direction: str | None, phase: str | None, last_batch: bool, negated: bool, running: bool
) -> None:
    metric = fed(f"scheduler.step({argument})")
    assert metric.text == argument
    assert metric.direction == direction
    assert metric.phase == phase
    assert (metric.last_batch, metric.negated, metric.running) == (last_batch, negated, running)


def test_no_argument_no_metric() -> None:
    situation = read(SCRIPT.replace("FED", "scheduler.step()"))
    assert situation.default is not None
    assert "metric" not in situation.default.of("tick")[-1].event.data


def test_a_negated_metric_is_seen_through_a_name() -> None:
    metric = fed("value = -accuracy\n    scheduler.step(value)")
    assert metric.negated


def test_step_without_parentheses_leaves_an_event() -> None:
    situation = read(SCRIPT.replace("FED", "scheduler.step"))
    assert situation.default is not None
    assert [site.event.place.line for site in situation.default.of("uncalled")] == [23]
