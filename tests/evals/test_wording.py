"""The wording grader: its engine, what it must not be fooled by, and its agreement with people."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

from lright.evals.grade.claims import FILE, book, made  # noqa: E402
from lright.evals.grade.sentences import LIMIT, is_stuffed, read  # noqa: E402
from lright.evals.grade.snippets import look  # noqa: E402
from lright.evals.grade.wording import KINDS, Judge, denies, grade_wording  # noqa: E402

SCENARIOS: dict[str, Any] = yaml.safe_load(
    resources.files("lright.evals").joinpath("scenarios.yaml").read_text(encoding="utf-8")
)
KNOWN: dict[str, Mapping[str, Any]] = SCENARIOS["criteria"]
PHRASINGS: dict[str, dict[str, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("phrasings.yaml").read_text(encoding="utf-8")
)
DEV = Path(__file__).parents[2] / "evals" / "labels" / "dev"
WORDED = [name for name, known in KNOWN.items() if known["kind"] in KINDS]


def said(text: str, *criteria: str) -> set[str]:
    """The criteria that an answer meets."""
    return {score.criterion for score in grade_wording(text, criteria or WORDED, KNOWN) if score.value}


# -- claims ------------------------------------------------------------------------------------------------------------


def test_every_criterion_has_a_claim() -> None:
    assert set(WORDED) == set(book().claims)


def test_every_concept_is_used_and_compiles() -> None:
    """Data that nothing refers to is noise."""
    used = {"evasion", "main-cause", "many-causes", "rival", "rival-blame"}
    for claim in book().claims.values():
        used.add(claim.prominent or "rival")
        used.update(term for way in (*claim.ways, *claim.unless) for term in (*way.wanted, *way.denied, *way.absent))
    texts = yaml.safe_load(FILE.read_text(encoding="utf-8"))["concepts"]
    while more := {name for name in texts if any(f"{{{name}}}" in texts[one] for one in used & set(texts))} - used:
        used |= more
    assert set(texts) - used == set()
    assert all(book().concepts[name].pattern for name in texts)


def test_a_claim_of_unknown_words_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is called"):
        made({"concepts": {"sun": "sun"}, "claims": {"shines": {"ways": ["moon"]}}})
    with pytest.raises(ValueError, match="no window"):
        made({"concepts": {"sun": "sun"}, "claims": {"shines": {"ways": ["sky: sun"]}}})
    with pytest.raises(ValueError, match="part of itself"):
        made({"concepts": {"sun": "{sun}"}, "claims": {}})


TOY = made(
    {
        "concepts": {
            "tea": "tea", "good": "good|great", "drink": "drink .. tea", "coffee": "coffee",
            "evasion": "depends", "main-cause": "main", "many-causes": "many",
            "rival": "coffee", "rival-blame": "blame",
        },
        "claims": {
            "good": {"ways": ["tea good"]},
            "bad": {"ways": ["tea !good"]},
            "alone": {"ways": ["tea -coffee"]},
            "near": {"ways": ["near: tea coffee"]},
            "first": {"ways": ["opening: tea"]},
            "ordered": {"ways": ["drink"]},
            "both": {"ways": ["said: good near"]},
        },
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Tea is good.", {"good", "alone", "first"}),
        ("Tea isn't good.", {"bad", "alone", "first"}),
        ("Is tea good?", set()),
        ("Is tea good? Yes.", {"good", "alone", "first"}),
        ("Is tea good? No.", set()),
        ("You might think that tea is good.", set()),
        ('He said "tea is very good" again and again.', set()),
        ("Tea, but not coffee, is good.", {"alone", "first"}),
        ("Tea is good. Coffee too.", {"good", "alone", "near", "first", "both"}),
        ("One. Two. Tea.", {"alone"}),
        ("Drink hot black tea.", {"ordered", "alone", "first"}),
        ("Drink water and never tea.", set()),
        ("## What to avoid\n\n- tea\n- milk", set()),
    ],
)
def test_windows_and_polarity(text: str, claims: set[str]) -> None:
    judge = Judge(text, held=TOY)
    assert {name for name in TOY.claims if judge.made(name)} == claims


@pytest.mark.parametrize(
    ("text", "word", "denied"),
    [
        ("do not keep the lr constant", "constant", True),
        ("do not skip the warmup", "warmup", False),
        ("never go without warmup", "warmup", False),
        ("not only is a schedule better", "schedule", False),
        ("no, use a schedule", "schedule", False),
        ("use a schedule instead of a constant lr", "constant", True),
        ("a constant lr is no schedule", "constant", False),
        ("there is no doubt that a schedule helps", "schedule", False),
        ("it is not because of the data that a schedule helps", "schedule", False),
    ],
)
def test_negation(text: str, word: str, denied: bool) -> None:
    assert denies(text, text.index(word)) is denied


# -- sentences ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_taken_apart() -> None:
    reading = read(
        "# Why\n\nIt peaks at 0.1, e.g. at epoch 6. Then it falls.\n\n| a | b |\n|---|---|\n| 30 | 0.01 |\n\n"
        "- one thing\n- another\n\n```python\nscheduler.step()  # after every epoch\n```\n"
    )
    assert [(one.kind, one.text) for one in reading.sentences] == [
        ("heading", "why"),
        ("prose", "it peaks at 0.1, for example at epoch 6"),
        ("prose", "then it falls"),
        ("row", "a, b"),
        ("row", "30, 0.01"),
        ("item", "one thing"),
        ("item", "another"),
        ("comment", "after every epoch"),
    ]
    assert [one.theirs for one in reading.code] == [False]


def test_code_without_a_fence_is_code() -> None:
    reading = read("Use this:\n\nfor epoch in range(100):\n    train()\n    scheduler.step()\n\nand that is it.")
    assert "step-per-epoch" in look(reading.code).found


def test_code_that_is_shown_as_wrong_is_not_the_answers_own() -> None:
    wrong = "for x, y in train_loader:\n    scheduler.step()\n"
    for text in (
        f"Your current code:\n```python\n{wrong}```\n",
        f"```python\n# WRONG\n{wrong}# RIGHT\nfor epoch in range(9):\n    scheduler.step()\n```",
    ):
        assert "step-per-batch" not in look(read(text).code).found
    assert "step-per-batch" in look(read(f"The fix:\n```python\n{wrong}```\n").code).found


def test_stuffing_is_seen() -> None:
    assert is_stuffed("warmup, cosine annealing, lr finder, onecycle, t_max, plateau, batch, epoch", "prose")
    assert not is_stuffed(
        "missing warmup, so ramp the lr over 5 epochs, then follow a cosine, t_max 95, to zero", "prose"
    )


# -- what the grader must not be fooled by -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "criterion", "value"),
    [
        ("Do NOT keep the learning rate constant.", "w-constant-recommended", False),
        ("Keep the learning rate constant.", "w-constant-recommended", True),
        ("Use cosine. Constant is fine if you have no idea when the run ends.", "w-constant-recommended", False),
        ("Some would say a constant LR is fine, but it costs you accuracy.", "w-constant-recommended", False),
        ("That constant is good enough is a myth.", "w-constant-recommended", False),
        ("OneCycleLR is stepped per batch, not per epoch.", "w-onecycle-per-epoch", False),
        ("OneCycleLR has to be stepped once per epoch.", "w-onecycle-per-epoch", True),
        ("OneCycleLR is stepped per batch, not per epoch.", "onecycle-per-batch", True),
        ("The cause is the missing warmup.", "missing-warmup-cause", True),
        ("You have no warmup, and that's what's wrong.", "missing-warmup-cause", True),
        ("Warmup isn't the cause here.", "missing-warmup-cause", False),
        ("Warmup isn't the cause here.", "w-warmup-optional", True),
        ("Do you use warmup?", "missing-warmup-cause", False),
        ("There are many possible causes: data, LR, warmup, batch size.", "missing-warmup-cause", False),
        ("It could be the data, the batch size, fp16 or a missing warmup.", "missing-warmup-cause", False),
        ("Most likely the warmup is missing; data or fp16 are less likely.", "missing-warmup-cause", True),
        ("Reduce max_lr to 0.02.", "w-raise-lr", False),
        ("Raise the learning rate to 0.01.", "w-raise-lr", True),
        ("Don't raise the learning rate.", "w-raise-lr", False),
        ("Since Adam adapts the steps, a scheduler is redundant.", "w-schedule-unneeded-adam", True),
        ("Adam adapts the steps, but that does not make a scheduler redundant.", "w-schedule-unneeded-adam", False),
        ("You don't need an LR finder.", "suggests-lr-finder", False),
        ("Run an LR range test first.", "suggests-lr-finder", True),
        ("It depends. Both approaches are fine, it is up to you.", "yes-schedule", False),
        ("Yes, use a scheduler.", "yes-schedule", True),
    ],
)
def test_polarity_of_claims(text: str, criterion: str, value: bool) -> None:
    assert (criterion in said(text, criterion)) is value


def test_stuffed_answers_meet_no_key_criterion() -> None:
    text = (
        "Learning rate scheduler, warmup, MultiStepLR, CosineAnnealingLR, 30, 60, plateau, ReduceLROnPlateau, "
        "max_lr too high, scheduler.step, batch loop, epoch, overfitting, zero_grad, mode min, val_loss, "
        "T_max, LR finder, OneCycleLR."
    )
    assert not {name for name in said(text) if KNOWN[name].get("key")}


def test_both_sides_of_a_question_are_no_answer() -> None:
    text = "Use a cosine schedule for this run. Keep the learning rate constant for this run."
    assert said(text, "yes-schedule", "w-constant-recommended") == {"w-constant-recommended"}


def test_code_that_ends_an_answer_may_decide() -> None:
    text = "Use this:\n\n```python\ns = get_cosine_schedule_with_warmup(opt, 500, 9000)\n```"
    assert "missing-warmup-cause" in said(text, "missing-warmup-cause", "w-blames-other")


LOOP = "for epoch in range(100):\n    for x, y in train_loader:\n        optimizer.step()\n        scheduler.step()\n"
WARMUP = "SequentialLR(opt, [LinearLR(opt, 0.01, total_iters=5), CosineAnnealingLR(opt, T_max={})], milestones=[5])"


@pytest.mark.parametrize(
    ("code", "criterion", "value"),
    [
        (WARMUP.format(100), "w-t-max-not-shortened", True),
        (WARMUP.format(95), "w-t-max-not-shortened", False),
        (WARMUP.format("epochs - 5"), "w-t-max-not-shortened", False),
        (WARMUP.format("num_epochs"), "w-t-max-not-shortened", True),
        ("scheduler = CosineAnnealingLR(optimizer, T_max=100)\n" + LOOP, "w-only-tmax-wrong", True),
        (
            "scheduler = CosineAnnealingLR(optimizer, T_max=100 * len(train_loader))\n" + LOOP,
            "w-only-tmax-wrong",
            False,
        ),
        ("s = ReduceLROnPlateau(opt, mode='max', factor=0.1, patience=5)\ns.step(val_loss)", "w-rlrop-mode-max", True),
        ("s = ReduceLROnPlateau(opt, mode='min', factor=0.1, patience=5)\ns.step(val_loss)", "w-rlrop-mode-max", False),
        ("s = ReduceLROnPlateau(opt, mode='min', factor=0.1, patience=5)\ns.step()", "w-rlrop-mode-max", True),
        ("s = ReduceLROnPlateau(opt, mode='min', factor=0.1, patience=5)\ns.step(val_loss)", "rlrop-arguments", True),
        (
            "s = ReduceLROnPlateau(opt, mode='min', factor=0.1, patience=5)\ns.step(val_loss)",
            "step-with-val-loss",
            True,
        ),
    ],
)
def test_code_counts(code: str, criterion: str, value: bool) -> None:
    assert (criterion in said(f"Do this:\n\n```python\n{code}\n```\n", criterion)) is value


def test_why_quotes_what_decided() -> None:
    (score,) = grade_wording("Hello. You should use a scheduler here.", ["yes-schedule"], KNOWN)
    assert "use a scheduler" in score.why and score.key and score.value == 1.0
    (score,) = grade_wording("Hello.", ["yes-schedule"], KNOWN)
    assert score.why == "not said" and score.value == 0.0


def test_other_kinds_are_left_to_others() -> None:
    assert grade_wording("Use a scheduler.", ["code-decays-90", "no-such-criterion"], KNOWN) == ()


# -- robustness --------------------------------------------------------------------------------------------------------


def junk() -> Iterator[str]:
    rng = random.Random(7)
    pieces = (
        "``` ~~~ ** \" ' | # - (( )) [ ]( < > warmup not lr ? . T_max= scheduler.step( for_x_in : 0.1 , 1e-3 \\".split()
    )
    pieces += ["\n", "\x00", "\ud800", "é", "🙂", "    ", " ", ", "]
    for _ in range(25):
        yield "".join(rng.choice(pieces) for _ in range(rng.randint(0, 400)))
    yield from ("", " ", "\n" * 1000, "```", "`" * 999, "a" * LIMIT, "?" * 5000, '"' * 5001, "(" * 5000, "| " * 3000)


def test_no_text_raises() -> None:
    for text in junk():
        for score in grade_wording(text, WORDED, KNOWN):
            assert score.value in (0.0, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "a " * 500_000,
        "not warmup lr, " * 70_000,
        "The lr is constant and so on " * 35_000,
        "(" * 1_000_000,
        "```\n" * 250_000,
    ],
)
def test_a_megabyte_is_read_in_time(text: str) -> None:
    scenario = next(one for one in SCENARIOS["scenarios"] if one["id"] == "seed-3-vit-warmup")
    start = time.perf_counter()
    grade_wording(text, [*scenario["criteria"], *scenario["wrong"]], KNOWN)
    assert time.perf_counter() - start < 10  # two seconds on a free core; cores are shared here


# -- agreement with people ---------------------------------------------------------------------------------------------


def test_many_ways_to_put_it() -> None:
    """Each phrasing was written before the words that know it; most of them have to be read right."""
    tried = [
        (name, text, side == "says") for name, sides in PHRASINGS.items() for side in sides for text in sides[side]
    ]
    wrong = [(name, text) for name, text, value in tried if (name in said(text, name)) is not value]
    assert set(PHRASINGS) == set(WORDED) - {"stands-firm", "w-t-max-not-shortened"}  # another one; only code
    assert len(wrong) <= 0.03 * len(tried), wrong


def test_a_denial_in_the_next_sentence_takes_back_what_others_say() -> None:
    text = "People will tell you to add warmup. I don't think that's it: the real problem is the weight decay."
    asked = ("missing-warmup-cause", "w-warmup-optional", "w-blames-other")
    assert said(text, *asked) == {"w-warmup-optional", "w-blames-other"}


def test_the_question_tells_which_scheduler_is_meant() -> None:
    text = "It must be advanced once after each epoch."
    assert "w-onecycle-per-epoch" in said(text, "w-onecycle-per-epoch", "max-lr-too-high")
    assert "w-onecycle-per-epoch" not in said(text, "w-onecycle-per-epoch", "step-inside-batch-loop")


def test_a_variable_is_what_it_was_set_to() -> None:
    code = "for epoch in range(9):\n    v = evaluate(model, val_loader)\n    plateau.step(v)\n"
    assert "step-with-val" in look(read(f"```python\n{code}```").code).found


def labelled() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DEV.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                yield f"{path.name}:{number}", json.loads(line)


@pytest.mark.skipif(not DEV.is_dir(), reason="no labels are here")
def test_agreement_with_the_labels() -> None:
    counted: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    differ = []
    for where, one in labelled():
        criteria = [name for name in one["labels"] if KNOWN[name]["kind"] in KINDS]
        for score in grade_wording(one["answer"], criteria, KNOWN):
            counted[score.kind] += 1
            same = bool(score.value) is bool(one["labels"][score.criterion])
            agreed[score.kind] += same
            if not same:
                differ.append(f"{where} {one['problem']} {score.criterion} not {score.value}: {score.why}")
    print("\n".join(differ))
    assert counted, "the folder of the labels is empty"
    assert agreed.total() >= 0.95 * counted.total(), differ
    assert all(agreed[kind] >= 0.93 * counted[kind] for kind in counted), (agreed, counted)
