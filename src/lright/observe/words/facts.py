"""From matched patterns and named things to facts: what counts, what is only asked about, what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import LrightError
from ...records import field, record
from ...setting import INFERRED, SAID, Setting, checked
from .grammar import matches
from .guards import agrees
from .lexer import Item

# How much a statement counts: what is only asked about, what somebody else does, what is said, what is said to be so.
ASKED, OTHERS, TOLD, SURE = range(4)


@record(slots=True)
class Time:
    """A place in training that was named, and where in the question."""

    kind: str  # epoch, step, until, first, stepuntil ...
    value: float
    start: int
    sentence: int
    clause: int


@record(slots=True)
class Claim:
    """A value somebody may have told for a fact."""

    name: str
    value: str | float | int | bool
    start: int
    end: int
    weight: int = TOLD
    certainty: str = SAID
    note: str = ""


@record(slots=True)
class Hearing:
    """What is gathered while a question is read."""

    text: str
    items: list[Item]
    claims: list[Claim] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)
    noted: list[tuple[str, float, int, int, int]] = field(default_factory=list)  # name, value, start, sentence, end

    def claim(
        self,
        name: str,
        value: str | float | int | bool,
        start: int,
        end: int,
        weight: int = TOLD,
        certainty: str = SAID,
    ) -> None:
        """Note a value for a fact, if the fact can have it."""
        try:
            known = checked(name, value)
        except LrightError:
            return
        self.claims.append(Claim(name, known, start, end, weight, certainty))

    def note(self, name: str, value: float, words: str) -> None:
        """Note a number by its name."""
        values = self.numbers.setdefault(name, [])
        if value not in values:
            values.append(value)
        self.spans.setdefault(name, words)


def read_numbers(hearing: Hearing) -> None:
    """Give every number in the prose the one meaning that its surroundings tell."""
    items = hearing.items
    for pattern, start, end, numbers in matches(items):
        if pattern.guard and not agrees(pattern.guard, items, start, end, numbers):
            continue
        for name, number in zip(pattern.names, numbers):
            number.taken = True
            _take(hearing, name, number, start, end)
        if not numbers and pattern.names == ["@one"]:
            item = items[start]
            hearing.times.append(Time("epoch", 1.0, item.start, item.sentence, item.clause))
        if not numbers and pattern.names == ["one"]:
            hearing.claim("processes", 1, items[start].start, items[end - 1].end)


def _take(hearing: Hearing, name: str, number: Item, start: int, end: int) -> None:
    items, value = hearing.items, number.value
    first, last = items[start].start, items[end - 1].end
    if name == "_":
        return
    if name[0] == "@":
        hearing.times.append(Time(name[1:], value, number.start, number.sentence, number.clause))
    elif name[0] == "#":
        hearing.note(name[1:], value, hearing.text[first:last])
        hearing.noted.append((name[1:], value, first, number.sentence, last))
        if name == "#max_lr":
            hearing.claim("lr", value, first, last, weight(items, start), INFERRED)
    elif name.startswith("warmup:"):
        hearing.claim("warmup", _warmup(name[7:], number), first, last, weight(items, start))
    elif name.startswith("pair_"):
        field = name[5:]
        elsewhere = weight(items, start) == OTHERS
        other = {"lr": "reference_lr", "batch_size": "reference_batch"}[field]
        hearing.claim(other if elsewhere else field, value, first, last, weight(items, start) or ASKED)
    elif name == "nodes":
        hearing.note("nodes", value, hearing.text[first:last])
    elif name != "one":
        if name == "floor" and "MINLR" in items[start].tags:
            kept = "eta_min" if "eta" in items[start].text.lower() else "min_lr"
            hearing.note(kept, value, hearing.text[first:last])
            hearing.noted.append((kept, value, first, number.sentence, last))
        told = _clear(name, items, start, end, min(TOLD, weight(items, start)))
        if name == "lr" and _observed(hearing, items[start:end], number):
            told = ASKED
        hearing.claim(name, value, first, last, told)


def _observed(hearing: Hearing, words: Sequence[Item], number: Item) -> bool:
    """Whether an LR was seen at some time, and not set: "by epoch 20 the lr is 1e-7"."""
    times = [time for time in hearing.times if time.clause == number.clause]
    seen = any(one.text.lower() in ("is", "was", "prints", "shows", "~", "reads") for one in words)
    return any(time.start < number.start or seen for time in times)


def _warmup(unit: str, number: Item) -> str:
    value = number.value
    if value == 0:
        return "0"
    if unit == "guess":
        unit = "up"
    if unit in ("pct", "share"):
        return f"{round(value * 100, 10):g}%"
    return f"{value:.12g}{unit}" if unit == "ep" else f"{value:.12g} updates"


_OPEN = frozenset(". ? ! BREAK ; but however ARROW".split())
_TURNS = frozenset("for when with if given on while since because using at where as during ( :".split())
_ASIDE = frozenset(
    "a the an , or vs versus and a some another new different FILL SCHED OPT LR NUM / - use switch WARMUP".split()
)


_ASKING = frozenset(("would", "could", "comparing", "compare", "compared"))


def weight(items: Sequence[Item], start: int) -> int:
    """How much a statement counts that begins at an item."""
    best = OTHERS if items[start].quoted else TOLD
    for index in range(start - 1, max(-1, start - 9), -1):
        tags = items[index].tags
        if not tags.isdisjoint(_OPEN):
            break
        if items[index].quoted and not items[start].quoted:
            continue
        if "HYP" in tags or "vs" in tags or (start - index < 4 and items[index].text.lower() in _ASKING):
            return ASKED
        if "PAST" in tags and (items[index].clause == items[start].clause or start - index < 3):
            best = min(best, OTHERS)
        if "USE" in tags and best == TOLD and start - index < 4:
            best = SURE
        if not tags.isdisjoint(_TURNS):
            if any(one.text.lower() in _ASKING for one in items[max(0, index - 3) : index]):
                return ASKED
            if items[index].text == ":" and index and items[index - 1].tags & {"PAST", "HYP", "tried"}:
                best = OTHERS
            break
    return best


def _clear(name: str, items: Sequence[Item], start: int, end: int, told: int) -> int:
    """Settings written as such, ``lr=0.1`` or "SGD 0.1", count more than what a sentence mentions."""
    written = any(one.text in "=:" or "OPT" in one.tags for one in items[start:end])
    return SURE if written and told == TOLD and name == "lr" else told


def negated(items: Sequence[Item], index: int, reach: int = 3) -> bool:
    """Whether a NOT stands shortly before an item of the same clause."""
    item = items[index]
    for other in reversed(items[max(0, index - reach) : index]):
        if other.clause != item.clause:
            return False
        if "NOT" in other.tags:
            return True
        if other.tags & {"but", "and", "with", "ARROW"}:
            return False
    return False


# Facts of one number that follow it around: a second, different value in the same weight makes both doubtful.
def settle(hearing: Hearing) -> Setting:
    """The facts that nobody contradicts."""
    setting = Setting()
    by_name: dict[str, list[Claim]] = {}
    for claim in hearing.claims:
        by_name.setdefault(claim.name, []).append(claim)
    for name, claims in by_name.items():
        best = _agreed(name, claims)
        if best:
            words = " ".join(hearing.text[best.start : best.end].split())
            setting.know(name, best.value, words + best.note, best.certainty)
    _global_batch(hearing, setting)
    return setting


def _agreed(name: str, claims: list[Claim]) -> Claim | None:
    claims = [one for one in claims if one.weight > ASKED or name in _LENIENT]
    said = [one for one in claims if one.certainty == SAID] or claims
    if not said:
        return None
    top = max(one.weight for one in said)
    if top > OTHERS or name in _OWN:
        said = [one for one in said if one.weight > OTHERS]
    values = {one.value for one in said}
    if name == "processes" and len(values) == 2 and 1 in values:
        said = [one for one in said if one.value != 1]  # "it works on one"
    if name == "framework" and len(values) > 1:
        said = [one for one in said if one.value != "torch"]
    values = {one.value for one in said}
    if len(values) > 2:
        return None
    if len(values) > 1:
        said = [one for one in said if one.weight == top]
        values = {one.value for one in said}
    return said[0] if len(values) == 1 else None


# What others do says nothing on what this person does.
_OWN = frozenset(("lr", "optimizer", "scheduler", "warmup", "ticked", "floor", "momentum", "weight_decay"))
_LENIENT = frozenset(("processes", "accumulation", "family", "domain", "model", "dataset", "pretrained"))


def _global_batch(hearing: Hearing, setting: Setting) -> None:
    """The batch of one process from a global one, where that is all that was said."""
    whole = hearing.numbers.get("global_batch", [])
    if len(whole) != 1 or "batch_size" in setting:
        return
    parts = (setting.number("processes") or 1) * (setting.number("accumulation") or 1)
    if whole[0] % parts == 0:
        setting.know("batch_size", whole[0] / parts, hearing.spans["global_batch"], INFERRED)
