"""A recorded training that a framework's callbacks begin and end: for Lightning, transformers and Accelerate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import torch

from ..finding import Finding
from ..observe.live import Judge
from ..watch.leaving import at_exit, where_run
from ..watch.recorder import Recorder
from .instruments import instruments
from .recording import SAMPLE, Tracer

__all__ = ["Session", "tell"]

ALREADY = {"epoch", "step", "learning_rate", "lr", "grad_norm"}  # what a framework logs and the trace has anyway
SPEED = ("_runtime", "_per_second", "total_flos")  # endings of names that tell of the machine


def tell(finding: Finding) -> None:
    """Say a finding on standard error, in one line."""
    print(f"lright: {finding.rule} {finding.slug}: {finding.message}", file=sys.stderr, flush=True)


class Session(Tracer):
    """Hears the training of this process from now on, until :meth:`end`; tells the recorder.

    ``otherwise`` is how it ended where nobody said. The other parameters are those of
    :class:`lright.watch.recorder.Recorder`.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "trace.jsonl")
    >>> session = Session(path=path, framework="none")
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.param_groups[0]["params"][0].sum().backward()
    ...     optimizer.step()
    >>> session.end("finished")
    >>> from lright.trace import Trace
    >>> Trace.read(path).updates[0].rates()
    [0.1, 0.1]
    """

    def __init__(
        self,
        *,
        path: str | None,
        framework: str,
        stop_on: Iterable[str] = (),
        sample: int = SAMPLE,
        tensorboard: str | None = None,
        expected: int | None = None,
        rank: int = 0,
        processes: int = 1,
        on_finding: Callable[[Finding], object] | None = tell,
        otherwise: str = "interrupted",
    ) -> None:
        script, arguments = where_run()
        self.judge = Judge(expected)
        recorder = Recorder(
            path, script=script, arguments=arguments, rank=rank, processes=processes, framework=framework,
            stop_on=stop_on, tensorboard=tensorboard, judge=self.judge, on_finding=on_finding,
        )  # fmt: skip
        super().__init__(recorder, sample)
        self.deaf = False  # to evaluations: Lightning makes one for a trial before the training
        self.active = True
        self._told: dict[str, float] = {}
        self._instruments = ExitStack()
        self._instruments.enter_context(instruments(self))
        self._stay = at_exit(self.end, otherwise)

    def expect(self, updates: int) -> None:
        """How many updates the whole training will make, where that is known only now."""
        self.judge.trace.expected = updates

    def evaluation_loss(self, loss: torch.Tensor) -> None:
        if not self.deaf:
            super().evaluation_loss(loss)

    def log(self, values: Mapping[str, Any], changed: bool = False) -> None:
        """What the framework logs, as far as it is numbers; ``changed``: only what differs from last time."""
        told = _numbers(values).items()
        numbers = {name: value for name, value in told if name not in ALREADY and not name.endswith(SPEED)}
        self.metrics({n: value for n, value in numbers.items() if not changed or self._told.get(n) != value})
        self._told |= numbers

    def measure(self, optimizer: Any, every: int) -> None:
        """Measure one in ``every`` updates; for a framework that tells when the gradients are complete."""
        known = self._known(optimizer)
        if known is not None and known.update % every == 0:
            known.measure(optimizer)

    @property
    def why_stopped(self) -> str:
        """The findings for which the training was stopped, "" where it was not."""
        recorder = self.recorder
        return ", ".join(f"{f.rule} {f.slug}" for f in recorder.findings if f.rule in recorder.stop_on)

    def end(self, reason: str, message: str = "") -> None:
        """The training is over: finished, stopped, interrupted or crashed. A second call does nothing."""
        if not self.active:
            return
        self.active = False
        self._stay()
        self._instruments.close()
        self.finish()
        if reason == "finished" and self.stopping:
            reason, message = "stopped", self.why_stopped
        self.recorder.end(reason, message)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The values that are numbers, or tensors of one."""
    told = {}
    for name, value in values.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, (int, float)) or (getattr(value, "numel", None) and value.numel() == 1):
            told[str(name)] = float(value)
    return told
