"""The command line: what is read, what is shown, what is written, and the exit codes.

A stub stands in for the doctor, with answers that are easy to know: every ``bad()`` is an error with an
unsafe fix (``good()``), every ``poor()`` a warning with a safe one (``fair()``), every ``hint()`` an info,
and a file with ``broken(`` is no Python.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lright.cli import main
from lright.errors import ReadError
from lright.finding import Curve, Edit, FileReport, Finding, Fix, Skipped
from lright.timeline import Place

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Options:
    arguments: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: int | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fixes: bool = True


@dataclass(frozen=True)
class Rule:
    id: str
    slug: str
    severity: str
    summary: str = "A schedule sized in epochs is stepped once per batch."
    why: str = "The LR reaches its floor early.\n\nThen it rises."
    bad: tuple[str, ...] = ("for x in y:\n    bad()\n", "bad()\n")
    good: tuple[str, ...] = ("good()\n",)
    fix_safety: str = "Unsafe: it chooses."
    sources: tuple[str, ...] = ("torch documentation",)


RULES = (
    Rule("LR101", "bad-call", "error"),
    Rule("LR102", "poor-call", "warning"),
    Rule("LR213", "hint-call", "info"),
)
MENDS = {"bad()": ("good()", False), "poor()": ("fair()", True), "hint()": None}

ASKED: list[Options] = []


def check_source(source: str, path: str, options: Options) -> FileReport:
    ASKED.append(options)
    if "broken(" in source:
        raise ReadError(path, "line 1 is no Python: mend the syntax")
    findings = tuple(_findings(source, options))
    unused = [name for name in options.settings if name not in source]
    skipped = tuple(Skipped("*", f"--set {name}: the script has no such value") for name in unused)
    return FileReport(path, findings, {}, (), skipped, (), source, ("1 scheduler",))


def _findings(source: str, options: Options) -> Iterator[Finding]:
    for number, line in enumerate(source.splitlines(), 1):
        for rule, (call, mend) in zip(RULES, MENDS.items(), strict=True):
            if call not in line or rule.id in options.ignore or (options.select and rule.id not in options.select):
                continue
            column = line.index(call) + 1
            place = Place(number, column, number, column + len(call))
            fix = None
            if mend:
                edit = Edit((number, column), (number, place.end_column), mend[0])
                fix = Fix(f"call {mend[0]}", mend[1], (edit,), True)
            yield Finding(rule.id, rule.slug, rule.severity, "proven", place, f"{call} is called.", fix=fix)


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stubs in the place of the real doctor and rules."""
    ASKED.clear()
    doctor, rules = types.ModuleType("lright.doctor"), types.ModuleType("lright.rules")
    doctor.__dict__.update(Options=Options, check_source=check_source)
    rules.__dict__.update(all_rules=lambda: RULES, Rule=Rule)
    monkeypatch.setitem(sys.modules, "lright.doctor", doctor)
    monkeypatch.setitem(sys.modules, "lright.rules", rules)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the stub doctor, no colours and 80 columns."""
    install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def lright(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Result:
        code = main(arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def write(**sources: str) -> None:
    for name, source in sources.items():
        Path(f"{name}.py").write_text(source, encoding="utf-8", newline="")


# Exit codes


@pytest.mark.parametrize(
    ("source", "arguments", "code"),
    [
        ("x = 1\n", (), 0),
        ("", (), 0),
        ("bad()\n", (), 1),
        ("poor()\n", (), 1),
        ("poor()\n", ("--severity", "error"), 0),
        ("hint()\n", (), 0),
        ("hint()\n", ("--severity", "info"), 1),
        ("poor()\n", ("--fix",), 0),
        ("bad()\n", ("--fix",), 1),
        ("bad()\n", ("--fix", "--unsafe-fixes"), 0),
        ("bad()\n", ("--unsafe-fixes",), 1),
        ("bad()\n", ("--ignore", "LR101"), 0),
        ("bad()\n", ("--select", "poor-call"), 0),
        ("bad()\n", ("--select", "LR1"), 1),
        ("broken(\n", (), 2),
    ],
)
@pytest.mark.parametrize("shape", ["full", "concise", "json"])
def test_exit_codes(lright: Run, source: str, arguments: tuple[str, ...], code: int, shape: str) -> None:
    write(a=source)
    assert lright("check", "a.py", "--format", shape, *arguments).code == code


@pytest.mark.parametrize(("source", "code"), [("poor()\n", 1), ("bad()\n", 1), ("x = 1\n", 0), ("hint()\n", 0)])
def test_exit_codes_of_a_diff(lright: Run, source: str, code: int) -> None:
    write(a=source)
    assert lright("check", "a.py", "--diff").code == code


def test_an_unreadable_file_among_others_is_reported_and_the_rest_is_checked(lright: Run) -> None:
    write(a="x = 1\n", b="broken(\n")
    Path("c.py").write_bytes(b"\xff\xfe\0")
    result = lright("check", "a.py", "b.py", "c.py", "gone.py", "--format", "concise")
    assert result.code == 1
    assert result.out == "1 file checked (3 not read): nothing wrong found\n"
    assert result.err.splitlines() == [
        "b.py: line 1 is no Python: mend the syntax",
        "c.py: is UTF-16, which Python does not read either: save it as UTF-8",
        "gone.py: no such file or folder: check the name",
    ]


def test_a_notebook_is_refused_though_its_json_parses_as_python(lright: Run) -> None:
    Path("a.ipynb").write_text('{"cells": []}')
    result = lright("check", "a.ipynb")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("a.ipynb: is a notebook: make a script of it first")


def test_nothing_readable_is_2_and_says_why(lright: Run) -> None:
    Path("empty").mkdir()
    result = lright("check", "empty", "gone.py")
    assert (result.code, result.out) == (2, "")
    assert sorted(result.err.splitlines()) == [
        "empty: holds no Python file: name a folder that does",
        "gone.py: no such file or folder: check the name",
    ]
    result = lright("check", "gone.py", "--format", "json")
    assert result.code == 2
    assert json.loads(result.out)["errors"] == [
        {"path": "gone.py", "message": "no such file or folder: check the name"}
    ]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80))
def test_any_bytes_give_a_verdict_or_one_line(capsys: pytest.CaptureFixture[str], data: bytes) -> None:
    Path("fuzz.py").write_bytes(data)
    code = main(["check", "fuzz.py", "--format", "concise"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    if code == 2:
        assert captured.err.startswith("fuzz.py: ") and captured.err.count("\n") == 1
    else:
        assert captured.err == ""


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chekc", "a.py"), "unknown command 'chekc': did you mean 'check'?"),
        (("a.py",), "'a.py' is no command: did you mean 'lright check a.py'?"),
        (("--verson",), "unknown option '--verson': did you mean '--version'?"),
        (("check", "a.py", "--formt", "json"), "unknown option '--formt': did you mean '--format'?"),
        (("check", "a.py", "--formt=json"), "unknown option '--formt=json': did you mean '--format'?"),
        (
            ("check", "a.py", "--format", "jsn"),
            "'jsn' is none of full, concise, json: did you mean 'json'?",
        ),
        (("check", "a.py", "--format"), "argument --format: expected one argument"),
        (("check", "a.py", "--severity", "Warning"), "did you mean 'warning'?"),
        (("check", "a.py", "--set", "epochs"), "'epochs' is not of the form NAME=VALUE"),
        (("check", "a.py", "--set", "epochs=-inf"), "'epochs=-inf' is not a finite number"),
        (("check", "a.py", "--processes", "0"), "'0' is no count: give a whole number from 1"),
        (("check", "a.py", "--select", "LR999"), "--select: no rule 'LR999'"),
        (("check", "a.py", "--ignore", "bad-cal"), "no rule 'bad-cal': did you mean 'bad-call'?"),
        (("check", "a.py", "--diff", "--format", "json"), "ask for one of them"),
        (("explain", "LR1O1"), "explain: no rule 'LR1O1': did you mean 'LR101'?"),
        (("explain",), "the following arguments are required: RULE"),
        (("rules", "all"), "'all' is one argument too many"),
    ],
)
def test_wrong_usage(lright: Run, arguments: tuple[str, ...], message: str) -> None:
    write(a="x = 1\n")
    result = lright(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("lright: ") and result.err.count("\n") == 1
    assert message in result.err


def test_help(lright: Run) -> None:
    assert lright().out == lright("--help").out
    assert "lright check train.py" in lright().out
    assert max(map(len, lright().out.splitlines())) <= 80
    for command in ("check", "rules", "explain"):
        result = lright(command, "--help")
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith(f"usage: lright {command}")
    assert lright("--version").out.startswith("lright ")


# What the doctor is asked


def test_settings_and_script_arguments_reach_the_doctor(lright: Run) -> None:
    write(a="x = 1\n")
    lright(
        *("check", "--set", "epochs=90", "a.py", "--set", "len(loader) = 391", "--processes", "8"),
        *("--select", "LR1,hint-call", "--ignore", "poor-call", "--", "--epochs", "9", "--", "--fix"),
    )
    assert [
        Options(
            ("--epochs", "9", "--", "--fix"),
            {"epochs": "90", "len(loader)": "391"},
            8,
            ("LR101", "LR102", "LR213"),
            ("LR102",),
        )
    ] == ASKED


@pytest.mark.parametrize("shape", ["full", "concise"])
def test_a_setting_that_no_script_has_is_named_once(lright: Run, shape: str) -> None:
    write(a="epochs = 1\n", b="x = 1\n")
    result = lright("check", ".", "--set", "epochs=9", "--set", "epoch_count=9", "--format", shape)
    assert (result.code, result.err) == (0, "lright: --set epoch_count: no script here has such a value\n")
    assert "--set" not in result.out


def test_files_come_in_a_fixed_order_and_options_anywhere(lright: Run) -> None:
    write(b="bad()\n", a="poor()\n", c="x = 1\n")
    Path("sub").mkdir()
    Path("sub/z.py").write_text("bad()\n")
    result = lright("check", "sub", "--format", "concise", ".")
    assert result.out.splitlines() == [
        "sub/z.py:1:1: error LR101 bad() is called.",
        "a.py:1:1: warning LR102 [*] poor() is called.",
        "b.py:1:1: error LR101 bad() is called.",
        "4 files checked: 2 errors, 1 warning",
        "1 fixable with --fix, 2 more with --fix --unsafe-fixes",
    ]
    assert lright("check", "--format", "concise").out == lright("check", ".", "--format", "concise").out


# Standard input


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_standard_input(lright: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, b"bad()\n")
    assert lright("check", "-", "--format", "concise").out.startswith("<stdin>:1:1: error LR101 ")
    feed(monkeypatch, b"bad()\n")
    result = lright("check", "-", "--stdin-filename", "src/a.py", "--format", "json")
    assert json.loads(result.out)["findings"][0]["path"] == "src/a.py"


def test_closed_standard_input_is_nothing_readable(lright: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    result = lright("check", "-")
    assert (result.code, result.out) == (2, "")
    assert result.err == "<stdin>: standard input is closed: name a file, or pipe the script in\n"


def test_mending_standard_input_writes_the_source_and_reports_beside_it(
    lright: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, "poor(); é = 1\r\nbad()".encode())
    result = lright("check", "-", "--fix")
    assert result.out == "fair(); é = 1\r\nbad()"
    assert "<stdin>: mended: call fair()" in result.err and "1 file checked: 1 error" in result.err
    feed(monkeypatch, b"x = 1\n")
    assert lright("check", "-", "--fix").out == "x = 1\n"


# Fixes


def test_fix_carries_out_the_safe_ones_and_says_so(lright: Run) -> None:
    write(a="poor()\r\nbad()\r\npoor()\r\n")
    result = lright("check", "a.py", "--fix", "--format", "concise")
    assert Path("a.py").read_bytes() == b"fair()\r\nbad()\r\nfair()\r\n"
    assert result.out.splitlines() == [
        "a.py: mended: call fair()",
        "a.py: mended: call fair()",
        "a.py:2:1: error LR101 bad() is called.",
        "1 file checked: 1 error",
        "1 fixable with --fix --unsafe-fixes (--diff --unsafe-fixes shows how)",
    ]
    result = lright("check", "a.py", "--fix", "--unsafe-fixes", "--format", "json")
    assert json.loads(result.out)["findings"] == []
    assert Path("a.py").read_bytes() == b"fair()\r\ngood()\r\nfair()\r\n"


def test_fixes_are_limited_to_what_is_asked_for(lright: Run) -> None:
    write(a="poor()\nbad()\n")
    lright("check", "a.py", "--fix", "--unsafe-fixes", "--severity", "error")
    assert Path("a.py").read_text() == "poor()\ngood()\n"


def test_one_fix_may_open_the_way_for_the_next(lright: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MENDS, "bad()", ("poor()", False))
    write(a="bad()\n")
    assert lright("check", "a.py", "--fix", "--unsafe-fixes").code == 0
    assert Path("a.py").read_text() == "fair()\n"


def test_fixes_that_never_end_are_stopped(lright: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MENDS, "poor()", (" poor()", True))
    write(a="poor()\n")
    assert lright("check", "a.py", "--fix").code == 1
    assert Path("a.py").read_text() == " " * 10 + "poor()\n"


def test_fixes_that_break_the_file_together_are_not_carried_out_together(
    lright: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MENDS, "bad()", ("broken(", False))
    write(a="poor()\nbad()\n")
    result = lright("check", "a.py", "--fix", "--unsafe-fixes")
    assert (result.code, Path("a.py").read_text()) == (1, "fair()\nbad()\n")


def test_diff_is_a_patch_and_writes_nothing(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    Path("sub").mkdir()
    source = b"# coding: latin-1\r\nx = '\xe9'\r\npoor()\r\nbad()"
    Path("sub/a.py").write_bytes(source)
    assert main(["check", "sub/a.py", "--diff", "--unsafe-fixes"]) == 1
    assert Path("sub/a.py").read_bytes() == source
    patch = capsysbinary.readouterr().out
    subprocess.run(["git", "apply", "-p0"], input=patch, check=True)
    assert Path("sub/a.py").read_bytes() == source.replace(b"poor", b"fair").replace(b"bad", b"good")


def test_the_summary_of_a_diff_is_of_what_it_would_leave(lright: Run) -> None:
    write(a="poor()\n")
    result = lright("check", "a.py", "--diff")
    assert result.err == "With these changes:\n1 file checked: nothing wrong found\n"
    assert lright("check", "a.py", "--diff", "--ignore", "LR1").err == "1 file checked: nothing wrong found\n"


def test_unsafe_fixes_alone_change_nothing_and_say_so(lright: Run) -> None:
    write(a="bad()\n")
    result = lright("check", "a.py", "--unsafe-fixes")
    assert Path("a.py").read_text() == "bad()\n"
    assert result.err == "lright: --unsafe-fixes changes nothing alone: add --fix to write, --diff to look\n"


def test_a_file_that_cannot_be_written_back_is_reported_and_left(lright: Run) -> None:
    data = b'#coding: iso2022_jp\npoor()\n\x1b$B$"\x1b(B\x1b(B\n'
    Path("a.py").write_bytes(data)
    write(b="poor()\n")
    result = lright("check", "a.py", "b.py", "--fix")
    assert (result.code, Path("a.py").read_bytes(), Path("b.py").read_text()) == (1, data, "fair()\n")
    assert result.err == "a.py: cannot be written back as iso2022_jp: save it as UTF-8\n"


# Rules


def test_rules_and_explain(lright: Run) -> None:
    out = lright("rules").out
    assert "LR101  error    bad-call" in out and "Length: how long" in out
    assert max(map(len, out.splitlines())) <= 80
    page = lright("explain", "LR101").out
    assert page == lright("explain", "bad-call").out == lright("explain", "lr101").out
    for piece in (
        "LR101 bad-call (error)",
        "Why it matters",
        "Then it rises.",
        "│     bad()",
        "- torch docu",
    ):
        assert piece in page
    assert [rule["id"] for rule in json.loads(lright("rules", "--format", "json").out)] == [
        "LR101",
        "LR102",
        "LR213",
    ]
    assert "LR101" in lright("explain", "LR1").out and "LR102" in lright("explain", "LR1").out


# The process


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)


def test_module_and_version() -> None:
    done = python("-m", "lright", "--version")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("lright ")
    assert python("-m", "lright", "nope").returncode == 2


def test_a_closed_pipe_is_quiet() -> None:
    script = f"'{sys.executable}' -m lright --help | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    for _ in range(3):
        done = subprocess.run(["sh", "-c", script], capture_output=True, env=environment, check=False)
        assert done.stderr == b""


def test_an_interrupt_is_quiet(lright: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: str, path: str, options: object) -> None:
        raise KeyboardInterrupt

    write(a="x = 1\n")
    monkeypatch.setattr(sys.modules["lright.doctor"], "check_source", interrupted)
    assert lright("check", "a.py") == Result(130, "", "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RecursionError(), "is nested too deeply: simplify its longest expression"),
        (
            OverflowError("too\nlarge"),
            "lright failed on it (OverflowError: too large): please report it; LRIGHT_DEBUG=1 shows where",
        ),
    ],
)
def test_what_fails_on_one_file_is_one_line_and_the_others_are_checked(
    lright: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def failing(source: str, path: str, options: Options) -> FileReport:
        if path == "a.py":
            raise error
        return check_source(source, path, options)

    write(a="x = 1\n", b="bad()\n")
    monkeypatch.setattr(sys.modules["lright.doctor"], "check_source", failing)
    result = lright("check", "a.py", "b.py", "--format", "concise")
    assert (result.code, result.err) == (1, f"a.py: {line}\n")
    assert result.out.startswith("b.py:1:1: error")
    if isinstance(error, OverflowError):
        monkeypatch.setenv("LRIGHT_DEBUG", "1")
        with pytest.raises(OverflowError):
            lright("check", "a.py")


def test_help_imports_almost_nothing() -> None:
    code = "import sys; from lright.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = python("-c", code).stderr.split()
    assert not {"argparse", "ast", "json", "dataclasses", "re", "typing", "subprocess"} & set(loaded)


# Plots


def test_plot_draws_words_and_scripts_alike(lright: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def curves(source: str, path: str, options: Options) -> FileReport:
        ASKED.append(options)
        points = ((0.0, 0.1), (89.0, 0.0))
        found = tuple(Curve(points, "epoch", "", "optimizer", group) for group in range(int(source)))
        return FileReport(path, (), {}, ("len(loader)",) if source == "0" else (), (), found)

    monkeypatch.setattr(sys.modules["lright.doctor"], "check_source", curves)
    Path("a.py").write_text("1")
    Path("b.py").write_text("2")
    Path("c.py").write_text("0")
    result = lright("plot", "a.py", "cosine to 0", "--epochs", "90", "--steps-per-epoch", "10", "--", "--lr", "1")
    assert (result.code, result.err) == (0, "")
    assert "a.py" in result.out and "cosine to 0" in result.out and "90 epochs" in result.out
    assert ASKED[-1].arguments == ("--lr", "1") and not ASKED[-1].fixes
    rows = lright("plot", "b.py", "--format", "csv").out.splitlines()
    assert rows[1] == '"b.py: optimizer, group 0",0.0,epochs,0.1' and rows[3].startswith('"b.py: optimizer, group 1"')
    result = lright("plot", "c.py")
    assert (result.code, result.out) == (2, "")
    assert result.err == 'lright: c.py: its curve needs len(loader): give it with --set "len(loader)=..."\n'
    assert lright("plot", "gone.py").err == "lright: gone.py: no such file or folder: check the name\n"
    assert lright("plot", "a.py", "--output", "x.svg").out == "x.svg: the curve of a.py\n"
    assert Path("x.svg").read_text().startswith("<svg")
    assert lright("plot", "cosine to 0", "--peak", "nan").code == 2


def test_options_for_schedules_in_words_say_so_where_only_scripts_are_plotted(
    lright: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def curves(source: str, path: str, options: Options) -> FileReport:
        return FileReport(path, (), {}, (), (), (Curve(((0.0, 0.1), (9.0, 0.0)), "epoch"),))

    monkeypatch.setattr(sys.modules["lright.doctor"], "check_source", curves)
    write(a="x = 1\n")
    result = lright("plot", "a.py", "--steps-per-epoch", "3")
    assert result.code == 0 and "a.py" in result.out
    assert result.err.startswith("lright: --steps-per-epoch has no effect on a script: use --set")
    assert lright("plot", "a.py", "--processes", "3").err == ""
