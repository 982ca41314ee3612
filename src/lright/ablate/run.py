"""Carrying out a plan: what is kept is not run again, what is new is kept at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from statistics import fmean

from ..drive.measured import INTERRUPTED, Measure
from ..errors import LrightError
from ..records import record
from .compare import own_peak_of
from .engines import Engine, Task
from .job import OWN, Job, Outcome
from .plan import Plan
from .store import Store

IN_VAIN = 4  # so many failures before any success: the rest would fail too


@record(frozen=True)
class Progress:
    """How far it is: ``done`` of ``planned`` runs, the last of which is ``last``; ``left`` is in seconds."""

    done: int
    planned: int
    last: Outcome
    left: float | None


class Ablation:
    """A plan on its way.

    ``budget`` is how many runs may be made now, ``retry`` whether those that failed are made again, ``fresh`` whether
    all are. `outcomes` has what there is at any time, also after an interruption.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        engine: Engine,
        measure: Measure,
        *,
        budget: int | None = None,
        retry: bool = False,
        fresh: bool = False,
        timeout: float | None = None,
        traces: str | None = None,
    ) -> None:
        self.plan, self.store, self.engine, self.measure = plan, store, engine, measure
        self.timeout, self.traces = timeout, traces
        self.keys = plan.keys()
        self.outcomes: dict[Job, Outcome] = {}
        for job, key in self.keys.items():
            kept = store.outcome(key, job)
            if kept is not None and not fresh and not (retry and kept.failed):
                self.outcomes[job] = kept
        self.kept = len(self.outcomes)
        self._budget = len(self.keys) if budget is None else budget
        self._seconds: list[float] = []

    def carry_out(self, tell: Callable[[Progress], None]) -> None:
        """Make the runs that are missing. Raises LrightError where the script as it stands gives nothing to compare."""
        first = self.plan.untouched
        if first in self.outcomes:
            self._check(first)
        if len(self.outcomes) == len(self.keys):
            return
        with self.engine:
            if first is not None:
                self._make([first], tell)
                self._check(first)
            self._make(list(self.keys), tell)

    def _check(self, first: Job | None) -> None:
        """The script as it stands has to run, or nothing else will."""
        outcome = self.outcomes.get(first) if first else None
        if outcome is None:
            return
        if outcome.failed:
            raise LrightError(
                f"{self.plan.script} as it stands {_without(outcome, self.plan.metric)}: "
                "mend that first (its runs are kept; --retry makes the failed ones again)"
            )
        absolute = any(peak.lr is not None for peak in self.plan.peaks)
        if absolute and own_peak_of([outcome]) is None:
            raise LrightError(
                f"the peak of {self.plan.script}'s own schedule could not be seen, so that it cannot be brought to the "
                f"peaks named: leave {OWN!r} out of --schedules, or give --peaks as a number"
            )

    def _make(self, jobs: Sequence[Job], tell: Callable[[Progress], None]) -> None:
        missing = [job for job in jobs if job not in self.outcomes][: self._budget]
        if not missing:
            return
        # Before anything has succeeded an error is the user's to mend; later it may be one schedule's or one seed's.
        strict = all(outcome.failed for outcome in self.outcomes.values())
        own = self.outcomes.get(self.plan.untouched) if self.plan.untouched else None
        updates = own.measured.updates if own is not None and not own.failed else None
        task = Task(
            self.plan, self.measure, own_peak_of(self.outcomes.values()), updates, self.timeout, self.traces, strict
        )
        with closing(self.engine.outcomes(task, missing)) as outcomes:
            for outcome in outcomes:
                self._add(outcome, tell)

    def _add(self, outcome: Outcome, tell: Callable[[Progress], None]) -> None:
        if outcome.measured.ended == INTERRUPTED:
            raise KeyboardInterrupt
        self.store.add(self.keys[outcome.job], outcome)
        self.outcomes[outcome.job] = outcome
        self._budget -= 1
        self._seconds.append(outcome.measured.seconds)
        tell(Progress(len(self.outcomes), len(self.keys), outcome, self._left()))
        if len(self.outcomes) >= IN_VAIN and all(one.failed for one in self.outcomes.values()):
            raise LrightError(f"the first {len(self.outcomes)} runs failed, the last one so: {outcome.why}")

    def _left(self) -> float | None:
        """The seconds that the rest will take, as the runs so far took."""
        missing = min(len(self.keys) - len(self.outcomes), self._budget)
        return fmean(self._seconds) * missing / max(self.engine.jobs, 1) if missing else None


def _without(outcome: Outcome, metric: str) -> str:
    return outcome.why.replace("the metric", f"{metric!r}")
