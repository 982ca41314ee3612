"""What a scheduler sees of an optimizer: an unchanging description, and the live copy that a replay works
on."""

from __future__ import annotations

from ...errors import LrightError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class ScheduleRaises(LrightError):
    """The real scheduler would raise here: the exception's type name, its text, and when.

    `tick` counts calls of `step()` from 1; it is None where the constructor itself raises.

    >>> error = ScheduleRaises("ValueError", "Tried to step 11 times.", 11)
    >>> str(error), error.exception, error.tick
    ('ValueError at tick 11: Tried to step 11 times.', 'ValueError', 11)
    """

    def __init__(self, exception: str, text: str, tick: int | None) -> None:
        where = "when it is built" if tick is None else f"at tick {tick}"
        super().__init__(f"{exception} {where}: {text}" if text else f"{exception} {where}")
        self.exception = exception
        self.text = text
        self.tick = tick

    @classmethod
    def of(cls, error: BaseException, tick: int | None) -> ScheduleRaises:
        """The same fact about an exception that was really raised while replaying.

        >>> ScheduleRaises.of(KeyError("lr"), None).text
        'lr'
        """
        argument = error.args[0] if isinstance(error, KeyError) and error.args else error
        return cls(type(error).__name__, str(argument), tick)


class Optimizer:
    """The parameter groups of an optimizer, as far as a scheduler reads or writes them. It never changes.

    `groups` are mappings with `lr` and, where they matter, `momentum`, `betas`, `weight_decay`,
    `initial_lr`; a group without one takes it from `lr`, `momentum` and `betas`, which are also the
    optimizer's defaults. With no group there is one. `defaults` says which options the optimizer knows at
    all (OneCycleLR and CyclicLR ask); left out, it is that of SGD, or of Adam when `betas` are given.

    Raises LrightError when a group has no LR.

    >>> Optimizer(lr=0.1).groups
    ({'lr': 0.1, 'momentum': 0.0},)
    >>> [group["lr"] for group in Optimizer({"lr": 1e-3}, {}, lr=1e-2).groups]
    [0.001, 0.01]
    """

    __slots__ = ("defaults", "groups")

    def __init__(
        self,
        *groups: Mapping[str, Any],
        lr: float | None = None,
        momentum: float | None = None,
        betas: tuple[float, ...] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "momentum": momentum, "betas": betas}
        shared = {key: value for key, value in options.items() if value is not None}
        shared = {**shared, **(defaults or {})}
        if defaults is None:
            adaptive = betas is not None or any("betas" in group for group in groups)
            if not adaptive:
                shared.setdefault("momentum", 0.0)
        described = tuple({**shared, **group} for group in groups or ({},))
        for index, group in enumerate(described):
            if "lr" not in group:
                raise LrightError(f"group {index} of the optimizer has no 'lr': give it one, or give lr=")
        if defaults is None:
            first = described[0]
            shared = {key: first[key] for key in ("lr", "momentum", "betas") if key in first} | shared
        self.groups = described
        self.defaults = shared

    def __repr__(self) -> str:
        return f"Optimizer({', '.join(repr(group) for group in self.groups)})"


class Live:
    """A live optimizer: the groups that schedulers built on it write to."""

    __slots__ = ("defaults", "param_groups")

    def __init__(self, optimizer: Optimizer) -> None:
        self.param_groups: list[dict[str, Any]] = [dict(group) for group in optimizer.groups]
        self.defaults = dict(optimizer.defaults)

    def rates(self) -> list[Any]:
        """The LR of each group now."""
        return [group["lr"] for group in self.param_groups]

    def write(self, rates: Sequence[Any], strict: bool = True) -> None:
        """Give each group its LR; `strict` raises ValueError when there are more groups than rates, as
        torch does."""
        for group, rate in zip(self.param_groups, rates, strict=strict):
            group["lr"] = rate
