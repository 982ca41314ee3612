"""`lright check`: check scripts, and mend them if that is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..errors import LrightError, ReadError, UsageError
from ..naming import rule_ids
from .options import count, one_of, parse, parser_of, say, setting, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..doctor import Options
    from ..finding import Edit, Failure, FileReport, Finding, Report
    from ..observe.source.files import Input

FORMATS = ("full", "concise", "json")
SEVERITIES = ("error", "warning", "info")


def check(arguments: list[str]) -> int:
    """Check scripts, and mend them if that is asked."""
    from ..observe.source import files

    arguments, script_arguments = split(arguments)
    asked = parse(_check_parser(), arguments)
    if asked.diff and asked.format == "json":
        raise UsageError("--diff prints a patch and --format json a document: ask for one of them")
    options = _options(asked, script_arguments)
    paths, failures = files.find(asked.paths or ["."])
    session = _Session(asked, options)
    session.failures += [_failure(error) for error in failures]
    for path in paths:
        session.examine(path)
    return session.finish()


class _Session:
    """One run of `lright check`: what was asked, and what has come of it so far."""

    def __init__(self, asked: argparse.Namespace, options: Options) -> None:
        from ..render.screen import screen_of

        self.asked = asked
        self.options = options
        self.reports: list[FileReport] = []
        self.failures: list[Failure] = []
        self.changes = False  # --diff had something to show
        self.mends = bool(asked.fix or asked.diff)
        # A document, a patch or mended source has standard output for itself; the rest goes beside it.
        alone = asked.format == "json" or asked.diff or (asked.fix and "-" in asked.paths)
        self.beside = sys.stderr if alone else sys.stdout
        self.screen = screen_of(self.beside)

    def examine(self, path: str) -> None:
        """Check one file. What is wrong with it as a file is a failure, and the others are still checked."""
        from ..observe.source import files

        try:
            read = files.read(path, self.asked.stdin_filename)
            name = files.shown(self.asked.stdin_filename if path == files.STDIN else path)
            report = self._check(read.text, name)
            self.reports.append(self._mend(read, report) if self.mends else report)
        except UsageError:  # the command line is wrong, not the file
            raise
        except LrightError as error:
            self.failures.append(_failure(error, files.shown(path)))

    def _check(self, source: str, path: str) -> FileReport:
        from ..doctor import check_source

        try:
            return check_source(source, path, self.options)
        except RecursionError:
            raise ReadError(path, "is nested too deeply: simplify its longest expression") from None
        except LrightError:
            raise
        except Exception as error:
            if os.environ.get("LRIGHT_DEBUG"):
                raise
            # A mistake of ours with one file must not keep the others unchecked, nor look like health.
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise ReadError(
                path, f"lright failed on it ({what}): please report it; LRIGHT_DEBUG=1 shows where"
            ) from error

    def _mend(self, read: Input, report: FileReport) -> FileReport:
        """Carry out fixes until none is left, then write, print or show the outcome."""
        from ..mend import mend
        from ..observe.source import files

        mended = mend(read.text, report, lambda text: self._check(text, report.path), self._wanted)
        if self.asked.diff:
            self._show_diff(read, mended.text, report.path)
            return mended.report
        data = files.encode(mended.text, read) if mended.done else read.data
        if read.path == files.STDIN:
            sys.stdout.buffer.write(data)
        elif mended.done:
            files.write_atomically(read.path, data, read.data)
        for finding in mended.done:
            title = finding.fix.title if finding.fix else ""
            print(f"{report.path}: {self.screen.paint('mended', 'bold', 'green')}: {title}", file=self.beside)
        return mended.report

    def _wanted(self, report: FileReport) -> list[Finding]:
        from ..render.terminal import visible

        found = visible(report.findings, self.asked.severity)
        return [one for one in found if one.fix and (one.fix.safe or self.asked.unsafe_fixes)]

    def _show_diff(self, read: Input, text: str, path: str) -> None:
        from ..render.code import painted_diff, unified
        from ..render.screen import screen_of

        diff = unified(read.text, text, path)
        self.changes = self.changes or bool(diff)
        screen = screen_of(sys.stdout)
        if screen.color:
            say(painted_diff(diff, screen))
        else:  # a patch: in the bytes of the file
            sys.stdout.flush()
            sys.stdout.buffer.write("".join(diff).encode(read.encoding.removesuffix("-sig"), "replace"))

    def finish(self) -> int:
        """Say what was found and give the exit code."""
        from ..finding import Report
        from ..render.terminal import visible

        report = Report(self.reports, self.failures)
        self._print(report)
        if self.asked.format != "json":
            for failure in self.failures:
                print(f"{failure.path}: {failure.message}", file=sys.stderr)
            for name in self._unused_settings():
                print(f"lright: --set {name}: no script here has such a value", file=sys.stderr)
        if not self.reports:
            return 2
        left = any(visible(file.findings, self.asked.severity) for file in self.reports)
        return int(left or self.changes or bool(self.failures))

    def _unused_settings(self) -> list[str]:
        """The names given with --set that every file said it does not have."""
        said = [{skipped.reason.partition(": ")[0] for skipped in file.skipped} for file in self.reports]
        return [name for name in self.options.settings if said and all(f"--set {name}" in file for file in said)]

    def _print(self, report: Report) -> None:
        if self.asked.format == "json":
            from ..render.jsonform import jsonform

            print(jsonform(report))
            return
        if not self.reports:
            return
        if self.asked.diff:
            from ..render.terminal import summary

            if self.changes:
                print("With these changes:", file=self.beside)
            lines = summary(report, self.screen, severity=self.asked.severity)
        elif self.asked.format == "concise":
            from ..render.concise import concise

            lines = concise(report, self.screen, severity=self.asked.severity)
        else:
            from ..render.terminal import full

            lines = full(report, self.screen, _apply, severity=self.asked.severity)
        for line in lines:
            print(line, file=self.beside)


def _apply(source: str, edits: Sequence[Edit]) -> str:
    from ..observe.source.edit import apply

    return apply(source, edits)


def _failure(error: LrightError, path: str = "") -> Failure:
    from ..finding import Failure

    if isinstance(error, ReadError):
        return Failure(error.path, error.reason)
    return Failure(path, str(error).removeprefix(f"{path}: "))


def _check_parser() -> argparse.ArgumentParser:
    parser = parser_of("check", "[PATHS...] [OPTIONS] [-- SCRIPT ARGUMENTS]", check)
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        metavar="PATHS",
        help="files, folders, or - for standard input (default: this folder)",
    )
    shape = parser.add_argument_group("what is shown").add_argument
    shape("--format", type=one_of(FORMATS), default="full", metavar="|".join(FORMATS), help="how to show it")
    least = "the least severity that counts (default: warning)"
    shape("--severity", type=one_of(SEVERITIES), default="warning", metavar="|".join(SEVERITIES), help=least)
    shape(
        "--select",
        action="append",
        default=[],
        metavar="A,B",
        help="only these rules: LR101, a slug, or LR1 for a family",
    )
    shape("--ignore", action="append", default=[], metavar="A,B", help="not these rules")
    known = parser.add_argument_group("what is known of the run").add_argument
    value = 'the value of something in the script, as in --set epochs=90 or --set "len(train_loader)=391"'
    known("--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help=value)
    known("--processes", type=count, metavar="N", help="how many processes train together")
    known("--stdin-filename", default="<stdin>", metavar="F", help="what to call standard input")
    mend = parser.add_argument_group("fixes").add_argument
    mend("--fix", action="store_true", help="carry out the safe fixes, each proved by checking again")
    mend(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix or --diff: also those that make a choice for you",
    )
    mend("--diff", action="store_true", help="show what --fix would change, and change nothing")
    return parser


def _options(asked: argparse.Namespace, script_arguments: tuple[str, ...]) -> Options:
    from ..doctor import Options

    if asked.unsafe_fixes and not (asked.fix or asked.diff):
        print(
            "lright: --unsafe-fixes changes nothing alone: add --fix to write, --diff to look",
            file=sys.stderr,
        )
    return Options(
        arguments=script_arguments,
        settings=dict(asked.set),
        processes=asked.processes,
        select=rule_ids(asked.select, "--select"),
        ignore=rule_ids(asked.ignore, "--ignore"),
    )
