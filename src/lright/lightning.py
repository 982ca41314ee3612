"""`lright watch` in a Lightning training: a callback.

>>> from lright.lightning import Watch
>>> watch = Watch(path="lright-trace.jsonl", stop_on=["diverged"])      # Trainer(callbacks=[watch]).fit(model, loader)
>>> watch.path
'lright-trace.jsonl'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

try:
    import lightning
    from lightning.pytorch import Callback
except ImportError:  # the older name of the same
    import pytorch_lightning as lightning  # type: ignore[import-not-found,no-redef]
    from pytorch_lightning import Callback  # type: ignore[no-redef]

from .torch.recording import SAMPLE
from .torch.session import Session

__all__ = ["Watch"]


class Watch(Callback):
    """Records and judges a training: every LR, the loss, sampled gradient norms, and what the module logs.

    ``path``: the trace (JSONL, :mod:`lright.trace`), None to judge without one. ``stop_on``: conditions such as
    "diverged", a rule's id or slug: ``trainer.should_stop`` is set then. ``sample``: updates between two measurements
    of gradient norm and update-to-weight ratio (each reads the device), 0 for none; the norm is that before clipping.
    ``tensorboard``: a folder for event files besides. Rank 0 alone writes. Raises UsageError for an unknown condition
    and LrightError where the trace cannot be written, both when the training begins.

    :attr:`session` has the findings (``session.recorder.findings``), also after the training.
    """

    def __init__(
        self,
        path: str | None = "lright-trace.jsonl",
        *,
        stop_on: Iterable[str] = (),
        sample: int = SAMPLE,
        tensorboard: str | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.stop_on = tuple(stop_on)
        self.sample = sample
        self.tensorboard = tensorboard
        self.session: Session | None = None

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Listen from here on: optimizers and schedulers are made next."""
        if stage != "fit":
            return
        self._end("interrupted")  # of a fit that raised where no hook told of it
        self.session = Session(
            path=self.path, framework=f"lightning {lightning.__version__}", stop_on=self.stop_on,
            sample=0, tensorboard=self.tensorboard, rank=trainer.global_rank, processes=trainer.world_size,
            expected=trainer.max_steps if trainer.max_steps > 0 else None,
        )  # fmt: skip

    def on_sanity_check_start(self, trainer: Any, pl_module: Any) -> None:
        """The trial of the validation loop is no evaluation."""
        if self.session is not None:
            self.session.deaf = True

    def on_sanity_check_end(self, trainer: Any, pl_module: Any) -> None:
        """Listen to evaluations again."""
        if self.session is not None:
            self.session.deaf = False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The length of the training is known now."""
        length = trainer.estimated_stepping_batches
        if self.session is not None and length != float("inf"):
            self.session.expect(int(length))

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """The gradients are complete here: Lightning calculates them inside of the optimizer's ``step``."""
        if self.session is not None and self.sample:
            self.session.measure(optimizer, self.sample)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop the training if it has become what it was to be stopped on."""
        if self.session is not None and self.session.stopping:
            trainer.should_stop = True

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Tell what validation logged."""
        if self.session is not None and not trainer.sanity_checking:
            self.session.log(trainer.callback_metrics, changed=True)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Tell what was logged of the epoch."""
        if self.session is not None:
            self.session.log(trainer.callback_metrics, changed=True)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The training was interrupted or raised."""
        from .watch.leaving import reason_of

        self._end(*reason_of(exception))

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """The training is over."""
        self._end("finished")

    def _end(self, reason: str, message: str = "") -> None:
        if self.session is not None:
            self.session.end(reason, message)
