"""Choice tasks: a situation, and the schedule that an answer's code really yields is held against what it needs.

A criterion is a set of properties of the curve (:data:`lright.evals.grade.curves.PROPERTIES`). The numbers of a
situation are drawn by the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..nouns import CHOICE, Problem

Criteria = dict[str, dict[str, Any]]  # the properties that each criterion asks for


@dataclass(frozen=True)
class Situation:
    """One situation: what is asked, the numbers to simulate with, and the properties of a right schedule."""

    name: str
    prompt: str
    case: Mapping[str, float]
    criteria: Criteria


CODE = "Reply with the complete code, from the optimizer to the end of the training loop."
LOOP = """\

{optimizer}
for epoch in range({epochs}):
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
    {after}
"""


def tasks(size: int = 10, seed: int = 0) -> Iterator[Problem]:
    """So many choice tasks; the same seed gives the same."""
    for number in range(size):
        rng = random.Random(f"choice:{seed}:{number}")
        found = SITUATIONS[number % len(SITUATIONS)](rng)
        criteria = ("runs", *found.criteria, "clean")
        expected = {"case": dict(found.case), "criteria": {name: dict(one) for name, one in found.criteria.items()}}
        name = f"choice-{seed}-{number:03d}-{found.name}"
        yield Problem(name, CHOICE, found.prompt, {}, criteria, expected, (found.name,))


def loop(optimizer: str, epochs: int, after: str = "print(epoch, evaluate(model, val_loader))") -> str:
    """The training loop that a prompt shows."""
    return LOOP.format(optimizer=optimizer, epochs=epochs, after=after)


def _vit(rng: random.Random) -> Situation:
    epochs, batches = rng.choice(((100, 391), (300, 390), (200, 500)))
    prompt = (
        f"I train a ViT-S/16 from scratch for {epochs} epochs ({batches} batches each) with AdamW at a peak "
        f"learning rate "
        f"of 1e-3. Which learning-rate schedule should I use? {CODE}"
    )
    criteria: Criteria = {
        "warmup": {"warmup": {"start_below": 0.2, "until": [0.005, 0.2]}},
        "end": {"decays_to": 0.02, "length": {"epochs": epochs}},
        "peak": {"peak": [0.00095, 0.00105]},
    }
    return Situation("vit-from-scratch", prompt, {"epochs": epochs, "batches": batches, "lr": 0.001}, criteria)


def _steps(rng: random.Random) -> Situation:
    epochs, drops = rng.choice(((90, [30, 60, 80]), (100, [50, 75]), (120, [30, 60, 90])))
    told = ", ".join(map(str, drops[:-1])) + f" and {drops[-1]}"
    prompt = (
        f"I want to repeat a paper: SGD with momentum, learning rate 0.1, {epochs} epochs, the rate divided by 10 "
        f"after "
        f"epochs {told}. My loop so far:\n"
        + loop("optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)", epochs)
        + f"\nPut the schedule in. {CODE}"
    )
    criteria: Criteria = {
        "drops": {"drops_at": drops, "length": {"epochs": epochs}},
        "peak": {"peak": [0.0999, 0.1001]},
    }
    return Situation("paper-steps", prompt, {"epochs": epochs, "batches": 391, "lr": 0.1}, criteria)


def _warmup_cosine(rng: random.Random) -> Situation:
    warm, epochs = rng.choice(((5, 100), (10, 120), (5, 60)))
    share = warm / epochs
    prompt = (
        f"Please add this to my loop: {warm} epochs of linear warmup from 1% of the rate, then a cosine that reaches "
        f"(nearly) zero exactly at the end of the {epochs} epochs.\n"
        + loop("optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.05)", epochs)
        + f"\n{CODE}"
    )
    middle = share + (1 - share) / 2
    criteria: Criteria = {
        "warmup": {"warmup": {"start_below": 0.2, "until": [share * 0.8, share * 1.2]}},
        "decay": {"values": {str(round(middle, 4)): 0.5}, "decays_to": 0.002, "length": {"epochs": epochs}},
    }
    return Situation("warmup-then-cosine", prompt, {"epochs": epochs, "batches": 200, "lr": 0.0005}, criteria)


def _fine_tune(rng: random.Random) -> Situation:
    epochs, share = rng.choice(((3, 0.1), (4, 0.06), (5, 0.1)))
    prompt = (
        f"I fine-tune BERT for {epochs} epochs of 1000 batches with AdamW at 2e-5: linear warmup over the first "
        f"{100 * share:g}% of all steps, then linearly down to 0 at the last step. "
        f"Show me how to do that in a plain PyTorch loop (transformers is installed). {CODE}"
    )
    half = share + (1 - share) / 2
    criteria: Criteria = {
        "warmup": {"warmup": {"start_below": 0.05, "until": [share * 0.8, share * 1.2]}},
        "decay": {"values": {str(round(half, 4)): 0.5}, "decays_to": 0.01, "length": {"epochs": epochs}},
        "peak": {"peak": [1.9e-5, 2.1e-5]},
    }
    return Situation("fine-tune-bert", prompt, {"epochs": epochs, "batches": 1000, "lr": 2e-5}, criteria)


def _one_cycle(rng: random.Random) -> Situation:
    epochs, peak = rng.choice(((20, 0.05), (30, 0.08), (15, 0.02)))
    prompt = (
        f"My range test says that max_lr={peak:g} is right for this CNN. I want the one-cycle policy over {epochs} "
        f"epochs, "
        "391 batches each, SGD with momentum 0.9. " + CODE
    )
    criteria: Criteria = {
        "rise": {"warmup": {"start_below": 0.15, "until": [0.15, 0.5]}},
        "end": {"decays_to": 0.01, "length": {"epochs": epochs}},
        "peak": {"peak": [peak * 0.97, peak * 1.03]},
    }
    return Situation("one-cycle", prompt, {"epochs": epochs, "batches": 391, "lr": peak}, criteria)


def _hold_and_decay(rng: random.Random) -> Situation:
    epochs, tail = rng.choice(((10, 0.2), (20, 0.2), (10, 0.3)))
    start = 1 - tail
    prompt = (
        f"I pretrain a small GPT for {epochs} epochs of 2000 batches (AdamW, peak 6e-4). I may want to stop at several "
        f"budgets later, so: a short warmup of 2%, then constant at the peak until {100 * start:.0f}% of the "
        f"training, then a "
        f"linear decay to 0 over the last {100 * tail:.0f}%. {CODE}"
    )
    criteria: Criteria = {
        "warmup": {"warmup": {"start_below": 0.2, "until": [0.01, 0.04]}},
        "hold": {"holds": start},
        "decay": {"values": {str(round(start + tail / 2, 4)): 0.5}, "decays_to": 0.02, "length": {"epochs": epochs}},
    }
    return Situation("hold-and-decay", prompt, {"epochs": epochs, "batches": 2000, "lr": 0.0006}, criteria)


def _plateau(rng: random.Random) -> Situation:
    metric, mode = rng.choice((("val_acc", "max"), ("val_loss", "min"), ("f1", "max")))
    prompt = (
        "I do not know how many epochs it will take (200 at most), so cut the learning rate by 5 whenever the "
        "validation "
        f"metric has not improved for 5 epochs. `{metric} = evaluate(model, val_loader)` gives me the metric once per "
        f"epoch. SGD, lr 0.05. {CODE}"
    )
    criteria: Criteria = {"plateau": {"plateau": {"mode": mode}}}
    return Situation("on-a-plateau", prompt, {"epochs": 200, "batches": 100, "lr": 0.05}, criteria)


def _poly(rng: random.Random) -> Situation:
    epochs, power = rng.choice(((80, 0.9), (50, 0.9), (40, 1.0)))
    prompt = (
        "Semantic segmentation, DeepLab style: the rate should be 0.01 * (1 - iteration / max_iterations) ** "
        f"{power:g}, updated at every iteration, {epochs} epochs, SGD.\n"
        + loop("optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)", epochs)
        + f"\n{CODE}"
    )
    values = {"0.25": 0.75**power, "0.5": 0.5**power, "0.75": 0.25**power}
    criteria: Criteria = {
        "shape": {"values": {share: round(value, 4) for share, value in values.items()}},
        "end": {"decays_to": 0.02, "length": {"epochs": epochs}},
        "peak": {"peak": [0.0098, 0.0102]},
    }
    return Situation("poly", prompt, {"epochs": epochs, "batches": 300, "lr": 0.01}, criteria)


def _restarts(rng: random.Random) -> Situation:
    cycles, each = rng.choice(((3, 20), (4, 15), (3, 30)))
    epochs = cycles * each
    prompt = (
        f"For snapshot ensembles I want {cycles} cosine cycles of {each} epochs each ({epochs} epochs in all), "
        f"every one from "
        f"0.1 down to about 0, with a snapshot at the end of each cycle. SGD. {CODE}"
    )
    middle = {str(round((k + 0.5) / cycles, 4)): 0.5 for k in range(cycles)}
    criteria: Criteria = {
        "cycles": {"cycles": cycles, "values": middle},
        "end": {"decays_to": 0.02, "length": {"epochs": epochs}},
    }
    return Situation("snapshot-cycles", prompt, {"epochs": epochs, "batches": 391, "lr": 0.1}, criteria)


def _accumulated(rng: random.Random) -> Situation:
    factor, epochs = rng.choice(((4, 10), (8, 12), (4, 20)))
    prompt = (
        f"1600 batches per epoch, {epochs} epochs, and I accumulate gradients over {factor} batches. The learning "
        f"rate (AdamW, "
        "3e-4) should follow one cosine to zero over the whole training, moved at every optimizer update. The loop "
        "without "
        f"a schedule:\n\noptimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)\nfor epoch in range({epochs}):\n"
        "    for i, (inputs, labels) in enumerate(train_loader):\n"
        f"        loss = criterion(model(inputs), labels) / {factor}\n        loss.backward()\n"
        f"        if (i + 1) % {factor} == 0:\n            optimizer.step()\n            optimizer.zero_grad()\n\n"
        f"{CODE}"
    )
    criteria: Criteria = {
        "shape": {"values": {"0.25": 0.854, "0.5": 0.5, "0.75": 0.146}},
        "end": {"decays_to": 0.01, "length": {"epochs": epochs}},
        "peak": {"peak": [0.00029, 0.00031]},
    }
    return Situation("accumulated-cosine", prompt, {"epochs": epochs, "batches": 1600, "lr": 0.0003}, criteria)


def _exponential(rng: random.Random) -> Situation:
    epochs, end = rng.choice(((50, 0.01), (40, 0.05), (60, 0.01)))
    prompt = (
        f"The rate should fall by the same factor every epoch, from 0.02 to {0.02 * end:g} over {epochs} epochs "
        f"(so that the "
        f"last epoch is about there). Adam. {CODE}"
    )
    criteria: Criteria = {
        "shape": {"values": {"0.25": round(end**0.25, 4), "0.5": round(end**0.5, 4)}},
        "end": {"decays_to": round(end * 1.25, 4), "length": {"epochs": epochs}},
        "peak": {"peak": [0.0195, 0.0205]},
    }
    return Situation("exponential", prompt, {"epochs": epochs, "batches": 120, "lr": 0.02}, criteria)


def _longer(rng: random.Random) -> Situation:
    before, epochs = rng.choice(((60, 90), (100, 200), (30, 50)))
    prompt = (
        f"My {before}-epoch runs use CosineAnnealingLR(optimizer, T_max={before}) and end well. For the final "
        f"model I train "
        f"{epochs} epochs from scratch instead, same peak (SGD, 0.1). What do I change? {CODE}"
    )
    criteria: Criteria = {
        "shape": {"values": {"0.25": 0.854, "0.5": 0.5, "0.75": 0.146}},
        "end": {"decays_to": 0.01, "length": {"epochs": epochs}},
    }
    return Situation("longer-run", prompt, {"epochs": epochs, "batches": 391, "lr": 0.1}, criteria)


SITUATIONS = (
    _vit, _steps, _warmup_cosine, _fine_tune, _one_cycle, _plateau, _hold_and_decay, _poly, _restarts, _accumulated,
    _exponential, _longer,
)  # fmt: skip
