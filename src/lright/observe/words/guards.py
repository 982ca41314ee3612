"""The second thoughts of patterns: whether a number that stands in the right place also makes sense there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from .lexer import Item

Guard = Callable[[Sequence[Item], int, int, "list[Item]"], bool]


def agrees(name: str, items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """Whether the guard of that name agrees with a match."""
    return guards()[name](items, start, end, numbers)


def _tags(items: Sequence[Item], index: int) -> frozenset[str]:
    return items[index].tags if 0 <= index < len(items) else frozenset()


def _before(items: Sequence[Item], start: int, tags: frozenset[str], reach: int = 6) -> bool:
    """Whether one of the tags stands shortly before, in the same clause."""
    for index in range(start - 1, max(-1, start - 1 - reach), -1):
        if items[index].clause != items[start].clause and items[index].text in ".?!;\n":
            return False
        if not items[index].tags.isdisjoint(tags):
            return True
    return False


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STALLED = _set("FLAT STUCKAT NODOWN NOLEARN NOCHANGE PATIENCE wait waited same stays sits")
_MOMENTS = _set("AFTER AT by within FIRST LAST until till every each between past another per only next ORD once")


def _count(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    value = numbers[0].value
    return value >= 1 and value == int(value) and value < 1e7


_CHANGES = _set(
    "lower reduce cut drop decay increase raise divide multiply halve scale lowered change decrease min minimum final "
    "ended end below than"
)


def _rate(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    follower = _tags(items, end)
    if follower & {"EPOCH", "EPOCHS", "STEP", "STEPS", "x", "TIMES", "%", "GPU"} or "SPELT" in numbers[0].tags:
        return False
    if _before(items, start, _CHANGES, 4):
        return False
    return 0 < numbers[0].value <= 50 and not _plain_int(numbers[0], 5)


def _plain_int(number: Item, least: float) -> bool:
    """Whether it looks like a count and not like a rate."""
    return number.text.isdigit() and number.value >= least


def _floor(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """A floor that is set, not a final LR that was seen."""
    seen = "final" in items[start].text.lower() and any(one.text.lower() in ("is", "was") for one in items[start:end])
    return not seen and _rate0(items, start, end, numbers)


def _eachepoch(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return _before(items, start, _set("EPOCH EPOCHS"), 8) and not _before(items, start, _set("episode episodes env"), 8)


def _lrandbatch(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return _rate(items, start, end, numbers[:1]) and _count(items, start, end, numbers[1:])


def _counts(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return all(_count(items, start, end, [number]) for number in numbers) and numbers[0].value != numbers[1].value


def _rate0(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return 0 <= numbers[0].value < 1 and not _tags(items, end) & {"EPOCH", "EPOCHS", "STEP", "STEPS"}


def _ratelike(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    text = numbers[0].text.lower()
    written = "." in text or "e-" in text or "^" in text or text.startswith("0,")
    follower = _tags(items, end)
    between = items[start + 1 : end - 1]
    if any(item.tags & {"MOMENTUM"} for item in between) and numbers[0].value > 0.5:
        return False
    if follower & {"%", "EPOCH", "EPOCHS", "ACC"}:
        return False
    if follower & {"MOMENTUM", "WD"} and not _tags(items, end + 1) & {"NUM", "="}:
        return False
    return written and 0 < numbers[0].value <= 10 and not (0.85 <= numbers[0].value < 1)


def _rates(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """From a rate to a lower one."""
    return 0 <= numbers[1].value < numbers[0].value <= 10 and "." in numbers[0].text + numbers[0].text.replace(
        "e-", "."
    )


def _nopercent(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return numbers[0].value >= 1


def _share(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return 0 <= numbers[0].value <= 1


def _share2(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return all(0 <= number.value <= 1 for number in numbers)


def _behind(items: Sequence[Item], end: int) -> bool:
    """Whether the name behind a number has a number of its own: "0.1 momentum 0.9"."""
    return not (
        _tags(items, end) & {"NUM", "="} or (_tags(items, end) & {":", "of"} and "NUM" in _tags(items, end + 1))
    )


def _sharebehind(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return _share(items, start, end, numbers) and _behind(items, end)


def _smallbehind(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return _small(items, start, end, numbers) and _behind(items, end)


def _ratebehind(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return _rate(items, start, end, numbers) and _behind(items, end)


def _small(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return 0 <= numbers[0].value <= 2


def _happening(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """A moment, not a length: "after 20 epochs", but not "in 20 epochs" of a plan."""
    opener = items[start].tags
    if numbers[0].tags & {"one"} and not opener & {"AFTER", "by", "within"}:
        return False
    if "@" in opener:
        return False
    if opener & {"in", "within", "for"} and not _before(
        items, start, _set("CURVE LOSS VALLOSS ACC LR FLAT ZERO NAN"), 12
    ):
        return not _before(items, start, _set("train training run"), 4)
    return not opener & {"about", "~", "roughly", "approximately", "approx", "on", "circa"} or "AFTER" in _tags(
        items, start - 1
    )


def _notlog(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return not (
        _tags(items, end) & {"LOSS", "TRAINLOSS", "VALLOSS", "ACC"} or _tags(items, end + 1) & {"LOSS", "TRAINLOSS"}
    )


def _notahead(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """No comma between "90 epochs" and "warmup" unless nothing but warmup can be meant."""
    return not any(item.text == "," for item in items[start:end])


def _notwarm(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return True


def _warmupguess(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return (numbers[0].value >= 100 or numbers[0].value == 0) and not _tags(items, end) & {
        "EPOCHS",
        "EPOCH",
        "%",
        "ARROW",
    }


def _wholeepochs(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """Whether "N epochs" is how long the training is."""
    number = numbers[0]
    if (
        number.value <= 0
        or (number.value > 1e6 and not _tags(items, end - 1) & {"STEPS", "STEP"})
        or _before(items, start, _STALLED, 8)
    ):
        return False
    at = items.index(number)
    if not _lasting(items, at):
        return False
    before = [_tags(items, at - 1), _tags(items, at - 2)]
    if before[0] & _MOMENTS and not before[0] & {"for", "in", "train"}:
        return False
    if before[0] & {"-", "to", "or", "FILL"} and (before[1] & _MOMENTS or before[1] & {"NUM"}):
        return False
    after = _tags(items, end)
    if after & {"WARMUP", "in", "into", "later", "ago", "of", "between", "apart", "each"} and not after & {"training"}:
        if not _tags(items, end + 1) & {"training", "CURVE", "OPT", "SCHED", "MODEL", "DATASET"}:
            return False
    return number.value > 1 or bool(before[0] & {"for", "train", "training", ",", "=", ":", "only"})


def _lasting(items: Sequence[Item], at: int) -> bool:
    """Whether "for N epochs" is not how long something has been the same: "at 0.19 for 7 epochs"."""
    opener = at - 1
    while opener >= 0 and items[opener].tags & {"FILL", "like", "about", "~", "around", "roughly", "another"}:
        if items[opener].text.lower() == "been":
            return False
        opener -= 1
    if opener < 0 or "for" not in items[opener].tags:
        return not _tags(items, at + 2) & {"straight"}
    near = [one for one in items[max(0, opener - 9) : opener] if one.sentence == items[at].sentence]
    if any(
        one.tags & {"been", "now", "stay", "there"} or one.text.lower() in ("been", "now", "same", "has")
        for one in near[-5:]
    ):
        return False
    metric = any(one.tags & _METRICS for one in near)
    return not metric or any(one.tags & {"train", "training", "run", "OPT", "SCHED", "MODEL"} for one in near)


_METRICS = _set("LOSS VALLOSS TRAINLOSS ACC VALACC TRAINACC STUCKAT FLAT")


def _wholesteps(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    before = _tags(items, start - 1) | _tags(items, start - 2)
    if before & {"TIMES", "few", "couple", "several"}:
        return False
    if numbers[0].value < 100 or _tags(items, end) & {"per", "/", "each", "an", "of"}:
        return False
    return _wholeepochs(items, start, end, numbers)


def _many(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return numbers[0].value >= 10 and numbers[0].value == int(numbers[0].value)


def _manytokens(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return numbers[0].value >= 1e6 and not _tags(items, end) & {"per", "/", "BATCH"}


_NOTTRAINING = _set("val validation test eval held heldout holdout VALLOSS batch BATCH BATCHSIZE unlabeled")


def _manysamples(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    after = _tags(items, end)
    if (
        end - start > 6
        or numbers[0].value < 50
        or after & {"per", "/"}
        or (after & {"each", "a"} and "BATCH" in _tags(items, end + 1))
    ):
        return False
    around = _tags(items, start - 1) | frozenset().union(*(item.tags for item in items[start:end]))
    around |= frozenset().union(
        *(one.tags for one in items[max(0, start - 5) : start] if one.clause == items[start].clause)
    )
    if "TIMES" in _tags(items, start - 1):
        return False
    return not around & _NOTTRAINING and not (_tags(items, start - 1) & {"of"} and _tags(items, start - 2) & {"BATCH"})


def _manyalone(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    follower = _tags(items, end)
    named = bool(follower & {".", ",", ")", "BREAK", "and", ";", "("}) or not follower
    return numbers[0].value >= 500 and named and bool(items[start].tags & {"dataset", "trainset", "corpus", "SAMPLES"})


def _manyparams(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return numbers[0].value >= 1e3


def _modelsize(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return numbers[0].text[-1:] in "MBmb" and numbers[0].value >= 1e6


def _gpus(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    return (
        _count(items, start, end, numbers)
        and numbers[0].value <= 16384
        and not _tags(items, end) & {"hours", "QTY", "memory"}
        and not _tags(items, start - 1) & {"than"}
    )


def _eachgpu(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    """ "8 GPUs x 32", but not "8 GPUs with 80 GB"."""
    return all(_count(items, start, end, [number]) for number in numbers) and not _tags(items, end) & {
        "gb",
        "GB",
        "EPOCHS",
    }


def _batchlike(items: Sequence[Item], start: int, end: int, numbers: list[Item]) -> bool:
    value = numbers[0].value
    return (
        _count(items, start, end, numbers)
        and not _tags(items, end) & {"of", "/", "TOKENS", "EPOCHS", "STEPS", "-"}
        and (bool(items[start + 1].tags & {"=", ":"}) or "of" in items[start + 1].tags or value % 2 == 0 or value == 1)
    )


@cache
def guards() -> Mapping[str, Guard]:
    """Every guard by its name."""
    return {name[1:]: value for name, value in globals().items() if name[0] == "_" and callable(value)}
