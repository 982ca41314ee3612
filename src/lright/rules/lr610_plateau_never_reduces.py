"""LR610: ReduceLROnPlateau leaves the LR where it is although the metric is flat."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..finding import WARNING, Finding
from .example_runs import falling, made
from .recorded import BehaviourRule, Run, rate_text, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..case import Case
    from ..trace import Row, Ticks, Trace

STRETCHES = 3  # times the patience that the metric is flat for
FLAT = 0.01  # of the metric itself: what it gains over the whole stretch
OF_GAIN = 0.03  # of all that it gained since the start


class PlateauNeverReduces(BehaviourRule):
    id = "LR610"
    slug = "plateau-never-reduces"
    severity = WARNING
    summary = "ReduceLROnPlateau leaves the LR where it is although the metric is flat"
    why = """ReduceLROnPlateau waits for `patience` evaluations without an improvement, and everything that beats the
best by more than `threshold` (a ten-thousandth, relative, by default) is an improvement. A metric that creeps on by
tiny amounts resets the patience again and again, and the rate never falls. Raise the threshold to what you call
progress (1e-3 to 1e-2), or lower the patience. A wrong `mode`, or `-accuracy` under `min`, looks the same."""
    bad_traces = (
        lambda: with_plateau([1.0, 0.8, 0.7] + [0.65 - 0.0001 * k for k in range(40)], patience=10),
        lambda: with_plateau([1.0, 0.6] + [0.5 - 0.00008 * k for k in range(30)], patience=3),
    )
    good_traces = (
        lambda: with_plateau([1.0 / (1 + 0.1 * k) for k in range(40)], patience=10),
        lambda: with_plateau([1.0, 0.8, 0.7] + [0.65] * 20, patience=3, falls=6),
    )
    sources = (
        "torch 2.13 documentation, ReduceLROnPlateau: threshold 1e-4, relative; patience 10",
        "our judgement: a gain below 1% of the metric over three times the patience is flat",
    )
    fix_safety = "None: raise threshold, or lower patience."
    needs_loss = False
    covers = ("LR601",)

    def seen(self, run: Run) -> Iterable[Finding]:
        for number, row in run.trace.schedulers.items():
            ticks = run.trace.ticks.get(number)
            if row["class"] == "ReduceLROnPlateau" and ticks and row.get("optimizer", 0) == run.updates.optimizer:
                yield from self._judged(run, row, ticks)

    def skipped(self, case: Case) -> str | None:
        reason = super().skipped(case)
        trace = case.training.trace
        if reason is not None or trace is None:
            return reason
        plateaus = [number for number, row in trace.schedulers.items() if row["class"] == "ReduceLROnPlateau"]
        fed = [trace.ticks[number].metrics for number in plateaus if number in trace.ticks]
        if plateaus and not any(metric == metric for metrics in fed for metric in metrics):
            return "the metrics that ReduceLROnPlateau was given were not recorded"
        return None

    def _judged(self, run: Run, row: Row, ticks: Ticks) -> Iterable[Finding]:
        arguments = row.get("arguments") or {}
        patience = _number(arguments.get("patience"), 10)
        sign = -1 if arguments.get("mode") == "max" else 1
        values = [sign * metric for metric in ticks.metrics if math.isfinite(metric)]
        stretch = int(STRETCHES * (patience + 1))
        if patience < 1 or len(values) <= stretch or len(values) < len(ticks) / 2 or len(ticks) > run.count / 2:
            return  # once a batch, the patience means something else altogether
        start = self._position(run, ticks.updates[len(ticks) - stretch])
        blocks = [one for one in run.blocks if one.stop > start]
        if not blocks or min(one.lowest_rate for one in blocks) < max(one.highest_rate for one in blocks):
            return
        before, best = min(values[:-stretch]), min(values)
        gain, gained = before - best, max(values[0], *values[:3]) - best
        if gain > FLAT * abs(best) or gain > OF_GAIN * gained or not self._creeps(values, stretch, arguments):
            return
        threshold = _number(arguments.get("threshold"), 1e-4)
        message = (
            f"ReduceLROnPlateau has left the LR at {rate_text(run.rate(run.count - 1))} over the last {stretch} steps, "
            f"in which its metric went from {value(sign * before)} to {value(sign * best)}: gains above threshold="
            f"{threshold:g} keep resetting patience={patience:g}; raise the threshold"
        )
        yield self.told(
            run, run.count - 1, message, numbers={"steps": stretch, "patience": patience, "threshold": threshold,
                                                  "gain": gain},
        )  # fmt: skip

    def _creeps(self, values: list[float], stretch: int, arguments: Row) -> bool:
        """Whether the patience was reset in the stretch: the scheduler had its reason not to reduce."""
        threshold = _number(arguments.get("threshold"), 1e-4)
        relative = arguments.get("threshold_mode", "rel") == "rel"
        best, resets = math.inf, 0
        for number, metric in enumerate(values):
            if metric < (best - threshold * abs(best) if relative and best < math.inf else best - threshold):
                best = metric
                resets += number >= len(values) - stretch
        return resets > 0

    def _position(self, run: Run, update: int) -> int:
        return min(max(update - run.number(0), 0), run.count - 1)


def _number(given: object, usual: float) -> float:
    return float(given) if isinstance(given, (int, float)) else usual


def with_plateau(metrics: list[float], patience: int, falls: int | None = None) -> Trace:
    """A run of ten updates an epoch with a ReduceLROnPlateau that is fed ``metrics``; the LR falls at the step
    ``falls``."""

    def rate(update: int) -> float:
        return 0.1 if falls is None or update < 10 * falls else 0.01

    trace = made(10 * len(metrics), rate, falling(), scheduler=("ReduceLROnPlateau", {"patience": patience}), ended="")
    for step, metric in enumerate(metrics):
        trace.add({"kind": "tick", "scheduler": 0, "update": 10 * (step + 1), "epoch": step, "metric": metric})
    return trace


RULE = PlateauNeverReduces()
