"""Which updates an optimizer really made: the clock of :class:`lright.torch.Scheduler`.

An optimizer has at most one :class:`Updates`, shared by the schedulers on it. It counts through the optimizer's own
hooks, so a GradScaler that skips ``optimizer.step()``, or a loop that gathers gradients, is not counted. It also
tells the schedulers of groups added and of a state loaded.
"""

from __future__ import annotations

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
        self.groups = len(optimizer.param_groups)
        self.followers: WeakSet[Follower] = WeakSet()
        optimizer.register_step_pre_hook(self._before)
        optimizer.register_load_state_dict_post_hook(self._loaded)
        if _fires_once(type(optimizer)):
            optimizer.register_step_post_hook(self._after)
        else:
            self._wrap(optimizer)

    def total(self) -> int:
        """``made``, with an update made inside a compiled graph."""
        if self.compiled:
            self.compiled = False
            self.made += 1
        return self.made

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if len(optimizer.param_groups) != self.groups:
            self._tell(optimizer)

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if is_dynamo_compiling():
            self.compiled = True
        else:
            self.made += 1

    def _loaded(self, optimizer: Optimizer) -> None:
        self._tell(optimizer)

    def _tell(self, optimizer: Optimizer) -> None:
        self.groups = len(optimizer.param_groups)
        for follower in list(self.followers):
            follower.refresh()

    def _wrap(self, optimizer: Optimizer) -> None:
        """Count calls of ``step`` on this one object, where the hooks of its class would not count once."""
        step = optimizer.step

        def counted(self_: Optimizer, *args: Any, **kwargs: Any) -> Any:
            result = step(*args, **kwargs)
            self._after(self_, args, kwargs)
            return result

        optimizer.step = MethodType(counted, optimizer)  # type: ignore[method-assign]


def _fires_once(kind: type[Optimizer]) -> bool:
    """Whether the hooks of a class run once an update: a ``step`` that calls its parent's runs them twice."""
    steps = [vars(base)["step"] for base in kind.__mro__ if base is not Optimizer and "step" in vars(base)]
    return len(steps) == 1 and hasattr(steps[0], "hooked")


def updates_of(optimizer: Any) -> Updates | None:
    """The counter of an optimizer, made at the first call; None for what only looks like an optimizer.

    A wrapper that frameworks put around an optimizer has the counter of the optimizer inside.
    """
    while isinstance(getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = optimizer.optimizer
    if not hasattr(optimizer, "_optimizer_step_post_hooks"):
        return None
    made: Updates | None = vars(optimizer).get("_lright_updates")
    if made is None:
        made = optimizer._lright_updates = Updates(optimizer)
    return made
