"""`lright ablate`: its options, and what it does with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..drive.measured import Measure
from ..errors import LrightError, UsageError
from ..render.screen import Screen, screen_of
from .forms import FORMATS
from .plan import Plan, checked, direction, found_peak, read_peaks, read_schedules, read_seeds
from .words import counted

if TYPE_CHECKING:
    import argparse

    from .engines import Engine
    from .run import Ablation, Progress

INTERRUPTED = 130  # the exit code for Ctrl-C
SCHEDULES = "own,cosine to 0,warmup 5% > cosine to 0"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command, without the script."""
    what = parser.add_argument_group("what is compared").add_argument
    schedules = f"own is the script's (default: {SCHEDULES})".replace("%", "%%")
    what("--schedules", action="append", metavar="A,B", help=schedules)
    peaks = "how many peaks around the script's own LR, half a decade apart, or the LRs: 1e-3,3e-3 (default: 3)"
    what("--peaks", default="3", metavar="N|LRS", help=peaks)
    what("--from-find", metavar="FILE", help="--peaks N are around what lright find suggested in this file")
    what("--seeds", default="5", metavar="N|LIST", help="how many seeds from 0, or which: 3,5,8 (default: 5)")
    what("--metric", default="val_loss", metavar="NAME", help="what it is judged by (default: val_loss)")
    what("--mode", choices=("min", "max"), metavar="min|max", help="which is better (default: by the metric's name)")
    take = "the value of a run: its last (default), or its best, as with the best checkpoint kept"
    what("--take", choices=("final", "best"), default="final", metavar="final|best", help=take)
    runs = parser.add_argument_group("the runs").add_argument
    runs("--jobs", type=_count, default=0, metavar="N", help="how many at once (default: 1; on Ray: what fits)")
    runs("--devices", default="", metavar="0,1", help="GPUs of this machine, one for each of the runs at once")
    runs("--timeout", type=_seconds, metavar="SECONDS", help="a run that takes longer is ended and has failed")
    runs("--budget-runs", type=_count, metavar="N", help="make N runs now, and the rest another time")
    runs("--store", metavar="FILE", help="where runs are kept, to go on with (default: lright-ablate/SCRIPT.jsonl)")
    runs("--retry", action="store_true", help="make the runs again that crashed or took too long")
    runs("--fresh", action="store_true", help="make all runs again")
    runs("--keep-traces", metavar="FOLDER", help="keep what lright recorded of each run there")
    ray = parser.add_argument_group("on a Ray cluster").add_argument
    ray("--engine", choices=("local", "ray"), default="local", metavar="local|ray", help="where the runs run")
    ray("--ray-address", metavar="ADDRESS", help="the cluster (default: RAY_ADDRESS, else one started on this machine)")
    ray("--ray-cpus", type=_seconds, default=1.0, metavar="N", help="CPUs for a run (default: 1)")
    ray("--ray-gpus", type=_share, default=0.0, metavar="N", help="GPUs for a run; 0.5 lets two share one (default: 0)")
    ray("--ray-working-dir", metavar="FOLDER", help="a folder with the script that is sent to the machines")
    shown = parser.add_argument_group("what is shown").add_argument
    shown("--format", choices=FORMATS, metavar="|".join(FORMATS), help="how to show it (default: text)")
    shown("-o", "--output", metavar="FILE", help="write it to a file too: .svg, .png, .json, .csv, .txt")
    shown("-q", "--quiet", action="store_true", help="no line for each run")


def run(
    asked: argparse.Namespace, script: str, script_arguments: Sequence[str], measure: Measure | None = None
) -> int:
    """Make the runs that are missing and report on all of them. 0 when it is complete or the budget is used up.

    Ctrl-C keeps what there is, reports on it and gives 130. Raises `LrightError` for what cannot be run or told.
    """
    from .run import Ablation
    from .store import Store

    plan = plan_of(asked, script, script_arguments)
    format = _format(asked)
    path = Path(asked.store or Path("lright-ablate") / f"{Path(script).stem}.jsonl")
    store = Store(path)
    ablation = Ablation(
        plan, store, _engine(asked), measure or _measure(), budget=asked.budget_runs, retry=asked.retry,
        fresh=asked.fresh, timeout=asked.timeout, traces=_folder(asked.keep_traces),
    )  # fmt: skip
    tell = _Teller(plan, asked.quiet)
    tell.begin(ablation, path)
    code = 0
    try:
        ablation.carry_out(tell)
    except KeyboardInterrupt:
        print(f"lright: interrupted; the runs made are kept in {path}, the same command goes on", file=sys.stderr)
        code = INTERRUPTED
    _show(ablation, format, asked.output)
    return code


def plan_of(asked: argparse.Namespace, script: str, script_arguments: Sequence[str]) -> Plan:
    """The plan that the options describe."""
    if asked.seed is not None:
        raise UsageError("--seed is for a single run: name the seeds with --seeds, as in --seeds 3,5,8")
    around = found_peak(asked.from_find) if asked.from_find else None
    if asked.from_find and not asked.peaks.strip().isdigit():
        raise UsageError("--from-find says where the peaks are, and --peaks names others: give a number of peaks")
    return checked(
        Plan(
            script,
            tuple(script_arguments),
            read_schedules(asked.schedules or [SCHEDULES]),
            read_peaks(asked.peaks, around),
            read_seeds(asked.seeds),
            asked.metric,
            asked.mode or direction(asked.metric),
            asked.take,
            asked.module,
        )
    )


class _Teller:
    """A line for each run, on standard error."""

    def __init__(self, plan: Plan, quiet: bool) -> None:
        self.plan, self.quiet = plan, quiet

    def begin(self, ablation: Ablation, path: Path) -> None:
        """What is about to happen."""
        if ablation.store.torn:
            print(f"lright: {path}: passed over {ablation.store.torn} broken line(s)", file=sys.stderr)
        if self.quiet:
            return
        plan, planned = self.plan, len(ablation.keys)
        grid = " x ".join((counted(len(plan.schedules), "schedule"), counted(len(plan.peaks), "peak"),
                           counted(len(plan.seeds), "seed")))  # fmt: skip
        extra = planned - len(plan.schedules) * len(plan.peaks) * len(plan.seeds)
        more = " + the script as it is" if extra else ""
        kept = f", {ablation.kept} of them kept in {path}" if ablation.kept else f", kept in {path}"
        print(f"{plan.script}: {planned} runs ({grid}{more}){kept}", file=sys.stderr)

    def __call__(self, progress: Progress) -> None:
        if self.quiet:
            return
        outcome = progress.last
        value = outcome.value(self.plan.mode, self.plan.take)
        told = outcome.why if value is None else f"{self.plan.metric} {value:.4g}"
        left = f"; about {_time(progress.left)} left" if progress.left is not None else ""
        width = len(str(progress.planned))
        place = f"[{progress.done:>{width}}/{progress.planned}]"
        print(f"{place} {outcome.job}: {told}, {_time(outcome.measured.seconds)}{left}", file=sys.stderr, flush=True)


def _time(seconds: float) -> str:
    """A time in its two largest units.

    >>> _time(7.24), _time(75), _time(4020)
    ('7.2 s', '1 min 15 s', '1 h 7 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _show(ablation: Ablation, format: str, output: str | None) -> None:
    from .compare import analyse
    from .forms import drawn
    from .report import text
    from .words import Words

    outcomes = list(ablation.outcomes.values())
    if not outcomes:
        raise LrightError("no run was made: there is nothing to tell")
    words = Words(analyse(ablation.plan, outcomes), len(ablation.keys))
    screen = screen_of(sys.stdout)
    if output is None:
        print(drawn(words, format, screen), end="")
        return
    made = drawn(words, format, Screen() if format == "text" else screen)
    try:
        Path(output).write_bytes(made if isinstance(made, bytes) else made.encode())
    except OSError as error:
        raise LrightError(f"cannot write {output}: {error.strerror}") from None
    print(text(words, screen), end="")
    print(f"\n{output}: {'the picture' if format in ('svg', 'png') else format}")


def _format(asked: argparse.Namespace) -> str:
    """The format that was asked for, or that the file's ending says."""
    ending = Path(asked.output).suffix[1:].lower() if asked.output else "text"
    format: str = asked.format or {"txt": "text"}.get(ending, ending)
    if format not in FORMATS:
        raise UsageError(f"{asked.output}: the ending must be one of .svg, .png, .json, .csv, .txt, or give --format")
    if format == "png" and not asked.output:
        raise UsageError("a png is no text: name the file it goes to with --output ablation.png")
    return format


def _engine(asked: argparse.Namespace) -> Engine:
    from .engines import Local, Ray

    if asked.engine == "ray":
        return Ray(asked.jobs, asked.ray_address, asked.ray_cpus, asked.ray_gpus, asked.ray_working_dir)
    if asked.ray_address or asked.ray_working_dir:
        raise UsageError("--ray-address and --ray-working-dir are for --engine ray")
    devices = [device.strip() for device in asked.devices.split(",") if device.strip()]
    return Local(asked.jobs or max(len(devices), 1), devices)


def _measure() -> Measure:
    from ..drive import run as drive

    measure: Measure = drive.measure
    return measure


def _folder(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise LrightError(f"--keep-traces {path}: {error.strerror}") from None
    return os.path.abspath(path)


def _count(word: str) -> int:
    if word.isascii() and word.isdigit() and int(word) > 0:
        return int(word)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{word!r} is no count: give a whole number from 1")


def _seconds(word: str) -> float:
    value = _share(word)
    if value > 0:
        return value
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{word!r} is no number above 0")


def _share(word: str) -> float:
    from argparse import ArgumentTypeError
    from math import isfinite

    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if isfinite(value) and value >= 0:
        return value
    raise ArgumentTypeError(f"{word!r} is no number from 0")
