"""Workings on what single schedulers do: steps, cosines, restarts, one cycle, plateau."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ..facts import Facts, working
from ..template import number

_NUMBER = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)*(?:e-?\d+)?)(k?)(?![\w.])")


def _told_numbers(case: Facts, topic: str) -> list[float]:
    """The numbers in the words that touched a topic."""
    words = case.marks.get(f"about:{topic}")
    found = _NUMBER.findall(words) if isinstance(words, str) else []
    return [float(text.replace(",", "")) * (1000 if kilo else 1) for text, kilo in found if text.count(".") < 2]


def _last_told(case: Facts, topic: str) -> float | None:
    found = _told_numbers(case, topic)
    return found[-1] if found else None


def _listed(values: Sequence[float]) -> str:
    words = [number(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


# Cosine


def _t_max_told(case: Facts) -> float | None:
    told = case.numbers.get("T_max")
    return told[0] if told else None


@working
def t_max_told(case: Facts) -> float | None:
    """T_max as it was given."""
    return _t_max_told(case)


@working
def t_max_doubled(case: Facts) -> float | None:
    """Where a cosine is back at its peak."""
    t_max = _t_max_told(case)
    return None if t_max is None else 2 * t_max


@working
def runs_past_t_max(case: Facts) -> bool | None:
    """Whether a cosine ticked per epoch is over before the training."""
    t_max, epochs = _t_max_told(case), case.number("epochs")
    return None if not t_max or epochs is None or case.get("ticked") == "batch" else 1 < t_max < epochs


@working
def cosine_end_share(case: Facts) -> float | None:
    """The share of the peak at which a cosine ticked per epoch ends that runs past its T_max."""
    t_max, epochs = _t_max_told(case), case.number("epochs")
    return None if not t_max or epochs is None or not case.get("runs_past_t_max") else _cosine(epochs / t_max)


@working
def cosine_swings_per_epoch(case: Facts) -> float | None:
    """Full down-and-up periods in one epoch of a cosine ticked per batch."""
    t_max, batches = _t_max_told(case) or case.number("epochs"), case.number("batches_per_epoch")
    return None if not t_max or not batches or t_max >= batches else batches / (2 * t_max)


@working
def t_max_in_batches(case: Facts) -> str | None:
    """T_max for a cosine ticked per batch, as a product."""
    epochs, batches = case.number("epochs"), case.number("batches_per_epoch")
    return None if epochs is None or batches is None else f"{epochs:g} * {batches:g} = {epochs * batches:.0f}"


@working
def cosine_ends_with_run(case: Facts) -> bool:
    """Whether T_max is the number of epochs."""
    t_max = _t_max_told(case)
    return t_max is not None and t_max == case.number("epochs")


@working
def cosine_last_share(case: Facts) -> float | None:
    """The share of the peak in the last epoch of a cosine that is as long as the training."""
    epochs = case.number("epochs")
    return None if not epochs or epochs < 2 else _cosine((epochs - 1) / epochs)


@working
def cosine_last_lr(case: Facts) -> float | None:
    """That LR."""
    lr, share = case.number("lr"), case.number("cosine_last_share")
    return None if lr is None or share is None else lr * share


@working
def floor_at_lr(case: Facts) -> bool | None:
    """Whether the floor of a schedule is as high as its LR."""
    lr, floor = case.number("lr"), case.number("floor")
    return None if lr is None or floor is None else floor >= lr > 0


# Warm restarts


def _cycles(case: Facts) -> tuple[float, float] | None:
    first, times = case.number("T_0"), case.number("T_mult") or 1
    return None if not first or times < 1 else (first, times)


def _ends(case: Facts) -> list[float] | None:
    """Ends of the cycles up to the first that is not before the end of the training; four where that is unknown."""
    cycle = _cycles(case)
    if cycle is None:
        return None
    length, times = cycle
    epochs = case.number("epochs")
    if epochs is not None and (epochs < length or (times == 1 and epochs > 60 * length)):
        return None
    ends = [length]
    while ends[-1] < epochs if epochs is not None else len(ends) < 4:
        length *= times
        ends.append(ends[-1] + length)
    return ends


@working
def restart_ends(case: Facts) -> str | None:
    """Where the cycles of warm restarts end."""
    ends = _ends(case)
    if not ends:
        return None
    return _listed(ends) if len(ends) < 8 else f"{', '.join(number(one) for one in ends[:3])} and so on"


@working
def restart_lengths(case: Facts) -> str | None:
    """How long the cycles are."""
    ends = _ends(case)
    if not ends or len(ends) > 7:
        return None
    return _listed([one - before for before, one in zip([0, *ends], ends)])


@working
def restart_last(case: Facts) -> float | None:
    """The last end of a cycle that is no later than the end of the training."""
    ends, epochs = _ends(case), case.number("epochs")
    before = [one for one in ends or () if epochs is not None and one <= epochs]
    return before[-1] if before else None


@working
def restart_next(case: Facts) -> float | None:
    """The end of the cycle that the training is cut off in."""
    ends, epochs = _ends(case), case.number("epochs")
    return ends[-1] if ends and epochs is not None and ends[-1] > epochs else None


@working
def restart_mid(case: Facts) -> bool | None:
    """Whether the training ends in the middle of a cycle."""
    ends, epochs = _ends(case), case.number("epochs")
    return None if not ends or epochs is None else ends[-1] != epochs


@working
def restart_into(case: Facts) -> str | None:
    """How far into its cycle the training ends."""
    last, later, epochs = case.number("restart_last"), case.number("restart_next"), case.number("epochs")
    if last is None or later is None or epochs is None:
        return None
    return f"{epochs - last:g}/{later - last:g}"


@working
def restart_share(case: Facts) -> float | None:
    """The LR at the end of the training as a share of the peak, with warm restarts."""
    last, later, epochs = case.number("restart_last"), case.number("restart_next"), case.number("epochs")
    return None if last is None or later is None or epochs is None else _cosine((epochs - last) / (later - last))


@working
def restart_lr(case: Facts) -> float | None:
    """That LR."""
    lr, share = case.number("lr"), case.number("restart_share")
    floor = case.number("floor") or 0
    return None if lr is None or share is None else floor + (lr - floor) * share


# Cyclical rates


def _half_cycle(case: Facts) -> float:
    return case.number("step_size_up") or 2000


@working
def cyclic_half(case: Facts) -> float:
    """Ticks of CyclicLR's rise: told, or torch's default."""
    return _half_cycle(case)


@working
def cyclic_reached(case: Facts) -> float | None:
    """The LR that CyclicLR gets to in a whole training when ticked once an epoch."""
    low, high, epochs = case.number("base_lr"), case.number("one_cycle_peak"), case.number("epochs")
    if low is None or high is None or epochs is None or epochs >= _half_cycle(case):
        return None
    return low + (high - low) * epochs / _half_cycle(case)


@working
def cyclic_reached_share(case: Facts) -> float | None:
    """The part of the rise that is done by then."""
    epochs = case.number("epochs")
    return None if epochs is None or epochs >= _half_cycle(case) else epochs / _half_cycle(case)


@working
def cyclic_half_advised(case: Facts) -> str | None:
    """A half cycle of 4 epochs as a product."""
    batches = case.number("batches_per_epoch")
    return None if batches is None else f"4 * {batches:g} = {4 * batches:.0f}"


@working
def cyclic_ends(case: Facts) -> str | None:
    """Whole cycles of 8 epochs around the length of the training."""
    epochs = case.number("epochs")
    if epochs is None or epochs < 8:
        return None
    below = 8 * (epochs // 8)
    return f"{below:g}" if below == epochs else f"{below:g} or {below + 8:g}"


# One cycle


@working
def onecycle_needed(case: Facts) -> int | None:
    """Batches of the whole training, which OneCycleLR must be made for."""
    samples, batch, epochs = case.number("samples"), case.number("batch_size"), case.number("epochs")
    if samples is None or batch is None or epochs is None:
        return None
    return round(epochs * math.ceil(samples / batch))


@working
def onecycle_floored(case: Facts) -> int | None:
    """What it comes to when the batches of an epoch are rounded down."""
    samples, batch, epochs = case.number("samples"), case.number("batch_size"), case.number("epochs")
    if samples is None or batch is None or epochs is None or samples % batch == 0:
        return None
    return round(epochs * math.floor(samples / batch))


@working
def onecycle_exact(case: Facts) -> str | None:
    """The division behind it."""
    samples, batch = case.number("samples"), case.number("batch_size")
    if samples is None or batch is None or samples % batch == 0:
        return None
    low = math.floor(samples / batch)
    exact = f"{samples:,.0f} / {batch:g} = {samples / batch:,.1f}"
    return f"{exact}: the loader yields {low + 1:,} batches, rounding down gives {low:,}"


@working
def onecycle_own_lr(case: Facts) -> float | None:
    """The optimizer's own LR, where it is not the peak."""
    lr, peak = case.number("lr"), case.number("one_cycle_peak")
    return None if lr is None or peak is None or lr == peak else lr


@working
def onecycle_own_div(case: Facts) -> float | None:
    """The div_factor that starts OneCycleLR at the optimizer's own LR."""
    own, peak = case.number("onecycle_own_lr"), case.number("one_cycle_peak")
    return None if not own or peak is None or peak <= own else peak / own


@working
def onecycle_times_own(case: Facts) -> float | None:
    """How many times the optimizer's own LR the peak is."""
    return case.number("onecycle_own_div")


@working
def onecycle_peak_step(case: Facts) -> int | None:
    """The step at which OneCycleLR peaks."""
    steps = case.number("steps") or case.number("updates")
    return None if steps is None else round(steps * (case.number("pct_start_used") or 0.3))


@working
def told_step(case: Facts) -> float | None:
    """A step that was named."""
    return _last_told(case, "at-step")


@working
def onecycle_at_step(case: Facts) -> float | None:
    """OneCycleLR's LR at that step."""
    from .core import one_cycle_lr

    step, total, peak = case.number("told_step"), case.number("steps"), case.number("one_cycle_peak")
    if step is None or total is None or peak is None or step >= total:
        return None
    rise, div = case.number("pct_start_used") or 0.3, case.number("div_factor") or 25
    return one_cycle_lr(step, total, peak, rise, div, case.number("final_div_factor") or 1e4)


@working
def onecycle_ticks_share(case: Facts) -> float | None:
    """The part of a cycle sized in batches that is used when it is ticked once an epoch."""
    epochs, steps = case.number("epochs"), case.number("steps")
    return None if epochs is None or steps is None or steps <= 2 * epochs else epochs / steps






# Steps


def _gamma(case: Facts) -> float:
    told = case.numbers.get("gamma")
    return told[0] if told else 0.1


@working
def step_gamma(case: Facts) -> float:
    """The factor of a step schedule: told, or torch's default."""
    return _gamma(case)


@working
def step_size_told(case: Facts) -> float | None:
    """StepLR's step_size."""
    told = case.numbers.get("step_size")
    return told[0] if told else None


@working
def step_drops_in_epoch(case: Facts) -> int | None:
    """Drops in one epoch of a StepLR that is ticked per batch."""
    size, batches = case.number("step_size_told"), case.number("batches_per_epoch")
    return None if not size or batches is None or batches < size else int(batches // size)


@working
def step_lr_after_epoch(case: Facts) -> float | None:
    """The LR after that epoch."""
    lr, drops = case.number("lr"), case.number("step_drops_in_epoch")
    return None if lr is None or drops is None else lr * _gamma(case) ** drops


@working
def step_lr_after_three(case: Facts) -> float | None:
    """The LR after three drops."""
    lr = case.number("lr")
    return None if lr is None else lr * _gamma(case) ** 3


@working
def step_three(case: Facts) -> float | None:
    """The ticks of three drops."""
    size = case.number("step_size_told")
    return None if size is None else 3 * size


@working
def step_size_in_batches(case: Facts) -> str | None:
    """step_size for a StepLR ticked per batch, as a product."""
    size, batches = case.number("step_size_told"), case.number("batches_per_epoch")
    return None if size is None or batches is None else f"{size:g} * {batches:g} = {size * batches:.0f}"


@working
def epochs_run(case: Facts) -> float | None:
    """The epochs of the training, also where they are only mentioned."""
    told = case.number("epochs")
    return told if told is not None else _last_told(case, "told-epochs")


def _milestones(case: Facts) -> list[float]:
    told = sorted(case.numbers.get("milestones") or ())
    size, epochs = case.number("step_size_told"), case.number("epochs_run")
    if not told and size and epochs and case.get("scheduler") == "StepLR" and epochs / size < 12:
        told = [size * count for count in range(1, max(2, math.ceil(epochs / size)))]
    return told



@working
def milestones_late(case: Facts) -> str | None:
    """Milestones that come at or after the end of the training."""
    epochs = case.number("epochs_run")
    late = [one for one in _milestones(case) if epochs is not None and one >= epochs]
    return _listed(late) if late else None


@working
def milestones_used(case: Facts) -> str | None:
    """Milestones that come before it."""
    epochs = case.number("epochs_run")
    used = [one for one in _milestones(case) if epochs is None or one < epochs]
    return _listed(used) if used else None


@working
def milestone_rates(case: Facts) -> str | None:
    """The rates of a step schedule and where they begin."""
    lr, epochs = case.number("lr"), case.number("epochs_run")
    used = [one for one in _milestones(case) if epochs is None or one < epochs]
    if lr is None or not used or len(used) > 5:
        return None
    parts = [f"{number(lr * _gamma(case) ** (place + 1))} from epoch {one:g}" for place, one in enumerate(used)]
    return f"{number(lr)} at first, {', '.join(parts)}"


@working
def milestone_last_rate(case: Facts) -> float | None:
    """The LR of the last epochs of a step schedule."""
    lr, epochs = case.number("lr"), case.number("epochs_run")
    found = _milestones(case)
    if lr is None or not found or epochs is None:
        return None
    return lr * _gamma(case) ** sum(one < epochs for one in found)


@working
def milestone_unused_rate(case: Facts) -> float | None:
    """The LR after the drop that comes too late."""
    last = case.number("milestone_last_rate")
    return None if last is None else last * _gamma(case)




@working
def third_epoch(case: Facts) -> float | None:
    """A third of the training."""
    epochs = case.number("epochs_run")
    return None if epochs is None else round(epochs / 3)


@working
def two_thirds_epoch(case: Facts) -> float | None:
    """Two thirds of it."""
    epochs = case.number("epochs_run")
    return None if epochs is None else round(2 * epochs / 3)


@working
def step_total_share(case: Facts) -> float | None:
    """What a StepLR leaves of the LR in the last epochs."""
    size, epochs = case.number("step_size_told"), case.number("epochs_run")
    if not size or epochs is None or case.get("scheduler") != "StepLR" or not 0 < _gamma(case) < 1:
        return None
    return _gamma(case) ** (math.ceil(epochs / size) - 1)


@working
def step_total_text(case: Facts) -> str | None:
    """How that is worked out."""
    size, epochs, share = case.number("step_size_told"), case.number("epochs_run"), case.number("step_total_share")
    if not size or epochs is None or share is None:
        return None
    return f"{_gamma(case):g}^{math.ceil(epochs / size) - 1} = {number(share)}"


# Exponential decay


@working
def exp_gamma(case: Facts) -> float | None:
    """The gamma of an exponential decay."""
    told = case.numbers.get("gamma")
    return told[0] if told and 0 < told[0] < 1 else None


@working
def gamma_not_below_one(case: Facts) -> bool:
    """Whether gamma does not shrink the LR."""
    told = case.numbers.get("gamma")
    return told is not None and len(told) > 0 and told[0] >= 1


@working
def exp_share_end(case: Facts) -> float | None:
    """What is left of the LR at the end, decayed once an epoch."""
    gamma, epochs = case.number("exp_gamma"), case.number("epochs")
    return None if gamma is None or epochs is None else gamma**epochs


@working
def exp_lr_end(case: Facts) -> float | None:
    """That LR."""
    lr, share = case.number("lr"), case.number("exp_share_end")
    return None if lr is None or share is None else lr * share


@working
def exp_share_trouble(case: Facts) -> float | None:
    """What is left of the LR when trouble began."""
    gamma, epoch = case.number("exp_gamma"), case.number("trouble_epoch")
    return None if gamma is None or epoch is None else gamma**epoch


@working
def exp_lr_trouble(case: Facts) -> float | None:
    """That LR."""
    lr, share = case.number("lr"), case.number("exp_share_trouble")
    return None if lr is None or share is None else lr * share


@working
def exp_epochs_to_percent(case: Facts) -> int | None:
    """After how many ticks 1% of the LR is left."""
    gamma = case.number("exp_gamma")
    return None if gamma is None else math.ceil(math.log(0.01) / math.log(gamma))


@working
def exp_advised(case: Facts) -> float | None:
    """The gamma per epoch that leaves 1% at the end, cut to four digits."""
    epochs = case.number("epochs")
    return None if not epochs else float(f"{0.01 ** (1 / epochs):.4f}")


@working
def exp_advised_text(case: Facts) -> str | None:
    """How it is worked out."""
    epochs = case.number("epochs")
    return None if not epochs else f"0.01^(1/{epochs:g}) = {0.01 ** (1 / epochs):.4g}"


@working
def exp_power_text(case: Facts) -> str | None:
    """gamma to the power of the epochs."""
    gamma, epochs, share = case.number("exp_gamma"), case.number("epochs"), case.number("exp_share_end")
    return None if gamma is None or epochs is None or share is None else f"{gamma:g}^{epochs:g} = {number(share)}"


@working
def exp_power_trouble_text(case: Facts) -> str | None:
    """gamma to the power of the epochs till trouble."""
    gamma, epoch, share = case.number("exp_gamma"), case.number("trouble_epoch"), case.number("exp_share_trouble")
    return None if gamma is None or epoch is None or share is None else f"{gamma:g}^{epoch:g} = {number(share)}"


@working
def exp_too_fast(case: Facts) -> bool | None:
    """Whether an exponential decay ticked per epoch is under 0.1% of the LR at the end (our judgement)."""
    share = case.number("exp_share_end")
    return None if share is None else share < 1e-3


@working
def exp_gamma_per_batch(case: Facts) -> float | None:
    """gamma for a decay that is ticked per batch."""
    gamma, batches = case.number("exp_gamma"), case.number("batches_per_epoch")
    return None if gamma is None or not batches else gamma ** (1 / batches)


@working
def exp_per_batch_text(case: Facts) -> str | None:
    """What that gamma is, in digits."""
    value = case.number("exp_gamma_per_batch")
    return None if value is None else f"{value:.6f}"


@working
def exp_epoch_text(case: Facts) -> str | None:
    """What one epoch leaves of the LR when gamma applies to every batch."""
    gamma, batches = case.number("exp_gamma"), case.number("batches_per_epoch")
    return None if gamma is None or not batches else f"{gamma:g}^{batches:g} = {number(gamma**batches)}"


# Polynomial decay




# Plateau


@working
def plateau_start_lr(case: Facts) -> float | None:
    """The LR before the first cut."""
    told = case.number("lr")
    if told is not None:
        return told
    found = _told_numbers(case, "lr-at-first")
    return max(found) if found else None


@working
def plateau_end_lr(case: Facts) -> float | None:
    """The LR that it was cut to."""
    found = [one for one in _told_numbers(case, "lr-cut-to") if one < 1e-4]
    return min(found) if found else None


@working
def plateau_factor(case: Facts) -> float:
    """The factor of a cut: told, or torch's default."""
    told = case.number("factor")
    return 0.1 if told is None or not 0 < told < 1 else told


@working
def plateau_cut_count(case: Facts) -> int | None:
    """How many cuts there were."""
    told = [one for one in _told_numbers(case, "cut-times") if 2 <= one <= 12]
    if told:
        return int(told[0])
    start, end = case.number("plateau_start_lr"), case.number("plateau_end_lr")
    if start is None or end is None or end >= start:
        return None
    count = math.log(end / start) / math.log(case.number("plateau_factor") or 0.1)
    return round(count) if abs(count - round(count)) < 0.02 and round(count) > 0 else None


@working
def plateau_cut_text(case: Facts) -> str | None:
    """The cuts as a product."""
    count, start = case.number("plateau_cut_count"), case.number("plateau_start_lr")
    factor = case.number("plateau_factor") or 0.1
    if count is None or start is None:
        return None
    return f"{number(start)} * {factor:g}^{count:g} = {number(start * factor**count)}"


@working
def plateau_cut_calls(case: Facts) -> str | None:
    """The calls of step(metric) at which a plateau schedule cuts if nothing ever counts as better."""
    patience = case.numbers.get("patience")
    if not patience:
        return None
    gap = int(patience[0]) + 1
    count = min(6, int(case.number("plateau_cut_count") or 3))
    return _listed([gap + 1 + gap * place for place in range(count)])


@working
def patience_told(case: Facts) -> float | None:
    """The patience that was told."""
    patience = case.numbers.get("patience")
    return None if not patience else patience[0]


@working
def plateau_calls_needed(case: Facts) -> float | None:
    """How many calls in a row without a gain make a cut: patience + 1."""
    patience = case.numbers.get("patience")
    return None if not patience else patience[0] + 1


@working
def default_patience_calls(case: Facts) -> float:
    """The same, with torch's default where none was told."""
    patience = case.numbers.get("patience")
    return patience[0] + 1 if patience else 11


@working
def gain_gap(case: Facts) -> float | None:
    """Epochs between two gains."""
    told = case.numbers.get("every_epochs")
    return told[0] if told else None


@working
def plateau_level(case: Facts) -> float | None:
    """About where the metric is."""
    found = _told_numbers(case, "metric-level")
    return found[-1] if found else None


@working
def plateau_gain(case: Facts) -> float | None:
    """By how much it improves at a time."""
    found = [one for one in _told_numbers(case, "small-gain") if one < 0.1]
    return found[0] if found else None


@working
def plateau_threshold_gain(case: Facts) -> float | None:
    """The gain that counts at that level."""
    level = case.number("plateau_level")
    return None if level is None else level * (case.number("threshold") or 1e-4)


@working
def plateau_gain_times(case: Facts) -> float | None:
    """How many times the gain that counts it improves."""
    gain, least = case.number("plateau_gain"), case.number("plateau_threshold_gain")
    return None if gain is None or not least or gain <= least else round(gain / least)


@working
def plateau_level_percent(case: Facts) -> float | None:
    """A hundredth of the level."""
    level = case.number("plateau_level")
    return None if level is None else level / 100



@working
def plateau_negative_text(case: Facts) -> str | None:
    """That, in numbers."""
    level = case.number("plateau_level")
    if level is None:
        return None
    return f"with best = -{level:g}, everything below -{level * (1 - 1e-4):g} counts as better"


@working
def plateau_gap_text(case: Facts) -> str | None:
    """The LR that is printed after each of the first calls on a metric that never improves."""
    patience = case.numbers.get("patience")
    lr = case.number("lr")
    if not patience or patience[0] > 4:
        return None
    from lright.schedule.emulate import Optimizer, build

    schedule = build("ReduceLROnPlateau", Optimizer(lr=lr or 0.1), patience=int(patience[0]))
    rates = schedule.replay([1.0] * (2 * int(patience[0]) + 5))[1:]
    return ", ".join(number(float(f"{one:.3g}")) for one in rates)


# Logging


@working
def shown_as_zero(case: Facts) -> float | None:
    """An LR that four decimals show as zero."""
    found = [one for one in _told_numbers(case, "small-group-lr") if 0 < one < 5e-5]
    return found[0] if found else None


@working
def step_squared_lr(case: Facts) -> float | None:
    """What get_lr() shows at a milestone: gamma twice."""
    lr = case.number("lr")
    return None if lr is None else lr * _gamma(case) ** 2


@working
def step_once_lr(case: Facts) -> float | None:
    """The LR after one drop."""
    lr = case.number("lr")
    return None if lr is None else lr * _gamma(case)


# Keras


@working
def keras_decay_steps(case: Facts) -> float | None:
    """decay_steps as it was given."""
    return _last_told(case, "decay-steps-is")


@working
def keras_decay_rate(case: Facts) -> float | None:
    """decay_rate as it was given."""
    value = _last_told(case, "decay-rate-is")
    return value if value is not None and 0 < value < 1 else None


@working
def keras_too_short(case: Facts) -> bool | None:
    """Whether decay_steps is over long before the training."""
    told, total = case.number("keras_decay_steps"), case.number("updates")
    if told is None:
        return None
    if total is None:
        epochs = case.number("epochs")
        return None if epochs is None else told <= 2 * epochs
    return told < 0.5 * total


@working
def keras_too_long(case: Facts) -> bool | None:
    """Whether decay_steps is far longer than the training."""
    told, total = case.number("keras_decay_steps"), case.number("updates")
    return None if told is None or total is None else told > 1.5 * total


@working
def keras_exp_share(case: Facts) -> float | None:
    """What an exponential decay leaves at the end."""
    told, rate, total = case.number("keras_decay_steps"), case.number("keras_decay_rate"), case.number("updates")
    return None if not told or rate is None or total is None else rate ** (total / told)


@working
def keras_exp_text(case: Facts) -> str | None:
    """The arithmetic of it."""
    told, rate, total = case.number("keras_decay_steps"), case.number("keras_decay_rate"), case.number("updates")
    share = case.number("keras_exp_share")
    if share is None or told is None or rate is None or total is None:
        return None
    return f"{rate:g}^({total:,.0f}/{told:,.0f}) = {share:.3g}"



# timm


@working
def timm_overlap_share(case: Facts) -> float | None:
    """The share of the peak that timm's cosine has left when a warmup that overlaps it ends."""
    share = case.number("told_warmup_share")
    return None if share is None or share >= 1 else _cosine(share)


@working
def timm_overlap_lr(case: Facts) -> float | None:
    """That LR."""
    lr, share = case.number("lr"), case.number("timm_overlap_share")
    return None if lr is None or share is None else lr * share


@working
def timm_overlap_mend(case: Facts) -> float | None:
    """The --lr that would give the wanted peak."""
    lr, share = case.number("lr"), case.number("timm_overlap_share")
    return None if lr is None or not share else lr / share


# Sequential


def _sequential_warmup(case: Facts) -> float | None:
    for name in ("milestones", "total_iters"):
        told = case.numbers.get(name)
        if told and len(told) == 1:
            return told[0]
    warmup = case.setting.text("warmup")
    return float(warmup[:-2]) if warmup.endswith("ep") else None


@working
def sequential_rest(case: Facts) -> float | None:
    """Epochs left for the cosine after the warmup."""
    epochs, warmup = case.number("epochs"), _sequential_warmup(case)
    return None if epochs is None or warmup is None or warmup >= epochs else epochs - warmup


@working
def sequential_share(case: Facts) -> float | None:
    """Where a cosine that is too long for what is left ends, as a share of the peak."""
    rest, t_max = case.number("sequential_rest"), _t_max_told(case)
    return None if rest is None or not t_max or t_max <= rest else _cosine(rest / t_max)


@working
def sequential_lr(case: Facts) -> float | None:
    """That LR."""
    lr, share = case.number("lr"), case.number("sequential_share")
    return None if lr is None or share is None else lr * share


@working
def sequential_done(case: Facts) -> str | None:
    """The part of the cosine that is done."""
    rest, t_max = case.number("sequential_rest"), _t_max_told(case)
    return None if rest is None or not t_max or t_max <= rest else f"{rest:g}/{t_max:g}"


# Numbers as code writes them


@working
def updates_plain(case: Facts) -> str | None:
    """All updates, without a comma."""
    total = case.number("updates")
    return None if total is None else f"{total:.0f}"


@working
def half_updates_plain(case: Facts) -> str | None:
    """The middle of the training in updates, without a comma."""
    total = case.number("updates")
    return None if total is None else f"{total / 2:.0f}"


@working
def keras_fall_text(case: Facts) -> str | None:
    """By how much an exponential decay lowers the LR."""
    share = case.number("keras_exp_share")
    return None if share is None else f"{100 * (1 - share):.1g}%"


@working
def last_epoch_index(case: Facts) -> float | None:
    """The number of the last epoch, counted from 0."""
    epochs = case.number("epochs")
    return None if epochs is None else epochs - 1


@working
def score_first(case: Facts) -> float | None:
    """The first value of a score that was told."""
    values = case.marks.get("series:accuracy")
    return values[0] if values else None


# Single frameworks and recipes


@working
def cosine_halves(case: Facts) -> float | None:
    """How many half periods of a cosine ticked per epoch a run holds, where they are more than one."""
    t_max, epochs = _t_max_told(case), case.number("epochs")
    return None if not t_max or epochs is None or epochs <= t_max else epochs / t_max


@working
def cosine_halves_text(case: Facts) -> str | None:
    """What that means for the end of the run."""
    t_max, epochs, halves = _t_max_told(case), case.number("epochs"), case.number("cosine_halves")
    if t_max is None or epochs is None or halves is None or halves < 2:
        return None
    start = (
        f"{epochs:g} epochs at T_max={t_max:g} are {number(halves)} half periods: the LR (and with it the validation "
        f"metric) goes down and up with a period of {2 * t_max:g} epochs"
    )
    if halves % 1:
        return start + ", and where in such a wave the run ends is luck."
    ends, other = ("low", "peak") if halves % 2 else ("peak", "low")
    return start + f"; the run happens to end at a {ends} of the LR, {t_max:g} epochs more would end at a {other}."


_DECAY = re.compile(r"decay (\d[\d.]*(?:e-?\d+)?)(?:/(\d[\d.]*))?(?![\w.])")


@working
def keras_time_decay(case: Facts) -> float | None:
    """The argument decay of an old Keras optimizer."""
    words = case.marks.get("about:keras-decay-arg")
    found = _DECAY.search(words) if isinstance(words, str) else None
    if not found:
        return None
    return float(found[1]) / (float(found[2]) if found[2] and float(found[2]) else 1.0)


def _keras_time(case: Facts, epochs: float) -> str | None:
    lr, decay, batches = case.number("lr"), case.number("keras_time_decay"), case.number("batches_per_epoch")
    if lr is None or not decay or batches is None:
        return None
    steps = epochs * batches
    return (
        f"after {steps:,.0f} batches ({epochs:g} epochs) it is {lr:g} / (1 + {decay:g} * {steps:,.0f}) = "
        f"{number(lr / (1 + decay * steps))}"
    )


@working
def keras_time_text(case: Facts) -> str | None:
    """The LR after a tenth of the run."""
    epochs = case.number("epochs")
    return None if epochs is None else _keras_time(case, max(1, round(epochs / 10)))


@working
def keras_time_end(case: Facts) -> str | None:
    """The LR at the end."""
    epochs = case.number("epochs")
    return None if epochs is None else _keras_time(case, epochs)
