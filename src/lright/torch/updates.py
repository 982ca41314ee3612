"""Which updates an optimizer really made: the clock of :class:`lright.torch.Scheduler`.

An optimizer has at most one :class:`Updates`, shared by the schedulers on it. It counts through the optimizer's own
hook, so a GradScaler that skips ``optimizer.step()``, or a loop that gathers gradients, is not counted. It also
tells the schedulers of groups added and of a state loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any, Protocol
from weakref import WeakSet

from torch.compiler import is_dynamo_compiling
from torch.optim import Optimizer


class Follower(Protocol):
    """What a scheduler lets an optimizer tell it."""

    def refresh(self) -> None:
        """The groups of the optimizer are others, or hold other values."""


class Updates:
    """The updates of one optimizer since the first scheduler came. ``made`` counts those that have returned.

    An update made inside a compiled graph only sets ``compiled``: a count would be a constant there, and a new one
    in every update would compile the graph anew each time.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.made = 0
        self.compiled = False
        self.followers: WeakSet[Follower] = WeakSet()
        optimizer.register_load_state_dict_post_hook(self._changed)
        _after(optimizer, "add_param_group", self._changed)  # for which torch has no hook
        if _fires_once(type(optimizer)):
            optimizer.register_step_post_hook(self._after)
        else:
            _after(optimizer, "step", self._after)

    def total(self) -> int:
        """``made``, with an update made inside a compiled graph."""
        if self.compiled:
            self.compiled = False
            self.made += 1
        return self.made

    def _after(self, *_: Any) -> None:
        if is_dynamo_compiling():
            self.compiled = True
        else:
            self.made += 1

    def _changed(self, *_: Any) -> None:
        for follower in list(self.followers):
            follower.refresh()


def _after(optimizer: Optimizer, method: str, then: Callable[[], object]) -> None:
    """Have ``then`` called after a method of this one object. It stays a bound method, as torch's schedulers want."""
    original = getattr(optimizer, method)

    def wrapper(_: Optimizer, *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        then()
        return result

    setattr(optimizer, method, MethodType(wrapper, optimizer))


def _fires_once(kind: type[Optimizer]) -> bool:
    """Whether the hooks of a class run once an update: a ``step`` that calls its parent's runs them twice."""
    steps = [vars(base)["step"] for base in kind.__mro__ if base is not Optimizer and "step" in vars(base)]
    return len(steps) == 1 and hasattr(steps[0], "hooked")


@contextmanager
def uncounted(optimizer: Any) -> Iterator[None]:
    """Updates made inside do not count: for a trial after which everything is put back."""
    updates: Updates | None = getattr(_inner(optimizer), "_lright_updates", None)  # none is made for this
    before = 0 if updates is None else updates.total()
    try:
        yield
    finally:
        if updates is not None:
            updates.made, updates.compiled = before, False


def updates_of(optimizer: Any) -> Updates | None:
    """The counter of an optimizer, made at the first call; None for what only looks like an optimizer.

    A wrapper that frameworks put around an optimizer has the counter of the optimizer inside.
    """
    optimizer = _inner(optimizer)
    if not hasattr(optimizer, "_optimizer_step_post_hooks"):
        return None
    made: Updates | None = vars(optimizer).get("_lright_updates")
    if made is None:
        made = optimizer._lright_updates = Updates(optimizer)
    return made


def _inner(optimizer: Any) -> Any:
    """The optimizer inside the wrappers of frameworks."""
    while isinstance(getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = optimizer.optimizer
    return optimizer
