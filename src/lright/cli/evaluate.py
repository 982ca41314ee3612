"""`lright eval`: what an agent gets right about learning rates, with lright and without."""

from __future__ import annotations

import json
from pathlib import Path

from .. import __version__
from ..errors import UsageError
from .options import count, number, one_of, parse, parser_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..evals.nouns import Graded, Problem
    from ..evals.run import Experiment, Subject


def evaluate(arguments: list[str]) -> int:
    """Measure an agent: RED without lright, GREEN with its skill or tools. Answers are graded by what their code does
    and by what they say; differences between the arms are paired and have intervals."""
    asked = parse(_parser(), arguments)
    folder = Path(asked.output)
    if (folder / "results.jsonl").exists() and not asked.force:
        raise UsageError(f"{asked.output} holds the results of another run: name another --output, or say --force")
    experiment, subject = _experiment(asked)
    if asked.list:
        say(_listed(experiment.problems))
        return 0
    from ..evals.run import check_runs, run

    check_runs(experiment, subject)
    answers = run(experiment, subject, folder, show="plain" if asked.progress else "none")
    _report(asked, folder, experiment, subject, answers)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("eval", "(--model NAME | --agent COMMAND | --transcripts FILE) [OPTIONS]", evaluate)
    who = parser.add_argument_group("who answers").add_argument
    who("--model", default="", metavar="NAME", help="a model as inspect_ai names it: openai-api/local/NAME ...")
    who("--base-url", default="", metavar="URL", help="the address of its API")
    who("--agent", default="", metavar="COMMAND", help="a command; the question is {prompt} in it, or its input")
    who("--transcripts", default="", metavar="FILE", help="recorded answers, or the results.jsonl of a run")
    who("--no-tools", action="store_true", help="the model cannot call tools: texts only, no arm with tools")
    who("--max-tokens", type=count, default=2000, metavar="N", help="of one answer of a model (default: 2000)")
    who("--temperature", type=float, metavar="T", help="of a model (default: its own)")
    who("--timeout", type=number, default=600.0, metavar="S", help="seconds for one answer (default: 600)")
    who("--connections", type=count, default=4, metavar="N", help="questions at a time (default: 4)")
    what = parser.add_argument_group("what is asked").add_argument
    what("--problems", default="", metavar="A,B", help="kinds, tags or ids; --list shows them (default: all)")
    what("--scripts", default="", metavar="DIR", help="make repair tasks of the scripts there, too")
    what("--arms", default="", metavar="A,B", help="red, control, green-skill, green-small, green-tools")
    what("--epochs", type=count, default=5, metavar="N", help="how often each is asked (default: 5)")
    what("--limit", type=count, metavar="N", help="at most so many problems, of every kind in turn")
    what("--seed", type=int, default=0, metavar="N", help="of the generated problems (default: 0)")
    what("--list", action="store_true", help="list the problems and ask nothing")
    out = parser.add_argument_group("the report").add_argument
    out("-o", "--output", default="lright-eval", metavar="DIR", help="where all of it goes (default: lright-eval)")
    out("--name", default="", metavar="TEXT", help="what the report calls the one who answers")
    out("--note", default="", metavar="TEXT", help="a sentence for the head of the page")
    out("--bundle", action="store_true", help="also inspect_ai's viewer of every answer, as a static site")
    out("--force", action="store_true", help="write over the results of another run")
    out("--progress", action="store_true", help="show inspect_ai's progress")
    out("--format", type=one_of(("full", "json")), default="full", help="how to show the summary")
    return parser


def _experiment(asked: argparse.Namespace) -> tuple[Experiment, Subject]:
    from ..evals import transcripts
    from ..evals.arms import arms
    from ..evals.choose import chosen
    from ..evals.run import Experiment, Subject

    problems = chosen(asked.problems, asked.seed, asked.scripts)
    problems = _limited(problems, asked.limit)
    recorded = transcripts.read(asked.transcripts) if asked.transcripts else {}
    subject = Subject(
        model=asked.model, command=asked.agent, transcripts=recorded, base_url=asked.base_url,
        tools=not asked.no_tools, timeout=asked.timeout, max_tokens=asked.max_tokens,
        temperature=asked.temperature, connections=asked.connections,
    )  # fmt: skip
    under = tuple(arm for arm in arms(asked.arms) if not (arm.tools and asked.model and asked.no_tools))
    if recorded:
        problems, under, epochs = transcripts.asked(recorded, problems, under)
        return Experiment(problems, under, epochs, asked.seed), subject
    return Experiment(problems, under, asked.epochs, asked.seed), subject


def _limited(problems: tuple[Problem, ...], limit: int | None) -> tuple[Problem, ...]:
    """The first ``limit`` problems, taken from every kind in turn."""
    if limit is None or limit >= len(problems):
        return problems
    by_kind = [[p for p in problems if p.kind == kind] for kind in dict.fromkeys(p.kind for p in problems)]
    turns = [p for turn in range(limit) for of_kind in by_kind for p in of_kind[turn : turn + 1]]
    wanted = {p.id for p in turns[:limit]}
    return tuple(p for p in problems if p.id in wanted)


def _listed(problems: tuple[Problem, ...]) -> list[str]:
    width = max((len(p.id) for p in problems), default=0)
    return [f"{p.id:<{width}}  {p.kind:<8}  {', '.join(p.tags)}" for p in problems]


def _report(
    asked: argparse.Namespace, folder: Path, experiment: Experiment, subject: Subject, answers: list[Graded]
) -> None:
    from ..evals import page, transcripts

    results = page.Results(answers, _about(asked, experiment, subject))
    summary = json.dumps(results.summary(), indent=2, ensure_ascii=False)
    transcripts.write(folder / "results.jsonl", answers)
    (folder / "summary.json").write_text(summary + "\n", "utf-8")
    (folder / "index.html").write_text(page.html(results), "utf-8")
    (folder / "arms.svg").write_text(page.picture(results), "utf-8")
    if asked.bundle:
        _bundle(folder)
    if asked.format == "json":
        print(summary)
    else:
        say([*page.terminal(results), "", f"{folder / 'index.html'} has the page, results.jsonl every answer"])


def _about(asked: argparse.Namespace, experiment: Experiment, subject: Subject) -> dict[str, object]:
    from datetime import date

    return {
        "subject": asked.name or subject.name,
        "date": date.today().isoformat(),
        "lright": __version__,
        "note": asked.note,
        "problems": len(experiment.problems),
        "epochs": experiment.epochs,
        "seed": experiment.seed,
        "arms": {arm.name: arm.title for arm in experiment.arms},
        "kinds": {p.id: p.kind for p in experiment.problems},
        "clusters": {p.id: str(p.expected.get("cluster", p.id)) for p in experiment.problems},
    }


def _bundle(folder: Path) -> None:
    from inspect_ai.log import bundle_log_dir

    bundle_log_dir(str(folder / "logs"), str(folder / "answers"), overwrite=True)
