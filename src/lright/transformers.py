"""`lright watch` in a training with transformers' Trainer: a callback.

>>> from lright.transformers import Watch
>>> watch = Watch(path="lright-trace.jsonl", stop_on=["diverged"])      # Trainer(..., callbacks=[watch]).train()
>>> watch.path
'lright-trace.jsonl'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import transformers
from transformers import TrainerCallback

from .torch.recording import SAMPLE
from .torch.session import Session

__all__ = ["Watch"]


class Watch(TrainerCallback):
    """Records and judges a training: every LR, the loss of every update, sampled gradient norms, and the Trainer's log.

    ``path``: the trace (JSONL, :mod:`lright.trace`), None to judge without one. ``stop_on``: conditions such as
    "diverged", a rule's id or slug: ``control.should_training_stop`` is set then. ``sample``: updates between two
    measurements of gradient norm and update-to-weight ratio (each reads the device), 0 for none. ``tensorboard``: a
    folder for event files besides. Rank 0 alone writes. Raises UsageError for an unknown condition and LrightError
    where the trace cannot be written, both when the training begins.

    The Trainer tells callbacks nothing of an exception: the trace is ended when the process leaves, or by the next
    training. :attr:`session` has the findings (``session.recorder.findings``), also after the training.
    """

    def __init__(
        self,
        path: str | None = "lright-trace.jsonl",
        *,
        stop_on: Iterable[str] = (),
        sample: int = SAMPLE,
        tensorboard: str | None = None,
    ) -> None:
        self.path = path
        self.stop_on = tuple(stop_on)
        self.sample = sample
        self.tensorboard = tensorboard
        self.session: Session | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Listen from here on. Optimizer and scheduler are made already, and loaded where a training is resumed."""
        self._end("interrupted")  # of a training that raised
        self.session = Session(
            path=self.path, framework=f"transformers {transformers.__version__}", stop_on=self.stop_on,
            sample=self.sample, tensorboard=self.tensorboard, rank=args.process_index, processes=args.world_size,
            expected=state.max_steps if state.max_steps > 0 else None,
        )  # fmt: skip
        self._meet(kwargs.get("optimizer"), kwargs.get("lr_scheduler"), resumed=state.global_step > 0)

    def _meet(self, optimizer: Any, scheduler: Any, resumed: bool) -> None:
        """What Accelerate wrapped is what makes the updates and is heard."""
        assert self.session is not None
        scheduler = getattr(scheduler, "scheduler", scheduler)
        functions = getattr(scheduler, "lr_lambdas", None)
        if functions:
            self.session.scheduler_made(scheduler, {"lr_lambda": functions[0]}, "")
        if resumed:
            self.session.loaded(getattr(optimizer, "optimizer", optimizer))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop the training if it has become what it was to be stopped on."""
        if self.session is not None and self.session.stopping:
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Tell what the Trainer logs: its mean loss and, of an evaluation, every value."""
        if self.session is not None and self.session.active:
            self.session.log(logs or {})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The training is over."""
        self._end("finished")

    def _end(self, reason: str, message: str = "") -> None:
        if self.session is not None:
            self.session.end(reason, message)
