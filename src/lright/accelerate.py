"""`lright watch` in a training with Accelerate: a tracker.

>>> from lright.accelerate import Watch
>>> watch = Watch(path=None)
>>> watch.name, watch.stopping
('lright', False)
>>> watch.finish()
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import accelerate
from accelerate.tracking import GeneralTracker

from .torch.recording import SAMPLE
from .torch.session import Session

__all__ = ["Watch"]


class Watch(GeneralTracker):  # type: ignore[misc]
    """Records and judges a training: every LR, the loss of every update, sampled gradient norms, and what is logged.

    Make it before the optimizer, give it to the Accelerator, and end the training::

        watch = Watch(stop_on=["diverged"])
        accelerator = Accelerator(log_with=watch)
        accelerator.init_trackers("mine")
        ...                                         # in the loop, on every process: if watch.stopping: break
        accelerator.end_training()

    ``path``: the trace (JSONL, :mod:`lright.trace`), None to judge without one. ``stop_on``: conditions such as
    "diverged", a rule's id or slug: :attr:`stopping` is true from then on. ``sample``: updates between two
    measurements of gradient norm and update-to-weight ratio (each reads the device), 0 for none. ``tensorboard``: a
    folder for event files besides. ``expected``: the updates that the training makes, where known. Rank 0 alone writes
    and judges, so the loop must agree on a stop where several processes train (``accelerator.set_trigger``). Raises
    UsageError for an unknown condition and LrightError where the trace cannot be written.
    """

    name = "lright"
    requires_logging_directory = False

    def __init__(
        self,
        path: str | None = "lright-trace.jsonl",
        *,
        stop_on: Iterable[str] = (),
        sample: int = SAMPLE,
        tensorboard: str | None = None,
        expected: int | None = None,
    ) -> None:
        super().__init__()
        self.session = Session(
            path=path, framework=f"accelerate {accelerate.__version__}", stop_on=stop_on, sample=sample,
            tensorboard=tensorboard, expected=expected, rank=int(os.environ.get("RANK", "0")),
            processes=int(os.environ.get("WORLD_SIZE", "1")), otherwise="finished",
        )  # fmt: skip

    @property
    def tracker(self) -> Session:
        """What listens."""
        return self.session

    @property
    def stopping(self) -> bool:
        """Whether the training has become what it was to be stopped on."""
        return self.session.stopping

    def log(self, values: Mapping[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Tell what is logged with ``accelerator.log``; the update it belongs to is known better than ``step`` is."""
        self.session.log(values)

    def finish(self) -> None:
        """The training is over."""
        self.session.end("finished")
