"""Keras 3: one of its schedules where it has it, else a LearningRateSchedule of our own; callbacks for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...errors import LrightError
from ._base import Count, Curve, Job, Part, Snippet, Ticks, call, digits, indent, module, number, take_apart, unit_of
from ._formula import KERAS, factor_function, shifted, value

_S = "keras.optimizers.schedules."


def write(job: Job) -> Snippet:
    """A compiled model and a fit."""
    unit = unit_of(job, epochs=job.step == "epoch")
    if unit == "epoch":
        return _per_epoch(job)
    micro = job.accumulate > 1
    scale = Count("accumulate", job.accumulate) if micro else None
    ticks = Ticks(job, unit, per_epoch="len(train_data)", flush=False, scale=scale, word="step", batches=True)
    if not micro:
        ticks.names.pop("accumulate", None)
    curve = take_apart(job, ticks)
    found = _native(curve, job)
    schedule, block = (found, "") if found is not None else _own(curve, job)
    lines = [f"schedule = {schedule}"]
    notes = ["Keras counts in float32"]
    if micro:
        notes.append("Keras counts micro-batches, so lengths are in them; an update uses the LR of its last one")
        notes.append("batches left over at the end of an epoch are carried into the next")
    return _compose(job, curve, lines, "schedule", None, block, notes, offset=job.accumulate - 1)


def _native(curve: Curve, job: Job) -> str | None:
    """The schedule of Keras's own that says it."""
    parts, p = curve.parts, job.peak
    warmup, rest = (parts[0], parts[1:]) if curve.warmup else (None, parts)
    if len(rest) != 1 or rest[0].start <= 0:
        return None
    part, params = rest[0], rest[0].params
    n, peak = part.n.text, number(p * part.start)
    shape = part.plain if part.shape != "warmup" else ""
    if shape == "cosine" and part.start == 1 and part.to < 1:
        alpha = number(part.to) if part.to else None
        if warmup is None:
            return call(_S + "CosineDecay", peak, decay_steps=n, alpha=alpha)
        start = f"{peak} / ({warmup.n.text} + 1)" if warmup.rising else number(warmup.start * p)
        return call(
            _S + "CosineDecay", start, decay_steps=n, alpha=alpha, warmup_target=peak, warmup_steps=warmup.n.text
        )
    if warmup is not None:
        return None
    if shape in ("linear", "polynomial"):
        end, power = number(part.to * p), number(params.get("power", 1.0))
        return call(_S + "PolynomialDecay", peak, decay_steps=n, end_learning_rate=end, power=power)
    if shape == "exponential" and params["ratio"] is None and part.last:
        return call(_S + "ExponentialDecay", peak, decay_steps=n, decay_rate=number(part.to / part.start))
    if shape in ("step", "exp-decay"):
        stairs = "True" if shape == "step" else None
        every, gamma = params["every"].text, number(params["gamma"])
        return call(_S + "ExponentialDecay", peak, decay_steps=every, decay_rate=gamma, staircase=stairs)
    if shape == "power-law" and params["exponent"] == 1:
        return call(_S + "InverseTimeDecay", peak, decay_steps=params["timescale"].text, decay_rate="1.0")
    if shape == "restarts" and params["shape"] == "cosine" and part.start == 1:
        mult, decay = number(params["mult"]), number(params["decay"]) if params["decay"] != 1 else None
        if decay is not None and part.to:
            return None
        return call(
            _S + "CosineDecayRestarts", peak, first_decay_steps=params["period"].text, t_mul=mult, m_mul=decay,
            alpha=number(part.to) if part.to else None,
        )  # fmt: skip
    return _constant(part, job)


def _constant(part: Part, job: Job) -> str | None:
    peak = job.peak * part.start
    if part.shape == "hold":
        return number(peak)
    if part.plain != "multi-step":
        return None
    marks = part.params["at"]
    values = [number(peak * part.params["gamma"] ** index) for index in range(len(marks) + 1)]
    bounds = ", ".join(f"{one.text} - 1" for one in marks)  # the boundary itself still has the value before it
    return call(_S + "PiecewiseConstantDecay", boundaries=f"[{bounds}]", values=f"[{', '.join(values)}]")


def _own(curve: Curve, job: Job) -> tuple[str, str]:
    """A LearningRateSchedule with the formulas of all phases: how it is made, and its class."""
    cases: list[tuple[str, list[str], str]] = []
    for part in curve.parts:
        t = shifted("step", part.begin)
        pre, expression = value(part, t, KERAS)
        cases.append((part.begin.text, pre, expression))
    lines = ['step = ops.cast(step, "float32")']
    for index, (begin, pre, expression) in enumerate(cases):
        lines += [*pre, f"factor = {expression}" if not index else
                  f"factor = ops.where(step < {begin}, factor, {expression})"]  # fmt: skip
    lines.append("return peak * factor")
    names = [name for name in curve.ticks.names if any(re.search(rf"\b{name}\b", line) for line in lines)]
    fields = ["peak", *names]
    body = [re.sub(r"\b(" + "|".join(fields) + r")\b", r"self.\1", line) for line in lines]
    block = [
        "class Schedule(keras.optimizers.schedules.LearningRateSchedule):",
        '    """The LR at a step, phase by phase."""',
        "",
        f"    def __init__(self, {', '.join(fields)}):",
        *(f"        self.{field} = {field}" for field in fields),
        "",
        "    def __call__(self, step):",
        *("        " + line for line in body),
        "",
        "    def get_config(self):",
        "        return {",
        *(f'            "{field}": self.{field},' for field in fields),
        "        }",
    ]
    return call("Schedule", number(job.peak), *(f"{name}={name}" for name in names)), "\n".join(block)


def _per_epoch(job: Job) -> Snippet:
    """Callbacks: a plateau, or a function of the epoch."""
    ticks = Ticks(job, "epoch", flush=False)
    curve = take_apart(job, ticks)
    peak = number(job.peak)
    if curve.metric is None:
        function = factor_function(curve.parts, "epoch", "an epoch")
        made = f"keras.callbacks.LearningRateScheduler(lambda epoch: {peak} * lr_factor(epoch))"
        lines = [*function, "", f"callbacks = [{made}]"]
        return _compose(job, curve, lines, peak, "callbacks", "", [])
    lines = ["plateau = keras.callbacks." + _plateau(curve, job), "callbacks = [plateau]"]
    notes = ["Keras falls after patience epochs without improvement, torch after one more: patience is one higher"]
    if dict(curve.metric.params)["threshold_mode"] == "rel":
        notes.append("Keras compares with an absolute min_delta: 0 stands for the relative threshold")
    if curve.warmup is not None:
        lines = [*_warmup(curve.warmup, job), *lines]
        lines[-1] = "callbacks = [warmup, plateau]"
        notes.append("the plateau watches the metric from the first epoch on, the warmup included")
    elif curve.shapes != ("hold",) or curve.parts[0].start != 1:
        raise LrightError("a plateau starts at the peak: 'hold', or a linear warmup to 1 and then hold")
    return _compose(job, curve, lines, peak, "callbacks", "", notes)


def _warmup(part: Part, job: Job) -> list[str]:
    n, peak = part.n.text, number(job.peak)
    rise = f"{peak} * (epoch + 1) / ({n} + 1)"
    if not part.rising:
        rise = f"{number(part.start * job.peak)} + {number((1 - part.start) * job.peak)} * epoch / {n}"
    return [
        "# up to the peak, then it leaves the LR as it is",
        "warmup = keras.callbacks.LearningRateScheduler(",
        f"    lambda epoch, lr: {rise} if epoch <= {n} else lr",
        ")",
    ]


def _plateau(curve: Curve, job: Job) -> str:
    assert curve.metric is not None
    p = dict(curve.metric.params)
    floor = p["floor"] * job.peak
    return call(
        "ReduceLROnPlateau", monitor='"val_loss"', factor=number(p["factor"]), patience=str(int(p["patience"]) + 1),
        mode=f'"{p["mode"]}"', min_delta=number(p["threshold"] if p["threshold_mode"] == "abs" else 0),
        cooldown=number(p["cooldown"]) if p["cooldown"] else None, min_lr=number(floor) if floor else None,
    )  # fmt: skip


def _optimizer(job: Job, lr: str) -> str:
    chosen = job.optimizer
    first, second = chosen.betas if chosen.adaptive and chosen.betas else (None, None)
    return call(
        f"keras.optimizers.{chosen.name}", lr,
        momentum=number(chosen.momentum) if chosen.heavy_ball and chosen.momentum else None,
        beta_1=first, beta_2=second, weight_decay=None if chosen.weight_decay is None else number(chosen.weight_decay),
        global_clipnorm=None if job.clip is None else number(job.clip),
        gradient_accumulation_steps=str(job.accumulate) if job.accumulate > 1 else None,
    )  # fmt: skip


def _compose(
    job: Job, curve: Curve, lines: list[str], lr: str, fit: str | None, block: str, notes: list[str], offset: int = 0
) -> Snippet:
    ticks = curve.ticks
    if lines[0].startswith("schedule = ") and re.fullmatch(r"schedule = [\d.e-]+", lines[0]):
        lines, lr = [], lines[0].split(" = ")[1]
    epochs = "epochs" if ticks.epochs is not None else "math.ceil(total_steps / len(train_data))"
    if ticks.scale.text:
        epochs = epochs.replace("total_steps", f"{digits(round(ticks.total.value))}")
    optimizer = f"optimizer = {_optimizer(job, lr)}"
    compiled = "model.compile(optimizer=optimizer, loss=loss)"
    call_fit = call("model.fit", "train_data", validation_data="val_data", epochs=epochs, callbacks=fit)
    names = ticks.lines(*lines, call_fit)
    setup = "\n".join([*names, *lines, optimizer])
    train = "def train(model, train_data, val_data, loss):\n" + indent([setup, compiled, call_fit, "return model"])
    if ticks.epochs is None:
        notes = [*notes, "Keras trains whole epochs: the last one may go on past the end, at the last LR"]
    code = module(["import math", "import keras", "from keras import ops"], block, train)
    shown = f"{block}\n\n\n{setup}" if block else setup
    return curve.snippet(code, shown, notes, _single(curve), offset)


def _single(curve: Curve) -> Callable[[int], float]:
    """The LR after so many ticks; past the end it is the last one."""
    return lambda t: curve.resolved(t)
