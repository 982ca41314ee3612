"""`lright.torch.watch`: what a PyTorch training does, told to the recorder."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ..watch.recorder import Recorder
from . import rates
from .instruments import Listener, instruments
from .readback import Readback

__all__ = ["Tracer", "watch"]

SAMPLE = 50  # updates between two measurements of gradient norm and update-to-weight ratio


@contextmanager
def watch(
    *optimizers: Any,
    path: str = "lright-trace.jsonl",
    stop_on: tuple[str, ...] = (),
    sample: int = SAMPLE,
    expected: int | None = None,
    tensorboard: str | None = None,
) -> Iterator[Recorder]:
    """Record and judge the training in this block; all optimizers that make updates in it, or those given.

    ``path``: the trace (JSONL, :mod:`lright.trace`). ``expected``: how many updates the training makes, if known.
    ``sample``: every how many updates the gradient norm and the update-to-weight ratio are measured, 0 for never.
    ``stop_on``: conditions such as "diverged"; the block is then to be left when ``recorder.stopping`` is true.
    Under distributed training rank 0 alone writes.

    >>> import os, tempfile
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with watch(optimizer, path=os.path.join(tempfile.mkdtemp(), "t.jsonl")) as recorder:
    ...     for _ in range(3):
    ...         model(torch.ones(4, 2)).mean().backward()
    ...         optimizer.step()
    >>> len(recorder.findings)
    0
    """
    rank, processes = _ranks()
    recorder = Recorder(
        path, rank=rank, processes=processes, framework=f"torch {torch.__version__}", stop_on=stop_on,
        expected=expected, tensorboard=tensorboard,
    )  # fmt: skip
    tracer = Tracer(recorder, sample, only=optimizers)
    with recorder, instruments(tracer):
        yield recorder
        tracer.finish()


def _ranks() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


class Tracer(Listener):
    """Hears a training and tells the recorder; ``only`` some optimizers if any are named."""

    def __init__(self, recorder: Recorder, sample: int = SAMPLE, only: tuple[Any, ...] = ()) -> None:
        self.recorder = recorder
        self.sample = sample
        self.only = only
        self.stopping = False
        self.schedulers = True  # False: they are overruled, and what they do is without effect
        self.writes = True  # False: the LR is driven, and so what is written is none of the script's
        self._optimizers: dict[int, _Optimizer] = {}
        self._made_at: dict[int, tuple[Any, str, list[dict[str, Any]]]] = {}  # with its groups as they were given
        self._schedulers: dict[int, tuple[Any, int]] = {}
        self._untold: list[tuple[Any, dict[str, object], str]] = []
        self._loaders: dict[int, tuple[Any, int]] = {}
        self._passes: dict[int, int] = {}
        self._losses: list[torch.Tensor] = []
        self._last: list[torch.Tensor] = []
        self._outside = 0  # losses that were there before the update began: the others are a closure's
        self._evaluation: list[torch.Tensor] = []
        self._loaded: list[object] = []
        self.epoch: int | None = None
        self.batches: int | None = None
        self.update = 0  # made so far, by the optimizer that is ahead
        self.training = True

    # Optimizers

    def optimizer_made(self, optimizer: Any, at: str) -> None:
        self._made_at[id(optimizer)] = (optimizer, at, [_group(group) for group in optimizer.param_groups])

    def _known(self, optimizer: Any) -> _Optimizer | None:
        known = self._optimizers.get(id(optimizer))
        if known is None:
            if self.only and not any(optimizer is wanted for wanted in self.only):
                return None
            known = self._meet(optimizer)
        return known

    def _meet(self, optimizer: Any) -> _Optimizer:
        number = len(self._optimizers)
        first = _updates_before(optimizer) if any(optimizer is loaded for loaded in self._loaded) else 0
        known = self._optimizers[id(optimizer)] = _Optimizer(optimizer, number, first)
        self.update = max(self.update, first)
        _, at, given = self._made_at.get(id(optimizer), (None, "", []))
        groups = [*given, *(_group(group) for group in optimizer.param_groups[len(given) :])]
        self.recorder.optimizer(number, type(optimizer).__name__, groups, at)
        self._tell_schedulers()
        return known

    def backward(self, loss: torch.Tensor) -> None:
        self._losses.append(loss if loss.ndim == 0 else loss.mean())

    def before_update(self, optimizer: Any) -> None:
        known = self._optimizers.get(id(optimizer)) or self._known(optimizer)
        if known is None:
            return
        self.training = True
        self._outside = len(self._losses)
        if self._evaluation:
            self._tell_evaluation()
        known.rates = [float(group["lr"]) for group in optimizer.param_groups]
        if self.writes and known.after is not None and known.rates != known.after:
            self.recorder.write(known.number, known.update, known.rates)
        if self.sample and known.update % self.sample == 0:
            known.measure(optimizer)

    def after_update(self, optimizer: Any) -> None:
        losses, self._losses = self._losses[: self._outside + 1], []  # of a closure's evaluations the first
        if losses:
            self._last = losses
        known = self._optimizers.get(id(optimizer))
        if known is None:
            return
        self._made(known, self._last)

    def update_skipped(self, optimizer: Any) -> None:
        losses, self._losses = self._losses, []
        known = self._known(optimizer)
        if known is not None:
            rates_now = rates.read(optimizer)
            value = float(_sum(losses)) if losses else None
            self.recorder.update(
                known.number, known.update, rates_now, value, len(losses), epoch=self.epoch, batch=self.batches,
                skipped=True,
            )  # fmt: skip

    def _made(self, known: _Optimizer, losses: list[torch.Tensor]) -> None:
        update = known.update
        known.update += 1
        if known.update > self.update:
            self.update = known.update
        known.after = known.rates
        norm, ratio = known.measured()
        told = (known.rates, len(losses), norm, ratio, self.epoch, self.batches)
        if not losses:
            self._tell(known, update, None, told)
            return
        known.waiting[update] = told
        for number, loss in known.readback.push(update, losses[0] if len(losses) == 1 else _sum(losses)):
            self._tell(known, number, loss, known.waiting.pop(number))

    def _tell(self, known: _Optimizer, update: int, loss: float | None, told: tuple[Any, ...]) -> None:
        lrs, backwards, norm, ratio, epoch, batch = told
        if self.recorder.update(known.number, update, lrs, loss, backwards, norm, ratio, epoch, batch):
            self.stopping = True

    # Schedulers

    def scheduler_made(self, scheduler: Any, arguments: dict[str, object], at: str) -> None:
        if self.schedulers:
            self._untold.append((scheduler, arguments, at))

    def tick(self, scheduler: Any, metric: object, epoch: object, at: str) -> None:
        if not self.schedulers:
            return
        if id(scheduler) not in self._schedulers and not any(scheduler is one[0] for one in self._untold):
            self._untold.append((scheduler, _attributes(scheduler), ""))
        optimizer = _unwrapped(getattr(scheduler, "optimizer", None))
        if optimizer is not None:  # one that has made no update yet: its schedulers are told with it
            self._known(optimizer)
        self._tell_schedulers(scheduler)
        number = self._schedulers[id(scheduler)][1]
        known = self._optimizer_of(scheduler)
        if known is not None:
            known.after = rates.read(known.optimizer)
        update = known.update if known is not None else self.update
        self.recorder.tick(
            number, update, self.epoch, self.batches, self.training, _number(metric), _number(epoch), at
        )  # fmt: skip

    def _optimizer_of(self, scheduler: Any) -> _Optimizer | None:
        """The optimizer that a scheduler drives, where it is known."""
        return self._optimizers.get(id(_unwrapped(getattr(scheduler, "optimizer", None))))

    def _tell_schedulers(self, ticked: Any = None) -> None:
        """Tell the recorder of the schedulers whose optimizers it knows, and of one that ticked: phases after the one
        they belong to."""
        waiting = [one for one in self._untold if one[0] is not ticked and self._optimizer_of(one[0]) is None]
        untold = [one for one in self._untold if not any(one is other for other in waiting)]
        self._untold = waiting
        parents = {id(child): parent for parent, told, _ in untold for child in _children(parent, told)}
        for scheduler, arguments, at in sorted(untold, key=lambda one: id(one[0]) in parents):
            number = len(self._schedulers)
            self._schedulers[id(scheduler)] = (scheduler, number)
            parent = self._schedulers.get(id(parents.get(id(scheduler))), (None, None))[1]
            optimizer = self._optimizer_of(scheduler)
            name, framework, told = _described(scheduler, arguments)
            self.recorder.scheduler(
                number, name, framework, optimizer.number if optimizer else None, told, parent, at
            )  # fmt: skip

    # Loaders and evaluations

    def pass_begins(self, loader: Any) -> None:
        number = self._loaders.get(id(loader), (None, None))[1]
        if number is None:
            number = len(self._loaders)
            self._loaders[id(loader)] = (loader, number)
            self.recorder.loader(number, _length(loader), getattr(loader, "batch_size", None))
        epoch = self._passes.get(number, 0)
        self._passes[number] = epoch + 1
        self.training = torch.is_grad_enabled()
        if self.training:
            self.epoch, self.batches = epoch, 0
        self.recorder.epoch(number, epoch, self.training, self.update)

    def batch(self, loader: Any) -> None:
        if self.training and self.batches is not None:
            self.batches += 1

    def evaluation_loss(self, loss: torch.Tensor) -> None:
        self._evaluation.append(loss)

    def _tell_evaluation(self) -> None:
        losses, self._evaluation = self._evaluation, []
        self.metrics({"eval loss": float(_mean(losses))})

    def metrics(self, values: Mapping[str, float]) -> None:
        """Values that the training told one of its loggers."""
        for name, value in values.items():
            self.recorder.metric(name, value, self.update, self.epoch)

    def loaded(self, what: Any) -> None:
        if isinstance(what, torch.optim.Optimizer) and not what.state:  # Accelerate moves an empty state about
            return
        self._loaded.append(what)
        kind = "optimizer" if isinstance(what, torch.optim.Optimizer) else "scheduler"
        self.recorder.event("load", kind, self.update)

    def finish(self) -> None:
        """Tell what is still on its way."""
        for known in self._optimizers.values():
            for number, loss in known.readback.drain():
                self._tell(known, number, loss, known.waiting.pop(number))
        if self._evaluation:
            self._tell_evaluation()


class _Optimizer:
    """What is remembered of an optimizer between two of its updates."""

    def __init__(self, optimizer: Any, number: int, first: int) -> None:
        self.optimizer = optimizer  # kept alive: its id is its name
        self.number = number
        self.update = first
        self.rates: list[float] = []
        self.after: list[float] | None = None  # the rates after the last update or tick
        self.readback = Readback()
        self.waiting: dict[int, tuple[Any, ...]] = {}
        self._before: list[list[torch.Tensor]] = []

    @torch.no_grad()
    def measure(self, optimizer: Any) -> None:
        """Keep the weights as they are before the update, to see how far it moves them."""
        self._before = [[p.detach().clone() for p in group["params"]] for group in optimizer.param_groups]

    @torch.no_grad()
    def measured(self) -> tuple[float | None, list[float] | None]:
        """The norm of the gradient that was applied and, for every group, how far the update moved its weights,
        relative to their norm. Asked after the update: a closure makes the gradient within it."""
        before, self._before = self._before, []
        if not before:
            return None, None
        gradients = [p.grad for g in self.optimizer.param_groups for p in g["params"] if p.grad is not None]
        if not gradients or any(gradient.is_sparse for gradient in gradients):
            return None, None
        moved = []
        for group, old in zip(self.optimizer.param_groups, before):
            size = _norm(old)
            moved.append(_norm(torch._foreach_sub([p.detach() for p in group["params"]], old)) / size if size else 0.0)
        return _norm(gradients), moved


def _norm(tensors: Sequence[torch.Tensor]) -> float:
    norms = torch._foreach_norm(list(tensors))
    return float(torch.linalg.vector_norm(torch.stack([norm.float() for norm in norms]))) if norms else 0.0


def _unwrapped(optimizer: Any) -> Any:
    """The optimizer inside the wrappers that Accelerate and others put around it."""
    while optimizer is not None and not isinstance(getattr(optimizer, "optimizer", None), (type(None), str)):
        optimizer = optimizer.optimizer
    return optimizer


def _mean(losses: list[torch.Tensor]) -> torch.Tensor:
    return losses[0] if len(losses) == 1 else torch.stack([loss.detach().float() for loss in losses]).mean()


def _sum(losses: list[torch.Tensor]) -> torch.Tensor:
    """What the gradient of an update is of: its micro-batches, or the parts of a GAN's loss, together."""
    return losses[0] if len(losses) == 1 else torch.stack([loss.detach().float() for loss in losses]).sum()


def _updates_before(optimizer: Any) -> int:
    """How many updates an optimizer had made when its state was saved, 0 where it does not count them."""
    return max((int(state["step"]) for state in optimizer.state.values() if "step" in state), default=0)


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"lr": float(group.get("initial_lr", group["lr"]))}
    for name in ("weight_decay", "momentum", "betas"):
        if name in group:
            told[name] = group[name] if not isinstance(group[name], tuple) else [float(b) for b in group[name]]
    return {**told, "parameters": sum(p.numel() for p in group["params"]), "name": group.get("name")}


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, str):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except TypeError:  # an iterable dataset has none
        return None


def _children(scheduler: Any, arguments: Mapping[str, object]) -> list[object]:
    inner = arguments.get("schedulers", ())
    return list(inner) if isinstance(inner, (list, tuple)) else []


def _attributes(scheduler: Any) -> dict[str, object]:
    """What a scheduler that was made before anybody listened shows of its arguments."""
    inner = vars(scheduler).items()
    return {name: value for name, value in inner if not name.startswith("_") and name != "optimizer"}


def _described(scheduler: Any, arguments: Mapping[str, object]) -> tuple[str, str, dict[str, object]]:
    """A scheduler's class, the framework it is of, and its arguments; one of transformers by the function made of."""
    function = arguments.get("lr_lambda")
    if isinstance(function, functools.partial) and "transformers" in (function.func.__module__ or ""):
        name = function.func.__name__.strip("_").removesuffix("_lr_lambda")
        return name, "transformers", dict(function.keywords)
    module = type(scheduler).__module__.split(".")[0]
    kept = {name: value for name, value in arguments.items() if name != "schedulers"}
    return type(scheduler).__name__, module, kept
