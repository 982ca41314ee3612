"""The LR range test on a running script: its own updates, at the learning rates of the search."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ...errors import LrightError
from ...find.search import Search, SearchOptions, Segment
from ...torch import rates
from ...torch.readback import Readback
from ..job import End, Job
from .conductor import Conductor

SKIPS = 20  # updates that a GradScaler may leave out in a row before the LR counts as too high: it halves its scale
# at each from 65,536 down, and is through with that by then


class Finding(Conductor):
    """Drives the learning rate of one optimizer of the script through the segments of a search.

    The script begins at some update; weights, buffers and optimizer states are kept as they are then and put back for
    every further segment. Batches go on as the script deals them.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        options = dict(job.options)
        self.wanted = int(str(options.pop("optimizer", 0)))
        self.recorded: list[dict[str, Any]] = list(options.pop("recorded", []))  # type: ignore[call-overload]
        self.options = SearchOptions(**options)  # type: ignore[arg-type]
        self.seen: list[object] = []  # optimizers in the order of their first update
        self.chosen: Any = None
        self.losses: list[torch.Tensor] = []
        self.last: list[torch.Tensor] = []
        self.outside = 0  # losses that were there before the update began: the others are a closure's
        self.readback = Readback()
        self.skips = 0

    # What the script does

    def backward(self, loss: torch.Tensor) -> None:
        self.losses.append(loss if loss.ndim == 0 else loss.mean())

    def before_update(self, optimizer: Any) -> None:
        if not any(optimizer is known for known in self.seen):
            self.seen.append(optimizer)
            if self.chosen is None and len(self.seen) == self.wanted + 1:
                self._begin(optimizer)
        self.outside = len(self.losses)
        if optimizer is self.chosen:
            rate = self.segment.lr(self.i)
            rates.put(optimizer, [rate * ratio for ratio in self.ratios])

    def after_update(self, optimizer: Any) -> None:
        losses, self.losses = self.losses[: self.outside + 1], []  # of a closure's evaluations the first
        if losses:
            self.last = losses
        if optimizer is not self.chosen:
            return
        self.updates += 1
        self.skips = 0
        self._push(self._of(losses or self.last))

    def update_skipped(self, optimizer: Any) -> None:
        losses, self.losses = self.losses, []
        if optimizer is not self.chosen:
            return
        self.skips += 1
        value = self._of(losses) if losses else None
        if value is None or not math.isfinite(float(value)) or self.skips >= SKIPS:
            self._push(torch.tensor(math.nan))

    # The search

    def _begin(self, optimizer: Any) -> None:
        self.chosen = optimizer
        base = self.base_rates(optimizer)
        self.ratios = rates.ratios(base)
        self.search = Search(self.options, optimizer=type(optimizer).__name__, base_lrs=tuple(base))
        self.start = _State(optimizer)
        self.segments: Iterator[Segment] = iter(self.search)
        self._tell({"optimizer": type(optimizer).__name__, "base_lrs": base})
        for told in self.recorded:
            replay(next(self.segments), told)
        self._next(first=True)

    def _next(self, first: bool = False) -> None:
        segment = next(self.segments, None)
        if segment is None:
            self.stop("the search is over")
            return
        if not first:
            self.start.restore()
        self.segment, self.i = segment, 0

    def _of(self, losses: list[torch.Tensor]) -> torch.Tensor:
        """The loss of an update, which is what its gradient is of: the sum over its backward passes (micro-batches,
        or the parts of a GAN's loss)."""
        loss = losses[0] if len(losses) == 1 else torch.stack([loss.float() for loss in losses]).sum()
        return _over_processes(loss)

    def _push(self, loss: torch.Tensor) -> None:
        arrived = list(self.readback.push(self.i, loss))
        self.i += 1
        if self.i >= self.segment.steps:
            arrived += self.readback.drain()
        self.progress(
            segment=self.segment.title, step=self.i, steps=self.segment.steps, lr=self.segment.lr(self.i - 1),
            loss=arrived[-1][1] if arrived else None,
        )  # fmt: skip
        over = self.i >= self.segment.steps
        for i, value in arrived:
            over = self.segment.saw(i, value) or over
        if over:
            for i, value in self.readback.drain():
                self.segment.saw(i, value)
            self._tell(told(self.segment))
            self._next()

    def _tell(self, row: dict[str, Any]) -> None:
        """Put a row down for the other process."""
        if not self.rank:
            with open(Path(self.job.folder) / "segments.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def finish(self, end: End) -> None:
        if self.chosen is not None and not self.enough and self.segment.losses:
            self._tell({**told(self.segment), "unfinished": True})
        if len(self.seen) > 1 or self.chosen is None:
            names = [type(optimizer).__name__ for optimizer in self.seen]
            self._tell({"optimizers": names})


def told(segment: Segment) -> dict[str, Any]:
    """A segment as the other process reads it."""
    return {"kind": segment.kind, "lrs": list(segment.lrs), "losses": list(segment.losses)}


def replay(segment: Segment, told: dict[str, Any]) -> None:
    """Let a segment see what an earlier one saw. Raises LrightError where it is another one."""
    if segment.kind != told["kind"]:
        raise LrightError("the search does not follow what was recorded: start it again")
    for i, loss in enumerate(told["losses"]):
        if segment.saw(i, loss):
            break


def _over_processes(loss: torch.Tensor) -> torch.Tensor:
    """The mean over the processes that train together: each then sees the same and decides the same."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return loss
    if torch.distributed.get_world_size() == 1:
        return loss
    mean = loss.detach().float().clone()
    torch.distributed.all_reduce(mean)
    return mean / torch.distributed.get_world_size()


class _State:
    """The weights, buffers and optimizer states of everything alive in the process, to be put back."""

    @torch.no_grad()
    def __init__(self, driven: Any) -> None:
        alive = gc.get_objects()
        modules = [thing for thing in alive if issubclass(type(thing), torch.nn.Module)]
        self.optimizers = [thing for thing in alive if issubclass(type(thing), torch.optim.Optimizer)]
        if not any(driven is known for known in self.optimizers):  # fastai's are none of torch's
            self.optimizers.append(driven)
        tensors = {id(t): t for m in modules for t in (*_own(m._parameters), *_own(m._buffers))}
        for optimizer in self.optimizers:
            for group in getattr(optimizer, "param_groups", ()):
                tensors.update((id(t), t) for t in group["params"])
        self.tensors = [(tensor, tensor.detach().clone()) for tensor in tensors.values()]
        self.states = [_copy(optimizer.state) for optimizer in self.optimizers if hasattr(optimizer, "state")]

    @torch.no_grad()
    def restore(self) -> None:
        for tensor, kept in self.tensors:
            tensor.copy_(kept)
        for optimizer, state in zip((o for o in self.optimizers if hasattr(o, "state")), self.states):
            optimizer.state.clear()
            optimizer.state.update(_copy(state))


def _own(tensors: dict[str, torch.Tensor | None]) -> list[torch.Tensor]:
    return [tensor for tensor in tensors.values() if tensor is not None]


def _copy(value: Any) -> Any:
    """A copy in which tensors are copied too; parameters stay the keys they are."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copy(inner) for inner in value)
    return value
