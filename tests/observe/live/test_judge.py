"""Judging a run while it goes on: what is told, when, and what it costs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lright.errors import LrightError
from lright.observe.live import Judge, judge
from lright.rules.example_runs import cosine, falling, made, noise
from lright.trace import Trace


def rows(updates: int, lr: float = 0.1, broken_from: int | None = None) -> Iterator[dict[str, Any]]:
    """A run at a constant LR whose loss becomes NaN."""
    course = falling()
    for update in range(updates):
        loss = course(update) * noise(update) if broken_from is None or update < broken_from else math.nan
        yield {"kind": "update", "optimizer": 0, "update": update, "lr": [lr], "loss": loss}


def test_divergence_is_told_at_once() -> None:
    judging = Judge()
    told: dict[str, tuple[Any, int]] = {}
    for row in rows(20_000, broken_from=15_000):
        for finding in judging.feed([row]):
            told[finding.rule] = (finding.numbers["update"], row["update"])
    first, seen = told["LR607"]
    assert first == 15_000
    assert seen < 15_000 + 16


def test_a_single_broken_loss_is_no_divergence() -> None:
    broken = [dict(row, loss=math.nan) if row["update"] in (50, 90) else row for row in rows(400)]
    assert not Judge().feed(broken)


def test_every_finding_once() -> None:
    judging = Judge()
    found = [finding.rule for row in rows(500, broken_from=100) for finding in judging.feed([row])]
    found += [finding.rule for _ in range(3) for finding in judging.look()]
    assert found == ["LR607"]
    assert [finding.rule for finding in judging.findings] == ["LR607"]


def test_whole_and_row_by_row_agree() -> None:
    trace = made(600, cosine(0.1, 200), falling())
    whole = {finding.rule: finding.numbers["update"] for finding in judge(trace)}
    judging = Judge()
    one_by_one = {}
    for at in range(600):
        lr, loss = trace.updates[0].rate(at), trace.updates[0].losses[at]
        for finding in judging.feed([{"kind": "update", "update": at, "lr": [lr], "loss": loss}]):
            one_by_one[finding.rule] = finding.numbers["update"]
    assert whole["LR605"] == one_by_one["LR605"] == 229


def test_rules_can_be_chosen() -> None:
    trace = made(400, cosine(0.1, 10), falling())
    assert judge(trace, select=["LR607"]) == []
    assert judge(trace, ignore=["LR605"]) == []
    assert [finding.rule for finding in judge(trace, select=["lr-rises-again"])] == ["LR605"]


def test_what_could_not_be_judged_is_said() -> None:
    judging = Judge()
    judging.feed([{"kind": "update", "update": 0, "lr": [0.1]}, {"kind": "end", "reason": "finished"}])
    reasons = {skipped.rule: skipped.reason for skipped in judging.skipped}
    assert reasons["LR607"] == "no loss was read"
    assert reasons["LR601"] == "no metric of validation was recorded"
    assert "main process" in reasons["LR116"]
    assert not {"LR101", "LR111"} & set(reasons)  # judged, and not for runs


def test_nothing_recorded() -> None:
    with pytest.raises(LrightError, match="nothing was recorded"):
        judge(Trace())
    judging = Judge()
    assert judging.feed([]) == []
    assert judging.look() == []


def test_losses_that_are_missing_now_and_then() -> None:
    """A loss that is read at every tenth update only."""
    sparse = [dict(row) if row["update"] % 10 == 0 else dict(row, loss=None) for row in rows(3000, broken_from=2000)]
    found = [(finding.rule, finding.numbers["update"]) for finding in Judge().feed(sparse)]
    assert found in ([], [("LR607", 2000)])
    assert judge(Trace.of([*sparse, {"kind": "end", "reason": "finished"}]))[0].rule == "LR607"


def test_a_fault_of_ours_does_not_end_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("never")

    monkeypatch.setattr("lright.rules.lr607_diverged.Diverged.seen", faulty)
    judging = Judge()
    assert judging.feed(rows(200)) == []
    assert "ZeroDivisionError" in judging.skipped[0].reason
    with pytest.raises(ZeroDivisionError):
        judge(judging.trace)


def test_negative_losses() -> None:
    """A log-likelihood falls below 0: ratios say nothing, and no rule says anything."""
    trace = made(1000, cosine(0.1, 1000, 50), lambda update: 1.0 - update / 200, shaken=0.2)
    assert judge(trace) == []


def test_looking_does_not_grow_with_the_run() -> None:
    """A look at a long run costs about what one at a short run costs."""

    def cost(updates: int) -> float:
        judging = Judge(select=["LR6"])
        judging.feed(rows(updates))
        judging.look()
        times = []
        for _ in range(5):
            began = time.process_time()
            judging.look()
            times.append(time.process_time() - began)
        return min(times)

    assert cost(40_000) < 6 * cost(4_000) + 0.005
