"""What is kept, and what a kill leaves of it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lright.ablate.job import OWN, Cell, Job, Outcome, Peak
from lright.ablate.store import Store
from lright.drive.measured import Measured
from lright.errors import LrightError

JOB = Job(Cell(OWN, Peak(factor=1)), 3)


def outcome(final: float = 0.5, ended: str = "finished") -> Outcome:
    return Outcome(JOB, Measured(((9, 0.7), (19, final)), final, min(0.7, final), 20, ended, "a\nb", 1.5, 0.1))


def test_what_is_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "runs.jsonl"
    store = Store(path)
    assert not path.exists() and "k" not in store and store.outcome("k", JOB) is None
    store.add("k", outcome())
    again = Store(path)
    assert "k" in again and again.outcome("k", JOB) == outcome()


def test_numbers_that_are_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.jsonl")
    store.add("k", outcome(math.inf, "diverged"))
    kept = Store(store.path).outcome("k", JOB)
    assert kept is not None and kept.measured.final == math.inf and kept.diverged


def test_the_last_line_for_a_key_counts(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.jsonl")
    store.add("k", outcome(ended="crashed"))
    store.add("k", outcome(0.4))
    assert Store(store.path).outcome("k", JOB) == outcome(0.4)


def test_what_was_interrupted_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.jsonl")
    store.add("k", outcome(ended="interrupted"))
    assert "k" not in store and not store.path.exists()


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.jsonl")
    store.add("a", outcome())
    store.add("b", outcome())
    text = store.path.read_text("utf-8")
    store.path.write_text(text[:-40], "utf-8")
    again = Store(store.path)
    assert "a" in again and "b" not in again and again.torn == 1
    again.add("b", outcome())
    assert "b" in Store(store.path) and Store(store.path).torn == 1


def test_another_format_is_run_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.jsonl")
    store.add("k", outcome())
    store.path.write_text(store.path.read_text("utf-8").replace('"format": 1', '"format": 0'), "utf-8")
    assert "k" not in Store(store.path)


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not runs\n", "utf-8")
    with pytest.raises(LrightError, match="--store"):
        Store(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LrightError, match="--store"):
        Store(path)
    with pytest.raises(LrightError, match="--store"):
        Store(path / "below").add("k", outcome())
