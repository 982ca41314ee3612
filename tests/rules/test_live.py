"""Rules of the clock, of lengths and of wiring, judged from real torch loops that were recorded.

Each bad loop gives its finding, each good one and each trap gives none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as schedulers

from lright.finding import INFO
from lright.observe.live import Judge, judge, read
from lright.trace import Trace
from observe.live.recording import Recording, data, loss_of, model

EPOCHS, BATCHES = 10, 20
Make = Callable[[Recording, Any], Any]


def cosine(length: int) -> Make:
    return lambda rec, opt: rec.scheduler(schedulers.CosineAnnealingLR(opt, length), T_max=length)


def one_cycle(total: int) -> Make:
    return lambda rec, opt: rec.scheduler(
        schedulers.OneCycleLR(opt, 0.1, total_steps=total), max_lr=0.1, total_steps=total
    )


def stepped(size: int) -> Make:
    return lambda rec, opt: rec.scheduler(schedulers.StepLR(opt, size), step_size=size)


def plateau(**arguments: Any) -> Make:
    return lambda rec, opt: rec.scheduler(schedulers.ReduceLROnPlateau(opt, **arguments), **arguments)


def trained(make: Make, when: str, epochs: int = EPOCHS, every: int = 1, validate: bool = False) -> Recording:
    """A loop of 20 batches an epoch that steps its scheduler ``when`` it is told to."""
    rec, net, loader, held_out = Recording(), model(), data(), data(160)
    optimizer = rec.optimizer(torch.optim.SGD(net.parameters(), lr=0.05))
    scheduler = make(rec, optimizer)
    loss = torch.zeros(())
    for epoch in range(epochs):
        if when == "start of epoch":
            rec.tick(scheduler)
        for number, batch in enumerate(rec.batches(loader)):
            if when == "before update":
                rec.tick(scheduler)
            loss = loss_of(net, batch)
            rec.backward(loss)
            if (number + 1) % every == 0:
                rec.update(optimizer, loss)
                if when in ("update", "both"):
                    rec.tick(scheduler)
            if when == "batch":
                rec.tick(scheduler)
            if when == "batch, with loss":
                rec.tick(scheduler, metric=float(loss))
            if when == "fraction of epoch":
                rec.tick(scheduler, epoch=epoch + number / len(loader))
        if validate:
            losses = [float(loss_of(net, batch)) for batch in rec.batches(held_out, training=False)]
            rec.metric("val_loss", sum(losses) / len(losses))
            if when == "evaluation":
                for _ in losses:
                    rec.tick(scheduler)
            if when == "val loss":
                rec.tick(scheduler, metric=sum(losses) / len(losses))
            if when == "negated accuracy":
                rec.metric("val_acc", 0.5 + 0.01 * epoch)
                rec.tick(scheduler, metric=-(0.5 + 0.01 * epoch))
        if when in ("epoch", "both"):
            rec.tick(scheduler)
        if when == "epoch given":
            rec.tick(scheduler, epoch=epoch)
        if when == "last loss":
            rec.tick(scheduler, metric=float(loss))
        if when == "every other epoch" and epoch % 2:
            rec.tick(scheduler)
    return rec


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """torch warns of what these loops do on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


BAD: dict[str, tuple[str, Callable[[], Recording]]] = {
    "cosine in epochs, per batch": ("LR101", lambda: trained(cosine(EPOCHS), "update")),
    "steps in epochs, per batch": ("LR101", lambda: trained(stepped(3), "update")),
    "cosine in batches, per epoch": ("LR102", lambda: trained(cosine(EPOCHS * BATCHES), "epoch")),
    "one cycle in batches, per epoch": ("LR102", lambda: trained(one_cycle(EPOCHS * BATCHES), "epoch")),
    "first thing in the epoch": ("LR103", lambda: trained(cosine(EPOCHS), "start of epoch")),
    "before the update": ("LR103", lambda: trained(cosine(EPOCHS * BATCHES), "before update")),
    "per batch and per epoch": ("LR104", lambda: trained(cosine(EPOCHS * BATCHES), "both")),
    "per micro-batch": ("LR105", lambda: trained(cosine(EPOCHS * BATCHES // 4), "batch", every=4)),
    "in the evaluation": ("LR106", lambda: trained(cosine(EPOCHS), "evaluation", validate=True)),
    "never": ("LR108", lambda: trained(cosine(EPOCHS), "never")),
    "last loss to the plateau": ("LR113", lambda: trained(plateau(patience=3), "last loss", validate=True)),
    "plateau per batch": ("LR114", lambda: trained(plateau(patience=5), "batch, with loss")),
    "rises again": ("LR201", lambda: trained(cosine(EPOCHS // 2), "epoch")),
    "never comes down": ("LR202", lambda: trained(cosine(3 * EPOCHS), "epoch")),
    "one cycle too long": ("LR203", lambda: trained(one_cycle(300), "update")),
    "accumulation ignored": ("LR205", lambda: trained(cosine(EPOCHS * BATCHES), "update", every=4)),
}

GOOD: dict[str, Callable[[], Recording]] = {
    "cosine per epoch": lambda: trained(cosine(EPOCHS), "epoch", validate=True),
    "cosine per batch": lambda: trained(cosine(EPOCHS * BATCHES), "update"),
    "cosine per update": lambda: trained(cosine(EPOCHS * BATCHES // 4), "update", every=4),
    "sized and stepped in micro-batches": lambda: trained(cosine(EPOCHS * BATCHES), "batch", every=4),
    "one cycle per batch": lambda: trained(one_cycle(EPOCHS * BATCHES), "update"),
    "one cycle over epochs": lambda: trained(one_cycle(EPOCHS), "epoch"),
    "steps per epoch": lambda: trained(stepped(4), "epoch"),
    "steps in batches": lambda: trained(stepped(80), "update"),
    "plateau on the validation loss": lambda: trained(plateau(patience=3), "val loss", validate=True),
    "warm restarts within an epoch": lambda: trained(
        lambda rec, opt: rec.scheduler(schedulers.CosineAnnealingWarmRestarts(opt, 10), T_0=10), "fraction of epoch"
    ),
    "exponential": lambda: trained(
        lambda rec, opt: rec.scheduler(schedulers.ExponentialLR(opt, 0.9), gamma=0.9), "epoch"
    ),
    "every other epoch": lambda: trained(stepped(2), "every other epoch"),
    "one epoch only": lambda: trained(cosine(BATCHES), "update", epochs=1),
}


def told(trace: Trace, **options: Any) -> list[str]:
    """The rules that speak, what is only worth knowing left out."""
    return [finding.rule for finding in judge(trace, **options) if finding.severity != INFO]


def fed(rec: Recording, step: int = 16, expected: int | None = None) -> list[str]:
    """The rules that speak while the run goes on, and at its end."""
    judging, found = Judge(expected=expected), []
    rows = [*rec.rows, {"kind": "end", "reason": "finished"}]
    for start in range(0, len(rows), step):
        found += judging.feed(rows[start : start + step])
    return [finding.rule for finding in found if finding.severity != INFO]


@pytest.mark.parametrize("name", BAD)
def test_bad_loop_is_found(name: str) -> None:
    rule, make = BAD[name]
    rec = make()
    assert told(rec.end()) == [rule]
    running = fed(rec)
    assert rule in running
    assert set(running) <= {rule, "LR604", "LR605"}  # what a curve shows is told before its cause is known


@pytest.mark.parametrize("name", GOOD)
def test_good_loop_is_silent(name: str) -> None:
    rec = GOOD[name]()
    assert not told(rec.end())
    assert not fed(rec)


def test_known_length_tells_early() -> None:
    """Where somebody says how long the run will be, its first epochs are enough."""
    rec = trained(cosine(3 * EPOCHS), "epoch", epochs=2)
    assert not told(rec.so_far())
    assert told(rec.so_far(), expected=EPOCHS * BATCHES) == ["LR202"]


def test_open_end_is_said() -> None:
    judging = Judge()
    judging.feed(trained(cosine(3 * EPOCHS), "epoch", epochs=3).rows)
    judging.look()
    reasons = {skipped.rule: skipped.reason for skipped in judging.skipped}
    assert "how long the run will be" in reasons["LR202"]


def test_message_has_numbers() -> None:
    finding = next(f for f in judge(BAD["cosine in epochs, per batch"][1]().end()) if f.rule == "LR101")
    assert finding.numbers["ticks"] == 200
    assert finding.numbers["length"] == 10
    assert finding.numbers["update"] == 199
    assert "200 times" in finding.message
    assert not finding.remedies


# -- wiring -----------------------------------------------------------------------------------------------------------


def loop(
    rec: Recording, net: Any, optimizer: Any, each_epoch: Callable[[int], None], epochs: int = EPOCHS,
    each_batch: Callable[[int], None] = lambda update: None,
) -> Trace:  # fmt: skip
    loader, update = data(), 0
    for epoch in range(epochs):
        for batch in rec.batches(loader):
            each_batch(update)
            loss = loss_of(net, batch)
            rec.backward(loss)
            rec.update(optimizer, loss)
            update += 1
        each_epoch(epoch)
    return rec.end()


def started() -> tuple[Recording, Any, Any]:
    rec, net = Recording(), model()
    return rec, net, rec.optimizer(torch.optim.SGD(net.parameters(), lr=0.05))


def test_step_with_epoch_argument() -> None:
    rec = trained(
        lambda rec, opt: rec.scheduler(schedulers.MultiStepLR(opt, [5]), milestones=[5]), "epoch given"
    )
    assert told(rec.end()) == ["LR109"]


def test_negated_metric_is_only_worth_knowing() -> None:
    rec = trained(plateau(patience=3), "negated accuracy", validate=True)
    assert [(f.rule, f.severity) for f in judge(rec.end())] == [("LR115", INFO)]


def test_zero_lr_start() -> None:
    rec, net, optimizer = started()
    warm = rec.scheduler(schedulers.LambdaLR(optimizer, lambda epoch: min(1.0, epoch / 5)), lr_lambda="<lambda>")
    trace = loop(rec, net, optimizer, lambda epoch: rec.tick(warm))
    assert told(trace) == ["LR213"]


def test_zero_lr_at_the_first_update_is_only_worth_knowing() -> None:
    rec, net, optimizer = started()
    warm = rec.scheduler(schedulers.LambdaLR(optimizer, lambda step: min(1.0, step / 20)), lr_lambda="<lambda>")
    trace = loop(rec, net, optimizer, lambda epoch: None, each_batch=lambda update: rec.tick(warm) if update else None)
    assert [(f.rule, f.severity) for f in judge(trace)] == [("LR213", INFO)]


def test_schedule_that_refuses_to_go_on() -> None:
    rec, net, optimizer = started()
    cycle = rec.scheduler(schedulers.OneCycleLR(optimizer, 0.1, total_steps=5), max_lr=0.1, total_steps=5)
    with pytest.raises(ValueError, match="Tried to step"):
        loop(rec, net, optimizer, lambda epoch: rec.tick(cycle))
    rec.rows.append({"kind": "end", "reason": "crashed", "message": "ValueError: Tried to step 7 times."})
    assert told(rec.so_far()) == ["LR203"]


def test_schedule_that_will_raise() -> None:
    rec = trained(one_cycle(60), "update", epochs=2)
    assert told(rec.so_far(), expected=EPOCHS * BATCHES) == ["LR203"]


def test_scheduler_on_another_optimizer() -> None:
    rec, net, optimizer = started()
    other = torch.optim.SGD(model().parameters(), lr=0.05)
    other.step()
    lost = rec.scheduler(schedulers.CosineAnnealingLR(other, EPOCHS), T_max=EPOCHS)
    assert told(loop(rec, net, optimizer, lambda epoch: rec.tick(lost))) == ["LR301"]


def test_written_by_hand_beside_a_scheduler() -> None:
    rec, net, optimizer = started()
    scheduler = rec.scheduler(schedulers.CosineAnnealingLR(optimizer, EPOCHS), T_max=EPOCHS)
    trace = loop(
        rec, net, optimizer, lambda epoch: rec.tick(scheduler),
        each_batch=lambda update: rec.write(optimizer, 0.05 * 0.99**update),
    )  # fmt: skip
    assert told(trace) == ["LR302"]


def test_warmup_by_hand_that_hands_over() -> None:
    """YOLOv5: the LR is written by hand in the first epochs, and left to the scheduler from then on."""
    rec, net, optimizer = started()
    scheduler = rec.scheduler(
        schedulers.LambdaLR(optimizer, lambda epoch: 1 - epoch / EPOCHS), lr_lambda="<lambda>"
    )
    trace = loop(
        rec, net, optimizer, lambda epoch: rec.tick(scheduler),
        each_batch=lambda update: (
            rec.write(optimizer, 0.05 * (update + 1) / (2 * BATCHES)) if update < 2 * BATCHES else None
        ),
    )  # fmt: skip
    assert not told(trace)


def test_two_schedulers_fight() -> None:
    rec, net, optimizer = started()
    first = rec.scheduler(schedulers.LambdaLR(optimizer, lambda epoch: 0.9**epoch), lr_lambda="<lambda>")
    second = rec.scheduler(schedulers.ReduceLROnPlateau(optimizer, patience=2), patience=2)

    def end_of(epoch: int) -> None:
        rec.tick(first)
        rec.tick(second, metric=1.0 / (epoch + 1))

    assert told(loop(rec, net, optimizer, end_of)) == ["LR305"]


def test_group_added_after_scheduler() -> None:
    rec, net, optimizer = started()
    scheduler = rec.scheduler(schedulers.LambdaLR(optimizer, lambda epoch: 0.9**epoch), lr_lambda="<lambda>")

    def end_of(epoch: int) -> None:
        if epoch < 4:
            rec.tick(scheduler)
        if epoch == 4:
            optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.01})

    assert "LR306" in told(loop(rec, net, optimizer, end_of, epochs=6))


def test_chained_schedulers_wipe() -> None:
    rec, net, optimizer = started()
    warm = schedulers.LinearLR(optimizer, 0.1, total_iters=3)
    decay = schedulers.LambdaLR(optimizer, lambda epoch: 0.9**epoch)
    both = rec.scheduler(schedulers.ChainedScheduler([warm, decay]))
    rec.scheduler(warm, parent=both, start_factor=0.1, total_iters=3)
    rec.scheduler(decay, parent=both, lr_lambda="<lambda>")
    assert told(loop(rec, net, optimizer, lambda epoch: rec.tick(both))) == ["LR307"]


def test_sequence_of_warmup_and_cosine() -> None:
    rec, net, optimizer = started()
    warm = schedulers.LinearLR(optimizer, 0.1, total_iters=3)
    decay = schedulers.CosineAnnealingLR(optimizer, EPOCHS - 3)
    both = rec.scheduler(schedulers.SequentialLR(optimizer, [warm, decay], milestones=[3]), milestones=[3])
    rec.scheduler(warm, parent=both, start_factor=0.1, total_iters=3)
    rec.scheduler(decay, parent=both, T_max=EPOCHS - 3)
    assert not told(loop(rec, net, optimizer, lambda epoch: rec.tick(both)))


def test_rebuilt_in_every_epoch() -> None:
    rec, net, optimizer = started()

    def end_of(epoch: int) -> None:
        rec.tick(rec.scheduler(schedulers.StepLR(optimizer, 3), step_size=3))

    assert told(loop(rec, net, optimizer, end_of)) == ["LR309"]


def test_group_ratios_flattened() -> None:
    rec, net = Recording(), torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 1))
    groups = [{"params": net[0].parameters(), "lr": 0.001}, {"params": net[1].parameters(), "lr": 0.01}]
    optimizer = rec.optimizer(torch.optim.SGD(groups))
    total = EPOCHS * BATCHES
    cycle = rec.scheduler(schedulers.OneCycleLR(optimizer, 0.02, total_steps=total), max_lr=0.02, total_steps=total)
    trace = loop(rec, net, optimizer, lambda epoch: None, each_batch=lambda update: rec.tick(cycle) if update else None)
    assert told(trace) == ["LR310"]


def test_longer_schedule_is_lost_at_a_resume() -> None:
    rec, net, optimizer = started()
    scheduler = rec.scheduler(schedulers.CosineAnnealingLR(optimizer, EPOCHS), T_max=EPOCHS)
    loop(rec, net, optimizer, lambda epoch: rec.tick(scheduler))
    rec.rows += [{"kind": "end", "reason": "interrupted"}, {**rec.rows[0], "piece": 1}]
    again = dict(next(row for row in rec.rows if row["kind"] == "scheduler"), arguments={"T_max": 2 * EPOCHS})
    rec.rows += [again, {"kind": "load", "what": "scheduler", "update": EPOCHS * BATCHES}]
    assert "LR404" in told(loop(rec, net, optimizer, lambda epoch: rec.tick(scheduler)))


def test_resume_that_goes_on_is_silent() -> None:
    rec, net, optimizer = started()
    scheduler = rec.scheduler(schedulers.CosineAnnealingLR(optimizer, 2 * EPOCHS), T_max=2 * EPOCHS)
    loop(rec, net, optimizer, lambda epoch: rec.tick(scheduler))
    rec.rows += [{"kind": "end", "reason": "interrupted"}, {**rec.rows[0], "piece": 1}]
    rec.rows += [row for row in rec.rows if row["kind"] == "scheduler"]
    rec.rows.append({"kind": "load", "what": "scheduler", "update": EPOCHS * BATCHES})
    assert not told(loop(rec, net, optimizer, lambda epoch: rec.tick(scheduler)))


# -- traps ------------------------------------------------------------------------------------------------------------


def test_position_set_before_training() -> None:
    """nnU-Net puts its schedule to where a run continues, before the first update."""
    rec, net, optimizer = started()
    scheduler = rec.scheduler(schedulers.CosineAnnealingLR(optimizer, EPOCHS), T_max=EPOCHS)
    rec.tick(scheduler, epoch=0)
    assert not told(loop(rec, net, optimizer, lambda epoch: rec.tick(scheduler)))


def test_constant_lr() -> None:
    rec, net, optimizer = started()
    assert not told(loop(rec, net, optimizer, lambda epoch: None))


def test_two_optimizers_against_each_other() -> None:
    """A GAN at constant rates, whose losses go up and down."""
    rec = Recording()
    nets = [model(), model()]
    pair = [rec.optimizer(torch.optim.Adam(net.parameters(), lr=1e-4)) for net in nets]
    for epoch in range(6):
        for number, batch in enumerate(rec.batches(data())):
            for side, (net, optimizer) in enumerate(zip(nets, pair, strict=True)):
                loss = loss_of(net, batch) * (1 + 5 * ((epoch + side) % 2))
                rec.backward(loss)
                rec.update(optimizer, loss)
                assert number >= 0
    assert not told(rec.end())


def test_updates_without_a_loader() -> None:
    """nanoGPT draws its batches itself and writes the LR by hand: a warmup from 0 and a cosine."""
    import math

    rec, net, optimizer = started()
    for update in range(300):
        lr = 0.05 * min(update / 30, 1) * (1 + math.cos(math.pi * update / 300)) / 2
        rec.write(optimizer, lr)
        loss = loss_of(net, next(iter(data(32))))
        rec.backward(loss)
        rec.update(optimizer, loss)
    assert not told(rec.end())


def test_prepared_for_several_processes() -> None:
    """Accelerate steps the scheduler once for every process at each update; its length was made for that."""
    rec, net, optimizer = started()
    total = 4 * EPOCHS * BATCHES
    scheduler = rec.scheduler(schedulers.CosineAnnealingLR(optimizer, total), T_max=total)

    def after(update: int) -> None:
        for _ in range(4):
            rec.tick(scheduler)

    loader, update = data(), 0
    for _ in range(EPOCHS):
        for batch in rec.batches(loader):
            loss = loss_of(net, batch)
            rec.backward(loss)
            rec.update(optimizer, loss)
            after(update)
            update += 1
    assert not told(rec.end())


def test_early_stop_is_only_worth_knowing() -> None:
    rec = trained(cosine(EPOCHS), "epoch", epochs=6)
    rec.rows.append({"kind": "end", "reason": "stopped"})
    assert [(f.rule, f.severity) for f in judge(rec.so_far())] == [("LR611", INFO)]


def test_peeked_batch() -> None:
    """One batch is looked at before training."""
    rec, net, optimizer = started()
    loader = data()
    scheduler = rec.scheduler(schedulers.CosineAnnealingLR(optimizer, EPOCHS), T_max=EPOCHS)
    next(rec.batches(loader))
    for _ in range(EPOCHS):
        for batch in rec.batches(loader):
            loss = loss_of(net, batch)
            rec.backward(loss)
            rec.update(optimizer, loss)
        rec.tick(scheduler)
    trace = rec.end()
    assert not told(trace)
    assert read(trace).trainings[0].optimizers
