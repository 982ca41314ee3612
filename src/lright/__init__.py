"""lright tells what a learning rate really does over a whole training, what is wrong, and proves the fix.

The names below are the whole door. Each is loaded from its own room when it is first asked for, so that
`import lright` costs next to nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .clock import Budget as Budget
    from .clock import Length as Length
    from .doctor import Options as Options
    from .doctor import check_source as check_source
    from .errors import LrightError as LrightError
    from .previews import preview as preview
    from .previews import preview as preview
    from .schedule import Absolute as Absolute
    from .schedule import Plan as Plan
    from .schedule import constant as constant
    from .schedule import cosine as cosine
    from .schedule import decay as decay
    from .schedule import exp_decay as exp_decay
    from .schedule import exp_range as exp_range
    from .schedule import exponential as exponential
    from .schedule import greedy as greedy
    from .schedule import hold as hold
    from .schedule import inverse_sqrt as inverse_sqrt
    from .schedule import linear as linear
    from .schedule import multi_step as multi_step
    from .schedule import noam as noam
    from .schedule import one_cycle as one_cycle
    from .schedule import one_minus_sqrt as one_minus_sqrt
    from .schedule import one_minus_square as one_minus_square
    from .schedule import plateau as plateau
    from .schedule import points as points
    from .schedule import polynomial as polynomial
    from .schedule import power as power
    from .schedule import power_law as power_law
    from .schedule import restarts as restarts
    from .schedule import rex as rex
    from .schedule import step as step
    from .schedule import tanh as tanh
    from .schedule import triangular as triangular
    from .schedule import triangular2 as triangular2
    from .schedule import warmup as warmup
    from .schedule import wsd as wsd
    from .schedule.phases import Schedule as Schedule

# What schedules are written with.
_SCHEDULES = (
    "Absolute", "Plan", "constant", "cosine", "decay", "exp_decay", "exp_range", "exponential",
    "greedy", "hold", "inverse_sqrt", "linear", "multi_step", "noam", "one_cycle", "one_minus_sqrt",
    "one_minus_square", "plateau", "points", "polynomial", "power", "power_law", "restarts", "rex",
    "step", "tanh", "triangular", "triangular2", "warmup", "wsd",
)  # fmt: skip

_ROOMS = {
    **dict.fromkeys(_SCHEDULES, "schedule"),
    "Budget": "clock",
    "Length": "clock",
    "LrightError": "errors",
    "Options": "doctor",
    "Schedule": "schedule.phases",
    "check_source": "doctor",
    "preview": "previews",
    "preview": "previews",
}

__all__ = [
    *_SCHEDULES, "Budget", "Length", "LrightError", "Options", "Schedule", "check_source", "preview",
    "__version__",
]  # fmt: skip


def __getattr__(name: str) -> object:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module 'lright' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"lright.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
