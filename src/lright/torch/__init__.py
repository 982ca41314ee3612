"""lright inside PyTorch: a scheduler, the learning rate range test and the live watch.

The names below are the whole door. Each is loaded from its own room when it is first asked for; torch is imported
with it, so `import lright.torch` alone costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .find import find_lr as find_lr
    from .recording import watch as watch
    from .scheduler import Scheduler as Scheduler

_ROOMS = {"Scheduler": "scheduler", "find_lr": "find", "watch": "recording"}

__all__ = ["Scheduler", "find_lr", "watch"]


def __getattr__(name: str) -> object:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module 'lright.torch' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"lright.torch.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
