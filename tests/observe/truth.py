"""What a script really does to its learning rates, from running it with torch, against what lright reads.

:func:`run` executes a script in this process and writes down the learning rate of every group of every optimizer at
every ``optimizer.step()``, and how often every scheduler was stepped. :func:`disagreements` compares that with the
curves lright draws from the same text without running it.

``python -m tests.observe.truth FILE...`` tells for each file how many curves there are and where they are wrong.
"""

from __future__ import annotations

import contextlib
import io
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from lright.case import Case
from lright.curves import of_training
from lright.doctor import scalar
from lright.finding import Curve
from lright.observe.source import read
from lright.situation import Optimizer

Rates = tuple[float, ...]
OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "Adadelta")


@dataclass
class Truth:
    """What happened: for every optimizer that was ever stepped, in order of construction, its rates at every update."""

    rates: list[list[Rates]] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)  # of every scheduler that is not a phase of another one
    error: str = ""


class _Recorder:
    """Hooks on torch's optimizers and schedulers. ``limit``: give up after so many updates."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.updates = 0
        self.optimizers: list[Any] = []
        self.rates: dict[int, list[Rates]] = {}
        self.schedulers: list[Any] = []
        self.ticks: dict[int, int] = {}
        self.nested = 0

    def update(self, optimizer: Any, *_: Any) -> None:
        self.updates += 1
        if self.updates > self.limit:
            raise TooLong
        groups = tuple(float(group["lr"]) for group in optimizer.param_groups)
        self.rates.setdefault(id(optimizer), []).append(groups)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        import torch
        from torch.optim import lr_scheduler as known
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        recorder = self
        classes = {v for v in vars(known).values() if isinstance(v, type) and issubclass(v, known.LRScheduler)}
        original = torch.optim.Optimizer.__init__

        def construct(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            recorder.optimizers.append(optimizer)  # also keeps its id from being used again
            original(optimizer, *args, **kwargs)

        with contextlib.ExitStack() as stack:
            handle = register_optimizer_step_pre_hook(self.update)
            stack.callback(handle.remove)
            stack.enter_context(mock.patch.object(torch.optim.Optimizer, "__init__", construct))
            for cls in classes:
                if "__init__" in vars(cls):
                    stack.enter_context(mock.patch.object(cls, "__init__", self._built(vars(cls)["__init__"])))
                if "step" in vars(cls):
                    stack.enter_context(mock.patch.object(cls, "step", self._ticked(vars(cls)["step"])))
            yield

    def _built(self, original: Any) -> Any:
        def construct(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            if id(scheduler) not in self.ticks:
                self.ticks[id(scheduler)] = 0
                self.schedulers.append(scheduler)
            self.nested += 1
            try:
                original(scheduler, *args, **kwargs)
            finally:
                self.nested -= 1

        return construct

    def _ticked(self, original: Any) -> Any:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            self.ticks[id(scheduler)] = self.ticks.get(id(scheduler), 0) + (self.nested == 0)
            self.nested += 1
            try:
                return original(scheduler, *args, **kwargs)
            finally:
                self.nested -= 1

        return step


class TooLong(BaseException):
    """The script makes more updates than wanted."""


@contextlib.contextmanager
def light() -> Iterator[None]:
    """Nothing is computed: small batches, no gradients, weights that stay. Learning rates are what they would be."""
    import torch
    from torch.utils.data import DataLoader, IterableDataset

    original = DataLoader.__iter__

    def batches(loader: Any) -> Iterator[Any]:
        if isinstance(loader.dataset, IterableDataset):
            yield from original(loader)
            return
        batch = loader.collate_fn([loader.dataset[0], loader.dataset[0]])
        for _ in range(len(loader)):
            yield batch

    def ones(layer: Any, x: Any) -> Any:
        return x.new_ones((*x.shape[:-1], layer.out_features))

    with contextlib.ExitStack() as stack:
        patch = stack.enter_context
        patch(mock.patch.object(DataLoader, "__iter__", batches))
        patch(mock.patch.object(torch, "save", lambda *a, **k: None))
        patch(mock.patch.object(torch.Tensor, "backward", lambda *a, **k: None))
        patch(mock.patch.object(torch.nn.utils, "clip_grad_norm_", lambda *a, **k: None))
        patch(mock.patch.object(torch.nn.Linear, "forward", ones))
        for name in OPTIMIZERS:
            patch(mock.patch.object(getattr(torch.optim, name), "step", lambda *a, **k: None))
        yield


def run(source: str, arguments: Sequence[str] = (), quick: bool = False, limit: int = 200_000) -> Truth:
    """Execute a script, as ``python train.py ARGUMENTS`` would. ``quick``: nothing is really trained.

    The exception that ended it, if one did, is in ``error`` (``limit`` where there are too many updates).
    """
    import torch

    torch.manual_seed(0)
    recorder = _Recorder(limit)
    module, before = types.ModuleType("__main__"), sys.modules["__main__"]
    error = ""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(mock.patch.object(sys, "argv", ["train.py", *arguments]))
        if quick:
            stack.enter_context(light())
        stack.enter_context(recorder.watching())
        sys.modules["__main__"] = module
        try:
            exec(compile(source, "train.py", "exec"), module.__dict__)
        except TooLong:
            error = "limit"
        except SystemExit:
            pass
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        finally:
            sys.modules["__main__"] = before
    stepped = [recorder.rates[id(o)] for o in recorder.optimizers if id(o) in recorder.rates]
    children = {id(child) for s in recorder.schedulers for child in getattr(s, "_schedulers", ())}
    ticks = [recorder.ticks[id(s)] for s in recorder.schedulers if id(s) not in children]
    return Truth(stepped, ticks, error)


@dataclass
class Comparison:
    """``drawn`` of ``wanted`` curves were there; ``wrong`` says what is not so."""

    drawn: int
    wanted: int
    wrong: list[str]


def compare(source: str, truth: Truth, arguments: Sequence[str] = (), **settings: str) -> Comparison:
    """The curves lright reads from ``source`` against what happened."""
    given = {name: scalar(text) for name, text in settings.items()}
    training = read(source, "train.py", given, arguments).default
    wanted = sum(len(rates[0]) for rates in truth.rates)
    if training is None:
        return Comparison(0, wanted, [])
    case = Case(training)
    optimizers = [o for o in training.optimizers.values() if case.updates(o)]
    drawn = of_training(case)
    wrong: list[str] = []
    for optimizer in optimizers:
        mine = [c for c in drawn if c.optimizer == optimizer.text]
        if truth.rates and any(c.unit == "update" for c in mine) and case.known():
            wrong += _check_counts(case, optimizer, truth)
    places = _places(drawn, optimizers)
    if len(optimizers) != len(truth.rates) and drawn and (truth.rates or not truth.error) and not _remade(case):
        wrong.append(f"{len(optimizers)} optimizers read, {len(truth.rates)} stepped")
        places = []
    for curve, place in zip(drawn, places, strict=False):
        if place < len(truth.rates):
            wrong += _check_curve(curve, truth.rates[place], truth, case.peak_known(optimizers[place]))
    return Comparison(len(drawn), wanted, wrong)


def _places(drawn: Sequence[Curve], optimizers: Sequence[Optimizer]) -> list[int]:
    """Which optimizer each curve is of: by its name, or, where two have the same, by its position."""
    names = [o.text for o in optimizers]
    if len(set(names)) == len(names):
        return [names.index(curve.optimizer) for curve in drawn]
    return list(range(len(drawn))) if len(drawn) == len(names) else []


def _remade(case: Case) -> bool:
    return any(o.loops for o in case.training.optimizers.values())


def _check_counts(case: Case, optimizer: Optimizer, truth: Truth) -> list[str]:
    """Updates and ticks; every update's rate, where one scheduler alone sets it."""
    wrong = []
    schedulers = [s for s in case.all_schedulers() if s.optimizer == optimizer.number and case.ticks(s)]
    for scheduler in schedulers:
        outcome = case.outcome(scheduler, {})
        if outcome is None:
            continue
        place = [o.number for o in case.training.optimizers.values() if case.updates(o)].index(optimizer.number)
        real = truth.rates[place] if place < len(truth.rates) else []
        if not truth.error and outcome.updates != len(real):
            wrong.append(f"{optimizer.text}: {outcome.updates} updates read, {len(real)} made")
        if not truth.error and outcome.ticks not in truth.ticks:
            wrong.append(f"{scheduler.text}: {outcome.ticks} ticks read, {truth.ticks} made")
        if len(schedulers) == 1 and case.peak_known(optimizer) and not case.training.of("write", optimizer.number):
            for group in range(len(optimizer.groups)):
                for update in range(0, min(len(real), outcome.updates), max(1, len(real) // 3000)):
                    lr = outcome.lr(update, group)
                    if lr is not None and not close(lr, real[update][group]):
                        wrong.append(f"{optimizer.text}[{group}] at {update}: read {lr}, was {real[update][group]}")
                        break
    return wrong


def _check_curve(curve: Curve, real: list[Rates], truth: Truth, peak_known: bool) -> list[str]:
    name = f"{curve.optimizer}[{curve.group}]"
    if curve.group >= len(real[0]):
        return [f"{name}: there is no such group"]
    last = curve.points[-1][0]
    wrong = []
    if curve.unit == "update":
        pairs = [(int(x), lr) for x, lr in curve.points]
        if not truth.error and last != len(real) - 1:
            wrong.append(f"{name}: the curve ends at update {last:.0f}, the training at {len(real) - 1}")
        if truth.error and truth.error != "limit" and last > len(real) - 1:
            wrong.append(f"{name}: the curve goes on to {last:.0f}, the script raised at {len(real) - 1}")
    else:  # over epochs: the point at epoch x is the first update of it
        epochs = last + 1
        if truth.error:
            return []  # how many updates an epoch would have had is not known
        if len(real) % epochs:
            return [f"{name}: {epochs} epochs read, {len(real)} updates made"]
        pairs = [(int(x * len(real) / epochs), lr) for x, lr in curve.points]
    # A learning rate that is not known is drawn as 1: its shape is compared.
    scale = 1.0 if peak_known else real[0][curve.group] / curve.points[0][1]
    for update, drawn in pairs:
        lr = drawn * scale
        if update < len(real) and not close(lr, real[update][curve.group]):
            wrong.append(f"{name} at update {update}: drawn {lr}, was {real[update][curve.group]}")
            break
    return wrong


def close(one: float, other: float) -> bool:
    """Equal to rounding: torch's recursive schedulers drift from their closed forms in the last digits."""
    return abs(one - other) <= 1e-12 + 1e-6 * max(abs(one), abs(other))


def disagreements(source: str, arguments: Sequence[str] = (), quick: bool = False) -> list[str]:
    """Run and read a script; where they differ."""
    return compare(source, run(source, arguments, quick), arguments).wrong


def arguments_of(source: str) -> list[str]:
    """The command line that a script names in a comment at its head: ``# arguments: --epochs 3``."""
    heads = [line for line in source.splitlines()[:5] if line.startswith("# arguments:")]
    return heads[0].split(":", 1)[1].split() if heads else []


def main(paths: Sequence[str]) -> int:
    wrong = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            source = file.read()
        truth = run(source, arguments_of(source), quick=True)
        found = compare(source, truth, arguments_of(source))
        wrong += bool(found.wrong)
        print(
            f"{path}: {found.drawn} of {found.wanted} curves; {found.wrong or 'right'} {truth.error[:80]}", flush=True
        )
    print(f"{len(paths)} scripts, {wrong} with wrong curves")
    return int(wrong > 0)


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:]))
