"""Recorded answers: what is read, what is refused and how it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lright.errors import LrightError
from lright.evals import transcripts
from lright.evals.arms import ARMS
from lright.evals.nouns import Answer, Graded, Problem

PROBLEMS = (Problem("p", "scenario", "?"), Problem("q", "scenario", "?"))


def written(tmp_path: Path, *lines: object) -> str:
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return str(path)


def test_both_forms_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, {"problem": "p", "text": "short"}, "", {"problem": "p", "arm": "green-skill", "epoch": 0,
                   "answer": {"text": "long", "files": {"a.py": "x"}, "calls": ["check"]}, "scores": []})  # fmt: skip
    found = transcripts.read(path)
    assert found["p", "red", 0] == Answer("short")
    assert found["p", "green-skill", 0] == Answer("long", {"a.py": "x"}, calls=("check",))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    answer = Answer("täxt\n```python\nx\n```", {"a.py": "y"}, 1.5, 10, 20, ("check",))
    path = tmp_path / "r.jsonl"
    transcripts.write(path, [Graded("p", "red", 2, answer, ())])
    assert transcripts.read(str(path)) == {("p", "red", 2): answer}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no recorded answer"),
        ("[]", "an object was expected"),
        ({"problem": "p"}, "'text'"),
        ({"problem": "p", "text": 3}, "text is not a text"),
        ({"problem": "p", "text": "x", "epoch": -1}, "whole number"),
        ({"problem": "p", "text": "x", "epoch": True}, "whole number"),
        ({"problem": "p", "answer": {"text": "x", "mood": "good"}}, "no 'mood'"),
        ({"text": "x"}, "'problem'"),
        ("[" * 100_000, "no recorded answer"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, line: object, said: str) -> None:
    path = written(tmp_path, {"problem": "p", "text": "fine"}, line)
    with pytest.raises(LrightError, match=":2: no recorded answer") as caught:
        transcripts.read(path)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(LrightError, match="cannot be read"):
        transcripts.read(str(tmp_path / "none.jsonl"))
    with pytest.raises(LrightError, match="holds no recorded answer"):
        transcripts.read(written(tmp_path, ""))
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(LrightError, match="not UTF-8"):
        transcripts.read(str(tmp_path / "b.jsonl"))
    with pytest.raises(LrightError, match="there twice"):
        transcripts.read(written(tmp_path, {"problem": "p", "text": "a"}, {"problem": "p", "text": "b"}))


def test_a_hole_is_refused_and_a_stranger_too() -> None:
    whole = {("p", "red", 0): Answer("a"), ("p", "control", 0): Answer("b")}
    problems, arms, epochs = transcripts.asked(whole, PROBLEMS, ARMS)
    assert ([p.id for p in problems], [a.name for a in arms], epochs) == (["p"], ["red", "control"], 1)
    with pytest.raises(LrightError, match="no answer to problem q, arm control, epoch 0"):
        transcripts.asked({**whole, ("q", "red", 0): Answer("c")}, PROBLEMS, ARMS)
    with pytest.raises(LrightError, match="'z'"):
        transcripts.asked({("z", "red", 0): Answer("")}, PROBLEMS, ARMS)
    with pytest.raises(LrightError, match="arm 'blue'"):
        transcripts.asked({("p", "blue", 0): Answer("")}, PROBLEMS, ARMS)
