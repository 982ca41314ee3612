"""The graders of outcomes: right, wrong, evasive, and right words with wrong code."""

from __future__ import annotations

import random
import time

import pytest

from lright.evals.grade import grade
from lright.evals.grade.code import blocks, repaired
from lright.evals.grade.diagnosis import diagnosed, numbered
from lright.evals.grade.outcome import grade_choice, grade_curve, grade_reading
from lright.evals.nouns import Answer, Graded, Problem, Score
from lright.evals.problems import load
from lright.evals.problems.repair import Pair, _task

ORIGINAL = '''\
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 30


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.layers(x)


def report(epoch, loss):
    """Tell how it goes."""
    print(f"epoch {epoch}: loss {loss:.4f}")


def main():
    data = TensorDataset(torch.randn(4000, 32), torch.randint(0, 10, (4000,)))
    loader = DataLoader(data, batch_size=100, shuffle=True)
    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
    for epoch in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        report(epoch, loss.item())


if __name__ == "__main__":
    main()
'''
BROKEN = ORIGINAL.replace(
    "            optimizer.step()\n        scheduler.step()\n",
    "            optimizer.step()\n            scheduler.step()\n",
)
FAULT = {"name": "tick-into-batch-loop", "rules": ["LR101"]}


@pytest.fixture(scope="module")
def repair() -> Problem:
    pair = Pair(ORIGINAL, BROKEN, (FAULT,), (), ("test",))
    problem = _task("repair-test", pair, random.Random(0), {"train.py": BROKEN}, "train.py", ORIGINAL)
    assert problem is not None
    return problem


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Problem]:
    return {problem.id: problem for problem in load(kinds=["scenario"])}


def fenced(text: str, language: str = "python") -> str:
    return f"```{language}\n{text}```\n"


def solved(problem: Problem, text: str) -> bool:
    answer = Answer(text)
    return Graded(problem.id, "test", 0, answer, grade(problem, answer)).solved


def by_name(scores: tuple[Score, ...]) -> dict[str, Score]:
    return {score.criterion: score for score in scores}


PER_BATCH = BROKEN.replace("T_max=EPOCHS", "T_max=EPOCHS * len(loader)")
DIFF = """\
--- a/train.py
+++ b/train.py
@@ -31,7 +31,7 @@
             loss = criterion(model(x), y)
             loss.backward()
             optimizer.step()
-            scheduler.step()
+        scheduler.step()
         report(epoch, loss.item())
"""
LOOP = """\
    for epoch in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        report(epoch, loss.item())
"""
BY_HAND = BROKEN.replace("            scheduler.step()\n", "").replace(
    "    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)\n", ""
).replace(
    "        for x, y in loader:",
    "        for group in optimizer.param_groups:\n"
    '            group["lr"] = 0.1 * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))\n        for x, y in loader:',
).replace("import torch\n", "import math\n\nimport torch\n", 1)  # fmt: skip
REFORMATTED = ORIGINAL.replace("'''", '"').replace('"', "'").replace("'''", '"""').replace(
    "nn.Sequential(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, 10))",
    "nn.Sequential(\n            nn.Linear(32, width),\n            nn.ReLU(),\n            nn.Linear(width, 10),\n"
    "        )",
)  # fmt: skip

RIGHT = {
    "whole file": "Fixed:\n" + fenced(ORIGINAL),
    "a length in batches": "Corrected file:\n" + fenced(PER_BATCH),
    "tildes": "~~~py\n" + ORIGINAL + "~~~\n",
    "quoted first": "Your code:\n" + fenced(BROKEN) + "The corrected file:\n" + fenced(ORIGINAL),
    "a diff": "Apply this:\n" + fenced(DIFF, "diff"),
    "a diff without numbers": fenced(DIFF.replace("@@ -31,7 +31,7 @@", "@@"), "diff"),
    "a loop": "Replace the loop by\n" + fenced(LOOP),
    "a function": fenced(ORIGINAL[ORIGINAL.index("def main") : ORIGINAL.index("if __name__")]),
    "one line": "Keep the step where it is and count batches:\n"
    + fenced("scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))\n"),
    "reformatted": fenced(REFORMATTED),
    "by hand, the same curve": fenced(BY_HAND),
    "left-out code": fenced("for epoch in range(EPOCHS):\n    for x, y in loader:\n        optimizer.zero_grad()\n"
                            "        loss = criterion(model(x), y)\n        loss.backward()\n        optimizer.step()\n"
                            "    scheduler.step()\n    # ... rest as before\n"),
}  # fmt: skip
WRONG = {
    "nothing": "Nothing is wrong here.",
    "no change": "Fixed!\n" + fenced(BROKEN),
    "a comment only": fenced("# fixed\n" + BROKEN),
    "a comment at the line": fenced(BROKEN.replace("            scheduler.step()", "            scheduler.step()  "
        "# per epoch")),
    "right words, wrong code": "scheduler.step() must be called once per epoch, after the batch loop, not in it:\n"
    + fenced(BROKEN.replace("momentum=0.9", "momentum=0.9, nesterov=False")),
    "deleted everything": fenced("import torch\n"),
    "no scheduler": fenced(BROKEN.replace("            scheduler.step()\n", "")),
    "a guessed length": fenced(BROKEN.replace("T_max=EPOCHS", "T_max=100")),
    "another batch size": fenced(ORIGINAL.replace("batch_size=100", "batch_size=50")),
    "fewer epochs": fenced(ORIGINAL.replace("EPOCHS = 30", "EPOCHS = 10")),
    "another model": fenced(ORIGINAL.replace("width=64", "width=128").replace("nn.ReLU()", "nn.GELU()")),
    "another optimizer's rate": fenced(ORIGINAL.replace("lr=0.1", "lr=0.05")),
    "no Python": fenced("for epoch in range(EPOCHS) do step\n"),
    "a constant rate": fenced(BROKEN.replace("            scheduler.step()\n", "").replace(
        "    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)\n", "")),
    "keywords": "scheduler.step() once per epoch, outside the batch loop, T_max, len(loader), CosineAnnealingLR, "
                "fixed.",
    "evasive": "It depends; you could try another scheduler or lower the learning rate, and print it.",
    "a loop of another script": fenced("for epoch in range(5):\n    scheduler.step()\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_repairs_are_solved(repair: Problem, name: str) -> None:
    scores = grade(repair, Answer(RIGHT[name]))
    assert solved(repair, RIGHT[name]), [score for score in scores if score.value != 1]


@pytest.mark.parametrize("name", WRONG)
def test_wrong_repairs_are_not(repair: Problem, name: str) -> None:
    assert not solved(repair, WRONG[name]), by_name(grade(repair, Answer(WRONG[name])))


def test_files_take_precedence(repair: Problem) -> None:
    right, wrong = {"train.py": ORIGINAL}, {"train.py": BROKEN.replace("T_max=EPOCHS", "T_max=7")}
    assert all(score.value == 1 for score in grade(repair, Answer(fenced(BROKEN), right)))
    assert by_name(grade(repair, Answer(fenced(ORIGINAL), wrong)))["curve"].value == 0


def test_what_else_was_changed_is_told(repair: Problem) -> None:
    found = by_name(grade(repair, Answer(WRONG["another batch size"])))
    assert found["unrelated"].value == 0 and "batch_size" in found["unrelated"].why
    assert found["fault-1 fixed"].value == 1
    renamed = fenced(ORIGINAL.replace("def report", "def tell").replace("report(", "tell("))
    share = by_name(grade(repair, Answer(renamed)))["unrelated"].value
    assert share is not None and 0.5 < share < 1


def test_empty_answers_and_errors_score_nothing(repair: Problem, scenarios: dict[str, Problem]) -> None:
    for problem in (repair, *scenarios.values(), *load(kinds=["choice", "reading"])):
        for answer in (Answer(""), Answer("  \n"), Answer("x = 1", error="timed out")):
            scores = grade(problem, answer)
            assert [score.criterion for score in scores] == list(problem.criteria)
            assert all(score.value == 0 for score in scores)


def test_blocks() -> None:
    found = blocks("Wrong:\n```python\na = 1\n```\nRight:\n~~~\nb = 2\n~~~\n")
    assert [(block.text, block.wrong) for block in found] == [("a = 1\n", True), ("b = 2\n", False)]
    assert [block.text for block in blocks("Do this:\n\n    x = 1\n    y = 2\n\nand that.")] == ["x = 1\ny = 2\n"]
    assert blocks("```python\nx = 1\n")[0].text == "x = 1\n"
    assert blocks("just words") == []


def test_a_diff_that_does_not_apply_is_no_repair(repair: Problem) -> None:
    text, why = repaired(repair, Answer(fenced(DIFF.replace("loss.backward()", "loss.forward()"), "diff")))
    assert text is None and "apply" in why


# -- the code of an answer --------------------------------------------------------------------------------------------

BODY = (
    "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n        loss.backward()\n"
    "        optimizer.step()\n"
)
SEED_3 = (
    "warmup = LinearLR(optimizer, start_factor=0.01, total_iters=5)\n"
    "cosine = CosineAnnealingLR(optimizer, T_max={})\n"
    "scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[5])\n"
)
SEED_6 = (
    "for epoch in range(epochs):\n    for batch in train_loader:\n        loss = train_step(batch)\n"
    "        optimizer.step()\n"
)
WRONG_STEP, RIGHT_STEP = fenced(SEED_6 + "        scheduler.step()\n"), fenced(SEED_6 + "    scheduler.step()\n")
CODES = [
    ("seed-3-vit-warmup", "code-warmup-cosine", fenced(SEED_3.format(95)), 1),
    ("seed-3-vit-warmup", "code-warmup-cosine", fenced(SEED_3.format(100)), 0),
    ("seed-3-vit-warmup", "code-warmup-cosine", "Add `LinearLR` warmup, then cosine.", 0),
    ("seed-3-vit-warmup", "code-warmup-cosine",
     fenced(SEED_3.format(95)) + "and\n" + fenced("for epoch in range(100):\n    train(...)\n    scheduler.step()\n"
                                                  ""), 1),
    ("seed-3-vit-warmup", "code-warmup-cosine", "Warm up for 5 epochs, once per epoch!\n" + fenced(
        SEED_3.format(95) + "for epoch in range(100):\n    for x, y in loader:\n" + BODY + "        "
            "scheduler.step()\n"), 0),
    ("seed-6-step-placement", "code-stepped-right", fenced(SEED_6 + "    scheduler.step()\n"), 1),
    ("seed-6-step-placement", "code-stepped-right", "Step once per epoch:\n" + fenced(SEED_6 + "        "
        "scheduler.step()\n"), 0),
    ("seed-6-step-placement", "code-stepped-right",
     "Wrong:\n" + WRONG_STEP + "Right:\n" + RIGHT_STEP, 1),
    ("seed-6-step-placement", "code-stepped-right", fenced(
        "scheduler = CosineAnnealingLR(optimizer, T_max=epochs * len(train_loader))\n" + SEED_6 + "        "
            "scheduler.step()\n"), 1),
    ("seed-1-schedule-or-not", "code-decays-90", fenced("scheduler = MultiStepLR(optimizer, milestones=[30, 60], "
                                                        "gamma=0.1)\n"), 1),
    ("seed-1-schedule-or-not", "code-decays-90", fenced("scheduler = CosineAnnealingLR(optimizer, T_max=300)\n"), 0),
    ("seed-5-constant-is-simpler", "code-cosine-100", "One line: `scheduler = CosineAnnealingLR(optimizer, "
                                                      "T_max=100)`.", 1),
    ("seed-4-onecycle", "code-onecycle",
     fenced("scheduler = OneCycleLR(optimizer, max_lr=0.02, epochs=20, steps_per_epoch=len(train_loader))\n"), 1),
    ("seed-4-onecycle", "code-onecycle",
     fenced("scheduler = OneCycleLR(optimizer, max_lr=0.2, epochs=20, steps_per_epoch=len(train_loader))\n"), 0),
    ("seed-2-plateau", "code-plateau", fenced("scheduler = ReduceLROnPlateau(optimizer, mode='min', factor=0.1, "
                                              "patience=5)\n"
     "for epoch in range(epochs):\n    train(...)\n    val_loss = validate(...)\n    scheduler.step(val_loss)\n"), 1),
    ("seed-2-plateau", "code-plateau", fenced("scheduler = ReduceLROnPlateau(optimizer, mode='max', factor=0.1, "
                                              "patience=5)\n"
     "for epoch in range(epochs):\n    train(...)\n    val_loss = validate(...)\n    scheduler.step(val_loss)\n"), 0),
]  # fmt: skip


@pytest.mark.parametrize("name, criterion, text, value", CODES)
def test_code_does_what_is_graded(
    scenarios: dict[str, Problem], name: str, criterion: str, text: str, value: float
) -> None:
    found = grade_curve(scenarios[name], Answer(text), criterion)
    assert found.value == value, found


def choice(name: str) -> Problem:
    return next(problem for problem in load(kinds=["choice"], size=12) if problem.tags[0] == name)


def test_a_choice_is_what_the_code_yields() -> None:
    problem = choice("paper-steps")
    epochs, drops = problem.expected["case"]["epochs"], problem.expected["criteria"]["drops"]["drops_at"]
    head = (
        "import torch\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n"
        f"scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones={drops}, gamma=0.1)\n"
        f"for epoch in range({epochs}):\n    for x, y in train_loader:\n{BODY}"
    )
    assert all(score.value == 1 for score in grade_choice(problem, Answer(fenced(head + "    scheduler.step()\n"))))
    wrong = by_name(grade_choice(problem, Answer("Once per epoch.\n" + fenced(head + "        scheduler.step()\n"))))
    assert wrong["runs"].value == 1 and wrong["drops"].value == 0
    stuffed = f"MultiStepLR milestones={drops} gamma=0.1 scheduler.step() once per epoch, SGD lr 0.1, {epochs} epochs"
    assert not any(score.value for score in grade_choice(problem, Answer(stuffed)))


# -- readings ---------------------------------------------------------------------------------------------------------

READINGS = {
    "stepped-per-batch": "scheduler.step() is called once per batch instead of once per epoch, so the LR is 0 "
    "after epoch 0.",
    "no-warmup": "The main cause is the missing learning-rate warmup: AdamW starts at 1e-3 right away.",
    "constant-lr": "The learning rate is constant, so the loss sits on a plateau.",
    "peak-too-high": "The peak learning rate (max_lr) is too high for this model.",
    "ends-early": "The linear decay is too short: the LR reaches zero long before the end.",
    "rises-again": "The cosine's T_max is shorter than the run, so the learning rate climbs again.",
    "never-finishes": "The cosine is much longer than the run: the LR barely decays.",
    "overfitting": "The model overfits; no schedule will fix that.",
    "diverged": "Training diverged.",
    "healthy": "Nothing is wrong with this run.",
    "lr-too-low": "The learning rate is far too low.",
    "restarts": "These are warm restarts: the LR jumps back to 0.1 in every cycle.",
    "warmup-too-long": "The warmup is far too long.",
}
LIST = "overfitting, divergence, no warmup, a learning rate that is too low, a constant LR, or stepping per batch"


@pytest.mark.parametrize("meant", READINGS)
def test_a_diagnosis_is_recognised_and_no_other(meant: str) -> None:
    for name, text in READINGS.items():
        good, why = diagnosed(text, meant)
        assert good == (name == meant or (meant, name) == ("diverged", "peak-too-high")), (name, why)


@pytest.mark.parametrize("meant", READINGS)
@pytest.mark.parametrize("text", [
    f"It could be {LIST}.", f"The main cause is {LIST}.", f"There are many possible causes: {LIST}. Check them "
                                                          f"all.", "", "?",
    "Hard to say without seeing the code.", f"This is not {READINGS['overfitting']}"])  # fmt: skip
def test_evasive_diagnoses_fail(meant: str, text: str) -> None:
    assert not diagnosed(text, meant)[0] or (meant == "overfitting" and "This is not" in text)


def test_denied_is_not_asserted() -> None:
    assert not diagnosed("This is not overfitting.", "overfitting")[0]
    assert diagnosed("This isn't a learning-rate problem, the model overfits.", "overfitting")[0]
    assert diagnosed("It is no divergence; the peak learning rate is too high.", "peak-too-high")[0]


def test_numbers_are_read_off() -> None:
    wanted = {"about": ["peak", "highest"], "value": 6, "tolerance": 1}
    assert numbered("The LR is highest in epoch 6.", wanted)[0]
    assert numbered("It peaks at about epoch 5-7.", wanted)[0]
    assert not numbered("The LR is highest in epoch 12. At epoch 6 nothing happens.", wanted)[0]
    assert not numbered("Somewhere.", wanted)[0]
    assert not numbered("The peak may be at epoch 1, epoch 3, epoch 9, epoch 6 or epoch 7.", wanted)[0]


def test_a_reading_task() -> None:
    problem = next(p for p in load(kinds=["reading"]) if p.expected["diagnosis"] == "peak-too-high")
    top = problem.expected["number"]["value"]
    found = grade_reading(problem, Answer(f"max_lr is too high. The learning rate is highest in epoch {top}."))
    assert [score.value for score in found] == [1, 1]


# -- robustness -------------------------------------------------------------------------------------------------------


def hostile() -> list[str]:
    rng = random.Random(0)
    signs = "`~*_#()[]{}'\"\\\n\t :=+-@0123456789abcLR epoch scheduler.step() \x00é中"
    texts = ["".join(rng.choice(signs) for _ in range(300)) for _ in range(25)]
    pieces = BROKEN.split("\n")
    texts += [fenced("\n".join(rng.sample(pieces, len(pieces)))) for _ in range(10)]
    texts += [fenced(BROKEN[: rng.randrange(len(BROKEN))], rng.choice(["python", "diff", ""])) for _ in range(10)]
    texts += [
        "```" * 2000, "(" * 20_000, "```python\n" + "(" * 5000 + "\n```", fenced("x = " + "-" * 3000 + "1\n"),
        fenced("for a in b:\n"), fenced("scheduler.step()\n" * 500), "- " * 50_000, "a" * 300_000, "epoch 1 " * 20_000,
        fenced("for i in range(10**9):\n    for j in range(10**9):\n        optimizer.step()\n        "
               "scheduler.step()\n"),
        fenced(ORIGINAL.replace("EPOCHS = 30", "EPOCHS = 10**12")), fenced(DIFF * 200, "diff"), fenced("@@\n+\n-\n"
            "", "diff"),
        fenced("def f():\n    return f()\nscheduler = LambdaLR(optimizer, lambda e: 10.0 ** (10 ** e))\n"),
        fenced("scheduler = CosineAnnealingLR(optimizer, T_max=0)\n"), "peak " * 10_000, "`" * 99_999, "not " * 30_000,
        fenced("import os\nos.system('touch /nonexistent/x')\nwhile True:\n    pass\n"),
    ]  # fmt: skip
    return texts


def test_no_answer_breaks_a_grader(repair: Problem, scenarios: dict[str, Problem]) -> None:
    reading, chosen = load(kinds=["reading"], size=3)[2], choice("poly")
    started = time.perf_counter()
    for text in hostile():
        for problem in (repair, reading, chosen):
            scores = grade(problem, Answer(text))
            assert [score.criterion for score in scores] == list(problem.criteria)
        grade_curve(scenarios["seed-6-step-placement"], Answer(text), "code-stepped-right")
        grade(repair, Answer("", {"train.py": text}))
    assert time.perf_counter() - started < 60
