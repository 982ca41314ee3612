"""timm: its schedulers, which are told the time, in a plain torch loop; torch's own for what it lacks."""

from __future__ import annotations

from ._base import Curve, Job, Part, Snippet, call, number, take_apart, unit_of
from ._torch import Built, compose, schedulers, step_lines, ticks_of

_DECAYS = {"1-sqrt": "1-sqrt", "linear": "linear", "cosine": "cosine"}


def write(job: Job) -> Snippet:
    """A plain loop around timm's scheduler."""
    curve = take_apart(job, ticks_of(job, unit_of(job)))
    made = None if curve.metric is not None or curve.shapes == ("hold",) else _scheduler(curve, job)
    if made is None:
        built = schedulers(curve, job)
        if built.lines:
            why = "timm's plateau scheduler is deprecated" if curve.metric is not None else "timm has no such schedule"
            built = built._replace(notes=(f"{why}: this is torch's own", *built.notes))
        return compose(job, curve, built, step_lines(curve), ())
    name, lines, notes = made
    if curve.ticks.unit == "update":
        stepping = ["scheduler.step_update(update)"]
    else:
        stepping = ["scheduler.step(epoch + 1)"]
    return compose(job, curve, Built(lines, None, notes), stepping, (f"from timm.scheduler import {name}",))


def _scheduler(curve: Curve, job: Job) -> tuple[str, list[str], tuple[str, ...]] | None:
    """The name, the lines and the notes of timm's own scheduler, if it has one."""
    parts = curve.parts
    warmup, rest = (parts[0], parts[1:]) if curve.warmup else (None, parts)
    if not rest or any(part.start != 1 for part in rest):
        return None
    found = _wsd(rest, warmup, curve, job) if len(rest) == 2 else _one(rest[0], job) if len(rest) == 1 else None
    if found is None:
        return None
    name, keywords, notes = found
    warm: dict[str, str | None] = {}
    if warmup is not None:
        start = f"{number(job.peak)} * {warmup.start_text}" if job.peak != 1 else warmup.start_text
        if warmup.rising:
            start = f"{number(job.peak)} / ({warmup.n.text} + 1)"
        warm = {"warmup_t": warmup.n.text, "warmup_lr_init": start}
        if name != "WSDLRScheduler":
            warm["warmup_prefix"] = "True"
            notes = (*notes, "timm: warmup_prefix=True starts the schedule after the warmup, at the peak")
    per = None if curve.ticks.unit == "epoch" else "False"
    made = call(name, "optimizer", **keywords, **warm, t_in_epochs=per)
    comment = ["# t counts updates: step_update, for step is ignored then"] if per else []
    return name, [*comment, f"scheduler = {made}"], notes


_Found = tuple[str, dict[str, "str | None"], tuple[str, ...]]


def _one(part: Part, job: Job) -> _Found | None:
    floor = number(part.to * job.peak) if part.to else None
    n, shape, params = part.n.text, part.shape, part.params
    if part.begin.value > 0 and shape == "warmup":
        return None
    if shape in ("cosine", "polynomial", "linear") and 0 <= part.to < 1:
        k = number(params["k"]) if params.get("k", 1.0) != 1 else None
        if shape == "cosine":
            return "CosineLRScheduler", {"t_initial": n, "lr_min": floor, "k_decay": k}, ()
        power = number(params["power"]) if shape == "polynomial" else "1"
        return "PolyLRScheduler", {"t_initial": n, "power": power, "lr_min": floor, "k_decay": k}, ()
    if shape == "tanh" and params == {"lower": -7.0, "upper": 3.0}:
        return None  # timm's is not stretched to reach its ends
    if shape == "step":
        return "StepLRScheduler", {"decay_t": params["every"].text, "decay_rate": number(params["gamma"])}, ()
    if shape == "multi-step":
        marks = ", ".join(f"{one.text} + 1" for one in params["at"])
        note = "timm's MultiStepLRScheduler drops one step before its milestone, so 1 is added to each"
        return "MultiStepLRScheduler", {"decay_t": f"[{marks}]", "decay_rate": number(params["gamma"])}, (note,)
    if shape == "restarts" and params["shape"] == "cosine" and params["mult"] == 1:
        if params["decay"] != 1 or part.to > 0:
            return None
        period = params["period"].text
        whole, cycle = (f"({text})" if " " in text else text for text in (n, period))
        return "CosineLRScheduler", {"t_initial": period, "cycle_limit": f"math.ceil({whole} / {cycle})"}, ()
    return None


def _wsd(rest: list[Part], warmup: Part | None, curve: Curve, job: Job) -> _Found | None:
    stable, decay = rest
    if decay.begin.value + decay.n.value != curve.ticks.total.value:
        return None
    if stable.shape != "hold" or decay.plain not in _DECAYS or decay.shape == "warmup" or not 0 <= decay.to < 1:
        return None
    keywords: dict[str, str | None] = {
        "t_initial": curve.ticks.total.text + (f" - {warmup.n.text}" if warmup else ""),
        "decay_t": decay.n.text,
        "decay_fn": f'"{_DECAYS[decay.plain]}"',
        "lr_min": number(decay.to * job.peak) if decay.to else None,
    }
    return "WSDLRScheduler", keywords, ("WSDLRScheduler is new: timm 1.0.31 has it",)
