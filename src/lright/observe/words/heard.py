"""What was heard in a question: the nouns of this room."""

from __future__ import annotations

from ...records import field, record
from ...setting import Setting


@record(frozen=True, slots=True)
class Code:
    """A fragment of Python in the question, dedented, and the line (from 1) it begins on."""

    text: str
    line: int


@record(frozen=True, slots=True)
class Call:
    """A scheduler as it was written or told: ``StepLR(opt, 30)`` or "StepLR with gamma 0.1".

    Values are numbers, texts, truth values and lists of them; an expression stays text.
    """

    name: str
    arguments: dict[str, object] = field(default_factory=dict)
    positional: list[object] = field(default_factory=list)
    text: str = ""


@record(frozen=True, slots=True)
class Series:
    """Numbers that follow one another: the losses of a plateau. ``per`` is what lies between two, if it was told."""

    metric: str
    values: tuple[float, ...]
    text: str
    per: str = ""


@record(frozen=True, slots=True)
class Heard:
    """A question, and everything that was understood of it."""

    text: str
    prose: str
    setting: Setting
    code: tuple[Code, ...] = ()
    calls: tuple[Call, ...] = ()
    series: tuple[Series, ...] = ()
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def spans(self) -> list[tuple[str, object, str]]:
        """What was understood, to be shown back: name, value and the words it was read from."""
        facts: list[tuple[str, object, str]] = [
            (name, known.value, known.origin) for name, known in self.setting.facts.items()
        ]
        return facts + [("symptom", symptom.kind, symptom.origin) for symptom in self.setting.symptoms]
