"""The LR range test on somebody's script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LrightError
from ..find.result import LrFind
from ..find.search import Search, SearchOptions
from ..records import record, replace
from .job import CRASHED, INTERRUPTED, STOPPED, WITHHELD, Job
from .launch import Ended, checked, failed, folder, is_main_process, launch

SHORTEST = 50  # updates that a sweep needs at least (our judgement): with fewer the curve is too coarse to read


@record(frozen=True)
class Found:
    """The answer for a script. ``optimizers`` are those that made updates, in the order of their first; ``withheld`` is
    what the script was kept from writing."""

    answer: LrFind
    optimizers: tuple[str, ...]
    withheld: tuple[str, ...]


def find(
    script: str,
    arguments: Sequence[str] = (),
    options: SearchOptions | None = None,
    *,
    optimizer: int = 0,
    saves: str = WITHHELD,
    module: bool = False,
    seed: int | None = None,
    quiet: bool = True,
    follow: Callable[[Mapping[str, Any]], object] | None = None,
    timeout: float | None = None,
) -> Found | None:
    """Run the range test on a script in its own process; None on other ranks than 0.

    ``optimizer``: which one to drive, by the order of their first updates. ``saves``: what becomes of its checkpoints
    and logs (:class:`Job`). ``quiet``: keep what it prints, to show its end if it fails. ``follow`` is told of
    progress. A script that is over before the search is is started again. Raises LrightError where it fails, or is
    too short.
    """
    script = checked(script, module)
    asked = (options or SearchOptions()).checked()
    with folder() as where:
        driver = _Driver(
            Job("find", script, tuple(arguments), where, module, seed=seed, saves=saves), asked, optimizer,
            lambda job: launch(job, quiet=quiet, follow=follow, timeout=timeout),
        )  # fmt: skip
        driver.drive()
        return driver.found() if is_main_process() else None


class _Driver:
    """Starts the script as often as the search needs it, and collects what its segments saw."""

    def __init__(
        self, job: Job, options: SearchOptions, optimizer: int, start: Callable[[Job], Ended]
    ) -> None:
        self.job = job
        self.options = options
        self.optimizer = optimizer
        self.start = start
        self.recorded: list[dict[str, Any]] = []
        self.unfinished: dict[str, Any] | None = None
        self.header: dict[str, Any] = {}
        self.seen: tuple[str, ...] = ()
        self.withheld: dict[str, None] = {}
        self.interrupted = False

    def drive(self) -> None:
        while True:
            ended = self._once()
            if ended.end.reason == STOPPED or not is_main_process():
                return
            if ended.end.reason == INTERRUPTED or ended.timed_out:
                self.interrupted = True
                return
            self._go_on(ended)

    def _once(self) -> Ended:
        rows = Path(self.job.folder) / "segments.jsonl"
        rows.unlink(missing_ok=True)
        told = {name: getattr(self.options, name) for name in SearchOptions.__annotations__}
        options = {**told, "optimizer": self.optimizer, "recorded": self.recorded}
        self.before = len(self.recorded)
        self.unfinished = None
        ended = self.start(replace(self.job, options=options))
        self.withheld.update(dict.fromkeys(ended.end.withheld))
        for row in map(json.loads, rows.read_text("utf-8").splitlines() if rows.exists() else ()):
            self._take(row)
        return ended

    def _take(self, row: dict[str, Any]) -> None:
        if "base_lrs" in row:
            self.header = row
        elif "optimizers" in row:
            self.seen = tuple(row["optimizers"])
        elif row.get("unfinished"):
            self.unfinished = row
        else:
            self.recorded.append(row)

    def _go_on(self, ended: Ended) -> None:
        """The script is over and the search is not: start it again, if that leads anywhere."""
        if ended.end.reason == CRASHED and len(self.recorded) == self.before:
            raise failed(ended, f"{self.job.script} failed while its learning rate was being driven")
        if not self.header:
            raise LrightError(self._no_updates(ended))
        if len(self.recorded) > self.before:
            return
        made = len(self.unfinished["losses"]) if self.unfinished else 0
        if self.recorded or made < SHORTEST:
            wanted = self.options.trial_steps if self.recorded else self.options.steps
            raise LrightError(
                f"{self.job.script} was over after {made} updates and a "
                f"{'trial' if self.recorded else 'sweep'} takes {wanted}: let it run longer (more epochs, after --), "
                f"or give --{'trial-' if self.recorded else ''}steps {max(made, 10)}"
            )
        self.options = replace(self.options, steps=made)

    def _no_updates(self, ended: Ended) -> str:
        if self.seen:
            return f"--optimizer {self.optimizer}: only {len(self.seen)} made updates: {', '.join(self.seen)} (from 0)"
        told = f": {ended.end.message}" if ended.end.message else ""
        return f"{self.job.script} ended without an update of a PyTorch optimizer{told}"

    def found(self) -> Found:
        """The answer from everything that was seen."""
        if not self.header:
            raise LrightError(f"{self.job.script}: interrupted before its first update: nothing was measured")
        search = Search(
            self.options, optimizer=self.header["optimizer"], base_lrs=tuple(self.header["base_lrs"])
        )
        waiting = [*self.recorded, *([self.unfinished] if self.unfinished else [])]
        for segment, told in zip(search, waiting):
            for i, loss in enumerate(told["losses"]):
                if segment.saw(i, loss):
                    break
        answer = search.result(interrupted=self.interrupted)
        return Found(answer, self.seen or (self.header["optimizer"],), tuple(self.withheld))
