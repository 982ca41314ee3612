"""Calls as people write them: ``OneCycleLR(optimizer, max_lr=0.1, epochs=20)``, "StepLR(30, 0.1)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .heard import Call
from .lexer import worth

_HEAD = r"\b([A-Za-z_][A-Za-z_0-9]*)[ ]?\("
_ARGUMENT = r"([A-Za-z_]\w*)\s*(?:=(?!=)|:)\s*"
_NUMBER = r"[-−+]?(?:\d[\d_]*(?:,\d{3})*(?:\.\d*)?(?:[eE][-+−]?\d+)?|\.\d+(?:[eE][-+−]?\d+)?)(?:\s?[kKM])?$"
_THOUSANDS = r"\d,\d{3}(?![\d,.])"
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_WORDS = {"true": True, "false": False, "none": None}

CLASSES = frozenset(
    """
    LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR
    CosineAnnealingWarmRestarts CyclicLR OneCycleLR SWALR SequentialLR ChainedScheduler ReduceLROnPlateau
    CosineLRScheduler TanhLRScheduler PolyLRScheduler StepLRScheduler MultiStepLRScheduler WSDLRScheduler
    PlateauLRScheduler GreedyLR get_scheduler get_constant_schedule get_constant_schedule_with_warmup
    get_linear_schedule_with_warmup get_cosine_schedule_with_warmup get_cosine_with_hard_restarts_schedule_with_warmup
    get_polynomial_decay_schedule_with_warmup get_inverse_sqrt_schedule get_cosine_with_min_lr_schedule_with_warmup
    get_wsd_schedule get_reduce_on_plateau_schedule get_greedy_schedule create_scheduler create_scheduler_v2
    CosineDecay CosineDecayRestarts ExponentialDecay PolynomialDecay PiecewiseConstantDecay InverseTimeDecay
    LearningRateScheduler LinearWarmupCosineAnnealingLR WarmupLR WarmupDecayLR WarmupCosineLR
    cosine_decay_schedule warmup_cosine_decay_schedule exponential_decay linear_schedule polynomial_schedule
    join_schedules piecewise_constant_schedule constant_schedule cosine_onecycle_schedule warmup_constant_schedule
    warmup_exponential_decay_schedule sgdr_schedule fit_one_cycle add_lr_finder
    """.split()
)
_LOWER = {name.lower(): name for name in CLASSES}
OPTIMIZERS = (
    "sgd adam adamw lamb lars lion adafactor rmsprop adagrad adadelta muon radam nadam prodigy adamax lbfgs sophia"
)
OPTIMIZER_CALLS = {
    **{name: name for name in OPTIMIZERS.split()},
    "adam8bit": "adam", "adamw8bit": "adamw", "pagedadamw8bit": "adamw", "fusedadam": "adam", "fusedlamb": "lamb",
    "adamwschedulefree": "schedulefree-adamw", "sgdschedulefree": "schedulefree-sgd", "dadaptadam": "dadaptation",
}  # fmt: skip


class Written:
    """A call of any name in the text: its last name, its arguments and where it stands."""

    __slots__ = ("arguments", "end", "name", "positional", "start", "text")

    def __init__(
        self, name: str, arguments: dict[str, object], positional: list[object], text: str, start: int
    ) -> None:
        self.name, self.arguments, self.positional, self.text = name, arguments, positional, text
        self.start, self.end = start, start + len(text)

    @property
    def scheduler(self) -> str:
        """The scheduler of that name, or nothing."""
        return _LOWER.get(self.name.lower(), "")

    @property
    def optimizer(self) -> str:
        """The optimizer of that name, or nothing."""
        return OPTIMIZER_CALLS.get(self.name.lower(), "")

    def call(self) -> Call:
        """The record of it."""
        return Call(self.scheduler or self.name, self.arguments, self.positional, " ".join(self.text.split()))


def written(text: str) -> list[Written]:
    """Every call in a text whose brackets close, outermost first.

    >>> [(one.name, one.positional, one.arguments) for one in written("use StepLR(opt, 30, gamma=.1) now")]
    [('StepLR', ['opt', 30], {'gamma': 0.1})]
    """
    found: list[Written] = []
    if "(" not in text:
        return found
    for head in re.finditer(_HEAD, text):
        end = closing(text, head.end() - 1)
        if end > 0:
            positional, arguments = _arguments(text[head.end() : end])
            found.append(Written(head.group(1), arguments, positional, text[head.start() : end + 1], head.start()))
    return found


def closing(text: str, opened: int) -> int:
    """Where the bracket that opens at ``opened`` is closed; -1 if it is not within reason."""
    depth = 0
    if text.find(_CLOSERS[text[opened]], opened, opened + 1200) < 0:
        return -1
    for index in range(opened, min(len(text), opened + 1200)):
        one = text[index]
        if one in "([{":
            depth += 1
        elif one in ")]}":
            depth -= 1
            if depth == 0:
                return index
    return -1


def _arguments(inside: str) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = []
    arguments: dict[str, object] = {}
    for part in _parts(inside):
        named = re.match(_ARGUMENT, part)
        if named and not part.startswith("lambda"):
            arguments[named.group(1)] = value(part[named.end() :])
        else:
            positional.append(value(part))
    return positional, arguments


def _parts(inside: str) -> Iterator[str]:
    """The text between the commas that are in no bracket and no string."""
    depth, start, quote = 0, 0, ""
    for index, one in enumerate(inside):
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"" and not inside[index - 1 : index].isalnum():
            quote = one
        elif one in "([{":
            depth += 1
        elif one in ")]}":
            depth -= 1
        elif one == "," and depth <= 0 and not re.match(_THOUSANDS, inside[max(0, index - 1) : index + 6]):
            if inside[start:index].strip():
                yield inside[start:index].strip()
            start = index + 1
    if inside[start:].strip():
        yield inside[start:].strip()


def value(text: str) -> object:
    """A number, a truth value, a text in quotes or a list of such; any other expression as its text.

    >>> value("1e-3"), value("[30, 60]"), value("'min'"), value("len(loader)"), value("None")
    (0.001, [30, 60], 'min', 'len(loader)', None)
    """
    text = " ".join(text.split("#")[0].split()) if "\n" in text else text.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.match(_NUMBER, text):
        return number(text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        return text[1:-1]
    if text[:1] in ("[", "(") and text[-1:] in ("]", ")") and closing(text, 0) == len(text) - 1:
        return [value(part) for part in _parts(text[1:-1])]
    return text


def number(text: str) -> int | float:
    """The number a text is."""
    scale = {"k": 1e3, "K": 1e3, "M": 1e6}.get(text[-1:], 1.0)
    plain = text.rstrip("kKM ").lstrip("+")
    known = worth(plain) * scale
    whole = known == int(known) and "." not in plain and "e" not in plain.lower()
    return int(known) if whole or (scale > 1 and known == int(known)) else known
