"""Reports made by hand, as the doctor would give them, and how each form shows them."""

from __future__ import annotations

import functools
import io
import json
import math
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from lright.finding import Curve, Edit, Failure, FileReport, Finding, Fix, Related, Remedy, Report, Skipped
from lright.observe.source.edit import apply
from lright.records import replace
from lright.render.code import changes, excerpt
from lright.render.concise import concise
from lright.render.jsonform import jsonform
from lright.render.rulepage import as_json, page, table
from lright.render.screen import Screen, columns, screen_of
from lright.render.terminal import full
from lright.timeline import Place

SOURCE = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

EPOCHS = 90

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)

for epoch in range(EPOCHS):
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()

    validate(model)
"""

MENDED = SOURCE.replace("        scheduler.step()\n", "    scheduler.step()\n")


def cosine(end: float, t_max: float, label: str = "", ends: str = "hold") -> Curve:
    points = tuple((end * i / 200, 0.05 + 0.05 * math.cos(math.pi * (end * i / 200) / t_max)) for i in range(201))
    return Curve(points, "epoch", label, "optimizer", 0, "CosineAnnealingLR", ends)


FINDING = Finding(
    rule="LR101",
    slug="epoch-schedule-stepped-per-batch",
    severity="error",
    certainty="proven",
    place=Place(15, 9, 15, 25),
    message="CosineAnnealingLR is stepped 35,190 times, sized for 90: the LR reaches 0 after 0.23 epochs "
    "and then rises again, 195 times.",
    numbers={"ticks": 35190, "length": 90, "ratio": math.inf},
    covers=("LR201",),
    related=(Related(Place(7, 42, 7, 54), "T_max counts epochs"),),
    intended=cosine(90, 90),
    actual=cosine(90, 7.5, ends="rise"),
    unless=("len(train_loader)",),
    fix=Fix(
        "move scheduler.step() behind the batch loop",
        False,
        (Edit((15, 1), (16, 1), ""), Edit((16, 1), (16, 1), "    scheduler.step()\n")),
        True,
        alternatives=("T_max=EPOCHS * len(train_loader)",),
    ),
)

INFO = Finding(
    "LR213", "zero-lr-start", "info", "likely", Place(7, 13, 7, 55), "The first update runs at LR 0.",
    conditions=("resume", "option:schedule=cosine"),
)  # fmt: skip

SKIPPED = (Skipped("LR206", "how many processes train is not known"), Skipped("LR401", "nothing is saved"))


def wrong(path: str = "train.py") -> FileReport:
    return FileReport(
        path,
        (FINDING, INFO),
        {"len(train_loader)": 391},
        ("len(train_loader)",),
        SKIPPED,
        (cosine(90, 7.5),),
        SOURCE,
    )


def clean(path: str = "train.py", findings: tuple[Finding, ...] = ()) -> FileReport:
    checked = (
        "1 optimizer, updated once per batch",
        "1 scheduler, stepped once per epoch, as long as the training",
    )
    return FileReport(path, findings, {}, (), (), (cosine(90, 90, "CosineAnnealingLR"),), MENDED, checked)


PLAIN = Screen()


def text(report: Report, screen: Screen = PLAIN, **options: str) -> str:
    return "\n".join(full(report, screen, apply, **options)) + "\n"


def test_the_full_form_of_a_finding() -> None:
    assert text(Report([wrong()])) == EXPECTED


EXPECTED = """\
train.py:15:9: error LR101 epoch-schedule-stepped-per-batch

  CosineAnnealingLR is stepped 35,190 times, sized for 90: the LR reaches 0
  after 0.23 epochs and then rises again, 195 times.

    13 │         loss.backward()
    14 │         optimizer.step()
    15 │         scheduler.step()
       │         ^^^^^^^^^^^^^^^^
    16 │
    17 │     validate(model)

     7 │ scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
       │                                          ------------
       │ T_max counts epochs

  planned                                 real
   0.1 ┤⠉⠉⠉⠓⠒⠦⢤⣀⡀                          0.1 ┤⢳   ⢠⠿⡄   ⡞⡆   ⡼⢧   ⢰⢳   ⢠⠿⡄   ⡞
       │        ⠉⠓⠦⣄⡀                          │⠈⡇  ⣸ ⣇  ⢸⠁⢹  ⢀⡇⢸⡀  ⡏⠈⡇  ⣸ ⣇  ⢸⠁
       │            ⠉⠓⠦⣄                       │ ⣇  ⡇ ⢸  ⣸ ⢸⡀ ⢸  ⡇ ⢀⡇ ⣇  ⡇ ⢸  ⣸
  0.05 ┤               ⠈⠙⠲⢤⣀              0.05 ┤ ⢸ ⢠⠇ ⠸⡄ ⡇  ⡇ ⡼  ⢧ ⢸  ⢸ ⢠⠇ ⠸⡄ ⡇
       │                   ⠈⠙⠲⢤⣀               │ ⠘⡆⢸   ⡇⢰⠃  ⢳ ⡇  ⢸ ⡞  ⠘⡆⢸   ⡇⢰⠃
     0 ┤                       ⠈⠉⠓⠲⠤⢤⣀⣀⣀     0 ┤  ⢧⡏   ⢹⡼   ⠸⣼⠁  ⠈⣧⠇   ⢧⡏   ⢹⡼
       └┬──────┬──────┬─────────────────       └┬──────┬──────┬─────────────────
        0     20     40        90 epochs        0     20     40        90 epochs

  shows    in a default run
  explains LR201
  depends  on len(train_loader): another value may change the verdict
  fix      move scheduler.step() behind the batch loop (unsafe: --fix
           --unsafe-fixes)

    14 │           optimizer.step()
    15 │ -         scheduler.step()
    15 │ +     scheduler.step()

  proved   analysed again with it: the finding is gone, no new one came
  or       T_max=EPOCHS * len(train_loader)

  assumed  len(train_loader) = 391
  unknown  len(train_loader) (give it with --set "len(train_loader)=...")
  skipped  LR206: how many processes train is not known
           LR401: nothing is saved

1 file checked: 1 error
1 fixable with --fix --unsafe-fixes (--diff --unsafe-fixes shows how)
1 more worth knowing: --severity info shows it
"""


def test_a_clean_script_says_what_was_checked_and_shows_its_curve() -> None:
    lines = text(Report([clean()])).splitlines()
    assert lines[0] == "train.py: nothing wrong found"
    assert lines[2:4] == [
        "  checked  1 optimizer, updated once per batch",
        "           1 scheduler, stepped once per epoch, as long as the training",
    ]
    assert lines[5] == "  CosineAnnealingLR"
    assert lines[6].startswith("   0.1 ┤⠉⠉")
    assert lines[-1] == "1 file checked: nothing wrong found"


def test_a_script_without_schedule_says_so() -> None:
    report = FileReport("a.py", (), {}, (), (), ())
    assert "  checked  no learning-rate schedule in it\n" in text(Report([report]))
    handed_on = replace(report, skipped=(Skipped("LR101", "scheduler: handed to Trainer()"),))
    assert "  checked  no learning-rate schedule that could be followed\n" in text(Report([handed_on]))


def test_many_curves_are_told_in_words() -> None:
    curves = tuple(cosine(90, 90, f"group {number}") for number in range(4))
    shown = text(Report([replace(clean(), curves=curves)]))
    assert "  group 3: 0.1, then 0 after 90 epochs\n" in shown and "┤" not in shown


def test_clean_files_among_many_are_only_counted() -> None:
    shown = text(Report([clean(f"{name}.py") for name in "abcd"]))
    assert shown == "4 files checked: nothing wrong found\n"
    shown = text(Report([clean(f"{name}.py") for name in "abc"] + [wrong("d.py")]))
    assert shown.startswith("d.py:15:9: error LR101 ") and "4 files checked: 1 error" in shown


def test_a_curve_is_drawn_once() -> None:
    second = replace(FINDING, rule="LR201", place=Place(16, 1, 16, 1))
    assert "  curve    as above\n" in text(Report([replace(wrong(), findings=(FINDING, second))]))


def test_a_curve_shown_in_part_says_so_and_one_that_fails_keeps_the_whole_axis() -> None:
    part = replace(FINDING, actual=cosine(9, 7.5, ends="rise"))
    shown = text(Report([replace(wrong(), findings=(part,))]))
    assert re.search(r"planned +real, the first 10% of training\n", shown)
    assert re.search(r"90 epochs +\S.* 9 epochs\n", shown)
    fails = replace(FINDING, actual=cosine(9, 7.5, ends="raise"))
    shown = text(Report([replace(wrong(), findings=(fails,))]))
    assert re.search(r"planned +real\n", shown) and "✗" in shown
    assert re.search(r"90 epochs +\S.* 90 epochs\n", shown)


def test_without_a_plan_the_curve_with_the_fix_is_shown() -> None:
    assert FINDING.fix is not None
    bare = replace(FINDING, intended=None, fix=replace(FINDING.fix, after=cosine(90, 90)))
    assert re.search(r"  real +with the fix\n", text(Report([replace(wrong(), findings=(bare,))])))
    same = replace(bare, fix=replace(FINDING.fix, after=FINDING.actual))
    assert re.search(r"  real\n", text(Report([replace(wrong(), findings=(same,))])))


def test_info_is_counted_until_asked_for() -> None:
    report = Report([wrong()])
    assert "LR213" not in text(report) and "1 more worth knowing: --severity info shows it" in text(report)
    shown = text(report, severity="info")
    assert "train.py:7:13: info LR213 zero-lr-start" in shown
    assert "  shows    on resume or with schedule=cosine (likely, not proven)\n" in shown
    assert "1 error, 1 info" in shown and "more worth" not in shown
    lower = replace(wrong(), findings=(replace(FINDING, severity="warning"),))
    assert "1 more warning: --severity warning shows it" in text(Report([lower]), severity="error")


def test_a_remedy_without_a_fix_is_named() -> None:
    remedy = Remedy("delete", "drop the second step", Place(15, 9, 15, 25))
    bare = replace(FINDING, fix=None, remedies=(remedy,))
    assert "  try      drop the second step\n" in text(Report([replace(wrong(), findings=(bare,))]))


def test_a_mark_covers_what_it_names() -> None:
    lines = ["é = '学习率'; f(x)\n", "\tf(\n", "\t\tx,\n", "\t)\n"]
    screen = Screen()
    assert excerpt(lines, Place(1, 12, 1, 16), screen, gutter=1, context=0)[1] == "  │ " + " " * 14 + "^^^^"
    assert excerpt(lines, Place(2, 2, 4, 3), screen, gutter=1, context=0) == [
        "2 │     f(",
        "  │     ^^",
        "3 │         x,",
        "  │         ^^",
        "4 │     )",
        "  │     ^",
    ]
    long = ["for x in y:\n", *["    step()\n"] * 20]
    assert excerpt(long, Place(1, 1, 21, 11), screen, gutter=1, context=0) == [
        "1 │ for x in y:",
        "  │ ^^^^^^^^^^^",
    ]
    assert excerpt(lines, Place(9, 1, 9, 2), screen, gutter=1) == []


def test_long_lines_are_cut_where_the_screen_ends() -> None:
    lines = [" " * 60 + "f(" + "x" * 100 + ")\n"]
    shown = excerpt(lines, Place(1, 61, 1, 164), Screen(width=40), gutter=2)
    assert shown == [" 1 │ f(" + "x" * 32 + "…", "   │ " + "^" * 35]
    assert excerpt(lines, Place(1, 61, 1, 164), Screen(width=40, unicode=False), gutter=2)[0].endswith("xx...")


def test_a_mark_far_to_the_right_is_scrolled_to() -> None:
    source = "scheduler = OneCycleLR(optimizer, max_lr=0.1, epochs=5)\n"
    start = source.index("epochs")
    place = Place(1, start + 1, 1, start + 9)
    shown = excerpt([source], place, Screen(width=40), gutter=2)
    assert shown == [" 1 │ …R(optimizer, max_lr=0.1, epochs=5)", "   │ " + " " * 26 + "^^^^^^^^"]


def test_a_long_change_is_folded_so_that_it_is_seen() -> None:
    before = "f(first=1, second=2, third=3)\n"
    assert changes(before, before.replace("3", "4"), Screen(width=24), gutter=2) == [
        " 1 │ - f(first=1,",
        "   │ -     second=2,",
        "   │ -     third=3)",
        " 1 │ + f(first=1,",
        "   │ +     second=2,",
        "   │ +     third=4)",
    ]


def test_places_on_one_line_share_it() -> None:
    related = (
        Related(Place(7, 1, 7, 10), "built here"),
        Related(Place(7, 42, 7, 54), "T_max counts epochs"),
    )
    shown = text(Report([replace(wrong(), findings=(replace(FINDING, related=related),))]))
    assert shown.count(" 7 │ scheduler = ") == 1
    assert "       │ --------- built here\n       │         " in shown


def test_control_characters_of_a_script_do_not_reach_the_terminal() -> None:
    evil = SOURCE.replace("scheduler.step()", "scheduler.step()  # \x1b[2J\x07")
    shown = text(Report([replace(wrong(), source=evil)]))
    assert "\x1b" not in shown and "\x07" not in shown and r"\x1b[2J" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_nothing_but_the_place_and_the_name_is_wider_than_the_screen(width: int) -> None:
    for file in (wrong(), clean()):
        for line in full(Report([file]), Screen(width), apply, severity="info"):
            assert columns(line) <= width or line.startswith("train.py:"), line


def test_plain_ascii_where_the_terminal_has_no_more() -> None:
    assert text(Report([wrong(), clean()]), Screen(unicode=False)).isascii()


def test_colours_say_nothing_that_is_not_said_without_them() -> None:
    report = Report([wrong(), clean()])
    coloured = text(report, Screen(color=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text(report)


class Stream(io.StringIO):
    def __init__(self, terminal: bool, encoding: str) -> None:
        super().__init__()
        self.terminal, self.coding = terminal, encoding

    def isatty(self) -> bool:
        return self.terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.coding


@pytest.mark.parametrize(
    ("terminal", "environ", "color"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_when_there_are_colours(terminal: bool, environ: dict[str, str], color: bool) -> None:
    assert screen_of(Stream(terminal, "utf-8"), environ).color is color


def test_width_and_letters() -> None:
    assert screen_of(Stream(False, "utf-8"), {}) == Screen(80, False, True)
    assert screen_of(Stream(False, "ascii"), {}).unicode is False
    assert screen_of(Stream(False, "no-such"), {}).unicode is False
    for wanted, width in (("72", 72), ("500", 100), ("5", 40), ("0", 80), ("wide", 80)):
        assert screen_of(Stream(False, "utf-8"), {"COLUMNS": wanted}).width == width


def test_the_concise_form() -> None:
    assert list(concise(Report([wrong(), clean("b.py")]), Screen())) == [
        f"train.py:15:9: error LR101 {FINDING.message}",
        "2 files checked: 1 error",
        "1 fixable with --fix --unsafe-fixes (--diff --unsafe-fixes shows how)",
        "1 more worth knowing: --severity info shows it",
    ]


# JSON


@functools.cache
def validator() -> Any:
    import jsonschema

    schema = json.loads(files("lright").joinpath("schemas/check-v1.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def parsed(report: Report) -> Any:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is no JSON")

    data = json.loads(jsonform(report), parse_constant=refuse)
    validator().validate(data)
    return data


def test_json_version_1() -> None:
    curve = replace(cosine(90, 7.5), points=((0, 0.1), (1, math.nan), (2, math.inf), (3, 0.05)))
    data = parsed(Report([replace(wrong(), curves=(curve,)), clean("b.py")], [Failure("c.py", "is binary")]))
    assert list(data) == ["version", "files", "findings", "errors"]
    assert data["version"] == 1
    assert data["errors"] == [{"path": "c.py", "message": "is binary"}]
    assert data["files"][0] == {
        "path": "train.py",
        "cell": None,
        "assumed": {"len(train_loader)": 391},
        "unknown": ["len(train_loader)"],
        "skipped": [
            {"rule": "LR206", "reason": "how many processes train is not known"},
            {"rule": "LR401", "reason": "nothing is saved"},
        ],
        "curves": [
            {
                "optimizer": "optimizer",
                "group": 0,
                "scheduler": "CosineAnnealingLR",
                "unit": "epoch",
                "points": [[0, 0.1], [3, 0.05]],
                "ends": "hold",
            }
        ],
    }
    info, error = data["findings"]
    assert (info["rule"], info["severity"], info["certainty"], info["fix"]) == (
        "LR213",
        "info",
        "likely",
        None,
    )
    assert error == {
        "rule": "LR101",
        "slug": "epoch-schedule-stepped-per-batch",
        "severity": "error",
        "certainty": "proven",
        "conditions": ["default"],
        "path": "train.py",
        "cell": None,
        "line": 15,
        "column": 9,
        "end_line": 15,
        "end_column": 25,
        "message": FINDING.message,
        "numbers": {"ticks": 35190, "length": 90, "ratio": None},
        "covers": ["LR201"],
        "related": [{"path": "train.py", "line": 7, "message": "T_max counts epochs"}],
        "fix": {
            "safety": "unsafe",
            "title": "move scheduler.step() behind the batch loop",
            "edits": [
                {"path": "train.py", "start": [15, 1], "end": [16, 1], "text": ""},
                {"path": "train.py", "start": [16, 1], "end": [16, 1], "text": "    scheduler.step()\n"},
            ],
            "verified": True,
        },
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(version=2),
        lambda data: data["findings"][0].update(line=0),
        lambda data: data["findings"][0].update(severity="fatal"),
        lambda data: data["findings"][1]["fix"]["edits"][0].update(start=[1]),
        lambda data: data["files"][0].pop("cell"),
        lambda data: data["files"][0]["curves"][0].update(ends="falls"),
        lambda data: data["files"][0]["assumed"].update(x=[1]),
        lambda data: data.update(extra=1),
    ],
)
def test_the_schema_refuses_what_is_not_version_1(spoil: Callable[[Any], None]) -> None:
    data = parsed(Report([wrong()]))
    spoil(data)
    assert not validator().is_valid(data)


# The pages of rules


def test_the_pages_of_the_real_rules() -> None:
    from lright.rules import all_rules

    for rule in all_rules():
        shown = "\n".join(page(rule, Screen()))
        assert shown.startswith(f"{rule.id} {rule.slug} ({rule.severity})")
        for title in ("Why it matters", "Bad", "Good", "The fix", "Sources"):
            assert f"\n{title}\n" in shown, f"{rule.id} tells no {title}"
        assert max(map(columns, (line for line in shown.splitlines() if "│" not in line))) <= 80 or "://" in shown
    shown = "\n".join(table(all_rules(), Screen()))
    assert all(rule.slug in shown for rule in all_rules())
    assert json.loads(as_json(all_rules()))[0]["id"] == all_rules()[0].id
