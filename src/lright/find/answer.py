"""From sweeps and trials to the answer: the LR, how sure, and what it is for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import record
from .curve import Sweep
from .result import Curve, LrFind, Trial, Use
from .suggest import FAIR, HIGH, MARGIN, Suggestion
from .trials import APART, at_edge, chosen

CHANCE = 0.9  # how often the interval around what trials chose held the best LR of our development tasks
# Our judgement.
CONSTANT = 3.0  # a constant LR is lower than the peak of one that decays by this
BODY = 10.0  # pretrained layers take a lower LR than a new head by this


# What no range test can see, said with every answer.
UNSEEN = (
    "not seen: what only a longer training shows, such as late instability or overfitting; a warmup may allow more; "
    "for another batch size, model or optimizer measure again"
)


@record(frozen=True)
class _Verdict:
    """What is decided: the LR, where the best should lie, how sure, and by what."""

    lr: float
    interval: tuple[float, float]
    confidence: str
    chance: float
    reason: str
    abstained: bool


def answer(
    suggestion: Suggestion,
    sweeps: Sequence[tuple[Sequence[float], Sequence[float]]],
    trials: Sequence[Trial],
    *,
    optimizer: str = "",
    base_lrs: Sequence[float] = (),
    interrupted: bool = False,
) -> LrFind:
    """The answer from the ``suggestion`` of ``sweeps``, (lrs, losses) each, and from ``trials`` around it."""
    verdict = _of_trials(suggestion, trials) or _of_sweeps(suggestion)
    notes = [*suggestion.notes, *_trial_notes(trials), *_own_lr(verdict, base_lrs)]
    if interrupted:
        notes.append("it was interrupted: this is what was seen until then")
    notes.append(UNSEEN)
    return LrFind(
        suggestion=verdict.lr,
        abstained=verdict.abstained,
        interval=verdict.interval,
        confidence=verdict.confidence,
        chance=verdict.chance,
        reason=verdict.reason,
        curves=tuple(_curve(*pair, sweep) for pair, sweep in zip(sweeps, suggestion.sweeps)),
        unstable_from=suggestion.unstable_from,
        trials=tuple(trials),
        uses=_uses(verdict, suggestion.unstable_from, base_lrs),
        notes=tuple(notes),
        optimizer=optimizer,
        base_lrs=tuple(base_lrs),
        interrupted=interrupted,
    )


def _of_sweeps(suggestion: Suggestion) -> _Verdict:
    return _Verdict(
        suggestion.lr, suggestion.interval, suggestion.confidence, suggestion.chance,
        suggestion.reason, suggestion.abstained,
    )  # fmt: skip


def _of_trials(suggestion: Suggestion, trials: Sequence[Trial]) -> _Verdict | None:
    """What trials decide, if there are two at least and one came through."""
    lr = chosen(trials) if len(trials) > 1 else None
    if lr is None:
        return None
    judged = "validation" if all(trial.validation is not None for trial in trials) else "training"
    around = "the default" if suggestion.abstained else "what the sweep suggested"
    reason = f"the best of {len(trials)} short trainings, by {judged} loss, around {around}"
    if at_edge(trials):
        return _Verdict(lr, (lr / APART**2, lr * APART**2), FAIR, CHANCE, reason, False)
    return _Verdict(lr, (lr / APART, lr * APART), HIGH, CHANCE, reason, False)


def _trial_notes(trials: Sequence[Trial]) -> list[str]:
    if len(trials) < 2:
        return []
    if not any(math.isfinite(trial.loss) for trial in trials):
        return ["every trial diverged: the LR is that of the sweep, and doubtful"]
    edge = at_edge(trials)
    return [f"the best trial was the one with the {edge} LR tried: more trials may find better"] if edge else []


def _own_lr(verdict: _Verdict, base_lrs: Sequence[float]) -> list[str]:
    """How the LR that the user has set compares."""
    own = max(base_lrs, default=0.0)
    if not 0 < own < math.inf or verdict.abstained:
        return []
    low, high = verdict.interval
    where = "below" if own < low else "above" if own > high else "inside"
    return [f"the LR set now, {own:.2g}, lies {where} the interval"]


def _curve(lrs: Sequence[float], losses: Sequence[float], sweep: Sweep | None) -> Curve:
    """What was seen of a sweep, with the smoothed loss where there is one."""
    seen = tuple(lrs[: len(losses)])
    at = dict(zip(sweep.xs, sweep.smooth)) if sweep else {}
    return Curve(seen, tuple(losses), tuple(at.get(math.log10(lr), math.nan) for lr in seen))


def _uses(verdict: _Verdict, unstable_from: float | None, base_lrs: Sequence[float]) -> dict[str, Use]:
    """What to set for each kind of schedule."""
    lr = verdict.lr
    aim = "a default, not measured" if verdict.abstained else "what the test aims at"
    purposes = (
        ("decaying", lr, f"the peak of a schedule that falls to 0, such as cosine or linear: {aim}"),
        ("one_cycle", *_one_cycle(lr, unstable_from)),
        (
            "constant",
            lr / CONSTANT,
            f"a {_ordinal(CONSTANT)} of the peak, since no decay calms the end (our judgement)",
        ),
        (
            "fine_tuning",
            lr,
            f"for new layers; pretrained ones in a group of their own a {_ordinal(BODY)} of it (our judgement)",
        ),
    )
    return {name: Use(value, why, _groups(value, base_lrs)) for name, value, why in purposes}


def _one_cycle(lr: float, unstable_from: float | None) -> tuple[float, str]:
    """OneCycle holds its peak for a while only, but needs it to be stable: half of where it was not, at most."""
    if unstable_from is None:
        return lr, "the same; the sweep saw no LR that was unstable"
    limit = unstable_from / 10**MARGIN
    if limit < lr:
        return limit, f"half of {unstable_from:.2g}, where this run became unstable"
    return lr, f"the same: below {unstable_from:.2g}, where this run became unstable"


def _groups(lr: float, base_lrs: Sequence[float]) -> tuple[float, ...]:
    """The LR of each group, in the ratio that the user set; nothing where there is only one group."""
    top = max(base_lrs, default=0.0)
    if len(base_lrs) < 2 or not top > 0:
        return ()
    return tuple(lr * base / top for base in base_lrs)


def _ordinal(number: float) -> str:
    return {3: "third", 10: "tenth"}.get(int(number), f"{number:g}th")
