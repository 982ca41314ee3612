"""What a user would say about a broken script: what was seen, what is meant, and what is wanted. Never the cause."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from ...finding import Curve
from ..grade.curves import at, levels, normalised

# What somebody sees whose fault the printed learning rate does not show, by the rule that names it.
SEEN: Mapping[str, tuple[str, ...]] = {
    "LR111": (
        "It dies with \"TypeError: step() missing 1 required positional argument: 'metrics'\" after the first epoch.",
        "After one epoch I get a TypeError that an argument called metrics is missing.",
    ),
    "LR112": (
        "Validation gets better and better, and still the learning rate is cut every few epochs.",
        "The LR keeps shrinking while the model is still improving, it is tiny after a third of the run.",
    ),
    "LR113": (
        "The learning rate does not react to what I see on the validation set, it goes down at strange times or never.",
        "Validation has been flat for ages and the LR sits where it was; at other times it drops for no reason.",
    ),
    "LR114": (
        "The learning rate is cut several times before the first epoch is even over.",
        "A few hundred iterations in, the LR is already a tiny fraction of what I set.",
    ),
    "LR212": ("The learning rate never goes below where it starts, however long I train.",),
    "LR219": (
        "Validation stopped improving long ago, but the learning rate is never reduced before the run is over.",
        "The LR reduction never kicks in. The run just ends first.",
    ),
    "LR210": ("The hand-over between the two parts of my schedule looks wrong, there is a jump or an exception.",),
    "LR301": ("I log the learning rate of the optimizer and it never moves, although the scheduler says it does.",),
    "LR302": ("The LR in my log jumps about, it does not follow the scheduler.",),
    "LR305": ("Two things seem to pull at the learning rate: a reduction is undone right after it happened.",),
    "LR306": ("Something goes wrong with the learning rates once the second set of parameters is in.",),
    "LR309": ("The learning rate starts from the top again and again instead of going down.",),
    "LR310": ("The backbone is supposed to train at a tenth of the head's rate, but both run at the same one.",),
    "LR311": ("On several GPUs the learning rate is far higher than what I asked for.",),
    "LR312": ("It dies with a TypeError somewhere in the optimizer, comparing a str and a float.",),
    "zero_grad": (
        "On top of that, the gradients get bigger with every iteration.",
        "Also, the gradient norm just keeps growing from batch to batch.",
    ),
}
UNDER: Mapping[str, tuple[str, ...]] = {
    "resume": (
        "A run that goes through is fine. When I resume from the checkpoint the learning rate does not go on where "
        "it was.",
        "After the job is preempted and restarted from its checkpoint, the LR curve has a break in it.",
    ),
    "processes>1": (
        "On one GPU it is as planned, with torchrun on 4 GPUs the learning rate is not what it should be.",
        "Single-GPU is fine. With 4 processes the LR is off, and not the same thing as in the single run.",
    ),
    "accumulation>1": (
        "With gradient accumulation (4 batches for one update) the learning rate is not what it should be.",
        "Once I accumulate over 4 batches, the LR curve is no longer the one I planned.",
    ),
}
PLAIN = (
    "The learning rate is not what I planned.",
    "Something is off with the learning rate in this script.",
    "The results are clearly worse than they should be, and I suspect the learning rate.",
)
OPENINGS = (
    "Can you have a look at my training script?",
    "Please fix this.",
    "I have been staring at this for two days.",
    "Inherited this script from a colleague who left.",
    "hi, quick help needed.",
    "Our nightly training gives bad results since the last clean-up.",
)
REQUESTS = (
    "Send me the corrected {path} (the whole file, or a diff that applies) and leave everything else as it is.",
    "Please give me back {path} as it should be, complete, without touching what has nothing to do with this.",
    "I need the fixed {path}, in full or as a unified diff. Do not rewrite the rest.",
)


def prompt(
    rng: random.Random,
    path: str,
    meant: Sequence[Curve],
    real: Sequence[Curve],
    faults: Sequence[Mapping[str, Any]],
    conditions: Sequence[str],
    epochs: float | None,
    plateau: Mapping[str, Any] | None = None,
) -> str:
    """A request about a script: opening, what was seen, what is meant, what is wanted."""
    seen = printed(real, meant, epochs, rng) if real and not same(real, meant) else ""
    words = [seen] if seen else [rng.choice(PLAIN)]
    words += [rng.choice(UNDER[one]) for one in dict.fromkeys(conditions) if one in UNDER]
    for fault in faults:
        name = fault.get("lacks") or next((rule for rule in fault.get("rules", ()) if rule in SEEN), "")
        if name and (not seen or name == "zero_grad"):
            words.append(rng.choice(SEEN[name]))
    if seen == "" and len(words) > 1:
        words = words[1:]
    wanted = intent(meant, epochs) or (waiting(plateau, rng) if plateau else "")
    parts = [rng.choice(OPENINGS), " ".join(dict.fromkeys(words)), wanted, rng.choice(REQUESTS).format(path=path)]
    return "\n\n".join(part for part in parts if part)


def same(one: Sequence[Curve], other: Sequence[Curve]) -> bool:
    """Whether the curves are the same, point by point."""
    return [curve.points for curve in one] == [curve.points for curve in other]


def when(x: float, epochs: float | None) -> str:
    """A time in the training, in epochs where they are known."""
    if epochs:
        return f"epoch {round(x * epochs)}"
    return f"{round(100 * x)}% of the training"


def number(value: float) -> str:
    """A rate as people write it."""
    if 0 < abs(value) < 1e-12:
        return "practically 0"
    return f"{value:.3g}"


def printed(real: Sequence[Curve], meant: Sequence[Curve], epochs: float | None, rng: random.Random) -> str:
    """What somebody sees who prints the learning rate."""
    curve = next((one for one, other in zip(real, meant) if one.points != other.points), real[0])
    if not curve.points:
        return ""
    points, total = normalised(curve), epochs
    stopped = ""
    full = next((other.points[-1][0] for other in meant if other.points and other.unit == curve.unit), 0.0)
    if full and curve.points[-1][0] < 0.97 * full:
        share = curve.points[-1][0] / full
        total = epochs * share if epochs else None
        stopped = f" It stops with an exception after {when(share, epochs)}."
        if curve.points[-1][0] == 0:
            return f"It stops with an exception right at the start; the learning rate is {number(points[0][1])} then."
    shares = (0.0, 1 / total if total and total > 4 else 0.05, 0.25, 0.5, 0.75, 1.0)
    values = ", ".join(f"{number(at(points, x))} at {when(x, total)}" for x in shares)
    lead = rng.choice(("I print the learning rate: ", "This is the LR from my log: ", "LR as logged: "))
    return f"{lead}{values}.{stopped}"


def intent(meant: Sequence[Curve], epochs: float | None) -> str:
    """What the schedule is meant to be, in numbers."""
    told = list(dict.fromkeys(shape(curve, epochs) for curve in meant if curve.points))
    if not told:
        return ""
    if len(told) == 1:
        return f"What I want is this: {told[0]}."
    return "What I want is this: " + "; ".join(f"parameter group {n}: {one}" for n, one in enumerate(told)) + "."


def waiting(plateau: Mapping[str, Any], rng: random.Random) -> str:
    """What a schedule that waits for a metric is meant to do."""
    better = {"min": "lower", "max": "higher"}[plateau["mode"]]
    return rng.choice(
        (
            "What I want: the rate is cut when validation has not got better for a few epochs in a row, and only then.",
            "The plan is to reduce the learning rate whenever the validation metric stops improving for some epochs.",
            f"It should lower the rate once the validation metric ({better} is better) has stalled for some epochs.",
        )
    )


def shape(curve: Curve, epochs: float | None) -> str:
    """One curve in words with its numbers."""
    points = normalised(curve)
    if levels(points) == 1:
        return f"{number(points[0][1])} all the way"
    if levels(points) <= 6:
        changes = [(x, lr) for (x, lr), (_, before) in zip(points[1:], points) if f"{lr:.4g}" != f"{before:.4g}"]
        later = ", ".join(f"{number(lr)} from {when(x, epochs)} on" for x, lr in changes)
        return f"{number(points[0][1])} at first, {later}" + (f" ({epochs:g} epochs in all)" if epochs else "")
    top = max(points, key=lambda point: point[1])
    first, final = points[0][1], points[-1][1]
    jumps = sum(1 for (_, a), (_, b) in zip(points, points[1:]) if b > a + 0.5 * top[1])
    ups = (
        f"from {number(first)} up to {number(top[1])} at about {when(top[0], epochs)}, then " if top[0] > 0.004 else ""
    )
    start = "" if ups else f"from {number(first)} "
    if jumps:
        return (f"{ups}{start}down to (nearly) 0, back up to {number(top[1])} and down again, {jumps + 1} cycles, "
                f"the last "
                f"of which is over when the training is")  # fmt: skip
    end = "(nearly) 0" if final < 1e-3 * top[1] else number(final)
    half, late = at(points, 0.5), at(points, 0.75)
    return (f"{ups}{start}smoothly down to {end} at the end ({when(1.0, epochs)}), with {number(half)} half "
            f"way and {number(late)} at three quarters")  # fmt: skip
