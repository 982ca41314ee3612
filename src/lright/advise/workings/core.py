"""The workings that most matters need: how much there is, the optimizer, when trouble began, one cycle, the plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...clock import Length
from ...knowledge import load
from ...quantity import Unit
from ..facts import Facts, working


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


# How much


@working
def effective_batch(case: Facts) -> float | None:
    """Samples behind one optimizer update."""
    batch = case.number("batch_size")
    if batch is None:
        return None
    return _whole(batch * (case.number("accumulation") or 1) * (case.number("processes") or 1))


@working
def batch_product(case: Facts) -> str | None:
    """The effective batch as a product, where it is one."""
    names = ("batch_size", "accumulation", "processes")
    factors = [case.number(name) for name in names]
    shown = [f"{factor:g}" for factor in factors if factor is not None and factor > 1]
    return f"{' x '.join(shown)} = {case.get('effective_batch'):,}" if len(shown) > 1 else None


@working
def batches_per_epoch(case: Facts) -> int | None:
    """Batches of one epoch in each process: samples by batch size, rounded up unless the last one is dropped."""
    told = case.number("steps_per_epoch")
    samples, batch = case.number("samples"), case.number("batch_size")
    if samples is None or batch is None:
        return _whole(told)
    exact = samples / (batch * (case.number("processes") or 1))
    return max(1, math.floor(exact) if case.get("drop_last") else math.ceil(exact))



@working
def batches_working(case: Facts) -> str | None:
    """How the batches of an epoch were counted."""
    samples, batch, count = case.number("samples"), case.number("batch_size"), case.number("batches_per_epoch")
    if samples is None or batch is None or count is None:
        return None
    processes = case.number("processes") or 1
    shared = f" / {processes:g} processes" if processes > 1 else ""
    exact = samples / batch / processes
    if exact == count:
        return f"{samples:,.0f} / {batch:g}{shared} = {count:,.0f} batches an epoch"
    if case.get("drop_last"):
        return f"{samples:,.0f} / {batch:g}{shared} = {exact:,.1f}: {count:,.0f} batches an epoch with drop_last=True"
    return (
        f"{samples:,.0f} / {batch:g}{shared} = {exact:,.1f}, so {count:,.0f} batches an epoch "
        f"({math.floor(exact):,} with drop_last=True)"
    )


@working
def updates_per_epoch(case: Facts) -> float | None:
    """Optimizer updates of one epoch."""
    batches = case.number("batches_per_epoch")
    return None if batches is None else _whole(max(1, batches // (case.number("accumulation") or 1)))


@working
def updates(case: Facts) -> int | None:
    """Optimizer updates of the whole training."""
    steps = case.number("steps")
    if steps is not None:
        return _whole(steps)
    tokens, per_update = case.number("tokens"), case.number("tokens_per_update")
    if tokens is not None and per_update:
        return _whole(tokens / per_update)
    epochs, per_epoch = case.number("epochs"), case.number("updates_per_epoch")
    return None if epochs is None or per_epoch is None else _whole(epochs * per_epoch)


@working
def known_end(case: Facts) -> bool:
    """Whether it is known how long the training is."""
    return not case.get("open_end") and any(case.number(name) for name in ("epochs", "steps", "tokens"))


@working
def open_end(case: Facts) -> bool:
    """Whether the end is said to be open."""
    return case.setting.text("goal") == "open-end"


# The optimizer


@working
def optimizer_entry(case: Facts) -> Mapping[str, Any] | None:
    """What is known of the optimizer."""
    entry: Mapping[str, Any] | None = load("optimizers").get(case.setting.text("optimizer").lower())
    return entry


@working
def optimizer_title(case: Facts) -> str | None:
    """The optimizer's name as its authors write it."""
    entry = case.get("optimizer_entry")
    return (entry or {}).get("title") or case.setting.text("optimizer") or None


@working
def adaptive(case: Facts) -> bool | None:
    """Whether the optimizer scales each weight's step by its gradients (Adam and its kin)."""
    entry: Mapping[str, Any] | None = case.get("optimizer_entry")
    return None if entry is None else bool(entry["adaptive"])


@working
def assumed_beta2(case: Facts) -> float:
    """beta2 of the optimizer, its default where nobody said."""
    told = case.number("beta2")
    entry = case.get("optimizer_entry") or {}
    return told if told is not None else float(entry.get("beta2") or 0.999)


@working
def adam_floor(case: Facts) -> int:
    """The shortest sound warmup under Adam in updates: 2 / (1 - beta2)."""
    return round(2 / (1 - min(0.99999, case.number("assumed_beta2") or 0.999)))



# Kind of network


@working
def transformer(case: Facts) -> bool | None:
    """Whether the network is a transformer."""
    family = case.get("family")
    attention = family == "hybrid" and case.get("norm") is not None  # a Conformer, a DETR
    return None if family is None else family == "transformer" or attention


@working
def from_scratch(case: Facts) -> bool | None:
    """Whether all weights start at random."""
    pretrained = case.get("pretrained")
    return None if pretrained is None else not pretrained


@working
def model_title(case: Facts) -> str | None:
    """The model's name as its authors write it."""
    name = case.setting.text("model")
    entry = load("architectures").get(name, {})
    return entry.get("title") or name or None


@working
def what(case: Facts) -> str:
    """The model in a few words."""
    title = case.get("model_title")
    if title:
        return str(title)
    return {"cnn": "a CNN", "transformer": "a transformer", "rnn": "an RNN", "mlp": "an MLP", "gnn": "a GNN",
            "unet": "a U-Net"}.get(case.setting.text("family"), "your model")  # fmt: skip


# Batch scaling


@working
def batch_ratio(case: Facts) -> float | None:
    """How many times the batch has grown against the one that the reference LR belongs to."""
    batch, reference = case.number("effective_batch"), case.number("reference_batch")
    return None if batch is None or not reference else batch / reference


@working
def linear_lr(case: Facts) -> float | None:
    """The reference LR scaled linearly with the batch."""
    ratio, lr = case.number("batch_ratio"), case.number("reference_lr")
    return None if ratio is None or lr is None else lr * ratio


@working
def sqrt_lr(case: Facts) -> float | None:
    """The reference LR scaled with the square root of the batch."""
    ratio, lr = case.number("batch_ratio"), case.number("reference_lr")
    return None if ratio is None or lr is None else lr * math.sqrt(ratio)


@working
def lr_per_256(case: Facts) -> float | None:
    """The LR brought linearly to a batch of 256, to be compared with the ImageNet reference of 0.1."""
    lr, batch = case.number("lr"), case.number("effective_batch")
    return None if lr is None or not batch else lr * 256 / batch


# When trouble began


@working
def trouble_epoch(case: Facts) -> float | None:
    """The epoch at which trouble is said to begin."""
    kinds = ("nan", "diverged", "unstable", "spike", "stuck", "plateau", "overfit", "lr-near-zero", "noisy", "worse")
    epochs = [one.epoch for one in case.setting.symptoms if one.kind in kinds and one.epoch is not None]
    return min(epochs) if epochs else None


@working
def trouble_share(case: Facts) -> float | None:
    """That epoch as a part of the whole training."""
    epoch, epochs = case.number("trouble_epoch"), case.number("epochs")
    return None if epoch is None or not epochs else epoch / epochs


@working
def early_trouble(case: Facts) -> bool | None:
    """Whether the run went wrong in its first fifth (our judgement of 'early')."""
    if case.get("saw:early"):
        return True
    share, epoch = case.number("trouble_share"), case.number("trouble_epoch")
    if share is not None:
        return share <= 0.2
    found = case.setting.saw("nan", "diverged", "unstable", "spike", "stuck")
    if epoch is None and found is not None and found.step is not None:
        return found.step <= 2000
    return None if epoch is None else epoch <= 5


# One-cycle, as torch computes it


def one_cycle_lr(step: float, total: float, peak: float, rise: float, div: float, final_div: float) -> float:
    """The LR of torch's OneCycleLR (two phases, cosine) at tick ``step`` of ``total``."""
    start, end = peak / div, peak / div / final_div
    top = max(1e-9, rise * total - 1)
    if step <= top:
        return peak + (start - peak) * (1 + math.cos(math.pi * step / top)) / 2
    share = min(1.0, (step - top) / max(1e-9, total - 1 - top))
    return end + (peak - end) * (1 + math.cos(math.pi * share)) / 2


@working
def one_cycle_peak(case: Facts) -> float | None:
    """max_lr of the one-cycle schedule."""
    told = case.numbers.get("max_lr")
    return max(told) if told else case.number("lr") if case.get("scheduler") == "OneCycleLR" else None


@working
def pct_start_used(case: Facts) -> float:
    """The share of the rise: told, or torch's default of 0.3."""
    return case.number("pct_start") or 0.3


@working
def peak_share(case: Facts) -> float:
    """The share of the run at which a one-cycle schedule peaks."""
    return case.number("pct_start_used") or 0.3


@working
def peak_epoch(case: Facts) -> float | None:
    """The epoch at which a one-cycle schedule peaks."""
    epochs = case.number("epochs")
    return None if epochs is None else round(epochs * (case.number("peak_share") or 0.3), 2)


@working
def peak_update(case: Facts) -> int | None:
    """The update at which a one-cycle schedule peaks."""
    total = case.number("updates")
    return None if total is None else round(total * (case.number("peak_share") or 0.3))


@working
def one_cycle_start(case: Facts) -> float | None:
    """The first LR of a one-cycle schedule."""
    peak = case.number("one_cycle_peak")
    return None if peak is None else peak / (case.number("div_factor") or 25)


@working
def one_cycle_end(case: Facts) -> float | None:
    """The last LR of a one-cycle schedule."""
    start = case.number("one_cycle_start")
    return None if start is None else start / (case.number("final_div_factor") or 1e4)


@working
def one_cycle_at_trouble(case: Facts) -> float | None:
    """The LR of a one-cycle schedule when trouble began."""
    peak, share = case.number("one_cycle_peak"), case.number("trouble_share")
    if peak is None or share is None:
        return None
    total = case.number("updates") or 10_000
    rise, div = case.number("pct_start_used") or 0.3, case.number("div_factor") or 25
    return one_cycle_lr(share * (total - 1), total, peak, rise, div, case.number("final_div_factor") or 1e4)


@working
def one_cycle_share_at_trouble(case: Facts) -> float | None:
    """That LR as a share of the peak."""
    peak, then = case.number("one_cycle_peak"), case.number("one_cycle_at_trouble")
    return None if not peak or then is None else then / peak


@working
def after_peak(case: Facts) -> bool | None:
    """Whether trouble began after the peak of a one-cycle schedule."""
    share = case.number("trouble_share")
    return None if share is None else share > (case.number("peak_share") or 0.3)


# Lengths and ticks


@working
def t_max(case: Facts) -> float | None:
    """T_max as it was given, else the epochs (which is what people mean by it)."""
    told = case.number("T_max")
    return told if told is not None else case.number("epochs")


@working
def epochs_till_floor(case: Facts) -> float | None:
    """After how many epochs a length in epochs, ticked per batch, is used up."""
    length, batches = case.number("schedule_length"), case.number("batches_per_epoch")
    return None if length is None or not batches else length / batches


@working
def schedule_length(case: Facts) -> float | None:
    """The length a schedule was built with, in ticks: T_max, else the epochs."""
    return case.number("t_max")


@working
def cosine_swings(case: Facts) -> float | None:
    """How many times a cosine that should last the training goes down and up in it when ticked per batch."""
    length, batches, epochs = case.number("t_max"), case.number("batches_per_epoch"), case.number("epochs")
    return None if not length or not batches or not epochs else batches * epochs / (2 * length)


@working
def updates_total_text(case: Facts) -> str | None:
    """The updates of the whole training as a product."""
    epochs, per_epoch, total = case.number("epochs"), case.number("updates_per_epoch"), case.number("updates")
    if epochs is None or per_epoch is None or total is None:
        return None
    return f"{epochs:g} x {per_epoch:,.0f} = {total:,.0f} updates"


# Cosine of the whole run, at the moment of trouble


@working
def cosine_at_trouble(case: Facts) -> float | None:
    """The LR of a cosine over the whole run when trouble began."""
    lr, share = case.number("lr"), case.number("trouble_share")
    return None if lr is None or share is None else lr * (1 + math.cos(math.pi * min(1.0, share))) / 2


# Plateau




# Accumulation and processes


@working
def used_share(case: Facts) -> float | None:
    """The part of a schedule that is used if it was sized in micro-batches and ticks once per update."""
    times = case.number("accumulation")
    return None if not times or times <= 1 else 1 / times


@working
def linear_left(case: Facts) -> float | None:
    """The share of the peak that a linear decay has left when only ``used_share`` of it is used."""
    share = case.number("used_share")
    return None if share is None else 1 - share


@working
def cosine_left(case: Facts) -> float | None:
    """The share of the peak that a cosine has left when only ``used_share`` of it is used."""
    share = case.number("used_share")
    return None if share is None else (1 + math.cos(math.pi * share)) / 2


@working
def process_share(case: Facts) -> float | None:
    """Where a schedule ends that ticks once per process and was sized for one."""
    count = case.number("processes") or case.number("gpus")
    return None if not count or count <= 1 else 1 / count


# Series of a metric


def _series(case: Facts, *metrics: str) -> Sequence[float] | None:
    for metric in metrics:
        values = case.marks.get(f"series:{metric}")
        if values:
            return list(values)
    return None


@working
def told_series(case: Facts) -> Sequence[float] | None:
    """The longest series of validation or training figures that was told."""
    return _series(case, "val loss", "loss", "")


@working
def series_best(case: Facts) -> float | None:
    """Its lowest value."""
    values = case.get("told_series")
    return min(values) if values else None


@working
def series_best_at(case: Facts) -> int | None:
    """Where the lowest value stands, counted from 1."""
    values = case.get("told_series")
    return None if not values else values.index(min(values)) + 1


@working
def series_last(case: Facts) -> float | None:
    """Its last value."""
    values = case.get("told_series")
    return values[-1] if values else None



@working
def series_rises(case: Facts) -> bool | None:
    """Whether it got clearly worse after its best: over 2% in at least 3 later values (our judgement)."""
    values = case.get("told_series")
    if not values or len(values) < 5:
        return None
    later = values[values.index(min(values)) + 1 :]
    return len(later) >= 3 and later[-1] > 1.02 * min(values)


# Advice that is arithmetic


@working
def tenth_lr(case: Facts) -> float | None:
    """The LR divided by 10."""
    lr = case.number("lr")
    return None if lr is None else lr / 10




@working
def cosine_share_at_trouble(case: Facts) -> float | None:
    """That LR as a share of the peak."""
    lr, then = case.number("lr"), case.number("cosine_at_trouble")
    return None if not lr or then is None else then / lr


@working
def lower_one_cycle(case: Facts) -> float:
    """A peak to try in place of one that was too high: a third of it, rounded."""
    peak = case.number("one_cycle_peak")
    return 0.01 if peak is None else float(f"{peak / 3:.1g}")


EPOCH_SCHEDULES = frozenset((
    "CosineAnnealingLR", "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingWarmRestarts", "LinearLR",
    "PolynomialLR", "MultiplicativeLR",
))  # fmt: skip


@working
def epoch_schedule(case: Facts) -> bool | None:
    """Whether the scheduler is one whose length people give in epochs."""
    name = case.get("scheduler")
    return None if name is None else name in EPOCH_SCHEDULES


@working
def scheduler_title(case: Facts) -> str | None:
    """The scheduler's name."""
    name = case.setting.text("scheduler")
    return None if name in ("", "constant") else name


# What the plan says


def _plan_warmup(case: Facts) -> str:
    return str(case.get("plan_warmup_length") or "")


@working
def plan_warmup_epochs(case: Facts) -> int | None:
    """The planned warmup in epochs, where it is whole epochs."""
    text = _plan_warmup(case)
    return int(text[:-2]) if text.endswith("ep") and text[:-2].isdigit() else None


@working
def plan_rest_epochs(case: Facts) -> float | None:
    """The epochs after the planned warmup."""
    epochs, warmup = case.number("epochs"), case.number("plan_warmup_epochs")
    return None if epochs is None or warmup is None else epochs - warmup


@working
def warmup_updates(case: Facts) -> float | None:
    """The planned warmup in updates."""
    warmup, per_epoch = case.number("plan_warmup_epochs"), case.number("updates_per_epoch")
    return None if warmup is None or per_epoch is None else warmup * per_epoch


@working
def told_warmup_share(case: Facts) -> float | None:
    """The part of the training that the warmup takes which was told."""
    text = case.setting.text("warmup")
    if text in ("", "0"):
        return None
    length = Length.parse(text)
    if length.is_fraction:
        return float(length.number)
    totals = {Unit.EPOCH: case.number("epochs"), Unit.UPDATE: case.number("updates")}
    whole, value = totals.get(length.unit) if length.unit else None, float(length.number)
    if whole is None and length.unit is Unit.EPOCH and case.number("updates_per_epoch"):
        total = case.number("updates")
        whole = None if total is None else total / (case.number("updates_per_epoch") or 1)
    return None if not whole else value / whole


@working
def no_symptoms(case: Facts) -> bool:
    """Whether nothing is said to go wrong."""
    return not case.setting.symptoms


@working
def loss_worsens(case: Facts) -> bool | None:
    """Whether a series of losses that was told ends well above its best (a fifth: our judgement)."""
    told = [values for values in (_series(case, name) for name in ("train loss", "loss", "val loss")) if values]
    return any(values[-1] > 1.2 * min(values) for values in told) if told else None


@working
def loss_flat(case: Facts) -> bool | None:
    """Whether a series that was told ends with at least two values that differ by less than 2% (our judgement)."""
    told = [values for values in (_series(case, name) for name in ("val loss", "loss", "")) if values]
    ends = [values[-3:] for values in told if len(values) >= 3 and min(values[-3:]) > 0]
    return any(max(end) <= 1.02 * min(end) for end in ends) if ends else None
