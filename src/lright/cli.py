"""The command line: one command a function, which imports its own rooms when it is called.

Exit codes: 0 nothing is left to say, 1 findings (or a diff, or a file that could not be read among others),
2 wrong usage or nothing that could be read, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence

from . import __version__
from .errors import LrightError, ReadError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn

    from .advise.recipes import Recipe
    from .doctor import Options
    from .finding import Curve, Edit, Failure, FileReport, Fix, Report
    from .observe.source.files import Input
    from .render.advice import Page
    from .render.plot import Plotted
    from .rules.base import Rule

HELP = """\
lright: what your learning rate really does, what is wrong, and a proved fix.

usage: lright check [PATHS...] [OPTIONS] [-- SCRIPT ARGUMENTS]

  lright check train.py                  check a training script, never executed
  lright check train.py -- --epochs 90   as it would run under this command line
  lright check train.py --fix            carry out the safe fixes (--diff: look)
  lright check . --format concise        a whole folder, one line a finding
  lright plan --model vit-b16            the schedule to use, with reasons
  lright ask "my loss is stuck since"    an answer to a question in your words
  lright recipes resnet50                published recipes: curve, code, source
  lright compare resnet50 deit-s         two schedules on one axis
  lright plot train.py                   draw the learning rate of a script
  lright plot "warmup 5ep > cosine"      or of a schedule in words
  lright rules                           the rules
  lright explain LR101                   one rule: what, why, bad, good, fix
  lright COMMAND --help                  all options of a command
  lright --version

Exit codes: 0 nothing to say, 1 findings, 2 wrong usage or nothing readable.
"""

FORMATS = ("full", "concise", "json")
ADVICE_FORMATS = ("text", "markdown", "json")
SEVERITIES = ("error", "warning", "info")
ROUNDS = 10  # of mending one file; each may open the way for the next


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code.

    >>> main(["--version"])
    lright ...
    0
    """
    try:
        try:
            code = _run(list(sys.argv[1:] if arguments is None else arguments))
        except SystemExit as done:  # argparse, after --help
            code = done.code if isinstance(done.code, int) else 0
        sys.stdout.flush()
    except LrightError as error:
        print(f"lright: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _run(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    name, *rest = arguments
    if name in ("-V", "--version"):
        print(f"lright {__version__}")
        return 0
    if name in COMMANDS:
        return COMMANDS[name](rest)
    if name.endswith(".py") or os.path.exists(name):
        raise UsageError(f"{name!r} is no command: did you mean 'lright check {name}'?")
    kind = "option" if name.startswith("-") else "command"
    raise UsageError(f"unknown {kind} {name!r}{_closest(name, [*COMMANDS, '--help', '--version'])}")


# lright check


def check(arguments: list[str]) -> int:
    """Check scripts, and mend them if that is asked."""
    from .observe.source import files

    arguments, script_arguments = _split(arguments)
    asked = _parse(_check_parser(), arguments)
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
        from .render.screen import screen_of

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
        from .observe.source import files

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
        from .doctor import check_source

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
        from .observe.source import files

        text, titles = read.text, list[str]()
        for _ in range(ROUNDS):
            text, report, done = self._round(text, report)
            titles += done
            if not done:
                break
        if self.asked.diff:
            self._show_diff(read, text, report.path)
            return report
        data = files.encode(text, read) if titles else read.data
        if read.path == files.STDIN:
            sys.stdout.buffer.write(data)
        elif titles:
            files.write_atomically(read.path, data, read.data)
        for title in titles:
            print(f"{report.path}: {self.screen.paint('mended', 'bold', 'green')}: {title}", file=self.beside)
        return report

    def _round(self, text: str, report: FileReport) -> tuple[str, FileReport, list[str]]:
        """Carry out the fixes that do not touch each other and together leave a readable file."""
        from .observe.source.edit import apply, overlapping

        chosen: list[Fix] = []
        for fix in self._wanted(report):
            if not any(overlapping(fix.edits, other.edits) for other in chosen):
                chosen.append(fix)
        while chosen:
            edited = apply(text, [edit for fix in chosen for edit in fix.edits])
            try:
                return edited, self._check(edited, report.path), [fix.title for fix in chosen]
            except ReadError:
                chosen.pop()
        return text, report, []

    def _wanted(self, report: FileReport) -> list[Fix]:
        from .render.terminal import visible

        fixes = [finding.fix for finding in visible(report.findings, self.asked.severity)]
        return [fix for fix in fixes if fix and fix.edits and (fix.safe or self.asked.unsafe_fixes)]

    def _show_diff(self, read: Input, text: str, path: str) -> None:
        from .render.code import painted_diff, unified
        from .render.screen import screen_of

        diff = unified(read.text, text, path)
        self.changes = self.changes or bool(diff)
        screen = screen_of(sys.stdout)
        if screen.color:
            _say(painted_diff(diff, screen))
        else:  # a patch: in the bytes of the file
            sys.stdout.flush()
            sys.stdout.buffer.write("".join(diff).encode(read.encoding.removesuffix("-sig"), "replace"))

    def finish(self) -> int:
        """Say what was found and give the exit code."""
        from .finding import Report
        from .render.terminal import visible

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
            from .render.jsonform import jsonform

            print(jsonform(report))
            return
        if not self.reports:
            return
        if self.asked.diff:
            from .render.terminal import summary

            if self.changes:
                print("With these changes:", file=self.beside)
            lines = summary(report, self.screen, severity=self.asked.severity)
        elif self.asked.format == "concise":
            from .render.concise import concise

            lines = concise(report, self.screen, severity=self.asked.severity)
        else:
            from .render.terminal import full

            lines = full(report, self.screen, _apply, severity=self.asked.severity)
        for line in lines:
            print(line, file=self.beside)


def _apply(source: str, edits: Sequence[Edit]) -> str:
    from .observe.source.edit import apply

    return apply(source, edits)


def _failure(error: LrightError, path: str = "") -> Failure:
    from .finding import Failure

    if isinstance(error, ReadError):
        return Failure(error.path, error.reason)
    return Failure(path, str(error).removeprefix(f"{path}: "))


def _split(arguments: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The arguments before ``--``, and the script's own after it."""
    if "--" not in arguments:
        return arguments, ()
    cut = arguments.index("--")
    return arguments[:cut], tuple(arguments[cut + 1 :])


def _check_parser() -> argparse.ArgumentParser:
    parser = _parser("check", "[PATHS...] [OPTIONS] [-- SCRIPT ARGUMENTS]", check)
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        metavar="PATHS",
        help="files, folders, or - for standard input (default: this folder)",
    )
    shape = parser.add_argument_group("what is shown").add_argument
    shape("--format", type=_one_of(FORMATS), default="full", metavar="|".join(FORMATS), help="how to show it")
    least = "the least severity that counts (default: warning)"
    shape("--severity", type=_one_of(SEVERITIES), default="warning", metavar="|".join(SEVERITIES), help=least)
    shape(
        "--select",
        action="append",
        default=[],
        metavar="A,B",
        help="only these rules: LR101, a slug, or LR1 for a family",
    )
    shape("--ignore", action="append", default=[], metavar="A,B", help="not these rules")
    known = parser.add_argument_group("what is known of the run").add_argument
    setting = 'the value of something in the script, as in --set epochs=90 or --set "len(train_loader)=391"'
    known("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help=setting)
    known("--processes", type=_count, metavar="N", help="how many processes train together")
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
    from .doctor import Options

    if asked.unsafe_fixes and not (asked.fix or asked.diff):
        print(
            "lright: --unsafe-fixes changes nothing alone: add --fix to write, --diff to look",
            file=sys.stderr,
        )
    return Options(
        arguments=script_arguments,
        settings=dict(asked.set),
        processes=asked.processes,
        select=_rule_ids(asked.select, "--select"),
        ignore=_rule_ids(asked.ignore, "--ignore"),
    )


# lright plot


def plot(arguments: list[str]) -> int:
    """Draw the curves of schedules: in words, as a framework's constructor, or those of a script."""
    from .render.plot import Options, plot_command
    from .render.screen import screen_of

    arguments, script_arguments = _split(arguments)
    asked = _parse(_plot_parser(), arguments)
    known = Options(**{name: getattr(asked, name) for name in Options._fields})
    drawn: list[str | Plotted] = []
    _for_words_only(asked)
    for spec in asked.paths:
        drawn += _of_script(spec, asked, script_arguments) if _is_script(spec) else [spec]
    print(plot_command(drawn, known, asked.output, asked.format, screen_of(sys.stdout)).rstrip("\n"))
    return 0


def _for_words_only(asked: argparse.Namespace) -> None:
    """Say it where an option about the training meets scripts alone, which say that themselves."""
    given = [name for name in ("peak", "epochs", "steps_per_epoch", "batch_size", "samples", "accumulate")
             if getattr(asked, name) is not None]  # fmt: skip
    if given and all(map(_is_script, asked.paths)):
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        print(
            f"lright: {options} has no effect on a script: use --set NAME=VALUE, or -- and its own options",
            file=sys.stderr,
        )


def _is_script(spec: str) -> bool:
    return spec == "-" or spec.endswith(".py") or os.path.isfile(spec)


def _of_script(path: str, asked: argparse.Namespace, script_arguments: tuple[str, ...]) -> list[Plotted]:
    """The curves of a script, or a LrightError that says what they need."""
    from .doctor import Options, check_source
    from .observe.source import files
    from .render.plot import Plotted
    from .render.terminal import drawable

    options = Options(script_arguments, dict(asked.set), asked.processes, fixes=False)
    name = "<stdin>" if path == files.STDIN else files.shown(path)
    report = check_source(files.read(path).text, name, options)
    curves = [curve for curve in report.curves if curve.points]
    if not curves and report.unknown:
        wanted = report.unknown[0]
        raise LrightError(f'{name}: its curve needs {", ".join(report.unknown)}: give it with --set "{wanted}=..."')
    if not curves:
        raise LrightError(f"{name}: no learning-rate schedule is seen in it: plot a schedule in words")
    from .records import replace

    several = len(curves) > 1
    return [Plotted(label := _label(name, curve, several), replace(drawable(curve), label=label)) for curve in curves]


def _label(name: str, curve: Curve, several: bool) -> str:
    if not several:
        return name
    return f"{name}: {curve.optimizer or 'optimizer'}, group {curve.group}"


def _training(known: Callable[..., object]) -> None:
    """The options that say what training a schedule is drawn for."""
    known("--peak", type=_number, metavar="LR", help="the highest learning rate (default: 1)")
    known("--epochs", type=_number, metavar="N", help="how long it is")
    known("--steps-per-epoch", type=_count, metavar="N", help="batches in an epoch")
    known("--batch-size", type=_count, metavar="N", help="samples in a batch")
    known("--samples", type=_count, metavar="N", help="samples in an epoch")
    known("--accumulate", type=_count, metavar="N", help="batches for one optimizer update")
    known("--processes", type=_count, metavar="N", help="how many processes train together")


def _plot_parser() -> argparse.ArgumentParser:
    parser = _parser("plot", "SCHEDULE|SCRIPT... [OPTIONS] [-- SCRIPT ARGUMENTS]", plot)
    example = "as in 'warmup 5ep > cosine to 0', 'StepLR(30) every epoch' or train.py"
    parser.add_argument("paths", nargs="+", metavar="SCHEDULE|SCRIPT", help=example)
    known = parser.add_argument_group("the training").add_argument
    _training(known)
    known(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value in the script",
    )
    drawn = parser.add_argument_group("the drawing").add_argument
    drawn("-o", "--output", metavar="FILE", help="write it to a file: .svg, .png, .html, .csv or .json")
    drawn(
        "--format",
        metavar="FORMAT",
        help="text, svg, png, html, csv or json (default: by the file, or text)",
    )
    return parser


# lright plan and lright ask


def plan(arguments: list[str]) -> int:
    """Plan the learning rate of a training: what it is, in flags, a YAML file or a script."""
    from .consult import pages, planned

    parser = _plan_parser()
    asked = _parse(parser, arguments)
    made = planned(_told(asked), asked.origin)
    if asked.format == "json":
        print(pages.json_of_plan(made))
    else:
        _show(pages.of_plan(made, asked.full), asked.format)
    return 0


def ask(arguments: list[str]) -> int:
    """Answer a question in your own words: as arguments, in a .md or .txt file, or on standard input (-)."""
    from .consult import ask as answered
    from .consult import pages
    from .observe.source import files

    asked = _parse(_ask_parser(), arguments)
    text = _question(" ".join(asked.paths))
    code = files.read(asked.code).text if asked.code else None
    answer = answered(text, code, {name.replace("-", "_"): value for name, value in asked.set}, asked.code or "")
    page = pages.of_answer(answer, asked.full, asked.plot)
    if asked.format == "json":
        from .render.advice import markdown

        print(pages.json_of_answer(answer, "\n".join(markdown(page))))
    else:
        _show(page, asked.format)
    return 0


def _question(words: str) -> str:
    """The question: the words themselves, a file of that name, or standard input."""
    from .observe.source import files

    if words in ("", "-"):
        return sys.stdin.read()
    return files.read(words).text if words.endswith((".md", ".txt")) and " " not in words else words


def _show(page: Page, format: str) -> None:
    from .render import advice
    from .render.screen import screen_of

    _say(advice.markdown(page) if format == "markdown" else advice.terminal(page, screen_of(sys.stdout)))


def _told(asked: argparse.Namespace) -> dict[str, str]:
    """The facts given as options, by name."""
    from .setting import FIELDS

    told = {name: getattr(asked, name) for name in FIELDS if getattr(asked, name) is not None}
    if asked.from_scratch:
        if told.get("pretrained"):
            raise UsageError("--from-scratch and --pretrained contradict each other: give one of them")
        told["pretrained"] = "no"
    return told


def _plan_parser() -> argparse.ArgumentParser:
    from .setting import FIELDS

    parser = _parser("plan", "[FACTS] [--from train.py|facts.yaml] [OPTIONS]", plan)
    option = parser.add_argument
    option("--from", dest="origin", metavar="FILE", help="read facts from a script (never executed) or a YAML file")
    option("--format", type=_one_of(ADVICE_FORMATS), default="text", help="text, markdown or json")
    option("--full", action="store_true", help="spell out the sources")
    fact = parser.add_argument_group("facts (what you do not know, leave out)").add_argument
    fact("--from-scratch", action="store_true", help="weights start at random")
    for field in FIELDS.values():
        name = "--" + field.name.replace("_", "-")
        told = f"{field.doc}: {', '.join(field.choices)}" if field.choices else field.doc
        if field.kind == "flag":
            fact(name, nargs="?", const="yes", metavar="yes|no", help=told)
        else:
            fact(name, metavar=field.kind.upper(), help=told)
    return parser


def _ask_parser() -> argparse.ArgumentParser:
    parser = _parser("ask", '"QUESTION" [--code train.py] [OPTIONS]', ask)
    option = parser.add_argument
    option("paths", nargs="*", metavar="QUESTION", help="what you train and what happens, in your own words")
    option("--code", metavar="FILE", help="a script that belongs to it: checked, never executed")
    option("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="correct a fact")
    option("--format", type=_one_of(ADVICE_FORMATS), default="text", help="text, markdown or json")
    option("--full", action="store_true", help="everything, with all sources")
    option("--plot", action="store_true", help="draw the schedule")
    return parser


# Published recipes


def recipes(arguments: list[str]) -> int:
    """List published recipes, all or those about some words; or show one in full: curve, facts, source, code."""
    from .advise import recipes as known
    from .render import recipes as drawn
    from .render.screen import screen_of

    asked = _parse(_recipes_parser(), arguments)
    text, screen = " ".join(asked.paths), screen_of(sys.stdout)
    found = known.named(text) or known.having(text) or [known.recipe(text)]
    if len(found) == 1:
        print(drawn.page_command(found[0], screen, asked.framework, asked.output, asked.format))
    elif asked.output or asked.framework or asked.format not in (None, "text", "json"):
        raise UsageError("--framework, --output and the formats of pictures are for one recipe: name it")
    elif asked.format == "json":
        print(drawn.as_json(found))
    else:
        _say(drawn.table(found, screen))
    return 0


def _recipes_parser() -> argparse.ArgumentParser:
    from .render.recipes import FORMATS as formats

    parser = _parser("recipes", "[NAME|WORDS...] [OPTIONS]", recipes)
    parser.add_argument("paths", nargs="*", metavar="NAME|WORDS", help="a recipe (gpt2), or what it is about (bert)")
    code = "the whole training as code for it: torch, transformers, keras ..."
    parser.add_argument("--framework", type=_exported, metavar="NAME", help=code)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the curve to a file: .svg, .png, .html or .csv")
    shown = f"how to show it: {', '.join(formats)}"
    parser.add_argument("--format", type=_one_of(formats), metavar="FORMAT", help=shown)
    return parser


def _exported(word: str) -> str:
    from .schedule.export import FRAMEWORKS as frameworks

    return _one_of(frameworks)(word)


def compare(arguments: list[str]) -> int:
    """Compare two schedules: recipes by name, schedules in words, or constructors as `lright plot` takes them."""
    from .render.plot import Options
    from .render.recipes import compare_command
    from .render.screen import screen_of

    asked = _parse(_compare_parser(), arguments)
    if len(asked.paths) != 2:
        raise UsageError(f"two schedules are compared, not {len(asked.paths)}: lright compare resnet50 vit-b16")
    known = Options(**{name: getattr(asked, name) for name in Options._fields})
    found = [_recipe_or_none(spec) for spec in asked.paths]
    print(compare_command(asked.paths, found, known, screen_of(sys.stdout), asked.output, asked.format))
    return 0


def _recipe_or_none(spec: str) -> Recipe | None:
    """The recipe that a spec names; None where it is a schedule. A word that is neither is no recipe."""
    from .advise.recipes import find, recipe
    from .schedule import Schedule

    found = find(spec)
    if found is None and spec.replace("-", "").replace("_", "").isalnum():
        try:
            Schedule.parse(spec)
        except LrightError:
            return recipe(spec)
    return found


def _compare_parser() -> argparse.ArgumentParser:
    from .render.recipes import FORMATS as formats

    parser = _parser("compare", "A B [OPTIONS]", compare)
    example = "gpt2, 'warmup 5ep > cosine to 0' or 'StepLR(30) every epoch'"
    parser.add_argument("paths", nargs="*", metavar="A B", help=example)
    _training(parser.add_argument_group("the training, where it is not that of a recipe").add_argument)
    drawn = parser.add_argument_group("the comparison").add_argument
    drawn("-o", "--output", metavar="FILE", help="write the curves to a file: .svg, .png, .html, .csv or .json")
    drawn("--format", type=_one_of(formats), metavar="FORMAT", help=f"how to show it: {', '.join(formats)}")
    return parser


# The rules, told


def rules(arguments: list[str]) -> int:
    """List the rules."""
    from .render import rulepage
    from .render.screen import screen_of
    from .rules import all_rules

    parser = _parser("rules", "[--format full|json]", rules)
    parser.add_argument("--format", type=_one_of(("full", "json")), default="full", help="how to show them")
    if _parse(parser, arguments).format == "json":
        print(rulepage.as_json(all_rules()))
    else:
        _say(rulepage.table(all_rules(), screen_of(sys.stdout)))
    return 0


def explain(arguments: list[str]) -> int:
    """Explain rules: what, why, bad, good, how safe the fix is, sources."""
    from .render import rulepage
    from .render.screen import screen_of
    from .rules import all_rules

    parser = _parser("explain", "RULE...", explain)
    parser.add_argument("rules", nargs="+", metavar="RULE", help="an id such as LR101, or a slug")
    chosen = _rule_ids(_parse(parser, arguments).rules, "explain")
    for rule in all_rules():
        if rule.id in chosen:
            _say(rulepage.page(rule, screen_of(sys.stdout)))
    return 0


def _rule_ids(wanted: Sequence[str], option: str) -> tuple[str, ...]:
    """The ids that ids, slugs and family prefixes stand for. Raises UsageError for what stands for none."""
    names = [name.strip() for group in wanted for name in group.split(",") if name.strip()]
    if not names:
        return ()
    from .rules import all_rules

    known = all_rules()
    chosen: list[str] = []
    for name in names:
        found = [rule.id for rule in known if _is_meant(rule, name)]
        if not found:
            everything = [word for rule in known for word in (rule.id, rule.slug)]
            raise UsageError(f"{option}: no rule {name!r}{_closest(name, everything)}; 'lright rules' lists them")
        chosen += [rule for rule in found if rule not in chosen]
    return tuple(chosen)


def _is_meant(rule: Rule, name: str) -> bool:
    upper = name.upper()
    return name.lower() == rule.slug or (upper.startswith("LR") and rule.id.startswith(upper))


# Reading the command line


def _parser(name: str, usage: str, command: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{message} (lright {name} --help lists the options)")

    return Parser(
        prog=f"lright {name}",
        usage=f"lright {name} {usage}",
        description=command.__doc__,
        allow_abbrev=False,
        # A width of its own spares argparse the import of shutil at every option.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=80),
    )


def _parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """The arguments as `argparse` reads them, options and paths in any order."""
    asked, rest = parser.parse_known_args(arguments)
    for word in rest:
        if word.startswith("-") and word != "-":
            known = [option for action in parser._actions for option in action.option_strings]
            parser.error(f"unknown option {word!r}{_closest(word.partition('=')[0], known)}")
        if not hasattr(asked, "paths"):
            parser.error(f"{word!r} is one argument too many")
        asked.paths.append(word)
    return asked


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def choose(word: str) -> str:
        if word in choices:
            return word
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{word!r} is none of {', '.join(choices)}{_closest(word, choices)}")

    return choose


def _setting(word: str) -> tuple[str, str]:
    from argparse import ArgumentTypeError

    name, equals, value = word.partition("=")
    if value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ArgumentTypeError(f"{word!r} is not a finite number, as in --set epochs=90")
    if equals and name.strip():
        return name.strip(), value.strip()

    raise ArgumentTypeError(f"{word!r} is not of the form NAME=VALUE, as in --set epochs=90")


def _count(word: str) -> int:
    if word.isascii() and word.isdigit() and int(word) > 0:
        return int(word)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{word!r} is no count: give a whole number from 1")


def _number(word: str) -> float:
    from argparse import ArgumentTypeError
    from math import isfinite

    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if isfinite(value) and value > 0:
        return value
    raise ArgumentTypeError(f"{word!r} is no number above 0")


def _closest(word: str, known: Iterable[str]) -> str:
    """A question to append: the known word that looks most like ``word``, or nothing."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f": did you mean {by_lower[close[0]]!r}?" if close else ""


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "check": check,
    "plan": plan,
    "ask": ask,
    "plot": plot,
    "recipes": recipes,
    "compare": compare,
    "rules": rules,
    "explain": explain,
}
