"""What was seen: a curve, what it did and when."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import replace
from ...setting import Symptom
from .facts import ASKED, Hearing, Time, negated
from .heard import Series
from .lexer import Item
from .metrics import METRICS

_LOSSES = frozenset(("VALLOSS", "TRAINLOSS", "LOSS"))
_SUBJECTS = frozenset((*METRICS, "LR", "CONSTLR", "GRADNORM", "CURVE", "SCHED", "MAXLR", "MINLR"))
_DOUBT = frozenset(("MAYBE",))


class Event:
    """One thing that one curve did."""

    __slots__ = ("end", "index", "item", "kind", "metric", "start")

    def __init__(self, kind: str, metric: str, item: Item, index: int, start: int, end: int) -> None:
        self.kind, self.metric, self.item, self.index, self.start, self.end = kind, metric, item, index, start, end


def read_symptoms(hearing: Hearing, series: Sequence[Series] = ()) -> list[Symptom]:
    """The symptoms that the prose tells, one of a kind, each with the time it was told with."""
    events = _events(hearing)
    symptoms: dict[str, Symptom] = {}
    for event in events:
        known = symptoms.get(event.kind)
        if known is None or (known.epoch is None and known.step is None) or not known.values or not known.metric:
            symptom = _timed(hearing, event)
            symptoms[event.kind] = symptom if known is None else _merged(known, symptom)
    _level(symptoms, series)
    _tiny(hearing, symptoms)
    _calmed(hearing, symptoms)
    _improving_drops(hearing, symptoms)
    return list(symptoms.values())


_PASSING = ("unstable", "spike", "nan", "diverged", "noisy")


def _calmed(hearing: Hearing, symptoms: dict[str, Symptom]) -> None:
    """ "After epoch 10 it stabilizes" ends what was unstable before."""
    items = hearing.items
    for index, item in enumerate(items):
        if "CALM" not in item.tags or negated(items, index, 3):
            continue
        times = [time for time in hearing.times if time.sentence == item.sentence and time.kind in ("epoch", "step")]
        near = [time for time in times if time.clause == item.clause] or times
        if not near:
            continue
        for kind in _PASSING:
            known = symptoms.get(kind)
            if known is None:
                continue
            if near[-1].kind == "epoch" and (known.epoch is None or known.epoch < near[-1].value):
                symptoms[kind] = replace(known, until=near[-1].value)
            elif known.epoch == near[-1].value and any(other.kind == "first" for other in hearing.times):
                symptoms[kind] = replace(known, epoch=0.0, until=near[-1].value)


_SEEN = frozenset("it is at to = says say prints print ARROW ~ reads read already down about only was".split())


def _tiny(hearing: Hearing, symptoms: dict[str, Symptom]) -> None:
    """An LR of 1e-7 that was seen at some time, and not set, is nearly zero."""
    items = hearing.items
    if "lr-near-zero" in symptoms and symptoms["lr-near-zero"].epoch is not None:
        return
    for index, item in enumerate(items):
        if "NUM" not in item.tags or not 0 < item.value <= 1e-5 or item.clause in _settings(hearing, item):
            continue
        before = items[max(0, index - 16) : index]
        told = any(one.tags & {"LR", "SCHED"} for one in before if one.sentence >= item.sentence - 1)
        times = [time for time in hearing.times if time.sentence == item.sentence and time.kind in ("epoch", "step")]
        if told and times and any(one.tags & _SEEN for one in before[-3:]):
            epoch = next((time.value for time in times if time.kind == "epoch"), None)
            step = next((time.value for time in times if time.kind == "step"), None)
            symptom = Symptom("lr-near-zero", epoch, step, None, (item.value,), "lr", item.text)
            known = symptoms.get("lr-near-zero")
            symptoms["lr-near-zero"] = _merged(known, symptom) if known else symptom
            return


def _settings(hearing: Hearing, item: Item) -> set[int]:
    """The clause of a number that a fact was made of."""
    made = any(claim.start <= item.start < claim.end and claim.weight > ASKED for claim in hearing.claims)
    return {item.clause} if made else set()


def _level(symptoms: dict[str, Symptom], series: Sequence[Series]) -> None:
    """A row of losses that ends level is a plateau: 0.5, 0.3, 0.22, 0.22, 0.22."""
    for row in series:
        tail = row.values[-3:]
        if "plateau" in symptoms or "stuck" in symptoms or row.metric == "lr" or len(tail) < 3:
            continue
        if max(tail) - min(tail) <= 0.005 * abs(tail[-1]) and tail[-1] != 0:
            symptoms["plateau"] = Symptom("plateau", values=(tail[-1],), metric=row.metric, origin=row.text)


def _improving_drops(hearing: Hearing, symptoms: dict[str, Symptom]) -> None:
    """The metric improves suddenly in the sentence in which the LR is cut."""
    items = hearing.items
    for index, item in enumerate(items):
        if not item.tags & {"LR"} or not any(
            one.tags & {"DOWN", "lower", "reduce", "cut", "halve"} for one in items[index + 1 : index + 4]
        ):
            continue
        near = [one for one in items if one.sentence == item.sentence]
        sudden = any(one.tags & {"suddenly", "JUMP", "sharply", "instantly", "immediately", "sudden"} for one in near)
        metric = next((METRICS[tag] for one in near for tag in one.tags if tag in METRICS), "")
        when = any(one.tags & {"when", "after", "AFTER", "once", "whenever", "AT"} for one in near)
        better = metric == "accuracy" or any(one.tags & {"improve", "better", "improves"} for one in near)
        if sudden and metric and when and better:
            symptoms.setdefault(
                "drop-improves",
                Symptom(
                    "drop-improves",
                    metric=metric,
                    origin=" ".join(hearing.text[near[0].start : near[-1].end].split())[:120],
                ),
            )
            return


def _merged(one: Symptom, other: Symptom) -> Symptom:
    if one.epoch is None and one.step is None:
        one = replace(one, epoch=other.epoch, step=other.step, until=other.until)
    return replace(one, metric=one.metric or other.metric, values=one.values or other.values)


def _events(hearing: Hearing) -> list[Event]:
    items, events = hearing.items, []
    for index, item in enumerate(items):
        kind, metric = _kind(items, index)
        if kind and not _doubted(items, index):
            start = _subject_start(items, index)
            first, last = sorted((items[start], item), key=lambda one: one.start)
            events.append(Event(kind, metric, item, index, first.start, last.end))
    return events or _stuck(hearing)


def _stuck(hearing: Hearing) -> list[Event]:
    """ "stuck!! loss 0.55 since epoch 19": a plateau whose curve follows in the next sentence."""
    items = hearing.items
    for index, item in enumerate(items[:-1]):
        alone = "STUCKAT" in item.tags and items[index + 1].text in "!.:,-"
        if alone and any(one.tags & set(METRICS) for one in items[index + 1 : index + 6]):
            return [Event("plateau", "loss", item, index, item.start, item.end)]
    return []


def _subject_start(items: Sequence[Item], index: int) -> int:
    subject = _subject(items, index)
    return subject if subject >= 0 and abs(index - subject) < 6 else index


def _subject(items: Sequence[Item], index: int, reach: int = 9) -> int:
    """Where the curve stands that an event is told of: before it in the sentence, or right behind it."""
    for other in range(index - 1, max(-1, index - 1 - reach), -1):
        if items[other].sentence != items[index].sentence:
            break
        if not items[other].tags.isdisjoint(_SUBJECTS) and not _setting(items, other):
            return other
    for other in range(index + 1, min(len(items), index + 4)):
        if items[other].sentence != items[index].sentence or items[other].text in ",;:":
            break
        if not items[other].tags.isdisjoint(_SUBJECTS):
            return other
    return -1


def _setting(items: Sequence[Item], index: int) -> bool:
    """Whether an LR is only named with its value: "lr 4e-4 (still spikes)"."""
    if not items[index].tags & {"LR", "CONSTLR", "MAXLR", "MINLR"}:
        return False
    return any(one.taken or one.text in "=:" for one in items[index + 1 : index + 3] if one.tags & {"NUM", "=", ":"})


def _has(items: Sequence[Item], index: int, *tags: str, reach: int = 10) -> bool:
    """Whether one of the tags stands near an item in its sentence."""
    near = items[max(0, index - reach) : index + reach + 1]
    return any(one.sentence == items[index].sentence and not one.tags.isdisjoint(tags) for one in near)


def _follows(items: Sequence[Item], index: int, *tags: str, reach: int = 2) -> bool:
    return any(
        one.sentence == items[index].sentence and not one.tags.isdisjoint(tags)
        for one in items[index + 1 : index + 1 + reach]
    )


def _doubted(items: Sequence[Item], index: int) -> bool:
    """Whether it is denied, feared or asked about instead of told."""
    if negated(items, index, 4):
        return True
    item = items[index]
    for other in reversed(items[max(0, index - 11) : index]):
        if other.sentence != item.sentence or other.text in ",;:" or other.tags & {"but", "and", "then"}:
            return False
        if other.tags & {"MAYBE", "HYP"} or other.tags & {"not", "never"}:
            return True
    return False


def _kind(items: Sequence[Item], index: int) -> tuple[str, str]:
    """The symptom an item tells of, and the metric; nothing if it tells of none."""
    item = items[index]
    tags = item.tags
    if not tags & _VERBS:
        return "", ""
    subject = _subject(items, index)
    subject_tags = items[subject].tags if subject >= 0 else frozenset()
    if "loss" in item.text.lower():
        subject_tags = frozenset(("LOSS",))
    metric = next((METRICS[tag] for tag in METRICS if tag in subject_tags), "")
    if subject_tags & {"LR", "CONSTLR"}:
        return _of_lr(items, index, tags), "lr"
    if "NAN" in tags:
        return "nan", metric
    if "RAISES" in tags:
        return "raises", ""
    if "OVERFIT" in tags:
        return "overfit", metric
    if "NOLEARN" in tags:
        return "stuck", metric
    if "FLAT" in tags and (subject >= 0 or item.text.lower().startswith(("plateau", "flatlin", "stagnat"))):
        return ("stuck" if _at_chance(items, index) else "plateau"), metric
    if "STUCKAT" in tags and (metric or _follows(items, index, "NUM", "PCT", reach=3) or "CURVE" in subject_tags):
        return ("stuck" if _at_chance(items, index) else "plateau"), metric
    if "NODOWN" in tags and (metric in ("loss", "val loss", "train loss")):
        later = _has(items, index, "anymore", "longer", "AFTER", "since")
        return ("plateau" if later else "stuck"), metric
    if "OSC" in tags and "UP" not in tags:
        return "unstable", metric
    if "SPIKE" in tags and (metric or "CURVE" in subject_tags or "GRADNORM" in subject_tags or subject < 0):
        return "spike", metric
    if "NOISY" in tags and (metric or "CURVE" in subject_tags):
        return "noisy", metric
    if "EXPLODE" in tags:
        return _exploded(items, index, subject_tags, metric)
    if "JUMP" in tags and metric:
        if _has(items, index, "RESUME", "restart", reach=14):
            return "restart-jump", metric
        return ("spike" if metric != "accuracy" else ""), metric
    if "UP" in tags and subject_tags & _LOSSES and subject < index:
        return ("overfit" if _split(items, index) else "diverged"), metric
    if "SLOW" in tags and (
        metric or _follows(items, index, "CURVE", "learning", "LOSS", reach=1) or "CURVE" in subject_tags
    ):
        return "slow", metric
    if "WORSE" in tags and item.text.lower().startswith("hurt") and not (metric or "SCHED" in subject_tags):
        return "", ""
    if "WORSE" in tags:
        if (
            subject_tags & _LOSSES
            and subject < index
            and item.text.lower() == "worse"
            and _has(items, index, "get", "getting", "gets")
        ):
            return "diverged", metric
        return "worse", metric
    return "", ""


_VERBS = frozenset(
    "FLAT STUCKAT NODOWN NOLEARN NAN EXPLODE SPIKE OSC NOISY UP DOWN JUMP ZERO TOOFAST NOCHANGE NOTZERO OVERFIT SLOW "
    "WORSE RAISES".split()
)


def _of_lr(items: Sequence[Item], index: int, tags: frozenset[str]) -> str:
    before = _subject(items, index)
    if "NOTZERO" in tags:
        return "lr-not-zero"
    if "NOCHANGE" in tags and before < index:
        return "lr-constant"
    if items[index].text.lower() in ("0", "zero") and not _arrives(items, index):
        return ""
    if "ZERO" in tags or "TOOFAST" in tags:
        return "lr-near-zero" if not _follows(items, index, "loss", "LOSS") else ""
    if "EXPLODE" in tags and items[index].text.lower().split()[0] in (
        "tanks",
        "tank",
        "tanked",
        "dies",
        "died",
        "die",
        "collapses",
        "collapsed",
        "nosedives",
        "dying",
        "craters",
        "cratered",
    ):
        return "lr-near-zero"
    if "UP" in tags and before < index and not _has(items, index, "WARMUP"):
        return "lr-rises"
    if tags & {"JUMP", "SPIKE"} and before < index:
        return "lr-jump"
    if tags & {"EXPLODE"} and before < index and "back up" in items[index].text.lower():
        return "lr-rises"
    if "NAN" in tags:
        return "nan"
    if "OSC" in tags:
        return "unstable"
    return ""


_ARRIVALS = frozenset(
    "is at to hits hit print prints goes go go reach reaches = ~ basically ARROW gets get about drop drops be".split()
)
_LEAVINGS = frozenset("from start starts begin begins starting [ init".split())


def _arrives(items: Sequence[Item], index: int) -> bool:
    """Whether a bare 0 is where the LR ends up, and not where it comes from or an index."""
    before = frozenset().union(*(one.tags for one in items[max(0, index - 3) : index]))
    return bool(before & _ARRIVALS) and not before & _LEAVINGS and _subject(items, index) < index


def _exploded(items: Sequence[Item], index: int, subject: frozenset[str], metric: str) -> tuple[str, str]:
    word = items[index].text.lower()
    if metric or word.startswith(_BURSTS) or (subject & {"CURVE", "GRADNORM"} and not word.startswith(_DEATHS)):
        return "diverged", metric
    return "", ""


_BURSTS = ("diverg", "explod", "blow", "blew", "blown")
_DEATHS = ("die", "dying", "tank", "run", "ran", "take", "took", "get bad", "degrade", "fall apart", "break")


def _at_chance(items: Sequence[Item], index: int) -> bool:
    if _has(items, index, "NOLEARN", "FROMSTART", "chance"):
        return True
    return any(one.value in _CHANCE for one in items[index + 1 : index + 4] if one.tags & {"NUM"})


_CHANCE = frozenset((0.693, 0.69, 0.6931, 2.303, 2.3, 2.30, 2.302, 2.3026, 4.605, 4.6, 6.9, 6.908, 6.91))


def _split(items: Sequence[Item], index: int) -> bool:
    """Whether validation gets worse while training improves."""
    subject = _subject(items, index)
    if subject < 0 or "VALLOSS" not in items[subject].tags:
        return False
    return _has(items, index, "TRAINLOSS", "TRAINACC", "train", reach=16)


def _timed(hearing: Hearing, event: Event) -> Symptom:
    epoch = step = until = None
    for time in _times(hearing, event):
        if time.kind == "epoch" and epoch is None:
            epoch = time.value
        elif time.kind == "until":
            until = time.value if until is None else until
        elif time.kind == "first" and epoch is None:
            epoch, until = 0.0, time.value
        elif time.kind == "step" and step is None:
            step = time.value
        elif time.kind == "firststep" and step is None:
            step = 0.0
    if epoch is None and step is None and event.kind not in ("plateau", "lr-near-zero"):
        near = hearing.items[max(0, event.index - 8) : event.index + 9]
        if any("BEGIN" in one.tags and one.clause == event.item.clause for one in near):
            epoch = 0.0
    words = " ".join(hearing.text[event.start : event.end].split())
    return Symptom(event.kind, epoch, step, until, _values(hearing, event), event.metric, words)


def _values(hearing: Hearing, event: Event) -> tuple[float, ...]:
    """The value that a plateau is at, where it is told right behind it."""
    if event.kind not in ("plateau", "stuck"):
        return ()
    for index in range(event.index + 1, min(event.index + 5, len(hearing.items) - 1)):
        item = hearing.items[index]
        if item.sentence != event.item.sentence or item.tags & {"by", "than", "for", "AFTER"}:
            break
        if item.tags & {"NUM", "PCT"} and not item.taken and not hearing.items[index + 1].tags & _COUNTED:
            return (item.value,)
    return ()


_COUNTED = frozenset(("EPOCH", "EPOCHS", "STEP", "STEPS"))


def _afterwards(hearing: Hearing, event: Event, time: Time) -> bool:
    """Whether it tells what came next: "flat for 40 epochs, then at epoch 80 it falls"."""
    for item in hearing.items[event.index + 1 : event.index + 40]:
        if item.start >= time.start:
            return False
        if item.tags & {"then", "until", "till", "CALM"}:
            return True
    return False


def _later(hearing: Hearing, event: Event) -> list[Time]:
    """The time of the next sentence, if that goes on about the same: "It stalls. It has been at 0.2 since epoch 28"."""
    following = event.item.sentence + 1
    times = [time for time in hearing.times if time.sentence == following]
    if len(times) != 1 or times[0].kind != "epoch":
        return []
    near = [item for item in hearing.items[event.index : event.index + 60] if item.sentence == following]
    told = any(item.tags & {"CALM", "FLAT", "NAN", "EXPLODE", "OSC", "RESUME", "HYP"} for item in near)
    about = any(item.tags & (_SUBJECTS | {"mine", "it"}) for item in near[:4])
    return times if about and not told else []


def _times(hearing: Hearing, event: Event) -> list[Time]:
    """The times of the sentence, those of the clause of the event alone if it has some."""
    same = [
        time for time in hearing.times if time.sentence == event.item.sentence and not _afterwards(hearing, event, time)
    ]
    same = same or _later(hearing, event)
    clause = [time for time in same if time.clause == event.item.clause]
    chosen = clause or same
    return sorted(chosen, key=lambda time: abs(time.start - event.item.start))
