"""Reading tasks: a table of learning rates and losses, and a question. Graded on the diagnosis.

The learning rates come from lright's own algebra of schedules, the losses from a formula that reacts to them as
training does, with noise from the seed. What is wrong is known because it was put in.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...schedule.phases import Schedule
from ..nouns import READING, Problem

BATCHES = 100


@dataclass(frozen=True)
class Reading:
    """A run that was made up: its table, what is wrong with it, and a number to be read off."""

    lead: str
    epochs: int
    lrs: Sequence[float]
    train: Sequence[float]
    val: Sequence[float]
    diagnosis: str
    number: dict[str, Any] | None = None  # ask, about (words), value, tolerance
    note: str = ""


def tasks(size: int = 10, seed: int = 0) -> Iterator[Problem]:
    """So many reading tasks; the same seed gives the same."""
    for number in range(size):
        rng = random.Random(f"reading:{seed}:{number}")
        found = KINDS[number % len(KINDS)](rng)
        asked = f" {found.number['ask']}" if found.number else ""
        question = rng.choice(
            (
                "What is going on here? Name the one main cause in your first sentence.",
                "What is wrong with this run? Begin with one sentence that names the main cause.",
                "How do you read this? One sentence with the main cause first, then details.",
            )
        )
        prompt = f"{found.lead}\n\n{table(found)}\n\n{found.note + ' ' if found.note else ''}{question}{asked}"
        expected: dict[str, Any] = {"diagnosis": found.diagnosis}
        if found.number:
            expected["number"] = found.number
        criteria = ("diagnosis", "number") if found.number else ("diagnosis",)
        yield Problem(f"reading-{seed}-{number:03d}", READING, prompt, {}, criteria, expected, (found.diagnosis,))


def table(found: Reading) -> str:
    """At most some 45 rows of epoch, LR and losses."""
    every = max(1, math.ceil(found.epochs / 45))
    rows = [e for e in range(found.epochs) if e % every == 0 or e == found.epochs - 1]
    lines = ["epoch  lr         train_loss  val_loss"]
    lines += [f"{e:5d}  {found.lrs[e]:<9.3g}  {loss(found.train[e]):>10}  {loss(found.val[e]):>8}" for e in rows]
    return "\n".join(lines)


def loss(value: float) -> str:
    """A loss as it is logged."""
    return "nan" if math.isnan(value) else f"{value:.4f}" if value < 1000 else f"{value:.3g}"


def rates(text: str, epochs: int, peak: float) -> list[float]:
    """The rate at the start of every epoch under a schedule in lright's own notation."""
    resolved = Schedule.parse(text).resolve(f"{epochs * BATCHES}up", peak=peak)
    return [float(resolved(epoch * BATCHES)) for epoch in range(epochs)]


def losses(
    lrs: Sequence[float],
    rng: random.Random,
    start: float = 2.3,
    floor: float = 0.2,
    good: float = 0.1,
    noise: float = 0.01,
) -> list[float]:
    """What a loss does under these rates: progress in proportion to the rate, and a level that the rate's noise sets.

    ``good``: the rate at which an epoch makes about a tenth of the way."""
    found, now = [], start
    for lr in lrs:
        share = lr / good
        level = floor + 0.25 * share
        now += (level - now) * min(0.5, 0.12 * share + (0.3 if now < level else 0.0))
        found.append(now * (1 + rng.uniform(-noise, noise)))
    return found


def above(train: Sequence[float], rng: random.Random, gap: float = 0.06) -> list[float]:
    """Validation losses of a run that does not overfit."""
    return [value + gap + rng.uniform(-0.012, 0.012) for value in train]


# -- the runs ---------------------------------------------------------------------------------------------------------


def _stepped_per_batch(rng: random.Random) -> Reading:
    epochs, batches = rng.choice(((60, 1563), (90, 2502), (30, 782)))
    lrs = [0.1 if e == 0 else 0.0 for e in range(epochs)]
    train = losses([0.02, *[0.0] * (epochs - 1)], rng, noise=0.004)
    lead = (
        f"ResNet-18, SGD lr 0.1, {epochs} epochs of {batches} batches, StepLR(step_size={epochs // 3}, gamma=0.1) and "
        "scheduler.step() in my train function. Values at the start of each epoch:"
    )
    return Reading(lead, epochs, lrs, train, above(train, rng), "stepped-per-batch")


def _no_warmup(rng: random.Random) -> Reading:
    epochs = rng.choice((30, 36, 40))
    lrs = rates("cosine to 0", epochs, 0.001)
    train = losses([lr * 60 for lr in lrs], rng, start=6.2, floor=1.1, noise=0.008)
    for e, value in enumerate((6.9, 11.4, 7.7, 9.2, 6.8, 6.1)):
        train[e] = value * (1 + rng.uniform(-0.08, 0.08))
    lead = f"A ViT-S from scratch, AdamW 1e-3, batch size 1024, {epochs} epochs; without clipping:"
    return Reading(lead, epochs, lrs, train, above(train, rng, 0.2), "no-warmup")


def _plateau(rng: random.Random) -> Reading:
    epochs, lr = rng.choice(((60, 0.1), (50, 0.05), (40, 0.1)))
    lrs = [lr] * epochs
    train = losses([0.25] * epochs, rng, start=2.3, floor=0.1, noise=0.015)
    level = sum(train[-10:]) / 10
    begin = next(e for e in range(epochs) if train[e] < 1.05 * level)
    number = {
        "ask": "And from about which epoch on does it stop improving?",
        "about": ["plateau", "flat", "stop", "improv", "stall", "level", "better", "progress", "wobble"],
        "value": begin + 1,
        "tolerance": 5,
    }
    return Reading(f"A CNN with SGD, lr {lr:g}:", epochs, lrs, train, above(train, rng), "constant-lr", number)


def _peak_too_high(rng: random.Random) -> Reading:
    epochs, peak = rng.choice(((20, 0.4), (30, 0.5), (24, 0.8)))
    lrs = rates("warmup 30% from 0.04 > cosine to 0", epochs, peak)
    top = max(range(epochs), key=lambda e: lrs[e])
    train = losses([lr * 0.1 / peak for lr in lrs], rng, floor=0.3)
    for e in range(epochs):
        if lrs[e] > 0.6 * peak:
            train[e] += 1.4 * (lrs[e] / peak) ** 2 * rng.uniform(0.7, 1.3)
    number = {
        "ask": "And in which epoch is the learning rate highest?",
        "about": ["highest", "peak", "max", "top"],
        "value": top,
        "tolerance": 1,
    }
    lead = f"OneCycleLR over {epochs} epochs, stepped per batch, SGD:"
    return Reading(lead, epochs, lrs, train, above(train, rng), "peak-too-high", number)


def _ends_early(rng: random.Random) -> Reading:
    epochs, share = rng.choice(((100, 30), (90, 30), (60, 20)))
    lrs = rates(f"linear {share}% to 0", epochs, 0.1)
    train = losses(lrs, rng, noise=0.003)
    end = next(e for e in range(epochs) if lrs[e] < 1e-6)
    number = {
        "ask": "And from which epoch on is nothing learned any more?",
        "about": ["zero", "0", "learn", "end", "stop", "frozen", "done"],
        "value": end,
        "tolerance": max(2, epochs // 30),
    }
    lead = f"A CNN, SGD lr 0.1, {epochs} epochs planned, linear decay by a LinearLR that is stepped once per epoch:"
    return Reading(lead, epochs, lrs, train, above(train, rng), "ends-early", number)


def _rises_again(rng: random.Random) -> Reading:
    epochs, period = rng.choice(((60, 40), (100, 60), (90, 60)))
    lrs = [0.05 * (1 + math.cos(math.pi * e / period)) for e in range(epochs)]
    train = losses([4 * lr for lr in lrs], rng, noise=0.006)
    number = {
        "ask": "And at which epoch does that begin?",
        "about": ["begin", "start", "rise", "climb", "lowest", "minimum", "again", "turn", "increas", "after", "from"],
        "value": period,
        "tolerance": 3,
    }
    lead = f"{epochs} epochs with CosineAnnealingLR, stepped once per epoch, SGD. The end is worse than the middle:"
    return Reading(lead, epochs, lrs, train, above(train, rng), "rises-again", number)


def _never_finishes(rng: random.Random) -> Reading:
    epochs, longer = rng.choice(((30, 4), (40, 3), (50, 4)))
    lrs = rates("cosine to 0", epochs * longer, 0.1)[:epochs]
    train = losses(lrs, rng, noise=0.03)
    lead = (
        f"ResNet-34 on a small data set, cosine schedule, {epochs} epochs. It is always a bit worse than in the paper:"
    )
    return Reading(lead, epochs, lrs, train, above(train, rng), "never-finishes")


def _too_low(rng: random.Random) -> Reading:
    epochs = rng.choice((30, 40, 50))
    lrs = rates("warmup 5% > cosine to 0", epochs, 1e-5)
    train = losses([lr / 1e-5 * 0.011 for lr in lrs], rng, floor=0.1, noise=0.002)
    lead = f"A CNN from scratch with SGD and momentum, {epochs} epochs, no instabilities at all:"
    return Reading(lead, epochs, lrs, train, above(train, rng, 0.01), "lr-too-low")


def _diverged(rng: random.Random) -> Reading:
    epochs = rng.choice((20, 24, 30))
    lrs = rates("warmup 40% from 0.02 > cosine to 0", epochs, 1.0)
    train = losses([lr * 0.1 for lr in lrs], rng)
    begin = epochs // 5 + rng.randrange(2)
    for e in range(begin, epochs):
        train[e] = 2.3 * 3.1 ** (e - begin + 1) * rng.uniform(0.9, 1.1) if e < begin + 4 else math.nan
    number = {
        "ask": "And in which epoch does it begin?",
        "about": ["begin", "start", "diverg", "blow", "explod", "from", "at", "in"],
        "value": begin,
        "tolerance": 1,
    }
    lead = "Plain SGD with momentum 0.9, warmup to lr 1.0, batch size 64, a plain CNN without normalisation:"
    return Reading(lead, epochs, lrs, train, above(train, rng), "diverged", number)


def _overfitting(rng: random.Random) -> Reading:
    epochs = rng.choice((60, 80, 100))
    lrs = rates("warmup 5% > cosine to 0", epochs, 0.05)
    train = losses([lr * 4 for lr in lrs], rng, floor=0.0, noise=0.01)
    train = [value * 0.97**e for e, value in enumerate(train)]
    turn = epochs // 4
    val = [
        train[e] + 0.15 if e <= turn else train[turn] + 0.15 + 0.9 * (e - turn) / (epochs - turn) for e in range(epochs)
    ]
    val = [value + rng.uniform(-0.02, 0.02) for value in val]
    number = {
        "ask": "And at which epoch was the validation loss best?",
        "about": ["best", "lowest", "minimum", "min", "early"],
        "value": min(range(epochs), key=lambda e: val[e]),
        "tolerance": 4,
    }
    lead = "ResNet-18 from scratch on 3,000 images, one cosine. Which schedule would fix the validation loss?"
    return Reading(lead, epochs, lrs, train, val, "overfitting", number)


def _restarts(rng: random.Random) -> Reading:
    epochs, cycles = rng.choice(((60, 3), (80, 4), (90, 3)))
    each = epochs // cycles
    one = rates("cosine to 0", each, 0.1)
    lrs = one * cycles
    train = losses([4 * lr for lr in lrs], rng, noise=0.006)
    number = {
        "ask": "And at which epoch does it happen for the first time?",
        "about": ["first", "restart", "jump", "spike", "at", "begin"],
        "value": each,
        "tolerance": 1,
    }
    lead = "My loss jumps up every now and then and I do not know why:"
    return Reading(lead, epochs, lrs, train, above(train, rng), "restarts", number)


def _warmup_too_long(rng: random.Random) -> Reading:
    epochs, share = rng.choice(((30, 70), (40, 80), (50, 70)))
    lrs = rates(f"warmup {share}% from 0.001 > linear to 0", epochs, 0.1)
    train = losses(lrs, rng, noise=0.004)
    number = {
        "ask": "And in which epoch is the learning rate highest?",
        "about": ["highest", "peak", "max", "top", "reach"],
        "value": max(range(epochs), key=lambda e: lrs[e]),
        "tolerance": 1,
    }
    lead = f"{epochs} epochs, SGD, get_linear_schedule_with_warmup. The first half of the run is awfully slow:"
    return Reading(lead, epochs, lrs, train, above(train, rng), "warmup-too-long", number)


def _healthy(rng: random.Random) -> Reading:
    epochs = rng.choice((50, 60, 90))
    lrs = rates("warmup 5% > cosine to 0", epochs, 0.1)
    train = losses(lrs, rng, noise=0.008)
    lead = "A colleague says that something is wrong with the learning rate of this run. ResNet-18, SGD, one cosine:"
    return Reading(lead, epochs, lrs, train, above(train, rng, 0.05), "healthy")


KINDS: tuple[Callable[[random.Random], Reading], ...] = (
    _stepped_per_batch, _no_warmup, _plateau, _peak_too_high, _ends_early, _rises_again, _never_finishes, _overfitting,
    _diverged, _healthy, _too_low, _restarts, _warmup_too_long,
)  # fmt: skip
