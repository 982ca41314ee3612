"""What the schedulers of torch 2.13, timm 1.0 and transformers 5 really do, without importing any of them.

Names and arguments are those of the frameworks; faults are included. The LR comes from one formula where
that is what the framework computes (within 1e-9 of the peak), from a replay of its recursion where it is
not.

>>> from lright.schedule.emulate import Optimizer, build
>>> cosine = build("CosineAnnealingLR", Optimizer(lr=0.1), T_max=90)
>>> [round(cosine.lr(tick), 4) for tick in (0, 45, 90, 180)]
[0.1, 0.05, 0.0, 0.1]
>>> cosine.length, cosine.past_end()
(90, 'rise')
"""

from __future__ import annotations

from ._emulated import Emulated, Replay, TimmEmulated, build, signature
from ._live import Optimizer, ScheduleRaises
from ._table import FRAMEWORKS, NAMES, Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._text import emulated_from_text

__all__ = [
    "FRAMEWORKS",
    "NAMES",
    "Emulated",
    "Optimizer",
    "Parameter",
    "Replay",
    "ScheduleRaises",
    "TimmEmulated",
    "build",
    "emulated_from_text",
    "signature",
]


def __getattr__(name: str) -> object:
    """`emulated_from_text` is loaded when it is first asked for: it needs ast, the rest does not."""
    if name == "emulated_from_text":
        from ._text import emulated_from_text

        return emulated_from_text
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
