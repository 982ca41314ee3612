"""What the rules on choices share: a :class:`~lright.setting.Setting` with what follows from its names, and verdicts.

A choice is judged by the facts alone, wherever they come from: a description, flags, a script. Facts that were only
assumed are not used. What a script shows is told as *info*: a person may mean it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..case import Case
from ..finding import INFO, LIKELY, Finding
from ..records import field, record
from ..setting import ASSUMED, READ, Setting
from ..timeline import Place
from .base import Related, Rule
from .ticking import rate_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = Mapping[str, Any]

Numbers = Mapping[str, "float | int | str | bool | None"]

# Adam's relatives that settle their own first steps: no warmup is asked of them.
SELF_WARMING = ("radam", "adafactor", "prodigy", "dadapt", "schedulefree", "muon")


@record(frozen=True, slots=True)
class Verdict:
    """What a rule says of a setting. ``facts`` are the names that it rests on, the one to change first."""

    rule: str
    slug: str
    severity: str
    certainty: str
    message: str
    numbers: Numbers = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()


class ChoiceRule(Rule):
    """A rule that judges a setting: subclasses fill in :meth:`verdicts`.

    ``loud_in_code``: whether its severity stands where a script shows the facts; ``in_code``: whether one can.
    """

    loud_in_code = False
    in_code = True

    def judge(self, setting: Setting) -> list[Verdict]:
        """What this rule says of a setting.

        >>> from lright.rules import find
        >>> setting = Setting.of(goal="open-end", scheduler="OneCycleLR")
        >>> [verdict.rule for verdict in find("LR506").judge(setting)]
        ['LR506']
        """
        return list(self.verdicts(Known(setting)))

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        """The verdicts of this rule."""
        raise NotImplementedError

    def check(self, case: Case) -> Iterable[Finding]:
        training = case.training
        if not self.in_code or training.condition != "default":
            return
        for verdict in self.judge(training.setting):
            places = list(self._places(case, verdict.facts))
            if places:
                yield self.finding(
                    places[0].place,
                    verdict.message,
                    severity=verdict.severity if self.loud_in_code else INFO,
                    certainty=verdict.certainty,
                    numbers=verdict.numbers,
                    related=places[1:],
                    subjects=training.optimizers,
                )

    def _places(self, case: Case, facts: Iterable[str]) -> Iterator[Related]:
        """Where the facts stand, each line once."""
        lines: set[int] = set()
        for name in facts:
            place: Place | None = case.training.setting_places.get(name)
            if place is not None and place.line not in lines:
                lines.add(place.line)
                yield Related(place, f"{name.replace('_', ' ')}: {_value(case.training.setting[name])}")

    def verdict(
        self, message: str, facts: Iterable[str], *, severity: str | None = None, certainty: str = LIKELY,
        numbers: Numbers | None = None,
    ) -> Verdict:  # fmt: skip
        """A verdict of this rule."""
        given = {name: value for name, value in (numbers or {}).items() if value is not None}
        return Verdict(
            self.id, self.slug, severity or self.severity, certainty, message, given, tuple(facts), self.covers
        )


def judged(setting: Setting, rules: Iterable[Rule]) -> list[Verdict]:
    """What the rules on choices among ``rules`` say of a setting; one mistake is told once."""
    found = [verdict for rule in rules if isinstance(rule, ChoiceRule) for verdict in rule.judge(setting)]
    covered = {rule for verdict in found for rule in verdict.covers}
    return [verdict for verdict in found if verdict.rule not in covered]


class Known(Mapping[str, object]):
    """The facts of a setting that were not assumed, and what follows from the names of its model and optimizer."""

    def __init__(self, setting: Setting) -> None:
        self.facts = {name: fact for name, fact in setting.facts.items() if fact.certainty != ASSUMED}
        self.setting = Setting(self.facts, setting.symptoms)
        self._entries: dict[str, Entry] = {}

    def __getitem__(self, name: str) -> str | float | int | bool:
        return self.facts[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def number(self, name: str) -> float | None:
        """A fact as a number."""
        return self.setting.number(name)

    def text(self, name: str) -> str:
        """A fact as text, empty where it is not known."""
        return self.setting.text(name)

    @property
    def model(self) -> Entry:
        """What is known of the model."""
        return self._entry("model")

    @property
    def optimizer(self) -> Entry:
        """What is known of the optimizer."""
        return self._entry("optimizer")

    def _entry(self, name: str) -> Entry:
        if name not in self._entries:
            self._entries[name] = {}
            if self.text(name):
                from ..knowledge import lookup  # reading a table takes longer than the rules

                find = lookup.architecture if name == "model" else lookup.optimizer
                self._entries[name] = find(self.text(name))
        return self._entries[name]

    @property
    def optimizer_id(self) -> str:
        """The optimizer's id in the table, or its name, without separators."""
        return plain(str(self.optimizer.get("id") or self.text("optimizer")))

    def trait(self, name: str) -> Any:
        """A fact, or what the model's name tells of it (family, domain, norm, batch_norm); None where neither does."""
        if name in self.facts:
            return self.facts[name].value
        return self.model.get(name)

    @property
    def pretrained(self) -> bool | None:
        """Whether it starts from trained weights: said, or because a model of that name (nearly) always does."""
        told = self.get("pretrained")
        return bool(told) if told is not None else True if self.model.get("pretrained_only") else None

    @property
    def adapted(self) -> bool:
        """Whether only a part of the weights is trained."""
        return self.text("adapter") not in ("", "none")

    @property
    def adaptive(self) -> bool:
        """Whether the optimizer is known to be of Adam's kind."""
        return bool(self.optimizer.get("adaptive"))

    @property
    def from_script(self) -> bool:
        """Whether a script showed any of it: what it does not show is then no description of the usual case."""
        return any(fact.certainty == READ for fact in self.facts.values())

    @property
    def one_cycle(self) -> bool:
        """Whether the schedule is one cycle."""
        return plain(self.text("scheduler")).startswith(("onecycle", "1cycle", "superconvergence"))

    @property
    def cold(self) -> bool:
        """Whether it is known to begin at its full rate."""
        return self.text("warmup") == "0" and not self.one_cycle

    @property
    def batch(self) -> float | None:
        """Samples behind one optimizer update."""
        size = self.number("batch_size")
        return None if size is None else size * (self.number("accumulation") or 1) * (self.number("processes") or 1)

    @property
    def updates(self) -> float | None:
        """Optimizer updates of the whole training."""
        if "steps" in self:
            return self.number("steps")
        epochs, batches = self.number("epochs"), self.number("batches_per_epoch")
        if batches is None and self.number("samples") and self.number("batch_size"):
            shared = (self.number("batch_size") or 1) * (self.number("processes") or 1)
            batches = max(1.0, -(-(self.number("samples") or 0) // shared))
        return None if epochs is None or batches is None else epochs * batches // (self.number("accumulation") or 1)

    # -- in words ---------------------------------------------------------------------------------------------------

    @property
    def optimizer_title(self) -> str:
        """The optimizer's name as its authors write it."""
        return str(self.optimizer.get("title") or self.text("optimizer") or "the optimizer")

    @property
    def model_title(self) -> str:
        """The model in a few words."""
        named = self.model.get("title")
        if named:
            return _with_article(str(named))
        return {"cnn": "a CNN", "transformer": "a transformer", "rnn": "an RNN", "mlp": "an MLP", "gnn": "a GNN"}.get(
            self.text("family"), "this model"
        )

    @property
    def optimizer_at(self) -> str:
        """``AdamW at 1e-3``."""
        lr = self.number("lr")
        return self.optimizer_title if lr is None else f"{self.optimizer_title} at {rate(lr)}"


def lr_range(known: Known, spread: float = 1.0) -> tuple[float, float] | None:
    """The lowest and the highest rate that recipes use with this optimizer in such a training; where it is not known
    which row holds, over all that may. Rows for one batch are brought to the batch that there is; where that is not
    known it may be ``spread`` times larger or smaller."""
    from ..knowledge.conditions import holds

    asked = ("family", "domain", "norm", "batch_norm")
    facts = {
        **known, **{name: known.trait(name) for name in asked}, "pretrained": known.pretrained,
        "adapter": known.text("adapter") or "none",
    }  # fmt: skip
    ranges = []
    for row in known.optimizer.get("lrs", ()):
        answer = holds(row["when"], facts)
        if answer is not False:
            ranges.append(_scaled(row, known, spread))
        if answer:
            break
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _scaled(row: Entry, known: Known, spread: float) -> tuple[float, float]:
    """The range of a row, widened to the batch of the training as the optimizer's rule for batches has it."""
    rule, reference = row.get("scaling") or known.optimizer["scaling"]["rule"], row.get("reference_batch")
    power = {"linear": 1.0, "sqrt": 0.5}.get(rule, 0.0) if reference else 0.0
    ratios = (1 / spread, spread) if known.batch is None or not reference else (known.batch / reference,)
    return row["low"] * min(1.0, *ratios) ** power, row["high"] * max(1.0, *ratios) ** power


def rate(lr: float) -> str:
    """A learning rate as people write it.

    >>> rate(0.001), rate(0.1), rate(3e-05)
    ('1e-3', '0.1', '3e-5')
    """
    if lr >= 0.01 or lr <= 0:
        return rate_text(lr)
    digits, power = f"{lr:.2e}".split("e")
    return f"{float(digits):g}e{int(power)}"


def plain(name: str) -> str:
    """A name in lower case without separators."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _with_article(title: str) -> str:
    if title.startswith(("a ", "an ", "the ")):
        return title
    return f"{'an' if title[:1] in 'AEIO' or title[:2] in ('LS', 'RN', 'MA') else 'a'} {title}"


def _value(value: object) -> str:
    return rate(value) if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)
