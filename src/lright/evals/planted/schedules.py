"""How correct scripts build each schedule; ``horizon`` is the number of ticks in the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .script import Block

if TYPE_CHECKING:
    from .recipes import Writer

Build = Callable[["Writer", Block, str], None]


def plain(writer: Writer, block: Block, name: str, args: list[tuple[str, str]], tag: str = "scheduler") -> None:
    """``scheduler = Name(optimizer, ...)``."""
    prefix = f"{writer.obj('scheduler')} = "
    writer.call(block, tag, prefix, writer.scheduler_class(name), [("", writer.obj("optimizer")), *args])


def atom(text: str) -> str:
    """An expression that binds tightly enough to be divided."""
    return f"({text})" if any(sign in text for sign in "+-*/ ") else text


def warmup_epochs(writer: Writer) -> str:
    """A tenth of the training or so; what plants ask for instead."""
    epochs = writer.plan.epochs
    if writer.plan.warmup == "long":
        return str(int(epochs * writer.rng.choice((0.5, 0.6, 0.75))))
    return str(max(1, min(5, epochs // 8)))


def steplr(writer: Writer, block: Block, horizon: str) -> None:
    """Two to four drops, evenly spread."""
    drops, gamma = writer.rng.choice(((3, "0.1"), (4, "0.3"), (5, "0.5"), (3, "0.2")))
    size = str(-(-writer.plan.epochs // drops))
    choice = writer.rng.random()
    if choice < 0.4:
        size = writer.val("step_size", size)
    elif choice < 0.6 and writer.plan.epochs % drops == 0:
        size = f"{atom(horizon)} // {drops}"
    gamma = writer.val("gamma", gamma) if writer.rng.random() < 0.3 else gamma
    plain(writer, block, "StepLR", [("step_size", size), ("gamma", gamma)])


def multistep(writer: Writer, block: Block, horizon: str) -> None:
    """Drops at half and three quarters, as numbers or fractions."""
    epochs = writer.plan.epochs
    if writer.rng.random() < 0.5:
        milestones = f"[{epochs // 2}, {epochs * 3 // 4}]"
    else:
        milestones = f"[int(0.5 * {horizon}), int(0.75 * {horizon})]"
    plain(
        writer,
        block,
        "MultiStepLR",
        [("milestones", milestones), ("gamma", writer.rng.choice(("0.1", "0.2")))],
    )


def exponential(writer: Writer, block: Block, horizon: str) -> None:
    """A decay per epoch to a few per cent of the peak."""
    gamma = f"{writer.rng.choice((0.02, 0.05, 0.1)) ** (1 / writer.plan.epochs):.3f}"
    gamma = writer.val("gamma", gamma) if writer.rng.random() < 0.3 else gamma
    plain(writer, block, "ExponentialLR", [("gamma", gamma)])


def cosine(writer: Writer, block: Block, horizon: str) -> None:
    """One half cosine over the whole training."""
    args = [("T_max", horizon)]
    if writer.rng.random() < 0.4:
        args.append(("eta_min", writer.rng.choice(("1e-6", "0", "1e-5"))))
    plain(writer, block, "CosineAnnealingLR", args)


def polynomial(writer: Writer, block: Block, horizon: str) -> None:
    """A polynomial decay to zero."""
    plain(
        writer,
        block,
        "PolynomialLR",
        [("total_iters", horizon), ("power", writer.rng.choice(("0.9", "1.0", "2.0")))],
    )


def linear(writer: Writer, block: Block, horizon: str) -> None:
    """A straight line down."""
    end = writer.rng.choice(("0.01", "0.1"))
    plain(writer, block, "LinearLR", [("start_factor", "1.0"), ("end_factor", end), ("total_iters", horizon)])


def multiplicative(writer: Writer, block: Block, horizon: str) -> None:
    """A factor per epoch from a lambda."""
    factor = f"{0.05 ** (1 / writer.plan.epochs):.3f}"
    plain(writer, block, "MultiplicativeLR", [("lr_lambda", f"lambda epoch: {factor}")])


def lambda_poly(writer: Writer, block: Block, horizon: str) -> None:
    """The classic ``(1 - t / T) ** 0.9``."""
    name = "epoch" if writer.plan.unit == "epoch" else "step"
    power = writer.rng.choice(("0.9", "2"))
    body = f"(1 - {name} / {atom(horizon)}) ** {power}"
    if writer.rng.random() < 0.5:
        plain(writer, block, "LambdaLR", [("lr_lambda", f"lambda {name}: {body}")])
        return
    with block.deeper(f"def poly({name}):", "lambda_def"):
        block.add(f"return {body}", "lambda_body")
    block.add("")
    plain(writer, block, "LambdaLR", [("lr_lambda", "poly")])


def lambda_step(writer: Writer, block: Block, horizon: str) -> None:
    """A step decay written as a lambda."""
    every = max(2, -(-writer.plan.epochs // 3))
    plain(writer, block, "LambdaLR", [("lr_lambda", f"lambda epoch: 0.1 ** (epoch // {every})")])


def warmup_length(writer: Writer, block: Block, horizon: str) -> str:
    """The warmup in ticks, as a name that is defined, or a configured value."""
    warmup = writer.plan.warmup
    if writer.plan.unit == "epoch" and warmup != "truncated":
        return writer.val("warmup", warmup_epochs(writer))
    text = writer.rng.choice(
        {
            "usual": (f"int(0.1 * {horizon})", f"int({horizon} * 0.05)", f"{atom(horizon)} // 10"),
            "long": (f"int(0.6 * {horizon})", f"int({horizon} * 0.5)", f"{atom(horizon)} // 2"),
            "truncated": (
                f"int(0.1) * {atom(horizon)}",
                f"5 // 100 * {atom(horizon)}",
                f"{atom(horizon)} * (1 // 10)",
            ),
        }[warmup]
    )
    block.add(f"n_warm = {text}", "warmup_value")
    return "n_warm"


def lambda_warmcos(writer: Writer, block: Block, horizon: str) -> None:
    """Linear warmup, then a cosine, in a small function."""
    writer.imports.add("import math")
    warm = warmup_length(writer, block, horizon)
    name = "epoch" if writer.plan.unit == "epoch" else "step"
    with block.deeper(f"def warmup_cosine({name}):", "lambda_def"):
        with block.deeper(f"if {name} < {warm}:"):
            block.add(f"return ({name} + 1) / {warm}", "lambda_warm")
        block.add(f"progress = ({name} - {warm}) / ({horizon} - {warm})", "lambda_progress")
        block.add("return 0.5 * (1 + math.cos(math.pi * progress))", "lambda_body")
    block.add("")
    writer.script.facts["warm"] = warm
    plain(
        writer,
        block,
        "LambdaLR",
        [("", "warmup_cosine") if writer.rng.random() < 0.5 else ("lr_lambda", "warmup_cosine")],
    )


def sequential(writer: Writer, block: Block, horizon: str) -> None:
    """LinearLR warmup, then a cosine over what is left."""
    warm = warmup_length(writer, block, horizon)
    optimizer = ("", writer.obj("optimizer"))
    writer.call(
        block,
        "warmup",
        "warmup_sched = ",
        writer.scheduler_class("LinearLR"),
        [optimizer, ("start_factor", writer.rng.choice(("0.1", "0.01", "1e-3"))), ("total_iters", warm)],
    )
    writer.call(
        block,
        "decay",
        "cosine_sched = ",
        writer.scheduler_class("CosineAnnealingLR"),
        [optimizer, ("T_max", f"{horizon} - {warm}")],
    )
    writer.script.facts["warm"] = warm
    plain(
        writer,
        block,
        "SequentialLR",
        [("schedulers", "[warmup_sched, cosine_sched]"), ("milestones", f"[{warm}]")],
    )


def restarts(writer: Writer, block: Block, horizon: str) -> None:
    """Warm restarts whose last cycle ends with the training."""
    plan = writer.plan
    first, mult = cycle_of(plan.epochs)
    args = [("T_0", str(first))]
    if mult > 1 or writer.rng.random() < 0.4:
        args.append(("T_mult", str(mult)))
    plain(writer, block, "CosineAnnealingWarmRestarts", args)


def cycle_of(epochs: int) -> tuple[int, int]:
    """``(T_0, T_mult)`` so that whole cycles fill the epochs."""
    for count in (7, 3):
        if epochs % count == 0 and epochs // count >= 4:
            return epochs // count, 2
    for count in (4, 3, 2):
        if epochs % count == 0:
            return epochs // count, 1
    return epochs, 1


def onecycle_epoch(writer: Writer, block: Block, horizon: str) -> None:
    """OneCycleLR with one tick an epoch: unusual and right."""
    peak = writer.val("lr", writer.lr0)
    if writer.plan.groups:
        peak = f"[{peak} * 0.1, {peak}]"
    plain(writer, block, "OneCycleLR", [("max_lr", peak), ("total_steps", horizon)])


def onecycle(writer: Writer, block: Block, horizon: str) -> None:
    """OneCycleLR per update, sized by total_steps or by epochs and steps_per_epoch."""
    peak = writer.val("lr", writer.lr0)
    args = [("max_lr", f"[{peak} * 0.1, {peak}]" if writer.plan.groups else peak)]
    if writer.plan.accum == 1 and writer.plan.budget == "epochs" and not writer.plan.total_variable:
        args += [("epochs", writer.epochs), ("steps_per_epoch", f"len({writer.obj('train')})")]
    else:
        args.append(("total_steps", horizon))
    if writer.rng.random() < 0.3:
        args.append(("pct_start", writer.rng.choice(("0.1", "0.2", "0.3"))))
    plain(writer, block, "OneCycleLR", args)


def cyclic(writer: Writer, block: Block, horizon: str) -> None:
    """Triangular cycles of four epochs, a whole number of them."""
    args = [("base_lr", "1e-4"), ("max_lr", "0.01"), ("step_size_up", f"2 * len({writer.obj('train')})")]
    if writer.plan.optimizer != "SGD":
        args.append(("cycle_momentum", "False"))
    plain(writer, block, "CyclicLR", args)


def chained(writer: Writer, block: Block, horizon: str) -> None:
    """A short reduced start chained with an exponential decay: both multiply, so both count."""
    optimizer = ("", writer.obj("optimizer"))
    gamma = f"{0.05 ** (1 / writer.plan.epochs):.3f}"
    writer.call(
        block,
        "first",
        "start = ",
        writer.scheduler_class(writer.rng.choice(("ConstantLR", "LinearLR"))),
        [optimizer, writer.rng.choice((("total_iters", "4"), ("total_iters", "3")))],
    )
    writer.call(block, "second", "decay = ", writer.scheduler_class("ExponentialLR"), [optimizer, ("gamma", gamma)])
    prefix = f"{writer.obj('scheduler')} = "
    writer.call(block, "scheduler", prefix, writer.scheduler_class("ChainedScheduler"), [("", "[start, decay]")])


def hugging_face(name: str) -> Build:
    """One of transformers' warmup schedules."""

    def build(writer: Writer, block: Block, horizon: str) -> None:
        warm = warmup_length(writer, block, horizon)
        writer.script.facts["warm"] = warm
        lengths = [("num_warmup_steps", warm), ("num_training_steps", horizon)]
        prefix = f"{writer.obj('scheduler')} = "
        if name == "get_scheduler":
            writer.imports.add("from transformers import get_scheduler")
            kind = writer.rng.choice(("linear", "cosine"))
            args = [("", f'"{kind}"'), ("optimizer", writer.obj("optimizer")), *lengths]
            writer.call(block, "scheduler", prefix, name, args)
            return
        if writer.rng.random() < 0.5:
            writer.imports.add(f"from transformers import {name}")
            func = name
        else:
            writer.imports.add("import transformers")
            func = f"transformers.{name}"
        writer.call(block, "scheduler", prefix, func, [("", writer.obj("optimizer")), *lengths])

    return build


def plateau(writer: Writer, block: Block, horizon: str) -> None:
    """ReduceLROnPlateau on the validation metric."""
    mode = "min" if writer.plan.metric == "loss" else "max"
    args = [("mode", f'"{mode}"')] if mode == "max" or writer.rng.random() < 0.6 else []
    args.append(("factor", writer.rng.choice(("0.1", "0.5", "0.2"))))
    args.append(("patience", writer.val("patience", str(max(2, min(5, writer.plan.epochs // 10))))))
    plain(writer, block, "ReduceLROnPlateau", args)


SCHEDULES: dict[str, Build] = {
    "steplr": steplr,
    "multistep": multistep,
    "exponential": exponential,
    "cosine": cosine,
    "polynomial": polynomial,
    "linear": linear,
    "multiplicative": multiplicative,
    "lambda_poly": lambda_poly,
    "lambda_step": lambda_step,
    "lambda_warmcos": lambda_warmcos,
    "sequential": sequential,
    "restarts": restarts,
    "onecycle_epoch": onecycle_epoch,
    "onecycle": onecycle,
    "cyclic": cyclic,
    "chained": chained,
    "hf_linear": hugging_face("get_linear_schedule_with_warmup"),
    "hf_cosine": hugging_face("get_cosine_schedule_with_warmup"),
    "hf_get": hugging_face("get_scheduler"),
    "plateau": plateau,
}

EPOCH_KINDS = (
    "steplr",
    "multistep",
    "exponential",
    "cosine",
    "polynomial",
    "linear",
    "multiplicative",
    "lambda_poly",
    "lambda_step",
    "lambda_warmcos",
    "sequential",
    "restarts",
)
UPDATE_KINDS = (
    "onecycle",
    "cosine",
    "polynomial",
    "lambda_poly",
    "lambda_warmcos",
    "sequential",
    "hf_linear",
    "hf_cosine",
    "hf_get",
)
MANUAL_KINDS = ("manual_step", "manual_cosine", "manual_poly", "manual_exp")
