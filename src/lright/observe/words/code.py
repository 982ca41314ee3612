"""The little that is read from code here: calls of optimizers and loaders, plain settings, and where step() stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...setting import FIELDS
from .calls import value, written
from .facts import Hearing
from .heard import Code
from .schedulers import TYPES, claim_words, read_constructor

# How settings are called in code and on command lines, without underscores, and what they are.
SETTINGS = {
    "lr": "lr", "learningrate": "lr", "baselr": "lr", "initiallr": "lr", "initlr": "lr", "peaklr": "lr",
    "initlearningrate": "lr",
    "epochs": "epochs", "numepochs": "epochs", "nepochs": "epochs", "maxepochs": "epochs", "numtrainepochs": "epochs",
    "totalepochs": "epochs", "nep": "epochs", "maxepoch": "epochs", "nbepochs": "epochs", "trainepochs": "epochs",
    "batchsize": "batch_size", "bs": "batch_size", "perdevicetrainbatchsize": "batch_size",
    "trainbatchsize": "batch_size",
    "gradientaccumulationsteps": "accumulation", "accumulationsteps": "accumulation", "accumsteps": "accumulation",
    "gradaccumsteps": "accumulation", "accumulategradbatches": "accumulation", "gradaccum": "accumulation",
    "maxsteps": "steps", "maxiters": "steps", "maxtrainsteps": "steps", "totalsteps": "steps",
    "numtrainingsteps": "steps",
    "weightdecay": "weight_decay", "wd": "weight_decay", "momentum": "momentum", "maxgradnorm": "clip",
    "dmodel": "d_model",
    "gradientclipval": "clip", "clipgradnorm": "clip", "worldsize": "processes", "numgpus": "processes",
    "droplast": "drop_last", "fp16": "amp", "bf16": "amp", "beta2": "beta2", "adambeta2": "beta2",
    "warmupsteps": "warmup:up", "numwarmupsteps": "warmup:up", "warmupiters": "warmup:up", "warmupepochs": "warmup:ep",
    "warmupratio": "warmup:pct", "stepsperepoch": "batches_per_epoch", "minlr": "floor", "etamin": "floor",
    "lrschedulertype": "scheduler",
}  # fmt: skip
_ASSIGNED = re.compile(r"(?:^|(?<=[\s(,{]))[\"']?([A-Za-z_][A-Za-z_0-9]*)[\"']?\s*(?:=(?!=)|:)\s*([^,\n#)}]+)")
_MILESTONES = re.compile(r"\bmilestones\s*=\s*\[([\d\s,_]+)\]", re.IGNORECASE)
_STEP = re.compile(r"([A-Za-z_][\w.\[\]]*)\.step(?:_update)?\(")


def read_all(hearing: Hearing, code: Sequence[Code]) -> None:
    """Add what the fragments show."""
    schedulers = {name for one in code for name in _scheduler_names(one.text)}
    for fragment in code:
        _read(hearing, fragment, schedulers)


def _read(hearing: Hearing, code: Code, schedulers: set[str]) -> None:
    """Add what one fragment shows."""
    calls = written(code.text)
    inside = [(one.start, one.end) for one in calls if one.scheduler]
    inside += [found.span() for found in _TUPLE.finditer(code.text)]
    for one in calls:
        read_constructor(hearing, one)
    for found in _ASSIGNED.finditer(code.text):
        if not any(start <= found.start() < end for start, end in inside):
            _setting(hearing, found.group(1), found.group(2).strip(), found.group().strip())
    _loops(hearing, code.text)
    ticked = _ticked(code.text, schedulers)
    if ticked:
        claim_words(hearing, "ticked", ticked[0], ticked[1])


def _setting(hearing: Hearing, name: str, text: str, words: str) -> None:
    field = SETTINGS.get(name.replace("_", "").lower())
    if not field:
        return
    if field == "scheduler":
        kind = TYPES.get(text.strip("\"'"))
        if kind:
            claim_words(hearing, "scheduler", kind, words)
        return
    known = value(text)
    if isinstance(known, bool) and FIELDS.get(field, FIELDS["epochs"]).kind == "flag":
        claim_words(hearing, field, known, words)
    elif isinstance(known, (int, float)) and not isinstance(known, bool):
        if field.startswith("warmup"):
            unit = {"up": " updates", "ep": "ep", "pct": "%"}[field[7:]]
            amount = known * 100 if unit == "%" else known
            claim_words(hearing, "warmup", f"{amount:.12g}{unit}" if known else "0", words)
        elif FIELDS[field].kind != "flag" and known > 0:
            claim_words(hearing, field, known, words)


_RANGE = re.compile(r"for (?:\w*epoch\w*|ep|e|_) in (?:tqdm\(|trange\(|range\()+(?:\d+\s*,\s*)?([\d_]+)\)")
_TUPLE = re.compile(
    r"^\s*([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)+)\s*=\s*([\d.e_-]+(?:\s*,\s*[\d.e_-]+)+)\s*(?:#.*)?$", re.M
)


def _loops(hearing: Hearing, code: str) -> None:
    """Numbers of epochs in range(), and settings that are assigned together."""
    for found in _MILESTONES.finditer(code):
        for text in found.group(1).split(","):
            if text.strip():
                hearing.note("milestones", float(text), found.group())
    for found in _RANGE.finditer(code):
        claim_words(hearing, "epochs", int(found.group(1)), found.group())
    for found in _TUPLE.finditer(code):
        for name, text in zip(found.group(1).split(","), found.group(2).split(",")):
            _setting(hearing, name.strip(), text.strip(), found.group().strip())


def _ticked(code: str, schedulers: set[str]) -> tuple[str, str] | None:
    """How often the scheduler is stepped, from the loops around the call."""
    loops: list[tuple[int, str]] = []
    seen: dict[str, str] = {}
    for line in code.split("\n"):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        loops = [one for one in loops if one[0] < depth]
        if bare.startswith(("for ", "while ")):
            loops.append((depth, _loop(bare, [kind for _, kind in loops])))
        elif bare.startswith("def "):
            loops = []
        elif bare.startswith("if ") and "%" in bare and any(kind in ("batch", "update") for _, kind in loops):
            loops.append((depth, "update" if "accum" in bare else "guard"))
        stepped = _STEP.search(bare.split("#")[0])
        if stepped and _is_scheduler(stepped.group(1), schedulers) and loops:
            seen.setdefault(loops[-1][1], bare.split("#")[0].strip())
    kinds = set(seen)
    if not kinds or kinds & {"guard", "unknown"}:
        return None
    if len(kinds) > 1:
        return ("both", next(iter(seen.values()))) if kinds == {"epoch", "batch"} else None
    kind = kinds.pop()
    return kind, seen[kind]


def _is_scheduler(name: str, schedulers: set[str]) -> bool:
    last = name.rpartition(".")[2].lower()
    return name in schedulers or "sched" in last or last in ("lr_s", "sch")


def _loop(line: str, outer: list[str]) -> str:
    low = line.lower()
    head = low.partition(" in ")[0]
    if "epoch" in head or ("epoch" in low and "range" in low) or head in ("for ep", "for e"):
        return "epoch"
    if any(
        word in low
        for word in ("loader", "batch", "dataset", "iter", "step", "_dl", "train_data", "enumerate", " dl:", "data:")
    ):
        return "batch"
    return "batch" if "epoch" in outer else "unknown"


def _scheduler_names(code: str) -> set[str]:
    """The variables that hold schedulers."""
    names = set()
    for one in written(code):
        before = code[: one.start].rpartition("\n")[2]
        if one.scheduler and "=" in before:
            names.add(before.partition("=")[0].strip())
    return names
