"""A step of the live scheduler: `python -m benchmarks.scheduler_step [--write]`.

The bar: `lright.torch.Scheduler.step()` in at most a fifth of the CPU time of torch's own
`SequentialLR(LinearLR, CosineAnnealingLR)`, with 1, 10 and 100 parameter groups, in the same run.

Both are timed as training uses them, after an update, on an optimizer whose update does nothing: the time of the
updates alone, the cheapest that torch can make without any scheduler, is taken off. So what a scheduler adds to
`optimizer.step()` (a call counted, in lright; a flag set, in torch) is in its figure. The two take turns, so that
both see the same machine.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from statistics import median

from .measure import report, setting, table

BAR = 0.2
GROUPS = (1, 10, 100)
UPDATES = 100_000  # the length of the schedule
ROUNDS, STEPS = 25, {1: 4_000, 10: 4_000, 100: 1_000}


def seconds(action: Callable[[], object], count: int) -> float:
    """CPU seconds of one call, on average over ``count``."""
    begin = time.process_time()
    for _ in range(count):
        action()
    return (time.process_time() - begin) / count


def contestants(groups: int) -> dict[str, Callable[[], None]]:
    """One update without a scheduler, with torch's and with lright's."""
    import torch
    from torch.optim import lr_scheduler

    from lright.torch import Scheduler

    class Idle(torch.optim.Optimizer):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            """Nothing."""

    def optimizer() -> Idle:
        return Idle([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)], {"lr": 0.1})

    bare, theirs, ours = optimizer(), optimizer(), optimizer()
    phases = [
        lr_scheduler.LinearLR(theirs, start_factor=1e-3, total_iters=2_000),
        lr_scheduler.CosineAnnealingLR(theirs, T_max=UPDATES - 2_000),
    ]
    sequential = lr_scheduler.SequentialLR(theirs, phases, milestones=[2_000])
    scheduler = Scheduler(ours, "warmup 2k updates > cosine to 0", total=UPDATES)

    def torchs() -> None:
        theirs.step()
        sequential.step()

    def lrights() -> None:
        ours.step()
        scheduler.step()

    def none() -> None:
        bare.step()

    return {"none": none, "torch": torchs, "lright": lrights}


def measure(groups: int) -> dict[str, list[float]]:
    """Microseconds of a step of each scheduler, by round."""
    made = contestants(groups)
    rounds = [{name: seconds(action, STEPS[groups]) for name, action in made.items()} for _ in range(ROUNDS)]
    return {name: [(one[name] - one["none"]) * 1e6 for one in rounds] for name in ("torch", "lright")}


def main() -> int:
    import torch

    warnings.filterwarnings("ignore", module="torch")
    torch.set_num_threads(1)
    rows, missed = [], False
    for groups in GROUPS:
        times = measure(groups)
        ratio = median(ours / theirs for ours, theirs in zip(times["lright"], times["torch"], strict=True))
        missed = missed or ratio > BAR
        figures = [f"{median(times[name]):.2f}" for name in ("torch", "lright")]
        rows.append([str(groups), *figures, f"{ratio:.3f}"])
    head = ["parameter groups", "torch SequentialLR, µs", "lright Scheduler, µs", "lright / torch"]
    words = f"medians of {ROUNDS} rounds; the bar: at most {BAR}"
    text = f"{setting()}, torch {torch.__version__}; {words}.\n\n{table(head, rows)}"
    report("scheduler_step", text, write="--write" in sys.argv)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
