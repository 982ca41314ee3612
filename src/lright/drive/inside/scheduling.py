"""Another learning-rate schedule for a script that runs as it is."""

from __future__ import annotations

import gc
from typing import Any

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
        self.planned: dict[int, _Planned] = {}
        self.loaders: list[Any] = []

    def pass_begins(self, loader: Any) -> None:
        self.loaders.append(loader)

    def before_update(self, optimizer: Any) -> None:
        planned = self.planned.get(id(optimizer))
        if planned is None:
            planned = self.planned[id(optimizer)] = self._plan(optimizer)
        planned.set(optimizer)

    def after_update(self, optimizer: Any) -> None:
        self.planned[id(optimizer)].made += 1
        super().after_update(optimizer)

    def _plan(self, optimizer: Any) -> _Planned:
        base = rates.base_rates(optimizer)
        own = max(base)
        peak = self.peak if self.peak is not None else own * (self.scale or 1.0)
        if not own and self.peak is None:
            raise LrightError("the script's optimizer has LR 0: give --peak")
        self.own_peak = max(own, self.own_peak or 0.0)
        if self.schedule is None:
            return _Planned(optimizer, base, None, peak / own if own else 1.0)
        at = self.schedule.resolve(self._total(), peak)
        return _Planned(optimizer, rates.ratios(base), at, 1.0)

    def _total(self) -> int:
        """How many updates the run makes: as told, as its Trainer knows, or as the script says with its loader."""
        if self.total is None:
            self.total = _from_trainers() or updates_of(self.job, _lengths(self.loaders))
        if self.total is None:
            raise UsageError(
                "how many updates the run makes is not seen in the script: give --updates N "
                "(lright watch counts them)"
            )
        return int(self.total)


class _Planned:
    """The rates of one optimizer: of a resolved schedule, or its own times a factor."""

    def __init__(self, optimizer: Any, ratios: list[float], at: Any, factor: float) -> None:
        self.optimizer = optimizer
        self.ratios = ratios
        self.at = at
        self.factor = factor
        self.made = 0
        self.written: list[float] | None = None

    def set(self, optimizer: Any) -> None:
        if self.at is not None:
            rate = self.at(self.made)
            rates.put(optimizer, [rate * ratio for ratio in self.ratios])
        elif self.factor != 1.0:
            now = rates.read(optimizer)
            if now == self.written:  # nobody has written since: they are ours, times the factor already
                return
            self.written = [rate * self.factor for rate in now]
            rates.put(optimizer, self.written)


def _lengths(loaders: list[Any]) -> list[int]:
    found = []
    for loader in loaders:
        try:
            found.append(len(loader))
        except TypeError:
            continue
    return found


def _from_trainers() -> int | None:
    """How many updates a transformers or Lightning Trainer in this process is going to make."""
    for thing in gc.get_objects():
        kind = type(thing)
        module = kind.__module__
        if not isinstance(module, str):
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
