"""What the code of an answer shows, as far as words are graded: by its text and its indentation, never by running it.

The curve of the code is the business of the outcome graders; here are the few things that a rubric wants to be *shown*
(a plateau scheduler with its arguments, the LR printed) or that contradict the words (the step in the batch loop).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .grammar import CODE
from .sentences import Code

_I = re.IGNORECASE
_STEP = re.compile(
    r"^\s*(?P<name>[\w.]*?(?:sched|lr_s|plateau|cosine|onecycle|warmup|annealer|\blrs\b)\w*)\.step(?:_update)?\((?P<given>[^)]*)\)",
    _I,
)
_MADE = re.compile(
    r"^\s*(?P<name>\w+)\s*=\s*[\w.]*?"
    r"(?P<kind>[A-Za-z]+LR|CosineAnnealingWarmRestarts|ReduceLROnPlateau|ChainedScheduler)\(",
    re.M,
)
_LOOP = re.compile(r"^\s*(?:async )?for\s+(?P<names>.+?)\s+in\s+(?P<over>.+?):")
_BATCHES = re.compile(r"loader|batch|\bdl\b|dataset|train_dl|data\b|enumerate|steps|_iter", _I)
_TMAX = re.compile(
    r"T_max\s*=\s*(?P<value>[^,)\n]+(?:\([^)]*\)[^,)\n]*)?)"
    r"|CosineAnnealingLR\(\s*\w+\s*,(?!\s*T_max)\s*(?P<second>[^,)=\n]+(?:\([^)]*\)[^,)\n]*)?)",
    _I,
)
_SET = re.compile(r"^\s*(?P<name>\w+)\s*=\s*(?P<value>[^=].*)")
_RLROP = re.compile(r"ReduceLROnPlateau\((?P<given>[^)]*(?:\([^)]*\)[^)]*)*)\)?", _I)
_MAX = re.compile(r"""mode\s*=\s*["']?max\b""", _I)
_TRAIN_LOSS = re.compile(
    r"^\s*(?:loss|train_?loss|loss\.item\(|running_loss.*|epoch_loss.*|batch_loss|avg_train_loss|training_loss)\s*$", _I
)
_VAL = re.compile(r"val|valid|metric|dev|eval|acc|test|score", _I)


@dataclass
class Snippets:
    """What was seen: the name of a feature to the line that shows it and the number of sentences before."""

    found: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, feature: str, line: str, index: int) -> None:
        """Note a feature; the first place counts."""
        self.found.setdefault(feature, (line.strip() or feature, index))


def look(pieces: Sequence[Code]) -> Snippets:
    """The features of all code that the answer stands for."""
    seen = Snippets()
    own = [one for one in pieces if not one.theirs]
    kinds = {found["name"]: found["kind"] for one in own for found in _MADE.finditer(one.text)}
    for one in own:
        for feature, pattern in CODE.items():
            if match := pattern.search(one.text):
                seen.add(feature, _line(one.text, match.start()), one.index)
        for name, line in _arguments(one.text):
            seen.add(name, line, one.index)
        for name, line in _steps(one.text, kinds):
            seen.add(name, line, one.index)
    _combine(seen)
    return seen


def _line(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return text[start : end if end >= 0 else None]


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """What the arguments of schedulers show."""
    for found in _RLROP.finditer(text):
        given = found["given"]
        yield "rlrop", found.group()
        if _MAX.search(given):
            yield "rlrop-max", found.group()
        elif "factor" in given and "patience" in given and re.search(r"min\b", given):
            yield "rlrop-full", found.group()
    for found in re.finditer(r"max_lr\s*=\s*([\d.e-]+)", text):
        if (_number(found.group(1)) or 1.0) <= 0.05:
            yield "lower-max-lr", found.group()
    for found in _TMAX.finditer(text):
        value = (found["value"] or found["second"] or "").strip()
        if not value:
            continue
        if re.search(r"len\(|loader|steps|iters|batches|total|updates|\*", value, _I):
            yield "tmax-steps", found.group()
        elif re.search(r"^(?:100|[\w.]*(?<!cosine_)(?<!decay_)(?<!main_)(?<!remaining_)epochs)$", value, _I):
            yield "tmax-whole", found.group()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _steps(text: str, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Where schedulers are stepped, and with what."""
    loops: list[tuple[int, str]] = []
    made: dict[str, str] = {}  # variables whose names say nothing, by what they are set to
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        while loops and loops[-1][0] >= depth:
            loops.pop()
        if loop := _LOOP.match(line):
            loops.append((depth, _what(loop["names"], loop["over"])))
        if (set_ := _SET.match(line)) and not _TRAIN_LOSS.match(set_["name"]):
            made[set_["name"]] = f"{set_['name']} = {set_['value']}"
        step = _step_of(line, kinds)
        if step is None:
            continue
        name, given = step
        given = made.get(given.strip(), given)
        kind = kinds.get(name, "")
        where = loops[-1][1] if loops else ""
        if where:
            yield f"step-per-{where}", line
            yield f"{'onecycle' if 'onecycle' in kind.lower() else 'other'}-per-{where}", line
        if given.strip():
            yield (
                (
                    "step-with-train"
                    if _TRAIN_LOSS.match(given)
                    else "step-with-val"
                    if _VAL.search(given)
                    else "step-with"
                ),
                line,
            )
        elif kind == "ReduceLROnPlateau":
            yield "rlrop-step-bare", line


def _step_of(line: str, kinds: dict[str, str]) -> tuple[str, str] | None:
    """The scheduler that a line steps, and what it is given."""
    found = _STEP.match(line) or re.match(r"^\s*(?P<name>\w+)\.step\((?P<given>[^)]*(?:\([^)]*\))?[^)]*)\)", line)
    if found is None:
        return None
    name = found["name"].split(".")[-1]
    if name in kinds or _STEP.match(line):
        return name, found["given"]
    return None


def _what(names: str, over: str) -> str:
    """What a loop counts."""
    if re.search(r"epoch|\bep\b", names + over, _I) and not re.search(r"loader|batch", names + over, _I):
        return "epoch"
    return "batch" if _BATCHES.search(over) or "," in names or _BATCHES.search(names) else "epoch"


def _combine(seen: Snippets) -> None:
    """Features that are made of others."""
    if "sequential" in seen.found and "tmax-whole" in seen.found:
        seen.add("tmax-not-shortened", *seen.found["tmax-whole"])
    if "other-per-batch" in seen.found and "tmax-steps" not in seen.found:
        seen.add("kept-per-batch", *seen.found["other-per-batch"])
