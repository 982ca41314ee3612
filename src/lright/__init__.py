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
    from .schedule import Absolute as Absolute
    from .schedule import Plan as Plan
    from .schedule import Schedule as Schedule
    from .schedule import cosine as cosine
    from .schedule import decay as decay
    from .schedule import hold as hold
    from .schedule import warmup as warmup

# What is asked for most; lright.schedule has the other shapes.
_ROOMS = {
    "Absolute": "schedule",
    "Budget": "clock",
    "Length": "clock",
    "LrightError": "errors",
    "Options": "doctor",
    "Plan": "schedule",
    "Schedule": "schedule",
    "check_source": "doctor",
    "cosine": "schedule",
    "decay": "schedule",
    "hold": "schedule",
    "preview": "previews",
    "warmup": "schedule",
}

__all__ = [
    "Absolute", "Budget", "Length", "LrightError", "Options", "Plan", "Schedule", "__version__",
    "check_source", "cosine", "decay", "hold", "preview", "warmup",
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
