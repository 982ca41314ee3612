"""What `lright.torch.watch` costs: `python -m benchmarks.watch_overhead [--write]`.

600 updates of an MLP on batches made beforehand, with and without `watch` of LR and loss, in one thread. Blocks of
updates take turns, each with its own model; the median of the ratios of CPU time is kept. The bar: 1.02 with LR and
loss alone (`sample=0`); the default, which also samples gradient norms and update-to-weight ratios, is shown too.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.nn import functional as F

from .finders.overhead import BATCH, mlp, start
from .measure import report, setting, table

UPDATES = 600
BAR = 1.02


def seconds(watching: Any) -> float:
    """CPU seconds of a training in the context `watching` makes."""
    model, optimizer = start(mlp, lr=1e-3)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(BATCH, 784, generator=generator), torch.randint(10, (BATCH,), generator=generator)
    gc.collect()
    began = time.process_time()
    with watching(optimizer):
        for _ in range(UPDATES):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return time.process_time() - began


def main() -> int:
    from lright.torch import watch

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "trace.jsonl")
        ways = {
            "`watch`, LR and loss (`sample=0`)": lambda optimizer: watch(optimizer, path=path, sample=0),
            "`watch`, the default": lambda optimizer: watch(optimizer, path=path),
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.repeats + 1):  # the first turn warms up
            for name, watching in ways.items():
                Path(path).unlink(missing_ok=True)
                basis, took = seconds(lambda optimizer: nullcontext()), seconds(watching)
                if turn:
                    found[name].append(took / basis)
    medians = {name: median(some) for name, some in found.items()}
    text = f"{setting()}, torch {torch.__version__}, one thread; median of {given.repeats} ratios of CPU time.\n\n"
    rows = [[name, f"{ratio:.3f}"] for name, ratio in medians.items()]
    report("watch-overhead", text + table(["what", "over the bare loop"], rows), write=given.write)
    return int(next(iter(medians.values())) > BAR)


if __name__ == "__main__":
    raise SystemExit(main())
