"""What a script shows besides its timeline: the model, the data, the optimizer and its schedule, as a
:class:`~lright.setting.Setting`.

Names decide here, of libraries and of the script. What they leave open stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...case import EVERY_BATCH, EVERY_EPOCH, EVERY_UPDATE, IN_EVALUATION, Case
from ...quantity import Expr, Op
from ...setting import ASSUMED, INFERRED, READ, Known
from ...situation import Formula, Optimizer, Scheduler, Training
from ...timeline import BATCH, EPOCH, Loop, Place
from .models import Seen, seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader

_NO_WARMUP = frozenset(
    """StepLR MultiStepLR ExponentialLR CosineAnnealingLR CosineAnnealingWarmRestarts PolynomialLR ReduceLROnPlateau
    get_constant_schedule get_reduce_on_plateau_schedule get_greedy_schedule GreedyLR""".split()
)
_PEAKS = {"OneCycleLR": "max_lr", "CyclicLR": "max_lr"}
_UNITS = {EVERY_EPOCH: "epochs", EVERY_BATCH: "batches", EVERY_UPDATE: "updates"}
_RATES = {EVERY_EPOCH: "epoch", EVERY_BATCH: "batch", EVERY_UPDATE: "update", IN_EVALUATION: "validation"}
_PROBES = (0, 1, 10, 100, 1000, 10_000)  # ticks at which a function of the user's is asked


def describe(training: Training, reader: Reader, path: str) -> None:
    """Give a training its setting, with the places of the facts."""
    if training.optimizers:
        text = seen(reader)
        training.marks = text.marks | _ends_early(training)
        _Writer(training, text, path).write()


def _ends_early(training: Training) -> frozenset[str]:
    """Whether the loop over epochs is left before its end."""
    left = any(loop.breaks for site in training.updates() for loop in site.loops if loop.kind == EPOCH)
    return frozenset(("early-stopping",)) if left else frozenset()


class _Writer:
    """Writes the facts of one training into its setting."""

    def __init__(self, training: Training, text: Seen, path: str) -> None:
        self.training = training
        self.text = text
        self.path = path
        self.case = Case(training, drawing=False)
        self.setting = training.setting

    def know(self, name: str, value: object, place: Place | None = None, certainty: str = READ) -> None:
        """One fact, unless there is no value, or none that its field can have."""
        if value is None or name in self.setting:
            return
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 <= value < 1e300:
            return
        origin = self.path if place is None else f"{self.path}:{place.line}"
        if value == "0":  # checking a length takes longer than all the rest
            self.setting.facts[name] = Known("0", origin, certainty)
        else:
            self.setting.know(name, value, origin, certainty)  # type: ignore[arg-type]
        if place is not None:
            self.training.setting_places[name] = place

    def write(self) -> None:
        for name, (value, place, certainty) in self.text.facts.items():
            self.know(name, value, place, certainty)
        self._lengths()
        self._data()
        optimizer = self._optimizer()
        if optimizer is not None:
            self._rates(optimizer)
            self._schedule(optimizer)

    # -- how much ---------------------------------------------------------------------------------------------------

    def _lengths(self) -> None:
        epoch, batch = self.case.loop(EPOCH), self.case.loop(BATCH)
        if epoch is None and batch is not None and batch.epoch_like:
            epoch = batch
        if epoch is not None:
            self._count("epochs", epoch.trips, epoch)
        if batch is not None and not batch.epoch_like:
            self._count("batches_per_epoch" if epoch is not None else "steps", batch.trips, batch)
        for optimizer in self.training.optimizers.values():
            self.know("accumulation", _positive(self.case.number(self.case.accumulation(optimizer))))
        fact = self.training.facts.get("processes")
        if fact is not None and fact.known and fact.origin != "assumed" and isinstance(fact.value, int):
            self.know("processes", _positive(fact.value))

    def _count(self, name: str, expr: Expr | None, loop: Loop) -> None:
        self.know(name, _positive(self.case.number(expr)), loop.header or loop.place)

    def _data(self) -> None:
        """The batches and samples of the loader that is trained on."""
        over = {loop.over for loop in self.case.training_loops() if loop.kind == BATCH and loop.over is not None}
        if len(over) != 1:
            return
        loader = self.training.loaders[over.pop()]
        self.know("batch_size", _whole(self.case.number(loader.batch_size)), loader.place)
        self.know("samples", _whole(self.case.number(loader.dataset)), loader.place)
        dropped = self.case.value(loader.drop_last)
        self.know("drop_last", dropped if isinstance(dropped, bool) else None, loader.place)

    # -- the optimizer ----------------------------------------------------------------------------------------------

    def _optimizer(self) -> Optimizer | None:
        """The one that trains a model, where it is one."""
        updated = [one for one in self.training.optimizers.values() if self.case.updates(one)]
        made = updated or [one for one in self.training.optimizers.values() if one.seen]
        if len(made) != 1 or made[0].name is None or not _of_model(made[0]):
            return None
        return made[0]

    def _rates(self, optimizer: Optimizer) -> None:
        self.know("optimizer", _canonical(str(optimizer.name)), optimizer.place)
        group = optimizer.groups[0]
        for name in ("momentum", "weight_decay"):
            self.know(name, self._argument(optimizer, name), _place(optimizer, name))
        if "betas" in optimizer.arguments:
            betas = optimizer.arguments["betas"].value
            if isinstance(betas, list) and len(betas) == 2:
                self.know("beta2", _share(self.case.number(betas[1])), _place(optimizer, "betas"))
        if self.setting.get("pretrained") is True:
            partly = self.text.frozen or self.text.names_head(optimizer.parameters)
            self.know("adapter", "head" if partly else "none", optimizer.place, INFERRED)
        if len({one.get("lr") for one in optimizer.groups}) == 1:
            self._reference(group.get("lr"), optimizer)

    def _argument(self, optimizer: Optimizer, name: str) -> float | None:
        argument = optimizer.arguments.get(name)
        return None if argument is None else self.case.number(argument.value)

    def _reference(self, lr: Expr | None, optimizer: Optimizer) -> None:
        """``0.1 * batch / 256``: the rate that was scaled, and the batch it belongs to."""
        if not isinstance(lr, Op) or lr.name not in ("*", "/"):
            return
        factors = list(_factors(lr))
        divisors = [self.case.number(one) for one, inverse in factors if inverse]
        rates = [number for one, inverse in factors if not inverse and (number := self.case.number(one)) is not None]
        if len(divisors) == 1 and divisors[0] in (64, 128, 256, 512, 1024, 2048, 4096):
            base = [number for number in rates if 0 < number < 1]
            if len(base) == 1:
                self.know("reference_lr", base[0], _place(optimizer, "lr"))
                self.know("reference_batch", _whole(divisors[0]), _place(optimizer, "lr"))

    # -- the schedule -----------------------------------------------------------------------------------------------

    def _schedule(self, optimizer: Optimizer) -> None:
        """The scheduler, how it is ticked, the warmup and the peak, where one thing alone moves the rate."""
        lr = self.case.number(optimizer.groups[0].get("lr")) if _one_rate(optimizer) else None
        lr, place = lr or None, _place(optimizer, "lr")  # at 0 something else sets it
        schedulers = [one for one in self.case.all_schedulers() if one.optimizer in (optimizer.number, None)]
        if not schedulers and self._never_moves(optimizer):
            self.know("scheduler", "constant", optimizer.place)
            self.know("warmup", "0", optimizer.place)
            self.know("lr", lr, place)
        elif len(schedulers) == 1 and schedulers[0].known and not self.training.of("write", optimizer.number):
            self._scheduled(schedulers[0], lr, place)
        self.know("lr", lr, place, ASSUMED)  # something moves it that is not understood: it may not be the peak

    def _never_moves(self, optimizer: Optimizer) -> bool:
        updates = self.case.updates(optimizer)
        return (
            bool(updates)
            and self.training.complete
            and optimizer.seen
            and not self.text.moves_rate
            and not self.training.of("write", optimizer.number)
            and not self.training.of("escape", optimizer.number)
            and not any(site.event.data.get("unseen") for site in updates)
        )

    def _scheduled(self, scheduler: Scheduler, lr: float | None, place: Place) -> None:
        call = scheduler.call or scheduler.place
        self.know("scheduler", scheduler.name, call)
        rates = {tick.rate.unit for tick in self.case.ticks(scheduler)}
        if rates == {EVERY_EPOCH, EVERY_BATCH}:
            self.know("ticked", "both", call)
        elif len(rates) == 1:
            self.know("ticked", _RATES.get(next(iter(rates))), call)
        self.know("warmup", self._warmup(scheduler, _UNITS.get(next(iter(rates), ""), "")), call)
        if scheduler.name in _PEAKS:
            argument = scheduler.arguments.get(_PEAKS[scheduler.name])
            self.know("lr", None if argument is None else self.case.number(argument.value), call)
        elif scheduler.name == "LambdaLR":
            factors = self._factors_of(scheduler)
            if lr is not None and factors and factors[0] == max(factors):
                self.know("lr", lr * factors[0], place)
        else:
            self.know("lr", lr, place)

    def _warmup(self, scheduler: Scheduler, unit: str) -> str | None:
        """How long it climbs: "0" where it surely does not, None where that is not known."""
        name = scheduler.name
        if name in _NO_WARMUP:
            return "0"
        if name == "OneCycleLR":
            share = self._given(scheduler, "pct_start", 0.3)
            return None if share is None else f"{100 * share:g}%"
        if name == "LinearLR":
            start, end = self._given(scheduler, "start_factor", 1 / 3), self._given(scheduler, "end_factor", 1.0)
            if start is None or end is None:
                return None
            return "0" if start >= end else _length(self._given(scheduler, "total_iters", 5), unit)
        if name == "SequentialLR":
            children = self.case.children(scheduler)
            return self._warmup(children[0], unit) if children else None
        if name == "LambdaLR":
            factors = self._factors_of(scheduler)
            return "0" if factors and factors[0] == max(factors) else None
        if name == "get_scheduler" or name.startswith("get_"):
            return _length(self._given(scheduler, "num_warmup_steps", None), unit)
        return _length(self._given(scheduler, "warmup_t", 0), unit) if scheduler.framework == "timm" else None

    def _given(self, scheduler: Scheduler, name: str, default: float | None) -> float | None:
        argument = scheduler.arguments.get(name)
        return default if argument is None else self.case.number(argument.value)

    def _factors_of(self, scheduler: Scheduler) -> list[float]:
        """What the function of a LambdaLR gives at a few ticks; empty where one is not known."""
        argument = scheduler.arguments.get("lr_lambda")
        formula = argument.value if argument is not None else None
        if not isinstance(formula, Formula):
            return []
        found = [self.training.number(formula.expr, {formula.variable: tick}) for tick in _PROBES]
        return [factor for factor in found if factor is not None] if None not in found else []


def _canonical(name: str) -> str:
    """The optimizer's id in the tables, or its name in lower case."""
    lowered = name.lower()
    if lowered in ("sgd", "adam", "adamw"):
        return lowered
    from ...knowledge import lookup  # reading the table takes a while

    return str(lookup.optimizer(name).get("id", lowered))


def _of_model(optimizer: Optimizer) -> bool:
    """Whether it trains a network, and not some tensors."""
    return any(part in optimizer.parameters.lower() for part in ("param", "model", "net", "group"))


def _one_rate(optimizer: Optimizer) -> bool:
    return len({one.get("lr") for one in optimizer.groups}) == 1


def _place(optimizer: Optimizer, name: str) -> Place:
    argument = optimizer.arguments.get(name)
    return optimizer.place if argument is None else argument.place


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value >= 1 and value == int(value) else None


def _share(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= 1 else None


def _length(count: float | None, unit: str) -> str | None:
    if count == 0:
        return "0"
    return f"{count:g} {unit}" if count is not None and count > 0 and unit else None


def _factors(expr: Expr, inverse: bool = False) -> Iterator[tuple[Expr, bool]]:
    """The factors of a product, each with whether it divides."""
    if isinstance(expr, Op) and expr.name in ("*", "/") and len(expr.args) == 2:
        yield from _factors(expr.args[0], inverse)
        yield from _factors(expr.args[1], inverse != (expr.name == "/"))
    else:
        yield expr, inverse


