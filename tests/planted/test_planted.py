"""A slice of ``benchmarks/planted``: planted faults are found, the correct scripts stay silent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from benchmarks.planted import Case, generate
from benchmarks.planted.score import Verdict, miss, score, summary

# The bars of the slice. The benchmark itself, over all cases, is `python -m benchmarks.planted`.
SWITCHED_ON = True
SEED = 7
RECALL = 0.95
CONDITIONS = 0.95
FALSE_ORIGINALS = 0


needs_rules = pytest.mark.skipif(not SWITCHED_ON, reason="waits for the rules")


def slice_of(per_rule: int) -> list[Case]:
    return list(generate(SEED, per_rule))


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    cases = [case for number, case in enumerate(slice_of(2)) if number % 8 < 5]
    return score(cases, tmp_path_factory.mktemp("planted"))[0]


def test_the_same_seed_gives_the_same_scripts() -> None:
    assert slice_of(1) == slice_of(1)
    assert slice_of(1)[0].source != next(generate(SEED + 1, 1)).source


def test_every_case_is_python_and_differs_from_its_original() -> None:
    for case in slice_of(3):
        ast.parse(case.source)
        ast.parse(case.original)
        assert case.source != case.original, case.name
        assert all(1 <= line <= len(case.source.splitlines()) for line in case.lines), case.name


@needs_rules
def test_planted_faults_are_found_under_the_right_condition(verdicts: list[Verdict]) -> None:
    found = [verdict for verdict in verdicts if verdict.found]
    assert len(found) >= RECALL * len(verdicts), told(verdicts)
    assert sum(verdict.condition for verdict in found) >= CONDITIONS * len(found), told(verdicts)


@needs_rules
def test_correct_originals_stay_silent(verdicts: list[Verdict]) -> None:
    assert sum(bool(verdict.false) for verdict in verdicts) <= FALSE_ORIGINALS, told(verdicts)


def told(verdicts: list[Verdict]) -> str:
    lines = [text for verdict in verdicts if (text := miss(verdict, Path("planted")))]
    return "\n".join(["", *lines, summary(verdicts)])
