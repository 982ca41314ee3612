"""A schedule as working code for a framework, with the conventions in which that framework differs.

>>> from lright.clock import Budget
>>> from lright.schedule import cosine, warmup
>>> budget = Budget("90ep", batches_per_epoch=391)
>>> snippet = export(warmup("5ep") >> cosine(to=0.01), budget, peak=0.1, framework="torch", optimizer="SGD")
>>> print(snippet.setup)
epochs = 90
warmup_epochs = 5
<BLANKLINE>
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
warmup = LinearLR(optimizer, start_factor=1 / (warmup_epochs + 1), total_iters=warmup_epochs)
# each scheduler counts from its own start: T_max is what the warmup leaves
cosine = CosineAnnealingLR(optimizer, T_max=epochs - warmup_epochs, eta_min=0.001)
scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[warmup_epochs])
>>> snippet.unit, snippet.expected(5 * 391)
('epoch', 0.1)
"""

from __future__ import annotations

from importlib import import_module

from ...clock import Budget, Length
from ...errors import LrightError
from ..phases import Schedule
from ..values import as_budget, as_number
from ._base import Job, Optimizer, Snippet

__all__ = ["FRAMEWORKS", "Snippet", "export"]

FRAMEWORKS = ("torch", "lightning", "transformers", "accelerate", "timm", "keras", "optax")


def export(
    schedule: Schedule,
    budget: Budget | Length | str | int,
    *,
    peak: float,
    framework: str = "torch",
    optimizer: str = "AdamW",
    weight_decay: float | None = None,
    betas: tuple[float, float] | None = None,
    momentum: float = 0.9,
    clip: float | None = None,
    accumulate: int | None = None,
    step: str | None = None,
) -> Snippet:
    """The code that trains with ``schedule`` in ``framework``, one of :data:`FRAMEWORKS`.

    ``peak`` is the LR that 1 stands for. ``optimizer`` is the framework's name of it; ``betas`` go to those of the
    Adam family, ``momentum`` (in [0, 1)) to SGD and RMSprop. ``clip`` is the largest norm of the gradient,
    ``accumulate`` the micro-batches of an update (default: the budget's). ``step`` is "epoch" or "update": how often
    the schedule advances; left out, it is per epoch where the schedule is written in whole epochs and the framework
    can. Lengths are taken from ``len(train_loader)`` at run time, so the budget need not know the batches of an epoch.

    Raises :class:`LrightError` saying what to do where the framework cannot do it.

    >>> from lright.schedule import wsd
    >>> export(wsd(), "10k updates", peak=3e-4, framework="optax").unit
    'update'
    """
    if framework not in FRAMEWORKS:
        raise LrightError(f"{framework!r} is no framework to export to: use one of {', '.join(FRAMEWORKS)}")
    if step not in (None, "epoch", "update"):
        raise LrightError(f"step={step!r} is unknown: a schedule advances once per 'epoch' or per 'update'")
    if not as_number("peak", peak) > 0:
        raise LrightError(f"peak={peak} is no LR to train with: it must be greater than 0")
    whole = as_budget(budget)
    micro = whole.accumulate if accumulate is None else accumulate
    if not isinstance(micro, int) or micro < 1:
        raise LrightError(f"accumulate={micro} must be a whole number of batches, 1 or more")
    if not optimizer.isidentifier():
        raise LrightError(f"{optimizer!r} is no name of an optimizer class: write 'AdamW' or 'SGD'")
    chosen = Optimizer(optimizer, float(peak), weight_decay, betas, momentum)
    job = Job(schedule, whole, float(peak), chosen, clip, micro, step)
    snippet: Snippet = import_module(f"lright.schedule.export._{framework}").write(job)
    return snippet
