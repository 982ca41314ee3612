"""Recording a script that runs as it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import torch

from ...finding import Finding
from ...render.live import Live
from ...torch.instruments import Listener, instruments
from ...torch.recording import SAMPLE, Tracer
from ...torch.session import ALREADY, SPEED
from ...watch.recorder import Recorder
from ..job import End, Job
from .conductor import Conductor


class Recording(Conductor):
    """Tells the recorder what the script does, and stops it on what it was asked to stop on."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        told: dict[str, Any] = dict(job.options)
        self.view = _view(told)
        self.told = self.view.say if self.view is not None else _print
        expected = told.get("expected")
        self.recorder = Recorder(
            told.get("trace"), script=job.script, arguments=job.arguments, rank=self.rank,
            processes=int(os.environ.get("WORLD_SIZE", "1")), framework=f"torch {torch.__version__}",
            stop_on=told.get("stop_on", ()), live=self.view, tensorboard=told.get("tensorboard"),
            resume=bool(told.get("resume", True)), expected=expected, judge=... if told.get("judge", True) else None,
            on_finding=lambda finding: self.told(announced(finding)),
        )  # fmt: skip
        self.tracer = Tracer(self.recorder, int(told.get("sample", SAMPLE)))

    def install(self, stack: ExitStack) -> None:
        super().install(stack)
        stack.enter_context(instruments(self.tracer))  # after the conductor, which may set the LR that is recorded
        if self.view is not None:
            stack.enter_context(self.view)

    def after_update(self, optimizer: Any) -> None:
        if self.tracer.stopping:
            self.tracer.finish()
            names = ", ".join(f"{f.rule} {f.slug}" for f in self.recorder.findings if f.rule in self.recorder.stop_on)
            self.stop(names)

    def metrics(self, values: Mapping[str, float]) -> None:
        self.tracer.metrics({name: value for name, value in values.items() if is_metric(name)})

    @property
    def listeners(self) -> tuple[Listener, ...]:
        return (self, self.tracer)

    def ended(self, reason: str, message: str) -> End:
        self.updates = self.tracer.update
        return super().ended(reason, message)

    def finish(self, end: End) -> None:
        self.tracer.finish()
        self.recorder.end(end.reason, end.message)


def is_metric(name: str) -> bool:
    """Whether what a script logs under a name says how good it is: not how far or how fast it is, or at what LR.

    >>> is_metric("eval_loss"), is_metric("eval_runtime"), is_metric("epoch")
    (True, False, False)
    """
    return name not in ALREADY and not name.endswith(SPEED)


def announced(finding: Finding) -> list[str]:
    """A finding of a run that goes on, as it is said at once."""
    return [f"lright: {finding.rule} {finding.slug}: {finding.message}"]


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _view(told: Mapping[str, Any]) -> Any:
    return Live(sys.stderr, str(told.get("title", "")), told.get("expected")) if told.get("live") else None
