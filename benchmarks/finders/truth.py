"""What every LR really leads to on every task: `python -m benchmarks.finders.truth [--seeds 2] [--workers 2]`.

For each task, 21 LRs and some seeds: a training of 200 updates whose LR falls linearly to 0, and its validation loss.
To save time every second LR comes first, then the four next to the best; the rest lies on the straight lines between.
About half an hour of one core for 2 seeds. Written to `truth.json` after every (task, seed), and taken up from there.

A run that broke (NaN), or ended worse than it began, counts as one that stayed where it began: its regret is 1.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from .data import Absent
from .tasks import DEV, HELD, STEPS, TASKS, Task, train

STORE = Path(__file__).with_name("truth.json")
CLOSE = 0.05  # "within 5% of the best"


@dataclass(frozen=True)
class Truth:
    """The mean validation loss after training at each of `lrs`, and before any training."""

    lrs: Sequence[float]
    val: Sequence[float]
    initial: float

    @property
    def best(self) -> float:
        return min(self.val)

    def at(self, lr: float) -> float:
        """The loss at `lr`: between two measured LRs along the straight line in log LR; outside, the outermost."""
        if lr <= self.lrs[0]:
            return self.val[0]
        if lr >= self.lrs[-1]:
            return self.val[-1]
        right = bisect_right(self.lrs, lr)
        low, high = self.lrs[right - 1], self.lrs[right]
        share = math.log(lr / low) / math.log(high / low)
        return (1 - share) * self.val[right - 1] + share * self.val[right]

    def regret(self, lr: float) -> float:
        """(loss at `lr` - best) / (initial - best), at most 1; 1 too for what is no LR at all."""
        if not (math.isfinite(lr) and lr > 0):
            return 1.0
        return min(1.0, (self.at(lr) - self.best) / (self.initial - self.best))

    def distance(self, lr: float) -> float:
        """Decades from `lr` to the nearest measured LR within 5% of the best loss; positive when `lr` is too high."""
        if not (math.isfinite(lr) and lr > 0):
            return math.nan
        good = [one for one, loss in zip(self.lrs, self.val) if loss <= (1 + CLOSE) * self.best]
        if min(good) <= lr <= max(good) and self.at(lr) <= (1 + CLOSE) * self.best:
            return 0.0
        return min((math.log10(lr / one) for one in good), key=abs)


def stored() -> dict[str, Any]:
    """{task: {"lrs": [...], "seeds": {"0": {"initial": ..., "val": [...]}, ...}}}; None where nothing was measured."""
    return json.loads(STORE.read_text("utf-8")) if STORE.is_file() else {}


def truth(task: Task) -> Truth:
    """The stored truth of a task: the mean over its seeds."""
    kept = stored()[task.name]
    lrs, seeds = kept["lrs"], [measured(kept["lrs"], run) for run in kept["seeds"].values()]
    return Truth(lrs, [fmean(one.at(lr) for one in seeds) for lr in lrs], fmean(one.initial for one in seeds))


def measured(lrs: Sequence[float], run: dict[str, Any]) -> Truth:
    """What was measured with one seed."""
    points = [(lr, loss) for lr, loss in zip(lrs, run["val"]) if loss is not None]
    return Truth([lr for lr, _ in points], [loss for _, loss in points], run["initial"])


def measure(job: tuple[str, int]) -> tuple[str, int, dict[str, Any]]:
    """One task and seed: every LR."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    name, seed = job
    task = next(one for one in TASKS if one.name == name)
    try:
        model, _ = task.build(seed)
    except Absent as absent:
        return name, seed, {"absent": str(absent)}
    initial, lrs = task.validation(model), task.lrs
    found: dict[int, float] = {}

    def look(places: Sequence[int]) -> None:
        for place in places:
            loss = train(task, seed, lrs[place])
            found[place] = min(loss, initial) if math.isfinite(loss) else initial

    look(range(0, len(lrs), 2))
    best = min(found, key=found.__getitem__)
    look([place for place in (best - 3, best - 1, best + 1, best + 3) if 0 <= place < len(lrs)])
    val = [float(f"{found[place]:.5g}") if place in found else None for place in range(len(lrs))]
    return name, seed, {"initial": float(f"{initial:.5g}"), "val": val}


def jobs(seeds: int, have: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """DEV before HELD; two seeds of all tasks before the third of any."""
    passes = [*((half, seed) for half in (DEV, HELD) for seed in range(min(2, seeds)))]
    passes += [(half, seed) for seed in range(2, seeds) for half in (DEV, HELD)]
    for half, seed in passes:
        for task in half:
            if str(seed) not in have.get(task.name, {}).get("seeds", {}):
                yield task.name, seed


def save(have: dict[str, Any]) -> None:
    lines = [f'"{name}": {json.dumps(one)}' for name, one in sorted(have.items())]
    part = STORE.with_suffix(".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    part.replace(STORE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    have = stored()
    lrs = {task.name: task.lrs for task in TASKS}
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        for name, seed, found in pool.imap_unordered(measure, list(jobs(given.seeds, have))):
            if "absent" in found:
                print(f"{name} left out: {found['absent']}", flush=True)
                continue
            task = have.setdefault(name, {"steps": STEPS, "lrs": lrs[name], "seeds": {}})
            task["seeds"][str(seed)] = found
            save(have)
            print(f"{name} seed {seed}", flush=True)


if __name__ == "__main__":
    main()
