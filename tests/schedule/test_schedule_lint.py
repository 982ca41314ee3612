"""`schedule.lint()`: each code has an example that shows it, and one beside it that does not."""

from __future__ import annotations

import pytest

from lright import Budget, Schedule

BUDGET = Budget("90ep", batches_per_epoch=391)


@pytest.mark.parametrize(
    ("code", "bad", "good", "within"),
    [
        ("zero-first-step", "warmup 5ep from 0 > cosine", "warmup 5ep > cosine", False),
        ("floor-above-peak", "cosine to 2", "cosine to 0.1", False),
        (
            "jump-at-handover",
            "linear to 0.5 over 10ep > cosine from 1",
            "linear to 0.5 over 10ep > cosine",
            False,
        ),
        ("never-reaches-peak", "warmup 5ep to 0.5 > cosine", "warmup 5ep > cosine", False),
        ("rise-after-end", "cosine over 10ep > cycle", "cosine over 10ep", False),
        ("rise-after-end", "cosine over 10ep > cycle", "cosine over 90ep > cycle", True),
        ("truncated-warmup", "warmup 95ep > cosine", "warmup 5ep > cosine", True),
        ("truncated", "hold 50ep > cosine over 50ep", "hold 40ep > cosine over 50ep", True),
        (
            "milestone-past-end",
            "multi-step at 30ep, 60ep, 90ep gamma 0.1",
            "multi-step at 30ep, 60ep, 80ep gamma 0.1",
            True,
        ),
    ],
)
def test_codes(code: str, bad: str, good: str, within: bool) -> None:
    budget = BUDGET if within else None
    notes = Schedule.parse(bad).lint(budget)
    assert code in [note.code for note in notes]
    assert all(note.message for note in notes)
    assert code not in [note.code for note in Schedule.parse(good).lint(budget)]


@pytest.mark.parametrize(
    "text",
    [
        "warmup 5ep > cosine to 0",
        "wsd",
        "one-cycle",
        "warmup 1000 updates > inverse-sqrt timescale 1000 updates",
        "noam warmup 1000 updates",
        "step every 30ep gamma 0.1",
        "(warmup 5ep > hold) * step every 30ep gamma 0.5",
        "triangular from 0.1 period 10ep",
        "restarts period 10ep mult 2",
        "cosine * plateau",
        "points 0ep: 0.1, 5ep: 1, 90ep: 0",
        "rex to 0.01",
    ],
)
def test_what_is_fine_is_left_alone(text: str) -> None:
    assert Schedule.parse(text).lint() == []
    assert Schedule.parse(text).lint(BUDGET) == []


def test_absolute_values_are_judged_by_the_peak() -> None:
    made = Schedule.parse("warmup 5ep > cosine to 1e-3 abs")
    assert made.lint(BUDGET, peak=0.1) == []
    assert [note.code for note in made.lint(BUDGET, peak=1e-4)] == ["floor-above-peak"]
