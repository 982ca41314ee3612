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
    from .schedule.phases import Schedule as Schedule

_ROOMS = {
    "Budget": "clock",
    "Length": "clock",
    "LrightError": "errors",
    "Options": "doctor",
    "Schedule": "schedule.phases",
    "check_source": "doctor",
}

__all__ = ["Budget", "Length", "LrightError", "Options", "Schedule", "check_source", "__version__"]


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
