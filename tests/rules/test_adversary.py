"""Faults in scripts written to be hard to read: they are found at their place, under their condition, and mended
without harm. The scripts are the traps of the same names, which are silent as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from lright.doctor import Options, check_source
from lright.finding import Finding
from lright.observe.source import edit

TRAPS = Path(__file__).parent.parent / "data" / "traps"
NEAR = 3  # lines

# trap, rule, condition, what is replaced, by what
FAULTS = [
    ("registry_of_lambdas", "LR101", "default", "optimizer, T_max=epochs * iters_per_epoch", "optimizer, T_max=epochs"),
    ("registry_of_lambdas", "LR101", "option:sched=multistep", "f * epochs * iters_per_epoch", "f * epochs"),
    (
        "registry_of_lambdas",
        "LR101",
        "option:sched=onecycle",
        "total_steps=epochs * iters_per_epoch",
        "total_steps=epochs",
    ),
    ("settings_in_yaml_text", "LR201", "default", "T_max: 40", "T_max: 20"),
    ("settings_in_yaml_text", "LR212", "default", "eta_min: 1.0e-06", "eta_min: 0.01"),
    ("settings_in_yaml_text", "LR312", "default", "lr: 0.001,", "lr: 1e-3,"),
    ("hooks_step_the_schedule", "LR210", "default", "milestones=[cfg.optim.warmup_steps]", "milestones=[50]"),
    ("hooks_step_the_schedule", "LR202", "default", "T_max=cfg.optim.max_steps -", "T_max=cfg.optim.max_steps * 2 -"),
    ("click_options_and_warmup_by_hand", "LR201", "default", "epochs - warmup)", "epochs // 3)"),
    ("plateau_on_a_metrics_dict", "LR112", "default", 'mode="max", factor', 'mode="min", factor'),
    ("plateau_on_a_metrics_dict", "LR219", "default", "patience=5)", "patience=20)"),
    ("optimizers_in_comprehensions", "LR211", "default", "gamma=0.5", "gamma=1.5"),
    ("members_that_are_not_seen", "LR101", "default", "T_max=EPOCHS * len(loader)", "T_max=EPOCHS"),
    ("subcommand_and_match", "LR212", "default", "eta_min=1e-5", "eta_min=0.05"),
    ("subcommand_and_match", "LR112", "option:policy=plateau", 'mode="max"', 'mode="min"'),
    ("subcommand_and_match", "LR217", "option:policy=poly", "e / args.epochs)", "e / (args.epochs // 2))"),
    (
        "counter_that_starts_again",
        "LR205",
        "default",
        "steps_per_epoch=updates_per_epoch",
        "steps_per_epoch=len(train_data)",
    ),
    (
        "steps_in_a_generator_expression",
        "LR101",
        "default",
        "return len(self.train_dl) * self.epochs",
        "return self.epochs",
    ),
    ("step_only_when_the_scale_held", "LR101", "default", 'args["epochs"] * len(train_loader)', 'args["epochs"]'),
    ("search_over_folds", "LR203", "default", "epochs=n_epochs, steps", "epochs=n_epochs // 2, steps"),
    ("inner_optimizer_per_task", "LR201", "default", "T_max=60000", "T_max=30000"),
]


def faulty(trap: str, *changes: tuple[str, str]) -> str:
    text = (TRAPS / f"{trap}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, (trap, old)
        text = text.replace(old, new)
    return text


def found(text: str, rule: str, fixes: bool = False) -> Finding:
    report = check_source(text, "train.py", Options(fixes=fixes))
    matching = [finding for finding in report.findings if finding.rule == rule]
    assert matching, [finding.rule for finding in report.findings]
    return matching[0]


@pytest.mark.parametrize(("trap", "rule", "condition", "old", "new"), FAULTS, ids=lambda value: str(value)[:40])
def test_fault_is_found_at_its_place(trap: str, rule: str, condition: str, old: str, new: str) -> None:
    text = faulty(trap, (old, new))
    finding = found(text, rule)
    assert condition in finding.conditions
    defect = text[: text.index(new)].count("\n") + 1
    lines = [finding.place.line, *(related.place.line for related in finding.related)]
    assert any(abs(line - defect) <= NEAR for line in lines), (defect, lines)


def mended(text: str, rule: str) -> str | None:
    fix = found(text, rule, fixes=True).fix
    return None if fix is None else edit.apply(text, fix.edits)


def test_a_step_moves_with_the_test_around_it() -> None:
    guarded = "        if epoch >= warmup:\n            scheduler.step()\n"
    early = "            if epoch >= warmup:\n                scheduler.step()\n"
    text = faulty("click_options_and_warmup_by_hand", (guarded, early))
    assert mended(text, "LR101") == faulty("click_options_and_warmup_by_hand")


def test_steps_of_several_schedulers_move_with_their_loop() -> None:
    after = "    for s in scheds:\n        s.step()\n    print"
    inside = "            o.step()\n        for s in scheds:\n            s.step()\n        tot"
    text = faulty("optimizers_in_comprehensions", (after, "    print"), ("            o.step()\n        tot", inside))
    fixed = mended(text, "LR101")
    assert fixed is not None
    assert "    for s in scheds:\n        s.step()\n" in fixed
    assert "        for s in scheds:\n            s.step()\n" not in fixed


def test_a_constructor_is_not_replaced_by_the_argument_it_got_from_a_dict() -> None:
    text = faulty("settings_in_yaml_text", ("T_max: 40", "T_max: 20"))
    fixed = mended(text, "LR201")
    assert fixed is None or 'getattr(optim.lr_scheduler, cfg["scheduler"]["name"])(opt' in fixed


def test_a_fix_uses_only_names_that_are_in_scope() -> None:
    text = faulty("registry_of_lambdas", ("optimizer, T_max=epochs * iters_per_epoch", "optimizer, T_max=epochs"))
    fixed = mended(text, "LR101")
    assert fixed is None or "T_max=epochs * len(loader)" not in fixed


def test_a_schedule_that_is_not_stepped_in_the_warmup_is_shorter_by_it() -> None:
    text = faulty("click_options_and_warmup_by_hand", ("epochs - warmup)", "epochs * 3)"))
    assert "T_max=epochs - warmup" in (mended(text, "LR202") or "") or "epochs - warmup)" in (
        mended(text, "LR202") or ""
    )


LOOP = """\
import torch, {module}
from data import loader, model

{start}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs // 3)
    for epoch in range(epochs):
        for x in loader:
            optimizer.zero_grad()
            model(x).mean().backward()
            optimizer.step()
        scheduler.step()

{end}
"""
STARTS = {
    "fire": ("fire", "def main(epochs=90):", "fire.Fire(main)"),
    "typer": ("typer", "def main(epochs: int = typer.Option(90)):", "typer.run(main)"),
    "click": ("click", '@click.command()\n@click.option("-e", "--epochs", default=90)\ndef main(epochs):', "main()"),
    "spawn": (
        "torch.multiprocessing as mp",
        "def main(rank, epochs):",
        "mp.spawn(main, nprocs=2, args=(90,))",
    ),
}


@pytest.mark.parametrize("way", STARTS)
def test_ways_to_start_a_training(way: str) -> None:
    module, start, end = STARTS[way]
    finding = found(LOOP.format(module=module, start=start, end=end), "LR201")
    assert finding.conditions == ("default",)
    assert "90 epochs" in finding.message


PHASES = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from data import dataset, model

epochs, warmup, accumulate = 90, 5, 4
loader = torch.utils.data.DataLoader(dataset, batch_size=64)
per_epoch = len(loader) // accumulate
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
phases = [LinearLR(optimizer, 0.01, 1.0, warmup * per_epoch), CosineAnnealingLR(optimizer, {length})]
scheduler = SequentialLR(optimizer, phases, milestones=[warmup * per_epoch])
for epoch in range(epochs):
    for i, x in enumerate(loader):
        (model(x).mean() / accumulate).backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
"""


def test_a_phase_in_epochs_among_others_in_updates_is_converted_where_it_stands() -> None:
    assert check_source(PHASES.format(length="(epochs - warmup) * per_epoch"), "train.py").findings == ()
    fixed = mended(PHASES.format(length="epochs - warmup"), "LR101")
    assert fixed == PHASES.format(length="(epochs - warmup) * (len(loader) // accumulate)")
