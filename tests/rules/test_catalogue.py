"""Every rule keeps what its file promises: its examples are read by the observer of source code and judged."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from lright import rules
from lright.doctor import Options, check_source
from lright.finding import INFO, SEVERITIES, FileReport, Finding
from lright.observe.live import Judge, judge
from lright.observe.source import edit
from lright.rules.base import Rule
from lright.trace import Trace

ALL = rules.all_rules()


def named(rule: Rule) -> str:
    return rule.id


def examples(which: str) -> list[object]:
    """One case an example, named LR101-bad-0."""
    return [
        pytest.param(rule, source, id=f"{rule.id}-{which}-{position}")
        for rule in ALL
        for position, source in enumerate(getattr(rule, which))
    ]


@cache
def report(source: str, fixes: bool = False) -> FileReport:
    return check_source(source, "train.py", Options(fixes=fixes, select=("LR",)))  # also what is off


def counted(found: FileReport) -> list[str]:
    """The findings that count, as text that tells a reader of a failed test what was said."""
    return [f"{f.rule} line {f.place.line}: {f.message}" for f in found.findings if f.severity != INFO]


def test_ids_and_slugs_are_unique_and_in_order() -> None:
    ids = [rule.id for rule in ALL]
    assert ids == sorted(set(ids))
    slugs = [rule.slug for rule in ALL]
    assert len(slugs) == len(set(slugs))


def test_modules_are_named_after_their_rules() -> None:
    expected = [f"{rule.id.lower()}_{rule.slug.replace('-', '_')}" for rule in ALL]
    assert list(rules.MODULES) == expected


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_pages_are_filled_in(rule: Rule) -> None:
    assert re.fullmatch(r"LR[1-6]\d\d", rule.id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.slug)
    assert rule.severity in SEVERITIES
    assert rule.summary and not rule.summary.endswith(".") and "\n" not in rule.summary
    assert len(rule.why) > 80
    assert rule.sources
    assert rule.fix_safety
    assert len(rule.bad) + len(rule.bad_settings) + len(rule.bad_traces) >= 2
    assert len(rule.good) + len(rule.good_settings) + len(rule.good_traces) >= 2
    assert rule.id not in rule.covers
    assert all(re.fullmatch(r"LR\d\d\d", covered) for covered in rule.covers)


@pytest.mark.parametrize(("rule", "source"), [*examples("bad"), *examples("good")])
def test_examples_are_python(rule: Rule, source: str) -> None:
    assert source.endswith("\n")
    ast.parse(source)


@pytest.mark.parametrize(("rule", "source"), examples("bad"))
def test_bad_example_is_found(rule: Rule, source: str) -> None:
    found = report(source)
    assert rule.id in {finding.rule for finding in found.findings}, counted(found)
    others = [text for text in counted(found) if not text.startswith(rule.id)]
    assert not others


@pytest.mark.parametrize(("rule", "source"), examples("bad"))
def test_bad_example_is_explained(rule: Rule, source: str) -> None:
    lines = source.count("\n")
    for finding in report(source).findings:
        if finding.rule == rule.id:
            assert finding.slug == rule.slug
            assert 1 <= finding.place.line <= lines
            assert finding.message and "\n" not in finding.message and not finding.message.endswith(".")
            assert "None" not in finding.message and "?" not in finding.message
            assert set(finding.covers) <= set(rule.covers)
            assert finding.conditions


@pytest.mark.parametrize(("rule", "source"), examples("good"))
def test_good_example_is_silent(rule: Rule, source: str) -> None:
    found = report(source)
    assert not counted(found)
    assert rule.id not in {finding.rule for finding in found.findings}


@pytest.mark.parametrize(("rule", "make"), examples("bad_traces"))
def test_bad_run_is_found(rule: Rule, make: Callable[[], Trace]) -> None:
    found = judge(make())
    assert {finding.rule for finding in found if finding.severity != INFO or finding.rule == rule.id} == {rule.id}
    for finding in found:
        if finding.rule == rule.id:
            assert finding.slug == rule.slug
            assert finding.message and "\n" not in finding.message and not finding.message.endswith(".")
            assert "None" not in finding.message and "nan" not in finding.message
            assert isinstance(finding.numbers["update"], int)
            assert set(finding.covers) <= set(rule.covers)


@pytest.mark.parametrize(("rule", "make"), examples("bad_traces"))
def test_bad_run_is_found_while_it_goes_on(rule: Rule, make: Callable[[], Trace]) -> None:
    """Row by row: what is told of the whole run is told once, and nothing else that counts."""
    rows = rows_of(make())
    judging = Judge()
    found = [finding for start in range(0, len(rows), 10) for finding in judging.feed(rows[start : start + 10])]
    told = [finding.rule for finding in [*found, *judging.look()]]
    assert told.count(rule.id) == 1
    assert len(told) == len(set(told))


@pytest.mark.parametrize(("rule", "make"), examples("good_traces"))
def test_good_run_is_silent(rule: Rule, make: Callable[[], Trace]) -> None:
    found = judge(make())
    assert rule.id not in {finding.rule for finding in found}
    assert not counted_of(found)


@pytest.mark.parametrize(("rule", "make"), examples("good_traces"))
def test_good_run_is_silent_while_it_goes_on(rule: Rule, make: Callable[[], Trace]) -> None:
    rows = rows_of(make())
    judging = Judge()
    for start in range(0, len(rows), 10):
        assert not counted_of(judging.feed(rows[start : start + 10]))


def counted_of(found: Iterable[Finding]) -> list[str]:
    return [f"{f.rule} update {f.numbers['update']}: {f.message}" for f in found if f.severity != INFO]


def rows_of(trace: Trace) -> list[dict[str, object]]:
    """The rows of a made run, in about the order in which they were written."""
    made: list[tuple[float, dict[str, object]]] = [(-1, dict(row)) for _, row in trace.builds]
    for track in trace.updates.values():
        for at, number in enumerate(track.numbers):
            row = {"kind": "update", "optimizer": track.optimizer, "update": number, "lr": list(track.lrs[at])}
            made.append((number, {**row, "loss": track.losses[at]}))
        skipped = {"kind": "update", "lr": [1e-3], "skipped": True}
        made += [(number - 0.1, {**skipped, "update": number}) for number in track.skips]
        for joint in track.joints:
            made.append((track.numbers[joint] - 0.5, dict(trace.pieces[-1].start)))
    for ticks in trace.ticks.values():
        for at, update in enumerate(ticks.updates):
            row = {"kind": "tick", "scheduler": ticks.scheduler, "update": update, "metric": ticks.metrics[at]}
            made.append((update - 0.3, row))
    for readings in trace.metrics.values():
        for update, value in zip(readings.updates, readings.values, strict=True):
            made.append((update - 0.4, {"kind": "metric", "name": readings.name, "value": value, "update": update}))
    ordered = [row for _, row in sorted(made, key=lambda one: one[0])]
    return [*ordered, {"kind": "end", "reason": trace.ended}] if trace.ended else ordered


@pytest.mark.parametrize(("rule", "source"), examples("bad"))
def test_offered_fix_mends_the_example(rule: Rule, source: str) -> None:
    mended = source
    offered = [finding.fix for finding in report(source, fixes=True).findings if finding.rule == rule.id]
    fixes = [fix for fix in offered if fix is not None]
    if not fixes:
        pytest.skip("no fix is offered for this example")
    mended = edit.apply(source, fixes[0].edits)
    ast.parse(mended)
    assert mended != source
    after = report(mended)
    left = [finding for finding in after.findings if finding.rule == rule.id]
    assert len(left) == len(offered) - 1
    assert len(counted(after)) < len(counted(report(source))) or rule.severity == INFO
