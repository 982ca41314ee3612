"""transformers: a name and its arguments where the Trainer knows one, else a Trainer that makes the scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...errors import LrightError
from ..emulate import Optimizer as Emulated
from ..emulate import build
from ._base import Curve, Job, Part, Snippet, Ticks, call, from_import, indent, module, number, take_apart, unit_of
from ._torch import SCHEDULERS, Built, optimizer_line, schedulers

_CUSTOM = '''class ScheduledTrainer(Trainer):
    """Makes its own schedule, for as many updates as the Trainer counts, on any number of devices."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        optimizer = optimizer or self.optimizer
'''


class Named:
    """A scheduler that TrainingArguments has a name for."""

    def __init__(self, name: str, warmup: Part | None, **kwargs: object) -> None:
        self.name = name
        self.warmup = warmup
        self.kwargs = {key: value for key, value in kwargs.items() if value is not None}


def write(job: Job) -> Snippet:
    """TrainingArguments and a Trainer."""
    if job.step == "epoch":
        raise LrightError("the Trainer steps its scheduler once per update: leave out step='epoch', or use 'torch'")
    unit = unit_of(job, epochs=False)
    ticks = Ticks(job, unit, per_epoch=_per_epoch(job), total="num_training_steps")
    curve = take_apart(job, ticks)
    named = _named(curve, job)
    if named is None:
        return _custom(job, curve)
    return _by_name(job, curve, named)


def _per_epoch(job: Job) -> str | None:
    total = job.budget.total
    return "num_training_steps // epochs" if total is not None and str(total).endswith("ep") else None


def _named(curve: Curve, job: Job) -> Named | None:
    parts = curve.parts
    warmup, rest = (parts[0], parts[1:]) if curve.warmup else (None, parts)
    if curve.metric is not None:
        return _plateau(curve, warmup)
    if warmup is not None and not warmup.rising:
        return None  # the Trainer's warmups begin at 0
    if len(rest) == 2:
        return _wsd(rest, warmup, curve)
    if curve.shapes == ("hold",):
        return Named("constant", None)
    if len(rest) != 1 or rest[0].start != 1 or rest[0].phase.length is not None:
        return None
    part, params = rest[0], rest[0].params
    floor = number(part.to * job.peak)
    if part.plain == "hold":
        return Named("constant_with_warmup", warmup)
    if part.plain == "cosine" and part.shape != "warmup" and 0 <= part.to < 1:
        if part.to == 0:
            return Named("cosine", warmup)
        return Named("cosine_with_min_lr", warmup, min_lr_rate=number(part.to))
    if part.plain == "linear" and part.to == 0:
        return Named("linear", warmup)
    if part.plain in ("linear", "polynomial") and part.to < 1:
        power = number(params["power"]) if part.plain == "polynomial" else "1.0"
        return Named("polynomial", warmup, lr_end="0.0" if floor == "0" else floor, power=power)
    if part.plain == "inverse-sqrt":
        scale = params["timescale"]
        if warmup is not None and part.phase.param("timescale") == warmup.phase.length:
            return Named("inverse_sqrt", warmup)
        steps = curve.ticks.names.get(scale.text, "")
        return Named("inverse_sqrt", warmup, timescale=steps) if steps.replace("_", "").isdigit() else None
    return None


def _wsd(rest: list[Part], warmup: Part | None, curve: Curve) -> Named | None:
    stable, decay = rest
    steps = curve.ticks.names.get(decay.n.text, "")
    if stable.shape != "hold" or stable.start != 1 or decay.plain not in ("linear", "cosine", "1-sqrt"):
        return None
    if not steps.replace("_", "").isdigit() or warmup is None or decay.start != 1 or not 0 <= decay.to < 1:
        return None
    kind = None if decay.plain == "cosine" else f'"{decay.plain}"'
    least = number(decay.to) if decay.to else None
    return Named("warmup_stable_decay", warmup, num_decay_steps=steps, decay_type=kind, min_lr_ratio=least)


def _plateau(curve: Curve, warmup: Part | None) -> Named:
    if warmup is not None or curve.shapes != ("hold",):
        raise LrightError("the Trainer steps a plateau after evaluations only, so it has no warmup: leave it out, or "
                          "use framework='torch'")  # fmt: skip
    assert curve.metric is not None
    p = dict(curve.metric.params)
    floor = p["floor"] * (curve.resolved.peak or 1.0)
    return Named(
        "reduce_lr_on_plateau", None, factor=number(p["factor"]), patience=number(p["patience"]),
        mode='"max"' if p["mode"] == "max" else None, min_lr=number(floor) if floor else None,
        threshold=number(p["threshold"]) if p["threshold"] != 1e-4 else None,
        threshold_mode='"abs"' if p["threshold_mode"] == "abs" else None,
        cooldown=number(p["cooldown"]) if p["cooldown"] else None,
    )  # fmt: skip


def _by_name(job: Job, curve: Curve, named: Named) -> Snippet:
    lines = _arguments(job, curve)
    if named.warmup is not None:
        lines.append(_warmup_line(named.warmup, curve.ticks))
    lines.append(f'lr_scheduler_type="{named.name}",')
    if named.kwargs:
        inner = ", ".join(f'"{key}": {value}' for key, value in named.kwargs.items())
        lines.append(f"lr_scheduler_kwargs={{{inner}}},")
    if curve.metric is not None:
        lines += ['eval_strategy="epoch",  # it is stepped after each evaluation', 'metric_for_best_model="eval_loss",']
    notes = ["the Trainer's warmup is t / n: it uses an LR of 0 for its first update"] if named.warmup else []
    if named.name == "polynomial":
        notes.append("its own default is not to end at 0: lr_end says where")
    return _compose(job, curve, lines, "", Built([], _emulated(curve, job, named), tuple(notes)))


def _warmup_line(warmup: Part, ticks: Ticks) -> str:
    text = _warmup_text(warmup, ticks)
    if text.replace("_", "").isdigit():
        return f"warmup_steps={text},"
    return f"warmup_steps={text},  # below 1: a share of the training (transformers 4: warmup_ratio)"


def _warmup_text(warmup: Part, ticks: Ticks) -> str:
    """Updates, or a share of the whole that the Trainer makes updates of."""
    length = warmup.phase.length
    assert length is not None and not hasattr(length, "weight")
    amount = float(length.number)
    if length.unit is None:
        return number(amount)
    if ticks.epochs is not None and str(length).endswith("ep"):
        return f"{number(amount)} / {ticks.epochs}"
    return str(warmup.n.whole)


def _emulated(curve: Curve, job: Job, named: Named) -> Callable[[int], float] | None:
    if curve.metric is not None:
        return None
    total = curve.ticks.total.whole
    warm = 0
    if named.warmup is not None:
        top, _, under = _warmup_text(named.warmup, curve.ticks).partition(" / ")
        share = float(top) / float(under or 1)
        warm = int(share) if share >= 1 else math.ceil(total * share)
    kwargs = {key: _literal(str(value)) for key, value in named.kwargs.items()}
    first = job.peak * (curve.parts[0].start if curve.shapes == ("hold",) else 1)
    emulated = build(
        "get_scheduler", Emulated(lr=first), name=named.name, num_warmup_steps=warm, num_training_steps=total,
        scheduler_specific_kwargs=kwargs or None,
    )  # fmt: skip
    return emulated.lr


def _literal(text: str) -> object:
    if text.startswith('"'):
        return text.strip('"')
    return int(text) if text.replace("_", "").isdigit() else float(text)


def _custom(job: Job, curve: Curve) -> Snippet:
    built = schedulers(curve, job)
    names = curve.ticks.lines(*built.lines)
    names = [line for line in names if not line.startswith("epochs =")]
    body = [_epochs(line).replace("scheduler =", "self.lr_scheduler =", 1) for line in (*names, *built.lines)]
    trainer = _CUSTOM + indent([*body, "return self.lr_scheduler"], 2)
    return _compose(job, curve, _arguments(job, curve), trainer, built)


def _epochs(line: str) -> str:
    whole = "num_training_steps // epochs"
    return line.replace(whole, "round(num_training_steps / self.args.num_train_epochs)")


def _arguments(job: Job, curve: Curve) -> list[str]:
    """What TrainingArguments says besides the schedule."""
    ticks, chosen = curve.ticks, job.optimizer
    total = job.budget.total
    assert total is not None
    counted = not str(total).endswith("ep")
    first = job.peak * (curve.parts[0].start if curve.shapes == ("hold",) else 1)
    size = job.budget.samples_per_batch
    lines = ['output_dir="out",', f"max_steps={ticks.total.whole}," if counted else f"num_train_epochs={total.value},"]
    if isinstance(size, (int, float)):
        lines.append(f"per_device_train_batch_size={number(size)},")
    if job.accumulate > 1:
        lines.append(f"gradient_accumulation_steps={job.accumulate},")
    lines.append(f"learning_rate={number(first)},")
    if chosen.name == "AdamW":
        if chosen.weight_decay is not None:
            lines.append(f"weight_decay={number(chosen.weight_decay)},")
        if chosen.betas:
            lines += [f"adam_beta1={number(chosen.betas[0])},", f"adam_beta2={number(chosen.betas[1])},"]
    lines.append("max_grad_norm=0.0,  # the default clips at 1.0" if job.clip is None else
                 f"max_grad_norm={number(job.clip)},")  # fmt: skip
    return lines


def _compose(job: Job, curve: Curve, arguments: list[str], trainer: str, built: Built) -> Snippet:
    own = job.optimizer.name != "AdamW"
    first = job.peak * (curve.parts[0].start if curve.shapes == ("hold",) else 1)
    setup = ["args = TrainingArguments(", indent(arguments), ")"]
    if own:
        setup.append(optimizer_line(job.optimizer, first))
    made = call(
        "ScheduledTrainer" if trainer else "Trainer", "model", "args", train_dataset="train_dataset",
        eval_dataset="eval_dataset", optimizers="(optimizer, None)" if own else None,
    )  # fmt: skip
    body = [
        *setup,
        f"trainer = {made}",
        "trainer.train()",
        "return trainer.model",
    ]
    train = "def train(model, train_dataset, eval_dataset):\n" + indent(body)
    found = from_import("torch.optim.lr_scheduler", SCHEDULERS, trainer)
    imports = ["import math", "import torch", *([found] if found else []),
               "from transformers import Trainer, TrainingArguments"]  # fmt: skip
    shown = "\n".join([*([trainer, ""] if trainer else []), *setup])
    return curve.snippet(module(imports, trainer, train), shown, built.notes, built.lr)
