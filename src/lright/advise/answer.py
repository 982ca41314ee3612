"""An answer: what is the matter in one case, ranked, and what to say about it.

A *matter* is one thing that can be up (``knowledge/matters``): the evidence for it, and points to be said, each with
the condition under which it is true and its source. Several matters may be up at once; they are ranked by their
evidence. What a script proves (``found``) outranks what words suggest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .. import knowledge
from ..finding import Finding
from ..knowledge import load
from ..knowledge.conditions import holds
from ..knowledge.likeness import likeness
from ..records import field, record
from ..setting import Setting
from .facts import Facts
from .plan import Plan
from .template import fill

Matter = Mapping[str, Any]

ENOUGH = 2.5  # evidence from which a matter is considered
BESIDE = 0.75  # of the first matter's evidence, for another one to be told beside it
SURE = 5.0  # evidence that a matter needs to be told beside another
DOUBTFUL = 8.0  # evidence below which the first matter may be the wrong one
NEAR = 0.5  # of the first matter's evidence, for another one to be told beside a doubtful one
PROVEN = 12.0  # evidence of a finding in the code
MOST = 3  # matters in one answer
MANY = 12  # matters looked at closer
LIKE = 10.0  # evidence of a question that is wholly like what is known of a matter
FAINT = 0.12  # likeness below which it says nothing
CLEARLY = 1.4  # times as like as the next matter: then it is
AHEAD = 1.0  # so much more evidence

SECTIONS = ("why", "fix", "verify", "alternatives", "cautions")


@record(frozen=True, slots=True)
class Point:
    """One thing said: ``id`` is the matter's and its own, ``section`` where it belongs."""

    id: str
    section: str
    text: str
    sources: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Diagnosis:
    """What is the matter: a rule of the catalogue or a topic of the knowledge. ``evidence`` ranks them."""

    topic: str
    certainty: str
    message: str
    rule: str = ""
    evidence: float = 0.0


@record(frozen=True, slots=True)
class Snippet:
    """Code to use."""

    title: str
    text: str
    notes: tuple[str, ...] = ()


@record(slots=True)
class Answer:
    """Everything said to one question. ``verdict`` is its first sentence."""

    verdict: str
    setting: Setting
    diagnoses: list[Diagnosis] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    code: list[Snippet] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    plan: Plan | None = None
    findings: list[Finding] = field(default_factory=list)
    on_topic: bool = True

    def of(self, section: str) -> list[Point]:
        """The points of one section."""
        return [point for point in self.points if point.section == section]

    @property
    def sources(self) -> list[str]:
        """All sources named, in order."""
        return list(dict.fromkeys(source for point in self.points for source in point.sources))


def ranked(case: Facts, found: Iterable[Finding] = (), prose: str = "") -> list[tuple[float, Matter]]:
    """The matters that the evidence speaks for, the strongest first; words in common with what is known of a matter
    (``prose``) are evidence too."""
    proven = {finding.rule for finding in found if finding.severity != "info"}
    like = likeness(prose, load("likeness")) if prose else {}
    clearest = _clearest(like)
    scored = []
    for name, known in load("evidence").items():
        if not known["evidence"]:
            continue
        evidence = sum(one["weight"] for one in known["evidence"] if holds(one["when"], case))
        if known["rule"] in proven:
            evidence += PROVEN
        alike = like.get(name, 0.0)
        evidence += LIKE * alike if alike >= FAINT else 0.0
        evidence += AHEAD if name == clearest else 0.0
        if evidence >= ENOUGH:
            scored.append((evidence, name))
    return [(evidence, knowledge.matter(name)) for evidence, name in sorted(scored, key=lambda pair: -pair[0])[:MANY]]


def _clearest(like: Mapping[str, float]) -> str:
    """The matter that a question is clearly more like than any other; empty where there is none."""
    first, second = [*sorted(like, key=lambda name: -like[name]), "", ""][:2]
    return first if first and like[first] >= max(FAINT, CLEARLY * like.get(second, 0.0)) else ""


def told(scored: Sequence[tuple[float, Matter]]) -> list[tuple[float, Matter]]:
    """Those worth telling: the first, and what comes near it and is not explained by one told already."""
    chosen: list[tuple[float, Matter]] = []
    for evidence, matter in scored:
        covered = any(matter["id"] in other.get("covers", ()) for _, other in chosen)
        if not covered and (not chosen or evidence >= _enough_beside(chosen[0][0])):
            chosen.append((evidence, matter))
    return chosen[:MOST]


def _enough_beside(first: float) -> float:
    """The evidence that another matter needs: less where the first one is doubtful."""
    return NEAR * first if first < DOUBTFUL else max(SURE, BESIDE * first)


def verdict(matter: Matter, case: Facts) -> str:
    """The one sentence of a matter."""
    return _first(matter["verdict"], case) or str(matter["title"])


def points(matter: Matter, case: Facts) -> Iterator[Point]:
    """The points of a matter that are true here and whose gaps can be filled."""
    for section in SECTIONS:
        for index, entry in enumerate(matter.get(section, ())):
            if "when" in entry and not holds(entry["when"], case):
                continue
            text = _first(entry["text"], case)
            if text:
                name = entry.get("id", f"{section}-{index + 1}")
                yield Point(f"{matter['id']}.{name}", section, text, tuple(entry.get("source", ())))


ALIKE = 0.6  # of the shorter point's words, from which two points say the same (our judgement)


def distinct(said: Iterable[Point]) -> list[Point]:
    """The points without those that say in other words what one of another matter says before them.

    >>> one = Point("a.1", "why", "A cosine at equal peak LR ended 0.044-0.078 nats lower.")
    >>> two = Point("b.1", "why", "At equal peak LR a cosine ended 0.044-0.078 nats lower than constant.")
    >>> [point.id for point in distinct([one, two])]
    ['a.1']
    """
    kept: list[tuple[Point, set[str]]] = []
    for point in said:
        words = {word.strip(".,;:()'\"").lower() for word in point.text.split() if len(word) > 3}
        if not any(_alike(words, other) and not _of_one_matter(point, before) for before, other in kept):
            kept.append((point, words))
    return [point for point, _ in kept]


def _alike(words: set[str], other: set[str]) -> bool:
    return len(words & other) >= ALIKE * max(1, min(len(words), len(other)))


def _of_one_matter(point: Point, other: Point) -> bool:
    return point.id.partition(".")[0] == other.id.partition(".")[0]


def questions(matter: Matter, case: Facts) -> Iterator[str]:
    """What a matter would ask."""
    for entry in matter.get("questions", ()):
        if "when" not in entry or holds(entry["when"], case):
            text = fill(entry["ask"], case)
            if text:
                yield text


def _first(text: Any, case: Facts) -> str | None:
    """A text; of several the first whose condition holds and whose gaps can be filled."""
    for one in text if isinstance(text, list) else [text]:
        if isinstance(one, dict):
            if "when" in one and not holds(one["when"], case):
                continue
            one = one["text"]
        filled = fill(one, case)
        if filled:
            return " ".join(filled.split())
    return None
