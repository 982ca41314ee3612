"""Judging a run while it goes on, and one that is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter

from ... import rules
from ...case import Case
from ...errors import LrightError
from ...finding import INFO, Finding, Skipped
from ...records import replace
from ...rules.judging import by, explained
from ...rules.recorded import BehaviourRule
from ...trace import Trace
from .read import glance, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...trace import Row

FIRST = 32  # rows before the first look
GROWTH = 4  # a look is due when a quarter more rows have come
SPENT = 0.005  # of the time so far: a slow run is looked at more often, as long as looking costs no more than this
ALARM = 4.0  # times the first losses: a look is due
CALM = 8  # rows after an alarm until the next look, four times as many each time; and the losses that are the start


class Judge:
    """Judges a run that goes on: :meth:`feed` it the rows as they are written, and it tells every finding once.

    ``expected``: the updates that the whole run will make, if somebody knows. ``select``, ``ignore``: rules, by id,
    slug or prefix. A look costs about a millisecond, whatever the length of the run; looks are due when a quarter more
    rows have come, and at once when a loss is not finite or four times those of the start.

    >>> judge, row = Judge(), {"kind": "update", "optimizer": 0, "lr": [0.5]}
    >>> found = [judge.feed([{**row, "update": u, "loss": 2.0 if u < 50 else float("nan")}]) for u in range(80)]
    >>> [(finding.rule, finding.numbers["update"]) for findings in found for finding in findings]
    [('LR607', 50)]
    """

    def __init__(self, expected: int | None = None, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> None:
        self.trace = Trace()
        self.trace.expected = expected
        self.findings: list[Finding] = []
        self.skipped: list[Skipped] = []  # the rules that could not judge at the last look, and why
        self._rules = [rule for rule in rules.chosen(select, ignore) if rule.live]
        self._fold_due = 0
        self._told: set[tuple[str, tuple[int, ...]]] = set()
        self._hidden: set[tuple[str, int]] = set()
        self._careful = True
        self._due = FIRST
        self._step = FIRST  # rows until the next look, where an alarm wants one soon
        self._seen: dict[int, int] = {}
        self._calm: dict[int, int] = {}
        self._began = perf_counter()
        self._spent = 0.0

    def feed(self, rows: Iterable[Row]) -> list[Finding]:
        """Take in rows; the findings that are new."""
        self.trace.extend(rows)
        return self.look() if self._is_due() else []

    def look(self) -> list[Finding]:
        """Judge what there is now; the findings that are new."""
        began = perf_counter()
        try:
            found = self._new(self._judged())
        except Exception as error:  # whatever it is: a fault of ours must not end a training that goes on
            if not self._careful:
                raise
            self.skipped = [Skipped("*", f"lright stumbled over this run: {type(error).__name__}: {error}")]
            found = []
        usual = max(FIRST, self.trace.length // GROWTH)
        self._due = self.trace.length + min(self._step, usual)
        self._step *= 4
        self._spent += perf_counter() - began
        return found

    def _is_due(self) -> bool:
        alarmed = self._alarmed()
        if self.trace.length >= self._due or alarmed or self.trace.ended:
            return True
        return self.trace.length > FIRST and self._spent < SPENT * (perf_counter() - self._began)

    def _alarmed(self) -> bool:
        """Whether the losses that came since the last time call for a look at once."""
        alarmed = False
        for number, updates in self.trace.updates.items():
            seen, count = self._seen.get(number, 0), len(updates)
            self._seen[number] = count
            if count == seen or count < self._calm.get(number, CALM):
                continue
            fresh = updates.losses[seen:]
            level = ALARM * max((abs(loss) for loss in updates.losses[:CALM]), default=0.0)
            broken = bool(updates.broken) and updates.broken[-1] >= seen
            if broken or max(fresh) > level > 0:
                self._calm[number] = count + max(CALM, count // 16)
                self._step = CALM
                alarmed = True
        return alarmed

    def _judged(self) -> list[Finding]:
        """What the rules say of the run as it stands."""
        folding = bool(self.trace.ended) or self._passed() >= self._fold_due
        if folding:
            self._fold_due = 2 * self._passed()
        situation = read(self.trace) if folding else glance(self.trace)
        chosen = self._rules if folding else [rule for rule in self._rules if isinstance(rule, BehaviourRule)]
        skipped = dict(situation.skipped)
        case = Case(situation.trainings[0], drawing=False)
        found: list[Finding] = []
        for rule in chosen:
            if rule.id in skipped:
                continue
            found += by(rule, case)
            reason = case.stumbled.get(rule.id) or rule.skipped(case)
            if reason:
                skipped[rule.id] = reason
        if folding:
            wanted = {rule.id for rule in chosen}
            self.skipped = [Skipped(rule, reason) for rule, reason in sorted(skipped.items()) if rule in wanted]
        return [_told(finding, self.trace) for finding in explained(found)]

    def _passed(self) -> int:
        """How far the run has come, in what changes its timeline: passes, or hundreds of updates without them."""
        passes = len(self.trace.epochs())
        main = self.trace.main
        return passes if passes else (len(main) // 100 if main is not None else 0)

    def _new(self, found: Iterable[Finding]) -> list[Finding]:
        """The findings that were not told yet, and that nothing told before explains."""
        fresh = []
        for finding in found:
            key = finding.rule, finding.subjects[:1]
            if key in self._told or any((finding.rule, subject) in self._hidden for subject in finding.subjects):
                continue
            self._told.add(key)
            self._hidden.update((rule, subject) for rule in _covers(finding) for subject in finding.subjects)
            fresh.append(finding)
        self.findings += fresh
        return fresh


def judge(
    trace: Trace, expected: int | None = None, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> list[Finding]:
    """What the rules say of a run, as far as it has come; ``expected``: the updates that the whole run makes.

    :raises LrightError: if the trace has no rows.
    """
    if not trace.length:
        raise LrightError("the trace is empty: nothing was recorded")
    if expected is not None:
        trace.expected = expected
    looking = Judge(trace.expected, select, ignore)
    looking._careful = False
    looking.trace = trace
    return looking.look()


def _covers(finding: Finding) -> tuple[str, ...]:
    """The rules that a finding explains, also those that come true later."""
    rule = rules.find(finding.rule)
    return rule.covers if rule is not None and finding.severity != INFO else ()


def _told(finding: Finding, trace: Trace) -> Finding:
    """The finding as it is told of a run: with the update at which it was found, and without edits of a text that was
    not read."""
    main = trace.main
    last = main.numbers[-1] if main is not None else 0
    return replace(finding, numbers={"update": last, **finding.numbers}, remedies=(), unless=())
