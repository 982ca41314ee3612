"""The code of an answer: a plan or a schedule, written for the person's framework."""

from __future__ import annotations

from typing import Any

from ..advise.answer import Snippet
from ..advise.plan import Plan
from ..schedule.phases import Schedule


def of_plan(plan: Plan, title: str) -> Snippet:
    """The code of a plan."""
    return _snippet(plan.schedule, plan.peak, plan, title, None if plan.unit == "validation" else plan.unit)


def of_schedule(text: str, peak: float, plan: Plan, title: str) -> Snippet:
    """The code of another schedule in the training of a plan."""
    return _snippet(Schedule.parse(text), peak, plan, title, None)


def _snippet(schedule: Schedule, peak: float, plan: Plan, title: str, step: str | None) -> Snippet:
    made = exported(schedule, peak, plan, step)
    return Snippet(title, made.setup, tuple(made.notes))


def exported(schedule: Schedule, peak: float, plan: Plan, step: str | None, framework: str = "") -> Any:
    """A schedule as the exporter's snippet, with what the plan knows of the training."""
    from ..schedule.export import FRAMEWORKS, export

    wanted = framework or plan.framework
    setting = plan.setting
    options: dict[str, Any] = {
        "optimizer": _optimizer(setting.text("optimizer")),
        "accumulate": int(setting.number("accumulation") or 1),
        "clip": setting.number("clip"),
    }
    if setting.number("weight_decay") is not None:
        options["weight_decay"] = setting.number("weight_decay")
    if setting.number("momentum") is not None:
        options["momentum"] = setting.number("momentum")
    if setting.number("beta2") is not None:
        options["betas"] = (0.9, setting.number("beta2"))
    return export(
        schedule, plan.budget, peak=peak, framework=wanted if wanted in FRAMEWORKS else "torch", step=step, **options
    )


_NAMES = {
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "nadam": "NAdam", "radam": "RAdam",
    "adagrad": "Adagrad", "adadelta": "Adadelta", "adafactor": "Adafactor",
}  # fmt: skip


def _optimizer(name: str) -> str:
    return _NAMES.get(name.lower(), "AdamW")
