"""Run drawn scripts with the real torch: correct ones must be right, planted faults must change what happens.

``python -m benchmarks.planted.prove --sample 100`` executes scripts in this process, on stand-in data, and
records the LR of every group at every optimizer update. It proves the generator, not the checker; torch is
needed.

- an original must run without an exception and end low; resumed, it must continue the LR of the unbroken run;
- a planted copy must raise, or show another LR than its original, in the situation that its conditions name.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from lright.evals.planted import Case, generate

Trace = list[tuple[float, ...]]

# What these faults change depends on the metric, or is only a risk: an equal trace proves nothing.
SILENT = {"LR112", "LR113", "LR115", "LR219", "LR305", "LR307"}
ENDS_LOW = 0.55


def stand_in_modules() -> None:
    """Make importable what a script needs and this machine lacks: its data, torchvision."""
    import torch
    from torch.utils.data import TensorDataset

    with contextlib.suppress(ImportError):
        # Looked up now, since transformers asks for torchvision when it is first used.
        from transformers import get_scheduler  # noqa: F401

    def rows(width: int) -> Callable[..., TensorDataset]:
        return lambda *_, **__: TensorDataset(torch.randn(5000, width), torch.randint(0, 10, (5000,)))

    vision = types.ModuleType("torchvision")
    vision.datasets = types.SimpleNamespace(CIFAR10=rows(3072))  # type: ignore[attr-defined]
    vision.transforms = types.SimpleNamespace(ToTensor=lambda: None)  # type: ignore[attr-defined]
    data = types.ModuleType("data")
    data.build_dataset = rows(32)  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": vision, "data": data}


@contextlib.contextmanager
def instruments(trace: Trace, saved: list[Any], restore: Any, world: int) -> Iterator[None]:
    """Patches for a script: small batches, a recorder on every optimizer, checkpoints in memory."""
    import numpy as np
    import torch
    from torch.utils.data import DataLoader

    def batches(loader: Any) -> Iterator[Any]:
        first = [tensor[:2] for tensor in getattr(loader.dataset, "tensors", ())]
        if not first:
            first = [torch.randn(2, 32), torch.randint(0, 10, (2,))]
        for _ in range(len(loader)):
            yield tuple(first)

    def recording() -> Callable[..., Any]:
        def record(self: Any, *args: Any, **kwargs: Any) -> None:
            del args, kwargs  # the LR is what matters; weights stay as they are, which is fast
            trace.append(tuple(float(group["lr"]) for group in self.param_groups))

        return record

    class Parallel(torch.nn.Module):
        def __init__(self, module: Any) -> None:
            super().__init__()
            self.module = module

        def forward(self, x: Any) -> Any:
            return self.module(x)

    class Sampler(torch.utils.data.SequentialSampler):
        def __len__(self) -> int:
            return -(-super().__len__() // world)

        def set_epoch(self, epoch: int) -> None:
            del epoch

    arrays = {"features": np.zeros((5000, 32), dtype="float32"), "labels": np.zeros(5000, dtype="int64")}
    distributed = torch.distributed
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context
        patch(mock.patch.object(DataLoader, "__iter__", batches))
        patch(mock.patch.object(torch.Tensor, "backward", lambda *a, **k: None))
        patch(mock.patch.object(torch.nn.utils, "clip_grad_norm_", lambda *a, **k: None))
        patch(mock.patch.object(torch.nn.Linear, "forward", lambda self, x: x.new_ones(len(x), self.out_features)))
        patch(mock.patch.object(np, "load", lambda path: arrays[Path(path).stem]))
        patch(mock.patch.object(torch, "save", lambda state, path: saved.append(copy.deepcopy(state))))
        patch(mock.patch.object(torch, "load", lambda *a, **k: copy.deepcopy(restore)))
        if restore is not None:
            patch(mock.patch("os.path.isfile", lambda path: True))
        patch(mock.patch.object(distributed, "init_process_group", lambda *a, **k: None))
        patch(mock.patch.object(distributed, "get_rank", lambda: world - 1))
        patch(mock.patch.object(distributed, "get_world_size", lambda: world))
        patch(mock.patch("torch.nn.parallel.DistributedDataParallel", Parallel))
        patch(mock.patch("torch.utils.data.distributed.DistributedSampler", Sampler))
        for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
            patch(mock.patch.object(cls, "step", recording()))
        yield


def run(source: str, argv: list[str], restore: Any = None, world: int = 1) -> tuple[Trace, list[Any], str]:
    """Execute a script; its LRs at updates, what it saved, and the exception that ended it (or nothing)."""
    import torch

    trace: Trace = []
    saved: list[Any] = []
    error = ""
    torch.manual_seed(0)
    module, before = types.ModuleType("__main__"), sys.modules["__main__"]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        with instruments(trace, saved, restore, world), mock.patch.object(sys, "argv", ["train.py", *argv]):
            sys.modules["__main__"] = module
            try:
                exec(compile(source, "train.py", "exec"), module.__dict__)
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}"[:120]
            finally:
                sys.modules["__main__"] = before
    return trace, saved, error


def accumulation_flag(source: str) -> str:
    """The command-line flag that sets gradient accumulation, or nothing."""
    for line in source.splitlines():
        if "add_argument(" in line and "accum" in line:
            return line.split('"')[1]
    return ""


def judge_original(case: Case) -> str:
    """What is wrong with a correct script, or nothing."""
    trace, saved, error = run(case.original, [])
    if error:
        return f"raises {error}"
    if not trace:
        return "never updates"
    peak = max(lrs[-1] for lrs in trace)
    lowest = trace[-1][-1] / peak
    if "ReduceLROnPlateau" not in case.original and lowest > ENDS_LOW:
        return f"ends at {lowest:.2f} of its peak"
    states = [state for state in saved if isinstance(state, dict) and "epoch" in state]
    if len(states) > 2 and "os.path.isfile" in case.original:
        half = len(states) // 2
        resumed, _, error = run(case.original, [], restore=states[half - 1])
        if error:
            return f"resumed, raises {error}"
        if not close(resumed, trace[len(trace) - len(resumed) :]) and "Plateau" not in case.original:
            return "resumed, shows another LR"
    return ""


def close(one: Trace, other: Trace) -> bool:
    """Whether two traces agree to rounding."""
    return len(one) == len(other) and all(
        len(a) == len(b) and all(abs(x - y) <= 1e-9 + 1e-6 * abs(y) for x, y in zip(a, b, strict=True))
        for a, b in zip(one, other, strict=True)
    )


def judge_planted(case: Case) -> str:
    """Why a planted fault cannot be seen to do anything, or nothing."""
    argv: list[str] = []
    world = 2 if "processes>1" in case.conditions else 1
    if case.conditions == {"accumulation>1"}:
        argv = [accumulation_flag(case.source), "4"]
    if "default" not in case.conditions and "resume" in case.conditions:
        return judge_resumed(case)
    right, _, _ = run(case.original, argv, world=world)
    wrong, _, error = run(case.source, argv, world=world)
    if error or case.rule in SILENT or not close(right, wrong):
        return ""
    return "same LR as the original"


def judge_resumed(case: Case) -> str:
    """The same for a fault that bites after a restart."""
    full, saved, error = run(case.source, [])
    if error:
        return ""
    states = [state for state in saved if isinstance(state, dict) and "epoch" in state]
    resumed, _, error = run(case.source, [], restore=states[len(states) // 2 - 1])
    if error or not close(resumed, full[len(full) - len(resumed) :]):
        return ""
    return "resumes with the same LR"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=100, help="cases to run, drawn over all rules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rule", default="", help="only this rule")
    options = parser.parse_args(argv)
    os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported
    import torch

    torch.set_num_threads(1)
    stand_in_modules()
    cases = [case for case in generate(options.seed) if case.rule.startswith(options.rule)]
    picked = random.Random(options.seed).sample(cases, min(options.sample, len(cases)))
    bad = 0
    for case in sorted(picked, key=lambda case: case.name):
        for what, verdict in (("original", judge_original(case)), ("planted", judge_planted(case))):
            if verdict:
                bad += 1
                print(f"{case.name} {what}: {verdict}", flush=True)
    print(f"{len(picked)} pairs run, {bad} with something to say")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
