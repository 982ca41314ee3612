"""LR605: the LR climbs again after its decay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..finding import WARNING, Finding
from ..records import record
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, rate_text

DECAYED = 0.5  # of the peak: below, the LR has come down
CLIMBED = 2.0  # times its lowest
NOTABLE = 0.05  # of the peak
CLOSELY = 1024  # updates that are gone through one by one
AT_ONCE = 0.8  # of a climb in one update: a jump


@record(frozen=True, slots=True)
class Climb:
    """From the lowest LR, at ``low``, to where the climb is beyond doubt, at ``at``. ``jump``: in one update."""

    low: int
    at: int
    jump: bool


class LrRisesAgain(BehaviourRule):
    id = "LR605"
    slug = "lr-rises-again"
    severity = WARNING
    summary = "The LR climbs again after its decay, without a planned restart"
    why = """CosineAnnealingLR is a wave: past T_max it climbs back to where it began. A cosine sized in epochs and
stepped per batch swings up and down through the whole training; one that is shorter than the training throws away
what the decay had gained. OneCycleLR rises by one step past its end. After a resume a rate that is higher than
before means that the schedule was started anew, or stretched.

Warm restarts and cyclic schedules climb by plan and are not reported, nor is a rate that jumps in one update, which
restarts do."""
    bad_traces = (
        lambda: made(400, cosine(0.1, 10), falling()),
        lambda: made(400, cosine(0.1, 250), falling()),
        lambda: made(400, lambda u: cosine(0.1, 400)(u if u < 300 else 100), falling(), resumed=300),
    )
    good_traces = (
        lambda: made(400, cosine(0.1, 400, 40), falling()),
        lambda: made(400, lambda u: cosine(0.1, 100)(u % 100), falling()),
        lambda: made(400, lambda u: cosine(0.1, 50)(u), falling(), scheduler=("CyclicLR", {})),
        lambda: made(400, lambda u: cosine(0.1, 400)(u), falling(), resumed=300),
    )
    sources = (
        "torch 2.13: CosineAnnealingLR(T_max=10) is at 0 after 10 steps and at its start again after 20",
        "our judgement: twice the lowest LR and a twentieth of the peak",
    )
    fix_safety = "None: make the schedule as long as the run, and restore its state at a resume."
    covers = ("LR609",)
    needs_loss = False

    def seen(self, run: Run) -> Iterable[Finding]:
        if run.peak <= 0:
            return
        climb = next((found for found in self._climbs(run) if self._unplanned(run, found)), None)
        if climb is not None:
            yield self._finding(run, climb)

    def _climbs(self, run: Run) -> Iterator[Climb]:
        """The first climb after every decay."""
        sampled = list(enumerate(run.opening_rates(CLOSELY)))
        sampled += [(one.start, one.rate) for one in run.blocks if one.start >= CLOSELY]
        peak, low, lowest, before = 0.0, -1, 0.0, 0
        for position, rate in sampled:
            if rate > peak:
                peak = rate
            if low < 0:
                low, lowest = (position, rate) if rate <= DECAYED * peak else (-1, 0.0)
            elif rate < lowest:
                low, lowest = position, rate
            elif rate >= CLIMBED * lowest and rate - lowest >= NOTABLE * peak:
                rise = max(run.rate(at + 1) - run.rate(at) for at in range(before, position))
                yield Climb(low, position, rise >= AT_ONCE * (rate - lowest))
                low, peak = -1, rate
            before = position

    def _unplanned(self, run: Run, climb: Climb) -> bool:
        if self._resumed(run, climb):
            return climb.jump
        return not climb.jump and not run.restarts_by_plan()

    def _resumed(self, run: Run, climb: Climb) -> bool:
        return any(climb.low < joint <= climb.at for joint in run.updates.joints)

    def _finding(self, run: Run, climb: Climb) -> Finding:
        low, rate = run.rate(climb.low), run.rate(climb.at)
        was = f"{rate_text(low)} at update {run.number(climb.low)}"
        if self._resumed(run, climb):
            message = f"After the resume at update {run.number(climb.at)} the LR is {rate_text(rate)}: it was {was}"
        else:
            peak = max(run.rate(at) for at in range(0, climb.low + 1, max(climb.low // CLOSELY, 1)))
            message = (
                f"The LR rises again: from {rate_text(peak)} it fell to {was}, and at update {run.number(climb.at)} it "
                f"is {rate_text(rate)} and climbing"
            )
        return self.told(run, climb.at, message, numbers={"lowest": low, "lowest_update": run.number(climb.low)})


RULE = LrRisesAgain()
