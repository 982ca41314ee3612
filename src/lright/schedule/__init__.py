"""Schedules as pure functions: shapes, phases, their text and JSON forms; emulation of other schedulers.

>>> from lright.schedule import cosine, warmup
>>> print(warmup("5ep") >> cosine(to=0))
warmup 5ep > cosine to 0
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .constructors import constant as constant
    from .constructors import cosine as cosine
    from .constructors import decay as decay
    from .constructors import exp_decay as exp_decay
    from .constructors import exp_range as exp_range
    from .constructors import exponential as exponential
    from .constructors import hold as hold
    from .constructors import inverse_sqrt as inverse_sqrt
    from .constructors import linear as linear
    from .constructors import multi_step as multi_step
    from .constructors import noam as noam
    from .constructors import one_cycle as one_cycle
    from .constructors import one_minus_sqrt as one_minus_sqrt
    from .constructors import one_minus_square as one_minus_square
    from .constructors import points as points
    from .constructors import polynomial as polynomial
    from .constructors import power as power
    from .constructors import power_law as power_law
    from .constructors import restarts as restarts
    from .constructors import rex as rex
    from .constructors import step as step
    from .constructors import tanh as tanh
    from .constructors import triangular as triangular
    from .constructors import triangular2 as triangular2
    from .constructors import warmup as warmup
    from .constructors import wsd as wsd
    from .lint import Note as Note
    from .metric import greedy as greedy
    from .metric import plateau as plateau
    from .phases import Schedule as Schedule
    from .phases import product as product
    from .phases import sequence as sequence
    from .plan import Plan as Plan
    from .resolve import PastTheEnd as PastTheEnd
    from .resolve import Resolved as Resolved
    from .text import ScheduleSyntaxError as ScheduleSyntaxError
    from .values import Absolute as Absolute
    from .values import Share as Share

_CONSTRUCTORS = (
    "warmup", "hold", "constant", "linear", "cosine", "polynomial", "exponential", "one_minus_sqrt",
    "one_minus_square", "power", "rex", "tanh", "decay", "inverse_sqrt", "power_law", "noam", "step",
    "multi_step", "exp_decay", "triangular", "triangular2", "exp_range", "restarts", "points", "one_cycle",
    "wsd",
)  # fmt: skip

_ROOMS = {
    **dict.fromkeys(_CONSTRUCTORS, "constructors"),
    "Absolute": "values",
    "Note": "lint",
    "PastTheEnd": "resolve",
    "Plan": "plan",
    "Resolved": "resolve",
    "Schedule": "phases",
    "ScheduleSyntaxError": "text",
    "Share": "values",
    "greedy": "metric",
    "plateau": "metric",
    "product": "phases",
    "sequence": "phases",
}

__all__ = [
    *_CONSTRUCTORS, "Absolute", "Note", "PastTheEnd", "Plan", "Resolved", "Schedule", "ScheduleSyntaxError",
    "Share", "greedy", "plateau", "product", "sequence",
]  # fmt: skip


def __getattr__(name: str) -> object:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module 'lright.schedule' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"lright.schedule.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
