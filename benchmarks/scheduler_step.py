"""A step of the live scheduler: `python -m benchmarks.scheduler_step [--write]`.

The bar: `lright.torch.Scheduler.step()` in at most a fifth of the CPU time of torch's own
`SequentialLR(LinearLR, CosineAnnealingLR).step()`, with 1, 10 and 100 parameter groups, in the same run.

Every step of lright's here comes after an update, or it would have nothing to do. Its hook, which counts the update
inside `optimizer.step()`, is given apart: torch's schedulers have one there too, which sets a flag and is not in
torch's figure. The contestants take turns, so that all see the same machine; the loops themselves are taken off.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from statistics import median

from .measure import report, setting, table

BAR = 0.2
UPDATES = 1_000_000  # the length of the schedule: no contestant comes to its end
ROUNDS, STEPS = 60, {1: 2_000, 10: 1_000, 100: 200}


def seconds(action: Callable[[], object], count: int) -> float:
    """CPU seconds of one call, on average over ``count``."""
    begin = time.process_time()
    for _ in range(count):
        action()
    return (time.process_time() - begin) / count


def contestants(groups: int) -> dict[str, Callable[[], object]]:
    """A step of torch's scheduler; the hook that counts an update, with and without lright's step; an empty call."""
    import torch
    from torch.optim import lr_scheduler

    from lright.torch import Scheduler

    def optimizer() -> torch.optim.Optimizer:
        return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)], lr=0.1)

    theirs, ours = optimizer(), optimizer()
    phases = [
        lr_scheduler.LinearLR(theirs, start_factor=1e-3, total_iters=2_000),
        lr_scheduler.CosineAnnealingLR(theirs, T_max=UPDATES - 2_000),
    ]
    sequential = lr_scheduler.SequentialLR(theirs, phases, milestones=[2_000])
    scheduler = Scheduler(ours, "warmup 2k updates > cosine to 0", total=UPDATES)
    (hook,) = ours._optimizer_step_post_hooks.values()

    def torchs() -> None:
        sequential.step()

    def counted() -> None:
        hook(ours, (), {})

    def lrights() -> None:
        hook(ours, (), {})
        scheduler.step()

    def nothing() -> None:
        pass

    return {"torch": torchs, "counted": counted, "lright": lrights, "nothing": nothing}


def measure(groups: int) -> tuple[list[float], list[float], list[float]]:
    """Microseconds by round: torch's step, lright's step, and the counting of an update."""
    made = contestants(groups)
    rounds = [{name: seconds(action, STEPS[groups]) * 1e6 for name, action in made.items()} for _ in range(ROUNDS)]
    torchs = [one["torch"] - one["nothing"] for one in rounds]
    ours = [one["lright"] - one["counted"] for one in rounds]
    return torchs, ours, [one["counted"] - one["nothing"] for one in rounds]


def main() -> int:
    import torch

    warnings.filterwarnings("ignore", module="torch")
    torch.set_num_threads(1)
    rows, missed = [], False
    for groups in STEPS:
        torchs, ours, counting = measure(groups)
        ratio = median(ours) / median(torchs)
        missed = missed or ratio > BAR
        figures = [f"{median(times):.2f}" for times in (torchs, ours, counting)]
        rows.append([str(groups), *figures, f"{ratio:.3f}"])
    head = [
        "parameter groups", "torch `SequentialLR.step()`, µs", "lright `Scheduler.step()`, µs",
        "counting an update, µs", "step: lright / torch",
    ]  # fmt: skip
    words = f"medians of {ROUNDS} rounds of {', '.join(str(count) for count in STEPS.values())} steps"
    text = f"{setting()}, torch {torch.__version__}; CPU time, {words}; the bar: at most {BAR}."
    report("scheduler_step", f"{text}\n\n{table(head, rows)}", write="--write" in sys.argv)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
