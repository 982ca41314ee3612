"""What is trained, how, and what was seen: facts about one training, each with the place it comes from.

A :class:`Setting` is what a person tells (`lright plan --epochs 90`, `lright ask "..."`), or what a script shows
besides its timeline. Observers make it; the rules on choices (5xx) judge it and :mod:`lright.advise` plans from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .errors import LrightError
from .records import field, record

SAID = "said"  # a person said it, a flag or a file gave it
READ = "read"  # it stands in a script
INFERRED = "inferred"  # it follows from another fact (a ViT is a transformer)
ASSUMED = "assumed"  # nobody said it; our usual case


@record(frozen=True, slots=True)
class Field:
    """One thing that can be known. ``kind`` is choice, text, count (a positive whole number), number, share (0 to 1),
    flag or length ("5ep")."""

    name: str
    kind: str
    doc: str
    choices: tuple[str, ...] = ()


DOMAINS = (
    "classification", "detection", "segmentation", "self-supervised", "language-model", "nlp", "translation", "speech",
    "diffusion", "gan", "rl", "tabular", "graph", "time-series",
)  # fmt: skip
FAMILIES = ("cnn", "transformer", "rnn", "mlp", "unet", "gnn", "hybrid", "linear")
GOALS = ("best", "reproduce", "fast", "simple", "open-end")
TICKS = ("epoch", "batch", "update", "both", "never", "validation", "unknown")
FRAMEWORKS = ("torch", "lightning", "transformers", "accelerate", "timm", "keras", "optax", "fastai")


def _fields() -> tuple[Field, ...]:
    one = Field
    return (
        # what is trained
        one("domain", "choice", "the kind of task", DOMAINS),
        one("family", "choice", "the kind of network", FAMILIES),
        one("model", "text", "the model, by its usual name: resnet50, vit-b16, bert, gpt2"),
        one("pretrained", "flag", "whether it starts from trained weights (fine-tuning)"),
        one("adapter", "choice", "what is trained of it instead of all weights", ("lora", "qlora", "head", "none")),
        one("norm", "choice", "where a transformer normalises", ("pre", "post")),
        one("batch_norm", "flag", "whether it has batch normalisation"),
        one("algorithm", "text", "the algorithm in reinforcement learning: ppo, dqn, sac"),
        one("parameters", "number", "how many weights the model has"),
        one("d_model", "count", "the width of a transformer"),
        one("dataset", "text", "the data set by its name"),
        # how much
        one("samples", "count", "training samples"),
        one("batch_size", "count", "samples of one batch in one process"),
        one("accumulation", "count", "batches for one optimizer update"),
        one("processes", "count", "processes (GPUs) that train together"),
        one("drop_last", "flag", "whether the last, smaller batch of an epoch is dropped"),
        one("batches_per_epoch", "count", "batches of one epoch in each process"),
        one("epochs", "number", "epochs of the whole training"),
        one("steps", "number", "optimizer updates of the whole training"),
        one("tokens", "number", "tokens of the whole training"),
        # the optimizer
        one("optimizer", "text", "its name: sgd, adam, adamw, lamb ..."),
        one("lr", "number", "the learning rate: the peak, where there is a schedule"),
        one("momentum", "share", "momentum of SGD"),
        one("beta2", "share", "beta2 of Adam and its kin"),
        one("weight_decay", "number", "the weight decay"),
        one("clip", "number", "the gradient norm that is clipped to"),
        one("amp", "flag", "whether it trains in mixed precision"),
        one("ema", "flag", "whether an average of the weights is kept"),
        # the schedule there is
        one("scheduler", "text", "the scheduler in use, by its class or name; 'constant' for none"),
        one("ticked", "choice", "how often scheduler.step() is called", TICKS),
        one("warmup", "length", "how long the LR warms up; '0' for not at all"),
        one("floor", "number", "the lowest LR of the schedule"),
        # what is wanted
        one("goal", "choice", "what matters most", GOALS),
        one("framework", "choice", "what the training is written with", FRAMEWORKS),
        one("reference_lr", "number", "an LR that is known to work at reference_batch"),
        one("reference_batch", "count", "the (global) batch size that reference_lr belongs to"),
        # what was measured on this very training
        one("measured_lr", "number", "the LR that a range test suggests for a schedule that decays"),
        one("measured_low", "number", "the lower end of its interval"),
        one("measured_high", "number", "the upper end of its interval"),
    )


FIELDS: Mapping[str, Field] = {one.name: one for one in _fields()}


@record(frozen=True, slots=True)
class Known:
    """A value, and where it comes from: ``origin`` is a flag, a file and line, or the words it was read from."""

    value: str | float | int | bool
    origin: str = ""
    certainty: str = SAID


@record(frozen=True, slots=True)
class Symptom:
    """Something that was seen. ``kind`` is one of :data:`SYMPTOMS`; ``epoch`` and ``step`` say when it began,
    ``until`` when it was over; ``values`` are numbers that were told with it (the losses of a plateau)."""

    kind: str
    epoch: float | None = None
    step: float | None = None
    until: float | None = None
    values: tuple[float, ...] = ()
    metric: str = ""
    origin: str = ""


SYMPTOMS: Mapping[str, str] = {
    "plateau": "the validation metric or the loss no longer improves",
    "nan": "NaN or infinity",
    "spike": "the loss jumps up and comes back",
    "unstable": "the loss jumps about",
    "diverged": "the loss went up and did not come back",
    "stuck": "nothing is learned: chance level, one class for every input",
    "overfit": "training improves while validation gets worse",
    "lr-near-zero": "the LR is (nearly) zero too early",
    "lr-not-zero": "the LR is not zero at the end",
    "lr-rises": "the LR rises when it should not",
    "lr-constant": "the LR does not change",
    "lr-jump": "the LR jumps",
    "restart-jump": "the loss jumps at a restart of the LR or at a resume",
    "drop-improves": "the metric improves suddenly when the LR is cut",
    "slow": "the loss falls, but slowly",
    "worse": "a schedule gives a worse result than without it or than another",
    "raises": "an exception",
    "noisy": "the curve is noisy",
}


@record(slots=True)
class Setting:
    """The facts about one training, by the names of :data:`FIELDS`, and the symptoms that were seen.

    >>> setting = Setting.of(epochs=90, optimizer="sgd", lr=0.1)
    >>> setting["epochs"], setting.get("samples")
    (90, None)
    """

    facts: dict[str, Known] = field(default_factory=dict)
    symptoms: list[Symptom] = field(default_factory=list)

    @staticmethod
    def of(origin: str = "", **values: str | float | int | bool) -> Setting:
        """A setting in which ``values`` are known.

        :raises LrightError: for a name that is no field, and a value that its field cannot have.
        """
        setting = Setting()
        for name, value in values.items():
            setting.know(name, value, origin)
        return setting

    def know(self, name: str, value: str | float | int | bool, origin: str = "", certainty: str = SAID) -> None:
        """Add or replace one fact."""
        self.facts[name] = Known(checked(name, value), origin, certainty)

    def suppose(self, name: str, value: str | float | int | bool, origin: str = "", certainty: str = INFERRED) -> None:
        """Add one fact unless it is known already."""
        if name not in self.facts:
            self.know(name, value, origin, certainty)

    def __getitem__(self, name: str) -> str | float | int | bool:
        return self.facts[name].value

    def __contains__(self, name: object) -> bool:
        return name in self.facts

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def get(self, name: str) -> str | float | int | bool | None:
        """The value of a fact, None where it is not known."""
        known = self.facts.get(name)
        return None if known is None else known.value

    def number(self, name: str) -> float | None:
        """A fact as a number, None where it is not known or no number."""
        value = self.get(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def text(self, name: str) -> str:
        """A fact as text, empty where it is not known."""
        value = self.get(name)
        return value if isinstance(value, str) else ""

    def saw(self, *kinds: str) -> Symptom | None:
        """The first symptom of one of these kinds."""
        return next((symptom for symptom in self.symptoms if symptom.kind in kinds), None)

    def merged(self, other: Setting) -> Setting:
        """These facts, and those of ``other`` where they are silent."""
        return Setting({**other.facts, **self.facts}, [*self.symptoms, *other.symptoms])

    def to_json(self) -> dict[str, object]:
        """Plain dicts."""
        return {
            name: {"value": known.value, "origin": known.origin, "certainty": known.certainty}
            for name, known in self.facts.items()
        }


def checked(name: str, value: object) -> str | float | int | bool:
    """``value`` as the field ``name`` holds it.

    >>> checked("epochs", "90"), checked("pretrained", "yes"), checked("warmup", "5 epochs")
    (90, True, '5ep')

    :raises LrightError: if there is no such field or it cannot hold the value.
    """
    known = FIELDS.get(name)
    if known is None:
        raise LrightError(f"there is no fact {name!r}: write one of {', '.join(FIELDS)}")
    if known.kind == "flag":
        return _flag(name, value)
    if known.kind in ("count", "number", "share"):
        return _number(known, value)
    text = str(value).strip().lower() if known.kind in ("choice", "length") else str(value).strip()
    if known.kind == "choice" and text not in known.choices:
        raise LrightError(f"{name}={value!r} is unknown: write one of {', '.join(known.choices)}")
    if known.kind == "length":
        return _length(name, text)
    if not text:
        raise LrightError(f"{name} is empty")
    return text


_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _flag(name: str, value: object) -> bool:
    text = str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise LrightError(f"{name}={value!r} is neither yes nor no")
    return text in _YES


_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def _number(known: Field, value: object) -> float | int:
    number: float
    if isinstance(value, (int, float)):
        number = value
    else:
        text = str(value).strip().lower().replace(",", "").replace("_", "")
        factor = _SUFFIXES.get(text[-1:], 1.0)
        try:
            number = float(text[:-1] if factor > 1 else text) * factor
        except ValueError:
            raise LrightError(f"{known.name}={value!r} is no number") from None
    if not -1e300 < number < 1e300:
        raise LrightError(f"{known.name}={value} makes no sense: it must be finite")
    if number < 0 or (number == 0 and known.kind == "count") or (known.kind == "share" and number > 1):
        wanted = {"count": "greater than 0", "share": "between 0 and 1"}.get(known.kind, "0 or more")
        raise LrightError(f"{known.name}={value} makes no sense: it must be {wanted}")
    if number == int(number) and (known.kind == "count" or abs(number) >= 1):
        return int(number)
    if known.kind == "count":
        raise LrightError(f"{known.name}={value} makes no sense: it must be a whole number")
    return number


def _length(name: str, text: str) -> str:
    if text in ("0", "none", "no"):
        return "0"
    from .clock import Length

    try:
        return str(Length.parse(text))
    except LrightError as error:
        raise LrightError(f"{name}={text!r}: {error}") from None


def closest(name: str, known: Iterable[str]) -> str:
    """The known name nearest to ``name``, or an empty text."""
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    return near[0] if near else ""
