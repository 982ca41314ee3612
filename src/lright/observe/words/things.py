"""What is named without a number: models, data sets, optimizers, schedulers, frameworks, wishes."""

from __future__ import annotations

from ...setting import INFERRED
from .facts import ASKED, SURE, TOLD, Hearing, negated, weight
from .lexer import Item, lexicon
from .schedulers import TYPES

# Tags that are a fact by themselves.
PLAIN: dict[str, tuple[str, str | bool]] = {
    "LORA": ("adapter", "lora"), "QLORA": ("adapter", "qlora"), "HEAD": ("adapter", "head"),
    "POSTLN": ("norm", "post"), "PRELN": ("norm", "pre"), "BATCHNORM": ("batch_norm", True), "AMP": ("amp", True),
    "EMA": ("ema", True), "FAST": ("goal", "fast"), "REPRODUCE": ("goal", "reproduce"), "SIMPLE": ("goal", "simple"),
    "OPENEND": ("goal", "open-end"),
}  # fmt: skip
NAMED = {"DOMAIN": "domain", "FAMILY": "family", "FRAME": "framework", "OPT": "optimizer", "SCHED": "scheduler"}


def read_things(hearing: Hearing) -> None:
    """Add the facts that names tell."""
    items = hearing.items
    for index, item in enumerate(items):
        if negated(items, index):
            _denied(hearing, index)
            continue
        for tag, (name, value) in PLAIN.items():
            if tag in item.tags:
                hearing.claim(name, value, item.start, item.end, _plain_weight(items, index, tag))
        for tag in item.tags:
            kind, colon, value = tag.partition(":")
            if colon and kind in NAMED:
                hearing.claim(NAMED[kind], value, item.start, item.end, _named_weight(items, index, kind))
            elif colon and kind == "DATASET":
                _dataset(hearing, item, value)
    _origins(hearing)
    _no_warmup(hearing)
    _keyed(hearing)
    _constant(hearing)
    _ticked(hearing)


def _denied(hearing: Hearing, index: int) -> None:
    item = hearing.items[index]
    for tag, name, value in (
        ("AMP", "amp", False),
        ("EMA", "ema", False),
        ("WD", "weight_decay", 0),
        ("BATCHNORM", "batch_norm", False),
    ):
        if tag in item.tags and not item.taken:
            start = next(one.start for one in reversed(hearing.items[:index]) if "NOT" in one.tags)
            hearing.claim(name, value, start, item.end)


def _plain_weight(items: list[Item], index: int, tag: str) -> int:
    return weight(items, index)


def _named_weight(items: list[Item], index: int, kind: str) -> int:
    if kind == "FRAME" and _quoted(items, index):
        return ASKED
    if kind in ("DOMAIN", "FAMILY", "FRAME"):
        return TOLD
    told = weight(items, index)
    if _alternative(items, index) or _left(items, index, kind):
        return ASKED
    return told


_AUTHORITIES = frozenset(
    "recommend suggest say says ppl people lecture lectures course docs forum swear tutorial blog paper "
    "guys repo".split()
)


def _quoted(items: list[Item], index: int) -> bool:
    """Whether a framework is only an authority: "like fastai recommends"."""
    after = items[index + 1 : index + 3]
    return any(one.tags & _AUTHORITIES for one in after) or (index > 0 and items[index - 1].text.lower() == "like")


def _alternative(items: list[Item], index: int) -> bool:
    """One of several that are compared: "SGD or Adam", "cosine vs a step decay"."""
    near = [*items[max(0, index - 1) : index], *items[index + 1 : index + 2]]
    if index > 1 and "FILL" in items[index - 1].tags:
        near.append(items[index - 2])
    return any(one.tags & {"or", "vs", "versus"} for one in near)


def _left(items: list[Item], index: int, kind: str) -> bool:
    """Whether it is what was used before: "swapped StepLR for OneCycle", "from Adam to SGD"."""
    before = items[max(0, index - 2) : index]
    if not any(one.tags & {"swap", "replace", "replaced", "from", "ditched", "dropped"} for one in before):
        return False
    rest = [one for one in items[index + 1 : index + 25] if one.sentence == items[index].sentence]
    return any(one.tags & {"for", "with", "to", "by", "in"} for one in rest) and any(kind in one.tags for one in rest)


def _dataset(hearing: Hearing, item: Item, name: str) -> None:
    samples, domain = lexicon().datasets[name]
    following = next((one for one in hearing.items if one.start >= item.end), None)
    if following and following.tags & {"PRETRAINED", "weights", "checkpoint", "recipe", "paper"}:
        return  # what it was trained on before, or what somebody else trains on
    hearing.claim("dataset", name, item.start, item.end)
    if samples:
        hearing.claim("samples", samples, item.start, item.end, TOLD, INFERRED)
    if domain:
        hearing.claim("domain", domain, item.start, item.end, TOLD, INFERRED)


def _pretraining(item: Item) -> bool:
    """Pretraining begins with random weights; only what is called pretrained does not."""
    low = item.text.lower().replace("-", "").replace(" ", "")
    return low.startswith("pretrain") and not low.startswith("pretrained")


def _origins(hearing: Hearing) -> None:
    """From scratch, or from trained weights."""
    items = hearing.items
    scratch = [item for item in items if "SCRATCH" in item.tags]
    trained = [item for index, item in enumerate(items) if "PRETRAINED" in item.tags and not negated(items, index)]
    trained = [item for item in trained if not _pretraining(item)]
    off = [
        item
        for item in trained
        if hearing.text[item.end : item.end + 9].lower().replace(" ", "").startswith(("=false", ":false"))
    ]
    scratch, trained = scratch + off, [item for item in trained if item not in off]
    for items, value in ((scratch, False), (trained, True)):
        for item in items[:1]:
            if not (scratch and trained):
                hearing.claim("pretrained", value, item.start, item.end, SURE)


_FLAT = frozenset("constant fixed flat".split())


def _constant(hearing: Hearing) -> None:
    """A constant LR is the absence of a scheduler, where none is named."""
    items = hearing.items
    if any(claim.name == "scheduler" and claim.weight > ASKED for claim in hearing.claims):
        return
    for index, item in enumerate(items):
        near = items[max(0, index - 4) : index]
        changeless = "NOCHANGE" in item.tags and any(one.tags & {"LR"} for one in near)
        told = (
            "CONSTLR" in item.tags
            or changeless
            and any(one.taken for one in near)
            or (
                item.tags & _FLAT
                and any(
                    one.tags & {"LR"}
                    or (one.taken and "e" in one.text + "." and one.tags & {"NUM"} and 0 < one.value < 1)
                    for one in near
                    if one.sentence == item.sentence
                )
            )
        )
        follows = items[index + 1].tags if index + 1 < len(items) else frozenset()
        if (
            told
            and not follows & {"EPOCH", "EPOCHS", "WARMUP", "for"}
            and not negated(items, index)
            and weight(items, index) > ASKED
        ):
            if not any(
                one.tags & {"keep", "HYP", "leave", "NODOWN", "stay", "MAYBE"}
                for one in items[max(0, index - 5) : index]
            ):
                hearing.claim("scheduler", "constant", item.start, item.end)
                return


_EACH = frozenset("each every per once after".split())


def _ticked(hearing: Hearing) -> None:
    """How often scheduler.step() is called, where the prose says so."""
    items = hearing.items
    for index in range(len(items) - 1):
        end = _stepping(items, index)
        if not end or weight(items, index) <= ASKED or negated(items, index, 3):
            continue
        if any(
            "HYP" in one.tags or one.text.lower() in ("should", "or", "supposed", "when", "where", "if")
            for one in items[max(0, index - 6) : index]
        ):
            continue
        units = []
        for place in range(end, min(end + 14, len(items))):
            one = items[place]
            if one.sentence != items[index].sentence or one.tags & {
                "LR",
                "LOSS",
                "VALLOSS",
                "or",
                "should",
                "instead",
                "but",
                "which",
            }:
                break
            unit = _unit(items, place)
            if unit and unit not in units:
                units.append(unit)
                last = one
        if len(units) == 1 or sorted(units) == ["batch", "epoch"]:
            hearing.claim("ticked", units[0] if len(units) == 1 else "both", items[index].start, last.end)


def _stepping(items: list[Item], index: int) -> int:
    """Where "scheduler.step()" or "step the scheduler" ends that begins at an item; 0 if none does."""
    words = [one.text.lower() for one in items[index : index + 4]]
    if words[0] in ("scheduler", "sched", "sch", "lr_scheduler") and len(words) > 2:
        if words[1] == "." and words[2] == "step":
            return index + 3
        if words[1] in ("step", "steps", "stepped", "ticks"):
            return index + 2
        if words[1] in ("is", "gets") and words[2] in ("stepped", "called", "ticked"):
            return index + 3
    if words[0] in ("step", "stepping", "stepped", "tick", "ticking"):
        for place in range(1, len(words)):
            if words[place] in ("scheduler", "sched", "it"):
                return index + place + 1
        if len(words) > 1 and words[1] in ("per", "each", "every", "once"):
            return index + 1
    return 0


_LOOPS = {
    "EPOCH": "epoch",
    "EPOCHS": "epoch",
    "BATCH": "batch",
    "iteration": "batch",
    "minibatch": "batch",
    "batch": "batch",
}


def _unit(items: list[Item], place: int) -> str:
    """The unit of "every batch", "per epoch", "in the inner loop"; nothing for "after 10 epochs"."""
    one = items[place]
    before = {tag for other in items[max(0, place - 3) : place] for tag in other.tags} | {
        other.text.lower() for other in items[max(0, place - 3) : place]
    }
    after = items[place + 1].text.lower() if place + 1 < len(items) else ""
    if one.text.lower() == "loop" and before & {"inner"}:
        return "batch"
    if one.text.lower() == "loop" and before & {"outer"}:
        return "epoch"
    unit = next((_LOOPS[tag] for tag in one.tags if tag in _LOOPS), "")
    if one.tags & {"STEP"} and one.text.lower() in ("iteration", "iter", "step"):
        unit = "batch"
    if one.tags & {"STEP"} and "update" in one.text.lower():
        unit = "update"
    if unit and (before & _EACH or after == "loop" or (before & {"end"} and unit == "epoch")):
        return unit
    return ""


_KEYS = frozenset("lr_scheduler lr_scheduler_type scheduler lr_policy lr_schedule sched schedule".split())


def _keyed(hearing: Hearing) -> None:
    """Schedulers as configurations name them: ``lr_scheduler_type=cosine``, ``lr_policy: null``; and "..., linear."."""
    items = hearing.items
    for index, item in enumerate(items):
        after = items[index + 2] if index + 2 < len(items) else None
        key = item.text.lower().replace("-", "_").replace(" ", "_")
        if after and key in _KEYS and items[index + 1].text in "=:":
            kind = TYPES.get(after.text.lower(), "constant" if after.text.lower() in ("null", "none", "no") else "")
            if kind:
                hearing.claims = [one for one in hearing.claims if one.start != after.start]
                hearing.claim("scheduler", kind, item.start, after.end, SURE)
        if (
            item.text.lower() == "linear"
            and index
            and items[index - 1].text in ",("
            and after
            and items[index + 1].text in ",.);"
        ):
            hearing.claim("scheduler", "linear", item.start, item.end)


def _no_warmup(hearing: Hearing) -> None:
    items = hearing.items
    for index, item in enumerate(items):
        if not item.tags & {"WARMUP", "WARMUPSTEPS", "WARMUPEPOCHS"}:
            continue
        near = items[max(0, index - 5) : index]
        denied = next((one for one in reversed(near) if "NOT" in one.tags and one.sentence == item.sentence), None)
        doubtful = any(
            one.tags
            & {"need", "necessary", "matter", "HYP", "NUM", "PCT", ",", ".", "sure", "if", "help", "know", "EMA"}
            for one in items[max(0, index - 5) : index]
            if denied and one.start > denied.start
        )
        if denied and not doubtful:
            hearing.claim("warmup", "0", denied.start, item.end, TOLD)
        follower = items[index + 1 : index + 3]
        if follower and follower[0].text in ":=" and len(follower) > 1 and follower[1].tags & {"NOT", "none", "off"}:
            hearing.claim("warmup", "0", item.start, follower[1].end, TOLD)
