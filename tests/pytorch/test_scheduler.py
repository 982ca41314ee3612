"""`lright.torch.Scheduler`: values, time, checkpoints, extension, groups, tensors, plateau, copies."""

from __future__ import annotations

import copy
import io
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lright import Budget, LrightError, Plan, preview
from lright.errors import UsageError
from lright.schedule import Schedule, cosine, hold, linear, plateau, restarts, step, warmup

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from lright.torch import Scheduler  # noqa: E402
from lright.torch.updates import uncounted  # noqa: E402

TEXT = "warmup 10 updates > cosine to 0"


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def sgd(*lrs: Any, **options: Any) -> Any:
    groups = []
    for lr in lrs or (0.1,):
        weight = torch.nn.Parameter(torch.ones(2))
        weight.grad = torch.zeros(2)
        groups.append({"params": [weight], "lr": lr})
    return torch.optim.SGD(groups, lr=0.1, **options)


def train(scheduler: Any, updates: int) -> list[float]:
    """Some updates and the LRs of the first group that they used."""
    used = []
    for _ in range(updates):
        used.append(float(scheduler.optimizer.param_groups[0]["lr"]))
        scheduler.optimizer.step()
        scheduler.step()
    return used


def curve(text: str, total: int, first: int = 0, peak: float = 0.1) -> Any:
    return pytest.approx(Schedule.parse(text).resolve(total, peak).curve()[first:].tolist(), abs=1e-15)


# Values.


def test_it_is_a_torch_scheduler_with_the_values_of_the_schedule() -> None:
    optimizer = sgd(0.1)
    scheduler = Scheduler(optimizer, TEXT, total=100)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    assert scheduler.base_lrs == [0.1]
    assert train(scheduler, 100) == curve(TEXT, 100)
    assert scheduler.last_epoch == 100 and scheduler.get_last_lr() == scheduler.get_lr() == [0.0]


def test_tables_are_filled_anew() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=10_000, last_epoch=4090)
    assert train(scheduler, 20) == pytest.approx(Schedule.parse(TEXT).resolve(10_000, 0.1).curve()[4091:4111].tolist())


@pytest.mark.parametrize("total", [Budget("2ep", batches_per_epoch=50), "100 updates", 100, torch.tensor(100)])
def test_the_length_is_given_as_the_algebra_takes_it(total: Any) -> None:
    assert Scheduler(sgd(0.1), TEXT, total=total).at(55)[0]["lr"] == pytest.approx(0.05)


def test_a_length_that_nothing_needs_may_be_missing() -> None:
    for text, value in (("warmup 3 updates", 1), ("hold", 1), ("step every 1k updates gamma 0.1", 0.1)):
        assert train(Scheduler(sgd(1.0), text), 2000)[-1] == pytest.approx(value)  # and nothing is said about an end
    with pytest.raises(LrightError, match="needs its length"):
        Scheduler(sgd(0.1), TEXT)
    with pytest.raises(LrightError, match="needs its length"):
        Scheduler(sgd(0.1), "warmup 5% > hold")


def test_groups_keep_their_ratios_unless_told() -> None:
    def at_peak(**options: Any) -> list[float]:
        return [values["lr"] for values in Scheduler(sgd(0.1, 0.01), TEXT, total=100, **options).at(10)]

    assert at_peak() == [0.1, 0.01]
    assert at_peak(peak=0.5) == [0.5, 0.5]
    assert at_peak(peak=[0.5, 0.2]) == [0.5, 0.2]
    assert at_peak(peak={"lr": None}) == [0.1, 0.01]
    with pytest.raises(UsageError, match="has 1 values, the optimizer 2 groups"):
        at_peak(peak=[0.5])


def test_absolute_values_are_the_same_in_every_group() -> None:
    scheduler = Scheduler(sgd(0.1, 0.01), "warmup 10 updates > cosine to 1e-3 abs", total=100)
    assert [values["lr"] for values in scheduler.at(100)] == pytest.approx([1e-3, 1e-3])
    assert [values["lr"] for values in scheduler.at(10)] == pytest.approx([0.1, 0.01])


def test_several_parameters_and_named_groups() -> None:
    weights = [torch.nn.Parameter(torch.ones(1)) for _ in range(3)]
    optimizer = torch.optim.AdamW(
        [
            {"params": weights[:1], "name": "backbone"},
            {"params": weights[1:2], "name": "head"},
            {"params": weights[2:]},
        ],
        lr=1e-3,
        weight_decay=0.1,
    )
    plan = Plan(
        lr=cosine(),
        weight_decay=linear(to=0.4, start=0.1),
        groups={"backbone": 0.1, "2": {"lr": hold(), "betas[1]": linear(to=0.9, start=0.99)}},
    )
    scheduler = Scheduler(optimizer, plan, total=10)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    backbone, head, third = optimizer.param_groups
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([5e-5, 5e-4, 1e-3])
    assert [group["weight_decay"] for group in optimizer.param_groups] == pytest.approx([0.25] * 3)
    assert third["betas"] == pytest.approx((0.9, 0.945)) and backbone["betas"] == head["betas"] == (0.9, 0.999)
    assert scheduler.at(5)[2] == pytest.approx({"lr": 1e-3, "weight_decay": 0.25, "betas[1]": 0.945})


def test_momentum_is_the_first_beta_where_there_are_betas() -> None:
    plan = {"lr": "cosine to 0", "momentum": "linear to 0.85 from 0.95"}
    for optimizer in (sgd(0.1, momentum=0.9), torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])):
        Scheduler(optimizer, plan, total=10, last_epoch=4)
        group = optimizer.param_groups[0]
        assert group.get("betas", (group.get("momentum"), 0.999)) == pytest.approx((0.9, 0.999))


def test_a_parameter_without_a_peak_says_where_it_begins() -> None:
    with pytest.raises(LrightError, match="begins at its peak, and none is given"):
        Scheduler(sgd(0.1, weight_decay=0.1), {"lr": "cosine to 0", "weight_decay": "cosine to 0"}, total=10)
    for peak, value in ((0.2, 0.1), (None, 0.05)):
        scheduler = Scheduler(
            sgd(0.1, weight_decay=0.1), {"weight_decay": "cosine to 0"}, total=10, peak={"weight_decay": peak}
        )
        assert scheduler.at(5)[0]["weight_decay"] == pytest.approx(value)
        assert scheduler.get_last_lr() == [0.1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": "warmup up"}, "warmup"),
        ({"schedule": 3}, "is no schedule"),
        ({"schedule": {"beta": "hold at 1"}}, "no number called 'beta': it has lr, momentum"),
        ({"schedule": Plan(lr=cosine(), groups={"hed": 0.1})}, "the plan has a group 'hed'"),
        ({"peak": {"weight_decay": 0.1}}, "no schedule for it: it has lr"),
        ({"peak": "high"}, "the peak of 'lr': 'high' is no number"),
        ({"clock": "epochs"}, "write updates or calls"),
        ({"on_change": "ignore"}, "write error, keep or rebase"),
        ({"optimizer": "SGD"}, "str is no optimizer"),
        ({"total": 0.5}, "0.5 has no unit"),
    ],
)
def test_what_makes_no_sense_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LrightError, match=message):
        Scheduler(**{"optimizer": sgd(0.1), "schedule": "cosine to 0", "total": 10, **arguments})


# Time.


def test_time_is_the_updates_of_the_optimizer() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    for _ in range(7):
        scheduler.optimizer.step()
    scheduler.step()  # once for all of them, as at the end of an epoch
    scheduler.step()
    assert scheduler.last_epoch == 7
    assert scheduler.get_last_lr() == [pytest.approx(scheduler.at(7)[0]["lr"])]


def test_a_step_before_the_optimizers_does_no_harm() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    used = []
    for _ in range(100):
        scheduler.step()
        used.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
    assert used == curve(TEXT, 100)


def test_calls_may_count() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100, clock="calls")
    rates = []
    for _ in range(100):
        rates += scheduler.get_last_lr()
        scheduler.step()
    assert rates == curve(TEXT, 100)


def test_an_optimizer_that_calls_its_parents_step_counts_once() -> None:
    class Mine(torch.optim.SGD):  # type: ignore[name-defined,misc]
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    optimizer = Mine([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = Scheduler(optimizer, TEXT, total=100)
    sgd(0.1)  # from here on the hooks of the parent class run too
    torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)  # wraps step() and is content with ours
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    assert scheduler.last_epoch == 3


def test_a_failed_update_does_not_count() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)

    def closure() -> Any:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="memory"):
        scheduler.optimizer.step(closure)
    scheduler.step()
    assert scheduler.last_epoch == 0
    assert train(scheduler, 100) == curve(TEXT, 100)


def test_updates_of_a_trial_do_not_count() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    with uncounted(scheduler.optimizer):
        for _ in range(200):
            scheduler.optimizer.step()
    assert train(scheduler, 100) == curve(TEXT, 100)


def test_two_schedulers_share_an_optimizer() -> None:
    optimizer = sgd(0.1, weight_decay=0.5)
    rate = Scheduler(optimizer, TEXT, total=100)
    decay = Scheduler(optimizer, {"weight_decay": "linear to 0 from 1"}, total=4)
    optimizer.step()
    rate.step()
    decay.step()
    assert (rate.last_epoch, decay.last_epoch) == (1, 1)
    assert optimizer.param_groups[0]["weight_decay"] == 0.75


@pytest.mark.parametrize("foreach", [True, False])
def test_a_skipped_update_does_not_count(foreach: bool) -> None:
    optimizer = sgd(0.1, foreach=foreach)
    scheduler = Scheduler(optimizer, TEXT, total=100)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    positions = []
    for gradient in (math.inf, 1.0, math.inf, math.nan, 1.0):
        optimizer.param_groups[0]["params"][0].grad = torch.full((2,), gradient)
        scaler.scale(torch.zeros(1))  # makes the scale
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        positions.append(scheduler.last_epoch)
    assert positions == [0, 1, 1, 1, 2]


def test_a_fused_optimizer_is_exempt() -> None:
    """It decides in its kernel whether to skip: without waiting for the device nobody can know."""
    optimizer = sgd(0.1, fused=True)
    scheduler = Scheduler(optimizer, TEXT, total=100)
    scaler = torch.amp.GradScaler("cpu")
    optimizer.param_groups[0]["params"][0].grad = torch.full((2,), math.inf)
    scaler.scale(torch.zeros(1))
    scaler.step(optimizer)
    scheduler.step()
    assert scheduler.last_epoch == 1


def test_updates_that_nobody_sees_are_said() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    with pytest.warns(UserWarning, match=r"1000 calls of step\(\), and the optimizer has not been updated once"):
        for _ in range(3000):
            scheduler.step()


def test_the_position_may_be_set() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    scheduler.last_epoch = 55
    assert train(scheduler, 45) == curve(TEXT, 100, first=55)
    with pytest.raises(LrightError, match="begins at update 0"):
        scheduler.last_epoch = -1
    fresh = [Scheduler(scheduler.optimizer, TEXT, total=100) for _ in range(2)]
    with pytest.raises(LrightError, match="first >> second"):
        torch.optim.lr_scheduler.SequentialLR(scheduler.optimizer, fresh, [5])


# Past the end.


def test_the_last_value_is_held_and_a_longer_training_is_said() -> None:
    scheduler = Scheduler(sgd(0.1), "cosine to 0.1", total=100)
    train(scheduler, 101)  # one more than said is nobody's trouble
    with pytest.warns(UserWarning, match="goes on past its length") as said:
        assert train(scheduler, 5000) == pytest.approx([0.01] * 5000)
    assert len(said) == 1


def test_an_end_that_raises_does_so_when_an_update_was_too_much() -> None:
    scheduler = Scheduler(sgd(0.1), cosine().past_end("error"), total=10)
    assert train(scheduler, 10)[-1] > 0  # the call of step() after the last update is fine
    with pytest.raises(LrightError, match="ends after update 9"):
        train(scheduler, 1)


def test_a_cycle_begins_again() -> None:
    scheduler = Scheduler(sgd(0.1), cosine("10 updates").past_end("cycle"))
    used = train(scheduler, 25)
    assert used[10:20] == used[:10] and used[20:] == used[:5]


# Checkpoints.


def states(updates: int, text: str = TEXT, **options: Any) -> tuple[Any, Any]:
    scheduler = Scheduler(sgd(0.1, 0.01), text, total=100, **options)
    train(scheduler, updates)
    return copy.deepcopy(scheduler.optimizer.state_dict()), scheduler.state_dict()


def through_a_file(state: Any) -> Any:
    """Saved and loaded as carefully as torch can."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


ORDERS: dict[str, Callable[[Any, Any, Any], Any]] = {}


def order(name: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        ORDERS[name] = function
        return function

    return add


@order("build, optimizer, scheduler")
def _a(optimizer: Any, build: Any, saved: Any) -> Any:
    scheduler = build(optimizer)
    optimizer.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    return scheduler


@order("build, scheduler, optimizer")
def _b(optimizer: Any, build: Any, saved: Any) -> Any:
    scheduler = build(optimizer)
    scheduler.load_state_dict(saved[1])
    optimizer.load_state_dict(saved[0])
    return scheduler


@order("optimizer, build, scheduler")
def _c(optimizer: Any, build: Any, saved: Any) -> Any:
    optimizer.load_state_dict(saved[0])
    scheduler = build(optimizer)
    scheduler.load_state_dict(saved[1])
    return scheduler


@order("scheduler only")
def _d(optimizer: Any, build: Any, saved: Any) -> Any:
    scheduler = build(optimizer)
    scheduler.load_state_dict(saved[1])
    return scheduler


@order("scheduler, and the optimizer of long ago")
def _e(optimizer: Any, build: Any, saved: Any) -> Any:
    scheduler = build(optimizer)
    scheduler.load_state_dict(saved[1])
    optimizer.load_state_dict(states(2)[0])
    return scheduler


@order("optimizer, and built after so many updates")
def _f(optimizer: Any, build: Any, saved: Any) -> Any:
    optimizer.load_state_dict(saved[0])
    return build(optimizer, last_epoch=saved[1]["last_epoch"] - 1)


@order("built after so many updates, fresh")
def _g(optimizer: Any, build: Any, saved: Any) -> Any:
    return build(optimizer, last_epoch=saved[1]["last_epoch"] - 1)


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("at", [5, 40])
def test_a_resumed_run_is_right_at_its_next_update_in_every_order(name: str, at: int) -> None:
    saved = through_a_file(states(at))
    scheduler = ORDERS[name](sgd(0.1, 0.01), lambda optimizer, **o: Scheduler(optimizer, TEXT, total=100, **o), saved)
    assert [group["lr"] for group in scheduler.optimizer.param_groups] == pytest.approx(
        [values["lr"] for values in scheduler.at(at)]
    )
    assert train(scheduler, 100 - at) == curve(TEXT, 100, first=at)


def test_a_checkpoint_between_update_and_step_counts_the_update() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    scheduler.optimizer.step()
    state = scheduler.state_dict()
    assert state["last_epoch"] == 1
    scheduler.load_state_dict(state)
    scheduler.step()
    assert scheduler.last_epoch == 1


def test_the_same_curve_may_be_written_otherwise() -> None:
    saved = Scheduler(sgd(0.1), TEXT, total=Budget("2ep", batches_per_epoch=50)).state_dict()
    same = Scheduler(sgd(0.1), warmup("0.2ep") >> cosine(), total=Budget(updates=100, batches_per_epoch=50))
    same.load_state_dict(saved)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("warmup 10 updates > linear to 0", {}, "cosine to 0' over 100 updates became lr 'warmup"),
        ("warmup 10 updates > cosine to 0.001", {}, "became"),
        (TEXT, {"total": 200}, "over 100 updates became .* over 200 updates"),
        (TEXT, {"peak": 0.2}, "the peak of 'lr' in group 0 was 0.1 and is 0.2"),
        (TEXT, {"clock": "calls"}, "its clock is updates"),
        ({"lr": TEXT, "weight_decay": "hold at 0.1"}, {}, "became"),
        (Schedule.parse(TEXT) * plateau(), {}, "became"),
    ],
)
def test_a_changed_schedule_is_refused_kept_or_taken(text: Any, options: dict[str, Any], message: str) -> None:
    def build() -> Any:
        return Scheduler(sgd(0.1, 0.01), text, **{"total": 100, **options})

    saved, fresh = states(50)[1], build()
    with pytest.raises(LrightError, match=message):
        fresh.load_state_dict(saved)
    assert fresh.last_epoch == 0
    kept, rebased, new = build(), build(), build()
    kept.load_state_dict(saved, on_change="keep")
    rebased.load_state_dict(saved, on_change="rebase")
    assert train(kept, 50) == curve(TEXT, 100, first=50)
    assert rebased.last_epoch == 50 and rebased.at(60) == new.at(60)
    assert rebased.optimizer.param_groups[0]["lr"] == new.at(50)[0]["lr"]


def test_the_constructor_may_say_what_a_change_does() -> None:
    scheduler = Scheduler(sgd(0.1, 0.01), TEXT, total=200, on_change="rebase")
    scheduler.load_state_dict(states(50)[1])
    assert scheduler.get_last_lr()[0] == pytest.approx(scheduler.at(50)[0]["lr"])


def test_the_state_of_another_scheduler_is_refused() -> None:
    optimizer = sgd(0.1)
    state = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10).state_dict()
    with pytest.raises(LrightError, match=r"another kind of scheduler.*last_epoch=0 - 1"):
        Scheduler(optimizer, TEXT, total=100).load_state_dict(state)


# Extension.


def test_an_extension_stretches_what_is_left() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    before = train(scheduler, 55)
    scheduler.extend(to=200)
    after = train(scheduler, 145)
    assert before == pytest.approx(Schedule.parse(TEXT).resolve(100, 0.1).curve()[:55].tolist())
    assert after[0] == pytest.approx(0.05) and scheduler.get_last_lr() == [0.0]
    assert all(a >= b for a, b in zip([before[-1], *after], after, strict=False))
    assert [values[0]["lr"] for values in map(scheduler.at, range(200))] == pytest.approx(before + after)


def test_an_extension_before_the_decay_holds_for_longer() -> None:
    scheduler = Scheduler(sgd(1.0), "warmup 10% > hold > linear to 0 over 20%", total=100)
    train(scheduler, 50)
    scheduler.extend(to=200)
    assert [round(scheduler.at(t)[0]["lr"], 6) for t in (10, 159, 160, 180, 200)] == [1, 1, 1, 0.5, 0]


def test_an_extension_in_a_warmup_keeps_its_written_length() -> None:
    scheduler = Scheduler(sgd(1.0), "warmup 20 updates > cosine to 0", total=100)
    train(scheduler, 10)
    scheduler.extend(to=1000)
    plain = Schedule.parse("warmup 20 updates > cosine to 0").resolve(1000, 1.0)
    for update in (5, 10, 15, 20, 500):
        assert scheduler.at(update)[0]["lr"] == pytest.approx(plain(update))


@pytest.mark.parametrize(
    "schedule",
    [
        "warmup 10% > cosine to 0", "cosine to 0.1", "exponential to 0.01", "polynomial to 0 power 0.9",
        "step every 10% gamma 0.5", "multi-step at 30%, 60% gamma 0.1", "inverse-sqrt timescale 10%",
        "hold > 1-sqrt to 0 over 50%", "step every 10 updates gamma 0.9 over 50% > linear to 0", "rex to 0",
        "cosine to 1e-3 abs", "points 0%: 1, 50%: 0.5, 100%: 0.1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", [0, 1, 35, 60, 99])
def test_no_extension_jumps_or_rises(schedule: str, at: int) -> None:
    made = Schedule.parse(schedule)
    scheduler = Scheduler(sgd(0.1), made, total=100)
    train(scheduler, at)
    old = made.resolve(100, 0.1).curve()
    scheduler.extend(to=250)
    scheduler.extend(to=300)
    values = [scheduler.at(t)[0]["lr"] for t in range(301)]
    assert values[: at + 1] == pytest.approx(old[: at + 1].tolist())
    first = 30 if "warmup" in schedule and at < 30 else at
    pairs = zip(values[first:], values[first + 1 :], strict=False)
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in pairs)
    assert values[300] <= old[-1] * (1 + 1e-9)


def test_extensions_of_extensions_and_their_checkpoints() -> None:
    scheduler = Scheduler(sgd(0.1, 0.01), TEXT, total=100)
    train(scheduler, 40)
    scheduler.extend(to=200)
    train(scheduler, 60)
    scheduler.extend(to="300 updates")
    train(scheduler, 20)
    for total in (100, 300):  # the script may keep the old length or say the new one
        resumed = Scheduler(sgd(0.1, 0.01), TEXT, total=total)
        resumed.load_state_dict(through_a_file(scheduler.state_dict()))
        assert [resumed.at(t) for t in range(300)] == [scheduler.at(t) for t in range(300)]
    with pytest.raises(LrightError, match="became"):
        Scheduler(sgd(0.1, 0.01), TEXT, total=200).load_state_dict(scheduler.state_dict())
    assert train(scheduler, 180)[-1] < 1e-4


def test_what_cannot_be_extended_says_why() -> None:
    done = Scheduler(sgd(0.1), TEXT, total=100)
    with pytest.raises(LrightError, match="the training already has 100 updates"):
        done.extend(to=100)
    train(done, 100)
    with pytest.raises(LrightError, match="is over at update 100"):
        done.extend(to=200)
    with pytest.raises(LrightError, match="never given"):
        Scheduler(sgd(0.1), "warmup 3 updates").extend(to=5)
    with pytest.raises(LrightError, match="begins again"):
        Scheduler(sgd(0.1), cosine().past_end("cycle"), total=10).extend(to=20)


def test_a_product_is_extended_factor_by_factor() -> None:
    scheduler = Scheduler(sgd(1.0), cosine() * step("25 updates", gamma=0.5), total=100)
    train(scheduler, 50)
    scheduler.extend(to=150)
    assert scheduler.at(50)[0]["lr"] == pytest.approx(0.125)
    assert scheduler.at(100)[0]["lr"] == pytest.approx((1 + math.cos(math.pi * 0.75)) / 2 * 0.5**4)


# Groups and tensors.


def test_a_group_added_later_joins_the_schedule_where_it_is() -> None:
    optimizer = sgd(0.1)
    scheduler = Scheduler(optimizer, TEXT, total=100)
    train(scheduler, 55)
    late = torch.nn.Parameter(torch.ones(1))
    late.grad = torch.ones(1)
    optimizer.add_param_group({"params": [late], "lr": 1.0})
    optimizer.step()
    assert late.item() == pytest.approx(0.5)  # already its first update has the LR of the schedule
    scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([group["lr"] for group in optimizer.param_groups])
    assert scheduler.get_last_lr()[1] == pytest.approx(scheduler.get_last_lr()[0] * 10)
    saved = through_a_file([optimizer.state_dict(), scheduler.state_dict()])
    resumed = Scheduler(sgd(0.1), TEXT, total=100)
    resumed.load_state_dict(saved[1])
    resumed.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 1.0})
    resumed.optimizer.load_state_dict(saved[0])
    assert resumed.get_last_lr() == pytest.approx(scheduler.get_last_lr())


def test_tensors_are_filled_in_place_and_not_shared() -> None:
    weights = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizer = torch.optim.Adam([{"params": weights[:1]}, {"params": weights[1:], "lr": 0.5}], lr=torch.tensor(0.1))
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})  # torch gives it the same tensor
    scheduler = Scheduler(optimizer, TEXT, total=100, peak=[0.1, 0.5, 0.2])
    held = [group["lr"] for group in optimizer.param_groups]
    for _ in range(30):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] is held[0]
    assert isinstance(optimizer.param_groups[1]["lr"], float)
    assert [float(group["lr"]) for group in optimizer.param_groups] == pytest.approx(scheduler.get_last_lr())
    assert float(optimizer.defaults["lr"]) == pytest.approx(0.1)


def test_a_float32_tensor_does_not_drift() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=torch.tensor(0.1))
    scheduler = Scheduler(optimizer, "linear to 0", total=100_000)
    worst = 0.0
    for t in range(20_000):
        worst = max(worst, abs(float(optimizer.param_groups[0]["lr"]) / (0.1 * (1 - t / 100_000)) - 1))
        optimizer.step()
        scheduler.step()
    assert worst < 1.2e-7


def test_betas_in_tensors_are_filled() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    betas = (torch.tensor(0.9), torch.tensor(0.999))
    optimizer = torch.optim.Adam([weight], lr=torch.tensor(0.1), betas=betas, foreach=False)
    scheduler = Scheduler(optimizer, {"momentum": "linear to 0.5 from 0.9"}, total=4)
    weight.grad = torch.ones(1)
    first = optimizer.param_groups[0]["betas"][0]
    train(scheduler, 2)
    assert optimizer.param_groups[0]["betas"][0] is first and float(first) == pytest.approx(0.7)


class Frames:
    """A backend that counts the graphs it gets."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, module: Any, examples: Any) -> Any:
        self.count += 1
        return module.forward


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("inside", [False, True])
def test_a_compiled_optimizer_is_compiled_once(inside: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch._dynamo.reset()
        weights = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
        for weight in weights:
            weight.grad = torch.ones(2)
        optimizer = torch.optim.Adam([{"params": [weight]} for weight in weights], lr=torch.tensor(0.1), foreach=False)
        scheduler, frames = Scheduler(optimizer, TEXT, total=100), Frames()

        def update() -> None:
            optimizer.step()
            if inside:
                scheduler.step()

        compiled = torch.compile(update if inside else optimizer.step, backend=frames)
        counts = []
        for _ in range(20):
            compiled()
            if not inside:
                scheduler.step()
            counts.append(frames.count)
    assert scheduler.last_epoch == 20
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(scheduler.at(20)[0]["lr"])
    assert counts[-1] == (1 if not inside else counts[2])


def test_a_captured_step_has_no_trouble_with_foreach() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    optimizer = torch.optim.Adam([weight], lr=0.1, foreach=True)
    train(Scheduler(optimizer, TEXT, total=100), 5)
    assert isinstance(optimizer.param_groups[0]["lr"], float)  # never made a tensor behind the user's back


def test_an_lr_written_by_hand_holds_for_the_next_update_only() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    train(scheduler, 20)
    scheduler.optimizer.param_groups[0]["lr"] = 7.0
    used = train(scheduler, 80)
    assert used[0] == 7.0
    assert used[1:] == curve(TEXT, 100, first=21)


# Metrics.


def test_a_plateau_is_a_factor() -> None:
    scheduler = Scheduler(sgd(1.0), linear(to=0) * plateau(factor=0.1, patience=1), total=100)
    rates = []
    for metric in (1.0, 0.5, 0.6, 0.7, 0.8):
        for _ in range(10):
            scheduler.optimizer.step()
            scheduler.step()
        scheduler.step(metric)
        rates += scheduler.get_last_lr()
    assert rates == pytest.approx([0.9, 0.8, 0.7, 0.06, 0.05])
    resumed = Scheduler(sgd(1.0), linear(to=0) * plateau(factor=0.1, patience=1), total=100)
    resumed.load_state_dict(through_a_file(scheduler.state_dict()))
    assert resumed.get_last_lr() == scheduler.get_last_lr()
    for one in (scheduler, resumed):
        one.step(torch.tensor(0.9))
        one.step(0.9)
    assert resumed.get_last_lr() == scheduler.get_last_lr() == pytest.approx([0.005])


def test_a_plateau_alone_needs_no_length() -> None:
    scheduler = Scheduler(sgd(1.0), plateau(factor=0.5, patience=0))
    for metric in (1.0, 2.0, 3.0):
        train(scheduler, 10)
        scheduler.step(metric)
    assert scheduler.get_last_lr() == [0.25]


def test_a_metric_that_nothing_follows_is_refused() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    with pytest.raises(LrightError, match="no part of the schedule follows a metric"):
        scheduler.step(3)
    with pytest.raises(LrightError, match="a metric can only multiply a whole schedule"):
        Scheduler(sgd(0.1), (hold("10 updates") * plateau()) >> cosine(), total=100)


# Copies.


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_go_on_by_themselves(twin_of: Any) -> None:
    scheduler = Scheduler(sgd(0.1), Schedule.parse(TEXT) * plateau(), total=100)
    train(scheduler, 20)
    scheduler.optimizer.step()  # not yet seen by step()
    twin = twin_of(scheduler)
    for one in (scheduler, twin):
        one.step()
    assert scheduler.last_epoch == twin.last_epoch == 21
    assert train(twin, 30) == train(scheduler, 30)
    train(twin, 10)
    assert (scheduler.last_epoch, twin.last_epoch) == (51, 61)


def test_a_scheduler_that_is_gone_leaves_its_optimizer_alone() -> None:
    optimizer = sgd(0.1)
    scheduler = Scheduler(optimizer, TEXT, total=100)
    del scheduler
    optimizer.param_groups[0]["lr"] = 0.7
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.7


def test_preview_and_at_leave_it_as_it_is() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    train(scheduler, 30)
    before = scheduler.state_dict(), scheduler.get_last_lr()
    seen = preview(scheduler, 70)
    assert [rate for _, rate in seen.points] == pytest.approx([scheduler.at(t)[0]["lr"] for t in range(30, 101)])
    assert (scheduler.state_dict(), scheduler.get_last_lr()) == before
    assert train(scheduler, 70) == curve(TEXT, 100, first=30)


def test_it_says_what_it_is() -> None:
    scheduler = Scheduler(sgd(0.1), TEXT, total=100)
    train(scheduler, 3)
    assert repr(scheduler) == "Scheduler('warmup 10 updates > cosine to 0', 100 updates, at update 3)"
    assert "weight_decay" in repr(Scheduler(sgd(0.1), {"lr": restarts("10 updates"), "weight_decay": hold(at=0.1)}))


def test_a_range_test_in_the_middle_does_not_move_it() -> None:
    from lright.torch import find_lr

    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = Scheduler(optimizer, "linear to 0", total=100)
    batches = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(4)]
    for update in range(10):
        optimizer.step()
        scheduler.step()
        if update == 4:
            find_lr(model, optimizer, torch.nn.MSELoss(), batches, steps=30, progress=False)
    assert scheduler.last_epoch == 10
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.09)
