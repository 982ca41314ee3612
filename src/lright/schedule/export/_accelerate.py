"""Accelerate: the loop is yours, the loader and the scheduler are prepared."""

from __future__ import annotations

from ._base import Count, Curve, Job, Snippet, Ticks, from_import, indent, module, number, take_apart, unit_of
from ._torch import SCHEDULERS, Built, first_lr, optimizer_line, schedulers, step_lines

EVALUATE = '''@torch.no_grad()
def evaluate(model, loader, loss_fn, accelerator):
    """The mean loss over a loader, over all processes."""
    model.eval()
    losses = torch.stack([loss_fn(model(x), y) for x, y in loader])
    return accelerator.gather(losses).mean().item()'''


def write(job: Job) -> Snippet:
    """A loop under Accelerate. A scheduler stepped per update is prepared, one stepped per epoch is not."""
    unit = unit_of(job, epochs=False)
    processes = job.budget.processes
    scale = Count("accelerator.num_processes", processes if isinstance(processes, int) else 1)
    ticks = Ticks(
        job, unit, per_epoch=_per_epoch(job, unit), scale=scale if unit == "update" else None,
        word="step" if unit == "update" else "",
    )  # fmt: skip
    curve = take_apart(job, ticks)
    return _compose(job, curve, schedulers(curve, job))


def _per_epoch(job: Job, unit: str) -> str | None:
    if unit == "epoch":
        return None
    batches = "len(train_loader)" if job.accumulate == 1 else "math.ceil(len(train_loader) / accumulate)"
    return f"{batches} * accelerator.num_processes"


def _compose(job: Job, curve: Curve, built: Built) -> Snippet:
    ticks = curve.ticks
    optimizer = optimizer_line(job.optimizer, first_lr(curve, job.peak))
    given = f"gradient_accumulation_steps={job.accumulate}" if job.accumulate > 1 else ""
    loop = _loop(job, curve, step_lines(curve))
    names = ticks.lines(*built.lines, *loop)
    if ticks.unit == "epoch":
        prepared = ["# not the scheduler: it is stepped per epoch, the same on all processes"]
    else:
        prepared = ["# the loader is split over the processes here, so its length is taken afterwards"]
    if not built.lines:
        prepared = []
    setup = [
        f"accelerator = Accelerator({given})", optimizer, *prepared,
        "model, optimizer, train_loader, val_loader = accelerator.prepare(model, optimizer, train_loader, val_loader)",
    ]  # fmt: skip
    if ticks.unit == "update" and built.lines:
        setup += ["", "# a prepared scheduler steps once for every process, so lengths are times num_processes", *names]
        setup += [*built.lines, "scheduler = accelerator.prepare(scheduler)"]
    else:
        setup += [*names, *built.lines]
    train = HEAD + "\n" + indent([*setup, "", *loop, "return accelerator.unwrap_model(model)"])
    found = from_import("torch.optim.lr_scheduler", SCHEDULERS, "\n".join(built.lines))
    imports = ["import math", "import torch", "from accelerate import Accelerator", *([found] if found else [])]
    code = module(imports, EVALUATE, train)
    notes = ["on several processes the scheduler is stepped once for each of them: lengths are times num_processes"]
    if ticks.unit == "epoch" or not built.lines:
        notes = []
    return curve.snippet(code, "\n".join(setup), [*notes, *built.notes], built.lr)


HEAD = "def train(model, train_loader, val_loader, loss_fn=torch.nn.functional.cross_entropy):"


def _loop(job: Job, curve: Curve, stepping: list[str]) -> list[str]:
    ticks = curve.ticks
    per_update = ticks.unit == "update"
    counted = ticks.epochs is None
    clip = []
    if job.clip is not None:
        clip = ["if accelerator.sync_gradients:",
                f"    accelerator.clip_grad_norm_(model.parameters(), {number(job.clip)})"]  # fmt: skip
    step = ["scheduler.step()  # passes over batches that are only accumulated"] if job.accumulate > 1 else stepping
    lines = [
        "loss = loss_fn(model(x), y)", "accelerator.backward(loss)", *clip, "optimizer.step()",
        *(step if per_update and stepping else []), "optimizer.zero_grad()",
    ]  # fmt: skip
    if job.accumulate > 1:
        lines = ["with accelerator.accumulate(model):", indent(lines)]
    if counted:
        stop = ["update += 1", f"if update == {_updates(ticks)}:", "    break"]
        lines += ["if accelerator.sync_gradients:", indent(stop)] if job.accumulate > 1 else stop
    after = ["val_loss = evaluate(model, val_loader, loss_fn, accelerator)", *([] if per_update else stepping)]
    batches = ["model.train()", "for x, y in train_loader:", indent(lines), *after]
    if counted:
        text = 'accelerator.print(f"update {update}: validation loss {val_loss:.4f}")'
        return ["update = 0", f"while update < {_updates(ticks)}:", indent([*batches, text])]
    text = 'accelerator.print(f"epoch {epoch + 1}: validation loss {val_loss:.4f}")'
    return ["for epoch in range(epochs):", indent([*batches, text])]


def _updates(ticks: Ticks) -> str:
    return str(round(ticks.total.value / ticks.scale.value)) if ticks.epochs is None else ticks.total.text
