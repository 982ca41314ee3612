"""The live view and the progress bar, seen through a small terminal that understands what they send."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lright.finding import Finding
from lright.render import live
from lright.render.footer import Footer, Pace
from lright.render.live import Live, Moment, Trail, block, sparkline
from lright.render.progress import Progress
from lright.render.screen import Screen, columns
from lright.timeline import Place

TOKEN = re.compile(r"\x1b\[(\??)(\d*(?:;\d+)*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


class Glass:
    """What a terminal of ``width`` columns and endless height shows of a text. It refuses what it does not know."""

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self.hidden = False

    def feed(self, text: str) -> Glass:
        position = 0
        while position < len(text):
            token = TOKEN.match(text, position)
            assert token, f"not known to this terminal: {text[position:position + 12]!r}"
            position = token.end()
            private, number, command, control, letter = token.groups()
            if command:
                self._command(private + command, number)
            elif control == "\r":
                self.column = 0
            elif control:
                self._down()
                self.column = 0
            else:
                self._put(letter)
        return self

    def lines(self) -> list[str]:
        shown = ["".join(row).rstrip() for row in self.rows]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def _put(self, letter: str) -> None:
        if self.column + columns(letter) > self.width:
            self._down()
            self.column = 0
        row = self.rows[self.row]
        row += [" "] * (self.column + 1 - len(row))
        row[self.column] = letter
        self.column += 1

    def _command(self, name: str, number: str) -> None:
        count = int(number or 1) if name in "AC" else 0
        if name == "A":
            assert self.row >= count, "above the first line"
            self.row -= count
        elif name == "C":
            self.column = min(self.column + count, self.width - 1)
        elif name in "KJ":
            del self.rows[self.row][self.column :]
            if name == "J":
                del self.rows[self.row + 1 :]
        elif name in ("?l", "?h"):
            self.hidden = name == "?l"
        else:
            assert name == "m", name


class Terminal(io.StringIO):
    """Standard output and standard error of one terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def seen(self, width: int = 80) -> Glass:
        return Glass(width).feed(self.getvalue())


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")


def finding(update: int, message: str = "the loss is 40 times its lowest value") -> Finding:
    return Finding("LR607", "diverged", "error", "proven", Place(1, 1, 1, 1), message, numbers={"update": update})


# The footer


def test_what_the_script_prints_stands_above_the_block() -> None:
    terminal, clock = Terminal(), Clock()
    with Footer(terminal, clock=clock) as footer:
        out = footer.wrap(terminal)
        print("one", file=out)
        footer.show(["- block -", "- of two -"])
        clock.now = 1
        print("two", file=out)
        assert terminal.seen().lines() == ["one", "two", "- block -", "- of two -"]
        footer.show(["- now one -"])
        assert terminal.seen().lines() == ["one", "two", "- now one -"]
        footer.say(["said"])
        print("three", end="", file=out)
        footer.show(["- block -"])
        assert terminal.seen().lines() == ["one", "two", "said", "three", "- block -"]
        print(" and four", file=out)
    print("five", file=out)
    seen = terminal.seen()
    assert seen.lines() == ["one", "two", "said", "three and four", "five"]
    assert not seen.hidden


def test_a_progress_bar_of_the_script_keeps_its_line() -> None:
    terminal, clock = Terminal(), Clock()
    with Footer(terminal, clock=clock) as footer:
        out = footer.wrap(terminal)
        footer.show(["- block -"])
        for percent in (5, 50, 100):
            clock.now += 0.1
            print(f"\r{percent}%|###", end="", file=out)
            assert terminal.seen().lines() == [f"{percent}%|###", "- block -"]
        print(file=out)
    assert terminal.seen().lines() == ["100%|###"]


PIECES = st.lists(
    st.one_of(
        st.sampled_from(["\n", "\r", "a", "line\n", "\rbar", "two\nlines", "\x1b[31mred\x1b[0m", "w" * 35, ""]),
        st.integers(0, 4),  # a block of so many lines is shown
        st.none(),  # it is taken away
    ),
    max_size=25,
)


@given(PIECES, st.floats(0.001, 0.1))
@settings(max_examples=300, deadline=None)
def test_the_script_s_output_is_what_it_would_be_without_us(pieces: list[str | int | None], pause: float) -> None:
    alone, terminal, clock = Glass(), Terminal(), Clock()
    footer = Footer(terminal, clock=clock)
    out = footer.wrap(terminal)
    for piece in pieces:
        clock.now += pause
        if isinstance(piece, str):
            alone.feed(piece)
            assert out.write(piece) == len(piece)
        elif piece is None:
            footer.clear()
        else:
            footer.show([f"- {piece} -"] * piece)
    footer.close()
    seen = terminal.seen()
    assert seen.lines() == alone.lines()
    assert (seen.row, seen.hidden) == (alone.row, False)
    # A line that exactly fills the terminal leaves the cursor behind its end: that is not restored.
    assert seen.column == alone.column or alone.column >= 80


def test_a_script_that_draws_for_itself_has_the_screen() -> None:
    terminal, clock = Terminal(), Clock()
    with Live(terminal, "train.py", clock=clock) as view:
        out = view.wrap(terminal)
        view.update(0, 100, [0.1], 2.0)
        out.write("first bar\nsecond bar\x1b[A\r")
        start = len(terminal.getvalue())
        for update in range(1, 100):
            clock.now += 1
            view.update(update, 100, [0.1], 2.0)
        after = terminal.getvalue()[start:]
    assert "\x1b" not in after
    assert 3 < after.count("\n") < 12  # a line now and then


def test_an_exception_leaves_the_terminal_in_order() -> None:
    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt), Live(terminal, "train.py") as view:
        print("epoch 1", file=view.wrap(terminal))
        view.update(3, 100, [0.1], 2.0)
        assert len(terminal.seen().lines()) > 2
        raise KeyboardInterrupt
    seen = terminal.seen()
    assert seen.lines() == ["epoch 1"] and not seen.hidden
    for write in terminal.getvalue().split(live.__name__):  # hidden within a write only
        assert write.count("\x1b[?25l") == write.count("\x1b[?25h")


def test_a_narrower_terminal_and_a_low_one(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    footer = Footer(terminal)
    size = os.terminal_size((30, 4))
    monkeypatch.setattr(terminal, "fileno", lambda: 9)
    monkeypatch.setattr(os, "get_terminal_size", lambda number: size)
    footer.show(["x" * 70, "y", "z", "more"])
    assert terminal.seen(30).lines() == ["x" * 28 + "…", "y", "z"]
    footer.close()
    assert terminal.seen(30).lines() == []


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    footer = Footer(terminal)
    monkeypatch.setattr(terminal, "write", lambda text: (_ for _ in ()).throw(OSError(5, "gone")))
    footer.show(["block"])
    footer.say(["line"])
    footer.close()
    assert not footer.live


def test_streams_that_are_no_terminal_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    piped, terminal = io.StringIO(), Terminal()
    assert Footer(terminal).wrap(piped) is piped
    assert Footer(piped).wrap(terminal) is terminal
    monkeypatch.setenv("TERM", "dumb")
    assert not Footer(terminal).live


def test_a_wrapped_stream_is_the_stream_in_all_else() -> None:
    terminal = Terminal()
    out = Footer(terminal).wrap(terminal)
    out.writelines(["a", "b\n"])
    assert out.isatty() and out.encoding == "utf-8" and terminal.getvalue() == "ab\n"
    out.flush()


# The view


def test_the_view_draws_four_times_a_second() -> None:
    terminal, clock = Terminal(), Clock()
    with Live(terminal, "train.py", clock=clock) as view:
        for update in range(10_000):
            clock.now = update / 1000
            view.update(update, 20_000, [0.1, 0.01], 2.0)
        draws = terminal.getvalue().count("\x1b[?25h")
        assert 36 <= draws <= 41
        shown = "\n".join(terminal.seen().lines())
    assert re.search(r"lright train\.py  update 9,\d\d\d of 20,000 \(50%\)  0:09, 0:10 left", shown)
    assert "LR by group   0.1, 0.01" in shown


def test_the_view_says_what_it_is_given() -> None:
    moment = Moment(812, None, [0.1], 9.5, 1.25, 1e-3, {"val_loss": 1.62, "accuracy": 0.4}, [finding(812)], 61.0)
    losses = Trail()
    for value in range(10):
        losses.add(value)
    assert block(moment, losses, Trail(), Screen(width=64), "train.py") == [
        "lright train.py  update 812  1:01",
        "  loss          9.5       ▁▂▃▃▄▅▆▆▇█",
        "  LR            0.1",
        "  steps         gradient norm 1.25, update to weight 0.001",
        "  metrics       val_loss 1.62, accuracy 0.4",
        "  LR607 at update 812: the loss is 40 times its lowest value",
    ]
    many = block(Moment(900, findings=[finding(n) for n in range(8)]), losses, Trail(), Screen())
    assert many[-1] == "  and 5 before" and "update 7" in many[-2]


def test_values_are_looked_at_only_when_they_are_drawn() -> None:
    class Far:
        read = 0

        def __float__(self) -> float:
            Far.read += 1
            return 1.0

    clock = Clock()
    view = Live(Terminal(), clock=clock)
    for update in range(1000):
        clock.now = update / 1000
        view.update(update, None, [0.1], Far(), Far(), Far(), {"accuracy": Far()})
    assert 4 <= Far.read / 4 <= 5


def test_rows_of_a_trace_as_they_come() -> None:
    terminal, clock = Terminal(), Clock()
    view = Live(terminal, "gan.py", total=40, clock=clock)
    for update in range(20):
        clock.now += 1
        view.rows(
            [
                {"kind": "epoch", "loader": 0, "epoch": 0, "training": True, "update": update},
                {"kind": "update", "optimizer": 0, "update": update, "lr": [0.1], "loss": 2.0 - update / 20},
                {"kind": "update", "optimizer": 1, "update": update, "lr": [0.01], "loss": 7.0, "skipped": True},
                {"kind": "metric", "name": "eval loss", "value": "nan", "update": update},
            ]
        )
    assert terminal.seen().lines() == [
        "lright gan.py  update 20 of 40 (50%)  0:19, 0:20 left",
        "  loss          1.05      ██▇▇▇▆▆▅▅▅▄▄▄▃▃▂▂▂▁▁",
        "  LR            0.1       ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁",
        "  LR by group   0.1, 0.01",
        "  metrics       eval loss nan",
    ]


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_what_is_told_after_the_end_is_not_drawn(stream: type[io.StringIO]) -> None:
    out, clock = stream(), Clock()
    view = Live(out, clock=clock)
    bar = Progress(9, "find", out, clock=clock)
    view.close()
    bar.close()
    clock.now = 9
    view.rows([{"kind": "update", "optimizer": 0, "update": 5, "lr": [0.1], "loss": 7.0}])
    view.update(6, None, [0.1])
    bar.update(6)
    assert out.getvalue() == ""


def test_a_log_gets_a_line_now_and_then() -> None:
    log, clock = io.StringIO(), Clock()
    with Live(log, "train.py", clock=clock) as view:
        for update in range(36_000):
            clock.now = update / 10
            view.update(update, 36_000, [0.1], 2.0, findings=[finding(5)])
    lines = log.getvalue().splitlines()
    assert lines[0] == "lright: train.py: update 0 of 36,000, loss 2, LR 0.1, found LR607"
    assert "left" in lines[1] and "\x1b" not in log.getvalue()
    assert 12 <= len(lines) <= 24  # an hour


@pytest.mark.parametrize("unicode", [True, False])
@given(values=st.lists(st.floats(), max_size=300), width=st.integers(1, 90))
@settings(max_examples=50)
def test_any_values_have_a_sparkline(values: list[float], width: int, unicode: bool) -> None:
    drawn = sparkline(values, width, unicode=unicode)
    assert len(drawn) <= width and bool(drawn) == bool(values)
    assert drawn.isascii() or unicode


def test_a_trail_keeps_the_whole_course() -> None:
    trail = Trail(100)
    for value in range(100_000):
        trail.add(float(value))
    assert 50 <= len(trail.points) <= 100
    assert trail.points == sorted(trail.points) and trail.points[0] < 2000 and trail.points[-1] > 95_000


# The bar


def test_the_bar() -> None:
    terminal, clock = Terminal(), Clock()
    made = []

    def message() -> str:
        made.append(1)
        return "loss 2.31 at LR 1.2e-3"

    with Progress(200, "find", terminal, clock=clock) as progress:
        for step in range(100):
            clock.now = step / 50
            progress.update(step, message)
        [shown] = terminal.seen().lines()
        assert re.fullmatch(r"find ━+─+  4\d%  9\d of 200  0:02 left  loss 2.31 at LR 1.2e-3", shown)
        assert len(made) < 10
    assert terminal.seen().lines() == []


def test_the_bar_in_a_log_and_switched_off() -> None:
    log, clock = io.StringIO(), Clock()
    for on in (True, False):
        with Progress(None, "find", log, on=on, clock=clock) as progress:
            for step in range(60):
                clock.now += 1
                progress.update(step, "sweep")
    assert log.getvalue().splitlines() == [f"find: {n}, sweep" for n in (0, 5, 13, 26, 44)]


@given(st.integers(-5, 300), st.one_of(st.none(), st.integers(1, 200)), st.text(max_size=80))
def test_a_bar_never_breaks_the_line(done: int, total: int | None, message: str) -> None:
    terminal = Terminal()
    with Progress(total, "find", terminal) as progress:
        progress.update(done, " ".join(message.split()))
        shown = terminal.getvalue().split("\x1b[?25l")[-1].removesuffix("\x1b[?25h")
        assert "\n" not in shown


# What it costs, and a real terminal


def test_the_pace_follows_the_calls() -> None:
    clock = Clock()
    reads = 0

    def read() -> float:
        nonlocal reads
        reads += 1
        return clock.now

    pace = Pace(0.25, clock=read)
    for _ in range(10_000):  # fast: 10 us a call
        clock.now += 1e-5
        pace.due()
    assert reads < 10_000 / 16 + 20
    before = reads
    for _ in range(20):  # slow: all are seen after one batch at most
        clock.now += 1.0
        pace.due()
    assert reads - before >= 4


def per_call(call: Callable[[], Any], count: int = 20_000) -> float:
    start = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - start) / count


def test_a_call_that_is_not_due_costs_next_to_nothing() -> None:
    """The bar is half a microsecond; the room above it is for slow machines."""
    view, lrs, metrics = Live(Terminal()), [0.1, 0.01], {"val_loss": 1.0}
    view.update(0, 100, lrs, 2.0)
    view._pace.interval = view._pace._due = 1e9
    assert min(per_call(lambda: view.update(5, 100, lrs, 2.0, 1.2, 1e-3, metrics, (), 12.0)) for _ in range(3)) < 2e-6


SCRIPT = """\
import sys, time
from lright.render.live import Live

with Live(title="train.py", total=300) as view:
    sys.stdout, sys.stderr = view.wrap(sys.stdout), view.wrap(sys.stderr)
    for update in range(300):
        view.update(update, 300, [0.1 - update / 3000, 0.01], 2.0 - update / 300)
        if update % 50 == 0:
            print("epoch", update // 50)
        if update > 280:
            print(f"\\rsaving {update}", end="", file=sys.stderr)
        time.sleep(0.003)
    print()
    raise SystemExit("enough")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_real_terminal() -> None:
    import pty

    pid, master = pty.fork()
    if pid == 0:  # the child is the script on a terminal of its own
        os.environ["PYTHONPATH"] = str(Path(live.__file__).parents[2])
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT])
    sent = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        sent += piece
    os.waitpid(pid, 0)
    text = sent.decode()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 4
    shown = Glass().feed(text.replace("\r\n", "\n")).lines()
    assert shown == [*(f"epoch {n}" for n in range(6)), "saving 299", "enough"]
