"""The schedulers of a question: calls in prose and code, their forms in words, and the facts they carry."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import record
from ...setting import INFERRED
from .calls import Written, written
from .facts import ASKED, SURE, TOLD, Hearing, negated, weight
from .heard import Call, Code
from .lexer import Item
from .series import Row

# What of a call is a number worth keeping by its name.
KEPT = frozenset(
    "patience cooldown factor threshold T_max T_0 T_mult eta_min min_lr max_lr pct_start div_factor final_div_factor "
    "gamma step_size milestones steps_per_epoch total_steps num_warmup_steps num_training_steps last_epoch num_cycles "
    "power start_factor end_factor total_iters base_lr step_size_up step_size_down t_initial warmup_t warmup_lr_init "
    "decay_t".split()
)
# Which scheduler an argument belongs to where none is named.
OWNERS = {
    "T_max": "CosineAnnealingLR", "T_0": "CosineAnnealingWarmRestarts", "T_mult": "CosineAnnealingWarmRestarts",
    "patience": "ReduceLROnPlateau", "cooldown": "ReduceLROnPlateau", "step_size": "StepLR",
    "milestones": "MultiStepLR",
    "pct_start": "OneCycleLR", "div_factor": "OneCycleLR",
}  # fmt: skip
# The arguments that a scheduler told in words may have.
TAKES = {
    "CosineAnnealingLR": "T_max eta_min last_epoch", "CosineAnnealingWarmRestarts": "T_0 T_mult eta_min last_epoch",
    "ReduceLROnPlateau": "patience cooldown factor threshold min_lr", "StepLR": "step_size gamma last_epoch",
    "MultiStepLR": "milestones gamma last_epoch", "ExponentialLR": "gamma last_epoch",
    "OneCycleLR": "max_lr pct_start div_factor final_div_factor total_steps steps_per_epoch",
    "PolynomialLR": "power total_iters", "CyclicLR": "base_lr max_lr step_size_up step_size_down",
    "get_linear_schedule_with_warmup": "num_warmup_steps num_training_steps",
    "get_cosine_schedule_with_warmup": "num_warmup_steps num_training_steps num_cycles",
}  # fmt: skip


TYPES = {
    "cosine": "get_cosine_schedule_with_warmup", "linear": "get_linear_schedule_with_warmup", "constant": "constant",
    "constant_with_warmup": "get_constant_schedule_with_warmup",
    "polynomial": "get_polynomial_decay_schedule_with_warmup",
    "cosine_with_restarts": "get_cosine_with_hard_restarts_schedule_with_warmup",
    "inverse_sqrt": "get_inverse_sqrt_schedule",
    "reduce_lr_on_plateau": "ReduceLROnPlateau", "warmup_stable_decay": "get_wsd_schedule",
    "cosine_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup",
}  # fmt: skip


@record(slots=True)
class Told:
    """A scheduler that was named in prose, and whether it is the one in use."""

    name: str
    item: Item
    weight: int


def read_calls(hearing: Hearing, text: str, code: tuple[Code, ...]) -> list[Call]:
    """The scheduler calls that are written out, in prose and in code; their numbers are taken."""
    calls = []
    for one in written(text):
        in_prose = not any(one.text in fragment.text for fragment in code)
        if one.scheduler:
            calls.append(one.call())
            _facts(hearing, one, in_prose)
            _close(hearing, one)
    return _outer(calls)


def _outer(calls: list[Call]) -> list[Call]:
    seen: list[Call] = []
    for call in calls:
        if call not in seen:
            seen.append(call)
    return seen


def _close(hearing: Hearing, one: Written) -> None:
    """The items of a call belong to it."""
    for item in hearing.items:
        if one.start <= item.start < one.end:
            item.taken = True
            item.tags = frozenset(("INCALL",))


def _facts(hearing: Hearing, one: Written, in_prose: bool) -> None:
    at = next((index for index, item in enumerate(hearing.items) if item.start >= one.start), len(hearing.items))
    told = weight(hearing.items, at) if in_prose else SURE
    if told > ASKED and one.scheduler not in ("LinearLR", "ConstantLR", "SequentialLR", "get_scheduler", "LambdaLR"):
        hearing.claim("scheduler", one.scheduler, one.start, one.end, SURE if not in_prose else told)
    elif told > ASKED and one.scheduler in ("SequentialLR", "LambdaLR") and not in_prose:
        hearing.claim("scheduler", one.scheduler, one.start, one.end, TOLD)
    for name, given in named(one).items():
        values = given if isinstance(given, list) else [given]
        for value in values:
            if name in KEPT and isinstance(value, (int, float)) and not isinstance(value, bool):
                hearing.note(name, value, f"{name}={value}")
    _known(hearing, one)


# What arguments say about the training: lengths count only where they cannot be anything else.
FIELDS = {
    "max_lr": "lr", "eta_min": "floor", "min_lr": "floor", "epochs": "epochs", "steps_per_epoch": "batches_per_epoch",
    "num_training_steps": "steps", "total_steps": "steps", "lr_min": "floor",
}  # fmt: skip


def _known(hearing: Hearing, one: Written) -> None:
    arguments = named(one)
    for name, field in FIELDS.items():
        value = arguments.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (value or field == "floor"):
            hearing.claim(field, value, one.start, one.end, TOLD, INFERRED)
    warmup = arguments.get("num_warmup_steps")
    if isinstance(warmup, int) and warmup >= 0:
        hearing.claim("warmup", f"{warmup} updates" if warmup else "0", one.start, one.end)


def named(one: Written) -> dict[str, object]:
    """The arguments of a scheduler call by their names, those without one included."""
    positions = POSITIONS.get(one.scheduler, "").split()
    given = one.positional
    if given and not isinstance(given[0], (int, float, list)):
        given = given[1:]  # the optimizer
    return {**dict(zip(positions, given)), **one.arguments}


POSITIONS = {
    "StepLR": "step_size gamma last_epoch", "MultiStepLR": "milestones gamma last_epoch",
    "ExponentialLR": "gamma last_epoch",
    "CosineAnnealingLR": "T_max eta_min last_epoch", "CosineAnnealingWarmRestarts": "T_0 T_mult eta_min last_epoch",
    "OneCycleLR": "max_lr total_steps epochs steps_per_epoch pct_start", "PolynomialLR": "total_iters power",
    "ReduceLROnPlateau": "mode factor patience threshold", "CyclicLR": "base_lr max_lr step_size_up step_size_down",
    "LinearLR": "start_factor end_factor total_iters",
    "get_linear_schedule_with_warmup": "num_warmup_steps num_training_steps",
    "get_cosine_schedule_with_warmup": "num_warmup_steps num_training_steps num_cycles",
}  # fmt: skip


def note_milestones(hearing: Hearing, rows: Sequence[Row]) -> None:
    """The first row of epochs at which the LR drops, by its name."""
    for values, first, end in rows[:1]:
        start, last = hearing.items[first].start, hearing.items[end - 1].end
        for value in values:
            hearing.note("milestones", value, hearing.text[start:last])
            hearing.noted.append(("milestones", value, start, hearing.items[first].sentence, last))


def read_told(hearing: Hearing) -> list[Call]:
    """Schedulers told in words with their arguments: "CosineAnnealingLR with T_max=100"."""
    told = _named(hearing)
    calls: list[Call] = []
    used: set[int] = set()
    for number, one in enumerate(told):
        until = told[number + 1].item.start if number + 1 < len(told) else len(hearing.text)
        takes = TAKES.get(one.name, "").split()
        near = [
            note
            for note in hearing.noted
            if note[0] in takes and one.item.start < note[2] < until and note[2] not in used
        ]
        near = [note for note in near if note[3] - one.item.sentence <= 1]
        if near:
            calls.append(_call(hearing, one.name, one.item.start, near))
            used.update(note[2] for note in near)
    left = [note for note in hearing.noted if note[2] not in used and note[0] in KEPT]
    owners = {OWNERS[note[0]] for note in left if note[0] in OWNERS}
    if len(owners) == 1:
        name = owners.pop()
        mine = [note for note in left if note[0] in TAKES[name].split()]
        if all(one.name == name for one in told if one.name in TAKES) or not told:
            calls.append(_call(hearing, name, mine[0][2], mine))
    return calls


def _call(hearing: Hearing, name: str, start: int, notes: list[tuple[str, float, int, int, int]]) -> Call:
    arguments: dict[str, object] = {}
    for note in notes:
        value = int(note[1]) if note[1] == int(note[1]) and abs(note[1]) >= 1 else note[1]
        if note[0] == "milestones":
            arguments.setdefault("milestones", []).append(value)  # type: ignore[attr-defined]
        else:
            arguments.setdefault(note[0], value)
    end = max(note[4] for note in notes)
    return Call(name, arguments, [], " ".join(hearing.text[min(start, notes[0][2]) : end].split()))


def _named(hearing: Hearing) -> list[Told]:
    found = []
    for index, item in enumerate(hearing.items):
        names = [tag[6:] for tag in item.tags if tag.startswith("SCHED:")]
        if names and not negated(hearing.items, index):
            found.append(Told(names[0], item, weight(hearing.items, index)))
    return found


def read_optimizers(hearing: Hearing, masked: str) -> None:
    """Optimizers that are constructed in the prose."""
    for one in written(masked):
        read_constructor(hearing, one)


def claim_words(hearing: Hearing, name: str, value: str | float | int | bool, words: str) -> None:
    """Note a fact with the first place where its words stand."""
    start = hearing.text.find(words)
    if start >= 0:
        hearing.claim(name, value, start, start + len(words), SURE)


def read_constructor(hearing: Hearing, one: Written) -> None:
    """The facts of a call that makes an optimizer."""
    if one.text[len(one.name)] == "(" and one.optimizer and one.name[0].isupper() and (one.arguments or one.positional):
        claim_words(hearing, "optimizer", one.optimizer, one.text)
        rest = [given for given in one.positional if isinstance(given, float)]
        if rest and "lr" not in one.arguments:
            claim_words(hearing, "lr", rest[0], one.text)
        betas = one.arguments.get("betas")
        if isinstance(betas, list) and len(betas) == 2 and isinstance(betas[1], (int, float)):
            claim_words(hearing, "beta2", betas[1], one.text)


__all__ = ["ASKED", "KEPT", "TYPES", "claim_words", "read_calls", "read_constructor", "read_optimizers", "read_told"]
