"""Another learning-rate schedule for a script that runs as it is."""

from __future__ import annotations

import gc
from typing import Any

import torch

from ...errors import LrightError, UsageError
from ...schedule import Schedule
from ...torch import rates
from ..job import Job
from ..lengths import updates_of
from .recording import Recording


class Scheduling(Recording):
    """Sets the learning rate of every update itself: by a schedule, or the script's own times a factor.

    The script's schedulers go on writing theirs, which is overruled. Groups keep their ratios to the highest.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        told = dict(job.options)
        schedule: Any = told.get("schedule")
        self.schedule = Schedule.parse(schedule) if schedule else None
        self.peak: Any = told.get("peak")
        self.scale: Any = told.get("scale")
        self.total: Any = told.get("updates")
        self.plans: dict[int, _Plan] = {}
        self.loader: Any = None  # that the training runs over
        self.tracer.writes = False
        self.tracer.schedulers = self.schedule is None

    def pass_begins(self, loader: Any) -> None:
        if torch.is_grad_enabled():
            self.loader = loader

    def before_update(self, optimizer: Any) -> None:
        plan = self.plans.get(id(optimizer))
        if plan is None:
            plan = self.plans[id(optimizer)] = self._plan(optimizer)
        plan.set(optimizer)

    def after_update(self, optimizer: Any) -> None:
        self.plans[id(optimizer)].made_one(optimizer)
        super().after_update(optimizer)

    def _plan(self, optimizer: Any) -> _Plan:
        base = self.base_rates(optimizer)
        own = max(base)
        self.own_peak = max(own, self.own_peak or 0.0)
        peak = self.peak if self.peak is not None else own * (self.scale or 1.0)
        if not own and self.peak is None:
            raise LrightError("the script's optimizer has LR 0: give --peak")
        if self.schedule is None:
            return _Plan(optimizer, base, None, peak / own if own else 1.0)
        at = self.schedule.resolve(self._total(), peak)
        return _Plan(optimizer, rates.ratios(base), at, 1.0)

    def _total(self) -> int:
        """How many updates the run makes: as told, as its Trainer knows, or as the script says with its loader."""
        if self.total is None:
            self.total = _from_trainers() or updates_of(self.job, _length(self.loader))
        if self.total is None:
            raise UsageError(
                "how many updates the run makes is not seen in the script: give --updates N "
                "(lright watch counts them)"
            )
        self.planned = int(self.total)
        return self.planned


class _Plan:
    """The rates of one optimizer: of a resolved schedule, or its own times a factor."""

    def __init__(self, optimizer: Any, ratios: list[float], at: Any, factor: float) -> None:
        self.optimizer = optimizer
        self.ratios = ratios
        self.at = at
        self.factor = factor
        self.made = 0
        self.own: list[float] = []

    def set(self, optimizer: Any) -> None:
        """Put the rates of the update that is about to be made."""
        if self.at is not None:
            rate = self.at(self.made)
            rates.put(optimizer, [rate * ratio for ratio in self.ratios])
        elif self.factor != 1.0:
            self.own = rates.read(optimizer)
            rates.put(optimizer, [rate * self.factor for rate in self.own])

    def made_one(self, optimizer: Any) -> None:
        """It is made. A scheduler that computes the next rate from this one is to find its own, not ours times a
        factor."""
        self.made += 1
        if self.own:
            rates.put(optimizer, self.own)


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except TypeError:  # an iterable dataset, or no loader at all
        return None


def _from_trainers() -> int | None:
    """How many updates a transformers or Lightning Trainer in this process is going to make."""
    for thing in gc.get_objects():
        kind = type(thing)
        module = kind.__module__
        if type(module) is not str:  # a few C types have something else there
            continue
        if module.startswith("transformers.") and any(base.__name__ == "Trainer" for base in kind.__mro__):
            steps = getattr(thing.state, "max_steps", 0)
            if steps > 0:
                return int(steps)
        if module.startswith(("lightning.pytorch.trainer", "pytorch_lightning.trainer")) and kind.__name__ == "Trainer":
            steps = thing.estimated_stepping_batches
            if 0 < steps < float("inf"):
                return int(steps)
    return None
