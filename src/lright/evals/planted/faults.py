"""The plants: each function draws a correct script, spoils one thing in it, and says when that bites.

A plant returns the script with its defect lines marked. ``@fault`` states the rules that name the mistake and
the conditions, any one of which a finding may give.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .more_recipes import gan_script, kfold_script
from .recipes import Writer
from .schedules import EPOCH_KINDS, MANUAL_KINDS, UPDATE_KINDS
from .script import Script
from .styles import Plan, draw


@dataclass(frozen=True)
class Case:
    """One planted fault beside the script it was planted into."""

    name: str
    rule: str
    plant: str
    fits: frozenset[str]
    conditions: frozenset[str]
    any_severity: bool
    lines: tuple[int, ...]
    source: str
    original: str


@dataclass(frozen=True)
class Draft:
    """A correct script, its plan and seed: it can be written again with one choice changed."""

    plan: Plan
    seed: int
    script: Script
    original: str

    def again(self, **changes: object) -> Script:
        """The same script with some choices of its plan changed."""
        plan = replace(self.plan, **changes)  # type: ignore[arg-type]
        return Writer(random.Random(self.seed), plan).write()


@dataclass(frozen=True)
class Spoiled:
    """What a plant returns; conditions of its own replace the usual ones."""

    original: str
    script: Script
    conditions: frozenset[str] = frozenset()
    any_severity: bool = False


@dataclass(frozen=True)
class Fault:
    """A plant and what is true of it every time."""

    rule: str
    plant: Callable[[random.Random], Spoiled]
    fits: frozenset[str]
    conditions: frozenset[str]
    any_severity: bool


FAULTS: list[Fault] = []


def fault(
    rule: str, also: str = "", conditions: str = "default", any_severity: bool = False
) -> Callable[[Callable[[random.Random], Spoiled]], Callable[[random.Random], Spoiled]]:
    """Register a plant: its rule, further rules that name it as well, the conditions under which it bites."""

    def register(plant: Callable[[random.Random], Spoiled]) -> Callable[[random.Random], Spoiled]:
        fits = frozenset({rule, *also.split()})
        FAULTS.append(Fault(rule, plant, fits, frozenset(conditions.split()), any_severity))
        return plant

    return register


def start(rng: random.Random, **fixed: object) -> Draft:
    """A correct script to spoil."""
    plan, seed = draw(rng, **fixed), rng.randrange(2**32)
    script = Writer(random.Random(seed), plan).write()
    return Draft(plan, seed, script, script.source())


def by_epoch(rng: random.Random, *without: str, **fixed: object) -> Draft:
    """A script whose schedule counts epochs."""
    kinds = [kind for kind in EPOCH_KINDS if kind not in without]
    return start(rng, **{"unit": "epoch", "kind": rng.choice(kinds), **fixed})


def by_update(rng: random.Random, *without: str, **fixed: object) -> Draft:
    """A script whose schedule counts updates."""
    kinds = [kind for kind in UPDATE_KINDS if kind not in without]
    return start(rng, **{"unit": "update", "kind": rng.choice(kinds), **fixed})


def accumulating(rng: random.Random, **fixed: object) -> Draft:
    """A script that accumulates gradients: always, or (a default of 1) only when it is asked to."""
    if rng.random() < 0.4:
        return by_update(rng, accum=4, accum_default=1, config=rng.choice(("argparse", "mainargs")), **fixed)
    return by_update(rng, accum=rng.choice((2, 4, 8)), **fixed)


def when_accumulating(draft: Draft) -> frozenset[str]:
    """Conditions of a fault that needs accumulation."""
    always = draft.plan.accum_default > 1
    return frozenset({"accumulation>1", "default"} if always else {"accumulation>1"})


def done(draft: Draft, conditions: frozenset[str] = frozenset(), any_severity: bool = False) -> Spoiled:
    """The draft's script, spoiled."""
    return Spoiled(draft.original, draft.script, conditions, any_severity)


# --- 1xx: how often the schedule advances ------------------------------------------------------------


@fault("LR101")
def epoch_schedule_per_update(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, pass_scheduler=True)
    script = draft.script
    script.remove("tick")
    script.after("update_last", f"{script.names['inner_scheduler']}.step()")
    script.mark("scheduler")
    return done(draft)


@fault("LR101")
def epoch_schedule_at_end_of_batch(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, pass_scheduler=True)
    script = draft.script
    script.remove("tick")
    script.after("batch_last", f"{script.names['inner_scheduler']}.step()")
    script.mark("scheduler")
    return done(draft)


@fault("LR102")
def update_schedule_per_epoch(rng: random.Random) -> Spoiled:
    draft = by_update(rng)
    script = draft.script
    script.remove("tick")
    script.after("epoch_end", f"{script.names['scheduler']}.step()")
    script.mark("scheduler")
    return done(draft)


@fault("LR102")
def length_in_batches_ticked_per_epoch(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind=rng.choice(("cosine", "polynomial", "linear")))
    script = draft.script
    name = "T_max" if draft.plan.kind == "cosine" else "total_iters"
    script.set_arg("scheduler", name, f"{script.names['epochs']} * len({script.names['train']})")
    script.mark("tick")
    return done(draft)


@fault("LR103")
def tick_at_head_of_epoch(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng)
    tick = draft.script.remove("tick")
    draft.script.before("train_first", tick)
    return done(draft)


@fault("LR103")
def tick_before_update(rng: random.Random) -> Spoiled:
    draft = by_update(rng)
    tick = draft.script.remove("tick")
    draft.script.before("update", tick)
    draft.script.mark("update")
    return done(draft)


@fault("LR104", also="LR101 LR102")
def epoch_schedule_ticked_per_batch_too(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, pass_scheduler=True)
    draft.script.after("update_last", f"{draft.script.names['inner_scheduler']}.step()")
    draft.script.mark("tick")
    return done(draft)


@fault("LR104", also="LR101 LR102")
def update_schedule_ticked_per_epoch_too(rng: random.Random) -> Spoiled:
    draft = by_update(rng, budget="epochs")
    draft.script.after("epoch_end", f"{draft.script.names['scheduler']}.step()")
    draft.script.mark("tick")
    return done(draft)


@fault("LR104")
def ticked_twice_an_epoch(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng)
    draft.script.after("train_last", f"{draft.script.names['scheduler']}.step()")
    draft.script.mark("tick")
    return done(draft)


@fault("LR105")
def tick_per_micro_batch(rng: random.Random) -> Spoiled:
    draft = accumulating(rng)
    tick = draft.script.remove("tick")
    draft.script.after("batch_last", tick)
    return done(draft, when_accumulating(draft))


@fault("LR106")
def tick_moved_into_evaluation(rng: random.Random) -> Spoiled:
    draft = evaluated(rng)
    draft.script.remove("tick")
    tick_in_evaluation(draft)
    return done(draft)


@fault("LR106", also="LR104")
def tick_in_evaluation_too(rng: random.Random) -> Spoiled:
    draft = evaluated(rng)
    tick_in_evaluation(draft)
    return done(draft)


def evaluated(rng: random.Random) -> Draft:
    draw_one = by_epoch if rng.random() < 0.7 else by_update
    return draw_one(rng, evaluate=True, early_stop=False)


def tick_in_evaluation(draft: Draft) -> None:
    """Put a tick at the end of the evaluation's batch loop; pass the scheduler in where it must be."""
    script = draft.script
    if script.has("eval_def") and draft.plan.structure != "trainer":
        script.edit("eval_def", "device)", "device, scheduler)", defect=False)
        script.edit("eval_call", "device)", f"device, {script.names['scheduler']})", defect=False)
        script.after("eval_last", "scheduler.step()")
    else:
        script.after("eval_last", f"{script.names['scheduler']}.step()")


@fault("LR108")
def never_ticked(rng: random.Random) -> Spoiled:
    draft = rng.choice((by_epoch, by_update))(rng)
    draft.script.remove("tick")
    draft.script.mark("scheduler")
    return done(draft)


@fault("LR108")
def tick_without_parentheses(rng: random.Random) -> Spoiled:
    draft = rng.choice((by_epoch, by_update))(rng)
    draft.script.edit("tick", ".step()", ".step")
    draft.script.mark("scheduler")
    return done(draft)


@fault("LR108")
def one_of_two_never_ticked(rng: random.Random) -> Spoiled:
    script = gan_script(rng)
    original = script.source()
    which = rng.choice(("g", "d"))
    script.remove(f"tick_{which}")
    script.mark(f"sched_{which}")
    return Spoiled(original, script)


@fault("LR109", also="LR217")
def epoch_passed_to_step(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, "restarts", "multiplicative", epoch_loop=rng.choice(("range", "trange", "while")))
    draft.script.edit("tick", ".step()", ".step(epoch)")
    return done(draft)


@fault("LR109", also="LR217")
def loss_passed_to_step(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, "restarts", "sequential", "multiplicative", evaluate=True)
    draft.script.edit("tick", ".step()", ".step(val_loss)")
    return done(draft)


def plateau(rng: random.Random, **fixed: object) -> Draft:
    return start(rng, **{"unit": "val", "kind": "plateau", "metric": rng.choice(("loss", "acc")), **fixed})


@fault("LR111", also="LR217")
def plateau_without_metric(rng: random.Random) -> Spoiled:
    draft = plateau(rng)
    draft.script.edit("tick", f"val_{draft.plan.metric}", "")
    return done(draft)


@fault("LR112")
def accuracy_minimised(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="acc")
    draft.script.set_arg("scheduler", "mode", rng.choice((None, '"min"')))
    draft.script.mark("tick")
    return done(draft)


@fault("LR112")
def loss_maximised(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="loss")
    draft.script.set_arg("scheduler", "mode", '"max"')
    draft.script.mark("tick")
    return done(draft)


@fault("LR113")
def plateau_on_training_loss(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="loss")
    draft.script.edit("tick", "val_loss", "train_loss")
    return done(draft)


@fault("LR113")
def plateau_on_last_batch(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="loss", structure=rng.choice(("flat", "main")))
    draft.script.edit("tick", "val_loss", rng.choice(("loss", "loss.item()")))
    return done(draft)


@fault("LR114")
def plateau_per_batch(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="loss", pass_scheduler=True)
    script = draft.script
    script.remove("tick")
    argument = rng.choice(("loss", "loss.item()", "loss.detach()"))
    script.after(rng.choice(("batch_last", "update_last")), f"{script.names['inner_scheduler']}.step({argument})")
    script.mark("scheduler")
    return done(draft)


@fault("LR115", any_severity=True)
def plateau_negated(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="acc")
    draft.script.set_arg("scheduler", "mode", rng.choice((None, '"min"')))
    draft.script.edit("tick", "val_acc", "-val_acc")
    return done(draft)


@fault("LR116", conditions="processes>1")
def ticked_on_rank_zero(rng: random.Random) -> Spoiled:
    draft = (
        by_epoch(rng, ddp=True)
        if rng.random() < 0.7
        else by_update(rng, ddp=True, structure=rng.choice(("flat", "main", "trainer")))
    )
    script = draft.script
    tick = script.remove("tick")
    rank = "self.rank" if draft.plan.structure == "trainer" else "rank"
    anchor = "epoch_end" if draft.plan.unit == "epoch" else "update_last"
    script.after(anchor, f"if {rank} == 0:", f"    {tick}")
    return done(draft)


# --- 2xx: how long the schedule is -------------------------------------------------------------------

LENGTHS = {"cosine": "T_max", "polynomial": "total_iters", "linear": "total_iters"}


def resize(draft: Draft, factor: float) -> None:
    """Give the schedule a length that is a multiple of the training's."""
    script, plan = draft.script, draft.plan
    epochs = max(2, round(plan.epochs * factor))
    if plan.unit == "epoch":
        script.set_arg("scheduler", LENGTHS[plan.kind], str(epochs))
        return
    spelled = script.names["epochs"]
    script.edit("total", f"= {spelled} *", f"= {epochs} *")
    script.mark("scheduler")


@fault("LR201")
def ends_early(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind=rng.choice(tuple(LENGTHS)))
    resize(draft, rng.choice((0.1, 0.25, 0.4, 0.5, 0.7)))
    return done(draft)


@fault("LR201")
def ends_early_in_updates(rng: random.Random) -> Spoiled:
    draft = start(
        rng,
        unit="update",
        kind=rng.choice(("hf_linear", "hf_cosine", "hf_get", "cosine", "polynomial")),
        total_variable=True,
    )
    resize(draft, rng.choice((0.2, 0.3, 0.5)))
    return done(draft)


@fault("LR202")
def never_finishes(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind=rng.choice(tuple(LENGTHS)))
    resize(draft, rng.choice((1.5, 2, 3, 5, 10)))
    return done(draft)


@fault("LR202")
def never_finishes_in_updates(rng: random.Random) -> Spoiled:
    draft = start(
        rng,
        unit="update",
        kind=rng.choice(("hf_linear", "hf_cosine", "hf_get", "cosine", "polynomial")),
        total_variable=True,
    )
    resize(draft, rng.choice((1.5, 2, 4)))
    return done(draft)


@fault("LR203", also="LR217")
def one_cycle_too_short(rng: random.Random) -> Spoiled:
    factor = rng.choice((0.25, 0.5, 0.8))
    if rng.random() < 0.4:
        draft = start(rng, unit="epoch", kind="onecycle_epoch")
        draft.script.set_arg("scheduler", "total_steps", str(max(2, round(draft.plan.epochs * factor))))
        return done(draft)
    draft = start(rng, unit="update", kind="onecycle", total_variable=False, accum=1)
    draft.script.set_arg("scheduler", "epochs", str(max(1, round(draft.plan.epochs * factor))))
    return done(draft)


@fault("LR203", also="LR202")
def one_cycle_too_long(rng: random.Random) -> Spoiled:
    factor = rng.choice((1.5, 2, 4))
    if rng.random() < 0.4:
        draft = start(rng, unit="epoch", kind="onecycle_epoch")
        draft.script.set_arg("scheduler", "total_steps", str(round(draft.plan.epochs * factor)))
        return done(draft)
    draft = start(rng, unit="update", kind="onecycle", total_variable=False, accum=1)
    draft.script.set_arg("scheduler", "epochs", str(round(draft.plan.epochs * factor)))
    return done(draft)


@fault("LR204", also="LR202")
def all_milestones_past_the_end(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind="multistep")
    epochs = draft.plan.epochs
    past = rng.choice((f"[{epochs}]", f"[{epochs + 10}, {epochs + 30}]", f"[{epochs * 2}, {epochs * 3}]"))
    draft.script.set_arg("scheduler", "milestones", past)
    return done(draft)


@fault("LR204", any_severity=True)
def last_milestone_past_the_end(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind="multistep")
    epochs = draft.plan.epochs
    last = rng.choice((epochs, epochs + 5, epochs * 2))
    draft.script.set_arg("scheduler", "milestones", f"[{epochs // 3}, {epochs * 2 // 3}, {last}]")
    return done(draft)


@fault("LR205")
def accumulation_forgotten(rng: random.Random) -> Spoiled:
    draft = accumulating(rng, total_variable=True)
    script = draft.script
    plain = f"len({script.names['train']})"
    tag = "per_epoch" if script.has("per_epoch") else "total"
    script.edit(tag, script.names["per_epoch"], plain)
    script.mark("total", "scheduler")
    return done(draft, when_accumulating(draft))


@fault("LR206", conditions="processes>1")
def processes_forgotten(rng: random.Random) -> Spoiled:
    draft = by_update(rng, ddp=True, accum=1, total_variable=True)
    script = draft.script
    tag = "per_epoch" if script.has("per_epoch") else "total"
    loader = f"len({script.names['train']})"
    if rng.random() < 0.5:
        world = "self.world_size" if draft.plan.structure == "trainer" else "world_size"
        script.edit(tag, loader, f"{loader} // {world}" if tag == "per_epoch" else f"({loader} // {world})")
    else:
        batch = script.lines[script.at("train_loader")].text.split("batch_size=")[1].split(",")[0]
        count = f"len(train_set) // {batch}"
        script.edit(tag, loader, count if tag == "per_epoch" else f"({count})")
    script.mark("total", "scheduler")
    return done(draft)


@fault("LR207", also="LR201 LR202 LR203")
def dataset_for_loader(rng: random.Random) -> Spoiled:
    draft = by_update(rng, accum=1)
    script = draft.script
    loader = f"len({script.names['train']})"
    size = rng.choice(("len(train_set)", f"len({script.names['train']}.dataset)"))
    tag = (
        next(
            tag
            for tag in ("per_epoch", "total", "scheduler")
            if any(loader in script.lines[index].text for index in script.find(tag))
        )
        if any(
            loader in script.lines[index].text
            for tag in ("per_epoch", "total", "scheduler")
            for index in script.find(tag)
        )
        else "region"
    )
    script.edit(tag, loader, size)
    script.mark("total", "scheduler")
    return done(draft)


@fault("LR207", also="LR201 LR202 LR203 LR217")  # a small loader divided by the batch size is 0: it raises
def loader_for_dataset(rng: random.Random) -> Spoiled:
    draft = by_update(rng, accum=1, total_variable=True)
    script = draft.script
    batch = script.lines[script.at("train_loader")].text.split("batch_size=")[1].split(",")[0].rstrip(")")
    loader = f"len({script.names['train']})"
    tag = "per_epoch" if script.has("per_epoch") else "total"
    script.edit(tag, loader, f"{loader} // {batch}" if tag == "per_epoch" else f"({loader} // {batch})")
    script.mark("total", "scheduler")
    return done(draft)


@fault("LR208")
def warmup_too_long(rng: random.Random) -> Spoiled:
    if rng.random() < 0.5:
        draft = start(rng, unit="epoch", kind=rng.choice(("lambda_warmcos", "sequential")))
    else:
        draft = by_update(rng, "onecycle", "cosine", "polynomial", "lambda_poly")
    script = draft.again(warmup="long")
    script.mark("warmup", "warmup_value", "value_warmup", "lambda_warm", "scheduler")
    return Spoiled(draft.original, script)


@fault("LR208")
def warmup_truncated(rng: random.Random) -> Spoiled:
    kind = rng.choice(("lambda_warmcos", "hf_linear", "hf_cosine", "hf_get"))
    unit = "epoch" if kind == "lambda_warmcos" and rng.random() < 0.5 else "update"
    draft = start(rng, unit=unit, kind=kind)
    script = draft.again(warmup="truncated")
    script.mark("warmup_value", "lambda_warm", "scheduler")
    return Spoiled(draft.original, script)


@fault("LR209")
def warmup_not_subtracted(rng: random.Random) -> Spoiled:
    draft = rng.choice((by_epoch, by_update))(rng, kind="sequential")
    draft.script.set_arg("decay", "T_max", str(draft.script.facts["horizon"]))
    draft.script.mark("scheduler")
    return done(draft)


@fault("LR210")
def handover_disagrees(rng: random.Random) -> Spoiled:
    draft = rng.choice((by_epoch, by_update))(rng, kind="sequential", epochs=rng.choice((40, 50, 60, 90, 100)))
    script, warm = draft.script, str(draft.script.facts["warm"])
    if rng.random() < 0.5:
        script.set_arg("scheduler", "milestones", f"[{warm} * 3]")
    else:
        script.set_arg("warmup", "total_iters", f"{warm} * 3")
    script.mark("scheduler")
    return done(draft)


@fault("LR210", also="LR217")
def plateau_in_sequence(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, kind="sequential", evaluate=True)
    func = draft.script.calls["decay"].func.replace("CosineAnnealingLR", "ReduceLROnPlateau")
    draft.script.replace_call("decay", func, [("", draft.script.names["optimizer"]), ("patience", "3")])
    fix_import(draft, "ReduceLROnPlateau")
    draft.script.mark("scheduler")
    return done(draft)


def fix_import(draft: Draft, name: str) -> None:
    """Make a scheduler class that a plant needs importable under a direct import style."""
    if draft.plan.imports != "direct":
        return
    for line in draft.script.lines:
        if line.text.startswith("from torch.optim.lr_scheduler import") and name not in line.text:
            line.text += f", {name}"


@fault("LR211")
def gamma_does_not_decay(rng: random.Random) -> Spoiled:
    kind = rng.choice(("steplr", "exponential", "multistep"))
    draft = start(rng, unit="epoch", kind=kind, epochs=rng.choice((20, 30, 40, 50, 60, 90, 100)))
    draft.script.set_arg("scheduler", "gamma", rng.choice(("1.0", "1.1", "1", "10")))
    return done(draft)


@fault("LR211")
def gamma_too_small_or_large(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind="exponential", epochs=rng.choice((40, 50, 60, 90, 100)))
    draft.script.set_arg("scheduler", "gamma", rng.choice(("0.1", "0.5", "0.999", "0.9999")))
    return done(draft)


@fault("LR212")
def floor_at_the_peak(rng: random.Random) -> Spoiled:
    if rng.random() < 0.6:
        draft = rng.choice((by_epoch, by_update))(rng, kind="cosine", groups=False)
        name = "eta_min"
    else:
        draft = plateau(rng, groups=False)
        name = "min_lr"
    lr = draft.script.names["lr"]
    draft.script.set_arg("scheduler", name, rng.choice((lr, f"{lr} * 2", "0.5")))
    return done(draft)


@fault("LR213", any_severity=True)
def first_update_at_zero(rng: random.Random) -> Spoiled:
    draft = rng.choice((by_epoch, by_epoch, by_update))(rng, kind="lambda_warmcos")
    clock = "epoch" if draft.plan.unit == "epoch" else "step"
    draft.script.edit("lambda_warm", f"({clock} + 1)", clock)
    draft.script.mark("scheduler")
    return done(draft)


@fault("LR214")
def ends_in_mid_cycle(rng: random.Random) -> Spoiled:
    epochs = rng.choice((30, 40, 50, 60, 90, 100, 120))
    draft = start(rng, unit="epoch", kind="restarts", epochs=epochs)
    lengths = [size for size in range(6, epochs) if 0.2 <= (epochs % size) / size <= 0.6]
    draft.script.set_arg("scheduler", "T_mult", None)
    draft.script.set_arg("scheduler", "T_0", str(rng.choice(lengths)))
    return done(draft)


@fault("LR215", also="LR217", any_severity=True)
def one_cycle_degenerate(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="update", kind="onecycle")
    name, value = rng.choice((("pct_start", "1.0"), ("div_factor", "1"), ("div_factor", "0.1"), ("pct_start", "0.0")))
    draft.script.set_arg("scheduler", name, value)
    return done(draft)


@fault("LR216")
def constant_ignores_warmup(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="update", kind="hf_get")
    kind = draft.script.calls["scheduler"].args[0][1]
    draft.script.calls["scheduler"].args[0] = ("", '"constant"')
    draft.script.rewrite("scheduler")
    assert kind in ('"linear"', '"cosine"')
    return done(draft)


@fault("LR217")
def polynomial_past_its_end(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind="lambda_poly")
    script, plan = draft.script, draft.plan
    horizon = str(script.facts["horizon"])
    short = str(max(2, plan.epochs * rng.choice((1, 2)) // 4))
    tag = "lambda_body" if script.has("lambda_body") else "scheduler"
    script.edit(tag, f"/ {horizon})", f"/ {short})")
    script.edit(tag, "** 2", "** 0.9") if any("** 2" in script.lines[i].text for i in script.find(tag)) else None
    script.mark("scheduler")
    return done(draft)


@fault("LR217")
def length_of_zero(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, kind="cosine", epochs=rng.choice((20, 30, 50, 90)))
    draft.script.set_arg("scheduler", "T_max", rng.choice((f"{draft.script.names['epochs']} // 100", "0")))
    return done(draft)


@fault("LR218")
def fraction_for_warmup_steps(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="update", kind=rng.choice(("hf_linear", "hf_cosine", "hf_get")))
    draft.script.set_arg("scheduler", "num_warmup_steps", rng.choice(("0.1", "0.06", "0.05")))
    return done(draft)


@fault("LR218", also="LR215 LR217")
def steps_for_fraction(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="update", kind="onecycle")
    draft.script.set_arg("scheduler", "pct_start", rng.choice(("500", "100", "10")))
    return done(draft)


@fault("LR219")
def patience_outlives_stopping(rng: random.Random) -> Spoiled:
    draft = plateau(rng, metric="loss", early_stop=True)
    stop = max(8, draft.plan.epochs // 3)
    draft.script.set_arg("scheduler", "patience", str(stop + rng.choice((0, 2, 10))))
    draft.script.mark("early_stop")
    return done(draft)


@fault("LR219")
def patience_outlives_training(rng: random.Random) -> Spoiled:
    draft = plateau(rng)
    draft.script.set_arg("scheduler", "patience", str(draft.plan.epochs + rng.choice((0, 5, 50))))
    return done(draft)


# --- 3xx: who controls the LR ------------------------------------------------------------------------


@fault("LR301")
def optimizer_built_again(rng: random.Random) -> Spoiled:
    draft = rng.choice((by_epoch, by_update))(rng, resume=False)
    script = draft.script
    call = script.calls["optimizer"]
    depth = script.lines[script.at("optimizer")].depth
    last = script.find("scheduler")[-1]
    text = f"{call.prefix}{call.func}({', '.join(f'{n}={v}' if n else v for n, v in call.args)})"
    script.insert(last + 1, text, depth, "planted")
    script.mark("scheduler")
    return done(draft)


@fault("LR301")
def both_schedulers_on_one_optimizer(rng: random.Random) -> Spoiled:
    script = gan_script(rng)
    original = script.source()
    tag, right, wrong = rng.choice((("sched_d", "opt_d", "opt_g"), ("sched_g", "opt_g", "opt_d")))
    script.edit(tag, f"({script.names[right]},", f"({script.names[wrong]},")
    return Spoiled(original, script)


@fault("LR302", also="LR305")
def written_by_hand_every_epoch(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, epoch_loop=rng.choice(("range", "trange")))
    script = draft.script
    lr, optimizer = script.names["lr"], script.names["optimizer"]
    value = rng.choice((f"{lr} * 0.95 ** epoch", f"{lr} * 0.1 ** (epoch // 10)", f"{lr} / (1 + 0.1 * epoch)"))
    script.before("train_first", f"for group in {optimizer}.param_groups:", f'    group["lr"] = {value}')
    script.mark("tick")
    return done(draft)


def manual(rng: random.Random, **fixed: object) -> Draft:
    return start(rng, **{"unit": "epoch", "kind": rng.choice(MANUAL_KINDS), **fixed})


@fault("LR303")
def decay_compounds(rng: random.Random) -> Spoiled:
    draft = manual(rng, groups=False)
    script = draft.script
    script.remove("manual_lr")
    written = f'group["lr"] = group["lr"] * {script.names["factor"]}'
    script.edit(
        "manual_write",
        'group["lr"] = new_lr',
        rng.choice((written, f'group["lr"] *= {script.names["factor"]}')),
    )
    return done(draft)


@fault("LR304")
def computed_and_not_written(rng: random.Random) -> Spoiled:
    draft = manual(rng, groups=False)
    script = draft.script
    script.remove("manual_write")
    script.remove("manual_for")
    script.mark("manual_lr")
    return done(draft)


@fault("LR305")
def plateau_on_an_absolute_schedule(rng: random.Random) -> Spoiled:
    draft = by_epoch(
        rng, kind=rng.choice(("lambda_poly", "lambda_warmcos", "onecycle_epoch")), evaluate=True, resume=False
    )
    script = draft.script
    name = "self.plateau" if draft.plan.structure == "trainer" else "plateau"
    depth = script.lines[script.at("scheduler")].depth
    text = f"{name} = torch.optim.lr_scheduler.ReduceLROnPlateau({script.names['optimizer']}, patience=3)"
    script.insert(script.find("scheduler")[-1] + 1, text, depth, "planted")
    script.after("eval_call", f"{name}.step(val_loss)")
    script.mark("tick", "scheduler")
    return done(draft)


@fault("LR305")
def warmup_lambda_undoes_the_schedule(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, kind=rng.choice(("cosine", "steplr", "exponential", "multistep")), resume=False)
    script = draft.script
    name = "self.warmup" if draft.plan.structure == "trainer" else "warmup_lr"
    depth = script.lines[script.at("scheduler")].depth
    body = "lambda e: min(1.0, (e + 1) / 5)"
    text = f"{name} = torch.optim.lr_scheduler.LambdaLR({script.names['optimizer']}, {body})"
    script.insert(script.find("scheduler")[-1] + 1, text, depth, "planted")
    script.after("tick", f"{name}.step()")
    script.mark("tick", "scheduler")
    return done(draft)


@fault("LR306", also="LR217")
def group_added_after_scheduler(rng: random.Random) -> Spoiled:
    kind, unit = rng.choice(
        (
            ("lambda_poly", "epoch"),
            ("lambda_step", "epoch"),
            ("lambda_warmcos", "update"),
            ("onecycle", "update"),
            ("restarts", "epoch"),
        )
    )
    draft = start(rng, kind=kind, unit=unit, unfreeze=True, epoch_loop=rng.choice(("range", "trange")), resume=False)
    script = draft.script
    text = script.remove("add_group")
    if rng.random() < 0.6:
        script.before("train_first", "if epoch == 3:", f"    {text}")
    else:
        depth = script.lines[script.at("scheduler")].depth
        script.insert(script.find("scheduler")[-1] + 1, text, depth, "planted")
    script.mark("scheduler")
    return done(draft)


@fault("LR307")
def chain_member_wiped(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="epoch", kind="chained")
    script = draft.script
    epochs = script.names["epochs"]
    func = script.calls["second"].func
    script.replace_call(
        "second",
        func.replace("ExponentialLR", "LambdaLR"),
        [
            ("", script.names["optimizer"]),
            ("lr_lambda", rng.choice((f"lambda epoch: 1 - epoch / {epochs}", "lambda epoch: 0.97 ** epoch"))),
        ],
    )
    fix_import(draft, "LambdaLR")
    script.mark("scheduler", "first")
    return done(draft)


@fault("LR309")
def scheduler_built_every_epoch(rng: random.Random) -> Spoiled:
    same = (
        "exponential",
        "multiplicative",
    )  # these go on from the LR they find, so building them again changes nothing
    draft = by_epoch(rng, *same, "lambda_poly", "lambda_warmcos", "sequential", resume=False, early_stop=False)
    script = draft.script
    found = script.find("scheduler")
    lines = [script.lines[index] for index in found]
    base = lines[0].depth
    for index in reversed(found):
        script.lines.pop(index)
    at = script.at("train_first")
    depth = script.lines[at].depth
    for offset, line in enumerate(lines):
        script.insert(at + offset, line.text, depth + line.depth - base, "scheduler")
    return done(draft)


@fault("LR309", also="LR301")
def rebuilt_per_fold_without_the_other(rng: random.Random) -> Spoiled:
    script = kfold_script(rng)
    original = script.source()
    # A new LambdaLR on an old optimizer starts from the initial LR again: that would change nothing.
    whole = rng.random() < 0.5 and not script.calls["scheduler"].func.endswith("LambdaLR")
    texts = [script.remove(tag) for tag in (("model", "optimizer") if whole else ("scheduler",))]
    if len(texts) == 1:
        depth = script.lines[script.at("fold_for")].depth
        setup = [
            "first_model = nn.Linear(8, 3)",
            "optimizer = SGD(first_model.parameters(), lr=0.1, momentum=0.9)",
            *texts,
        ]
    else:
        depth, setup = 0, texts
    at = script.at("fold_for")
    for offset, text in enumerate(setup):
        script.insert(at + offset, text, depth, "planted")
    script.mark("scheduler", "optimizer")
    return Spoiled(original, script)


@fault("LR310")
def ratios_flattened_by_one_cycle(rng: random.Random) -> Spoiled:
    draft = rng.choice(
        (
            lambda: start(rng, unit="update", kind="onecycle", groups=True),
            lambda: start(rng, unit="epoch", kind="onecycle_epoch", groups=True),
        )
    )()
    draft.script.set_arg("scheduler", "max_lr", draft.script.names["lr"])
    draft.script.mark("optimizer")
    return done(draft)


@fault("LR310")
def ratios_flattened_by_hand(rng: random.Random) -> Spoiled:
    draft = manual(rng, groups=True)
    draft.script.edit("manual_write", ' * group.get("scale", 1.0)', "")
    for tag in ("optimizer",):
        draft.script.edit(tag, ', "scale": 0.1', "", defect=False)
        draft.script.mark(tag)
    return done(draft)


@fault("LR311", conditions="processes>1")
def scaled_by_world_size_twice(rng: random.Random) -> Spoiled:
    draft = by_epoch(rng, "onecycle", ddp=True, scale_lr=True, groups=False)
    script = draft.script
    world = "self.world_size" if draft.plan.structure == "trainer" else "world_size"
    if rng.random() < 0.5:
        script.before("optimizer", f"scaled_lr = {script.names['lr']} * {world}")
        script.set_arg("optimizer", "lr", f"scaled_lr * {world}")
    else:
        last = script.find("optimizer")[-1]
        depth = script.lines[script.at("optimizer")].depth
        script.insert(last + 1, f"for group in {script.names['optimizer']}.param_groups:", depth, "planted")
        script.insert(last + 2, f'group["lr"] *= {world}', depth + 1, "planted")
        script.mark("optimizer")
    return done(draft)


@fault("LR312")
def lr_is_text(rng: random.Random) -> Spoiled:
    config = rng.choice(("argparse", "mainargs", "yaml", "yaml", "dict", "const"))
    draft = by_epoch(rng, config=config, groups=False)
    script = draft.script
    line = script.lines[script.at("value_lr")]
    if config in ("argparse", "mainargs"):
        default = line.text.split("default=")[1].removesuffix(")")
        line.text = line.text.replace("type=float, ", "").replace(f"default={default}", f'default="{default}"')
        if rng.random() < 0.5:
            line.text = line.text.replace("default=", "type=str, default=")
    elif config == "yaml":
        line.text = f"{line.text.split(':')[0]}: {rng.choice(('1e-3', '5e-4', '1e-2'))}"
    elif config == "dict":
        line.text = f'{line.text.split(":")[0]}: "{rng.choice(("0.1", "1e-3", "0.01"))}",'
    else:
        line.text = f'{line.text.split(" = ")[0]} = os.environ.get("LR", "0.1")'
        if not any(other.text == "import os" for other in script.lines):
            script.insert(0, "import os", 0, defect=False)
    script.mark("value_lr", "optimizer")
    return done(draft)


# --- 4xx: what a restart does ------------------------------------------------------------------------


def resumable(rng: random.Random, **fixed: object) -> Draft:
    """A script that saves everything and restores everything."""
    # A constant factor a tick goes on from the LR in the optimizer's state: no harm without the scheduler's.
    return rng.choice((by_epoch, by_update))(rng, "exponential", "multiplicative", resume=True, **fixed)


def drop_from_save(script: Script) -> None:
    """Take the scheduler's state out of what is saved."""
    for index in reversed(script.find("save")):
        line = script.lines[index]
        if not line.text.startswith('"scheduler"'):
            piece = f'"scheduler": {script.names["scheduler"]}.state_dict(), '
            line.text = line.text.replace(piece, "")
        else:
            script.lines.pop(index)


@fault("LR401", conditions="resume")
def scheduler_neither_saved_nor_restored(rng: random.Random) -> Spoiled:
    draft = resumable(rng)
    drop_from_save(draft.script)
    draft.script.remove("load_scheduler")
    draft.script.mark("save", "load", "load_optimizer", "load_epoch")
    return done(draft)


@fault("LR401", conditions="resume")
def scheduler_not_restored(rng: random.Random) -> Spoiled:
    draft = resumable(rng)
    draft.script.remove("load_scheduler")
    draft.script.mark("load", "load_optimizer", "load_epoch", "save")
    return done(draft)


@fault("LR402", conditions="resume")
def scheduler_built_after_loading(rng: random.Random) -> Spoiled:
    kind, unit = rng.choice(
        (
            ("sequential", "epoch"),
            ("sequential", "update"),
            ("lambda_warmcos", "epoch"),
            ("onecycle", "update"),
        )
    )
    draft = start(rng, kind=kind, unit=unit, resume=True)
    script = draft.script
    region_after_resume(script)
    load = script.remove("load_scheduler")
    depth = script.lines[script.at("resume_if")].depth
    last = script.find("region")[-1]
    script.insert(last + 1, f"if {script.names['start_epoch']} > 0:", depth, "reload")
    script.insert(last + 2, load, depth + 1, "reload")
    script.mark("load_optimizer", "scheduler")
    return done(draft)


def region_after_resume(script: Script) -> None:
    """Move the building of the schedule behind the restoring of the checkpoint."""
    found = script.find("region")
    lines = [script.lines[index] for index in found]
    for index in reversed(found):
        script.lines.pop(index)
    at = script.find("load_epoch")[-1] + 1
    script.lines[at:at] = lines


@fault("LR403", conditions="resume")
def last_epoch_on_a_fresh_optimizer(rng: random.Random) -> Spoiled:
    draft = start(
        rng,
        unit="epoch",
        kind=rng.choice(("steplr", "cosine", "exponential", "multistep", "polynomial")),
        resume=True,
    )
    script = draft.script
    region_after_resume(script)
    script.remove("load_scheduler")
    script.remove("load_optimizer")
    script.set_arg("scheduler", "last_epoch", f"{script.names['start_epoch']} - 1")
    return done(draft)


@fault("LR403")
def last_epoch_off_by_one(rng: random.Random) -> Spoiled:
    draft = start(
        rng,
        unit="epoch",
        kind=rng.choice(("steplr", "cosine", "exponential", "multistep", "polynomial")),
        resume=True,
    )
    script = draft.script
    region_after_resume(script)
    script.remove("load_scheduler")
    script.set_arg("scheduler", "last_epoch", script.names["start_epoch"])
    return done(draft, frozenset({"default", "resume"}))


@fault("LR403", conditions="resume")
def last_epoch_in_the_wrong_unit(rng: random.Random) -> Spoiled:
    draft = start(rng, unit="update", kind=rng.choice(("cosine", "polynomial")), resume=True)
    script = draft.script
    region_after_resume(script)
    script.remove("load_scheduler")
    script.set_arg("scheduler", "last_epoch", f"{script.names['start_epoch']} - 1")
    return done(draft)


@fault("LR404", conditions="resume")
def extended_run_keeps_its_length(rng: random.Random) -> Spoiled:
    kind = rng.choice(("cosine", "polynomial", "linear"))
    draft = start(
        rng,
        unit="epoch",
        kind=kind,
        resume=True,
        config=rng.choice(("const", "argparse", "dict", "mainargs")),
    )
    script = draft.script
    extra, name = rng.choice(("10", "20", "50")), LENGTHS[kind]
    epochs, scheduler = script.names["epochs"], script.names["scheduler"]
    longer = "self.total_epochs" if draft.plan.structure == "trainer" else "total_epochs"
    script.edit("epoch_for", f", {epochs})", f", {longer})")
    script.before("resume_if", f"{longer} = {epochs}", defect=False)
    script.before("load_scheduler", f"{longer} = {epochs} + {extra}", f"{scheduler}.{name} = {longer}")
    script.mark("load_scheduler", "scheduler")
    return done(draft)


@fault("LR404", conditions="resume")
def longer_schedule_overwritten(rng: random.Random) -> Spoiled:
    kind = rng.choice(("cosine", "polynomial", "linear"))
    draft = start(
        rng,
        unit="epoch",
        kind=kind,
        resume=True,
        config=rng.choice(("const", "argparse", "dict", "mainargs")),
    )
    script = draft.script
    extra, epochs = rng.choice(("10", "20", "50")), script.names["epochs"]
    longer = "self.total_epochs" if draft.plan.structure == "trainer" else "total_epochs"
    test = script.lines[script.at("resume_if")].text.removeprefix("if ").removesuffix(":")
    script.edit("epoch_for", f", {epochs})", f", {longer})")
    at = script.at("scheduler")
    depth = script.lines[at].depth
    script.insert(at, f"{longer} = {epochs} + {extra} if {test} else {epochs}", depth, "planted")
    script.set_arg("scheduler", LENGTHS[kind], longer)
    script.mark("load_scheduler")
    return done(draft)


# --- drawing cases -----------------------------------------------------------------------------------


def make(fault_: Fault, seed: str, name: str) -> Case:
    """One case of a fault; the same seed gives the same case."""
    spoiled = fault_.plant(random.Random(seed))
    lines = tuple(spoiled.script.defects())
    if not lines:
        raise AssertionError(f"{name}: a plant marked nothing")
    return Case(
        name=name,
        rule=fault_.rule,
        plant=fault_.plant.__name__,
        fits=fault_.fits,
        conditions=spoiled.conditions or fault_.conditions,
        any_severity=fault_.any_severity or spoiled.any_severity,
        lines=lines,
        source=spoiled.script.source(),
        original=spoiled.original,
    )


def generate(seed: int = 0, per_rule: int = 20) -> Iterator[Case]:
    """``per_rule`` cases for every rule, its plants taking turns; deterministic by seed."""
    by_rule: dict[str, list[Fault]] = {}
    for fault_ in FAULTS:
        by_rule.setdefault(fault_.rule, []).append(fault_)
    for rule, faults in sorted(by_rule.items()):
        for number in range(per_rule):
            chosen = faults[number % len(faults)]
            name = f"{rule.lower()}_{number:03d}_{chosen.plant.__name__}"
            yield make(chosen, f"{seed}:{name}", name)
