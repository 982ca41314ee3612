"""A scheduler from the text of its constructor: `CosineAnnealingLR(T_max=100)`."""

from __future__ import annotations

import ast

from ...errors import LrightError
from . import _table
from ._emulated import Emulated, build
from ._expression import unreadable, value
from ._live import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 10_000  # characters


def emulated_from_text(text: str, optimizer: Optimizer) -> Emulated:
    """The scheduler that a constructor call in text stands for; nested ones are written inside it.

    Arguments are numbers and arithmetic, lists, dicts, lambdas of one expression and other schedulers. The
    optimizer may be named where the constructor takes it (`StepLR(opt, 30)`) or left out (`StepLR(30)`).
    Nothing is executed.

    Raises LrightError with the column for text that is not understood, ScheduleRaises where the constructor
    raises.

    >>> warm = "LinearLR(start_factor=0.1, total_iters=5)"
    >>> text = f"SequentialLR([{warm}, CosineAnnealingLR(T_max=100 - 5)], milestones=[5])"
    >>> [round(lr, 12) for lr in emulated_from_text(text, Optimizer(lr=1.0)).curve(3)]
    [0.1, 0.28, 0.46]
    >>> emulated_from_text("StepLR(step=30)", Optimizer(lr=1.0))
    Traceback (most recent call last):
    ...
    lright.schedule.emulate._live.ScheduleRaises: TypeError when it is built: StepLR.__init__() got an
    unexpected keyword argument 'step'
    """
    if len(text) > LONGEST:
        raise LrightError(f"a scheduler of {len(text)} characters is too long to read: {LONGEST} are allowed")
    shown = text if len(text) <= 80 else text[:77] + "..."
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise LrightError(f"cannot read {shown!r}: column {error.offset or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise LrightError(f"cannot read {shown!r}: {error}") from error
    try:
        return _scheduler(node, optimizer)
    except RecursionError as error:
        raise LrightError(f"cannot read {shown!r}: it is nested too deeply") from error
    except LrightError as error:
        if type(error) is not LrightError:
            raise
        raise LrightError(f"cannot read {shown!r}: {error}") from error


def _scheduler_name(node: ast.expr) -> str | None:
    """The name called, if it is a call: `lr_scheduler.StepLR(...)` calls StepLR."""
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _is_optimizer(node: ast.expr) -> bool:
    """Whether it is a name like `opt`, `optimizer` or `self.optimizer`."""
    return isinstance(node, (ast.Name, ast.Attribute)) and "opt" in ast.unparse(node).lower()


def _scheduler(node: ast.expr, optimizer: Optimizer) -> Emulated:
    name = _scheduler_name(node)
    if name is None or not isinstance(node, ast.Call):
        raise unreadable(node, "write a call of a scheduler, such as CosineAnnealingLR(T_max=100)")
    if name not in _table.NAMES:
        known = ", ".join(sorted(_table.NAMES))
        raise unreadable(node, f"no scheduler is called {name!r}: known are {known}")
    given = list(node.args)
    place = [parameter.name for parameter in _table.parameters(name)].index("optimizer")
    if place < len(given) and _is_optimizer(given[place]):
        del given[place]
    for keyword in node.keywords:
        if keyword.arg is None:
            raise unreadable(keyword.value, "** is not understood")
    args = [_argument(argument, optimizer) for argument in given]
    named = [keyword for keyword in node.keywords if keyword.arg != "optimizer"]
    kwargs = {str(keyword.arg): _argument(keyword.value, optimizer) for keyword in named}
    return build(name, optimizer, *args, **kwargs)


def _argument(node: ast.expr, optimizer: Optimizer) -> Any:
    """A scheduler, a list that may hold some, or a plain value."""
    if _scheduler_name(node) in _table.NAMES:
        return _scheduler(node, optimizer)
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_argument(item, optimizer) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    return value(node)
