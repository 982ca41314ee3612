"""LR311: the learning rate is multiplied by the number of processes, or by the batch size, in two places."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from ..quantity import PROCESSES, SAMPLES_PER_BATCH, Expr, Lit
from ..situation import Formula, Optimizer
from ..timeline import Place
from . import wiring
from .base import LIKELY, PROVEN, Related, Rule

_PROCESSES = (
    "world_size",
    "worldsize",
    "num_processes",
    "n_gpu",
    "num_gpus",
    "ngpus",
    "n_gpus",
    "hvd.size",
    "processes",
)
_HEAD = """\
import torch
import torch.distributed as dist

dist.init_process_group("nccl")
world_size = dist.get_world_size()
model = torch.nn.Linear(10, 2)
dataset = torch.utils.data.TensorDataset(torch.randn(50000, 10))
sampler = torch.utils.data.distributed.DistributedSampler(dataset)
loader = torch.utils.data.DataLoader(dataset, batch_size=128, sampler=sampler)
"""
_STEP = """\
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
"""
_COSINE = "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)\n"


class LrScaledTwice(Rule):
    id = "LR311"
    slug = "lr-scaled-twice"
    severity = "warning"
    summary = "The learning rate is multiplied by the number of processes, or by the batch size, twice"
    why = """Linear scaling multiplies the learning rate by the number of processes (or by the batch size over a
reference) once. Done in two places, the factor is squared: with 8 processes the learning rate is 64 times the
one for a single process, and the run that was tuned on one device diverges on eight."""
    bad = (
        _HEAD
        + """\
scaled_lr = 0.1 * world_size
optimizer = torch.optim.SGD(model.parameters(), lr=scaled_lr * world_size)
"""
        + _COSINE
        + _STEP,
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=0.1 * world_size)
for group in optimizer.param_groups:
    group["lr"] *= world_size
"""
        + _COSINE
        + _STEP,
    )
    good = (
        _HEAD
        + """\
optimizer = torch.optim.SGD(model.parameters(), lr=0.1 * world_size)
"""
        + _COSINE
        + _STEP,
        _HEAD
        + """\
batch_size = 128
optimizer = torch.optim.SGD(model.parameters(), lr=0.1 * batch_size * world_size / 256)
"""
        + _COSINE
        + _STEP,
    )
    sources = ("Goyal et al. 2017: the linear scaling rule multiplies once by the factor of the batch", "arithmetic")
    fix_safety = "No fix is offered: either factor can be the one to drop."

    def check(self, case: Case) -> Iterable[Finding]:
        for optimizer in case.training.optimizers.values():
            if optimizer.seen:
                finding = self._judge(case, optimizer)
                if finding is not None:
                    yield finding

    def _judge(self, case: Case, optimizer: Optimizer) -> Finding | None:
        rate = optimizer.groups[0].get("lr") if optimizer.groups else None
        if rate is None:
            return None
        factors: list[tuple[Expr, Place]] = [(rate, optimizer.place)]
        for write in case.training.of("write", optimizer.number):
            found = wiring.factor_of(write.event.value, f"lr#{optimizer.number}")
            if found is not None and not write.loops and not case.rate(write).conditional:
                factors.append((found, write.place))
        for scheduler in case.schedulers():
            argument = scheduler.arguments.get("lr_lambda")
            if scheduler.optimizer == optimizer.number and argument is not None and isinstance(argument.value, Formula):
                factors.append((argument.value.expr.substituted({argument.value.variable: Lit(1)}), argument.place))
        names = {name for expr, _ in factors for name in case.training.behind(expr)}
        for name in sorted(names):
            what = self._what(case, name)
            degrees = [_degree(case, expr, name) for expr, _ in factors]
            if what is None or any(degree is None for degree in degrees):
                continue
            total = sum(degree or 0.0 for degree in degrees)
            if abs(total - 2) < 1e-6 and all(abs(degree or 0.0) in (0.0, 1.0, 2.0) for degree in degrees):
                places = [place for (_, place), degree in zip(factors, degrees, strict=True) if degree]
                return self._finding(case, optimizer, name, what, places)
        return None

    def _what(self, case: Case, name: str) -> str | None:
        """``processes`` or ``batch`` where a symbol counts one of them."""
        unit = case.training.units.get(name)
        fact = case.training.facts.get(name)
        text = (fact.text if fact is not None else name).lower().removesuffix("()")
        if unit == PROCESSES or text.rsplit(".", 1)[-1] in _PROCESSES or text in _PROCESSES:
            return "processes"
        return "batch" if unit == SAMPLES_PER_BATCH else None

    def _finding(self, case: Case, optimizer: Optimizer, name: str, what: str, places: list[Place]) -> Finding:
        fact = case.training.facts.get(name)
        written = fact.text if fact is not None else name
        thing = "the number of processes" if what == "processes" else f"{written} (the batch size)"
        message = f"the learning rate of {wiring.name_of(optimizer)} is multiplied by {thing} twice"
        message += ": with 8 processes it is 64 times that of one" if what == "processes" else ""
        return self.finding(
            places[0], message, certainty=PROVEN if name == "processes" else LIKELY,
            conditions=("processes>1",) if what == "processes" else (),
            related=[Related(place, "and again here") for place in places[1:]], subjects=[optimizer.number],
        )  # fmt: skip


def _degree(case: Case, expr: Expr, name: str) -> float | None:
    """The power of a symbol in an expression, as doubling it twice shows; None where it is no power."""
    if name not in case.training.behind(expr):
        return 0.0
    values = [wiring.approximate(case, expr, 0.37, **{name: size}) for size in (64.0, 128.0, 256.0)]
    if any(value is None or value <= 0 for value in values):
        return None
    low, middle, high = (math.log2(value) for value in values if value is not None)
    first, second = middle - low, high - middle
    return round(first, 9) if abs(first - second) < 1e-9 else None


RULE = LrScaledTwice()
