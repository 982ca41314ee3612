"""Whole curves: `python -m benchmarks.curves [--write]`.

The bars: a composed schedule of 10^6 updates, from its text to its last value, in under 20 ms; 10^5 updates
at least 200 times faster than stepping torch's own scheduler (left out where torch is not installed).
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from statistics import median

from lright import Budget
from lright.schedule import Schedule

from .measure import report, setting, table

COMPOSED = "warmup 2% > cosine to 0.1 over 78% > 1-sqrt to 0 over 20%"
PLAIN = "warmup 2k updates > cosine to 0"
BAR_SECONDS, BAR_RATIO = 0.020, 200.0
LONG, SHORT = 1_000_000, 100_000


def seconds(action: Callable[[], object], repeat: int) -> list[float]:
    """CPU times of an action, sorted."""
    times = []
    for _ in range(repeat):
        begin = time.process_time()
        action()
        times.append(time.process_time() - begin)
    return sorted(times)


def draw(text: str, updates: int) -> int:
    """The whole curve of a schedule given as text."""
    return len(Schedule.parse(text).resolve(Budget(updates=updates), peak=0.1).curve())


def step_torch(updates: int) -> list[float]:
    """The curve of the same kind of schedule as torch makes it: one step at a time."""
    import warnings

    import torch
    from torch.optim import lr_scheduler

    warnings.filterwarnings("ignore", module="torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    phases = [
        lr_scheduler.LinearLR(optimizer, start_factor=1e-3, total_iters=2_000),
        lr_scheduler.CosineAnnealingLR(optimizer, T_max=updates - 2_000),
    ]
    scheduler = lr_scheduler.SequentialLR(optimizer, phases, milestones=[2_000])
    values = []
    optimizer.step()  # torch warns of a scheduler that goes first
    for _ in range(updates):
        values.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    return values


def main() -> int:
    long = seconds(lambda: draw(COMPOSED, LONG), 15)
    short = seconds(lambda: draw(PLAIN, SHORT), 15)
    rows = [
        [f"`{COMPOSED}`, 10^6 updates", f"{long[0] * 1e3:.1f} ms", f"{median(long) * 1e3:.1f} ms", ""],
        [f"`{PLAIN}`, 10^5 updates", f"{short[0] * 1e3:.2f} ms", f"{median(short) * 1e3:.2f} ms", "1"],
    ]
    missed = long[0] >= BAR_SECONDS
    if importlib.util.find_spec("torch"):
        torch = seconds(lambda: step_torch(SHORT), 5)
        ratio = torch[0] / short[0]
        name = "the same, stepping torch's `SequentialLR(LinearLR, CosineAnnealingLR)`"
        rows.append([name, f"{torch[0] * 1e3:.0f} ms", f"{median(torch) * 1e3:.0f} ms", f"{ratio:.0f}"])
        missed = missed or ratio < BAR_RATIO
    bars = f"the bars: {BAR_SECONDS * 1e3:.0f} ms for 10^6 updates, {BAR_RATIO:.0f} times for torch"
    figures = table(["curve", "best CPU", "median CPU", "times lright (best)"], rows)
    report("curves", f"{setting()}; {bars}.\n\n{figures}", write="--write" in sys.argv)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
