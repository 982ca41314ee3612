"""Workings on NaN, spikes, warmup lengths, the LR finder."""

from __future__ import annotations

import math
import re

from ...setting import ASSUMED
from ..facts import Facts, working

_SCALES = {"k": 1e3, "m": 1e6}
_ADAMS = frozenset(("adam", "adamw", "radam", "nadam"))  # not RMSprop: EfficientNet trains with it at 0.256


def _numbers(case: Facts, topic: str) -> list[float]:
    """The numbers among the words that a topic was recognised by, in order."""
    found = []
    for word in str(case.marks.get(f"about:{topic}") or "").split():
        match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e[-+]?\d+)?)([km]?)", word)
        if match:
            found.append(float(match[1]) * _SCALES.get(match[2], 1.0))
    return found


def _told_ramp(case: Facts) -> tuple[float, float] | None:
    """Peak and length in updates of a warmup told as "0 to 1e-3 over 4000 steps"."""
    told = _numbers(case, "ramp-told")
    if len(told) < 2 or not 0 < told[-2] < 1 or told[-1] < 10:
        return None
    return told[-2], told[-1]


def _told(case: Facts, name: str) -> bool:
    """Whether a fact was told or follows from one, and is not our assumption."""
    known = case.setting.facts.get(name)
    return known is not None and known.certainty != ASSUMED


# A ramp


@working
def ramp_updates(case: Facts) -> float | None:
    """The warmup in updates."""
    told = _told_ramp(case)
    return told[1] if told else case.number("warmup_told")


@working
def ramp_peak(case: Facts) -> float | None:
    """The LR the warmup leads to."""
    told = _told_ramp(case)
    return told[0] if told else case.number("lr")


@working
def trouble_step(case: Facts) -> float | None:
    """The update at which trouble is said to begin."""
    found = case.setting.saw("nan", "diverged", "unstable", "spike", "stuck")
    if found is not None and found.step is not None:
        return None if found.step < 2 else found.step
    told = [one for one in _numbers(case, "died-at") if one >= 100]
    return told[-1] if told and (found is not None or case.marks.get("about:goes-nan")) else None


def _ramp(case: Facts) -> tuple[float, float, str] | None:
    """Where trouble began, how long the warmup lasts, and the unit of both."""
    step, length = case.number("trouble_step"), case.number("ramp_updates")
    if step is not None and length:
        return step, length, "step"
    text, epoch = case.setting.text("warmup"), case.number("trouble_epoch")
    if epoch and text.endswith("ep") and text[:-2].replace(".", "").isdigit() and float(text[:-2]) > 0:
        return epoch, float(text[:-2]), "epoch"
    return None


@working
def trouble_in_ramp(case: Facts) -> bool | None:
    """Whether it began before the warmup was over."""
    found = _ramp(case)
    return None if found is None else found[0] < found[1]


@working
def trouble_past_ramp(case: Facts) -> bool | None:
    """Whether it began when the warmup was just over: within a fifth of its length (our judgement)."""
    found = _ramp(case)
    return None if found is None else found[1] <= found[0] <= 1.2 * found[1]


@working
def ramp_place(case: Facts) -> str | None:
    """That place in words."""
    found = _ramp(case)
    return None if found is None else f"{found[2]} {found[0]:,g} of {found[1]:,g}"


@working
def ramp_fraction(case: Facts) -> str | None:
    """That place as a fraction."""
    found = _ramp(case)
    return None if found is None else f"{found[0]:,g} / {found[1]:,g}"


@working
def ramp_lr_at_trouble(case: Facts) -> float | None:
    """The LR of a linear ramp from 0 when trouble began."""
    found, peak = _ramp(case), case.number("ramp_peak")
    return None if found is None or peak is None or found[0] > found[1] else peak * found[0] / found[1]


@working
def ramp_share_at_trouble(case: Facts) -> float | None:
    """That LR as a share of the peak."""
    peak, then = case.number("ramp_peak"), case.number("ramp_lr_at_trouble")
    return None if not peak or then is None else then / peak


def _rounded(value: float) -> float:
    return float(f"{value:.1g}")


@working
def safe_peak(case: Facts) -> float | None:
    """A peak below the LR at which the ramp went wrong: 0.6 of it, rounded (our judgement)."""
    then = case.number("ramp_lr_at_trouble")
    return None if then is None else _rounded(0.6 * then)


@working
def safe_peak_high(case: Facts) -> float | None:
    """The LR at which the ramp went wrong, rounded."""
    then = case.number("ramp_lr_at_trouble")
    return None if then is None else _rounded(then)


@working
def ramp_longer(case: Facts) -> float | None:
    """A longer warmup to try: 2.5 times (our judgement)."""
    length = case.number("ramp_updates")
    return None if length is None else round(2.5 * length)


@working
def ramp_share(case: Facts) -> float | None:
    """The warmup as a share of the run."""
    length, total = case.number("ramp_updates"), case.number("updates")
    if length is not None and total:
        return length / total
    said = _numbers(case, "ramp-of")
    if len(said) >= 2 and 0 < said[0] < said[1]:
        return said[0] / said[1]
    return case.number("told_warmup_share")



@working
def jump_times(case: Facts) -> float | None:
    """How many times higher the LR is after a warmup at a constant LR."""
    told = [one for one in _numbers(case, "jump-told") if 0 < one < 10]
    return max(told) / min(told) if len(told) >= 2 and max(told) > 1.5 * min(told) else None


# Goyal's rule


@working
def imagenet_lr(case: Facts) -> float | None:
    """0.1 per 256 images, for the batch that was told."""
    batch = case.number("effective_batch")
    return None if batch is None else 0.1 * batch / 256


# A late spike


@working
def late_step(case: Facts) -> float | None:
    """The update of a late spike."""
    told = case.number("trouble_step")
    if told is not None and told >= 5000:
        return told
    found = _numbers(case, "late-at")
    return found[0] if found else None


@working
def late_total(case: Facts) -> float | None:
    """The length of that run in updates."""
    told = _numbers(case, "run-over")
    return told[0] if told else case.number("updates")


@working
def late_floor(case: Facts) -> float:
    """The floor of its decay as a share of the peak; 0 where nobody said."""
    told = _numbers(case, "floor-told")
    if not told:
        return 0.0
    share = told[0] if told[0] < 1 else told[0] / 100
    return share if share <= 0.5 else 0.0


@working
def late_lr(case: Facts) -> float | None:
    """The LR of a warmup and a cosine when the spike came."""
    step, total, peak = case.number("late_step"), case.number("late_total"), case.number("lr")
    if step is None or not total or peak is None or step >= total or "Cosine" not in case.setting.text("scheduler"):
        return None
    ramp = case.number("ramp_updates") or 0.0
    if step <= ramp:
        return None
    floor = peak * (case.number("late_floor") or 0.0)
    share = (step - ramp) / (total - ramp)
    return floor + (peak - floor) * (1 + math.cos(math.pi * share)) / 2


@working
def late_share(case: Facts) -> float | None:
    """That LR as a share of the peak."""
    peak, then = case.number("lr"), case.number("late_lr")
    return None if not peak or then is None else then / peak


@working
def adam_memory(case: Facts) -> int:
    """Over about how many updates Adam's second moment averages: 1 / (1 - beta2)."""
    return round(1 / (1 - min(0.99999, case.number("assumed_beta2") or 0.999)))


# Batches and lengths


@working
def updates_2_percent(case: Facts) -> int | None:
    """2% of the updates."""
    total = case.number("updates")
    return None if total is None else max(1, round(0.02 * total))


@working
def warmup_working(case: Facts) -> str | None:
    """How many updates there are, as a product."""
    return case.get("updates_total_text") or (
        f"{case.number('updates'):,.0f} updates" if case.number("updates") is not None else None
    )


@working
def third_lr(case: Facts) -> float | None:
    """A third of the LR, rounded."""
    lr = case.number("lr")
    return None if lr is None else float(f"{lr / 3:.1g}")


@working
def triple_lr(case: Facts) -> float | None:
    """Three times the LR."""
    lr = case.number("lr")
    return None if lr is None else lr * 3


@working
def lr_high_for_adam(case: Facts) -> bool | None:
    """Whether the LR is far above what Adam and AdamW are trained with: 5e-3 and more (our judgement)."""
    lr = case.number("lr")
    return None if lr is None or not _told(case, "optimizer") else case.get("optimizer") in _ADAMS and lr >= 5e-3


@working
def lr_high_for_scratch(case: Facts) -> bool | None:
    """Whether it is high for a transformer with Adam: 1e-3 and more (our judgement)."""
    lr = case.number("lr")
    return None if lr is None or case.get("family") != "transformer" else lr >= 1e-3


@working
def lr_high_for_sgd(case: Facts) -> bool | None:
    """Whether it is high for SGD: over 0.2, and more than twice 0.1 per 256 samples (our judgement)."""
    lr, usual = case.number("lr"), case.number("imagenet_lr") or 0.1
    return (
        None
        if lr is None or not _told(case, "optimizer") or case.setting.text("optimizer") != "sgd"
        else lr > 0.2 and lr > 2 * usual
    )


@working
def batch_is_tiny(case: Facts) -> bool | None:
    """Whether a batch is too small for batch statistics: up to 2 samples (our judgement)."""
    batch = case.number("batch_size")
    return None if batch is None else batch <= 2


# The LR finder


def _last_rate(case: Facts, topic: str) -> float | None:
    """The last number among the words of a topic that can be an LR."""
    found = [one for one in _numbers(case, topic) if 0 < one <= 10]
    return found[-1] if found else None


@working
def finder_min(case: Facts) -> float | None:
    """The LR at the lowest loss of a range test."""
    return _last_rate(case, "finder-min-at")


@working
def finder_min_tenth(case: Facts) -> float | None:
    """A tenth of it."""
    lr = case.number("finder_min")
    return None if lr is None else lr / 10


@working
def finder_valley(case: Facts) -> float | None:
    """The LR of the valley or the steepest point."""
    lr, low = _last_rate(case, "finder-valley-at"), case.number("finder_min")
    return None if lr is None or (low is not None and lr >= low) else lr


@working
def finder_end(case: Facts) -> float | None:
    """The LR at which a range test ended."""
    return _last_rate(case, "finder-end-at")


@working
def finder_batch(case: Facts) -> float | None:
    """The batch a range test was run with."""
    found = _numbers(case, "finder-batch-was")
    return found[0] if found else None


@working
def finder_real(case: Facts) -> float | None:
    """The total batch of the real training."""
    words, found = str(case.marks.get("about:finder-real-was") or ""), _numbers(case, "finder-real-was")
    if not found:
        return None
    return found[0] * found[1] if len(found) == 2 and not words.startswith(("real", "actual", "final")) else found[-1]


@working
def finder_ratio(case: Facts) -> float | None:
    """How many times larger that is."""
    small, large = case.number("finder_batch"), case.number("finder_real")
    return None if not small or large is None or large <= small else large / small


@working
def finder_lr(case: Facts) -> float | None:
    """The LR a range test gave."""
    return _last_rate(case, "finder-says")


@working
def finder_linear(case: Facts) -> float | None:
    """That LR scaled linearly to the real batch."""
    lr, ratio = case.number("finder_lr"), case.number("finder_ratio")
    return None if lr is None or ratio is None else lr * ratio


@working
def finder_sqrt(case: Facts) -> float | None:
    """That LR scaled with the square root of the batch."""
    lr, ratio = case.number("finder_lr"), case.number("finder_ratio")
    return None if lr is None or ratio is None else lr * math.sqrt(ratio)


@working
def finder_blow(case: Facts) -> float | None:
    """The LR at which the loss of a range test begins to rise."""
    return _last_rate(case, "finder-blow-at")


@working
def finder_blow_tenth(case: Facts) -> float | None:
    """A tenth of it."""
    lr = case.number("finder_blow")
    return None if lr is None else lr / 10


# Chance level, read from the loss


def _natural(case: Facts) -> list[float]:
    """The counts whose logarithm a loss may stand at: those told, the usual numbers of classes, powers of 2."""
    batch = case.number("batch_size")
    told = [batch, batch - 1, 2 * batch - 1] if batch is not None and batch > 2 else []
    return [*told, 2, 3, 4, 5, 10, 20, 100, 1000, *(2**power for power in range(3, 18)), 65537]


@working
def flat_at(case: Facts) -> float | None:
    """The value a loss is said to stand at."""
    found = [one for one in _numbers(case, "loss-at") if 0.6 < one < 13]
    return found[0] if found else None


@working
def chance_count(case: Facts) -> float | None:
    """The count whose logarithm that loss is, within 0.01."""
    loss = case.number("flat_at")
    if loss is None:
        return None
    batch = case.number("batch_size") or 0
    if batch >= 16 and abs(math.log(batch) - loss) <= 0.01:
        return batch
    best = min(_natural(case), key=lambda count: round(abs(math.log(count) - loss), 4))
    return best if abs(math.log(best) - loss) <= 0.01 else None


@working
def chance_is_batch(case: Facts) -> bool | None:
    """Whether the count is the batch: the candidates of a contrastive loss."""
    count, batch = case.number("chance_count"), case.number("batch_size")
    return None if count is None or batch is None or batch < 16 else count in (batch, batch - 1, 2 * batch - 1)


@working
def chance_loss(case: Facts) -> float | None:
    """The logarithm of that count."""
    count = case.number("chance_count")
    return None if count is None else round(math.log(count), 3)


# Numbers in 16 bits


@working
def bf16_smallest(case: Facts) -> float | None:
    """Above which size a weight in bf16 is no longer moved by a step of one LR, as Adam's are."""
    lr = case.number("lr")
    return None if lr is None else _rounded(lr * 2**8)


@working
def tokens_ratio(case: Facts) -> float | None:
    """How many times smaller than 128 GPUs x 3,584 tokens the batch is (the recipe of Scaling NMT)."""
    told = [one for one in _numbers(case, "max-tokens") if one >= 256]
    if not told:
        return None
    here = told[-1] * (case.number("processes") or 1) * (case.number("accumulation") or 1)
    return round(128 * 3584 / here) if here < 128 * 3584 else None
