"""Workings on fine-tuning, language models, weight decay, parameter groups."""

from __future__ import annotations

import math
import re

from ...clock import Length
from ...errors import LrightError
from ...quantity import Unit
from ..facts import Facts, working

_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def numbers_told(case: Facts, topic: str) -> list[float]:
    """The numbers among the words that a topic was recognised by, in order."""
    found = []
    for word in str(case.marks.get(f"about:{topic}") or "").split():
        match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e[-+]?\d+)?)([kmbt]?)", word)
        if match:
            found.append(float(match[1]) * _SCALES.get(match[2], 1.0))
    return found


def last_told(case: Facts, topic: str) -> float | None:
    """The last of them."""
    found = numbers_told(case, topic)
    return found[-1] if found else None


def cosine(share: float, peak: float, floor: float = 0.0) -> float:
    """A cosine from ``peak`` to ``floor`` at a share of its length."""
    return floor + (peak - floor) * (1 + math.cos(math.pi * min(1.0, max(0.0, share)))) / 2


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


@working
def peak_lr(case: Facts) -> float | None:
    """The peak LR: the fact, else what the words say of a base, a peak or a start."""
    return case.number("lr") or last_told(case, "peak-is")


# Warmup of a fine-tuning


@working
def warmup_told(case: Facts) -> float | None:
    """The warmup that was told, in updates."""
    told = case.number("num_warmup_steps")
    if told is not None:
        return told
    text = case.setting.text("warmup")
    if not text or text == "0":
        return None
    try:
        length = Length.parse(text)
        value = float(length.number)
    except (LrightError, TypeError):
        return None
    if length.unit is Unit.UPDATE:
        return value
    per_epoch, total = case.number("updates_per_epoch"), case.number("updates")
    if length.unit is Unit.EPOCH and per_epoch is not None:
        return value * per_epoch
    return max(1, round(value * total)) if length.is_fraction and total is not None else None


@working
def warmup_told_share(case: Facts) -> float | None:
    """That warmup as a share of the training."""
    warmup, total = case.number("warmup_told"), case.number("updates")
    return None if warmup is None or not total else warmup / total


@working
def warmup_too_long(case: Facts) -> bool | None:
    """Whether the warmup is as long as the training, or longer."""
    share = case.number("warmup_told_share")
    return None if share is None else share >= 1


@working
def warmup_reached(case: Facts) -> float | None:
    """The highest LR of a run that ends within its warmup."""
    share, lr = case.number("warmup_told_share"), case.number("lr")
    return None if share is None or lr is None or share < 1 else lr / share


@working
def updates_3_percent(case: Facts) -> int | None:
    """3% of the updates."""
    total = case.number("updates")
    return None if total is None else max(1, round(0.03 * total))


@working
def updates_10_percent(case: Facts) -> int | None:
    """10% of the updates."""
    total = case.number("updates")
    return None if total is None else max(1, round(0.1 * total))


@working
def updates_20_percent(case: Facts) -> int | None:
    """20% of the updates."""
    total = case.number("updates")
    return None if total is None else max(1, round(0.2 * total))


@working
def share_of_500(case: Facts) -> float | None:
    """500 warmup steps as a share of the training."""
    total = case.number("updates")
    return None if not total else 500 / total


@working
def few_updates(case: Facts) -> bool | None:
    """Whether there are few updates for a fine-tuning: under 300 (our judgement)."""
    total = case.number("updates")
    return None if total is None else total < 300


# Fine-tuning


@working
def tuned_excess(case: Facts) -> str | None:
    """How many times an LR is above the usual 2e-5 to 5e-5."""
    lr = case.number("lr")
    if lr is None or lr <= 5e-5:
        return None
    low, high = lr / 5e-5, lr / 2e-5
    return f"{low:.3g} to {high:.3g}"


@working
def adapter_excess(case: Facts) -> str | None:
    """How many times an LR is below the usual 1e-4 to 2e-4 of adapters."""
    lr = case.number("lr")
    if lr is None or not 0 < lr < 1e-4:
        return None
    return f"{1e-4 / lr:.2g} to {2e-4 / lr:.2g}"



@working
def backbone_lr(case: Facts) -> float | None:
    """The LR told for the pretrained part."""
    return last_told(case, "backbone-lr-is")


@working
def head_lr(case: Facts) -> float | None:
    """The LR told for the new part."""
    return last_told(case, "head-lr-is")


@working
def group_floor(case: Facts) -> float | None:
    """The floor that all groups share."""
    told = case.number("eta_min")
    return told if told is not None else case.number("floor")


@working
def smaller_group_lr(case: Facts) -> float | None:
    """The smallest LR of a group that was told."""
    found = [one for one in (case.number("backbone_lr"), case.number("head_lr")) if one]
    return min(found) if found else None


@working
def floor_above_group(case: Facts) -> bool | None:
    """Whether the floor is above the LR of a group."""
    floor, lr = case.number("group_floor"), case.number("smaller_group_lr")
    return None if floor is None or lr is None else floor > lr


@working
def floor_rise(case: Facts) -> float | None:
    """By how much that group's LR rises."""
    floor, lr = case.number("group_floor"), case.number("smaller_group_lr")
    return None if floor is None or not lr else floor / lr


@working
def layer_decay(case: Facts) -> float | None:
    """The factor from one layer to the one below it."""
    told = last_told(case, "layer-decay-is")
    return told if told is not None and 0 < told < 1 else None


@working
def layer_blocks(case: Facts) -> float | None:
    """How many blocks there are: told, or the 12 of the base models."""
    told = last_told(case, "blocks-are")
    if told is not None and 2 <= told <= 100:
        return told
    name = case.setting.text("model").lower()
    if "large" in name or "-l16" in name or "vit-l" in name:
        return 24
    return 12 if "base" in name or "-b16" in name or "vit-b" in name else None


@working
def bottom_scale(case: Facts) -> float | None:
    """The scale of the embedding under layer decay: one layer below the first block."""
    decay, blocks = case.number("layer_decay"), case.number("layer_blocks")
    return None if decay is None or blocks is None else decay ** (blocks + 1)


@working
def layer_exponent(case: Facts) -> float | None:
    """How many layers the embedding is below the head."""
    blocks = case.number("layer_blocks")
    return None if blocks is None else blocks + 1


@working
def first_block_scale(case: Facts) -> float | None:
    """The scale of the first block under layer decay."""
    decay, blocks = case.number("layer_decay"), case.number("layer_blocks")
    return None if decay is None or blocks is None else decay**blocks


@working
def bottom_lr(case: Facts) -> float | None:
    """The LR of the embedding under layer decay."""
    lr, scale = case.number("peak_lr"), case.number("bottom_scale")
    return None if lr is None or scale is None else lr * scale


@working
def first_block_lr(case: Facts) -> float | None:
    """The LR of the first block under layer decay."""
    lr, scale = case.number("peak_lr"), case.number("first_block_scale")
    return None if lr is None or scale is None else lr * scale


@working
def last_block_lr(case: Facts) -> float | None:
    """The LR of the last block under layer decay."""
    lr, decay = case.number("peak_lr"), case.number("layer_decay")
    return None if lr is None or decay is None else lr * decay


# The length of a schedule and of the run


@working
def planned_length(case: Facts) -> float | None:
    """The length the schedule was planned for, as it was told."""
    told = last_told(case, "decay-iters-are") or last_told(case, "planned-for") or case.number("T_max")
    if told is None and case.marks.get("about:only-fits"):
        told = case.number("steps") or case.number("epochs")
    return told


@working
def run_length(case: Facts) -> float | None:
    """The length the run really has, as it was told."""
    planned = case.number("planned_length")
    said = (last_told(case, "max-iters-are"), last_told(case, "only-fits"))
    for told in (*said, case.number("steps"), case.number("epochs")):
        if told and planned and told < planned:
            return told
    return None


@working
def overshoot(case: Facts) -> float | None:
    """How many times longer the schedule is than the run."""
    planned, real = case.number("planned_length"), case.number("run_length")
    return None if not planned or not real else planned / real


@working
def stopped_warmup(case: Facts) -> float:
    """The warmup in the unit of the plan, 0 where it is unknown."""
    return case.number("warmup_told") or 0


def _planned_lr(case: Facts, at: float | None) -> float | None:
    planned, lr = case.number("planned_length"), case.number("peak_lr")
    if planned is None or lr is None or at is None:
        return None
    warmup = case.number("stopped_warmup") or 0
    if warmup >= planned or at < warmup:
        return None
    share, floor = (at - warmup) / (planned - warmup), case.number("floor") or 0
    name = case.setting.text("scheduler").lower()
    if "linear" in name:
        return floor + (lr - floor) * (1 - share)
    return cosine(share, lr, floor) if not name or "cosine" in name else None


@working
def stopped_lr(case: Facts) -> float | None:
    """The LR of the planned cosine where the run stops."""
    return _planned_lr(case, case.number("run_length"))


@working
def stopped_share(case: Facts) -> float | None:
    """That LR as a share of the peak."""
    then, lr = case.number("stopped_lr"), case.number("peak_lr")
    return None if then is None or not lr else then / lr


@working
def now_at(case: Facts) -> float | None:
    """Where a running training stands, as it was told."""
    told = last_told(case, "standing-at")
    planned = case.number("planned_length")
    return told if told and planned and told < planned else None


@working
def now_lr(case: Facts) -> float | None:
    """The LR of the planned cosine there."""
    return _planned_lr(case, case.number("now_at"))


@working
def left_to_run(case: Facts) -> float | None:
    """What is left from there to the end that is possible."""
    now, real = case.number("now_at"), case.number("run_length")
    return None if now is None or real is None or real <= now else real - now


@working
def cooldown_low(case: Facts) -> float | None:
    """A tenth of the run."""
    real = case.number("run_length")
    return None if real is None else real * 0.1


@working
def cooldown_high(case: Facts) -> float | None:
    """A fifth of the run."""
    real = case.number("run_length")
    return None if real is None else real * 0.2


@working
def extra_length(case: Facts) -> float | None:
    """How much more is to be trained, as it was told."""
    return last_told(case, "extra-is")


@working
def finished_length(case: Facts) -> float | None:
    """The length of the finished run, in the unit of the extension."""
    extra = case.number("extra_length")
    words = str(case.marks.get("about:extra-is") or "")
    in_steps = "step" in words or "iter" in words
    fact = case.number("steps") if in_steps else case.number("T_max") or case.number("epochs")
    told = last_told(case, "finished-is") or fact
    return None if extra is None or not told or told == extra else told


@working
def extended_length(case: Facts) -> float | None:
    """Both together."""
    extra, done = case.number("extra_length"), case.number("finished_length")
    return None if extra is None or done is None else extra + done


@working
def extended_share(case: Facts) -> float | None:
    """The share of the peak at which a stretched cosine stands where the old one was at its end."""
    total, done = case.number("extended_length"), case.number("finished_length")
    return None if not total or done is None else cosine(done / total, 1.0)


@working
def extended_linear_share(case: Facts) -> float | None:
    """The same for a linear decay."""
    total, done = case.number("extended_length"), case.number("finished_length")
    return None if not total or done is None else 1 - done / total


@working
def extended_lr(case: Facts) -> float | None:
    """The LR of the stretched cosine there."""
    share, lr = case.number("extended_share"), case.number("peak_lr")
    return None if share is None or lr is None else lr * share


# Language models


@working
def tokens_per_parameter(case: Facts) -> float | None:
    """Training tokens for each weight."""
    tokens, weights = case.number("tokens"), case.number("parameters")
    return None if tokens is None or not weights else tokens / weights




@working
def half_lr(case: Facts) -> float | None:
    """Half of the LR."""
    lr = case.number("peak_lr")
    return None if lr is None else lr / 2


@working
def rewarm_low(case: Facts) -> float | None:
    """A modest peak for training on: a sixth of the old one (our judgement)."""
    peak = case.number("old_peak")
    return None if peak is None else _rounded(peak / 6)


@working
def rewarm_high(case: Facts) -> float | None:
    """A larger one: half of the old one (our judgement)."""
    peak = case.number("old_peak")
    return None if peak is None else _rounded(peak / 2)


@working
def old_peak(case: Facts) -> float | None:
    """The peak of the training before this one."""
    return last_told(case, "original-peak-is") or case.number("peak_lr")


# Weight decay


@working
def decay_per_step(case: Facts) -> float | None:
    """By how much AdamW shrinks a weight in one update at the peak."""
    lr, decay = case.number("peak_lr"), case.number("weight_decay")
    return None if not lr or not decay else lr * decay


@working
def decay_timescale(case: Facts) -> float | None:
    """Updates in which AdamW forgets a weight at the peak: 1 / (lr * weight_decay)."""
    share = case.number("decay_per_step")
    return None if not share else 1 / share


@working
def decay_over_run(case: Facts) -> float | None:
    """By how much AdamW's decay shrinks a weight over the run at a constant LR."""
    share, total = case.number("decay_per_step"), case.number("updates")
    return None if share is None or total is None else 1 - math.exp(-share * total)


@working
def decay_at_floor(case: Facts) -> float | None:
    """By how much AdamW shrinks a weight in one update at the floor."""
    floor, decay = case.number("floor"), case.number("weight_decay")
    return None if not floor or decay is None else floor * decay


@working
def double_decay(case: Facts) -> float | None:
    """Twice the weight decay, for half the LR."""
    decay = case.number("weight_decay")
    return None if decay is None else 2 * decay


# Noam


@working
def noam_warmup(case: Facts) -> float:
    """The warmup of a Noam schedule: told, or the paper's 4000."""
    return case.number("warmup_told") or 4000


@working
def noam_width(case: Facts) -> float:
    """The width: told, or the paper's 512."""
    return case.number("noam_width_told") or 512


@working
def noam_width_told(case: Facts) -> float | None:
    """The width that was told, by whatever name."""
    return case.number("d_model") or last_told(case, "width-is")


@working
def noam_factor(case: Facts) -> float | None:
    """The factor of a Noam schedule: what stands where others have the LR."""
    if not case.marks.get("about:noam-said"):
        return None
    factor = last_told(case, "noam-factor-is") or case.number("lr")
    return factor if factor and factor > 0 else None


@working
def noam_told_peak(case: Facts) -> float | None:
    """The peak with the factor that was told."""
    factor, top = case.number("noam_factor"), case.number("noam_top")
    return None if factor is None or top is None else factor * top


@working
def noam_at_1000(case: Facts) -> float | None:
    """Its LR at step 1,000."""
    peak, warmup = case.number("noam_told_peak"), case.number("noam_warmup")
    return None if peak is None or not warmup else peak * min(1000 / warmup, math.sqrt(warmup / 1000))


@working
def noam_factor_for_peak(case: Facts) -> float | None:
    """The factor for a peak of 1e-3."""
    top = case.number("noam_top")
    return None if not top else _rounded(1e-3 / top)


@working
def default_warmup_share(case: Facts) -> float | None:
    """The share that nanoGPT's default warmup of 2,000 has in the run."""
    steps = case.number("steps")
    return None if not steps else min(1.0, 2000 / steps)


@working
def warmup_3_percent(case: Facts) -> float | None:
    """3% of the run."""
    steps = case.number("steps")
    return None if not steps else max(1, round(0.03 * steps))


@working
def noam_top(case: Facts) -> float:
    """The peak of the Noam schedule with a factor of 1."""
    return 1 / math.sqrt((case.number("noam_width") or 512) * (case.number("noam_warmup") or 4000))


@working
def noam_at_4(case: Facts) -> float:
    """Its LR at four times the warmup."""
    return (case.number("noam_top") or 0.0) / 2


@working
def noam_first(case: Facts) -> float:
    """Its LR at the first step."""
    return (case.number("noam_top") or 0.0) / (case.number("noam_warmup") or 4000)


@working
def noam_times_4(case: Facts) -> float:
    """Four times its warmup."""
    return 4 * (case.number("noam_warmup") or 4000)



# Other optimizers


@working
def lion_low(case: Facts) -> float | None:
    """A tenth of AdamW's LR."""
    lr = case.number("lr")
    return None if lr is None else _rounded(lr / 10)


@working
def lion_high(case: Facts) -> float | None:
    """A third of AdamW's LR."""
    lr = case.number("lr")
    return None if lr is None else _rounded(lr / 3)


@working
def lr_shrunk_times(case: Facts) -> float | None:
    """By how much an LR below 1 shrinks the steps of Prodigy."""
    lr = case.number("lr")
    return None if not lr or lr >= 0.3 else 1 / lr


@working
def swa_epochs(case: Facts) -> float | None:
    """The last quarter of the epochs."""
    epochs = case.number("epochs")
    return None if epochs is None else max(1, round(epochs * 0.25))


@working
def swa_start(case: Facts) -> float | None:
    """Where it begins."""
    epochs, last = case.number("epochs"), case.number("swa_epochs")
    return None if epochs is None or last is None else epochs - last


@working
def updates_5_percent(case: Facts) -> int | None:
    """5% of the updates."""
    total = case.number("updates")
    return None if total is None else max(1, round(0.05 * total))
