"""The doctor as a whole: worlds, merged findings, fixes that prove themselves, what is assumed, unknown and skipped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lright.doctor import Options, check_source, scalar
from lright.errors import LrightError, ReadError
from lright.observe.source import edit

WRONG = """\
import argparse
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=90)
parser.add_argument("--step-size", type=int, default=30)
args = parser.parse_args()
data = torch.utils.data.TensorDataset(torch.randn(50000, 10))
loader = torch.utils.data.DataLoader(data, batch_size=128)
model = torch.nn.Linear(10, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, args.step_size, gamma=0.1)
for epoch in range(args.epochs):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
"""
RIGHT = WRONG.replace("        scheduler.step()\n", "    scheduler.step()\n")


def test_a_mistake_is_found_once_with_a_fix_that_mends_it() -> None:
    report = check_source(WRONG, "train.py")
    assert [f.rule for f in report.findings] == ["LR101"]
    (finding,) = report.findings
    assert "default" in finding.conditions
    assert finding.place.line == 18
    assert finding.fix is not None and finding.fix.verified
    mended = edit.apply(WRONG, finding.fix.edits)
    assert mended == RIGHT
    assert check_source(mended, "train.py").findings == ()
    assert finding.fix.after is not None
    assert finding.fix.after.points == check_source(mended, "train.py").curves[0].points


def test_a_right_script_is_reported_in_full() -> None:
    report = check_source(RIGHT, "train.py")
    assert report.findings == ()
    assert report.unknown == ()
    assert report.assumed["args.epochs"] == 90 and report.assumed["args.step_size"] == 30
    (curve,) = report.curves
    assert curve.points[0] == (0.0, 0.1)
    assert curve.points[-1][0] == 90 * 391 - 1
    assert curve.points[-1][1] == pytest.approx(0.001)
    assert any("stepped once per epoch" in line for line in report.checked)


def test_a_text_for_a_number_is_refused() -> None:
    with pytest.raises(LrightError, match="--set epochs=abc: the script has a number there"):
        check_source(WRONG, "train.py", Options(settings={"epochs": "abc"}))


def test_arguments_and_settings_change_the_curve() -> None:
    by_arguments = check_source(RIGHT, "train.py", Options(arguments=("--epochs", "3", "--step-size", "1")))
    by_settings = check_source(RIGHT, "train.py", Options(settings={"epochs": "3", "args.step_size": "1"}))
    assert by_arguments.curves[0].points == by_settings.curves[0].points
    last, rate = by_arguments.curves[0].points[-1]
    assert last == 3 * 391 - 1
    assert rate == pytest.approx(0.001)


def test_what_is_unknown_is_asked_for_by_name() -> None:
    source = RIGHT.replace("torch.utils.data.TensorDataset(torch.randn(50000, 10))", "load_my_data()")
    report = check_source(source, "train.py")
    assert report.unknown == ("len(loader)",)
    known = check_source(source, "train.py", Options(settings={"len(loader)": "391"}))
    assert known.unknown == ()
    assert known.curves[0].points == check_source(RIGHT, "train.py").curves[0].points


def test_rules_are_chosen() -> None:
    assert "LR101" not in {f.rule for f in check_source(WRONG, "train.py", Options(ignore=("LR101",))).findings}
    assert check_source(WRONG, "train.py", Options(select=("LR3",))).findings == ()
    assert [f.rule for f in check_source(WRONG, "train.py", Options(select=("LR101",))).findings] == ["LR101"]


def test_without_fixes_none_are_made() -> None:
    (finding,) = check_source(WRONG, "train.py", Options(fixes=False)).findings
    assert finding.fix is None
    assert finding.remedies


def test_a_mistake_in_one_world_says_which() -> None:
    either = "        if args.per_batch:\n            scheduler.step()\n"
    either += "    if not args.per_batch:\n        scheduler.step()\n"
    source = RIGHT.replace("    scheduler.step()\n", either).replace(
        "args = ", 'parser.add_argument("--per-batch", action="store_true")\nargs = '
    )
    report = check_source(source, "train.py")
    assert [f.conditions for f in report.findings] == [("option:per_batch=True",)]
    assert report.findings[0].rule == "LR101"


def test_findings_are_in_the_order_of_the_file() -> None:
    both = WRONG + "other = torch.optim.lr_scheduler.StepLR(optimizer, 5)\n"
    lines = [f.place.line for f in check_source(both, "train.py").findings]
    assert lines == sorted(lines) and lines


def test_what_is_not_python_is_an_error_of_the_family() -> None:
    with pytest.raises(ReadError):
        check_source("def f(:\n", "train.py")
    assert issubclass(ReadError, LrightError)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90", 90), ("1e-3", 0.001), ("-2", -2), ("true", True), ("False", False), ("None", None), ("cosine", "cosine"),
        ("'90'", "90"), ("", ""), ("1_000", 1000), ("inf", float("inf")),
    ],
)  # fmt: skip
def test_settings_as_a_person_types_them(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_what_python_prints_is_read_back(value: object) -> None:
    assert scalar(str(value)) == value
