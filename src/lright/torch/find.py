"""The learning rate range test on a PyTorch training, from code: :func:`find_lr`.

What to drive and what it says is `lright.find`; here is how a torch training is driven: one update after another at
the LR it is told, the loss read without waiting for the device, and everything put back (`lright.torch.restore`).
"""

from __future__ import annotations

import inspect
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from ..find import LrFind, Search, SearchOptions, Segment
from ..records import record
from . import rates
from .restore import Snapshot, loader_parts
from .updates import uncounted

__all__ = ["find_lr"]

BLOCK = 8  # losses that travel together from a GPU or over ranks; as many are on their way while others are made
ENOUGH = 10  # losses under which an interrupted search has nothing to say
SEQUENCES = (tuple, list)
EPOCHS_APART = 1000  # of a DistributedSampler, between one seed and the next
LEFT, HUGE = 10.0, 1e6  # times the first losses; the size of a weight: beyond, a training has diverged (our judgement)
LABELS = ("labels", "label", "targets", "target", "y")  # the part of a dictionary batch that the loss compares with
DTYPES = {"fp16": torch.float16, "float16": torch.float16, "bf16": torch.bfloat16, "bfloat16": torch.bfloat16}


def find_lr(
    model: nn.Module | None = None,
    optimizer: Any = None,
    loss: Callable[..., Tensor] | None = None,
    data: Any = None,
    *,
    step: Callable[..., Any] | None = None,
    forward: Callable[[nn.Module, Any], Tensor] | None = None,
    validation: Any = None,
    start: float = SearchOptions.start,
    end: float = SearchOptions.end,
    steps: int = SearchOptions.steps,
    seeds: int = SearchOptions.seeds,
    trials: int = SearchOptions.trials,
    trial_steps: int = SearchOptions.trial_steps,
    accumulate: int = 1,
    clip: float | Callable[[list[Tensor]], object] | None = None,
    amp: bool | str | torch.dtype | None = None,
    scaler: Any = None,
    also: Iterable[object] = (),
    distributed: bool | None = None,
    progress: bool | None = None,
) -> LrFind:
    """The learning rate for a training, by a range test; the training itself is left as it was, bit for bit.

    >>> inputs = torch.randn(256, 4, generator=torch.Generator().manual_seed(0))
    >>> batches = [(x, x.sum(1, keepdim=True)) for x in inputs.split(32)]
    >>> model = nn.Linear(4, 1)
    >>> found = find_lr(model, torch.optim.SGD(model.parameters(), lr=0.1), nn.MSELoss(), batches)
    >>> 0.001 < found.suggestion < 1
    True

    The training is given as **model, optimizer, loss and data**, or as a **step** function:

    - ``data``: a loader or any iterable of batches that can be begun anew, or a function that returns a batch. A short
      one is run through again. A batch ``(inputs..., target)`` makes ``loss(model(*inputs), target)``; a dictionary
      ``model(**batch)`` and its own loss, or, with a ``loss``, ``loss(model(**rest), labels)``. Batches are moved to
      where the model is.
    - ``forward``: in place of ``loss``, what makes the loss of any other batch: ``forward(model, batch)``.
    - ``step``: does one whole update and returns the loss before it, a tensor or a number: ``step()``, or
      ``step(batch)`` where ``data`` is given. Only the optimizer, with its parameters, and the ``model``, if given, are
      known to it: whatever else it changes is to be named in ``also``.

    The range, 0 < ``start`` < ``end``, is that of the group with the largest LR; the other groups keep their ratio to
    it. ``steps``, ``seeds``, ``trials`` and ``trial_steps`` are explained at :class:`lright.find.SearchOptions`.

    - ``validation``: batches (as ``data``), or a function that returns the validation loss: judges trials.
    - ``accumulate``: batches per update. ``clip``: the largest norm of the gradient, or a function of the list of
      parameters. ``amp``: autocast in "bf16", "fp16", a torch dtype, or True for the device's own. ``scaler``: the
      GradScaler; made for "fp16" where none is given. A step function does all these itself.
    - ``also``: what else to put back: anything with ``state_dict`` and ``load_state_dict`` (a scheduler that the step
      function ticks, another optimizer, an average of the weights), loaders, random number generators, dictionaries.
    - ``distributed``: whether the loss is averaged over all processes, which then find the same answer. By default for
      models in DDP or FSDP, and for step functions where torch.distributed is initialized.
    - ``progress``: a line on stderr; by default where that is a terminal.

    A model in evaluation mode is set to training mode for the test. LBFGS and others that need a closure get one.
    Restored after every sweep and trial, at the end, after an error and after Ctrl-C: weights, buffers, gradients,
    optimizer and scaler state, modes, and the generators of Python, NumPy, torch and the loader. Needs a second copy
    of the tensors, on their device. Ctrl-C gives the answer from what was seen, if there is enough, and else goes on.
    What cannot be put back: DDP groups gradients anew after its first update, so that from three processes on the last
    bits of the very first updates may differ if the test came before them.

    A training that raises an error after its loss or its weights have left all bounds (a check for NaN, say) has
    diverged: that ends a sweep as a NaN does. Other errors are yours, and raised.

    Raises :class:`lright.errors.LrightError` with what to do instead where the arguments do not fit together.
    """
    options = SearchOptions(start, end, steps, seeds, trials, trial_steps).checked()
    _check_optimizer(optimizer)
    if step is not None:
        _refuse_with_step(loss=loss, forward=forward, clip=clip, amp=amp, scaler=scaler, accumulate=accumulate)
        task = _of_step(step, model, optimizer, data, validation)
    else:
        how = _How(_loss_function(loss, forward), accumulate, clip, amp, scaler)
        task = _of_model(model, optimizer, data, validation, how)
        task.things += [thing for thing in (loss, forward) if isinstance(thing, nn.Module)]
    task.things += also
    group = _process_group(task.things, distributed, of_step=step is not None)
    show = sys.stderr.isatty() if progress is None else progress
    return _searched(task, options, group, show)


@record
class _Task:
    """What is driven. ``things`` and ``data`` are what it changes; ``train`` sets the modes before every segment."""

    optimizer: Any
    update: Callable[[], Any]
    batches: _Batches | None
    probe: Callable[[], tuple[Any, float]] | None  # the sum of the validation losses, and how many they are
    train: Callable[[], object]
    things: list[Any]
    data: list[Any]


def _searched(task: _Task, options: SearchOptions, group: Any, show: bool) -> LrFind:
    """Drive a whole search and put everything back."""
    base = rates.base_rates(task.optimizer)
    search = Search(options, optimizer=_name(task.optimizer), base_lrs=base)
    bar = _Progress(search) if show else None
    snapshot = Snapshot(*task.things, data=task.data)
    interrupted = False
    try:
        with uncounted(task.optimizer):  # by a Scheduler of ours that follows it
            for number, segment in enumerate(search):
                if number:
                    _stop(task, snapshot)
                _reseed(segment.seed, task.data)
                task.train()
                _drive(segment, task, rates.ratios(base), group, bar)
    except KeyboardInterrupt:
        if max((len(sweep.losses) for sweep in search.sweeps), default=0) < ENOUGH:
            raise
        interrupted = True
    finally:
        _stop(task, snapshot)
        if bar is not None:
            bar.clear()
    return search.result(interrupted=interrupted)


def _stop(task: _Task, snapshot: Snapshot) -> None:
    """Back to the start: first the loader's workers are sent home, then everything is put back."""
    try:
        if task.batches is not None:
            task.batches.stop()
    finally:
        snapshot.restore()


def _drive(segment: Segment, task: _Task, ratios: list[float], group: Any, bar: _Progress | None) -> None:
    """One segment: an update at every LR it names, until it has seen enough."""
    if task.batches is not None:
        task.batches.restart(segment.seed)
    losses = _losses(segment, task.optimizer, group)
    put, update, take = _setter(task.optimizer, ratios), task.update, losses.take
    try:
        for i, lr in enumerate([segment.lr(i) for i in range(segment.steps)]):
            put(lr)
            if take(update()):
                break
            if bar is not None:
                bar.show(segment, i)
    except KeyboardInterrupt:
        if group is None:  # the other processes may not come
            losses.finish()
        raise
    except (ArithmeticError, AssertionError, RuntimeError, ValueError):
        if group is not None:
            raise
        losses.finish()
        if not _has_diverged(segment, task.optimizer):
            raise
        while not segment.saw(len(segment.losses), math.nan):
            pass
        return
    losses.finish()
    if segment.kind == "trial" and task.probe is not None:
        total, count = task.probe()
        segment.validation(_mean_over_ranks(total, count, group))


def _setter(optimizer: Any, ratios: list[float]) -> Callable[[float], object]:
    """What sets the LR of every group from that of the driven one."""
    groups = rates.groups(optimizer)
    if any(isinstance(group["lr"], Tensor) for group in groups):
        return lambda lr: rates.put(optimizer, [lr * ratio for ratio in ratios])
    pairs = list(zip(groups, ratios))

    def put(lr: float) -> None:
        for group, ratio in pairs:
            group["lr"] = lr * ratio

    return put


def _has_diverged(segment: Segment, optimizer: Any) -> bool:
    """Whether a training that raised an error had left before: by its last loss, or by the size of its weights."""
    seen = [abs(loss) for loss in segment.losses]
    if seen and not seen[-1] <= LEFT * max(seen[:ENOUGH]):
        return True
    weights = (weight.detach() for group in optimizer.param_groups for weight in group["params"] if weight.numel())
    return not all(float(weight.abs().max()) <= HUGE for weight in weights)


# Losses on their way


def _losses(segment: Segment, optimizer: Any, group: Any) -> _Direct | _Late:
    device = next(weight.device for group in optimizer.param_groups for weight in group["params"])
    return _Direct(segment) if group is None and device.type == "cpu" else _Late(segment, group)


class _Direct:
    """Losses that are there at once. They are told in blocks, since a few at a time cost less than each alone."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.block: list[Any] = []
        self.read = 0

    def take(self, loss: Any) -> bool:
        """Put a loss into the block; whether the segment is over."""
        self.block.append(loss)
        return len(self.block) == BLOCK and self.finish()

    def finish(self) -> bool:
        """Tell the segment."""
        over = False
        for loss in self.block:
            over = self.segment.saw(self.read, _number(loss))
            self.read += 1
        self.block = []
        return over


class _Late:
    """Losses read without waiting for the update they come from, and averaged over all processes if these are many.

    They travel in blocks: one is on its way (summed over the processes, copied beside the computation) while the next
    is made. A block is read when the next one is full, whether or not it could be had sooner, so that every process
    ends a segment at the same update.
    """

    def __init__(self, segment: Segment, group: Any) -> None:
        self.segment = segment
        self.group = group
        self.block: list[Tensor] = []
        self.sent: Callable[[], list[float]] = list
        self.read = 0

    def take(self, loss: Any) -> bool:
        """Put a loss into the block; whether what has arrived ends the segment."""
        self.block.append(loss.detach() if isinstance(loss, Tensor) else torch.tensor(_number(loss)))
        return len(self.block) == BLOCK and self._turn()

    def finish(self) -> None:
        """Wait for all that is on its way."""
        if self.block:
            self._turn()
        self._arrive()

    def _turn(self) -> bool:
        over = self._arrive()
        self.sent = self._send()
        self.block = []
        return over

    def _arrive(self) -> bool:
        over = False
        for loss in self.sent():
            over = self.segment.saw(self.read, loss)
            self.read += 1
        self.sent = list
        return over

    def _send(self) -> Callable[[], list[float]]:
        """Send the block on its way; the function that waits for it."""
        _check_loss(self.block[0])
        values = torch.stack(self.block).flatten()
        work, share = None, 1.0
        if self.group is not None:
            values, work = _sum_over_ranks(values, self.group)
            share = 1 / torch.distributed.get_world_size(self.group)
        if not values.is_cuda:
            return lambda: _after(work and work.wait, values, share)
        if work is not None:
            work.wait()  # the stream waits, not the program
        host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        host.copy_(values, non_blocking=True)
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record()
        return lambda: _after(copied.synchronize, host, share)


def _sum_over_ranks(values: Tensor, group: Any) -> tuple[Tensor, Any]:
    """Begin to sum over the processes, in single precision or better; the tensor it is done in, and the work."""
    values = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    if "nccl" in torch.distributed.get_backend(group):
        values = values.cuda()  # NCCL knows no other
    return values, torch.distributed.all_reduce(values, group=group, async_op=True)


def _after(wait: Callable[[], object] | None, values: Tensor, share: float) -> list[float]:
    """Numbers on the host, once they are there."""
    if wait is not None:
        wait()
    return [float(value) * share for value in values.tolist()]


def _mean_over_ranks(total: Any, count: float, group: Any) -> float:
    if group is None:
        return _number(total) / count
    values, work = _sum_over_ranks(torch.tensor([_number(total), count], dtype=torch.float64), group)
    work.wait()
    total, count = values.tolist()
    return float(total / count)


def _number(loss: Any) -> float:
    _check_loss(loss)
    return loss.item() if isinstance(loss, Tensor) else float(loss)


def _check_loss(loss: Any) -> None:
    """Say it where a loss is not one number."""
    if isinstance(loss, Tensor):
        if loss.numel() != 1:
            raise UsageError(f"the loss has shape {tuple(loss.shape)}: reduce it to one number, as by .mean()")
    elif not isinstance(loss, int | float) and not hasattr(loss, "__float__"):
        raise UsageError(f"the loss is {_a(loss)}: return a tensor with one element, or a number")


# A step function


def _of_step(step: Callable[..., Any], model: Any, optimizer: Any, data: Any, validation: Any) -> _Task:
    if not callable(step):
        raise UsageError(f"step is {_a(step)}: give a function that makes one update and returns its loss")
    if validation is not None and not _is_function(validation):
        raise UsageError("with a step function, validation is to be a function that returns the validation loss")
    batches = None if data is None else _Batches(data)
    update = step if batches is None else lambda: step(batches.next())
    probe = None if validation is None else lambda: (validation(), 1.0)
    things = [optimizer] if model is None else [model, optimizer]
    return _Task(optimizer, update, batches, probe, lambda: None, things, loader_parts(data))


def _refuse_with_step(accumulate: int, **others: Any) -> None:
    given = [name for name, value in others.items() if value is not None] + ["accumulate"] * (accumulate != 1)
    if given:
        raise UsageError(f"{', '.join(given)}: a step function does that itself; leave it out, or give no step")


# A model, an optimizer, a loss and data


@record(frozen=True)
class _How:
    """How one update is made."""

    loss_of: Callable[[Any, Any], Tensor]
    accumulate: int
    clip: float | Callable[[list[Tensor]], object] | None
    amp: bool | str | torch.dtype | None
    scaler: Any


def _of_model(model: Any, optimizer: Any, data: Any, validation: Any, how: _How) -> _Task:
    _check_model(model, optimizer)
    if data is None:
        raise UsageError("find_lr needs data: give a loader, a list of batches or a function that returns a batch")
    device = next(model.parameters()).device
    batches = _Batches(data, device)
    training = _Training(model, optimizer, batches, how, device)
    probe = None if validation is None else _probe(training, validation, device)
    things = [model, optimizer] if training.scaler is None else [model, optimizer, training.scaler]
    parts = [*loader_parts(data), *loader_parts(validation)]
    return _Task(optimizer, training.update, batches, probe, training.to_training_mode, things, parts)


class _Training:
    """One update after another of a model."""

    def __init__(self, model: nn.Module, optimizer: Any, batches: _Batches, how: _How, device: torch.device) -> None:
        self.model = model
        self.optimizer = optimizer
        self.batches = batches
        self.loss_of = how.loss_of
        self.accumulate = _at_least_one(how.accumulate)
        self.clip = _clipping(how.clip)
        self.parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
        dtype = _dtype(how.amp, device)
        self.autocast: Callable[[], AbstractContextManager[Any]] = (
            nullcontext if dtype is None else lambda: torch.autocast(device.type, dtype)
        )
        self.scaler = torch.amp.GradScaler(device.type) if how.scaler is None and dtype is torch.float16 else how.scaler
        self.update = self._update_function(dtype)

    def _update_function(self, dtype: torch.dtype | None) -> Callable[[], Tensor]:
        if _needs_closure(self.optimizer):
            if self.scaler is not None:
                raise UsageError(f"{_name(self.optimizer)} takes a closure, which a GradScaler cannot: use amp='bf16'")
            return self._by_closure
        plain = self.accumulate == 1 and self.clip is None and dtype is None and self.scaler is None
        return self._plainly if plain else self._fully

    def _plainly(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.loss_of(self.model, self.batches.next())
        _backward(loss)
        self.optimizer.step()
        return loss

    def _fully(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self._gradients([self.batches.next() for _ in range(self.accumulate)])
        if self.scaler is None:
            self._clip()
            self.optimizer.step()
            return loss
        if self.clip is not None:
            self.scaler.unscale_(self.optimizer)
            self._clip()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def _by_closure(self) -> Tensor:
        batches = [self.batches.next() for _ in range(self.accumulate)]
        losses: list[Tensor] = []

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            loss = self._gradients(batches)
            self._clip()
            losses.append(loss)
            return loss

        self.optimizer.step(closure)
        return losses[0]

    def _gradients(self, batches: list[Any]) -> Tensor:
        """Gradients of the mean over the batches, and that mean; processes exchange them at the last one."""
        total: Any = 0.0
        for left, batch in zip(range(len(batches) - 1, -1, -1), batches):
            with self.model.no_sync() if left and hasattr(self.model, "no_sync") else nullcontext():  # type: ignore[operator]
                with self.autocast():
                    loss = self.loss_of(self.model, batch) / len(batches)
                _backward(loss if self.scaler is None else self.scaler.scale(loss))
            total = total + loss.detach()
        return total  # type: ignore[no-any-return]

    def _clip(self) -> None:
        if self.clip is not None:
            self.clip(self.parameters)

    def to_training_mode(self) -> None:
        """Parts that are left in evaluation mode within a model in training mode are meant so."""
        if not self.model.training:
            self.model.train()
        if callable(train := getattr(self.optimizer, "train", None)):  # optimizers without a schedule have modes too
            train()

    def to_evaluation_mode(self) -> None:
        self.model.eval()
        if callable(evaluate := getattr(self.optimizer, "eval", None)):
            evaluate()


def _probe(training: _Training, validation: Any, device: torch.device) -> Callable[[], tuple[Any, float]]:
    """What measures the validation loss: the sum over all examples, and their number."""
    if _is_function(validation):
        return lambda: (validation(), 1.0)
    batches = _Batches(validation, device)

    def measure() -> tuple[Any, float]:
        training.to_evaluation_mode()
        total: Any = 0.0
        count = 0.0
        with torch.no_grad():
            for batch in batches.once():
                size = _size(batch)
                with training.autocast():
                    loss = training.loss_of(training.model, batch)
                total, count = total + loss.float() * size, count + size
        if not count:
            raise UsageError("the validation loader is empty: give one with batches, or none")
        return total, count

    return measure


def _backward(loss: Tensor) -> None:
    try:
        loss.backward()  # type: ignore[no-untyped-call]
    except (AttributeError, RuntimeError):
        _check_loss(loss)
        if isinstance(loss, Tensor) and not loss.requires_grad:
            raise UsageError("the loss does not depend on any trainable parameter: is it detached?") from None
        raise


# What a loss is made of


def _loss_function(loss: Any, forward: Any) -> Callable[[Any, Any], Any]:
    """From a model and a batch to the loss."""
    if loss is not None and forward is not None:
        raise UsageError("give a loss or forward=, which makes the loss of a batch itself, not both")
    for name, value in (("loss", loss), ("forward", forward)):
        if value is not None and not callable(value):
            raise UsageError(f"{name} is {_a(value)}: give a function, as nn.CrossEntropyLoss()")
    if forward is not None:
        return forward  # type: ignore[no-any-return]
    return _own_loss if loss is None else partial(_compared, loss)


def _compared(loss: Callable[..., Any], model: Any, batch: Any) -> Any:
    if isinstance(batch, SEQUENCES) and len(batch) > 1:
        *inputs, target = batch
        return loss(model(*inputs), target)
    if isinstance(batch, Mapping):
        label = next((name for name in LABELS if name in batch), None)
        if label is not None:
            output = model(**{name: value for name, value in batch.items() if name != label})
            return loss(getattr(output, "logits", output), batch[label])
        raise UsageError(f"which of {', '.join(map(str, batch))} is the target? Say with forward= how a loss is made")
    raise UsageError(f"a batch is {_a(batch)}: say with forward=, a function of model and batch, how a loss is made")


def _own_loss(model: Any, batch: Any) -> Any:
    """The loss that a model returns itself: alone, as `loss` in a dictionary or object, or as the scalar of a tuple."""
    if isinstance(batch, Mapping):
        output = model(**batch)
    else:
        output = model(*batch) if isinstance(batch, SEQUENCES) else model(batch)
    if isinstance(output, Mapping) and "loss" in output:
        return output["loss"]
    if isinstance(output, tuple) and not hasattr(output, "loss"):
        output = next((part for part in output if isinstance(part, Tensor) and not part.ndim), None)
    output = getattr(output, "loss", output)
    if isinstance(output, Tensor):
        return output
    raise UsageError("the model returns no loss of its own: give a loss, or forward=, a function of model and batch")


# Batches


class _Batches:
    """The batches of a loader, over and over, on the device of the model."""

    def __init__(self, data: Any, device: torch.device | None = None) -> None:
        if hasattr(data, "__next__"):
            raise UsageError("the data are an iterator, which cannot be begun anew: give what it iterates over")
        if not (callable(data) or hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
            raise UsageError(f"the data are {_a(data)}: give a loader, a list of batches or a function returning one")
        self.data = data
        self.device = None if device is None or device.type == "cpu" else device
        self.next: Callable[[], Any] = self._stopped
        self._passes: Any = None

    def restart(self, seed: int) -> None:
        """Begin anew; another seed, another order of a list (the generators of a loader are seeded by others)."""
        self.stop()
        if _is_function(self.data):
            self.next = self._moving(self.data)
        else:
            self._passes = self._cycle(self._shuffled(seed), seed)
            self.next = self._moving(self._passes.__next__)

    def stop(self) -> None:
        """Let go of the loader, whose workers end with that. Persistent ones that were there before are spared."""
        self.next = self._stopped
        if self._passes is not None:
            self._passes.close()
            self._passes = None

    def once(self) -> Iterator[Any]:
        """One pass."""
        for batch in self._begun():
            yield batch if self.device is None else _moved(batch, self.device)

    def _stopped(self) -> Any:
        raise AssertionError("restart comes first")

    def _begun(self) -> Any:
        if getattr(self.data, "_iterator", None) is not None:
            self.data._iterator = None  # a DataLoader would go on with persistent workers, and whoever uses them
        return self.data

    def _shuffled(self, seed: int) -> Any:
        if seed and isinstance(self.data, SEQUENCES):
            return random.Random(seed).sample(self.data, len(self.data))
        return self._begun()

    def _cycle(self, data: Any, seed: int) -> Iterator[Any]:
        sampler = getattr(data, "sampler", None)
        epoch = getattr(sampler, "epoch", None) if hasattr(sampler, "set_epoch") else None
        number = 0
        while True:
            if epoch is not None and (number or seed):  # as a training does for its DistributedSampler
                sampler.set_epoch(epoch + number + EPOCHS_APART * seed)  # type: ignore[union-attr]
            batch = self  # something that no loader gives
            for batch in data:
                yield batch
            if batch is self:
                raise UsageError("the loader is empty: give one with at least one batch (is drop_last too strict?)")
            number += 1

    def _moving(self, give: Callable[[], Any]) -> Callable[[], Any]:
        device = self.device
        return give if device is None else lambda: _moved(give(), device)


def _moved(batch: Any, device: torch.device) -> Any:
    """A batch on a device, as far as it can be seen into."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, SEQUENCES):
        parts = [_moved(part, device) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    if hasattr(batch, "to"):
        return batch.to(device)
    return {name: _moved(part, device) for name, part in batch.items()} if isinstance(batch, dict) else batch


def _size(batch: Any) -> int:
    """Examples in a batch: the length of the first tensor in it; 1 where there is none."""
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else 1
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, SEQUENCES) else ()
    return next((_size(part) for part in parts), 1)


def _reseed(seed: int, parts: list[Any]) -> None:
    """Other random numbers for another seed; the training's own for the first, 0."""
    if not seed:
        return
    number = (torch.initial_seed() + seed) % 2**63
    random.seed(number)
    torch.manual_seed(number)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(number % 2**32)
    own = {id(generator): generator for part in parts for generator in _generators(part)}
    for generator in own.values():
        generator.manual_seed((generator.initial_seed() + seed) % 2**63)


def _generators(part: Any) -> list[torch.Generator]:
    """The generators that a loader or sampler holds."""
    return [value for value in getattr(part, "__dict__", {}).values() if isinstance(value, torch.Generator)]


# Checks


def _check_optimizer(optimizer: Any) -> None:
    groups = getattr(optimizer, "param_groups", None)
    if not groups:
        raise UsageError(f"the optimizer is {_a(optimizer)}: give a torch optimizer (of several, the driven one)")
    if not any(weight.requires_grad for group in groups for weight in group["params"]):
        raise UsageError("no parameter of the optimizer is trainable: requires_grad is False for all")


def _check_model(model: Any, optimizer: Any) -> None:
    if not isinstance(model, nn.Module):
        hint = "; a function that makes an update is given as step=" if callable(model) else ""
        raise UsageError(f"the model is {_a(model)}: give an nn.Module{hint}")
    trainable = {id(weight) for weight in model.parameters() if weight.requires_grad}
    if not trainable:
        raise UsageError(f"{type(model).__name__} has no trainable parameters: nothing can be learned at any rate")
    if not any(id(weight) in trainable for group in optimizer.param_groups for weight in group["params"]):
        raise UsageError(
            f"the optimizer holds no trainable parameter of {type(model).__name__}: was it made for another model, or "
            "before the model was replaced?"
        )


def _at_least_one(accumulate: int) -> int:
    if not isinstance(accumulate, int) or accumulate < 1:
        raise UsageError(f"accumulate={accumulate!r}: give the number of batches per update, at least 1")
    return accumulate


def _clipping(clip: Any) -> Callable[[list[Tensor]], object] | None:
    if clip is None or callable(clip):
        return clip  # type: ignore[no-any-return]
    if not clip > 0:
        raise UsageError(f"clip={clip!r}: give the largest norm of the gradient, above 0, or a function")
    return lambda parameters: nn.utils.clip_grad_norm_(parameters, clip)


def _dtype(amp: bool | str | torch.dtype | None, device: torch.device) -> torch.dtype | None:
    if amp is None or amp is False:
        return None
    if amp is True:
        return torch.get_autocast_dtype(device.type)
    dtype = DTYPES.get(amp) if isinstance(amp, str) else amp
    if not isinstance(dtype, torch.dtype):
        raise UsageError(f"amp={amp!r}: give 'bf16', 'fp16', True or a torch dtype")
    return dtype


def _needs_closure(optimizer: Any) -> bool:
    """Whether `step` cannot do without a closure, as that of LBFGS."""
    step: Any = inspect.unwrap(type(optimizer).step)
    required = step.__code__.co_argcount - len(step.__defaults__ or ()) if hasattr(step, "__code__") else 0
    return required > 1 and "closure" in step.__code__.co_varnames[:required]


def _process_group(things: list[Any], distributed: bool | None, *, of_step: bool) -> Any:
    """The processes that train together; None for one alone."""
    dist = torch.distributed
    if distributed is False or not (dist.is_available() and dist.is_initialized()):
        if distributed:
            raise UsageError("distributed=True, but init_process_group was not called")
        return None
    wrapped = [m for thing in things if isinstance(thing, nn.Module) for m in thing.modules() if _is_distributed(m)]
    if not (wrapped or distributed or of_step):
        return None
    group = getattr(wrapped[0], "process_group", None) if wrapped else None
    group = dist.group.WORLD if group is None else group
    return group if dist.get_world_size(group) > 1 else None


def _is_distributed(module: nn.Module) -> bool:
    return isinstance(module, nn.parallel.DistributedDataParallel) or any(
        cls.__module__.startswith("torch.distributed.") for cls in type(module).__mro__
    )


def _is_function(data: Any) -> bool:
    return callable(data) and not hasattr(data, "__iter__") and not hasattr(data, "__getitem__")


def _name(optimizer: Any) -> str:
    """The class of an optimizer; of the one inside, for a wrapper."""
    return type(getattr(optimizer, "optimizer", optimizer)).__name__


def _a(value: object) -> str:
    """What a value is, for a message."""
    return "missing" if value is None else f"of type {type(value).__name__}"


class _Progress:
    """One line on stderr, a few times a second."""

    def __init__(self, search: Search) -> None:
        self.total = search.total_steps
        self.done = 0
        self.next_time = 0.0

    def show(self, segment: Segment, i: int) -> None:
        """After update ``i`` of a segment."""
        self.done += 1
        now = time.monotonic()
        if now < self.next_time:
            return
        self.next_time = now + 0.2
        loss = f", loss {segment.losses[-1]:.4g}" if segment.losses else ""
        line = f"lright find: {segment.title}, update {i + 1} of {segment.steps}, LR {segment.lr(i):.2e}{loss}"
        sys.stderr.write(f"\r{line[:119]:<119}")
        sys.stderr.flush()

    def clear(self) -> None:
        sys.stderr.write(f"\r{'':<119}\r")
        sys.stderr.flush()
