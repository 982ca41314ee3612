"""Workings on RL, GAN, diffusion, graphs, tables, time series; what is no LR problem."""

from __future__ import annotations

import math
import re

from ..facts import Facts, working
from ..template import number

_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9}
_NUMBER = re.compile(r"(\d[\d_]*\.?\d*(?:e[+-]?\d+)?)([kmb]?)(?:th|st|nd|rd)?")


def _said(case: Facts, topic: str) -> list[float]:
    """The numbers in the words that showed a topic."""
    words = case.marks.get(f"about:{topic}")
    found = []
    for word in str(words).split() if words else ():
        match = _NUMBER.fullmatch(word)
        if match:
            found.append(float(match[1].replace("_", "")) * _SCALES.get(match[2], 1.0))
    return found


def _told(case: Facts, *names: str) -> float | None:
    """The first of these labelled numbers that was told."""
    for name in names:
        values = case.numbers.get(name)
        if values:
            return float(values[0])
    return None


# Reinforcement learning


@working
def rl_timesteps(case: Facts) -> float | None:
    """The environment steps of the whole training."""
    told = _told(case, "total_timesteps", "timesteps")
    found = [told] if told else [value for value in _said(case, "rl-timesteps") if value >= 10_000]
    return max(found) if found else None


@working
def rl_timesteps_text(case: Facts) -> str | None:
    """The environment steps as a person writes them."""
    steps = case.number("rl_timesteps")
    return None if steps is None else f"{steps:,.0f} timesteps"


@working
def rl_updates_working(case: Facts) -> str | None:
    """How many policy updates there are, as a quotient."""
    steps, rollout = case.number("rl_timesteps"), _said(case, "rl-rollout")
    if steps is None or len(rollout) != 2 or not all(1 <= value <= 100_000 for value in rollout):
        return None
    envs, length = rollout
    return f"{steps:,.0f} / ({envs:g} * {length:g}) is about {steps // (envs * length):,.0f}"


@working
def rl_trouble_share(case: Facts) -> float | None:
    """The share of the environment steps at which trouble is said to begin."""
    steps = case.number("rl_timesteps")
    found = [value for value in _said(case, "rl-trouble-at") if value >= 1000]
    return found[0] / steps if steps and found and found[0] < steps else None


@working
def rl_linear_left(case: Facts) -> float | None:
    """What a linear decay would have left there."""
    share = case.number("rl_trouble_share")
    return None if share is None else 1 - share


@working
def rl_lr_left(case: Facts) -> float | None:
    """The LR that a linear decay would have there."""
    lr, left = case.number("lr"), case.number("rl_linear_left")
    return None if lr is None or left is None else lr * left


@working
def rl_t_max(case: Facts) -> float | None:
    """T_max of a schedule in an RL training."""
    return case.number("T_max")


@working
def rl_episode_count(case: Facts) -> float | None:
    """The episodes, which are the calls of a scheduler that is stepped per episode."""
    found = [value for value in _said(case, "rl-episodes") if value >= 2]
    return max(found) if found else None


@working
def rl_episode_share(case: Facts) -> float | None:
    """The share of T_max that as many calls use."""
    calls, length = case.number("rl_episode_count"), case.number("rl_t_max")
    return calls / length if calls and length and calls < length else None


@working
def rl_cosine_then(case: Facts) -> float | None:
    """The LR that a cosine has there."""
    lr, share = case.number("lr"), case.number("rl_episode_share")
    return None if lr is None or share is None else lr * (1 + math.cos(math.pi * share)) / 2


@working
def rl_cosine_text(case: Facts) -> str | None:
    """That LR with so many digits that it can be told from the start."""
    value = case.number("rl_cosine_then")
    return None if value is None else f"{value:.6g}"


@working
def sb3_rate(case: Facts) -> float | None:
    """The rate in a schedule that was written as rate * (1 - progress)."""
    found = [value for value in _said(case, "sb3-rate") if value < 0.1]
    return found[0] if found else case.number("lr")


# Plateau rules that have cut too often


@working
def lr_now(case: Facts) -> float | None:
    """The LR that it has come down to, where that was told."""
    lr = case.number("lr")
    found = [value for value in _said(case, "lr-now") if value < 1e-3 and (lr is None or value < lr / 9)]
    return found[-1] if found else None


@working
def plateau_cuts_done(case: Facts) -> int | None:
    """How many cuts by 10 lead from the LR to the present one; None where it is no whole number of them."""
    lr, now = case.number("lr"), case.number("lr_now")
    factor = case.number("factor")
    if not lr or not now or factor not in (None, 0.1):
        return None
    cuts = math.log10(lr / now)
    return round(cuts) if abs(cuts - round(cuts)) < 0.02 and cuts > 0.9 else None


@working
def patience_and_one(case: Facts) -> int | None:
    """The validations without a new best after which a plateau schedule cuts."""
    patience = case.number("patience")
    return None if patience is None else round(patience) + 1


@working
def hundredth_lr(case: Facts) -> float | None:
    """The LR divided by 100."""
    lr = case.number("lr")
    return None if lr is None else lr / 100


# GANs


@working
def gan_t_max(case: Facts) -> float | None:
    """T_max of the schedules of a GAN."""
    return case.number("T_max")


@working
def gan_ratio(case: Facts) -> float | None:
    """How many updates the discriminator gets for one of the generator."""
    found = [value for value in _said(case, "gan-critic-ratio") if 2 <= value <= 100]
    return found[0] if found else None


@working
def gan_g_calls(case: Facts) -> int | None:
    """How often a scheduler inside the generator's block is stepped."""
    length, ratio = case.number("gan_t_max"), case.number("gan_ratio")
    return None if not length or not ratio else round(length / ratio)


@working
def gan_g_share(case: Facts) -> float | None:
    """The share of its length that is."""
    ratio = case.number("gan_ratio")
    return None if not ratio or not case.number("gan_t_max") else 1 / ratio


@working
def gan_g_left(case: Facts) -> float | None:
    """What a cosine has left there."""
    share = case.number("gan_g_share")
    return None if share is None else (1 + math.cos(math.pi * share)) / 2


@working
def gan_g_lr(case: Facts) -> float | None:
    """The LR of the generator at the end."""
    lr, left = case.number("lr"), case.number("gan_g_left")
    return None if lr is None or left is None else lr * left


@working
def cyclegan_next(case: Facts) -> int | None:
    """The first epoch to train when a CycleGAN training is continued."""
    found = [value for value in _said(case, "died-at-epoch") if 2 <= value < 2000]
    return round(found[-1]) + 1 if found else None


@working
def cyclegan_into(case: Facts) -> int | None:
    """How far into the decay of the default 100 + 100 epochs that is."""
    after = case.number("cyclegan_next")
    return round(after) - 100 if after and 100 < after <= 200 else None


@working
def cyclegan_lr(case: Facts) -> float | None:
    """The LR of that epoch at the defaults."""
    into = case.number("cyclegan_into")
    return None if into is None else 2e-4 * (1 - into / 101)


# Diffusion


@working
def diffusers_scaled_lr(case: Facts) -> float | None:
    """The LR that --scale_lr makes."""
    lr, batch = case.number("lr"), case.number("effective_batch")
    return lr * batch if lr and batch and batch > 1 else None


@working
def diffusers_growth(case: Facts) -> float | None:
    """How many times the whole batch is as large as that of one process."""
    whole, batch = case.number("effective_batch"), case.number("batch_size")
    return whole / batch if whole and batch and whole > batch else None


@working
def diffusers_sqrt_lr(case: Facts) -> float | None:
    """The LR scaled with the square root of that."""
    lr, growth = case.number("lr"), case.number("diffusers_growth")
    return None if lr is None or growth is None else lr * math.sqrt(growth)


@working
def ema_decay(case: Facts) -> float | None:
    """The decay of an average of the weights."""
    found = [value for value in _said(case, "ema-decay") if 0.9 <= value < 1]
    return found[-1] if found else None


@working
def ema_decay_text(case: Facts) -> str | None:
    """It with all its digits."""
    decay = case.number("ema_decay")
    return None if decay is None else f"{decay:g}"


@working
def ema_left(case: Facts) -> float | None:
    """What is left of the initial weights in it after the training; None where it is too little to matter."""
    decay, steps = case.number("ema_decay"), case.number("updates")
    left = None if decay is None or steps is None else decay**steps
    return left if left is not None and left > 0.05 else None


@working
def ema_window(case: Facts) -> int | None:
    """Over how many steps it averages."""
    decay = case.number("ema_decay")
    return None if decay is None else round(1 / (1 - decay))


@working
def diffusers_warmup(case: Facts) -> float | None:
    """The warmup in steps."""
    told = _told(case, "num_warmup_steps", "warmup_steps", "lr_warmup_steps")
    text = case.setting.text("warmup")
    if told is None and re.fullmatch(r"\d+(step|steps|upd|it|st)?", text):
        told = float(re.sub(r"\D", "", text))
    return told or None


@working
def diffusers_warmup_share(case: Facts) -> float | None:
    """It as a share of the run."""
    warmup, steps = case.number("diffusers_warmup"), case.number("steps")
    return warmup / steps if warmup and steps and warmup <= steps else None


@working
def warmup_short(case: Facts) -> int | None:
    """5% of the run, rounded to tens."""
    steps = case.number("steps")
    return max(10, round(steps * 0.05 / 10) * 10) if steps else None


# Detection and segmentation


@working
def det_scaled_lr(case: Facts) -> float | None:
    """The LR of a detection recipe for batch 16, scaled linearly to the batch there is."""
    lr, batch = case.number("lr"), case.number("effective_batch")
    return lr * batch / 16 if lr in (0.02, 0.01) and batch and batch < 16 else None


@working
def yolo_iterations(case: Facts) -> float | None:
    """The iterations of an epoch of YOLO, where they are few."""
    told = case.number("batches_per_epoch")
    found = [told] if told else [value for value in _said(case, "yolo-iterations") if value >= 1]
    return found[0] if found and 3 * found[0] < 100 else None


@working
def yolo_three_epochs(case: Facts) -> float | None:
    """The iterations of its 3 epochs of warmup."""
    count = case.number("yolo_iterations")
    return None if count is None else 3 * count


@working
def yolo_warmup_epochs(case: Facts) -> float | None:
    """How many epochs its least warmup of 100 iterations lasts."""
    count = case.number("yolo_iterations")
    return None if not count else round(100 / count, 1)


@working
def small_batch(case: Facts) -> float | None:
    """A batch that is smaller than the 16 of DeepLab."""
    found = [value for value in _said(case, "segmentation-batch") if 1 <= value < 16]
    batch = case.number("effective_batch")
    return found[-1] if found else batch if batch and batch < 16 else None


@working
def seg_scaled_lr(case: Facts) -> float | None:
    """The LR of a recipe for batch 16, scaled linearly to it."""
    lr, batch = case.number("lr"), case.number("small_batch")
    return lr * batch / 16 if lr and batch and lr in (0.007, 0.02, 0.01) else None


@working
def poly_max_iter(case: Facts) -> float | None:
    """max_iter of a polynomial decay."""
    told = _said(case, "poly-max-iter")
    return max(told) if told else None


def _poly_counts(case: Facts) -> tuple[float, float] | None:
    per_epoch = [value for value in _said(case, "poly-per-epoch") if value >= 2]
    told = case.number("batches_per_epoch")
    epochs = case.number("epochs") or next((value for value in _said(case, "poly-epochs") if value >= 2), None)
    count = told or (per_epoch[0] if per_epoch else None)
    return (epochs, count) if epochs and count else None


@working
def poly_iterations(case: Facts) -> float | None:
    """The iterations of the training."""
    counts = _poly_counts(case)
    return None if counts is None else counts[0] * counts[1]


@working
def poly_iterations_working(case: Facts) -> str | None:
    """How they were counted."""
    counts = _poly_counts(case)
    return None if counts is None else f"{counts[0]:g} x {counts[1]:,.0f} = {counts[0] * counts[1]:,.0f} iterations"


@working
def poly_excess(case: Facts) -> float | None:
    """By how many iterations the training is longer than the polynomial decay."""
    count, length = case.number("poly_iterations"), case.number("poly_max_iter")
    return count - length if count and length and count > length else None


@working
def stop_epoch(case: Facts) -> float | None:
    """The epoch at which a run is to be stopped."""
    found = [value for value in _said(case, "stop-epoch") if value >= 2]
    total = case.number("stop_total")
    return next((value for value in found if total and value < total), None)


@working
def stop_total(case: Facts) -> float | None:
    """The epochs that its schedule was made for."""
    told = case.number("epochs")
    if case.marks.get("about:nnunet") and (told is None or told < 1000):
        return 1000
    return told


@working
def stop_poly_left(case: Facts) -> float | None:
    """What a polynomial decay with power 0.9 has left there."""
    stop, total = case.number("stop_epoch"), case.number("stop_total")
    return None if stop is None or not total else (1 - stop / total) ** 0.9


@working
def stop_poly_lr(case: Facts) -> float | None:
    """The LR of nnU-Net there."""
    left = case.number("stop_poly_left")
    return None if left is None or not case.marks.get("about:nnunet") else 0.01 * left


# Tables and boosting


@working
def tabular_split_batches(case: Facts) -> int | None:
    """Batches of an epoch when only 80% of the rows are trained on."""
    samples, batch = case.number("samples"), case.number("batch_size")
    return None if samples is None or not batch else math.ceil(0.8 * samples / batch)


@working
def boost_lr(case: Facts) -> float | None:
    """The shrinkage of a boosting."""
    lr = case.number("lr")
    return lr if lr and 0.001 <= lr <= 0.5 else None


@working
def boost_half(case: Facts) -> float | None:
    """Half of it."""
    lr = case.number("boost_lr")
    return None if lr is None else lr / 2


@working
def boost_rounds(case: Facts) -> float | None:
    """The rounds at which it stopped."""
    told = _said(case, "boosting-rounds")
    if len(told) == 2 and told[0] < 100 <= told[1] < 1000:  # 1,400 is two words
        told = [1000 * told[0] + told[1]]
    found = [value for value in told if 20 <= value <= 100_000]
    return found[-1] if found else None


@working
def boost_double(case: Facts) -> float | None:
    """Twice as many."""
    rounds = case.number("boost_rounds")
    return None if rounds is None else 2 * rounds


# What is no matter of the LR


@working
def overfit_epoch(case: Facts) -> float | None:
    """The epoch from which validation got worse."""
    found = case.setting.saw("overfit")
    return None if found is None else found.epoch


@working
def series_best_text(case: Facts) -> str | None:
    """The lowest value of a series as it was told."""
    value = case.number("series_best")
    return None if value is None else f"{value:g}"


@working
def majority_share(case: Facts) -> float | None:
    """The share of the largest class, where an accuracy or a split shows it."""
    words = str(case.marks.get("about:majority") or case.marks.get("about:imbalance") or "")
    for word in words.split():
        parts = [float(part) for part in word.split("/") if re.fullmatch(r"\d+(\.\d+)?", part)]
        value = max(parts) if parts else 0.0
        share = value / 100 if value > 1 else value
        if 0.75 <= share < 1:
            return share
    return None


@working
def minority_share(case: Facts) -> str | None:
    """What is left for the other class."""
    share = case.number("majority_share")
    return None if share is None else number(round(1 - share, 4))


@working
def pos_weight(case: Facts) -> float | None:
    """Negatives by positives."""
    share = case.number("majority_share")
    return None if share is None else round(share / (1 - share), 1)


@working
def accumulation_for_4(case: Facts) -> int | None:
    """The accumulation that keeps the batch with micro-batches of 4."""
    batch = case.number("batch_size")
    return None if not batch or batch % 4 else round(batch / 4)


@working
def accumulation_for_2(case: Facts) -> int | None:
    """The accumulation that keeps the batch with micro-batches of 2."""
    batch = case.number("batch_size")
    return None if not batch or batch % 2 else round(batch / 2)


# Where an LR lies


@working
def lr_place(case: Facts) -> str | None:
    """Where the LR lies against the usual range of the plan."""
    lr, low, high = case.number("lr"), case.number("plan_low"), case.number("plan_high")
    if lr is None or low is None or high is None:
        return None
    return "below" if lr < low else "above" if lr > high else "inside"


# Well-known repositories


@working
def d2_iters(case: Facts) -> float | None:
    """The iterations of a Detectron2 run that ends within the default warmup."""
    found = [value for value in _said(case, "short-run-iters") if 10 <= value < 1000]
    return found[0] if found else None


@working
def d2_share(case: Facts) -> float | None:
    """How much of the warmup of 1000 iterations that is."""
    iterations = case.number("d2_iters")
    return None if iterations is None else iterations / 1000


@working
def d2_warm_lr(case: Facts) -> float | None:
    """The LR at its end."""
    lr, share = case.number("lr"), case.number("d2_share")
    return None if lr is None or share is None else lr * share


@working
def yolo_auto_lr(case: Facts) -> float | None:
    """The LR of AdamW that Ultralytics chooses for so many classes."""
    classes = _told(case, "classes", "nc", "num_classes") or case.number("classes")
    return round(0.002 * 5 / (4 + classes), 6) if classes and classes >= 1 else None


@working
def script_base(case: Facts) -> int | None:
    """The batch for which the LR of a script's config is meant."""
    words = " ".join(str(case.marks.get(f"about:{one}") or "") for one in ("scaling-scripts", "base-lr-word")).strip()
    if not words:
        return None
    return 512 if re.search("swin|deit|simmim|base_lr|cait|xcit", words) else 256


@working
def script_lr(case: Facts) -> float | None:
    """The LR in its config."""
    found = [value for value in _said(case, "base-lr-is") if 0 < value < 1]
    return found[0] if found else case.number("lr")


@working
def script_scaled_lr(case: Facts) -> float | None:
    """What the script makes of it."""
    lr, base = case.number("script_lr"), case.number("script_base")
    batch = case.number("effective_batch") or case.number("batch_size")
    return lr * batch / base if lr and batch and base and batch != base else None


@working
def rl_two_horizons(case: Facts) -> str | None:
    """What a linear anneal leaves at the end of the shorter of two runs."""
    pattern = re.compile(r"(\d+(?:\.\d+)?)(m)")
    topics = ("longer-shorter-run", "rl-timesteps", "same-mark")
    words = " ".join(str(case.marks.get(f"about:{one}") or "") for one in topics)
    found = sorted({float(match[1]) for match in pattern.finditer(words)})
    if len(found) != 2:
        return None
    left = 1 - found[0] / found[1]
    return f"at {found[0]:g}M the {found[0]:g}M run is at 0 and the {found[1]:g}M run still at {left:.0%} of its start"


@working
def rllib_iters(case: Facts) -> float | None:
    """The training iterations that were given as timesteps."""
    found = _told(case, "iterations", "training_iterations", "iters") or case.number("updates")
    return found if found and found < 4000 else None


@working
def rllib_steps(case: Facts) -> str | None:
    """As timesteps of the default batch."""
    iterations = case.number("rllib_iters")
    return None if iterations is None else f"{iterations * 4000:,.0f} for {iterations:,.0f} iterations"


@working
def alpha_start(case: Facts) -> float | None:
    """gensim's alpha at the start."""
    found = [value for value in _said(case, "alpha-start-is") if 0.005 <= value <= 0.2]
    return found[0] if found else None


@working
def alpha_step(case: Facts) -> float | None:
    """What a loop takes off it."""
    found = [value for value in _said(case, "alpha-step-is") if 0 < value < 0.02]
    return found[-1] if found else None


@working
def alpha_passes(case: Facts) -> float | None:
    """The passes after which nothing is left."""
    start, step = case.number("alpha_start"), case.number("alpha_step")
    return round(start / step, 1) if start and step and start > step else None


@working
def burn_rate(case: Facts) -> float | None:
    """darknet's rate within the burn-in."""
    lr = case.number("lr")
    length = next((value for value in _said(case, "burn-in-is") if value >= 10), None)
    done = next((value for value in _said(case, "burn-iteration") if value >= 1), None)
    return lr * (done / length) ** 4 if lr and length and done and done < length else None


@working
def burn_rate_working(case: Facts) -> str | None:
    """The same as a formula."""
    rate, lr = case.number("burn_rate"), case.number("lr")
    if rate is None or not lr:
        return None
    return f"{number(lr)} * {(rate / lr) ** 0.25:.2g}^4 = {rate:.2g}"


@working
def deepmd_steps(case: Facts) -> str | None:
    """The steps of a shorter DeePMD run."""
    found = [value for value in _said(case, "deepmd-short") if 10_000 <= value < 1_000_000]
    return f"{found[-1]:,.0f}" if found else None


@working
def deepmd_cuts(case: Facts) -> float | None:
    """Its cuts at decay_steps of 5000."""
    steps = case.get("deepmd_steps")
    return None if steps is None else float(str(steps).replace(",", "")) // 5000


@working
def deepmd_factor(case: Facts) -> str | None:
    """The factor of each between 1e-3 and 3.51e-8."""
    cuts = case.number("deepmd_cuts")
    return f"{(3.51e-8 / 1e-3) ** (1 / cuts):.2g}" if cuts else None


@working
def splat_iters(case: Facts) -> float | None:
    """The iterations of a Gaussian splatting run."""
    found = [value for value in _said(case, "splat-iters") if 500 <= value < 200_000]
    return found[0] if found else None


@working
def splat_max(case: Facts) -> float | None:
    """position_lr_max_steps."""
    found = [value for value in _said(case, "splat-max") if 500 <= value < 500_000]
    return found[0] if found else None


@working
def splat_left(case: Facts) -> float | None:
    """The share of the LR of the positions that is left there: from 1 to 1/100, log-linear."""
    done, length = case.number("splat_iters"), case.number("splat_max")
    return 0.01 ** (done / length) if done and length and done < length else None


@working
def splat_lr(case: Facts) -> str | None:
    """That LR."""
    left = case.number("splat_left")
    return None if left is None else f"{1.6e-4 * left:.1e}"


@working
def cuts_to_floor(case: Facts) -> int | None:
    """How many cuts of a plateau rule lead from its LR to its floor."""
    lr, factor = case.number("lr"), case.number("factor")
    floor = case.number("min_lr") or case.number("eta_min")
    if not lr or not factor or not floor or not 0 < factor < 1 or floor >= lr:
        return None
    return math.ceil(math.log(lr / floor) / -math.log(factor) - 1e-6)


@working
def cuts_to_floor_at_tenth(case: Facts) -> int | None:
    """The same with a factor of 0.1."""
    lr, floor = case.number("lr"), case.number("min_lr") or case.number("eta_min")
    known = case.number("cuts_to_floor")
    return math.ceil(math.log10(lr / floor) - 1e-6) if known and lr and floor else None
