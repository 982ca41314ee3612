"""How good a suggested LR is, lright's and its peers': `python -m benchmarks.finders.quality [options]`.

    --tasks dev|held|all   which half (default dev; HELD was set aside until the method was frozen)
    --seeds 3              finder runs on each task, each with another initialization and other batches
    --iterations 200,380   updates that a peer may make, one row for each; lright makes 200 and, with trials, up to 380
    --peers                run the peers too, in an environment that has them (`peers.py` says how)
    --workers 2            processes, of one thread each
    --save FILE            keep every suggestion as JSON
    --write                put the table into docs/benchmarks.md

regret = (validation loss after training at the suggestion - best) / (initial - best), at most 1; no suggestion = 1.
bad = regret above .1. distance = decades to the LRs whose loss is within 5% of the best. spread = max - min over the
seeds, decades. An abstention is scored at the default it names. Means and shares have 95% bootstrap intervals over
tasks: tasks are drawn with replacement, with all their seeds. The truth is in `truth.json`, made by `truth.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ..measure import report, setting, table
from .data import Absent
from .tasks import DEV, HELD, STEPS, TASKS, Task
from .truth import Truth, stored, truth

FIRST_SEED = 1000  # finders do not see the seeds of the truth
BAD = 0.1
TRIALS, TRIAL_STEPS = 3, 60
DRAWS = 4000
REGRET_BAR, REGRET_BAR_TRIALS, BAD_BAR, SPREAD_BAR = 0.08, 0.06, 0.10, 0.5
PLAIN, TRIED = f"lright, {STEPS}", f"lright with trials, {STEPS} + {TRIALS} x {TRIAL_STEPS}"
HALVES = {"dev": DEV, "held": HELD, "all": TASKS}


@dataclass(frozen=True)
class Answer:
    """What a finder said on one task with one seed; NaN for nothing."""

    task: str
    lr: float
    abstained: bool = False


Answers = dict[str, list[Answer]]  # method -> its answers


def lright_suggestion(task: Task, seed: int, trials: int) -> Answer:
    """The door that users take: `lright.torch.find_lr`, with its defaults."""
    from lright.torch import find_lr

    model, optimizer = task.build(seed)
    found = find_lr(
        model,
        optimizer,
        task.loss,
        task.batches(seed),
        steps=STEPS,
        trials=trials,
        trial_steps=TRIAL_STEPS,
        validation=lambda: task.validation(model),
        progress=False,
    )
    return Answer(task.name, found.suggestion, found.abstained)


@dataclass(frozen=True)
class Job:
    """Every method on one task, with every seed; `iterations` is empty where no peers are asked for."""

    task: str
    seeds: int
    iterations: tuple[int, ...]


def ask(job: Job) -> tuple[str, Answers, dict[str, str]]:
    """The task's name, what was said about it, and why a peer raised or the task was left out."""
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    task = next(one for one in TASKS if one.name == job.task)
    said: Answers = {}
    why: dict[str, str] = {}
    try:
        task.build(0)
    except Absent as absent:
        return task.name, said, {task.name: str(absent)}
    for seed in range(FIRST_SEED, FIRST_SEED + job.seeds):
        said.setdefault(PLAIN, []).append(lright_suggestion(task, seed, 0))
        said.setdefault(TRIED, []).append(lright_suggestion(task, seed, TRIALS))
        said.setdefault("a fixed LR per optimizer, 0", []).append(Answer(task.name, task.usual))
        for count in job.iterations:
            from .peers import suggestions

            for name, lr in suggestions(task, seed, count, why).items():
                said.setdefault(f"{name}, {count}", []).append(Answer(task.name, lr))
    return task.name, said, why


def gather(jobs: Sequence[Job], workers: int, why: dict[str, str]) -> Answers:
    """All answers, in the order of the tasks."""
    found: dict[str, Answers] = {}
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for name, said, reasons in pool.imap_unordered(ask, jobs):
            found[name] = said
            why |= reasons
            print(name, flush=True)
    together: Answers = {}
    for job in jobs:
        for method, answers in found[job.task].items():
            together.setdefault(method, []).extend(answers)
    return together


@dataclass(frozen=True)
class Score:
    """One method, task by task."""

    regrets: dict[str, list[float]]
    distances: dict[str, list[float]]
    spreads: dict[str, float]
    fails: int
    abstentions: int

    @property
    def flat(self) -> list[float]:
        return [regret for mine in self.regrets.values() for regret in mine]


def score(answers: Sequence[Answer], truths: dict[str, Truth]) -> Score:
    regrets: dict[str, list[float]] = {}
    distances: dict[str, list[float]] = {}
    lrs: dict[str, list[float]] = {}
    for one in answers:
        known, good = truths[one.task], math.isfinite(one.lr) and one.lr > 0
        regrets.setdefault(one.task, []).append(known.regret(one.lr))
        lrs.setdefault(one.task, [])
        distances.setdefault(one.task, [])
        if good:
            lrs[one.task].append(math.log10(one.lr))
            distances[one.task].append(known.distance(one.lr))
    spreads = {name: max(mine) - min(mine) for name, mine in lrs.items() if mine}
    fails = sum(not (math.isfinite(one.lr) and one.lr > 0) for one in answers)
    return Score(regrets, distances, spreads, fails, sum(one.abstained for one in answers))


def interval(per_task: Sequence[float]) -> tuple[float, float]:
    """The 95% bootstrap interval of a mean over tasks."""
    draw = random.Random(1)
    means = sorted(fmean(draw.choices(per_task, k=len(per_task))) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]


def with_interval(per_task: Sequence[float], text: Callable[[float], str]) -> str:
    low, high = interval(per_task)
    return f"{text(fmean(per_task))} [{text(low)}, {text(high)}]"


def small(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def share(value: float) -> str:
    return f"{value:.0%}"


def row(name: str, one: Score) -> list[str]:
    signed = [far for mine in one.distances.values() for far in mine]
    means = [fmean(mine) for mine in one.regrets.values()]
    bad = [fmean(regret > BAD for regret in mine) for mine in one.regrets.values()]
    spreads = list(one.spreads.values())
    cells = [name, small(median(one.flat)), with_interval(means, small), with_interval(bad, share)]
    cells += [f"{fmean(map(abs, signed)):.2f}, {direction(signed)}" if signed else "-"]
    cells += [f"{median(spreads):.2f} / {max(spreads):.2f}" if spreads else "-"]
    return [*cells, f"{one.fails}", f"{one.abstentions}"]


def direction(signed: Sequence[float]) -> str:
    """Whether a method errs upwards or downwards."""
    up, down = sum(far for far in signed if far > 0), -sum(far for far in signed if far < 0)
    if up > 2 * down:
        return "high"
    return "low" if down > 2 * up else "both"


HEAD = ["method, iterations", "regret median", "regret mean", "bad", "distance mean", "spread median / max"]
HEAD += ["fails", "abstained"]


def met(scores: dict[str, Score]) -> bool:
    """Whether lright keeps the bars."""
    good = True
    for name, bar in ((PLAIN, REGRET_BAR), (TRIED, REGRET_BAR_TRIALS)):
        mine = scores[name]
        good &= fmean(fmean(one) for one in mine.regrets.values()) <= bar
        good &= fmean(regret > BAD for regret in mine.flat) <= BAD_BAR
        good &= max(mine.spreads.values()) <= SPREAD_BAR
    return good


def worst(scores: dict[str, Score], truths: dict[str, Truth], said: Answers) -> str:
    """Task by task, for developing: DEV only."""
    rows = []
    for name, known in truths.items():
        best = known.lrs[known.val.index(known.best)]
        cells = [name, f"{best:.2g}"]
        for method in (PLAIN, TRIED):
            lrs = " ".join(f"{one.lr:.2g}{'?' if one.abstained else ''}" for one in said[method] if one.task == name)
            cells += [lrs, small(fmean(scores[method].regrets[name]))]
        rows.append(cells)
    return table(["task", "best LR", PLAIN, "regret", TRIED, "regret"], rows)


def parse() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", choices=HALVES, default="dev")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", default=f"{STEPS},{STEPS + TRIALS * TRIAL_STEPS}")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--detail", action="store_true", help="task by task (DEV only)")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def main() -> int:
    given = parse()
    known = stored()
    tasks = [task for task in HALVES[given.tasks] if task.name in known]
    why = {task.name: "no truth in truth.json yet" for task in HALVES[given.tasks] if task.name not in known}
    iterations = tuple(int(count) for count in given.iterations.split(",")) if given.peers else ()
    said = gather([Job(task.name, given.seeds, iterations) for task in tasks], given.workers, why)
    if given.save:
        kept = {method: [(one.task, one.lr, one.abstained) for one in answers] for method, answers in said.items()}
        given.save.write_text(json.dumps(kept), "utf-8")
    tasks = [task for task in tasks if task.name not in why]
    truths = {task.name: truth(task) for task in tasks}
    scores = {method: score(answers, truths) for method, answers in said.items()}
    lines = [f"{setting()}; {len(tasks)} tasks ({given.tasks}), {given.seeds} finder seeds."]
    if given.peers:
        from .peers import absent, versions

        lines[0] += f" Peers: {versions()}."
        why |= absent()
    lines += ["", table(HEAD, [row(method, scores[method]) for method in scores])]
    left = [f"{name} ({reason[:160]})" for name, reason in why.items()]
    lines += ["", f"Left out, or raised at least once: {'; '.join(left)}."] if left else []
    report("finders", "\n".join(lines), write=given.write)
    if given.detail and given.tasks == "dev":
        print(f"\n{worst(scores, truths, said)}")
    return int(not met(scores))


if __name__ == "__main__":
    raise SystemExit(main())
