"""From sweeps and trials to the answer: the LR, how sure, and what it is for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .curve import Sweep
from .result import Curve, LrFind, Trial, Use
from .suggest import FAIR, HIGH, LOW, Suggestion
from .trials import APART, at_edge, chosen

# Our judgement, checked on our development tasks.
BELOW_UNSTABLE = 2.0  # OneCycle's peak stays below the LR of instability by this
CONSTANT = 3.0  # a constant LR is lower than the peak of one that decays by this
BODY = 10.0  # pretrained layers learn slower than a new head by this


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
    lr, interval, confidence, chance, reason = _decided(suggestion, trials)
    notes = [*suggestion.notes, *_trial_notes(trials)]
    if interrupted:
        notes.append("interrupted: this is what was seen until then")
    return LrFind(
        suggestion=lr,
        abstained=suggestion.abstained and not _decide(trials),
        interval=interval,
        confidence=confidence,
        chance=chance,
        reason=reason,
        curves=tuple(
            _curve(lrs, losses, sweep)
            for (lrs, losses), sweep in zip(sweeps, suggestion.sweeps or (None,) * len(sweeps))
        ),
        unstable_from=suggestion.unstable_from,
        trials=tuple(trials),
        uses=_uses(lr, suggestion.unstable_from, base_lrs),
        notes=tuple(notes),
        optimizer=optimizer,
        base_lrs=tuple(base_lrs),
        interrupted=interrupted,
    )


def _decide(trials: Sequence[Trial]) -> bool:
    """Whether trials decide: two that can be compared, at least."""
    return sum(math.isfinite(trial.loss) for trial in trials) >= 1 and len(trials) >= 2


def _decided(
    suggestion: Suggestion, trials: Sequence[Trial]
) -> tuple[float, tuple[float, float], str, float, str]:
    best = chosen(trials) if _decide(trials) else None
    if best is None:
        return suggestion.lr, suggestion.interval, suggestion.confidence, suggestion.chance, suggestion.reason
    judged = "validation" if all(trial.validation is not None for trial in trials) else "training"
    reason = f"the best of {len(trials)} short trainings, by {judged} loss, around what the sweep suggested"
    if at_edge(trials):
        return best, (best / APART**2, best * APART**2), FAIR, 0.8, reason
    return best, (best / APART, best * APART), HIGH, 0.9, reason


def _trial_notes(trials: Sequence[Trial]) -> list[str]:
    if len(trials) < 2:
        return []
    if not any(math.isfinite(trial.loss) for trial in trials):
        return ["every trial diverged: the suggestion is that of the sweep, and doubtful"]
    edge = at_edge(trials)
    return [f"the best trial was the one with the {edge} LR tried: more trials may find better"] if edge else []


def _curve(lrs: Sequence[float], losses: Sequence[float], sweep: Sweep | None) -> Curve:
    """What was seen of a sweep, with the smoothed loss where there is one."""
    seen = tuple(lrs[: len(losses)])
    at = dict(zip(sweep.xs, sweep.smooth)) if sweep else {}
    return Curve(seen, tuple(losses), tuple(at.get(math.log10(lr), math.nan) for lr in seen))


def _uses(lr: float, unstable_from: float | None, base_lrs: Sequence[float]) -> dict[str, Use]:
    """What to set for each kind of schedule."""
    return {name: Use(value, why, _groups(value, base_lrs)) for name, value, why in (
        ("decaying", lr, "the peak of a schedule that falls to 0, such as cosine or linear: what the test aims at"),
        ("one_cycle", *_one_cycle(lr, unstable_from)),
        ("constant", lr / CONSTANT, f"without decay nothing calms the end: a {CONSTANT:g}th of the peak (our judgement)"),
        ("fine_tuning", lr, f"for the head; layers that are pretrained a {BODY:g}th of it (our judgement)"),
    )}  # fmt: skip


def _one_cycle(lr: float, unstable_from: float | None) -> tuple[float, str]:
    if unstable_from is None:
        return lr, "max_lr: the same; the sweep never became unstable"
    limit = unstable_from / BELOW_UNSTABLE
    if limit < lr:
        return limit, f"max_lr: kept below {unstable_from:.2g}, where this run became unstable"
    return lr, f"max_lr: the same, and below {unstable_from:.2g}, where this run became unstable"


def _groups(lr: float, base_lrs: Sequence[float]) -> tuple[float, ...]:
    """The LR of each group, in the ratio that the user set; nothing where there is only one group."""
    top = max(base_lrs, default=0.0)
    if len(base_lrs) < 2 or not top > 0:
        return ()
    return tuple(lr * base / top for base in base_lrs)


__all__ = ["LOW", "answer"]
