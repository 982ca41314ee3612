"""LR403: last_epoch given for a fresh optimizer, off by one, or in the wrong unit."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_BATCH, EVERY_UPDATE, Case
from ..finding import Finding
from ..quantity import Expr, Lit, Op
from ..situation import Argument, Scheduler
from ..timeline import EPOCH, Loop, Site
from . import wiring
from .base import LIKELY, PROVEN, Related, Remedy, Rule

_HEAD = """\
import os
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

model = torch.nn.Linear(10, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
start_epoch = 0
if os.path.isfile("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    start_epoch = checkpoint["epoch"] + 1
"""
_OPTIMIZER = '    optimizer.load_state_dict(checkpoint["optimizer"])\n'
_LOOP = """\
for epoch in range(start_epoch, 90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
{}    scheduler.step()
    state = {{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}}
    torch.save(state, "last.pt")
"""


class LastEpochMisused(Rule):
    id = "LR403"
    slug = "last-epoch-misused"
    severity = "error"
    summary = "last_epoch is given for a fresh optimizer, off by one, or in the wrong unit"
    why = """last_epoch=n says: n + 1 calls of step() are done, and the optimizer carries the initial_lr and the
current learning rate of that moment, because its state was loaded. With a fresh optimizer torch raises
KeyError. The value counts calls of step(): of a schedule that is stepped per batch it is a number of batches.
And it is one less than the number of calls that are done, so -1 at the start; 0 skips the first learning rate."""
    bad = (
        _HEAD + "scheduler = CosineAnnealingLR(optimizer, T_max=90, last_epoch=start_epoch - 1)\n" + _LOOP.format(""),
        _HEAD
        + _OPTIMIZER
        + "scheduler = CosineAnnealingLR(optimizer, T_max=90, last_epoch=start_epoch)\n"
        + _LOOP.format(""),
        _HEAD
        + _OPTIMIZER
        + "scheduler = CosineAnnealingLR(optimizer, T_max=90 * len(loader), last_epoch=start_epoch - 1)\n"
        + _LOOP.format("    "),
    )
    good = (
        _HEAD + _OPTIMIZER
        + "scheduler = CosineAnnealingLR(optimizer, T_max=90, last_epoch=start_epoch - 1)\n" + _LOOP.format(""),
        _HEAD
        + _OPTIMIZER
        + "scheduler = CosineAnnealingLR(optimizer, T_max=90 * len(loader), last_epoch=start_epoch * len(loader) - 1)\n"
        + _LOOP.format("    "),
    )  # fmt: skip
    sources = (
        "torch 2.13, measured: KeyError \"param 'initial_lr' is not specified\" with a fresh optimizer; with "
        "the optimizer "
        "loaded, last_epoch=start - 1 continues every schedule exactly and last_epoch=start does not",
    )
    fix_safety = "Unsafe: the value of last_epoch is changed; runs resumed before were on another curve."
    covers = ("LR401", "LR402")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            argument = scheduler.arguments.get("last_epoch")
            built = wiring.build_site(case.training, scheduler.number)
            if argument is None or built is None or not isinstance(argument.value, Expr) or scheduler.optimizer is None:
                continue
            if argument.value in (Lit(-1), Lit(None)) or scheduler.framework == "unknown":
                continue
            finding = self._judge(case, scheduler, argument, built)
            if finding is not None:
                yield finding

    def _judge(self, case: Case, scheduler: Scheduler, argument: Argument, built: Site) -> Finding | None:
        given = argument.value
        assert isinstance(given, Expr)
        number = case.number(given)
        fresh = self._fresh(case, scheduler, built)
        epochs = _epoch_loop(case, scheduler)
        ahead = _distance(case, given, epochs)
        remedies = []
        if ahead == 0 and not fresh or (number == 0 and ahead == 0):
            remedies.append(
                Remedy("replace", f"last_epoch={argument.text} - 1", argument.place, f"{argument.text} - 1")
            )
        if fresh and number is not None:
            if number < 0:
                return None
            message = (
                f"last_epoch={argument.text} is {number:g}, but the optimizer is a fresh one: KeyError, "
                "'initial_lr' is not "
                "specified (a first run starts with last_epoch=-1)"
            )
            return self._finding(scheduler, argument, message, (), PROVEN, remedies)
        if fresh and case.training.condition == "resume" and ahead is not None:
            message = (
                f"on a resumed run last_epoch={argument.text} is 0 or more, but the optimizer's state is not "
                "loaded before: "
                "KeyError, 'initial_lr' is not specified"
            )
            return self._finding(scheduler, argument, message, ("resume",), PROVEN, [])
        decayed = self._decayed_base(case, scheduler, built)
        if decayed is not None:
            message = (
                "initial_lr is set to the learning rate at saving time, which the schedule had lowered already: with "
                f"last_epoch={argument.text} {scheduler.name} takes it for the one it began with"
            )
            related = [Related(decayed.place, "initial_lr is overwritten here")]
            return self._finding(scheduler, argument, message, ("resume",), LIKELY, [], related)
        if number is not None or ahead is None:
            return None
        if all(tick.rate.unit in (EVERY_BATCH, EVERY_UPDATE) for tick in case.ticks(scheduler)):
            message = (
                f"last_epoch={argument.text} counts epochs, but {wiring.titled(scheduler)} is stepped once per "
                "batch: a "
                "resumed run is put back to the first batches of the schedule"
            )
            return self._finding(
                scheduler, argument, message, ("resume",), PROVEN, self._in_batches(case, argument, ahead)
            )
        if ahead >= 0:
            steps = "1 step of the schedule is" if ahead < 1 else f"{int(ahead) + 1} steps of the schedule are"
            message = (
                f"last_epoch={argument.text} is one too many: the next epoch is {argument.text} itself, so {steps} "
                "skipped on resume"
            )
            return self._finding(scheduler, argument, message, ("resume",), PROVEN, remedies)
        return None

    def _fresh(self, case: Case, scheduler: Scheduler, built: Site) -> bool:
        """Whether nothing has given the optimizer an initial_lr when the scheduler is built."""
        training = case.training
        optimizer = training.optimizers[scheduler.optimizer or 0]
        if not optimizer.seen or wiring.leaves(training, optimizer):
            return False
        if any("initial_lr" in group for group in optimizer.groups) or "initial_lr" in _texts(optimizer.arguments):
            return False
        earlier = [s for s in training.schedulers.values() if s.optimizer == optimizer.number and s is not scheduler]
        if any((site := wiring.build_site(training, s.number)) and site.order < built.order for s in earlier):
            return False
        if any(site.order < built.order for site in training.of("write-other", optimizer.number)):
            return False
        return not any(
            site.order < built.order
            for site in training.of("load")
            if site.event.data.get("object") == "optimizer" and site.event.subject in (0, optimizer.number)
        )

    def _decayed_base(self, case: Case, scheduler: Scheduler, built: Site) -> Site | None:
        """Where initial_lr is overwritten with the learning rate of the checkpoint, and the scheduler goes by it."""
        if scheduler.name in _RECURSIVE:
            return None
        for site in case.training.of("write-other", scheduler.optimizer):
            data = site.event.data
            if data.get("parameter") == "initial_lr" and data.get("copied") == "lr" and site.order <= built.order:
                return site
        return None

    def _in_batches(self, case: Case, argument: Argument, ahead: float) -> list[Remedy]:
        per_epoch = case.source(case.batches_per_epoch())
        if (
            per_epoch is None
            or ahead != -1
            or not argument.text.endswith(" - 1")
            or case.accumulation(None) is not None
        ):
            return []
        text = f"{argument.text.removesuffix(' - 1')} * {per_epoch} - 1"
        return [Remedy("replace", f"count batches: last_epoch={text}", argument.place, text)]

    def _finding(
        self, scheduler: Scheduler, argument: Argument, message: str, conditions: tuple[str, ...], certainty: str,
        remedies: list[Remedy], related: list[Related] | None = None,
    ) -> Finding:  # fmt: skip
        return self.finding(
            argument.place, message, certainty=certainty, conditions=conditions, remedies=remedies,
            related=[*(related or []), Related(scheduler.place, "the scheduler")], subjects=[scheduler.number],
        )  # fmt: skip


# These go on from the learning rate the optimizer has, whatever it was at first.
_RECURSIVE = frozenset(
    "StepLR MultiStepLR ExponentialLR MultiplicativeLR LinearLR ConstantLR PolynomialLR CosineAnnealingLR".split()
)


def _epoch_loop(case: Case, scheduler: Scheduler) -> Loop | None:
    for tick in case.ticks(scheduler):
        for loop in tick.site.loops:
            if loop.kind == EPOCH or loop.epoch_like:
                return loop
    return None


def _distance(case: Case, given: Expr, loop: Loop | None) -> float | None:
    """last_epoch less the first value of the epoch loop, where that is a number whatever the epoch is."""
    trips = loop.trips if loop is not None else None
    if not isinstance(trips, Op) or trips.name != "-":
        return None
    found = set()
    for unknown in (37.0, 59.0):
        first, last = wiring.approximate(case, trips.args[1], unknown), wiring.approximate(case, given, unknown)
        if first is None or last is None:
            return None
        found.add(last - first)
    return found.pop() if len(found) == 1 else None


def _texts(arguments: dict[str, Argument]) -> str:
    return " ".join(argument.text for argument in arguments.values())


RULE = LastEpochMisused()
