"""The graders against people: answers that others than their authors wrote and labelled, and that they never saw.

`evals/labels/exam` was kept from whoever wrote the graders, `heldout` until the first of them were done; `dev` is what
they were tuned on. A label is one decision: a criterion that an answer meets or not, or, for repairs, choices and
readings, whether an expert would call it solved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lright.evals.grade import grade
from lright.evals.nouns import SCENARIO, Answer, Graded
from lright.evals.problems import load

LABELS = Path(__file__).resolve().parents[2] / "evals" / "labels"
AGREED = 0.95  # of all decisions, at least


def decisions(part: str, kinds: str) -> Iterator[tuple[str, str, bool, bool, str]]:
    """Problem, what is decided, the label, the grader's verdict, and the grader's reason."""
    problems = {problem.id: problem for problem in load()}
    for path in sorted((LABELS / part).glob(f"{kinds}-*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            said = json.loads(line)
            problem = problems[said["problem"]]
            answer = Answer(said["answer"])
            scores = grade(problem, answer)
            where = f"{path.name}:{number} {problem.id} ({said['style']})"
            if problem.kind == SCENARIO:
                for score in scores:
                    yield where, score.criterion, said["labels"][score.criterion], (score.value or 0) >= 0.5, score.why
            else:
                solved = Graded(problem.id, "", 0, answer, scores).solved
                why = "; ".join(f"{s.criterion} {s.value}: {s.why}" for s in scores if not s.value)
                yield where, "solved", said["labels"]["solved"], solved, why


@pytest.mark.parametrize(
    ("part", "kinds", "fewest"),
    [
        ("dev", "answers", 1000),
        ("heldout", "answers", 800),
        ("exam", "answers", 800),
        ("heldout", "outcomes", 60),
    ],
)
def test_graders_agree_with_people(part: str, kinds: str, fewest: int) -> None:
    found = list(decisions(part, kinds))
    assert len(found) >= fewest
    wrong = [each for each in found if each[2] != each[3]]
    share = 1 - len(wrong) / len(found)
    told = "\n".join(f"{where}: {what} is {label}, graded {got}: {why}" for where, what, label, got, why in wrong)
    assert share >= AGREED, f"{share:.1%} of {len(found)} decisions agree\n{told}"


def test_stuffed_and_evasive_answers_are_never_solved() -> None:
    problems = {problem.id: problem for problem in load(kinds=[SCENARIO])}
    tried = 0
    for path in sorted(LABELS.glob("*/answers-*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            said = json.loads(line)
            if any(word in said["style"] for word in ("stuff", "evasive", "salad")):
                problem = problems[said["problem"]]
                answer = Answer(said["answer"])
                graded = Graded(problem.id, "", 0, answer, grade(problem, answer))
                assert not graded.solved, f"{path.name}: {said['answer'][:200]}"
                tried += 1
    assert tried >= 10


if __name__ == "__main__":  # python tests/evals/test_labels.py heldout answers
    import sys

    every = list(decisions(sys.argv[1], sys.argv[2]))
    for each in every:
        if each[2] != each[3]:
            print(*each, sep=" | ")
    print(sum(each[2] == each[3] for each in every), "of", len(every))
