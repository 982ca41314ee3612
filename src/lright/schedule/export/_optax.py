"""optax: schedules of the count, joined; a small function where it has none."""

from __future__ import annotations

import re

from ...errors import LrightError
from ._base import Curve, Job, Part, Snippet, Ticks, call, indent, module, number, take_apart, unit_of
from ._formula import JAX, value


def write(job: Job) -> Snippet:
    """A jitted update and a loop over it."""
    unit_of(job, epochs=False)
    if job.step == "epoch":
        raise LrightError("optax counts updates: leave out step='epoch'")
    batches = "len(train_loader)" if job.accumulate == 1 else "len(train_loader) // accumulate"
    curve = take_apart(job, Ticks(job, "update", per_epoch=batches, flush=False))
    lines = _schedule(curve, job)
    notes = ["optax counts in float32"]
    if job.accumulate > 1:
        notes.append("MultiSteps carries batches left over at the end of an epoch into the next")
    if curve.metric is not None:
        notes.append("reduce_on_plateau scales the LR by the mean training loss of an epoch, from its last update on")
    return _compose(job, curve, lines, notes)


def _schedule(curve: Curve, job: Job) -> list[str]:
    """The lines that make ``schedule``."""
    parts, peak = curve.parts, number(job.peak)
    if len(parts) == 1 and parts[0].shape == "hold":
        return [f"schedule = {number(job.peak * parts[0].start)}"]
    if len(parts) == 2 and curve.warmup and parts[1].plain == "cosine" and parts[1].last and parts[1].to < 1:
        if parts[1].phase.length is None:
            return ["# decay_steps counts the warmup too", "schedule = " + call(
                "optax.warmup_cosine_decay_schedule", init_value=_start(parts[0], peak), peak_value=peak,
                warmup_steps=parts[0].n.text, decay_steps=curve.ticks.total.text,
                end_value=number(parts[1].to * job.peak) if parts[1].to else None,
            )]  # fmt: skip
    names: list[str] = []
    lines: list[str] = []
    for part in parts:
        name = part.name if part.name not in names else f"{part.name}{len(names)}"
        names.append(name)
        native = _native(part, job)
        lines += [f"{name} = {native}"] if native else _function(name, part, peak)
    if len(parts) == 1:
        return [re.sub(rf"^(def )?{names[0]}\b", r"\1schedule", line) for line in lines]
    marks = ", ".join(part.begin.text for part in parts[1:])
    joined = call("optax.join_schedules", f"[{', '.join(names)}]", boundaries=f"[{marks}]")
    return [*lines, "# each of them counts from its own start", f"schedule = {joined}"]


def _start(part: Part, peak: str) -> str:
    return f"{peak} / ({part.n.text} + 1)" if part.rising and part.to == 1 else f"{peak} * {part.start_text}"


def _native(part: Part, job: Job) -> str | None:
    """optax's own schedule of one phase."""
    peak = number(job.peak)
    n, params = part.n.text, part.params
    start, end = number(part.start * job.peak), number(part.to * job.peak)
    shape = part.plain
    if shape == "linear":
        return call("optax.linear_schedule", _start(part, peak) if part.rising else start, end, n)
    if part.shape == "warmup":
        return None
    if shape == "hold":
        return call("optax.constant_schedule", start)
    if shape == "cosine" and part.start > part.to:
        alpha = number(part.to / part.start) if part.to else None
        return call("optax.cosine_decay_schedule", start, n, alpha=alpha)
    if shape == "polynomial":
        return call("optax.polynomial_schedule", start, end, number(params["power"]), n)
    if shape == "exponential" and params["ratio"] is None:
        return call("optax.exponential_decay", start, n, number(part.to / part.start), end_value=end)
    if shape in ("step", "exp-decay"):
        stairs = "True" if shape == "step" else None
        return call("optax.exponential_decay", start, params["every"].text, number(params["gamma"]), staircase=stairs)
    if shape == "multi-step":
        scales = ", ".join(f"{one.text}: {number(params['gamma'])}" for one in params["at"])
        return call("optax.piecewise_constant_schedule", start, f"{{{scales}}}")
    return None


def _function(name: str, part: Part, peak: str) -> list[str]:
    pre, expression = value(part, "t", JAX)
    expression = expression if re.fullmatch(r"[\w.()]+", expression) else f"({expression})"
    return ["", f"def {name}(t):", *(f"    {line}" for line in pre), f"    return {peak} * {expression}", ""]


def _optimizer(job: Job) -> str:
    chosen = job.optimizer
    name = chosen.name.lower()
    first, second = chosen.betas if chosen.adaptive and chosen.betas else (None, None)
    coupled = chosen.weight_decay is not None and name not in ("adamw", "lion", "lamb")
    made = call(
        f"optax.{name}", "schedule",
        momentum=number(chosen.momentum) if chosen.heavy_ball and chosen.momentum else None, b1=first, b2=second,
        weight_decay=None if chosen.weight_decay is None or coupled else number(chosen.weight_decay),
    )  # fmt: skip
    chain = [] if job.clip is None else [f"optax.clip_by_global_norm({number(job.clip)})"]
    if coupled and chosen.weight_decay is not None:
        chain.append(f"optax.add_decayed_weights({number(chosen.weight_decay)})")
    return call("optax.chain", *chain, made) if chain else made


def _plateau(curve: Curve, job: Job) -> str:
    assert curve.metric is not None
    p = dict(curve.metric.params)
    if p["mode"] != "min":
        raise LrightError("optax's plateau looks at a loss that falls: use mode='min', or framework='torch'")
    relative = p["threshold_mode"] == "rel"
    return call(
        "optax.contrib.reduce_on_plateau", factor=number(p["factor"]), patience=str(int(p["patience"]) + 1),
        rtol=number(p["threshold"]) if relative else "0.0", atol=None if relative else number(p["threshold"]),
        cooldown=number(p["cooldown"]) if p["cooldown"] else None, accumulation_size="updates_per_epoch",
        min_scale=number(p["floor"]) if p["floor"] else None,
    )  # fmt: skip


def _compose(job: Job, curve: Curve, lines: list[str], notes: list[str]) -> Snippet:
    ticks = curve.ticks
    made = _optimizer(job)
    after = []
    if curve.metric is not None:
        plateau = _plateau(curve, job)
        after = [f"optimizer = optax.chain(optimizer, {plateau})"]
    if job.accumulate > 1:
        after.append("optimizer = optax.MultiSteps(optimizer, every_k_schedule=accumulate)")
    chosen = ["", *lines, f"optimizer = {made}", *after]
    extra = ", value=loss" if curve.metric is not None else ""
    step = [
        "@jax.jit",
        "def update(params, state, batch):",
        "    loss, grads = jax.value_and_grad(loss_fn)(params, batch)",
        f"    updates, state = optimizer.update(grads, state, params{extra})",
        "    return optax.apply_updates(params, updates), state, loss",
    ]
    loop = _loop(ticks)
    setup = "\n".join([*ticks.lines(*chosen, *loop), *chosen])
    body = [setup, "state = optimizer.init(params)", "", *step, "", *loop, "return params"]
    train = "def train(params, train_loader, loss_fn):\n" + indent(body)
    code = module(["import jax", "import jax.numpy as jnp", "import optax"], re.sub(r"\n\n\n+", "\n\n", train))
    return curve.snippet(code, re.sub(r"\n\n\n+", "\n\n", setup), notes)


def _loop(ticks: Ticks) -> list[str]:
    if ticks.epochs is not None:
        return ["for epoch in range(epochs):", "    for batch in train_loader:",
                "        params, state, loss = update(params, state, batch)"]  # fmt: skip
    total = ticks.total.text if ticks.accumulate == 1 else f"{ticks.total.text} * accumulate"
    return [
        "count = 0", f"while count < {total}:", "    for batch in train_loader:",
        "        params, state, loss = update(params, state, batch)", "        count += 1",
        f"        if count == {total}:", "            break",
    ]  # fmt: skip
