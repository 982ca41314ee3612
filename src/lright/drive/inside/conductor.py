"""What all that is done to a running script has in common."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ...torch import rates
from ...torch.instruments import Listener, instruments
from ..job import APART, KEPT, STOPPED, End, Job
from . import frameworks, saves, seeds

RAISES = 20  # how often a script may catch what stops it before its process is ended


class Enough(BaseException):
    """Raised in the script once there is nothing more to see. No `except Exception` of a script catches it."""


class Conductor(Listener):
    """A listener with a job: it may steer the training, and ends it once it has seen enough."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.updates = 0
        self.enough = False
        self.withheld: dict[str, None] = {}
        self.planned: int | None = None
        self.own_peak: float | None = None
        self.given: dict[int, list[float]] = {}  # by optimizer: the LRs it was made with
        self._raised = 0
        self._reported = 0.0

    @property
    def rank(self) -> int:
        return int(os.environ.get("RANK", "0"))

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Who is told of what a framework does by itself, in order."""
        return (self,)

    def install(self, stack: ExitStack) -> None:
        """Put the instruments in place until the stack is closed."""
        if self.job.seed is not None:
            stack.enter_context(seeds.moved(self.job.seed))
        if self.job.saves != KEPT:
            apart = Path(self.job.folder) / "saved" if self.job.saves == APART else None
            stack.enter_context(saves.withheld(self.withheld, apart))
        stack.enter_context(instruments(self))
        stack.enter_context(frameworks.heard(self))

    def optimizer_made(self, optimizer: Any, at: str) -> None:
        self.given[id(optimizer)] = rates.read(optimizer)

    def base_rates(self, optimizer: Any) -> list[float]:
        """The LR of every group as the script gave it, whatever was written into it since."""
        given, now = self.given.get(id(optimizer), []), rates.base_rates(optimizer)
        return [*given, *now[len(given) :]][: len(now)]

    def metrics(self, values: Mapping[str, float]) -> None:
        """The script told one of its loggers some values."""

    def stop(self, message: str = "") -> None:
        """End the script: raises :class:`Enough`, again and again where a script catches it."""
        self.enough = True
        self._raised += 1
        if self._raised > RAISES:
            self._leave()
        raise Enough(message)

    def ended(self, reason: str, message: str) -> End:
        """How the script ended, with what was seen of it."""
        return End(reason, message, self.updates, tuple(self.withheld), self.planned, self.own_peak)

    def _leave(self) -> None:
        end = self.ended(STOPPED, "")
        self.finish(end)
        end.write(self.job.folder)
        os._exit(0)

    def finish(self, end: End) -> None:
        """Write down what was seen. Called once the script is over, however it ended."""

    def progress(self, **told: object) -> None:
        """Tell the other process how far things are, at most ten times a second."""
        now = time.monotonic()
        if now - self._reported < 0.1 or self.rank:
            return
        self._reported = now
        path = Path(self.job.folder) / "progress.json"
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(told), "utf-8")
        os.replace(beside, path)
