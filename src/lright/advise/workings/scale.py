"""Workings on batch size, accumulation, processes, resuming, trainers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...setting import ASSUMED
from ..facts import Facts, working

# Batch size


@working
def batch_changed(case: Facts) -> bool:
    """Whether an LR is known for another total batch than this one."""
    ratio = case.number("batch_ratio")
    return ratio is not None and ratio != 1 and case.number("reference_lr") is not None


@working
def batch_grew(case: Facts) -> bool | None:
    """Whether the total batch is larger than the reference."""
    ratio = case.number("batch_ratio")
    return None if ratio is None else ratio > 1


@working
def batch_fraction(case: Facts) -> str | None:
    """The ratio of the batches as it is written: 2/16."""
    batch, reference = case.number("effective_batch"), case.number("reference_batch")
    return None if batch is None or reference is None else f"{batch:,.0f}/{reference:,.0f}"


@working
def iteration_factor(case: Facts) -> float | None:
    """How many times the iterations of one epoch have grown."""
    ratio = case.number("batch_ratio")
    return 1 / ratio if ratio else None


@working
def sqrt_factor(case: Facts) -> float | None:
    """The square root of the ratio of the batches."""
    ratio = case.number("batch_ratio")
    return math.sqrt(ratio) if ratio else None



@working
def between_lr(case: Facts) -> float | None:
    """Half-way (in ratio) between the reference LR and its square-root scaling."""
    lr, scaled = case.number("reference_lr"), case.number("sqrt_lr")
    return None if lr is None or scaled is None else math.sqrt(lr * scaled)


@working
def scaled_steps(case: Facts) -> int | None:
    """The iterations that see as many samples as the told ones did at the reference batch."""
    steps, factor = case.number("steps"), case.number("iteration_factor")
    return None if steps is None or factor is None else round(steps * factor)


@working
def sqrt_growth(case: Facts) -> float | None:
    """The square root of the number of processes times accumulation: how the LR of Adam follows them."""
    times = (case.number("accumulation") or 1) * (case.number("processes") or 1)
    return math.sqrt(times) if times > 1 else None


@working
def times_larger(case: Facts) -> float | None:
    """How many times accumulation and processes enlarge the batch of one process."""
    times = (case.number("accumulation") or 1) * (case.number("processes") or 1)
    return times if times > 1 else None


@working
def linear_from_processes(case: Facts) -> float | None:
    """The LR of one process scaled linearly to all of them."""
    lr, times = case.number("lr"), case.number("processes")
    return None if lr is None or times is None or times <= 1 else lr * times


# Accumulation



@working
def updates_ceil(case: Facts) -> int | None:
    """Updates of one epoch when the rest of the batches makes one more."""
    batches = case.number("batches_per_epoch")
    return None if batches is None else math.ceil(batches / (case.number("accumulation") or 1))



@working
def updates_all(case: Facts) -> int | None:
    """Updates of the whole training, with the rest of each epoch counted."""
    epochs, per_epoch = case.number("epochs"), case.number("updates_ceil")
    return None if epochs is None or per_epoch is None else round(epochs * per_epoch)


@working
def accumulation_working(case: Facts) -> str | None:
    """How the updates are counted under accumulation."""
    epochs, batches, times = case.number("epochs"), case.number("batches_per_epoch"), case.number("accumulation")
    total = case.number("updates_all")
    if None in (epochs, batches, times, total) or not times or times <= 1:
        return None
    exact = f"{batches:,.0f} / {times:g}"
    rounded = exact if batches and batches % times == 0 else f"ceil({exact})"
    return f"{epochs:g} x {rounded} = {total:,.0f}"


@working
def ticks_sized(case: Facts) -> int | None:
    """The length that a schedule was given in ticks, where it was told."""
    for name in ("total_steps", "num_training_steps", "T_max", "total_iters"):
        told = case.number(name)
        if told:
            return round(told)
    return None


@working
def one_cycle_left(case: Facts) -> float | None:
    """The share of the peak at the end of a one-cycle schedule of which ``used_share`` was used."""
    share = case.number("used_share")
    if share is None:
        return None
    from .core import one_cycle_lr

    return one_cycle_lr(share * 9999, 10_000, 1.0, case.number("pct_start_used") or 0.3, 25, 1e4)


@working
def accumulation_left(case: Facts) -> str | None:
    """What is left of the peak at the end, by shape, when only ``used_share`` of a schedule is used."""
    linear, cosine, cycle = (case.number(name) for name in ("linear_left", "cosine_left", "one_cycle_left"))
    if linear is None or cosine is None or cycle is None:
        return None
    return f"linear decay {100 * linear:.0f}% of the peak, cosine {100 * cosine:.0f}%, OneCycleLR {100 * cycle:.0f}%"


@working
def cycle_peak_reached(case: Facts) -> bool | None:
    """Whether a one-cycle schedule of which only ``used_share`` is used reaches its peak."""
    share = case.number("used_share")
    return None if share is None else share >= (case.number("pct_start_used") or 0.3)


# Several processes


@working
def ticks_prepared(case: Facts) -> int | None:
    """Ticks that a prepared scheduler of Accelerate makes in the whole training."""
    total, count = case.number("updates"), case.number("processes")
    return None if total is None or not count or count <= 1 else round(total * count)


@working
def updates_at_process_share(case: Facts) -> int | None:
    """The update at which a prepared schedule is over that was sized in updates."""
    total, share = case.number("updates"), case.number("process_share")
    return None if total is None or share is None else round(total * share)


@working
def full_loader(case: Facts) -> int | None:
    """Batches of one epoch of the loader before it is shared among the processes."""
    samples, batch = case.number("samples"), case.number("batch_size")
    return None if samples is None or not batch else math.ceil(samples / batch)


# Resuming


@working
def resume_point(case: Facts) -> float | None:
    """The epoch at which a run was resumed or stopped."""
    told = case.number("last_epoch")
    if told is not None and told >= 0:
        return told
    found = case.setting.saw("restart-jump", "lr-jump", "spike")
    epoch = found.epoch if found is not None else None
    return epoch if epoch is not None else case.number("trouble_epoch")


@working
def schedule_epochs(case: Facts) -> float | None:
    """The length of a schedule in epochs: T_max, else the epochs."""
    return case.number("T_max") or case.number("epochs")


@working
def cosine_at_resume(case: Facts) -> float | None:
    """The LR of an uninterrupted cosine at the epoch of the resume."""
    lr, epoch, length = case.number("lr"), case.number("resume_point"), case.number("schedule_epochs")
    if lr is None or epoch is None or not length or not 0 < epoch <= length:
        return None
    return lr * (1 + math.cos(math.pi * epoch / length)) / 2


@working
def resume_is_cosine(case: Facts) -> bool:
    """Whether the schedule that was resumed is a plain cosine."""
    return case.get("scheduler") in ("CosineAnnealingLR", "cosine")



# The HF Trainer


@working
def told_warmup_steps(case: Facts) -> int | None:
    """The warmup that was told, in updates."""
    from ...clock import Length
    from ...quantity import Unit

    text = case.setting.text("warmup")
    if text in ("", "0"):
        return None
    length = Length.parse(text)
    if not length.is_fraction and length.unit is Unit.UPDATE:
        return round(float(length.number))
    share, total = case.number("told_warmup_share"), case.number("updates")
    return None if share is None or total is None else math.ceil(share * total - 1e-9)


@working
def warmup_peak_step(case: Facts) -> float | None:
    """The LR at the step that the question names, inside a linear warmup from 0."""
    lr, step, warmup = case.number("lr"), case.number("hf_step"), case.number("told_warmup_steps")
    if lr is None or step is None or not warmup or not 0 < step < warmup:
        return None
    return lr * step / warmup


@working
def linear_half_way(case: Facts) -> int | None:
    """The update at which a linear decay after the told warmup has half of the peak left."""
    warmup, total = case.number("told_warmup_steps"), case.number("updates")
    return None if warmup is None or total is None or warmup >= total else round((warmup + total) / 2)


@working
def peak_half(case: Facts) -> float | None:
    """Half of the LR."""
    lr = case.number("lr")
    return None if lr is None else lr / 2


@working
def hf_step(case: Facts) -> float | None:
    """The step that the question names."""
    found = next((symptom for symptom in case.setting.symptoms if symptom.step is not None), None)
    return None if found is None else found.step


@working
def accelerate_ends_early(case: Facts) -> str | None:
    """When a prepared schedule is over, in words."""
    share = case.number("process_share")
    names: Mapping[int, str] = {2: "half", 3: "a third", 4: "a quarter", 8: "an eighth"}
    if share is None:
        return None
    return names.get(round(1 / share), f"1/{round(1 / share)}")


@working
def scaled_by_all(case: Facts) -> float | None:
    """The LR times the whole batch, as a --scale_lr flag makes it."""
    lr, batch = case.number("lr"), case.number("effective_batch")
    return None if lr is None or batch is None else lr * batch


@working
def sqrt_from_one(case: Facts) -> float | None:
    """The LR times the square root of how many times the batch of one process has grown."""
    lr, factor = case.number("lr"), case.number("sqrt_growth")
    return None if lr is None or factor is None else lr * factor


@working
def cyclegan_151(case: Facts) -> float | None:
    """pytorch-CycleGAN's linear decay at epoch 151 of 100 + 100."""
    lr = case.number("lr")
    return None if lr is None else lr * (1 - 51 / 101)



def _told_optimizer(case: Facts) -> bool:
    known = case.setting.facts.get("optimizer")
    return known is not None and known.certainty != ASSUMED


@working
def adam_told(case: Facts) -> bool:
    """Whether the optimizer is one like Adam, and that is no assumption of ours."""
    linear = case.setting.text("optimizer").lower().startswith("rmsprop")  # its image recipes scale linearly
    return _told_optimizer(case) and bool(case.get("adaptive")) and not linear


@working
def sgd_told(case: Facts) -> bool:
    """Whether the optimizer is none like Adam, and that is no assumption of ours."""
    return _told_optimizer(case) and case.get("adaptive") is False


@working
def ticks_over(case: Facts) -> int | None:
    """The told length divided by the accumulation, where that is a whole number."""
    told, times = case.number("ticks_sized"), case.number("accumulation")
    return None if told is None or not times or times <= 1 or told % times else round(told / times)


@working
def told_peak_tick(case: Facts) -> int | None:
    """The tick at which a one-cycle schedule of the told length peaks."""
    told = case.number("ticks_sized")
    return None if told is None else round(told * (case.number("pct_start_used") or 0.3))


@working
def one_cycle_stopped(case: Facts) -> float | None:
    """The LR at which a one-cycle schedule stops of which ``used_share`` was used."""
    peak, share = case.number("one_cycle_peak"), case.number("one_cycle_left")
    return None if peak is None or share is None else peak * share


@working
def sgd_imagenet_lr(case: Facts) -> float | None:
    """The reference LR of SGD on ImageNet, 0.1 per 256 images, for the told total batch."""
    batch = case.number("effective_batch")
    if case.get("dataset") != "imagenet" or case.get("family") != "cnn" or not case.get("sgd_told") or batch is None:
        return None
    return 0.1 * batch / 256


@working
def sgd_imagenet_batches(case: Facts) -> str | None:
    """The total batch over 256, as it is written."""
    batch = case.number("effective_batch")
    return None if batch is None else f"{batch:,.0f}/256 = {batch / 256:g}"


@working
def ticks_as_updates(case: Facts) -> int | None:
    """The updates within as many micro-batches as the told length."""
    told, times = case.number("ticks_sized"), case.number("accumulation")
    return None if told is None or not times else math.floor(told / times)


@working
def ticks_as_micro(case: Facts) -> int | None:
    """The micro-batches of as many updates as the told length."""
    told, times = case.number("ticks_sized"), case.number("accumulation")
    return None if told is None or not times else round(told * times)


@working
def hardware_share(case: Facts) -> float | None:
    """The part of a schedule that is used if it was sized for one process without accumulation."""
    times = case.number("times_larger")
    return None if times is None else 1 / times


@working
def hardware_left(case: Facts) -> float | None:
    """The share of the peak that a cosine has left then."""
    share = case.number("hardware_share")
    return None if share is None else (1 + math.cos(math.pi * share)) / 2
