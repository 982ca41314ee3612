"""34 small real tasks: kind of model, data, optimizer and batch size vary; a training takes a second or so.

`DEV` is what a method may be tuned on. `HELD` was set aside until lright's method was frozen. The rule is in the
code and was fixed before anything was run: within each kind of model the tasks alternate, DEV first.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from . import models
from .data import Data, load

STEPS = 200  # updates in a training, and in a sweep
Batch = tuple[Tensor, Tensor]


class Lion(torch.optim.Optimizer):
    """Lion (Chen et al. 2023, arXiv 2302.06675): the sign of an interpolated momentum."""

    def __init__(self, params: Sequence[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            short, long = group["betas"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                momentum = state.setdefault("momentum", torch.zeros_like(weight))
                weight.sub_(torch.sign(momentum.lerp(weight.grad, 1 - short)), alpha=group["lr"])
                momentum.lerp_(weight.grad, 1 - long)
        return loss


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "momentum": functools.partial(torch.optim.SGD, momentum=0.9),
    "Nesterov": functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "Adam": torch.optim.Adam,
    "AdamW": functools.partial(torch.optim.AdamW, weight_decay=0.05),
    "NAdam": torch.optim.NAdam,
    "RMSprop": torch.optim.RMSprop,
    "Adagrad": torch.optim.Adagrad,
    "Lion": Lion,
}
# The LRs of the truth: 21, a quarter of a decade apart, around where each family of optimizers lives.
LOWEST = {"SGD": 1e-4, "momentum": 1e-4, "Nesterov": 1e-4, "Adagrad": 1e-4, "Lion": 1e-6}
USUAL = {"SGD": 0.05, "momentum": 0.05, "Nesterov": 0.05, "Adagrad": 0.05, "Lion": 3e-4}  # "a fixed LR per optimizer"


@dataclass(frozen=True)
class Task:
    """One small training: `model` makes its network of `data`."""

    kind: str
    data: str
    optimizer: str
    batch: int
    model: Callable[[Data], nn.Module]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.data}-{self.optimizer}-{self.batch}"

    @property
    def lrs(self) -> list[float]:
        return [LOWEST.get(self.optimizer, 1e-5) * 10 ** (step / 4) for step in range(21)]

    @property
    def usual(self) -> float:
        """The LR people start from with this optimizer, whatever the task."""
        return USUAL.get(self.optimizer, 3e-3)

    def build(self, seed: int, lr: float = 1e-3) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(seed)
        model = self.model(load(self.data))
        return model, OPTIMIZERS[self.optimizer](list(model.parameters()), lr=lr)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return F.mse_loss(output, target)
        return F.cross_entropy(output.flatten(0, -2), target.flatten())

    def batches(self, seed: int, steps: int = STEPS) -> Batches:
        return Batches(load(self.data), self.batch, seed, steps)

    def loader(self, seed: int, steps: int = STEPS) -> DataLoader[Batch]:
        """The same batches, for those who must have a DataLoader."""
        return DataLoader(self.batches(seed, steps), batch_size=None)

    def validation(self, model: nn.Module) -> float:
        """The mean loss on the validation rows; the model's mode is put back."""
        data, training = load(self.data), model.training
        model.eval()
        with torch.no_grad():
            loss = self.loss(model(data.x_val), data.y_val).item()
        model.train(training)
        return loss


class Batches(Dataset[Batch]):
    """`steps` batches: pass after pass over the rows, each in its own order, all of it settled by the seed."""

    def __init__(self, data: Data, batch: int, seed: int, steps: int) -> None:
        self.data, self.batch, self.steps = data, min(batch, len(data.y)), steps
        self.per_pass = len(data.y) // self.batch
        generator = torch.Generator().manual_seed(seed)
        passes = math.ceil(steps / self.per_pass)
        self.orders = [torch.randperm(len(data.y), generator=generator) for _ in range(passes)]

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        if not 0 <= step < self.steps:
            raise IndexError(step)
        turn, place = divmod(step, self.per_pass)
        rows = self.orders[turn][place * self.batch : (place + 1) * self.batch]
        return self.data.x[rows], self.data.y[rows]

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(self.steps))


def with_(model: Callable[..., nn.Module], **options: object) -> Callable[[Data], nn.Module]:
    return functools.partial(model, **options)


TASKS = [
    Task("linear", "digits", "SGD", 64, models.linear),
    Task("linear", "fashion", "Adam", 128, models.linear),
    Task("linear", "diabetes", "momentum", 32, models.linear),
    Task("linear", "wine", "Adagrad", 16, models.linear),
    Task("mlp", "fashion", "SGD", 256, models.mlp),
    Task("mlp", "fashion", "AdamW", 512, with_(models.mlp, width=32)),
    Task("mlp", "digits", "RMSprop", 16, models.mlp),
    Task("mlp", "mnist", "Nesterov", 64, models.mlp),
    Task("mlp", "late", "Adam", 128, with_(models.mlp, dropout=0.2)),
    Task("mlp", "diabetes", "Adam", 32, with_(models.mlp, dropout=0.1)),
    Task("mlp_bn", "fashion", "momentum", 128, with_(models.mlp, norm=True)),
    Task("mlp_bn", "cancer", "Adam", 32, with_(models.mlp, norm=True)),
    Task("mlp_bn", "digits", "NAdam", 32, with_(models.mlp, norm=True, depth=3)),
    Task("mlp_bn", "mnist", "SGD", 64, with_(models.mlp, norm=True)),
    Task("cnn", "fashion_14", "momentum", 64, models.cnn),
    Task("cnn", "mnist_14", "Adam", 32, models.cnn),
    Task("cnn", "fashion_14", "RMSprop", 128, models.cnn),
    Task("cnn", "digits", "Adagrad", 32, models.cnn),
    Task("cnn_bn", "mnist_14", "Nesterov", 128, with_(models.cnn, norm=True)),
    Task("cnn_bn", "fashion_14", "SGD", 32, with_(models.cnn, norm=True)),
    Task("cnn_bn", "fashion_14", "AdamW", 64, with_(models.cnn, norm=True)),
    Task("cnn_bn", "digits", "momentum", 16, with_(models.cnn, norm=True, depth=3)),
    Task("gpt_pre", "topics", "AdamW", 8, models.gpt),
    Task("gpt_pre", "sources", "Lion", 8, models.gpt),
    Task("gpt_post", "sources", "momentum", 8, with_(models.gpt, pre=False)),
    Task("gpt_post", "topics", "Adam", 8, with_(models.gpt, pre=False, depth=3)),
    Task("lstm", "topics", "Adam", 16, models.lstm),
    Task("lstm", "sources", "momentum", 16, models.lstm),
    Task("autoencoder", "fashion_codes", "Adam", 64, models.autoencoder),
    Task("autoencoder", "mnist_codes", "momentum", 128, models.autoencoder),
    Task("embedded", "air_time", "Adagrad", 256, models.embedded),
    Task("embedded", "late_categories", "AdamW", 128, models.embedded),
    Task("fine_tune", "fashion_features", "momentum", 16, models.tail),
    Task("fine_tune", "mnist_features", "AdamW", 16, models.tail),
]


def halves(tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
    """DEV and HELD: within each kind of model the first, third, ... and the second, fourth, ..."""
    dev: list[Task] = []
    held: list[Task] = []
    for kind in dict.fromkeys(task.kind for task in tasks):
        mine = [task for task in tasks if task.kind == kind]
        dev += mine[::2]
        held += mine[1::2]
    return dev, held


DEV, HELD = halves(TASKS)


def train(task: Task, seed: int, lr: float, steps: int = STEPS) -> float:
    """The validation loss at the end of a training whose LR falls linearly from `lr` to 0; NaN if it broke."""
    model, optimizer = task.build(seed, lr)
    for step, (x, y) in enumerate(task.batches(seed, steps)):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / steps)
        loss = task.loss(model(x), y)
        if not math.isfinite(loss.item()):
            return math.nan
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return task.validation(model)
