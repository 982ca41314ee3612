"""LR308: the gradient scaler skips an update, and the schedule advances all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..finding import INFO, PROVEN, Finding
from .recorded import BehaviourRule, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..trace import Trace


class SchedulerStepsOnSkippedUpdate(BehaviourRule):
    id = "LR308"
    slug = "scheduler-steps-on-skipped-update"
    severity = INFO
    summary = "Mixed precision skips an update, and the scheduler is stepped all the same"
    why = """Where gradients overflow, `GradScaler.step(optimizer)` leaves the update out; a `scheduler.step()` that
follows it advances the schedule nevertheless, and torch warns that the scheduler was stepped before the optimizer.
A few skips at the start, while the scale is found, are harmless. Many of them end the schedule early and make a
short warmup shorter still. Step the scheduler only where the scale has not fallen: `scale = scaler.get_scale();
scaler.update(); if scaler.get_scale() >= scale: scheduler.step()`."""
    bad_traces = (lambda: mixed_precision(ticking=True), lambda: mixed_precision(ticking=True, skips=(0, 1, 40)))
    good_traces = (lambda: mixed_precision(ticking=False), lambda: mixed_precision(ticking=True, skips=()))
    sources = (
        "torch 2.13, GradScaler: an inf at the first step skips the update and the schedule advances (#44511, open)",
        "our judgement: harmless below 1% of the updates",
    )
    fix_safety = "None: step the scheduler only after an update that was made."
    needs_loss = False

    def seen(self, run: Run) -> Iterable[Finding]:
        if not run.updates.skips:
            return
        for number, row in run.trace.schedulers.items():
            if row.get("optimizer") in (run.updates.optimizer, None) and row.get("parent") is None:
                wasted = self._wasted(run, number)
                if wasted:
                    yield self._finding(run, number, wasted)

    def _wasted(self, run: Run, number: int) -> list[int]:
        """The updates at which the scheduler was stepped more often than updates were made, once for every such step.

        Between two updates that are made it is stepped once; more steps than that belong to skipped ones.
        """
        ticks = run.trace.ticks.get(number)
        skips = Counter(run.updates.skips)
        if ticks is None or len(ticks) < 0.5 * (run.count + len(run.updates.skips)):
            return []  # once per epoch, a skipped update makes no difference
        stepped = Counter(update for update in ticks.updates if update in skips)
        return [
            update for update, count in sorted(skips.items()) for _ in range(min(count, stepped[update] - (update > 0)))
        ]

    def _finding(self, run: Run, number: int, wasted: list[int]) -> Finding:
        tried, first = run.count + len(run.updates.skips), wasted[0]
        times = "once" if len(wasted) == 1 else f"{len(wasted)} times"
        message = (
            f"{run.trace.schedulers[number]['class']} was stepped after a skipped update {times} in {tried} tries, "
            f"first at update {first}: the schedule is {len(wasted)} ahead of the training"
        )
        at = min(max(first - run.number(0), 0), run.count - 1)
        return self.told(
            run, at, message, certainty=PROVEN, numbers={"update": first, "skipped": len(wasted), "tried": tried}
        )


def mixed_precision(ticking: bool, skips: tuple[int, ...] = (0, 1, 2)) -> Trace:
    """Fifty tries of an update, of which ``skips`` are left out; the scheduler is stepped after each, or only after
    those that are made."""
    from ..trace import Trace

    trace = Trace.of([
        {"kind": "optimizer", "optimizer": 0, "class": "AdamW", "at": "train.py:5"},
        {"kind": "scheduler", "scheduler": 0, "class": "LinearLR", "optimizer": 0},
    ])  # fmt: skip
    update = 0
    for attempt in range(50):
        skipped = attempt in skips
        row = {"kind": "update", "optimizer": 0, "update": update, "lr": [1e-3], "loss": 2.0}
        trace.add({**row, "skipped": True} if skipped else row)
        update += not skipped
        if ticking or not skipped:
            trace.add({"kind": "tick", "scheduler": 0, "update": update, "batch": attempt})
    return trace


RULE = SchedulerStepsOnSkippedUpdate()
