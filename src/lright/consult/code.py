"""The code of an answer: a plan or a schedule, written for the person's framework."""

from __future__ import annotations

from typing import Any

from ..advise.answer import Snippet
from ..advise.plan import Plan
from ..errors import LrightError
from ..schedule.phases import Schedule


def of_plan(plan: Plan, title: str) -> Snippet:
    """The code of a plan."""
    return _snippet(plan.schedule, plan.peak, plan, title, None if plan.unit == "validation" else plan.unit)


def of_schedule(text: str, peak: float, plan: Plan, title: str) -> Snippet:
    """The code of another schedule in the training of a plan."""
    return _snippet(Schedule.parse(text), peak, plan, title, None)


def _snippet(schedule: Schedule, peak: float, plan: Plan, title: str, step: str | None) -> Snippet:
    try:
        made = exported(schedule, peak, plan, step)
    except LrightError as error:
        return Snippet(title, "", (str(error),))
    return Snippet(title, made.setup, notes(made, plan))


def notes(made: Any, plan: Plan) -> tuple[str, ...]:
    """What is to be known of a snippet: the exporter's remarks, and where it had to write something else."""
    said = list(made.notes)
    wanted, name = plan.framework, plan.setting.text("optimizer").lower()
    if wanted != framework_of(plan):
        said.append(f"{wanted}: lright writes plain torch for it")
    if name and name not in _NAMES:
        said.append(f"{name} is not in torch: put yours in place of AdamW")
    return tuple(said)


def framework_of(plan: Plan) -> str:
    """The framework that code is written for: the plan's, or torch."""
    from ..schedule.export import FRAMEWORKS

    return plan.framework if plan.framework in FRAMEWORKS else "torch"


def exported(schedule: Schedule, peak: float, plan: Plan, step: str | None, framework: str = "") -> Any:
    """A schedule as the exporter's snippet, with what the plan knows of the training."""
    from ..schedule.export import export

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
    wanted = framework or framework_of(plan)
    try:
        return export(schedule, plan.budget, peak=peak, framework=wanted, step=step, **options)
    except LrightError:
        if step is None:
            raise
        return export(schedule, plan.budget, peak=peak, framework=wanted, **options)  # as often as it can be


_NAMES = {
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "nadam": "NAdam", "radam": "RAdam",
    "adagrad": "Adagrad", "adadelta": "Adadelta", "adafactor": "Adafactor",
}  # fmt: skip


def _optimizer(name: str) -> str:
    return _NAMES.get(name.lower(), "AdamW")
