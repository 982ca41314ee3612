"""What an answer is worth: first what its code does, then what it says."""

from __future__ import annotations

from ..nouns import CHOICE, LOOSE, OUTCOME, READING, REPAIR, WRONG, Answer, Problem, Score


def grade(problem: Problem, answer: Answer) -> tuple[Score, ...]:
    """The scores of an answer, one for every criterion of its problem, in order. Never raises on an answer's text; an
    answer that is empty or an error scores 0 everywhere (also where 1 would be bad: it says nothing wrong)."""
    from . import outcome

    if answer.error or not (answer.text.strip() or answer.files):
        return _nothing(problem, answer.error or "the answer is empty")
    graders = {REPAIR: outcome.grade_repair, CHOICE: outcome.grade_choice, READING: outcome.grade_reading}
    if problem.kind in graders:
        return graders[problem.kind](problem, answer)
    return _scenario(problem, answer)


def _scenario(problem: Problem, answer: Answer) -> tuple[Score, ...]:
    """What an answer to a scenario says, and what its code does."""
    from ..problems.scenarios import known
    from . import outcome
    from .wording import grade_wording

    criteria = problem.expected["criteria"]
    drawn = {name: outcome.grade_curve(problem, answer, name) for name in problem.criteria
             if criteria[name]["kind"] == OUTCOME}  # fmt: skip
    said = [name for name in problem.criteria if name not in drawn]
    found = {one.criterion: one for one in grade_wording(answer.text, said, known())}
    return tuple(drawn.get(name) or found[name] for name in problem.criteria if name in drawn or name in found)


def _nothing(problem: Problem, why: str) -> tuple[Score, ...]:
    """0 for every criterion, each of its kind."""
    from . import outcome

    if problem.kind in (REPAIR, CHOICE, READING):
        return outcome.nothing(problem, why)
    criteria = problem.expected["criteria"]
    found = []
    for name in problem.criteria:
        kind = str(criteria[name]["kind"])
        key = bool(criteria[name].get("key", False)) and kind not in (WRONG, LOOSE)
        found.append(Score(name, kind, 0.0, why, key))
    return tuple(found)
