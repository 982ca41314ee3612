"""An emulated scheduler: asked for the LR at any tick, without stepping anything of the user's."""

from __future__ import annotations

from ...errors import LrightError
from . import _table
from ._base import LRScheduler, MetricDriven
from ._live import Live, Optimizer, ScheduleRaises

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ._timm import Scheduler

# How a scan for an exception looks at a function it cannot see into: every tick so far, then samples.
SCANNED = 2000
SAMPLES = 500

_serial = 0


def _next_serial() -> int:
    global _serial
    _serial += 1
    return _serial


class Emulated:
    """What a scheduler of torch, timm or transformers does to the LR, tick by tick.

    Made by `build`. `name`, `framework` ("torch", "timm", "transformers") and `arguments` (under their real
    names, defaults filled in) say what it is; `needs_metric` whether it must be driven by
    `replay(metrics)`; `length` after how many ticks its stated shape is over (None: it has no end of its
    own).

    Ticks count calls of `step()` since it was built: tick 0 is what the constructor leaves behind.
    """

    def __init__(
        self,
        name: str,
        optimizer: Optimizer,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        writes: Any = None,
    ) -> None:
        self.name = name
        self.framework = _table.FRAMEWORKS[name]
        self.optimizer = optimizer
        self._args = args
        self._kwargs = kwargs
        self._writes: Mapping[int, Any] = writes or {}
        self._serial = _next_serial()
        live, self._scheduler = self._construct()
        self.arguments = _table.bound(name, args, kwargs)
        self._start = live.rates()
        self._reach = -1 if self._writes else self._scheduler.reach()
        self._fails = self._scheduler.fails_in() if self._reach > 0 else None
        self._moves_momentum = any(item.cycle_momentum for item in _everyone(self._scheduler))
        self._replayed: Live | None = None
        self._trace: list[list[Any]] = []
        self._momenta: list[list[Any]] = []
        self._failure: ScheduleRaises | None = None
        self._foreseen: ScheduleRaises | None = None

    # building

    def _nested(self) -> Iterator[Emulated]:
        for value in (*self._args, *self._kwargs.values()):
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, Emulated):
                    yield from item._nested()
                    yield item

    def _construct(self) -> tuple[Live, LRScheduler]:
        replay = Replay(self)
        return replay.live(self.optimizer), replay.scheduler(self)

    # asking

    @property
    def needs_metric(self) -> bool:
        """Whether its step() takes a metric, so that only `replay` can drive it."""
        return isinstance(self._scheduler, MetricDriven)

    @property
    def length(self) -> int | None:
        """Ticks after which the stated shape is over: T_max, total_steps, the last milestone, T_0, ..."""
        return self._scheduler.length()

    @property
    def reach(self) -> int:
        """The last tick whose LR a formula gives; those after it are replayed one by one."""
        return self._reach

    def past_end(self) -> str:
        """What the LR does beyond `length`: "hold" (or goes on falling), "rise", "raise", "cycle" or
        "unknown".

        >>> build("CosineAnnealingLR", Optimizer(lr=0.1), T_max=90).past_end()
        'rise'
        """
        return "raise" if self._fails is not None else self._scheduler.past_end()

    def lr(self, tick: int, group: int = 0) -> float:
        """The LR in force after `tick` calls of step(); one formula where the scheduler has one.

        Raises ScheduleRaises where the real scheduler would have raised by then.

        >>> round(build("LinearLR", Optimizer(lr=0.1), start_factor=0.1, total_iters=9).lr(3), 12)
        0.04
        """
        return self.value(tick, group)

    def value(self, tick: int, group: int = 0, parameter: str = "lr") -> float:
        """The LR, or the momentum ("momentum", or "betas" for beta1) of one group after `tick` calls of
        step()."""
        if tick < 0:
            raise LrightError(f"{self.name} has no tick {tick}: ticks count from 0")
        if parameter != "lr":
            return self._momentum(tick, group, parameter)
        if tick == 0 <= self._reach:
            value = self._start[group]
        elif tick > self._reach:
            self._replay_to(tick)
            value = self._trace[tick][group]
        elif self._fails is not None and tick >= self._fails:
            raise self._failing()
        else:
            try:
                value = self._scheduler.leap(self._start[group], tick, group)
            except Exception as error:
                raise self.first_raise(tick) or ScheduleRaises.of(error, tick) from error
        try:
            return float(value)
        except TypeError:
            raise self.first_raise(tick) or _not_real([value], tick) from None

    def curve(self, ticks: int, group: int = 0, parameter: str = "lr") -> list[float]:
        """The values at ticks 0, 1, ..., ticks - 1. Raises ScheduleRaises if the scheduler raises on the way.

        >>> build("StepLR", Optimizer(lr=1.0), step_size=2, gamma=0.5).curve(5)
        [1.0, 1.0, 0.5, 0.5, 0.25]
        """
        if parameter == "lr" and 1 < ticks <= self._reach and self._fails is None:
            return self._leapt(ticks, group)
        if ticks > 0 and (parameter != "lr" or self._reach < ticks - 1):
            self._replay_to(ticks - 1)
        return [self.value(tick, group, parameter) for tick in range(ticks)]

    def _leapt(self, ticks: int, group: int) -> list[float]:
        """A curve from the formula, the fast way; the slow way finds the tick at which it raises."""
        start, leap = self._start[group], self._scheduler.leap
        try:
            return [float(start), *[float(leap(start, tick, group)) for tick in range(1, ticks)]]
        except Exception:  # noqa: BLE001  a function of the user's may raise anything
            return [self.value(tick, group) for tick in range(ticks)]

    def first_raise(self, within: int) -> ScheduleRaises | None:
        """The first exception within so many calls of step(), or None.

        Schedulers that run a user's function are searched tick by tick for the first 2,000 ticks, then at
        500 samples with a bisection: an exception at a lone tick between two samples is not found.

        >>> print(build("OneCycleLR", Optimizer(lr=0.1), max_lr=1.0, total_steps=10).first_raise(100))
        ValueError at tick 11: Tried to step 11 times. The specified number of total steps is 10
        """
        if self._fails is not None:
            return self._failing() if self._fails <= within else None
        if self._reach < within:
            try:
                self._replay_to(within)
            except ScheduleRaises as raised:
                return raised
            return None
        opaque = any(item.opaque for item in _everyone(self._scheduler))
        return self._scan(within) if opaque else None

    def replay(self, metrics: Sequence[float], group: int = 0) -> list[float]:
        """The LR after 0, 1, ..., len(metrics) steps of a metric-driven scheduler, fed one metric each.

        >>> plateau = build("ReduceLROnPlateau", Optimizer(lr=1.0), factor=0.5, patience=1)
        >>> plateau.replay([3.0, 2.0, 2.0, 2.0, 2.0])
        [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
        """
        if not self.needs_metric:
            raise LrightError(f"{self.name} takes no metric: use curve(ticks)")
        live, scheduler = self._construct()
        rates = [float(live.param_groups[group]["lr"])]
        for tick, metric in enumerate(metrics, 1):
            try:
                scheduler.tick(tick, metric)
            except Exception as error:
                raise ScheduleRaises.of(error, tick) from error
            rates.append(float(live.param_groups[group]["lr"]))
        return rates

    def lr_at_epoch(self, epoch: float, group: int = 0) -> float:
        """The LR after one call of torch's deprecated `step(epoch)` on the new scheduler.

        >>> build("CosineAnnealingWarmRestarts", Optimizer(lr=1.0), T_0=1, T_mult=3).lr_at_epoch(121)
        0.0
        """
        live, scheduler = self._construct()
        try:
            scheduler.step(epoch)
            return float(live.param_groups[group]["lr"])
        except Exception as error:
            raise ScheduleRaises.of(error, 1) from error

    def written(self, at: Mapping[int, float | Sequence[float]]) -> Emulated:
        """The same scheduler when the program itself writes the LR (one for all groups, or one each) after
        some ticks.

        >>> gamma = build("ExponentialLR", Optimizer(lr=1.0), gamma=0.5)
        >>> gamma.written({2: 7.0}).curve(4)
        [1.0, 0.5, 7.0, 3.5]
        """
        return type(self)(self.name, self.optimizer, self._args, self._kwargs, dict(at))

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.name}({given})"

    # replaying

    def _replay_to(self, tick: int) -> None:
        """Extend the recorded trace to `tick`, or raise what raised on the way."""
        if self._replayed is None:
            self._replayed, self._stepped = self._construct()
            self._record(0)
        if self._failure is None:
            self._step_to(tick)
        if self._failure is not None and len(self._trace) <= tick:
            raise self._failure

    def _step_to(self, last: int) -> None:
        """Step on and record up to a tick; stop with `_failure` set where that raises."""
        step = self._stepped.tick
        for tick in range(len(self._trace), last + 1):
            try:
                step(tick)
            except Exception as error:  # noqa: BLE001  a function of the user's may raise anything
                self._failure = ScheduleRaises.of(error, tick)
                return
            if not self._record(tick):
                return

    def _record(self, tick: int) -> bool:
        """Note the LRs at a tick; False, with `_failure` set, where the optimizer refuses one."""
        assert self._replayed is not None
        if tick in self._writes:
            value = self._writes[tick]
            groups = len(self._replayed.param_groups)
            self._replayed.write(value if isinstance(value, (list, tuple)) else [value] * groups)
        rates = self._replayed.rates()
        if complex in map(type, rates):
            self._failure = _not_real(rates, tick)
            return False
        self._trace.append(rates)
        if self._moves_momentum:
            self._momenta.append([_momentum_of(group) for group in self._replayed.param_groups])
        return True

    def _momentum(self, tick: int, group: int, parameter: str) -> float:
        first = self.optimizer.groups[group]
        if parameter not in first:
            raise LrightError(f"group {group} of the optimizer has no {parameter!r}: it has {', '.join(first)}")
        self._replay_to(tick)
        if self._moves_momentum and parameter in ("momentum", "betas"):
            return float(self._momenta[tick][group])
        value = first[parameter]
        return float(value[0] if isinstance(value, (list, tuple)) else value)

    # exceptions

    def _failing(self) -> ScheduleRaises:
        """The exception that `fails_in` foresees: set the clock to the tick before it, then step."""
        assert self._fails is not None
        if self._foreseen is None:
            _, scheduler = self._construct()
            scheduler.skip(self._fails - 1)
            try:
                scheduler.tick(self._fails)
            except Exception as error:  # noqa: BLE001  whatever the scheduler raises is the answer
                self._foreseen = ScheduleRaises.of(error, self._fails)
        assert self._foreseen is not None, f"{self!r} was expected to raise at tick {self._fails}"
        return self._foreseen

    def _scan(self, within: int) -> ScheduleRaises | None:
        good = 0
        for tick in self._scanned(within):
            raised = self._raises_at(tick)
            if raised is not None:
                return raised if tick == good + 1 else self._bisect(good, tick)
            good = tick
        return None

    def _scanned(self, within: int) -> Iterable[int]:
        if within <= SCANNED + SAMPLES:
            return range(1, within + 1)
        samples = {SCANNED + (within - SCANNED) * i // SAMPLES for i in range(1, SAMPLES + 1)}
        marks = {mark for mark in self._scheduler.landmarks() if SCANNED < mark <= within}
        return [*range(1, SCANNED + 1), *sorted(samples | marks)]

    def _bisect(self, good: int, bad: int) -> ScheduleRaises | None:
        while bad - good > 1:
            middle = (good + bad) // 2
            if self._raises_at(middle) is None:
                good = middle
            else:
                bad = middle
        return self._raises_at(bad)

    def _raises_at(self, tick: int) -> ScheduleRaises | None:
        try:
            values = [self._scheduler.leap(rate, tick, group) for group, rate in enumerate(self._start)]
        except Exception as error:  # noqa: BLE001  a function of the user's may raise anything
            return ScheduleRaises.of(error, tick)
        return _not_real(values, tick) if complex in map(type, values) else None


class Replay:
    """Schedulers built on their optimizers and then called in any order, as a training loop may call them.

    Schedulers are constructed in the order in which they were built, so that what one constructor does to the
    optimizer is what the next one finds.

    >>> optimizer = Optimizer(lr=1.0)
    >>> decay = build("ExponentialLR", optimizer, gamma=0.5)
    >>> wave = build("CosineAnnealingLR", optimizer, T_max=2)
    >>> replay = Replay(decay, wave)
    >>> replay.step(decay)
    >>> replay.step(wave)
    >>> round(replay.lr(optimizer), 12)
    0.25
    """

    def __init__(self, *schedulers: Emulated) -> None:
        self._lives: dict[int, Live] = {}
        self._schedulers: dict[int, LRScheduler] = {}
        wanted = {id(item): item for top in schedulers for item in (*top._nested(), top)}
        for emulated in sorted(wanted.values(), key=lambda item: item._serial):
            live = self.live(emulated.optimizer)
            args = [self._real(value) for value in emulated._args]
            kwargs = {key: self._real(value) for key, value in emulated._kwargs.items()}
            try:
                self._schedulers[id(emulated)] = _construct(emulated.name, live, args, kwargs)
            except Exception as error:
                raise ScheduleRaises.of(error, None) from error

    def _real(self, value: Any) -> Any:
        if isinstance(value, Emulated):
            return self._schedulers[id(value)]
        if isinstance(value, Optimizer):
            return self.live(value)
        if isinstance(value, (list, tuple)):
            return type(value)([self._real(item) for item in value])
        return value

    def live(self, optimizer: Optimizer) -> Live:
        """The live optimizer that stands for a description."""
        return self._lives.setdefault(id(optimizer), Live(optimizer))

    def scheduler(self, emulated: Emulated) -> LRScheduler:
        """The live scheduler that stands for an emulated one."""
        return self._schedulers[id(emulated)]

    def step(self, scheduler: Emulated, *args: Any, **kwargs: Any) -> None:
        """Call its step(), with a metric or an epoch if it takes one. Raises what the framework raises."""
        self.scheduler(scheduler).step(*args, **kwargs)

    def write(self, optimizer: Optimizer, value: float, group: int = 0) -> None:
        """The program writes the LR of one group by hand."""
        self.live(optimizer).param_groups[group]["lr"] = value

    def add_group(self, optimizer: Optimizer, group: Mapping[str, Any]) -> None:
        """The program adds a parameter group after the schedulers were built."""
        live = self.live(optimizer)
        live.param_groups.append({**live.defaults, **group})

    def lr(self, optimizer: Optimizer, group: int = 0) -> float:
        """The LR one group has now."""
        return float(self.live(optimizer).param_groups[group]["lr"])


def _construct(name: str, live: Live, args: list[Any], kwargs: dict[str, Any]) -> LRScheduler:
    made = _table.maker(name)
    if name == "ChainedScheduler":
        built: LRScheduler = made(*args, **kwargs)
    elif name == "get_scheduler":
        built = made(*args[:1], live, *args[1:], **kwargs) if args else made(optimizer=live, **kwargs)
    else:
        built = made(live, *args, **kwargs)
    return built


def _everyone(scheduler: LRScheduler) -> Iterator[LRScheduler]:
    """A scheduler and all those inside it."""
    yield scheduler
    for member in scheduler.members():
        yield from _everyone(member)


def _momentum_of(group: dict[str, Any]) -> Any:
    return group["betas"][0] if "betas" in group else group["momentum"]


def _not_real(rates: Iterable[Any], tick: int) -> ScheduleRaises:
    """torch's scheduler lets a complex LR pass; the optimizer's next step() raises."""
    value = next(rate for rate in rates if not isinstance(rate, (int, float)))
    return ScheduleRaises("RuntimeError", f"the LR is {value}, which optimizer.step() refuses", tick)


class TimmEmulated(Emulated):
    """A scheduler of timm: it is told the time, in epochs by step(epoch) or in updates by
    step_update(num_updates)."""

    @property
    def stepped_by(self) -> str:
        """The one call that has an effect: "step" or "step_update"."""
        return "step" if self._timed().t_in_epochs else "step_update"

    def after_step(self, epoch: int, metric: float | None = None, group: int = 0) -> float:
        """The LR after one call of step(epoch) on the new scheduler."""
        return self._after("step", epoch, metric, group)

    def after_update(self, num_updates: int, metric: float | None = None, group: int = 0) -> float:
        """The LR after one call of step_update(num_updates) on the new scheduler; a no-op if it counts
        epochs.

        >>> cosine = build("CosineLRScheduler", Optimizer(lr=1.0), t_initial=10)
        >>> round(cosine.after_step(5), 12), cosine.after_update(5)
        (0.5, 1.0)
        """
        return self._after("step_update", num_updates, metric, group)

    def get_cycle_length(self, cycles: int = 0) -> int:
        """timm's own count of the epochs (or updates) of its cycles, warmup included where it is a prefix."""
        counted = getattr(self._scheduler, "get_cycle_length", None)
        if counted is None:
            raise LrightError(f"{self.name} has no cycles, so timm gives it no get_cycle_length()")
        return int(counted(cycles))

    def _timed(self) -> Scheduler:
        from ._timm import Scheduler

        assert isinstance(self._scheduler, Scheduler)
        return self._scheduler

    def _after(self, call: str, time: int, metric: float | None, group: int) -> float:
        live, scheduler = self._construct()
        try:
            getattr(scheduler, call)(time, metric)
        except Exception as error:
            raise ScheduleRaises.of(error, 1) from error
        return float(live.param_groups[group]["lr"])


def build(name: str, optimizer: Optimizer, /, *args: Any, **kwargs: Any) -> Emulated:
    """The scheduler that `name(optimizer, *args, **kwargs)` makes, its name and arguments as written in code.

    Schedulers inside others are given as what `build` returned for them; functions (LambdaLR) must be pure.
    The optimizer is not written to. `get_scheduler(name, optimizer, ...)` and `ChainedScheduler(schedulers,
    optimizer)` take their other arguments in order too.

    Raises ScheduleRaises (with tick None) where the constructor raises, LrightError for an unknown name.

    >>> optimizer = Optimizer(lr=0.1)
    >>> warmup = build("LinearLR", optimizer, start_factor=0.1, total_iters=5)
    >>> cosine = build("CosineAnnealingLR", optimizer, T_max=95)
    >>> both = build("SequentialLR", optimizer, [warmup, cosine], milestones=[5])
    >>> [round(both.lr(tick), 4) for tick in (0, 5, 100, 195)]
    [0.01, 0.1, 0.0, 0.1]
    """
    if name not in _table.FRAMEWORKS:
        raise LrightError(f"unknown scheduler {name!r}: known are {', '.join(sorted(_table.NAMES))}")
    kind = TimmEmulated if _table.FRAMEWORKS[name] == "timm" else Emulated
    return kind(name, optimizer, args, kwargs)


def signature(name: str) -> tuple[_table.Parameter, ...]:
    """The parameters of a scheduler in order, the optimizer among them, with what each counts (see
    Parameter).

    >>> [(parameter.name, parameter.counts) for parameter in signature("StepLR")][:3]
    [('optimizer', 'optimizer'), ('step_size', 'ticks'), ('gamma', 'ratio')]
    """
    if name not in _table.FRAMEWORKS:
        raise LrightError(f"unknown scheduler {name!r}: known are {', '.join(sorted(_table.NAMES))}")
    return _table.parameters(name)
