"""The future curve of a live scheduler object, without touching it, its optimizer or anything else.

>>> from lright import preview                                            # doctest: +SKIP
>>> preview(CosineAnnealingLR(optimizer, T_max=90), steps=90)             # doctest: +SKIP
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

from .errors import LrightError
from .render.chart import Curve, chart


class Preview:
    """What :func:`preview` saw. Its repr is a chart.

    ``curves`` holds one curve for each parameter group, as (step, LR) points: step 0 is the LR in force
    now, step n the one after n more calls of ``step()``. ``points`` is the curve of the first group.
    ``raised`` is what ``step()`` raised on the way, or None; the curves then end before.
    """

    __slots__ = ("name", "curves", "raised")

    def __init__(self, name: str, curves: list[list[tuple[float, float]]], raised: Exception | None) -> None:
        self.name = name
        self.curves = curves
        self.raised = raised

    @property
    def points(self) -> list[tuple[float, float]]:
        """The (step, LR) points of the first parameter group."""
        return self.curves[0]

    def plot(self, width: int = 78, height: int = 12, *, unicode: bool = True, color: bool = False) -> str:
        """The chart as text. Groups with the same curve are drawn once."""
        distinct: list[tuple[list[str], list[tuple[float, float]]]] = []
        for index, points in enumerate(self.curves):
            same = next((names for names, other in distinct if other == points), None)
            if same is None:
                distinct.append(([str(index)], points))
            else:
                same.append(str(index))
        curves = [
            Curve(
                f"group{'s' if len(names) > 1 else ''} {', '.join(names)}",
                points,
                "steps from now",
                self.raised is not None,
            )
            for names, points in distinct
        ]
        lines = chart(curves, width, height, title=self.name, unicode=unicode, color=color)
        if self.raised is not None:
            lines.append(f"step {len(self.points)} raises {type(self.raised).__name__}: {self.raised}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.plot()


def preview(scheduler: object, steps: int) -> Preview:
    """The LRs of the next ``steps`` >= 1 calls of ``scheduler.step()``; a chart at the prompt.

    ``scheduler`` is any scheduler of torch (nested ones too), transformers or timm, or an accelerated one.
    A copy is stepped on a stand-in for its optimizer, so neither changes, and nothing is printed or warned
    about. Functions given to it (LambdaLR) are called as training would call them. A timm scheduler keeps
    no clock of its own: it is drawn from its beginning.

    Raises :class:`LrightError` for what has no ``step()`` or follows a metric.
    """
    if steps < 1:
        raise LrightError(f"preview needs at least one step, not {steps}")
    name = type(scheduler).__name__
    inner: Any = getattr(scheduler, "scheduler", scheduler)  # an accelerated scheduler wraps the real one
    if not callable(getattr(inner, "step", None)) or not hasattr(inner, "optimizer"):
        raise LrightError(f"{name} is no scheduler: it has no step() and optimizer")
    if hasattr(inner, "is_better") or (hasattr(inner, "patience") and hasattr(inner, "num_bad_epochs")):
        raise LrightError(f"{name} follows a metric: its future is not known")
    stand_in = _StandIn(inner.optimizer)
    twin = copy.deepcopy(inner, {id(inner.optimizer): stand_in})
    step, start = _stepper(twin)
    curves: list[list[tuple[float, float]]] = [[] for _ in stand_in.param_groups]
    raised: Exception | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for count in range(steps + 1):
            try:
                if count >= start:
                    step(count)
            except Exception as error:  # noqa: BLE001 - whatever step() raises is what the preview shows
                raised = error
                break
            for points, group in zip(curves, stand_in.param_groups, strict=True):
                points.append((float(count), float(group["lr"])))
    return Preview(name, curves, raised)


def _stepper(twin: Any) -> tuple[Callable[[int], None], int]:
    """How to advance the copy to a step, and the first step for which that must be done."""
    if hasattr(twin, "step_update"):  # timm: told the time rather than counting it
        tell = twin.step if getattr(twin, "t_in_epochs", True) else twin.step_update
        return tell, 0
    return lambda count: twin.step(), 1


class _StandIn:
    """What a scheduler needs of its optimizer: the groups with their hyper-parameters, but no parameters."""

    def __init__(self, optimizer: Any) -> None:
        self.param_groups = [
            {key: [] if key == "params" else copy.deepcopy(value) for key, value in group.items()}
            for group in optimizer.param_groups
        ]
        self.defaults = dict(getattr(optimizer, "defaults", {}))
        self.state: dict[object, object] = {}
        self._opt_called = True  # torch warns where the first step of a scheduler comes before the optimizer's

        def step() -> None:
            """Nothing: there is nothing to update."""

        step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
        self.step = step
