"""A training put back to where it was, bit for bit.

:class:`Snapshot` remembers a model, its optimizer and whatever else a training changes; :meth:`Snapshot.restore` puts
it back, as often as one likes. What is there is put back *in place*: the tensors, dictionaries and lists are the same
objects as before, with what they held before, so that whoever refers to them (an optimizer, a scheduler, DDP, a
captured graph) does not notice. What came in between (an optimizer's state, gradients) is taken out again.

>>> layer = torch.nn.Linear(1, 1)
>>> optimizer = torch.optim.AdamW(layer.parameters())
>>> before, snapshot = layer.weight.item(), Snapshot(layer, optimizer)
>>> layer(torch.ones(1)).backward()
>>> optimizer.step()
>>> snapshot.restore()
>>> layer.weight.item() == before, len(optimizer.state), layer.weight.grad
(True, 0, None)

It takes a copy of the tensors, each on its own device: about the memory of the model and of the optimizer's state.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError

__all__ = ["Snapshot", "loader_parts"]

# Values that cannot change inside: the name that holds them is all there is to put back.
PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None)})
# What every module has: hooks and children, which training does not change. The rest of its attributes is kept.
OF_ANY_MODULE = frozenset(vars(nn.Module())) - {"training", "_parameters", "_buffers"}
# Wrappers whose attributes mirror a state inside of torch that cannot be put back; what they wrap is kept.
MACHINERY = ("torch.nn.parallel.", "torch.distributed.", "torch._dynamo.")


class Snapshot:
    """What ``things`` are now, and the random number generators of Python, NumPy and torch on every device.

    A thing is a module, an optimizer, a GradScaler, a scheduler or anything else with ``state_dict`` and
    ``load_state_dict``, a random number generator, a tensor, or a dictionary or list of tensors and plain values. A
    data loader, its sampler and its dataset are given as ``data``: their generators, positions and epochs are
    remembered, not their data.

    Raises UsageError for a thing that cannot be remembered, and for lazy modules that have no shape yet.
    """

    def __init__(self, *things: object, data: Iterable[object] = ()) -> None:
        self._seen: dict[int, object] = {}  # by identity; keeps them alive, so that no identity is used twice
        self._loads: list[Callable[[], object]] = []
        self._undo: list[Callable[[], object]] = []
        self._tensors: list[Tensor] = []
        self._grads: list[tuple[Tensor, Tensor | None, bool]] = []
        for thing in things:
            self._add(thing)
        for part in data:
            self._add_data(part)
        self._copies = [tensor.detach().clone() for tensor in self._tensors]
        self._generators = list(_global_generators(self._tensors))

    def restore(self) -> None:
        """Put everything back. Ctrl-C has to wait until it is done."""
        with _uninterrupted(), torch.no_grad():
            for load in self._loads:  # first: a scheduler may write into an optimizer when it is loaded
                load()
            for undo in self._undo:
                undo()
            self._restore_tensors()
            for put, state in self._generators:
                put(state)

    def _restore_tensors(self) -> None:
        for tensor, copy in zip(self._tensors, self._copies):
            if tensor.shape != copy.shape or tensor.dtype != copy.dtype or tensor.device != copy.device:
                tensor.data = copy.clone()
        if self._tensors:
            torch._foreach_copy_(self._tensors, self._copies)
        for tensor, grad, wanted in self._grads:
            if tensor.requires_grad is not wanted:
                tensor.requires_grad_(wanted)
            tensor.grad = grad

    def _add(self, thing: Any) -> None:
        """Remember one thing in the way that its kind is remembered."""
        if isinstance(thing, nn.Module):
            for module in thing.modules():
                self._add_module(module)
        elif isinstance(getattr(thing, "param_groups", None), list):
            self._add_optimizer(thing)
        elif isinstance(thing, torch.amp.GradScaler):
            self._keep(vars(thing))
        elif isinstance(thing, torch.utils.data.DataLoader | torch.utils.data.Sampler):
            for part in loader_parts(thing):
                self._add_data(part)
        elif hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict"):
            self._add_stateful(thing)
        elif not self._keep(thing):
            raise UsageError(
                f"{type(thing).__name__} cannot be restored: give objects with state_dict() and load_state_dict(), "
                "tensors, random number generators, or a dictionary or list of them"
            )

    def _add_module(self, module: nn.Module) -> None:
        if not self._first_time(module):
            return
        attributes = vars(module)
        if type(module).__module__.startswith(MACHINERY):
            self._undo.append(lambda training=module.training: attributes.update(training=training))  # type: ignore[misc]
            return
        mine = {name: value for name, value in attributes.items() if name not in OF_ANY_MODULE}
        for value in mine.values():
            self._keep(value)
        self._undo.append(lambda: _refill(attributes, mine, OF_ANY_MODULE))

    def _add_optimizer(self, optimizer: Any) -> None:
        """State, groups, defaults, and whatever else it counts; wrappers (Accelerate's) with what they wrap."""
        if not self._first_time(optimizer):
            return
        self._keep(vars(optimizer))
        if hasattr(optimizer, "optimizer"):
            self._add(optimizer.optimizer)

    def _add_stateful(self, thing: Any) -> None:
        if not self._first_time(thing):
            return
        state = deepcopy(thing.state_dict())

        def put_back() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "save the optimizer too" and its like: all of it is put back
                thing.load_state_dict(deepcopy(state))

        self._loads.append(put_back)

    def _add_data(self, part: Any) -> None:
        """The plain attributes and generators of a loader, a sampler or a data set. Data are taken not to change."""
        attributes = getattr(part, "__dict__", None)
        if attributes is None or not self._first_time(part):
            return
        before = {name: value for name, value in attributes.items() if type(value) in PLAIN or name == "_iterator"}
        for value in attributes.values():
            self._keep_generator(value)

        def put_back() -> None:
            for name, value in before.items():  # not by setattr: a DataLoader refuses it
                if attributes.get(name, part) is not value:
                    attributes[name] = value

        self._undo.append(put_back)

    def _keep(self, value: Any) -> bool:
        """Remember what a value holds, at any depth; False for an object that is only remembered to be there."""
        kind = type(value)
        if kind in PLAIN:
            return True
        if isinstance(value, Tensor):
            if self._first_time(value):
                self._keep_tensor(value)
        elif isinstance(value, dict | list | deque | tuple):
            if self._first_time(value):
                self._keep_container(value)
        else:
            return self._keep_generator(value)
        return True

    def _keep_container(self, value: Any) -> None:
        if isinstance(value, dict):
            items = dict(value)
            self._undo.append(lambda: _refill(value, items))
            inside: Iterable[object] = items.values()
        else:
            inside = elements = list(value)
            if not isinstance(value, tuple):
                self._undo.append(lambda: _refill_list(value, elements))
        for item in inside:
            if type(item) not in PLAIN:
                self._keep(item)

    def _keep_tensor(self, tensor: Tensor) -> None:
        if nn.parameter.is_lazy(tensor):
            raise UsageError("the model has lazy parameters without a shape: pass one batch through it first")
        if tensor.is_leaf:
            grad = tensor.grad
            if grad is not None or tensor.requires_grad or isinstance(tensor, nn.Parameter):
                self._grads.append((tensor, grad, tensor.requires_grad))
            if grad is not None:
                self._keep(grad)
        if not (tensor.is_meta or tensor.is_inference() or _overlaps_itself(tensor)):  # torch refuses to change these
            self._tensors.append(tensor)

    def _keep_generator(self, value: Any) -> bool:
        pair = _generator(value)
        if pair is not None and self._first_time(value):
            put, state = pair
            self._undo.append(lambda: put(state))
        return pair is not None

    def _first_time(self, thing: object) -> bool:
        if id(thing) in self._seen:
            return False
        self._seen[id(thing)] = thing
        return True


def loader_parts(loader: object) -> list[object]:
    """A loader and the objects behind it that keep count: samplers and data sets, also those that wrap others."""
    parts: list[object] = []
    waiting = [loader]
    while waiting:
        part = waiting.pop()
        if part is None or any(part is other for other in parts):
            continue
        parts.append(part)
        waiting += [getattr(part, name, None) for name in ("dataset", "sampler", "batch_sampler", "base_dataloader")]
    return [part for part in parts if not isinstance(part, Tensor | list | tuple | dict)]


def _refill(
    container: MutableMapping[Any, Any], before: dict[Any, Any], spared: frozenset[str] = frozenset()
) -> None:
    """Make a dictionary hold what it held; the keys in ``spared`` are left alone."""
    for name in [name for name in container if name not in before and name not in spared]:
        del container[name]
    for name, value in before.items():
        if name not in container or container[name] is not value:
            container[name] = value


def _refill_list(container: Any, before: list[Any]) -> None:
    """Make a list or deque hold what it held."""
    if len(container) != len(before) or any(now is not then for now, then in zip(container, before)):
        container.clear()
        container.extend(before)


def _overlaps_itself(tensor: Tensor) -> bool:
    """Whether several elements share one place in memory, as `expand` makes them."""
    if tensor.layout is not torch.strided:
        return False
    return any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape))


def _generator(value: Any) -> tuple[Callable[[Any], object], Any] | None:
    """How to put a random number generator back, and its state; None for anything else."""
    if isinstance(value, torch.Generator):
        return value.set_state, value.get_state()
    if isinstance(value, random.Random):
        return value.setstate, value.getstate()
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.random.RandomState):
        return value.set_state, value.get_state()
    if numpy is not None and isinstance(value, numpy.random.Generator):
        bits = value.bit_generator
        return (lambda state: setattr(bits, "state", state)), bits.state
    return None


def _global_generators(tensors: Iterable[Tensor]) -> Iterator[tuple[Callable[[Any], object], Any]]:
    """The generators that a program draws from without naming one: how to put each back, and its state."""
    yield random.setstate, random.getstate()
    if (numpy := sys.modules.get("numpy")) is not None:
        yield numpy.random.set_state, numpy.random.get_state()
    yield torch.set_rng_state, torch.get_rng_state()
    devices = {tensor.device.type for tensor in tensors} - {"cpu", "meta"}
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        devices.add("cuda")
    for device in sorted(devices):
        module: Any = getattr(torch, device, None)
        if hasattr(module, "get_rng_state_all"):
            yield module.set_rng_state_all, module.get_rng_state_all()
        elif hasattr(module, "get_rng_state"):
            yield module.set_rng_state, module.get_rng_state()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done; the last one is delivered then."""
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield  # only the main thread hears signals
        return
    waiting: list[Any] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting and callable(handler):
            handler(*waiting[-1])
