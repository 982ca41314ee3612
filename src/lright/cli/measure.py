"""`lright find`, `watch`, `run` and `ablate`: the commands that run somebody's script under instruments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UsageError
from .options import closest, count, number, one_of, parser_of, say, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..drive.find import Found
    from ..drive.watch import Watched

SCRIPT = "SCRIPT [OPTIONS] [-- SCRIPT ARGUMENTS]"


def find(arguments: list[str]) -> int:
    """Find the learning rate of a script: runs it, unchanged, through a range test, and stops it."""
    from ..find.search import SearchOptions
    from ..render.progress import Progress

    asked, script_arguments = _asked(_find_parser(), arguments)
    names = SearchOptions.__annotations__
    options = SearchOptions(**{name: getattr(asked, name) for name in names if getattr(asked, name, None) is not None})
    from ..drive import job
    from ..drive.find import find as drive

    quiet = not asked.show_output
    with Progress(None, "lright find", on=quiet and not asked.no_progress) as progress:
        found = drive(
            asked.script, script_arguments, options, optimizer=asked.optimizer, module=asked.module, seed=asked.seed,
            saves=job.KEPT if asked.allow_saves else job.WITHHELD, quiet=quiet, follow=_follow(progress),
        )  # fmt: skip
    if found is None:  # another rank speaks
        return 0
    if asked.output:
        found.answer.plot(asked.output)
    if asked.save:
        found.answer.save(asked.save)
    if asked.format == "json":
        import json

        print(json.dumps({**found.answer.to_dict(), **_of_script(asked, found)}, indent=2))
    else:
        _tell(found, asked)
    return 130 if found.answer.interrupted else 0


def _follow(progress: Any) -> Callable[[Mapping[str, Any]], object]:
    """Shows what the script's process tells of its progress."""
    last = ""

    def follow(told: Mapping[str, Any]) -> None:
        nonlocal last
        if told["segment"] != last:
            last = told["segment"]
        progress.total = told["steps"]
        loss = "" if told["loss"] is None else f", loss {told['loss']:.4g}"
        progress.update(told["step"], f"{told['segment']}, LR {told['lr']:.2g}{loss}")

    return follow


def _of_script(asked: argparse.Namespace, found: Found) -> dict[str, Any]:
    return {
        "script": asked.script, "optimizers": list(found.optimizers), "driven": asked.optimizer,
        "withheld": list(found.withheld),
    }  # fmt: skip


def _tell(found: Found, asked: argparse.Namespace) -> None:
    from ..render.find import page
    from ..render.screen import screen_of

    print(page(found.answer, screen_of(sys.stdout)))
    if len(found.optimizers) > 1:
        others = ", ".join(f"{i} {name}" for i, name in enumerate(found.optimizers))
        print(f"\noptimizers that made updates: {others}; driven: {asked.optimizer} (--optimizer N for another)")
    if found.withheld:
        print(f"\nnot written: {_some(found.withheld)} (--allow-saves lets the script write)")
    for path in (asked.output, asked.save):
        if path:
            print(f"written: {path}")


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _find_parser() -> argparse.ArgumentParser:
    parser = parser_of("find", SCRIPT, find)
    _script(parser)
    test = parser.add_argument_group("the test").add_argument
    test("--steps", type=count, metavar="N", help="updates of a sweep (default: 200)")
    test("--start", type=number, metavar="LR", help="the lowest LR (default: 1e-6)")
    test("--end", type=number, metavar="LR", help="the highest LR (default: 10)")
    test("--seeds", type=count, metavar="N", help="sweeps, over other batches each (default: 1)")
    test("--trials", type=count, metavar="N", help="train briefly at N rates around the suggestion: 3 or more")
    test("--trial-steps", type=count, metavar="N", help="updates of a trial (default: 60)")
    test("--optimizer", type=_index, default=0, metavar="N", help="which optimizer, by first update, from 0 (GANs)")
    test("--allow-saves", action="store_true", help="let the script write checkpoints and logs meanwhile")
    shown = parser.add_argument_group("what is shown").add_argument
    shown("--format", type=one_of(("text", "json")), default="text", metavar="text|json", help="how to show it")
    shown("-o", "--output", metavar="FILE", help="write the picture: .svg or .png")
    shown("--save", metavar="FILE", help="write the answer as JSON, for lright plan --from-find FILE")
    shown("--show-output", action="store_true", help="show what the script prints")
    shown("--no-progress", action="store_true", help="no progress bar")
    return parser


def watch(arguments: list[str]) -> int:
    """Watch a script while it trains: record it, judge it by the rules, report at the end."""
    from ..drive.watch import watch as drive

    asked, script_arguments = _asked(_watch_parser("watch", watch), arguments)
    return _report(drive(asked.script, script_arguments, **_watching(asked)), asked)


def run(arguments: list[str]) -> int:
    """Run a script with another learning-rate schedule, without changing it, and watch it."""
    from ..drive.run import run as drive

    parser = _watch_parser("run", run)
    other = parser.add_argument_group("the schedule").add_argument
    other("--schedule", metavar="WORDS", help="as in 'warmup 5%% > cosine to 0' (default: the script's own)")
    other("--peak", type=number, metavar="LR", help="its highest LR (default: that of the script)")
    other("--scale", type=number, metavar="X", help="the script's own LR times X")
    asked, script_arguments = _asked(parser, arguments)
    if asked.schedule is None and asked.peak is None and asked.scale is None:
        raise UsageError("lright run needs --schedule, --peak or --scale; lright watch runs a script as it is")
    if asked.peak is not None and asked.scale is not None:
        raise UsageError("--peak and --scale contradict each other: give one of them")
    told = drive(
        asked.script, script_arguments, schedule=asked.schedule, peak=asked.peak, scale=asked.scale, **_watching(asked)
    )
    return _report(told, asked, replaced=True)


def _watching(asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "trace": asked.record, "stop_on": [w for group in asked.stop_on for w in group.split(",")],
        "updates": asked.updates, "sample": asked.sample, "tensorboard": asked.tensorboard,
        "view": not asked.no_view, "resume": not asked.new, "module": asked.module, "seed": asked.seed,
    }  # fmt: skip


def _report(watched: Watched | None, asked: argparse.Namespace, replaced: bool = False) -> int:
    """The report of a watched run; the exit code is the script's, or 1 where it ended well with findings."""
    if watched is None:
        return 0
    from ..render import watch as drawn
    from ..render.screen import screen_of

    if asked.csv:
        with open(asked.csv, "w", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in watched.trace.csv())
    if asked.format == "json":
        import json

        print(json.dumps(drawn.as_dict(watched.trace, predicted=watched.predicted), indent=2))
    else:
        say(drawn.page(watched.trace, screen_of(sys.stdout), predicted=watched.predicted, replaced=replaced))
        print(f"\nrecorded: {asked.record}")
    planned, made = watched.end.planned, watched.end.updates
    if planned and abs(planned - made) > 0.01 * planned and watched.end.reason == "finished":
        print(f"lright: the schedule was made for {planned:,} updates and the run made {made:,}: give --updates {made}",
              file=sys.stderr)
    return watched.code or int(any(row["severity"] != "info" for row in watched.trace.findings))


def _watch_parser(name: str, command: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    parser = parser_of(name, SCRIPT, command)
    _script(parser)
    recorded = parser.add_argument_group("what is recorded").add_argument
    recorded("--record", default="lright-trace.jsonl", metavar="FILE", help="the trace (default: lright-trace.jsonl)")
    recorded("--new", action="store_true", help="do not continue a run that broke off in that file")
    recorded("--csv", metavar="FILE", help="the updates as a table too")
    recorded("--tensorboard", metavar="FOLDER", help="event files for TensorBoard too")
    every = "gradient norm and update-to-weight ratio every N updates (default: 50; 0: never)"
    recorded("--sample", type=_index, metavar="N", help=every)
    recorded("--updates", type=count, metavar="N", help="how many updates the run makes, if the script hides it")
    judged = parser.add_argument_group("what is done about it").add_argument
    judged("--stop-on", action="append", default=[], metavar="A,B", help="stop the script on diverged, or on a rule")
    judged("--no-view", action="store_true", help="no live view")
    judged("--format", type=one_of(("text", "json")), default="text", metavar="text|json", help="of the report")
    return parser


def ablate(arguments: list[str]) -> int:
    """Compare schedules on a script by running it: schedules x peaks x seeds, with confidence intervals."""
    from ..ablate import command

    parser = parser_of("ablate", SCRIPT, ablate)
    _script(parser, seeded=False)
    command.add_options(parser)
    asked, script_arguments = _asked(parser, arguments)
    return command.run(asked, asked.script, script_arguments)


# What they share


def _script(parser: argparse.ArgumentParser, seeded: bool = True) -> None:
    add = parser.add_argument
    add("script", metavar="SCRIPT", help="the training script; its own arguments follow --")
    add("-m", "--module", action="store_true", help="SCRIPT is a module, as in python -m")
    if not seeded:
        parser.set_defaults(seed=None)
        return
    add("--seed", type=_index, metavar="N", help="move the seeds that the script sets by N, or set N")


def _asked(parser: argparse.ArgumentParser, arguments: list[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    """The options, and the arguments of the script."""
    own, script_arguments = split(arguments)
    asked, rest = parser.parse_known_args(own)
    if rest:
        known = [option for action in parser._actions for option in action.option_strings]
        hint = closest(rest[0].partition("=")[0], known) if rest[0].startswith("-") else ""
        raise UsageError(f"{rest[0]!r} is not for lright{hint}; the script's own arguments follow --")
    return asked, script_arguments


def _index(word: str) -> int:
    if word.isascii() and word.isdigit():
        return int(word)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{word!r} is no whole number from 0")
