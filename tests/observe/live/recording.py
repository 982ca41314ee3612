"""A small recorder for real torch loops: it says in rows what the loop tells it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from lright.trace import FORMAT, VERSION, Trace

Row = dict[str, Any]


class Recording:
    """Told of everything by the loop itself; ``at`` is the line of the call."""

    def __init__(self) -> None:
        self.rows: list[Row] = [{"kind": "start", "format": FORMAT, "version": VERSION, "script": "train.py"}]
        self.numbers: dict[int, int] = {}
        self.kept: list[object] = []
        self.made: dict[int, int] = {}
        self.passes: dict[int, int] = {}
        self.epoch: int | None = None
        self.batch: int | None = None
        self.training = True
        self.backwards = 0

    def _number(self, thing: object, kind: type) -> int:
        if id(thing) not in self.numbers:
            self.numbers[id(thing)] = sum(isinstance(other, kind) for other in self.kept)
            self.kept.append(thing)
        return self.numbers[id(thing)]

    def optimizer(self, optimizer: Any, lrs: list[float] | None = None) -> Any:
        number = self._number(optimizer, torch.optim.Optimizer)
        groups = [{"lr": lr} for lr in lrs or [group["lr"] for group in optimizer.param_groups]]
        at = f"train.py:{sys._getframe(1).f_lineno}"
        self.rows.append(
            {"kind": "optimizer", "optimizer": number, "class": type(optimizer).__name__, "groups": groups, "at": at}
        )
        self.made[number] = 0
        return optimizer

    def scheduler(self, scheduler: Any, parent: Any = None, **arguments: Any) -> Any:
        kind = torch.optim.lr_scheduler.LRScheduler
        number = self._number(scheduler, kind)
        optimizer = self.numbers.get(id(scheduler.optimizer))
        self.rows.append(
            {"kind": "scheduler", "scheduler": number, "class": type(scheduler).__name__, "framework": "torch",
             "optimizer": optimizer, "arguments": arguments, "at": f"train.py:{sys._getframe(1).f_lineno}",
             "parent": None if parent is None else self.numbers[id(parent)]}
        )  # fmt: skip
        return scheduler

    def batches(self, loader: Any, training: bool = True, length: int | None = None) -> Iterator[Any]:
        """The loader's batches, told of as a pass over it."""
        if id(loader) not in self.numbers:
            number = self._number(loader, DataLoader)
            length = len(loader) if length is None else length
            self.rows.append({"kind": "loader", "loader": number, "length": length, "batch_size": loader.batch_size})
        number = self.numbers[id(loader)]
        epoch = self.passes.get(number, 0)
        self.passes[number] = epoch + 1
        self.training = training
        if training:
            self.epoch, self.batch = epoch, 0
        made = max(self.made.values(), default=0)
        self.rows.append({"kind": "epoch", "loader": number, "epoch": epoch, "training": training, "update": made})
        for batch in loader:
            if training:
                self.batch = (self.batch or 0) + 1
            yield batch

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]
        self.backwards += 1

    def update(self, optimizer: Any, loss: Any, skipped: bool = False) -> None:
        number = self.numbers[id(optimizer)]
        self.training = True
        lrs = [float(group["lr"]) for group in optimizer.param_groups]
        row: Row = {"kind": "update", "optimizer": number, "update": self.made[number], "lr": lrs, "loss": float(loss)}
        row |= {"backwards": self.backwards or 1, "epoch": self.epoch, "batch": self.batch}
        self.backwards = 0
        if skipped:
            row["skipped"] = True
        else:
            optimizer.step()
            optimizer.zero_grad()
            self.made[number] += 1
        self.rows.append(row)

    def tick(self, scheduler: Any, metric: float | None = None, epoch: float | None = None) -> None:
        given = [value for value in (metric, epoch) if value is not None]
        scheduler.step(*given)
        number = self.numbers[id(scheduler)]
        made = self.made.get(self.numbers.get(id(scheduler.optimizer), -1), max(self.made.values(), default=0))
        self.rows.append(
            {"kind": "tick", "scheduler": number, "update": made, "epoch": self.epoch, "batch": self.batch,
             "training": self.training, "metric": metric, "epoch_argument": epoch,
             "at": f"train.py:{sys._getframe(1).f_lineno}"}
        )  # fmt: skip

    def write(self, optimizer: Any, lr: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = lr
        number = self.numbers[id(optimizer)]
        self.rows.append({"kind": "write", "optimizer": number, "update": self.made[number], "lr": [lr]})

    def metric(self, name: str, value: float) -> None:
        made = max(self.made.values(), default=0)
        self.rows.append({"kind": "metric", "name": name, "value": value, "update": made, "epoch": self.epoch})

    def end(self, reason: str = "finished") -> Trace:
        """The trace, with the run at its end."""
        return Trace.of([*self.rows, {"kind": "end", "reason": reason, "updates": list(self.made.values())}])

    def so_far(self) -> Trace:
        return Trace.of(self.rows)


def data(samples: int = 640, batch_size: int = 32, shuffle: bool = False) -> DataLoader[tuple[torch.Tensor, ...]]:
    """A small regression problem in batches."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 4, generator=generator)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=batch_size, shuffle=shuffle)


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Linear(4, 1)


def loss_of(net: torch.nn.Module, batch: Any) -> torch.Tensor:
    return torch.nn.functional.mse_loss(net(batch[0]), batch[1]) + 0.5
