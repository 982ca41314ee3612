"""What names suggest: how people call epochs, loaders, schedulers and metrics in training scripts.

Names are compared word by word (``trainLoader`` and ``train_loader`` are the words *train*, *loader*). Nothing here
proves anything; what is concluded from a name alone is marked as likely, not proven.
"""

from __future__ import annotations

import re
from functools import cache

from ...quantity import (
    BATCHES_PER_EPOCH,
    BATCHES_PER_UPDATE,
    EPOCHS,
    PROCESSES,
    SAMPLES_PER_BATCH,
    SAMPLES_PER_EPOCH,
    UPDATES,
    Dimension,
)

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")

_EVALUATING = frozenset(
    "eval evaluate evaluation evaluator valid validate validation val vali test testing infer inference dev".split()
)
_TRAINING = frozenset(("train", "training", "fit"))
_COUNTERS = frozenset("step steps iter iters iteration iterations update updates".split())
_BATCH_COUNTERS = frozenset("iter iters iteration iterations batch batches".split())
_SIZES = frozenset("max total num n train training warmup warm up decay optimization nb number first cosine".split())
_NO_SCHEDULER = (
    "noise", "diffusion", "ddpm", "ddim", "beta_sched", "betasched", "job", "task", "sampl", "temperature", "kl_",
    "flowmatch", "flow_match", "cron",
)  # fmt: skip
_SCHEDULER_FACTS = ("name", "args", "kwargs", "config", "cfg", "params", "param", "opts", "options")
_BETTER_LARGE = (
    "acc", "f1", "auc", "iou", "dice", "bleu", "rouge", "r2", "precision", "recall", "top1", "top5", "top_1", "top_5",
    "psnr", "ssim", "ndcg", "kappa", "jaccard", "reward", "correct", "hit", "cider",
)  # fmt: skip
_BETTER_SMALL = (
    "loss",
    "err",
    "mse",
    "rmse",
    "mae",
    "nll",
    "ppl",
    "perplexity",
    "wer",
    "cer",
    "fid",
    "entropy",
    "cost",
    "elbo",
)


@cache
def parts(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case.

    >>> parts("trainLoader"), parts("num_epochs"), parts("N_GPUS")
    (('train', 'loader'), ('num', 'epochs'), ('n', 'gpus'))
    """
    return tuple(word.lower() for word in _WORD.findall(name))


@cache
def identifiers(text: str) -> tuple[str, ...]:
    """The identifiers in a piece of source text."""
    return tuple(_NAME.findall(text))


def last_part(text: str) -> str:
    """``epochs`` of ``args.epochs``, ``cfg["epochs"]`` or ``epochs``."""
    found = identifiers(text)
    return found[-1] if found else text


def _any(text: str, *wanted: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in wanted)


@cache
def unit_hint(text: str) -> Dimension | None:
    """What a name alone suggests that it counts."""
    name = last_part(text)
    if text.startswith("len("):
        return BATCHES_PER_EPOCH if names_loader(name) else SAMPLES_PER_EPOCH if _names_dataset(name) else None
    words = parts(name)
    if not words:
        return None
    if _per_epoch(words):
        return BATCHES_PER_EPOCH
    if is_accumulation(name):
        return BATCHES_PER_UPDATE
    if words[-1] in ("gpus", "gpu", "processes", "ngpus") or words[-2:] == ("world", "size"):
        return PROCESSES
    if words[-1] in ("bs", "bsz", "batchsize") or words[-2:] == ("batch", "size"):
        return SAMPLES_PER_BATCH
    if words[-1] == "lr":
        return None
    if any(word.startswith("epoch") or word.endswith(("epoch", "epochs")) for word in words):
        return EPOCHS
    if words[-1] in ("samples", "examples") or words[-2:] in (("dataset", "size"), ("train", "size")):
        return SAMPLES_PER_EPOCH
    if words[-1] in _COUNTERS and words[-1].endswith("s") and all(word in _SIZES for word in words[:-1]):
        return UPDATES
    if words[-1] in _COUNTERS and len(words) > 1 and all(word in _SIZES for word in words[:-1]):
        return UPDATES
    return None


def _per_epoch(words: tuple[str, ...]) -> bool:
    if "per" in words:
        position = words.index("per")
        counted = words[position - 1] if position else ""
        return (counted in _COUNTERS or counted.startswith("batch")) and words[position + 1 : position + 2] in (
            ("epoch",),
            ("ep",),
        )
    if words[0].startswith("epoch") and words[-1] in ("steps", "iters", "len", "length", "size"):
        return True
    return len(words) == 2 and words[0] in ("n", "num", "nb") and words[1] in ("batch", "batches")


def _names_dataset(name: str) -> bool:
    words = parts(name)
    return bool(words) and (
        words[-1] in ("dataset", "set", "trainset", "ds", "samples", "data") or "dataset" in name.lower()
    )


@cache
def direction(text: str) -> str | None:
    """``max`` for a metric that is better when larger, ``min`` for a loss, None where the name does not tell."""
    if last_part(text).lower().endswith(("loss", "losses")):  # dice_loss, iou_loss: a loss whatever it is made of
        return "min"
    words = {word for name in identifiers(text) for word in parts(name)}
    large = _any(text, *_BETTER_LARGE) or bool(words & {"map", "ap"})
    small = _any(text, *_BETTER_SMALL) or "ce" in words
    return None if large == small else "max" if large else "min"


@cache
def phase(text: str) -> str | None:
    """``train`` or ``validation`` where the name of a metric tells."""
    if names_validation(text):
        return "validation"
    words = {word for name in identifiers(text) for word in parts(name)}
    return "train" if words & {"train", "training", "tr", "running"} else None


@cache
def names_evaluation(name: str) -> bool:
    """A function that evaluates, by its name."""
    words = set(parts(name))
    return bool(words & _EVALUATING) and not words & _TRAINING


@cache
def names_training(name: str) -> bool:
    """A function that trains, by its name."""
    return bool(set(parts(name)) & _TRAINING)


@cache
def names_validation(text: str) -> bool:
    """Whether a text mentions validation or test data."""
    return any(
        word.startswith(("val", "eval", "test", "dev")) and word not in ("value", "values", "device", "devices")
        for name in identifiers(text)
        for word in parts(name)
    )


@cache
def names_loader(name: str) -> bool:
    """A data loader, by its name."""
    lowered, words = name.lower(), parts(name)
    if lowered.endswith(("loader", "_dl", "_iter", "batches", "_loaders")) or lowered in ("dl", "loader"):
        return True
    if len(words) == 2 and words[0] in ("train", "val", "test", "valid"):
        return words[1] == "data" or words[1].startswith(("dl", "iter", "gen"))
    return False


@cache
def names_optimizer(name: str) -> bool:
    """An optimizer, by its name."""
    lowered, words = name.lower(), parts(name)
    if names_scheduler(name) or "state" in lowered:
        return False
    return "optim" in lowered or "opt" in words and len(words) <= 2


@cache
def names_scheduler(name: str) -> bool:
    """A learning-rate scheduler, by its name."""
    lowered = name.lower()
    if "state" in lowered or "type" in lowered or lowered.endswith(_SCHEDULER_FACTS):
        return False
    if not ("sched" in lowered or "lr_policy" in lowered or "annealer" in lowered or lowered == "lrs"):
        return False
    return not any(word in lowered for word in _NO_SCHEDULER)


def names_scaler(name: str) -> bool:
    """A gradient scaler, by its name."""
    return "scaler" in name.lower()


_WRAPPING = frozenset("enumerate tqdm zip iter list range len auto total desc leave start trange track min max".split())


@cache
def names_data(text: str) -> bool:
    """Iterating over something that is a loader, by its name."""
    if text.startswith("range("):
        return False
    return any(names_loader(name) for name in identifiers(text) if name not in _WRAPPING)


@cache
def names_epoch(text: str) -> bool:
    """Epochs, not what there is of something in each of them (``steps_per_epoch``)."""
    lowered = text.lower()
    inside = lowered.count("per_epoch") + lowered.count("each_epoch") + lowered.count("perepoch")
    return lowered.count("epoch") > inside or "ep" in identifiers(text)


@cache
def names_step(text: str) -> bool:
    """Whether a text speaks of steps, iterations or batches."""
    return _any(text, "step", "iter", "batch") or "it" in identifiers(text)


def micro_steps(text: str) -> bool:
    """A name that counts batches rather than updates (``iters`` of a loader)."""
    return bool(set(parts(last_part(text))) & _BATCH_COUNTERS)


@cache
def is_accumulation(text: str) -> bool:
    """A number of batches per update."""
    return _any(text, "accum", "update_freq", "iter_size", "grad_acc")


@cache
def is_processes(text: str) -> bool:
    """Something that is only there with several processes."""
    words = parts(last_part(text))
    return _any(text, "world_size", "distributed", "multiprocessing", "local_rank", "num_processes") or bool(
        set(words) & {"ddp", "gpus", "ngpus", "ngpu"} or words[-2:] == ("n", "gpu")
    )


@cache
def is_resume(text: str) -> bool:
    """A setting that continues an earlier run."""
    return _any(text, "resume", "checkpoint", "ckpt", "restore", "continue", "pretrain", "load", "start_epoch")


def is_resume_flag(text: str) -> bool:
    """A setting that says by its name that the run is resumed."""
    return "resume" in text.lower()


@cache
def names_rank(text: str) -> bool:
    """The number of a process, or whether it is the main one."""
    return _any(text, "rank", "main_process", "is_master", "is_main", "primary", "master_process")


@cache
def names_main_process(text: str) -> bool:
    """Whether a text speaks of the main process."""
    return _any(text, "main", "master", "primary", "zero")
