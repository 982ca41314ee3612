"""`lright watch` in a Keras training: a callback, for every backend.

    from lright.keras import Watch

    model.fit(x, y, epochs=3, callbacks=[Watch(stop_on=["diverged"])])
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import keras

from .finding import Finding
from .watch.leaving import at_exit, where_run
from .watch.recorder import Recorder

__all__ = ["Watch"]


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Records and judges a training: the LR and the loss of every update, and every metric of an epoch.

    Put it first among the callbacks: others may set the LR when a batch has ended. ``path``: the trace (JSONL,
    :mod:`lright.trace`), None to judge without one. ``stop_on``: conditions such as "diverged", a rule's id or slug:
    ``model.stop_training`` is set then. ``tensorboard``: a folder for event files besides. Raises UsageError for an
    unknown condition and LrightError where the trace cannot be written, both when the training begins.

    Keras tells a callback the mean loss since the epoch began; that of a batch is worked out from two of them, as if
    batches were of one size. With ``steps_per_execution`` the updates between two calls get their mean. Reading it
    waits for the batch, as every callback does that is not marked ``async_safe``. Keras tells nothing of an exception:
    the trace is ended when the process leaves, or by the next training. :attr:`recorder` has the findings, also after
    the training.
    """

    def __init__(
        self,
        path: str | None = "lright-trace.jsonl",
        *,
        stop_on: Iterable[str] = (),
        tensorboard: str | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.stop_on = tuple(stop_on)
        self.tensorboard = tensorboard
        self.recorder: Recorder | None = None
        self._stay: Callable[[], None] = lambda: None
        self._rate: _Rate | None = None
        self._mean = _Unmixed()
        self._epoch = 0
        self._micro = 0  # batches so far, of which some make an update together

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin the trace."""
        self._end("interrupted")  # of a training that raised
        script, arguments = where_run()
        optimizer = self.model.optimizer
        every = int(getattr(optimizer, "gradient_accumulation_steps", None) or 1)
        self._micro = int(optimizer.iterations) * every
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        self.recorder = Recorder(
            self.path, script=script, arguments=arguments, stop_on=self.stop_on, tensorboard=self.tensorboard,
            framework=f"keras {keras.__version__} ({keras.backend.backend()})", on_finding=_tell,
            expected=self._micro // every + steps * epochs // every if steps and epochs else None,
        )  # fmt: skip
        self._stay = at_exit(self._end)
        self._rate = _Rate(self.model, every)
        self._describe(optimizer, steps)

    def _updates(self) -> int:
        return self._micro // self._rate.every if self._rate is not None else 0

    def _describe(self, optimizer: Any, steps: int | None) -> None:
        assert self.recorder is not None and self._rate is not None
        group: dict[str, float] = {"lr": self._rate.of(self._updates()), "parameters": int(self.model.count_params())}
        for name in ("weight_decay", "momentum"):
            if isinstance(getattr(optimizer, name, None), (int, float)):
                group[name] = float(getattr(optimizer, name))
        self.recorder.optimizer(0, type(optimizer).__name__, [group])
        schedule = self._rate.schedule
        if schedule is not None:
            told = {name: value for name, value in schedule.get_config().items() if name != "name"}
            self.recorder.scheduler(0, type(schedule).__name__, "keras", 0, told)
        self.recorder.loader(0, steps, None)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """A pass over the data begins."""
        self._epoch = epoch
        self._mean = _Unmixed()
        if self.recorder is not None:
            self.recorder.epoch(0, epoch, True, self._updates())

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Tell the updates since the last call; stop if the training has become what it was to be stopped on."""
        recorder, rate = self.recorder, self._rate
        if recorder is None or rate is None:
            return
        done = self._mean.batches
        loss = self._mean.loss(batch + 1, (logs or {}).get("loss"))
        written = rate.written()
        for seen in range(done + 1, batch + 2):
            self._micro += 1
            if self._micro % rate.every == 0:
                self._updated(recorder, rate, written, loss, seen)
                written = False
            if rate.schedule is not None:
                recorder.tick(0, self._updates(), self._epoch, seen, True)

    def _updated(self, recorder: Recorder, rate: _Rate, written: bool, loss: float | None, batch: int) -> None:
        update = self._updates() - 1
        lrs = [rate.of(update)]
        if written:
            recorder.write(0, update, lrs)
        if recorder.update(0, update, lrs, loss, rate.every, epoch=self._epoch, batch=batch):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Tell the metrics of the epoch: those of the training and, named ``val_...``, of the validation."""
        if self.recorder is None:
            return
        for name, value in (logs or {}).items():
            if name not in ("lr", "learning_rate"):
                self.recorder.metric(name, float(value), self._updates(), epoch)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """The training is over."""
        self._end("finished")

    def _end(self, reason: str, message: str = "") -> None:
        recorder = self.recorder
        if recorder is None:
            return
        self._stay()
        if reason == "finished" and recorder.stopping:
            reason = "stopped"
            message = ", ".join(f"{f.rule} {f.slug}" for f in recorder.findings if f.rule in recorder.stop_on)
        recorder.end(reason, message)


class _Rate:
    """The LR of a model's optimizer at every update. A schedule is asked; a plain LR is what the variable holds.

    ``every``: batches that make one update together.
    """

    def __init__(self, model: Any, every: int) -> None:
        optimizer = model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
        given = getattr(inner, "_learning_rate", None)
        self.model = model
        self.every = every
        self.schedule = given if isinstance(given, keras.optimizers.schedules.LearningRateSchedule) else None
        self._asked = _compiled(self.schedule)
        self._place = next((at for at, variable in enumerate(optimizer.variables) if variable is given), None)
        self._value = 0.0
        self.written()

    def of(self, update: int) -> float:
        """The LR at an update. Keras asks a schedule for the number of the batch, also where several make an update."""
        if self._asked is None:
            return self._value
        return _shortest(self._asked((update + 1) * self.every - 1))

    def written(self) -> bool:
        """Whether somebody has set the LR since the last call."""
        if self.schedule is not None:
            return False
        before, self._value = self._value, self._read()
        return self._value != before

    def _read(self) -> float:
        """With JAX the variables of a model in training are empty: their values are in a state beside it."""
        state = getattr(self.model, "_jax_state", None)
        if state and self._place is not None:
            return _shortest(state["optimizer_variables"][self._place])
        return _shortest(self.model.optimizer.learning_rate)


def _compiled(schedule: Any) -> Callable[[int], Any] | None:
    """A schedule is a dozen small operations: with JAX, one by one, they cost more than a small model's batch."""
    if schedule is None or keras.backend.backend() != "jax":
        return cast("Callable[[int], Any] | None", schedule)
    import jax

    return cast("Callable[[int], Any]", jax.jit(schedule))


def _shortest(value: Any) -> float:
    """A number that Keras keeps in single precision, without the digits that are none.

    >>> _shortest(0.009999999776482582)
    0.01
    """
    return float(f"{float(value):.7g}")


class _Unmixed:
    """The losses behind a mean that grows batch by batch.

    >>> losses = _Unmixed()
    >>> losses.loss(1, 2.0), losses.loss(2, 1.5), losses.loss(4, 1.25)
    (2.0, 1.0, 1.0)
    """

    def __init__(self) -> None:
        self.batches = 0
        self._mean = 0.0

    def loss(self, batches: int, mean: Any) -> float | None:
        """The mean loss of the batches since the last call, from the mean of all ``batches`` of this epoch."""
        before, self.batches = self.batches, batches
        if mean is None:
            return None
        last, self._mean = self._mean, float(mean)
        if not abs(last) < float("inf"):  # a mean that is broken stays so: what follows is as broken
            return self._mean
        return (self._mean * batches - last * before) / (batches - before) if batches > before else self._mean


def _tell(finding: Finding) -> None:
    print(f"lright: {finding.rule} {finding.slug}: {finding.message}", file=sys.stderr, flush=True)
