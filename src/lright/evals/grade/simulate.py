"""Scripts as lright reads them: drawn and checked, never executed, and never longer than a few seconds."""

from __future__ import annotations

import ast
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import FrameType

from ...doctor import Options, check_source
from ...errors import LrightError
from ...finding import INFO, Curve, FileReport, Finding

LONGEST = 120_000  # characters: no script in an evaluation comes near
SECONDS = 10.0
BATCHES = 40  # the length of a loader that nobody knows


@dataclass(frozen=True)
class Drawn:
    """What reading a script shows; ``error`` says why nothing is shown."""

    findings: tuple[Finding, ...] = ()
    curves: tuple[Curve, ...] = ()
    report: FileReport | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


class TooLong(Exception):
    """The time for one script is over."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Stop the block after so many seconds, where the system can (an alarm needs the main thread)."""
    alarm = getattr(signal, "SIGALRM", None)
    if alarm is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(alarm, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(alarm, before)


def drawn(text: str, case: Mapping[str, float] | None = None) -> Drawn:
    """A script's findings and curves. ``case`` gives what the script leaves open: epochs, batches, lr.

    >>> drawn("import torch").curves
    ()
    >>> drawn("for").error
    'it is no Python: line 1'
    """
    return _drawn(text, tuple(sorted((case or {}).items())))


@lru_cache(maxsize=256)
def _drawn(text: str, case: tuple[tuple[str, float], ...]) -> Drawn:
    error = unreadable(text)
    if error:
        return Drawn(error=error)
    try:
        with limit(SECONDS):
            return _read(text, dict(case))
    except TooLong:
        return Drawn(error=f"it takes longer than {SECONDS:g} s to simulate")
    except (LrightError, RecursionError, MemoryError, ArithmeticError, ValueError) as problem:
        return Drawn(error=f"it cannot be read: {str(problem)[:200]}")


def unreadable(text: str) -> str:
    """Why a text is not a script; empty where it is one."""
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    try:
        ast.parse(text)
    except SyntaxError as problem:
        return f"it is no Python: line {problem.lineno or 1}"
    except (ValueError, RecursionError, MemoryError):
        return "it is no Python"
    return ""


def _read(text: str, case: Mapping[str, float]) -> Drawn:
    """Read a script; what it leaves open and the case knows is set, and it is read again."""
    report = check_source(text, "train.py", Options(fixes=False))
    settings = {name: value for name in report.unknown if (value := usual(name, case))}
    if settings:
        report = check_source(text, "train.py", Options(fixes=False, settings=settings))
    loud = tuple(finding for finding in report.findings if finding.severity != INFO)
    return Drawn(loud, report.curves, report, settings)


def usual(name: str, case: Mapping[str, float]) -> str:
    """The value of a name that a script leaves open, as ``--set`` takes it; empty where nobody knows.

    >>> usual("len(train_loader)", {"batches": 391}), usual("num_epochs", {"epochs": 90}), usual("x", {})
    ('391', '90', '')
    """
    low = name.lower()
    if low.startswith("len(") or "steps_per_epoch" in low or "per_epoch" in low:
        return f"{case.get('batches', BATCHES):g}"
    if "warm" in low:
        return ""
    if "epochs" in low and "epochs" in case:
        return f"{case['epochs']:g}"
    if low.rsplit(".", 1)[-1] in ("lr", "learning_rate", "base_lr", "max_lr") and "lr" in case:
        return f"{case['lr']:g}"
    return ""


@lru_cache(maxsize=1024)
def speaks(text: str, rules: tuple[str, ...], quiet: bool = False) -> bool:
    """Whether one of the rules finds something, asked for alone where another rule may speak for it; ``quiet``: remarks
    count too. A script that cannot be read says nothing."""
    known = drawn(text)
    if known.report is None:
        return False
    said = known.report.findings
    if any(finding.rule in rules and (quiet or finding.severity != INFO) for finding in said):
        return True
    if not said:  # nobody is there to speak for another
        return False
    try:
        with limit(SECONDS):
            alone = check_source(text, "train.py", Options(select=rules, settings=known.settings, fixes=False))
    except (TooLong, LrightError, RecursionError, MemoryError, ArithmeticError, ValueError):
        return False
    return any(quiet or finding.severity != INFO for finding in alone.findings)
