"""The few nouns of an evaluation, each a JSON object both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SCENARIO, REPAIR, CHOICE, READING = "scenario", "repair", "choice", "reading"
KINDS = (SCENARIO, REPAIR, CHOICE, READING)

OUTCOME = "outcome"  # what the answer's code or choice does, simulated
WORDING = "wording"  # what the answer says
WRONG = "wrong"  # a false or harmful statement that it makes: 1 is bad
LOOSE = "loose"  # a statement without a source: told, counted neither way


@dataclass(frozen=True)
class Problem:
    """One thing to ask. ``expected`` is for the grader of its kind and is never shown to the one who answers."""

    id: str
    kind: str
    prompt: str
    files: Mapping[str, str] = field(default_factory=dict)  # the project the question is about: path to text
    criteria: tuple[str, ...] = ()  # the scores that a grader may give, in order
    expected: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()  # such as seed, paraphrase, pressure; the rule and the style of a planted fault


@dataclass(frozen=True)
class Answer:
    """What came back. ``files`` are the project's files as they are afterwards, where the answer changed any."""

    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    calls: tuple[str, ...] = ()  # the tools that were used, in order
    error: str = ""  # why there is no answer, if there is none


@dataclass(frozen=True)
class Score:
    """One criterion of one answer. ``value`` lies in [0, 1]; None where it could not be judged, as ``why`` tells."""

    criterion: str
    kind: str
    value: float | None
    why: str = ""
    key: bool = False  # without it the answer is not right


@dataclass(frozen=True)
class Graded:
    """An answer with its scores.

    >>> scores = (Score("finds-the-fault", WORDING, 1.0, key=True), Score("curve", OUTCOME, 0.0, key=True))
    >>> Graded("repair-1", "red", 0, Answer("..."), scores).solved
    False
    """

    problem: str
    arm: str
    epoch: int
    answer: Answer
    scores: tuple[Score, ...]

    @property
    def solved(self) -> bool:
        """Every key criterion is met, and half of all (our judgement), and nothing wrong is said. Where no criterion is
        key, all are."""
        good = [s for s in self.scores if s.kind in (OUTCOME, WORDING)]
        met = [s for s in good if (s.value or 0) >= 0.5]
        needed = [s for s in good if s.key] or good
        said_wrong = any(s.kind == WRONG and (s.value or 0) >= 0.5 for s in self.scores)
        return bool(needed) and all(s in met for s in needed) and 2 * len(met) >= len(good) and not said_wrong

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; :func:`graded` reads it."""
        return asdict(self)


def graded(data: Mapping[str, Any]) -> Graded:
    """What :meth:`Graded.as_dict` wrote."""
    answer = dict(data["answer"])
    answer["calls"] = tuple(answer.get("calls", ()))
    scores = tuple(Score(**score) for score in data["scores"])
    return Graded(data["problem"], data["arm"], data["epoch"], Answer(**answer), scores)
