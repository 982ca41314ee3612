"""Instruments for a PyTorch training that is not ours: they hear what it does and leave its code as it is.

:func:`instruments` puts a :class:`Listener` on every optimizer, scheduler, loader and backward pass of the process::

    with instruments(listener):
        train()                      # anything that calls backward() and optimizer.step()

They hang on the classes, not on the objects, so that it does not matter what was made before. Nothing is computed
here: a listener is handed the tensors themselves and decides whether to look at their values.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

__all__ = ["Listener", "instruments", "place_of_caller"]

# Functions whose value outside of training is a validation loss.
LOSS_FUNCTIONS = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "gaussian_nll_loss", "huber_loss",
    "kl_div", "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss", "soft_margin_loss",
)  # fmt: skip


class Listener:
    """What can be heard. Every method does nothing until a subclass says otherwise."""

    def optimizer_made(self, optimizer: Optimizer, at: str) -> None:
        """An optimizer was constructed."""

    def scheduler_made(self, scheduler: object, arguments: dict[str, object], at: str) -> None:
        """A scheduler was constructed; ``arguments`` by the names of its parameters, defaults left out."""

    def backward(self, loss: torch.Tensor) -> None:
        """``backward`` was called on ``loss`` (unscaled, where a GradScaler scaled it)."""

    def before_update(self, optimizer: Optimizer) -> None:
        """An optimizer is about to update its parameters."""

    def after_update(self, optimizer: Optimizer) -> None:
        """It has done so."""

    def update_skipped(self, optimizer: Optimizer) -> None:
        """A GradScaler left an update out because of a gradient that is not finite."""

    def tick(self, scheduler: object, metric: object, epoch: object, at: str) -> None:
        """A scheduler was stepped: with a metric, an epoch, or neither."""

    def pass_begins(self, loader: object) -> None:
        """A loop over a DataLoader begins."""

    def batch(self, loader: object) -> None:
        """A DataLoader gave a batch to the loop that runs over it."""

    def evaluation_loss(self, loss: torch.Tensor) -> None:
        """A loss function was called where no gradients are recorded."""

    def loaded(self, what: object) -> None:
        """``load_state_dict`` was called on an optimizer or a scheduler."""


@contextmanager
def instruments(listener: Listener) -> Iterator[None]:
    """Hear everything in this process until the block ends; several may listen at once."""
    patches = _Patches()
    try:
        _on_updates(patches, listener)
        _on_backward(patches, listener)
        _on_schedulers(patches, listener)
        _on_loaders(patches, listener)
        _on_evaluation(patches, listener)
        yield
    finally:
        patches.undo()


class _Patches:
    """Attributes that were replaced, and how to put them back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put ``make(the attribute)`` in its place."""
        own = owner.__dict__.get(name)
        inherited = getattr(owner, name)
        setattr(owner, name, make(inherited if own is None else own))
        self._undo.append(lambda: delattr(owner, name) if own is None else setattr(owner, name, own))

    def also(self, undo: Callable[[], object]) -> None:
        self._undo.append(undo)

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


# Updates


def _on_updates(patches: _Patches, listener: Listener) -> None:
    def before(optimizer: Optimizer, args: object, kwargs: object) -> None:
        listener.before_update(optimizer)

    def after(optimizer: Optimizer, args: object, kwargs: object) -> None:
        listener.after_update(optimizer)

    for handle in (
        register_optimizer_step_pre_hook(before),
        register_optimizer_step_post_hook(after),
    ):
        patches.also(handle.remove)

    def made(init: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(init)
        def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> None:
            init(self, *args, **kwargs)
            listener.optimizer_made(self, place_of_caller())

        return wrapper

    patches.replace(Optimizer, "__init__", made)
    patches.replace(Optimizer, "load_state_dict", _heard_load(listener))
    _on_skips(patches, listener)


def _on_skips(patches: _Patches, listener: Listener) -> None:
    """`GradScaler.step` does not call `optimizer.step` where it found an infinity."""

    def watched(maybe_step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(maybe_step)
        def wrapper(self: Any, optimizer: Optimizer, optimizer_state: dict[str, Any], *args: Any, **kw: Any) -> Any:
            result = maybe_step(self, optimizer, optimizer_state, *args, **kw)
            if any(found.item() for found in optimizer_state["found_inf_per_device"].values()):
                listener.update_skipped(optimizer)
            return result

        return wrapper

    patches.replace(torch.amp.GradScaler, "_maybe_opt_step", watched)


def _heard_load(listener: Listener) -> Callable[[Any], Any]:
    def make(load: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(load)
        def wrapper(self: object, *args: Any, **kwargs: Any) -> Any:
            result = load(self, *args, **kwargs)
            listener.loaded(self)
            return result

        return wrapper

    return make


# Losses


def _on_backward(patches: _Patches, listener: Listener) -> None:
    def of_tensor(backward: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(backward)
        def wrapper(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            listener.backward(getattr(self, "_lright_unscaled", self).detach())
            return backward(self, *args, **kwargs)

        return wrapper

    def scaling(scale: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(scale)
        def wrapper(self: Any, outputs: Any) -> Any:
            scaled = scale(self, outputs)
            if isinstance(scaled, torch.Tensor) and scaled is not outputs:
                scaled._lright_unscaled = outputs  # type: ignore[attr-defined]
            return scaled

        return wrapper

    patches.replace(torch.Tensor, "backward", of_tensor)
    patches.replace(torch.amp.GradScaler, "scale", scaling)


def _on_evaluation(patches: _Patches, listener: Listener) -> None:
    def heard(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            loss = function(*args, **kwargs)
            if not torch.is_grad_enabled() and not torch.compiler.is_compiling():
                mean = kwargs.get("reduction", "mean") == "mean"  # a sum is of as many samples as nobody knows
                if mean and isinstance(loss, torch.Tensor) and loss.ndim == 0:
                    listener.evaluation_loss(loss)
            return loss

        return wrapper

    for name in LOSS_FUNCTIONS:
        patches.replace(torch.nn.functional, name, heard)


# Schedulers


def _on_schedulers(patches: _Patches, listener: Listener) -> None:
    heard = _HeardSchedulers(patches, listener)
    heard.add(LRScheduler)
    later = LRScheduler.__dict__.get("__init_subclass__")

    @classmethod  # type: ignore[misc]
    def subclassed(cls: Any, **kwargs: Any) -> None:
        super(LRScheduler, cls).__init_subclass__(**kwargs)
        heard.add(cls)

    LRScheduler.__init_subclass__ = subclassed  # type: ignore[assignment, method-assign]
    patches.also(
        lambda: setattr(LRScheduler, "__init_subclass__", later)
        if later is not None
        else delattr(LRScheduler, "__init_subclass__")
    )


class _HeardSchedulers:
    """The scheduler classes whose constructors and steps are heard.

    A step within a step (of a phase of SequentialLR) and the one that constructors make are none of the script's.
    """

    def __init__(self, patches: _Patches, listener: Listener) -> None:
        self.patches = patches
        self.listener = listener
        self.inside = 0

    def add(self, cls: type) -> None:
        for name, make in (("__init__", self._init), ("step", self._step), ("load_state_dict", self._load)):
            if name in cls.__dict__:
                self.patches.replace(cls, name, make)
        below: list[type] = cls.__subclasses__()
        for one in below:
            self.add(one)

    def _load(self, load: Callable[..., Any]) -> Callable[..., Any]:
        return _heard_load(self.listener)(load)  # type: ignore[no-any-return]

    def _init(self, init: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(init)
        def wrapper(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            self.inside += 1
            try:
                init(scheduler, *args, **kwargs)
            finally:
                self.inside -= 1
            if type(scheduler).__init__ is wrapper:
                self.listener.scheduler_made(scheduler, _bound(init, scheduler, args, kwargs), place_of_caller())

        return wrapper

    def _step(self, step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(step)
        def wrapper(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            outermost = not self.inside
            self.inside += 1
            try:
                result = step(scheduler, *args, **kwargs)
            finally:
                self.inside -= 1
            if outermost:
                given = args[0] if args else None
                feeds = isinstance(scheduler, ReduceLROnPlateau) or "metrics" in kwargs or "metric" in kwargs
                metric = kwargs.get("metrics", kwargs.get("metric", given)) if feeds else None
                epoch = kwargs.get("epoch", None if feeds else given)
                self.listener.tick(scheduler, metric, epoch, place_of_caller())
            return result

        return wrapper


def _bound(init: Callable[..., None], scheduler: object, args: Any, kwargs: Any) -> dict[str, object]:
    """The arguments of a constructor by name, without the scheduler itself and the optimizer."""
    from inspect import signature

    given = signature(init).bind(scheduler, *args, **kwargs).arguments
    return {name: value for name, value in list(given.items())[1:] if not isinstance(value, Optimizer)}


# Loaders


def _on_loaders(patches: _Patches, listener: Listener) -> None:
    from torch.utils.data import DataLoader

    def over(iterate: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
        @functools.wraps(iterate)
        def wrapper(self: Any) -> Any:
            listener.pass_begins(self)
            return _Heard(iterate(self), functools.partial(listener.batch, self))

        return wrapper

    patches.replace(DataLoader, "__iter__", over)


class _Heard:
    """An iterator that tells of every item it gives, and is the iterator itself in everything else."""

    __slots__ = ("_iterator", "_next", "_tell")

    def __init__(self, iterator: Iterator[Any], tell: Callable[[], None]) -> None:
        self._iterator = iterator
        self._next = iterator.__next__
        self._tell = tell

    def __iter__(self) -> _Heard:
        return self

    def __next__(self) -> Any:
        item = self._next()
        self._tell()
        return item

    def __len__(self) -> int:
        return len(self._iterator)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterator, name)


# Places


@functools.lru_cache(maxsize=4096)
def _is_foreign(filename: str) -> bool:
    """Whether a file belongs to an installed library, to Python or to lright: not to what the user wrote."""
    if filename.startswith("<"):
        return True
    parts = filename.replace("\\", "/").split("/")
    here = __file__.rsplit("torch", 1)[0]
    library = sys.modules["functools"].__file__ or ""
    return (
        "site-packages" in parts
        or "dist-packages" in parts
        or filename.startswith((here, library.rsplit("functools", 1)[0]))
    )


def place_of_caller() -> str:
    """Where the user's own code is at this moment, as ``file.py:line``; "" where none of it is on the stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_foreign(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
