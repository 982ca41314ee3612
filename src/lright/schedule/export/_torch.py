"""Plain torch: its own schedulers where they fit, one readable function where they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...errors import LrightError
from ..emulate import Optimizer as Emulated
from ..emulate import build
from ._base import (
    Count,
    Curve,
    Job,
    Optimizer,
    Part,
    Snippet,
    Ticks,
    call,
    from_import,
    indent,
    module,
    number,
    one_cycled,
    take_apart,
    unit_of,
)
from ._formula import factor_function

SCHEDULERS = (
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LambdaLR", "LinearLR",
    "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
)  # fmt: skip


class Built(NamedTuple):
    """The lines that make ``scheduler`` (none for a constant LR) and what there is to know about it."""

    lines: list[str]
    lr: Callable[[int], float] | None = None
    notes: tuple[str, ...] = ()


def optimizer_line(optimizer: Optimizer, lr: float) -> str:
    """The line that makes a torch optimizer."""
    momentum = number(optimizer.momentum) if optimizer.heavy_ball and optimizer.momentum else None
    betas = str(tuple(optimizer.betas)) if optimizer.adaptive and optimizer.betas else None
    decay = None if optimizer.weight_decay is None else number(optimizer.weight_decay)
    made = call(
        f"torch.optim.{optimizer.name}", "model.parameters()",
        lr=number(lr), momentum=momentum, betas=betas, weight_decay=decay,
    )  # fmt: skip
    return f"optimizer = {made}"


def first_lr(curve: Curve, peak: float) -> float:
    """What the optimizer is made with: the peak, or the LR of a schedule that never changes."""
    [first, *more] = curve.parts
    return peak * first.start if first.shape == "hold" and not more and curve.metric is None else peak


def schedulers(curve: Curve, job: Job) -> Built:
    """torch's own schedulers if they can say it, else a LambdaLR."""
    if curve.metric is not None:
        return _plateau(curve, job)
    if curve.shapes == ("hold",):
        return Built([])
    cycled = _one_cycle(curve, job)
    if cycled is not None:
        return cycled
    natives = [_native(part, job.peak) for part in curve.parts]
    if all(natives) and all(part.start == 1 or part.warms or part.shape == "hold" for part in curve.parts):
        return _sequential(curve.parts, [native for native in natives if native])
    return function(curve)


def function(curve: Curve) -> Built:
    """A LambdaLR with the whole schedule in one function."""
    ticks = curve.ticks
    t, lines = ticks.unit, []
    if ticks.scale.text:
        t = ticks.word
        lines = [f"# it sees {ticks.word}s, {ticks.scale.text} of them per update"]
    what = f"an {t}" if t[0] in "eu" else f"a {t}"
    return Built(["", *factor_function(curve.parts, t, what), "", *lines, "scheduler = LambdaLR(optimizer, lr_factor)"])


def _native(part: Part, peak: float) -> tuple[str, str] | None:
    """(variable, constructor) of the torch scheduler of one phase that starts at the peak; None if there is none."""
    n, shape, params = part.n.text, part.plain, part.params
    if part.warms:
        if part.start <= 0:
            return None
        return "warmup", call("LinearLR", "optimizer", start_factor=part.start_text, total_iters=n)
    if shape == "hold":
        if not 0 < part.start <= 1:
            return None
        return "hold", call("ConstantLR", "optimizer", factor=number(part.start), total_iters=n)
    if shape == "linear" and part.shape != "warmup" and 0 <= part.to <= 1:
        return "decay", call("LinearLR", "optimizer", start_factor="1.0", end_factor=number(part.to), total_iters=n)
    if shape == "cosine" and part.shape != "warmup" and part.to < 1:
        floor = number(part.to * peak) if part.to else None
        return "cosine", call("CosineAnnealingLR", "optimizer", T_max=n, eta_min=floor)
    if shape == "polynomial" and part.to == 0:
        return "decay", call("PolynomialLR", "optimizer", total_iters=n, power=number(params["power"]))
    if shape == "exponential" and params["ratio"] is None:
        return "decay", call("ExponentialLR", "optimizer", gamma=f"{number(part.to)} ** (1 / {_bracket(n)})")
    if shape == "exp-decay":
        every = params["every"]
        gamma = number(params["gamma"]) + ("" if every.value == 1 else f" ** (1 / {_bracket(every.text)})")
        return "decay", call("ExponentialLR", "optimizer", gamma=gamma)
    if shape == "step":
        gamma = number(params["gamma"])
        return "drops", call("StepLR", "optimizer", step_size=params["every"].text, gamma=gamma)
    if shape == "multi-step":
        marks = ", ".join(one.text for one in params["at"])
        return "drops", call("MultiStepLR", "optimizer", milestones=f"[{marks}]", gamma=number(params["gamma"]))
    if shape == "restarts" and params["shape"] == "cosine" and params["decay"] == 1 and params["mult"] % 1 == 0:
        mult = number(params["mult"]) if params["mult"] != 1 else None
        floor = number(part.to * peak) if part.to else None
        period = params["period"].text
        return "restarts", call("CosineAnnealingWarmRestarts", "optimizer", T_0=period, T_mult=mult, eta_min=floor)
    return None


def _bracket(text: str) -> str:
    return f"({text})" if " " in text else text


REBASED = {
    "cosine": "# each scheduler counts from its own start: T_max is what the warmup leaves",
    "drops": "# each scheduler counts from its own start, so these count from the end of the warmup",
}


def _sequential(parts: list[Part], natives: list[tuple[str, str]]) -> Built:
    if len(parts) == 2 and parts[0].warms and parts[1].shape == "hold" and parts[1].start == 1:
        return Built([f"scheduler = {natives[0][1]}"])  # LinearLR stays at the peak by itself
    if len(parts) == 1:
        return Built([f"scheduler = {natives[0][1]}"])
    lines: list[str] = []
    names: list[str] = []
    for part, (name, made) in zip(parts, natives):
        unique = name if name not in names else f"{name}{len(names)}"
        if part.last and name in REBASED and parts[0].warms and len(parts) == 2:
            lines.append(REBASED[name])
        lines.append(f"{unique} = {made}")
        names.append(unique)
    marks = ", ".join(part.begin.text for part in parts[1:])
    made = call("SequentialLR", "optimizer", f"[{', '.join(names)}]", milestones=f"[{marks}]")
    return Built([*lines, f"scheduler = {made}"])


def _one_cycle(curve: Curve, job: Job) -> Built | None:
    """OneCycleLR for a rise from a fraction of the peak and one fall of the same shape."""
    parts, ticks = curve.parts, curve.ticks
    if len(parts) != 2 or not one_cycled([part.phase for part in parts]):
        return None
    rise, fall = parts
    if rise.plain != fall.plain or rise.plain not in ("cosine", "linear") or not 0 < fall.to < rise.start < 1:
        return None
    div, final = 1 / rise.start, rise.start / fall.to
    share = Count(f"{rise.n.text} / {ticks.total.text}", rise.n.value / ticks.total.value)
    length = rise.phase.length
    if length is not None and getattr(length, "unit", 0) is None:
        share = Count(number(float(length.number)), float(length.number))  # type: ignore[union-attr]
    if share.value * ticks.total.value <= 1.5:
        return None
    strategy = {"linear": "linear"}.get(rise.plain)
    made = call(
        "OneCycleLR", "optimizer", max_lr=number(job.peak), total_steps=ticks.total.text, pct_start=share.text,
        anneal_strategy=repr(strategy) if strategy else None, div_factor=number(div) if number(div) != "25" else None,
        final_div_factor=number(final) if number(final) != "10000" else None, cycle_momentum="False",
    )  # fmt: skip
    emulated = build(
        "OneCycleLR", Emulated(lr=job.peak), max_lr=job.peak, total_steps=ticks.total.whole, pct_start=share.value,
        anneal_strategy=strategy or "cos", div_factor=div, final_div_factor=final, cycle_momentum=False,
    )  # fmt: skip
    notes = (
        "OneCycleLR reaches its peak one step early and its end at the last step",
        "cycle_momentum=False leaves the momentum as the optimizer has it; the default cycles it",
    )
    lines = [f"# total_steps counts {ticks.word}s: step once per {ticks.unit}", f"scheduler = {made}"]
    return Built(lines, emulated.lr, notes)


def plateau_call(curve: Curve, peak: float) -> str:
    """ReduceLROnPlateau with the options that are not its defaults."""
    assert curve.metric is not None
    p = dict(curve.metric.params)
    least = p["floor"] * peak
    return call(
        "ReduceLROnPlateau", "optimizer",
        mode='"max"' if p["mode"] == "max" else None, factor=number(p["factor"]), patience=number(p["patience"]),
        threshold=number(p["threshold"]) if p["threshold"] != 1e-4 else None,
        threshold_mode='"abs"' if p["threshold_mode"] == "abs" else None,
        cooldown=number(p["cooldown"]) if p["cooldown"] else None, min_lr=number(least) if least else None,
    )  # fmt: skip


def _plateau(curve: Curve, job: Job) -> Built:
    made = plateau_call(curve, job.peak)
    if not curve.warmup:
        if curve.shapes != ("hold",) or curve.parts[0].start != 1:
            raise LrightError("a plateau starts at the peak: 'hold', or a linear warmup to 1 and then hold")
        return Built([f"scheduler = {made}"])
    native = _native(curve.warmup, job.peak)
    if native is None:
        raise LrightError("a warmup that starts at 0 is no LinearLR: leave out 'from 0'")
    note = "the plateau looks at the metric from the end of the warmup on"
    lines = [f"warmup = {native[1]}", "# SequentialLR refuses it: the loop hands over", f"plateau = {made}"]
    return Built(lines, None, (note,))


def step_lines(curve: Curve) -> list[str]:
    """How the loop advances what :func:`schedulers` made, after ``val_loss`` is known where a metric decides."""
    if curve.metric is None:
        return [] if curve.shapes == ("hold",) else ["scheduler.step()"]
    if curve.warmup is None:
        return ["scheduler.step(val_loss)"]
    n = curve.warmup.n.text
    return [f"if epoch < {n}:", "    warmup.step()", "else:", "    plateau.step(val_loss)"]


EVALUATE = '''@torch.no_grad()
def evaluate(model, loader, loss_fn, device):
    """The mean loss over a loader."""
    model.eval()
    losses = [loss_fn(model(x.to(device)), y.to(device)).item() for x, y in loader]
    return sum(losses) / len(losses)'''

HEAD = "def train(model, train_loader, val_loader, loss_fn=torch.nn.functional.cross_entropy):"


def ticks_of(job: Job, unit: str) -> Ticks:
    """Ticks that are epochs or updates of a plain loop over ``train_loader``."""
    batches = "len(train_loader)"
    if job.accumulate > 1:
        batches = "math.ceil(len(train_loader) / accumulate)"
    return Ticks(job, unit, per_epoch=batches)


def write(job: Job) -> Snippet:
    """Plain torch, in a loop of its own."""
    ticks = ticks_of(job, unit_of(job))
    curve = take_apart(job, ticks)
    return compose(job, curve, schedulers(curve, job), step_lines(curve), ())


def compose(job: Job, curve: Curve, built: Built, stepping: list[str], imports: tuple[str, ...]) -> Snippet:
    """A whole loop around a scheduler."""
    ticks = curve.ticks
    optimizer = optimizer_line(job.optimizer, first_lr(curve, job.peak))
    loop = _loop(job, curve, stepping)
    names = ticks.lines(optimizer, *built.lines, *loop)
    setup = "\n".join([*names, "", optimizer, *built.lines]).strip()
    body = ["device = next(model.parameters()).device", *setup.split("\n"), "", *loop, "return model"]
    train = HEAD + "\n" + indent(body)
    found = from_import("torch.optim.lr_scheduler", SCHEDULERS, "\n".join(built.lines))
    code = module(["import math", "import torch", *imports, *([found] if found else [])], EVALUATE, train)
    return curve.snippet(code, setup, built.notes, built.lr)


def _loop(job: Job, curve: Curve, stepping: list[str]) -> list[str]:
    """The training loop: over epochs, or over updates where the training is counted in them."""
    ticks = curve.ticks
    per_update = ticks.unit == "update"
    stop = "" if ticks.epochs is not None else ticks.total.text
    told = any("(update)" in line for line in stepping)
    batch = _batch(job, stepping if per_update else [], told, stop)
    after = ["val_loss = evaluate(model, val_loader, loss_fn, device)"]
    if not per_update:
        after += [f"{stepping[0]}  # {_why(curve)}"] if len(stepping) == 1 else stepping
    start = ["update = 0"] if told or stop else []
    if stop:
        after += ['print(f"update {update}: validation loss {val_loss:.4f}")']
        return [*start, f"while update < {stop}:", indent(["model.train()", *batch, *after])]
    after += ['print(f"epoch {epoch + 1}: validation loss {val_loss:.4f}")']
    return [*start, "for epoch in range(epochs):", indent(["model.train()", *batch, *after])]


def _why(curve: Curve) -> str:
    if curve.metric is not None:
        return "once per epoch: patience counts epochs"
    return "once per epoch: its lengths count epochs"


def _batch(job: Job, stepping: list[str], told: bool, stop: str) -> list[str]:
    """The loop over batches, with accumulation and clipping where they are asked for."""
    clip = [] if job.clip is None else [
        f"torch.nn.utils.clip_grad_norm_(model.parameters(), {number(job.clip)})"
    ]  # fmt: skip
    step = [f"{stepping[0]}  # once per update: its lengths count updates"] if stepping else []
    stops = [f"if update == {stop}:", "    break"] if stop else []
    step = ["update += 1", *step] if told or stop else step
    if job.accumulate == 1:
        lines = [
            "optimizer.zero_grad()",
            "loss = loss_fn(model(x.to(device)), y.to(device))",
            "loss.backward()",
            *clip, "optimizer.step()", *step, *stops,
        ]  # fmt: skip
        return ["for x, y in train_loader:", indent(lines)]
    update = [*clip, "optimizer.step()", "optimizer.zero_grad()", *step, *stops]
    lines = [
        "loss = loss_fn(model(x.to(device)), y.to(device)) / accumulate",
        "loss.backward()",
        "if i % accumulate == 0 or i == len(train_loader):",
        indent(update),
    ]
    return ["for i, (x, y) in enumerate(train_loader, start=1):", indent(lines)]
