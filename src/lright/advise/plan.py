"""A plan: the schedule for one training, with the reason and the source of every choice.

:func:`plan` completes what is known, lets the decision table choose, and does the arithmetic. What it had to assume, it
says; what it could not know, it asks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..clock import Budget
from ..errors import LrightError
from ..knowledge import load
from ..knowledge.conditions import holds
from ..records import field, record
from ..schedule.phases import Schedule
from ..schedule.resolve import Resolved
from ..setting import ASSUMED, Setting
from .decide import Row, decide, every
from .facts import Facts
from .template import fill, number

JUDGEMENT = "our judgement"


@record(frozen=True, slots=True)
class Reason:
    """One choice: what was decided about, what was chosen, why, on whose word, and what would change it."""

    topic: str
    choice: str
    text: str
    sources: tuple[str, ...]
    changes: str = ""


@record(frozen=True, slots=True)
class Alternative:
    """Another schedule that would do, and when it wins."""

    schedule: str
    text: str
    sources: tuple[str, ...]


@record(slots=True)
class Plan:
    """What to do with the LR of one training.

    ``peak`` is the highest LR, ``low`` and ``high`` the range in which it is usually found; ``unit`` says how often the
    scheduler is stepped (epoch, update or validation).
    """

    setting: Setting
    schedule: Schedule
    text: str
    title: str
    shape: str
    peak: float
    low: float | None
    high: float | None
    unit: str
    budget: Budget
    reasons: list[Reason]
    assumptions: list[str] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    cautions: list[Reason] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    measure: list[str] = field(default_factory=list)

    @property
    def resolved(self) -> Resolved:
        """The curve in this training."""
        return self.schedule.resolve(self.budget, self.peak)

    @property
    def framework(self) -> str:
        """What the code is to be written for."""
        return self.setting.text("framework") or "torch"


def plan(setting: Setting, marks: Mapping[str, Any] | None = None) -> Plan:
    """The schedule for what ``setting`` says.

    >>> made = plan(Setting.of(model="resnet50", dataset="imagenet", optimizer="sgd", epochs=90, batch_size=256))
    >>> made.text, made.peak, made.unit
    ('warmup 5ep > cosine to 0', 0.1, 'epoch')

    :raises LrightError: if the facts contradict each other (a warmup longer than the training).
    """
    known, assumptions = completed(setting)
    case = Facts(known, None, marks)
    shape = _row("shape", case)
    case.marks["shape"] = shape["id"]
    warmup = _row("warmup", case)
    length, warmup_text = _warmup(warmup, case)
    floor = _row("floor", case)
    peak, low, high, peak_reason = _peak(case, shape)
    start = f" from {warmup['start']:g}" if length and "start" in warmup else ""
    text = _schedule_text(shape, length, start, _floor(floor, case, peak), case)
    case.marks["ends_in_cosine"] = "cosine to" in text and "one-cycle" not in text
    stepping = _row("stepping", case)
    unit = str(stepping["unit"])
    if unit == "epoch" and ("%" in text or "update" in text or not case.number("epochs")):
        unit = "update"  # what need not be whole epochs
    reasons = [
        _reason("schedule", str(shape["title"]), shape, case),
        _reason("warmup", warmup_text, warmup, case),
        peak_reason,
        _reason("stepping", f"once per {unit}", stepping, case),
    ]
    if "cosine to" in text and shape["id"] not in ("lr-free",):
        reasons.insert(3, _reason("floor", _floor_words(floor, case, peak), floor, case))
    layers = decide("layers", case)
    if layers is not None:
        reasons.append(_reason("parameter groups", str(layers["groups"]), layers, case))
    made = Plan(
        known, Schedule.parse(text), text, str(shape["title"]), str(shape["id"]), peak, low, high, unit,
        _budget(case, text, assumptions), reasons, assumptions,
        [Alternative(str(row["schedule"]), said, tuple(row["source"])) for row in every("alternatives", case)
         if (said := fill(row["because"], case))],
    )  # fmt: skip
    made.cautions = _said("cautions", case)
    made.questions = [said for row in every("questions", case) if (said := fill(row["ask"], case))]
    made.measure = [said for row in every("measure", case) if (said := fill(row["do"], case))]
    return made


# What follows from what is known


def named(setting: Setting) -> Setting:
    """The setting with its model and optimizer under the names of the knowledge (``ViT-B/16`` is ``vit-b16``)."""
    from ..knowledge.lookup import architecture, optimizer

    for name, find in (("model", architecture), ("optimizer", optimizer)):
        known = setting.facts.get(name)
        entry = find(str(known.value)) if known is not None else {}
        if known is not None and entry:
            setting.know(name, str(entry["id"]), known.origin, known.certainty)
    return setting


def completed(setting: Setting) -> tuple[Setting, list[str]]:
    """The setting with what follows from it, and what had to be assumed, in words."""
    known = Setting(dict(setting.facts), list(setting.symptoms))
    _from_model(known)
    _from_dataset(known)
    assumptions: list[str] = []
    _assume_task(known, assumptions)
    _assume_weights(known, assumptions)
    _assume_optimizer(known, assumptions)
    return known, assumptions


def _from_model(known: Setting) -> None:
    entry = load("architectures").get(known.text("model"), {})
    origin = f"it is {entry.get('title', '')}"
    for name in ("family", "domain", "norm", "batch_norm", "algorithm"):
        if entry.get(name) is not None and entry.get(name) != "none":
            known.suppose(name, entry[name], origin)
    if entry.get("pretrained_only"):
        known.suppose("pretrained", True, origin)
    if known.text("adapter") in ("lora", "qlora", "head"):
        known.suppose("pretrained", True, "adapters are trained on a trained model")


SAMPLES = {
    "imagenet": 1_281_167, "imagenet-21k": 14_197_122, "cifar10": 50_000, "cifar100": 50_000, "mnist": 60_000,
    "fashion-mnist": 60_000, "coco": 118_287,
}  # fmt: skip


def _assume_task(known: Setting, assumptions: list[str]) -> None:
    if known.text("family") == "cnn" and known.get("domain") is None:
        known.suppose("domain", "classification", "nobody said", ASSUMED)
        assumptions.append("image classification (--domain)")


def _from_dataset(known: Setting) -> None:
    size = SAMPLES.get(known.text("dataset"))
    if size and known.get("batches_per_epoch") is None:
        known.suppose("samples", size, f"the training images of {known['dataset']}")


def _assume_weights(known: Setting, assumptions: list[str]) -> None:
    if known.get("pretrained") is None and known.text("domain") not in ("rl", "gan", "graph", "tabular", "time-series"):
        known.suppose("pretrained", False, "nobody said", ASSUMED)
        assumptions.append("trained from scratch (--pretrained for fine-tuning)")


HIGH_FOR_ADAM = 0.01  # an LR from which SGD is the likelier optimizer (our judgement)


def _assume_optimizer(known: Setting, assumptions: list[str]) -> None:
    if known.get("optimizer") is not None:
        return
    vision = known.text("family") == "cnn" and known.text("domain") in ("classification", "detection", "segmentation")
    high = (known.number("lr") or 0.0) >= HIGH_FOR_ADAM
    name = "sgd" if high or (vision and not known.get("pretrained") and known.number("lr") is None) else "adamw"
    known.suppose("optimizer", name, "nobody said", ASSUMED)
    title = load("optimizers").get(name, {}).get("title", name)
    assumptions.append(f"optimizer {title} (--optimizer)")


# One decision each


def _row(decision: str, case: Facts) -> Row:
    row = decide(decision, case)
    if row is None:
        raise LrightError(f"the decision table has no row for {decision} in this case")
    return row


def _reason(topic: str, choice: str, row: Row, case: Facts) -> Reason:
    said = fill(row["because"], case) or ""
    return Reason(topic, choice, said, tuple(row["source"]), str(row.get("changes", "")))


def _said(decision: str, case: Facts) -> list[Reason]:
    rows = [(row, fill(row["because"], case)) for row in every(decision, case)]
    return [Reason(decision, str(row["id"]), said, tuple(row["source"])) for row, said in rows if said]


def _warmup(row: Row, case: Facts) -> tuple[str, str]:
    """The warmup as the text of a length (empty: none), and in words."""
    kind = row["length"]
    if kind == "none":
        return "", "none"
    if kind == "keep":
        return str(case.get("warmup")), f"{case.get('warmup')}, as you have it"
    if kind == "share" or (kind in ("adam", "vision") and not case.number("updates")):
        return _share_or_epochs(row, case)
    if kind == "epochs" and case.number("epochs"):
        epochs = min(float(row["epochs"]), math.ceil(row["most"] * (case.number("epochs") or 1)))
        return f"{epochs:g}ep", f"{epochs:g} epochs"
    if kind == "epochs":
        return _percent(row["most"] / 2)
    return _in_updates(row, case)


def _share_or_epochs(row: Row, case: Facts) -> tuple[str, str]:
    """A share of the run; in whole epochs where the run is long enough for it."""
    epochs = case.number("epochs")
    if row["length"] == "vision" and epochs and epochs >= 20:
        whole = max(1, round(row["share"] * epochs))
        return f"{whole}ep", f"{whole} epochs"
    return _percent(row.get("blind", row["share"]))  # "blind": where the updates are not known


def _percent(share: float) -> tuple[str, str]:
    return f"{100 * share:g}%", f"{100 * share:g}% of the run"


def _in_updates(row: Row, case: Facts) -> tuple[str, str]:
    """A length in updates: what practice and Adam's moments ask for, within the share that is sensible."""
    total = case.number("updates")
    wanted = float(row["steps"]) if "steps" in row else max(case.number("adam_floor") or 0, row["share"] * (total or 0))
    if total is None:
        return f"{wanted:.0f} updates", f"{wanted:,.0f} updates"
    least = min(wanted, row["most"] * total)
    per_epoch, epochs = case.number("updates_per_epoch"), case.number("epochs")
    if row["length"] == "vision" and per_epoch and epochs and epochs >= 20:
        whole = max(1, round(row["share"] * epochs), round(least / per_epoch))
        return f"{whole}ep", f"{whole} epochs ({whole * per_epoch:,.0f} updates)"
    updates = max(1, round(least))
    return f"{updates} updates", f"{updates:,} updates ({100 * updates / total:.2g}% of the run)"


def _floor(row: Row, case: Facts, peak: float) -> str:
    if row["value"] == "keep":
        return f"{min(case.number('floor') or 0.0, peak):g} abs"
    return f"{row['value']:g}"


def _floor_words(row: Row, case: Facts, peak: float) -> str:
    value = case.number("floor") if row["value"] == "keep" else row["value"] * peak
    return number(value or 0)


def _schedule_text(row: Row, warmup: str, start: str, floor: str, case: Facts) -> str:
    text = str(row["schedule"]).replace("{floor}", floor)
    if text == "plateau":
        return f"plateau factor 0.1 patience {5 if case.get('patience') is None else case.number('patience'):g}"
    if text == "inverse-sqrt":
        text = f"inverse-sqrt timescale {warmup or '4000 updates'}"
    return f"warmup {warmup}{start} > {text}" if warmup else text


# The peak


def _range(case: Facts) -> Row | None:
    entry = case.get("optimizer_entry") or {}
    return next((row for row in entry.get("lrs", ()) if holds(row["when"], case)), None)


def _scaling(case: Facts) -> str:
    """How the optimizer's LR follows the batch: linear, sqrt or none."""
    return str((case.get("optimizer_entry") or {}).get("scaling", {}).get("rule", "none"))


def scaled(row: Row, value: float, case: Facts) -> float:
    """A value of a range at this case's batch: linear for SGD, square root for Adam, where the range has a batch."""
    batch, reference = case.number("effective_batch"), row.get("reference_batch")
    rule = _scaling(case)
    if not batch or not reference or rule == "none":
        return value
    ratio = batch / float(reference)
    return float(value * (ratio if rule == "linear" else math.sqrt(ratio)))


def _tidy(value: float) -> float:
    return float(f"{value:.2g}")


def _peak(case: Facts, shape: Row) -> tuple[float, float | None, float | None, Reason]:
    row, told = _range(case), case.number("lr")
    if shape["id"] == "lr-free":
        reason = Reason("peak LR", "1", "It estimates the step size itself; leave lr at 1.", ("dadapt_prodigy",))
        return 1.0, None, None, reason
    if case.number("measured_lr"):
        return _measured(case, shape, row)
    if told is None and case.number("batch_ratio") and case.number("reference_lr"):
        scaled_peak = _from_reference(case)
        if row is None or _plausible(scaled_peak[0], row, case):
            return scaled_peak
    if row is None:
        peak = told or 1e-3
        text = "Your own." if told else "We know no range for this optimizer: find it with an LR range test."
        return peak, None, None, Reason("peak LR", number(peak), text, (JUDGEMENT,))
    low, start, high = (_tidy(scaled(row, float(row[key]), case)) for key in ("low", "start", "high"))
    sources = (row["source"],) if isinstance(row["source"], str) else tuple(row["source"])
    span = f"usual {number(low)} to {number(high)}"
    scaling = _scaling_words(row, case)
    if told is None:
        text = f"A start from the range seen in recipes ({span}{scaling}); find yours with an LR range test."
        return start, low, high, Reason("peak LR", number(start), text, sources)
    if not case.get("told:optimizer"):
        text = f"Yours; whether it is high depends on the optimizer, which you did not name (with it {span}{scaling})."
        return told, low, high, Reason("peak LR", number(told), text, sources)
    if told > 10 * high or told < low / 10:
        side = "above" if told > high else "below"
        text = f"Your {number(told)} is more than ten times {side} the range seen in recipes ({span}{scaling})."
        return start, low, high, Reason("peak LR", number(start), text, sources)
    if told > high and case.setting.saw("nan", "diverged", "unstable", "spike", "stuck"):
        text = f"Your {number(told)} is above the range seen in recipes ({span}{scaling}), and training is unstable."
        return high, low, high, Reason("peak LR", number(high), text, sources)
    text = f"Yours; it is {_placed(told, low, high)} the range seen in recipes ({span}{scaling})."
    return told, low, high, Reason("peak LR", number(told), text, sources)


def _measured(case: Facts, shape: Row, row: Row | None) -> tuple[float, float | None, float | None, Reason]:
    """What a range test measured on this training: a third of it where the LR never decays (our judgement)."""
    share = 1 / 3 if shape["id"] in ("constant", "constant-averaged") else 1.0
    peak, low, high = (case.number(name) for name in ("measured_lr", "measured_low", "measured_high"))
    span = f", {number(_tidy(low))} to {number(_tidy(high))}" if low and high else ""
    text = f"Measured by a range test on this training ({number(_tidy(peak or 0.0))}{span})."
    if share != 1.0:
        text += " A third of it, for an LR that never decays."
    if row is not None:
        usual = [_tidy(scaled(row, float(row[key]), case)) for key in ("low", "high")]
        text += f" Recipes of its kind use {number(usual[0])} to {number(usual[1])}."
    found = _tidy((peak or 0.0) * share)
    bounds = (_tidy(low * share), _tidy(high * share)) if low and high else (None, None)
    return found, *bounds, Reason("peak LR", number(found), text, ("a range test on this training", JUDGEMENT))


def _plausible(peak: float, row: Row, case: Facts) -> bool:
    """Whether an LR is within ten times of the range: one that is not was known to work with something else."""
    return scaled(row, float(row["low"]), case) / 10 <= peak <= 10 * scaled(row, float(row["high"]), case)


def _from_reference(case: Facts) -> tuple[float, float | None, float | None, Reason]:
    """An LR that is known to work at another batch, brought to this one."""
    rule = _scaling(case)
    linear, root = case.number("linear_lr") or 0.0, case.number("sqrt_lr") or 0.0
    peak = linear if rule == "linear" else root
    low, high = sorted((linear, root))
    batches = f"{number(case.number('reference_batch') or 0)} to {number(case.number('effective_batch') or 0)}"
    if rule == "linear":
        text = f"{number(case.number('reference_lr') or 0)} scaled linearly with the whole batch, from {batches}."
        sources: tuple[str, ...] = ("goyal_linear_scaling", "shallue_no_universal_rule")
    else:
        text = f"{number(case.number('reference_lr') or 0)} scaled with the square root of the batch, from {batches}."
        sources = ("malladi_sqrt", "timm_scaling_choice", "shallue_no_universal_rule")
    return _tidy(peak), _tidy(low), _tidy(high), Reason("peak LR", number(_tidy(peak)), text, sources)


def _placed(value: float, low: float, high: float) -> str:
    if value > high:
        return f"{value / high:.2g} times above"
    return f"{low / value:.2g} times below" if value < low else "in"


def _scaling_words(row: Row, case: Facts) -> str:
    batch, reference = case.number("effective_batch"), row.get("reference_batch")
    rule = _scaling(case)
    if not batch or not reference or rule == "none" or batch == reference:
        return ""
    words = {"linear": "linearly", "sqrt": "with the square root"}[rule]
    return f", scaled {words} from batch {reference:,} to {batch:,.0f}"


# The clock


def _budget(case: Facts, text: str, assumptions: list[str]) -> Budget:
    """The length of the training. What nobody said is assumed, and said: a curve needs a length."""
    per_epoch = case.number("updates_per_epoch")
    epochs, steps = case.number("epochs"), case.number("steps")
    if text.startswith("plateau"):  # validations count, not the length
        return Budget(epochs=epochs or 100, batches_per_epoch=int(per_epoch or 100))
    if epochs is not None and steps is None:
        if per_epoch is None:
            assumptions.append("100 updates an epoch (--samples and --batch-size)")
        return Budget(epochs=epochs, batches_per_epoch=int(per_epoch or 100))
    total = case.number("updates")
    if total is None:
        epochs = 3 if case.get("pretrained") and case.get("transformer") else 100
        assumptions.append(f"{epochs} epochs (--epochs or --steps)")
        return Budget(epochs=epochs, batches_per_epoch=int(per_epoch or 100))
    if per_epoch is None and "ep" in text.replace("step", ""):
        assumptions.append("100 updates an epoch (--samples and --batch-size)")
        per_epoch = 100
    if per_epoch is None:
        return Budget(updates=max(1, round(total)))
    return Budget(updates=max(1, round(total)), batches_per_epoch=int(per_epoch))
