"""Put every problem to every arm, several times: the experiment, run by inspect_ai, which keeps the logs.

There are three ways to get answers: a model behind any API that inspect_ai speaks, a local agent that is started as a
command in a folder of its own, and recorded answers. The grading is the same for all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LrightError, UsageError
from .arms import Arm
from .nouns import OUTCOME, WORDING, WRONG, Answer, Graded, Problem, Score

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.scorer import Scorer
    from inspect_ai.solver import Solver

SYSTEM = """\
You help people who train neural networks. Answer in Markdown, with code in fenced blocks. Where you are asked to
change a file, give the whole changed file in one fenced block."""
SKILL_INTRO = "\n\nYou have the following skill. Use it where it fits the question.\n\n"
TOOLS_INTRO = "\n\nThe project's files are in the root folder of your lright tools."


@dataclass(frozen=True)
class Subject:
    """Who answers: exactly one of a model (as inspect_ai names it), a command, or recorded answers."""

    model: str = ""
    command: str = ""
    transcripts: Mapping[tuple[str, str, int], Answer] = field(default_factory=dict)
    base_url: str = ""
    tools: bool = True  # whether the model can call tools
    timeout: float = 600.0  # seconds for one answer
    max_tokens: int = 2000  # of one answer of a model
    temperature: float | None = None  # None: the model's own
    connections: int = 4  # questions at a time

    @property
    def name(self) -> str:
        """What a report calls it."""
        return self.model or self.command or "recorded answers"


@dataclass(frozen=True)
class Experiment:
    """What is asked, under which arms, how often."""

    problems: tuple[Problem, ...]
    arms: tuple[Arm, ...]
    epochs: int = 5
    seed: int = 0


def run(experiment: Experiment, subject: Subject, folder: Path, show: str = "none") -> list[Graded]:
    """Run it; logs of inspect_ai go to ``folder/logs``. ``show`` is inspect_ai's display: none, plain, rich ..."""
    inspect_ai = _inspect_ai()
    tasks = [_task(experiment, arm, subject) for arm in experiment.arms]
    logs = inspect_ai.eval(
        tasks, **_model(subject), display=show, log_dir=str(folder / "logs"), epochs=experiment.epochs,
        fail_on_error=False, max_samples=subject.connections, max_tasks=1, log_level="warning", score_display=False,
    )  # fmt: skip
    by_id = {problem.id: problem for problem in experiment.problems}
    answers = [graded for log in logs for graded in _collected(log, by_id)]
    if all(graded.answer.error for graded in answers):
        raise LrightError(f"{subject.name}: not one answer came: {answers[0].answer.error}")
    return answers


def _inspect_ai() -> Any:
    try:
        import inspect_ai
    except ImportError:
        python = "" if sys.version_info >= (3, 11) else ", and Python 3.11 or newer"
        raise LrightError(f"lright eval needs inspect_ai{python}: pip install 'lright[evals]'") from None
    return inspect_ai


def _model(subject: Subject) -> dict[str, Any]:
    if not subject.model:
        return {"model": "none/none"}
    settings: dict[str, Any] = {"model": subject.model, "max_tokens": subject.max_tokens}
    if subject.base_url:
        settings["model_base_url"] = subject.base_url
    if subject.temperature is not None:
        settings["temperature"] = subject.temperature
    return settings | {"max_connections": subject.connections, "timeout": int(subject.timeout)}


# -- one task an arm --------------------------------------------------------------------------------------------------


def _task(experiment: Experiment, arm: Arm, subject: Subject) -> Task:
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample

    by_id = {problem.id: problem for problem in experiment.problems}
    samples = [Sample(id=p.id, input=question(p, files_shown=not subject.command)) for p in experiment.problems]
    return Task(
        dataset=MemoryDataset(samples), solver=_solver(arm, subject, by_id), scorer=_scorer(by_id),
        name=f"lright-{arm.name}", metadata={"arm": arm.name},
    )  # fmt: skip


def question(problem: Problem, files_shown: bool) -> str:
    """The prompt of a problem; its files are shown to a model, and lie in the folder of an agent.

    >>> print(question(Problem("r", "repair", "Mend it.", {"train.py": "x = 1"}), files_shown=True))
    Mend it.
    <BLANKLINE>
    train.py:
    <BLANKLINE>
    ```python
    x = 1
    ```
    """
    if not problem.files:
        return problem.prompt
    if not files_shown:
        return f"{problem.prompt}\n\nThe project is in the current folder: {', '.join(sorted(problem.files))}."
    shown = [f"{name}:\n\n```python\n{text.rstrip()}\n```" for name, text in sorted(problem.files.items())]
    return "\n\n".join([problem.prompt, *shown])


def _solver(arm: Arm, subject: Subject, problems: Mapping[str, Problem]) -> Solver:
    from . import answerers

    if subject.command:
        return answerers.command(arm, subject.command, subject.timeout, problems)
    if subject.model:
        return answerers.model(arm, problems, _system(arm), subject.tools)
    return answerers.replay(arm, subject.transcripts)


def _system(arm: Arm) -> str:
    return SYSTEM + (SKILL_INTRO + arm.text if arm.skill else "") + (TOOLS_INTRO if arm.tools else "")


def _scorer(problems: Mapping[str, Problem]) -> Scorer:
    from inspect_ai.scorer import Score as Scored
    from inspect_ai.scorer import Target, mean, scorer
    from inspect_ai.solver import TaskState

    from .answerers import answer_of
    from .grade import grade

    @scorer(metrics={"*": [mean()]}, name="lright")
    def graded() -> Scorer:
        async def score(state: TaskState, target: Target) -> Scored:
            answer = answer_of(state)
            scores = grade(problems[str(state.sample_id)], answer)
            told = "\n".join(f"{s.criterion}: {s.value} ({s.why})" for s in scores)
            kept = {"scores": [vars(s) for s in scores], "answer": _kept(answer)}
            return Scored(value=_summary(scores), answer=answer.text, explanation=told, metadata=kept)

        return score

    return graded()


def _kept(answer: Answer) -> dict[str, Any]:
    return {**vars(answer), "files": dict(answer.files), "calls": list(answer.calls)}


def _summary(scores: Sequence[Score]) -> dict[str, float]:
    """What inspect_ai's own viewer shows: the same figures for every kind of problem."""
    summary = {"solved": float(Graded("", "", 0, Answer(""), tuple(scores)).solved)}
    for kind in (OUTCOME, WORDING, WRONG):
        values = [s.value for s in scores if s.kind == kind and s.value is not None]
        summary[kind] = sum(values) / len(values) if values else 0.0
    return summary


# -- what came back ---------------------------------------------------------------------------------------------------


def _collected(log: EvalLog, problems: Mapping[str, Problem]) -> list[Graded]:
    if log.status != "success" and not log.samples:
        why = log.error.message if log.error else log.status
        raise LrightError(f"inspect_ai could not run the evaluation: {why}")
    arm = str((log.eval.metadata or {}).get("arm", ""))
    return [_graded(sample, arm, problems[str(sample.id)]) for sample in log.samples or ()]


def _graded(sample: EvalSample, arm: str, problem: Problem) -> Graded:
    from .grade import grade

    scored = (sample.scores or {}).get("lright")
    if scored is None or sample.error is not None:
        why = sample.error.message if sample.error else "no answer was given"
        answer = Answer("", error=why.splitlines()[0][:300])
        return Graded(problem.id, arm, sample.epoch - 1, answer, grade(problem, answer))
    kept = scored.metadata or {}
    said = {**kept["answer"], "calls": tuple(kept["answer"]["calls"])}
    if sample.model_usage:
        used = list(sample.model_usage.values())
        said["tokens_in"] = sum(u.input_tokens + (u.input_tokens_cache_read or 0) for u in used)
        said["tokens_out"] = sum(u.output_tokens for u in used)
        said["seconds"] = float(sample.working_time or sample.total_time or 0.0)
    scores = tuple(Score(**score) for score in kept["scores"])
    return Graded(problem.id, arm, sample.epoch - 1, Answer(**said), scores)


def check_runs(experiment: Experiment, subject: Subject) -> None:
    """Refuse what cannot be run, before anything is. Raises UsageError."""
    if experiment.epochs < 1:
        raise UsageError("--epochs counts how often a question is asked: give a whole number from 1")
    if not experiment.problems:
        raise UsageError("no problem is left to ask: --problems lists the kinds and ids")
    if sum(map(bool, (subject.model, subject.command, subject.transcripts))) != 1:
        raise UsageError("who answers? Give one of --model NAME, --agent COMMAND and --transcripts FILE")
