"""What a range test drives: sweeps of the learning rate, then short trainings around what they suggest.

A driver (from code, or on somebody's script) iterates a :class:`Search` and does what each :class:`Segment` says::

    for segment in search:
        ...                                   # put the training back to its start, bit for bit
        for i in range(segment.steps):
            ...                               # set the LR to segment.lr(i); one update; loss is the one before it
            if segment.saw(i, loss):
                break
        segment.validation(validation_loss)   # where there is one: of the trained state
    found = search.result()

Which trainings are tried depends on what was seen before, so a segment is made when it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..errors import UsageError
from ..records import record
from .answer import answer
from .result import LrFind, Trial
from .suggest import Suggestion, suggest
from .trials import next_peak, trial_of

SWEEP, TRIAL = "sweep", "trial"
# A sweep ends when this many losses in a row are above the first one by this many times what the loss moved before.
HOPELESS_STEPS, HOPELESS_RISE = 4, 4.0
FIRST = 10  # losses that say where a sweep starts
DIVERGED = 2  # losses in a row that are no numbers: one may be a bad batch, two are a diverged training


@record(frozen=True)
class SearchOptions:
    """How to search.

    ``start``, ``end``: the range of the learning rate, 0 < start < end, in the units of the driven level (the largest
    group). ``steps``: updates of a sweep. ``seeds``: sweeps, each over other batches. ``trials``: short trainings of
    ``trial_steps`` updates around the suggestion; 0 for none, from 3 on they can bracket it.
    """

    start: float = 1e-6
    end: float = 10.0
    steps: int = 200
    seeds: int = 1
    trials: int = 0
    trial_steps: int = 60

    def checked(self) -> SearchOptions:
        """Itself, or :class:`UsageError` for what makes no sense."""
        if not (0 < self.start < self.end < math.inf):
            raise UsageError(f"the range {self.start:g} to {self.end:g} is none: give 0 < start < end")
        for name, least in (("steps", 10), ("seeds", 1), ("trials", 0), ("trial_steps", 5)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise UsageError(f"{name}={value!r} makes no sense: give a whole number of at least {least}")
        return self


class Segment:
    """One stretch of training that starts from the saved state: a sweep, or a trial.

    ``kind`` is "sweep" or "trial", ``title`` says it in words. ``seed`` tells sweeps apart: a driver that can shuffle
    takes other batches for another seed. All trials have seed 0, so that they see the same batches. ``peak`` is the
    LR that a trial starts from.
    """

    def __init__(self, kind: str, title: str, lrs: Sequence[float], seed: int = 0, peak: float | None = None) -> None:
        self.kind = kind
        self.title = title
        self.seed = seed
        self.peak = peak
        self.losses: list[float] = []
        self.validation_loss: float | None = None
        self._lrs = tuple(lrs)
        self._bad = 0
        self._high = 0
        self._lowest = self._first = math.inf
        self._spread = 0.0

    @property
    def steps(self) -> int:
        """Updates to make, unless :meth:`saw` ends it."""
        return len(self._lrs)

    @property
    def lrs(self) -> tuple[float, ...]:
        """The LR of every update."""
        return self._lrs

    @property
    def diverged(self) -> bool:
        """Whether it ended in losses that are no numbers."""
        return self._bad >= DIVERGED

    @property
    def finished(self) -> bool:
        """Whether it came to its end, by its steps or because there was nothing more to see."""
        return self._over()

    def lr(self, i: int) -> float:
        """The LR of update ``i``, 0 <= i < steps, for the driven level (the group with the largest LR)."""
        return self._lrs[i]

    def saw(self, i: int, loss: float) -> bool:
        """Take the loss of update ``i``, NaN and infinity too; True if the segment is over.

        Calls may come late (losses waiting on a GPU) but in order; what comes after the end is ignored.
        """
        if self._over():
            return True
        while len(self.losses) < i:  # a loss that nobody could read
            self.losses.append(math.nan)
        self.losses.append(float(loss))
        self._bad = 0 if math.isfinite(loss) else self._bad + 1
        self._high = self._high + 1 if self._hopeless(loss) else 0
        return self._over()

    def validation(self, loss: float) -> None:
        """Take a validation loss of the state that the segment ended in."""
        self.validation_loss = float(loss)

    def _over(self) -> bool:
        return len(self.losses) >= self.steps or self._bad >= DIVERGED or self._high >= HOPELESS_STEPS

    def _hopeless(self, loss: float) -> bool:
        """Whether a loss of a sweep lies so far above the first ones that higher LRs have nothing more to say."""
        if self.kind != SWEEP or not math.isfinite(loss):
            return False
        self._lowest = min(self._lowest, loss)
        if len(self.losses) <= FIRST:
            if len(self.losses) == FIRST:
                known = sorted(value for value in self.losses if math.isfinite(value))
                self._first, self._spread = known[len(known) // 2], known[-1] - known[0]
            return False
        moved = max(abs(self._first), self._first - self._lowest, self._spread)
        return loss > self._first + HOPELESS_RISE * moved


class Search:
    """A range test to be driven.

    ``optimizer``: the name of its class, for defaults and for how its sweeps behave. ``base_lrs``: the LR of each
    parameter group as the user set them; the test drives the largest, the others keep their ratio to it.
    """

    def __init__(
        self, options: SearchOptions | None = None, *, optimizer: str = "", base_lrs: Sequence[float] = ()
    ) -> None:
        self.options = (options or SearchOptions()).checked()
        self.optimizer = optimizer
        self.base_lrs = tuple(float(lr) for lr in base_lrs)
        self.sweeps: list[Segment] = []
        self.trials: list[Segment] = []

    def __iter__(self) -> Iterator[Segment]:
        for seed in range(self.options.seeds):
            yield self._sweep(seed)
        while len(self.trials) < self.options.trials:
            center = self.trials[0].peak if self.trials else self.suggestion().lr
            peak = next_peak(self._tried(), center or 1.0, self.options.start, self.options.end)
            if peak is None:
                return
            yield self._trial(peak)

    def __len__(self) -> int:
        """Segments at most."""
        return self.options.seeds + self.options.trials

    @property
    def total_steps(self) -> int:
        """Updates at most, for a progress bar."""
        return self.options.seeds * self.options.steps + self.options.trials * self.options.trial_steps

    def suggestion(self) -> Suggestion:
        """What the sweeps say so far, without trials."""
        first, *others = self._seen() or [((), ())]
        return suggest(*first, optimizer=self.optimizer, seeds=others)

    def result(self, interrupted: bool = False) -> LrFind:
        """The answer from all that was seen; ``interrupted``: the search was stopped before its end."""
        return answer(
            self.suggestion(),
            self._seen(),
            self._tried(interrupted),
            optimizer=self.optimizer,
            base_lrs=self.base_lrs,
            interrupted=interrupted,
        )

    def _seen(self) -> list[tuple[Sequence[float], Sequence[float]]]:
        """The sweeps that were driven at all."""
        return [(sweep.lrs[: len(sweep.losses)], sweep.losses) for sweep in self.sweeps if sweep.losses]

    def _tried(self, interrupted: bool = False) -> list[Trial]:
        """The trials that came to their end: one that was cut off cannot be compared."""
        done = [trial for trial in self.trials if trial.losses and (trial.finished or not interrupted)]
        return [trial_of(t.peak or t.lr(0), t.losses, t.validation_loss, t.diverged) for t in done]

    def _sweep_of(self, seed: int) -> Segment:
        count, start, end = self.options.steps, self.options.start, self.options.end
        lrs = [start * (end / start) ** (i / (count - 1)) for i in range(count)]
        return Segment(SWEEP, f"sweep {seed + 1} of {self.options.seeds}", lrs, seed)

    def _sweep(self, seed: int) -> Segment:
        self.sweeps.append(self._sweep_of(seed))
        return self.sweeps[-1]

    def _trial(self, peak: float) -> Segment:
        count = self.options.trial_steps
        title = f"trial {len(self.trials) + 1} of {self.options.trials}: {peak:.2g}"
        self.trials.append(Segment(TRIAL, title, [peak * (1 - i / count) for i in range(count)], peak=peak))
        return self.trials[-1]
