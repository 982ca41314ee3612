"""What the code of an answer shows, as far as words are graded: by its text and its indentation, never by running it.

The curve of the code is the business of the outcome graders; here are the few things that a rubric wants to be *shown*
(a plateau scheduler with its arguments, the ramp, the LR printed) or that contradict the words (the step in the batch loop).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from .sentences import Code

_I = re.IGNORECASE
_STEP = re.compile(r"^\s*(?P<name>[\w.]*?(?:sched|lr_s|plateau|cosine|onecycle|warmup|annealer|\blrs\b)\w*)\.step(?:_update)?\((?P<given>[^)]*)\)", _I)
_MADE = re.compile(r"^\s*(?P<name>\w+)\s*=\s*[\w.]*?(?P<kind>[A-Za-z]+LR|CosineAnnealingWarmRestarts|ReduceLROnPlateau|ChainedScheduler)\(", re.M)
_LOOP = re.compile(r"^\s*(?:async )?for\s+(?P<names>.+?)\s+in\s+(?P<over>.+?):")
_BATCHES = re.compile(r"loader|batch|\bdl\b|dataset|train_dl|data\b|enumerate|steps|_iter", _I)
_TMAX = re.compile(r"T_max\s*=\s*(?P<value>[^,)\n]+(?:\([^)]*\)[^,)\n]*)?)|CosineAnnealingLR\(\s*\w+\s*,\s*(?P<second>[^,)=\n]+(?:\([^)]*\)[^,)\n]*)?)", _I)
_RLROP = re.compile(r"ReduceLROnPlateau\((?P<given>[^)]*(?:\([^)]*\)[^)]*)*)\)?", _I)
_MAX = re.compile(r"""mode\s*=\s*["']?max\b""", _I)
_TRAIN_LOSS = re.compile(r"^\s*(?:loss|train_?loss|loss\.item\(|running_loss.*|epoch_loss.*|batch_loss|avg_train_loss|training_loss)\s*$", _I)
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
        for feature, pattern in _SHOWN:
            if match := pattern.search(one.text):
                seen.add(feature, _line(one.text, match.start()), one.index)
        for name, line in _arguments(one.text):
            seen.add(name, line, one.index)
        for name, line in _steps(one.text, kinds):
            seen.add(name, line, one.index)
    _combine(seen, own)
    return seen


def _line(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return text[start : end if end >= 0 else None]


_SHOWN = (
    ("schedule", re.compile(r"(?:CosineAnnealing|MultiStepLR|StepLR|OneCycleLR|LinearLR|ExponentialLR|LambdaLR|PolynomialLR|cosine_decay|get_\w*schedule|CosineLRScheduler|ReduceLROnPlateau)", _I)),
    ("decay", re.compile(r"(?:CosineAnnealing|MultiStepLR|StepLR|OneCycleLR|PolynomialLR|cosine_decay|get_cosine|get_linear|CosineLRScheduler|math\.cos|np\.cos|ExponentialLR)", _I)),
    ("cosine-or-step", re.compile(r"CosineAnnealing|MultiStepLR|\bStepLR|cosine_decay|get_cosine|CosineLRScheduler|math\.cos|piecewise_constant", _I)),
    ("cosine", re.compile(r"CosineAnnealingLR\(", _I)),
    ("drops-30-60", re.compile(r"\[\s*30\s*,\s*60\b|step_size\s*=\s*30\b|StepLR\(\s*\w+\s*,\s*30\b|\{\s*30\s*:.*?60\s*:|epoch\s*//\s*30", _I)),
    ("warmup", re.compile(r"warmup|LinearLR\(|start_factor|warm_up", _I)),
    ("warmup-ramp", re.compile(r"LinearLR\([^)]*start_factor|start_factor\s*=|\bLinearLR\(|warmup_(?:epochs|steps|iters|t)\s*=|(?:epoch|step|it|e|s|i)\s*\+?\s*1?\)?\s*/\s*(?:float\()?(?:max\(1, ?)?(?:num_)?warm", _I)),
    ("prints-lr", re.compile(r"(?:print|log|writer|wandb|tqdm|postfix|append)[^\n]{0,80}(?:param_groups|get_last_lr)|(?:param_groups\[0\]|get_last_lr\(\))[^\n]{0,60}(?:print|log)", _I)),
    ("plots-lr", re.compile(r"(?:plot|plt)[^\n]{0,60}(?:lr|param_groups|get_last_lr)|lrs?\.append\([^\n]{0,60}(?:param_groups|get_last_lr)|(?:print|log|writer|wandb)[^\n]{0,80}(?:param_groups|get_last_lr)", _I)),
    ("zero-grad", re.compile(r"zero_grad\(", _I)),
    ("one-line", re.compile(r"(?:CosineAnnealing\w*|MultiStepLR|StepLR|OneCycleLR|ExponentialLR|PolynomialLR|CosineDecay|cosine_decay_schedule|get_cosine\w*|LambdaLR)\(", _I)),
    ("sets-tenth-lr", re.compile(r"""(?:\[["']lr["']\]\s*(?:\*=\s*0?\.\d+|/=\s*\d+|=\s*(?:0?\.000\d+|[1-5]e-4))|lr\s*=\s*(?:1e-0?4|0?\.0001|[2-5]e-0?4|0?\.000[2-5]))\b"""), ),
    ("sequential", re.compile(r"SequentialLR\(", _I)),
    ("range-test", re.compile(r"lr_?find|LRFinder|range_test", _I)),
)  # fmt: skip


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """What the arguments of schedulers show."""
    for found in _RLROP.finditer(text):
        given = found["given"]
        if re.search(r"factor\s*=|patience\s*=|,", given):
            yield "rlrop", found.group()
        if _MAX.search(given):
            yield "rlrop-max", found.group()
        else:
            yield "rlrop-min", found.group()
            if "factor" in given and "patience" in given and re.search(r"min\b", given):
                yield "rlrop-full", found.group()
    for found in re.finditer(r"max_lr\s*=\s*([\d.e-]+)", text):
        value = _number(found.group(1))
        if value is not None and value <= 0.05:
            yield "lower-max-lr", found.group()
        if value is not None and value >= 0.1:
            yield "max-lr-kept", found.group()
    for found in _TMAX.finditer(text):
        value = (found["value"] or found["second"] or "").strip()
        if not value:
            continue
        if re.search(r"len\(|loader|steps|iters|batches|total|updates|\*", value, _I):
            yield "tmax-steps", found.group()
        elif re.search(r"^(?:\d{1,3}|\w*(?:\.|_)?(?:num_|n_|max_|total_)?epochs?|EPOCHS|E|N)$", value, _I):
            yield "tmax-epochs", found.group()
            if re.search(r"^(?:100|[\w.]*(?<!cosine_)(?<!decay_)(?<!main_)(?<!remaining_)epochs)$", value, _I):
                yield "tmax-whole", found.group()
    if re.search(r"milestones\s*=\s*\[\s*30\s*,\s*60|step_size\s*=\s*30", text):
        yield "milestones-epochs", "milestones"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _steps(text: str, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Where schedulers are stepped, and with what."""
    loops: list[tuple[int, str]] = []
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        while loops and loops[-1][0] >= depth:
            loops.pop()
        if loop := _LOOP.match(line):
            loops.append((depth, _what(loop["names"], loop["over"])))
        step = _step_of(line, kinds)
        if step is None:
            continue
        name, given = step
        kind = kinds.get(name, "")
        where = loops[-1][1] if loops else ""
        if where:
            yield f"step-per-{where}", line
            yield f"{'onecycle' if 'onecycle' in kind.lower() else 'other'}-per-{where}", line
        if given.strip():
            yield ("step-with-train" if _TRAIN_LOSS.match(given) else "step-with-val" if _VAL.search(given) else "step-with"), line
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


def _combine(seen: Snippets, own: Sequence[Code]) -> None:
    """Features that are made of others."""
    has: Callable[[str], bool] = seen.found.__contains__
    if has("sequential") and has("tmax-whole"):
        seen.add("tmax-not-shortened", *seen.found["tmax-whole"])
    if has("other-per-batch") and not has("tmax-steps") and (has("tmax-epochs") or has("milestones-epochs")):
        seen.add("epochs-per-batch", *seen.found["other-per-batch"])
    if has("step-per-batch") and not has("tmax-steps"):
        seen.add("kept-per-batch", *seen.found["step-per-batch"])
