"""What an answer says, judged by ``claims.yaml``: no network, no language model, any text.

>>> from lright.evals.grade.wording import grade_wording
>>> known = {"yes-schedule": {"kind": "wording", "key": True}}
>>> [one.value for one in grade_wording("Use a cosine schedule for this run.", ["yes-schedule"], known)]
[1.0]
>>> [one.value for one in grade_wording("Don't use a schedule.", ["yes-schedule"], known)]
[0.0]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..nouns import LOOSE, WORDING, WRONG, Score
from .claims import ANYWHERE, CLAUSE, CODE, NEAR, OPENING, Book, Claim, Way, book
from .sentences import Clause, Reading, Sentence, read
from .snippets import Snippets, look

KINDS = (WORDING, WRONG, LOOSE)
SHOWN = 140  # characters of a quotation


def grade_wording(text: str, criteria: Sequence[str], known: Mapping[str, Mapping[str, Any]]) -> tuple[Score, ...]:
    """The scores of every criterion among ``criteria`` that is about words; ``known`` says their kinds."""
    asked = [name for name in criteria if known.get(name, {}).get("kind") in KINDS]
    judge = Judge(text, asked)
    return tuple(judge.score(name, known[name]) for name in asked)


@dataclass(frozen=True)
class Found:
    """Where a claim was made."""

    shown: str
    index: int  # of the sentence
    at: int = 0  # within it

    @property
    def why(self) -> str:
        """The place, quoted and shortened."""
        words = " ".join(self.shown.split())
        return f"“{words if len(words) <= SHOWN else words[: SHOWN - 1] + '…'}”"


class Judge:
    """An answer in front of its claims."""

    def __init__(self, text: str, asked: Sequence[str] = (), held: Book | None = None) -> None:
        self.reading: Reading = read(text)
        self.snippets: Snippets = look(self.reading.code)
        self.asked = tuple(asked)
        self.book = held or book()
        self._made: dict[tuple[str, bool], Found | None] = {}

    def score(self, name: str, known: Mapping[str, Any]) -> Score:
        """One criterion."""
        kind, key = str(known["kind"]), bool(known.get("key", False))
        if name not in self.book.claims:
            return Score(name, kind, None, "no claim is written for it", key)
        found = self.made(name, strict=kind != WORDING)
        if found is None:
            return Score(name, kind, 0.0, "not said", key)
        taken = self.taken_back(name, found)
        if taken:
            return Score(name, kind, 0.0, taken, key)
        return Score(name, kind, 1.0, found.why, key)

    # -- claims --------------------------------------------------------------------------------------------------------

    def made(self, name: str, *, strict: bool = False) -> Found | None:
        """Where a claim is made first. A strict one does not stand under a condition."""
        claim = self.book.claims[name]
        if claim.like:
            other = next((one for one in claim.like if one in self.asked), claim.like[-1])
            return self.made(other, strict=strict)
        known = (name, strict)
        if known not in self._made:
            found = [one for way in claim.ways if (one := self.way(way, strict=strict))]
            self._made[known] = min(found, key=lambda one: (one.index, one.at), default=None)
        return self._made[known]

    def taken_back(self, name: str, found: Found) -> str:
        """Why a claim that is made does not count, if so."""
        claim = self.book.claims[name]
        if claim.like:
            return self.taken_back(next((one for one in claim.like if one in self.asked), claim.like[-1]), found)
        for way in claim.unless:
            if back := self.way(way, strict=True):
                return f"taken back: {back.why}"
        for other in claim.opposite:
            if said := self.made(other, strict=True):
                return f"contradicted: {said.why}"
        if claim.decided and (evasion := self.evasive()):
            return f"undecided: {evasion.why}"
        return self.rivalled(claim, found) if claim.prominent else ""

    def way(self, way: Way, *, strict: bool) -> Found | None:
        """Where all terms of a way stand together."""
        if way.window == CODE:
            return self._in_code(way)
        for group in self._windows(way.window, strict=strict):
            if found := self._together(way, group):
                return found
        return None

    def _in_code(self, way: Way) -> Found | None:
        places = [self.snippets.found.get(term) for term in way.wanted]
        if not all(places) or any(term in self.snippets.found for term in way.absent):
            return None
        first = next(place for place in places if place)
        return Found(first[0], first[1])

    def _windows(self, window: str, *, strict: bool) -> Iterator[list[tuple[Sentence, Clause]]]:
        """The stretches of text in which terms may meet."""
        sound = [one for one in self.reading.sentences if not one.asks and not one.stuffed]
        if window == OPENING:
            first = {one.index for one in [s for s in self.reading.sentences if s.kind not in ("comment",)][:2]}
            sound = [one for one in sound if one.index in first]
        every = [[(one, clause) for clause in one.clauses if _counts(clause, strict=strict)] for one in sound]
        if window == CLAUSE:
            for sentence in every:
                yield from ([pair] for pair in sentence)
        elif window == NEAR:
            yield from (
                [*one, *after] if after and after[0][0].index - one[0][0].index == 1 else one
                for one, after in zip([e for e in every if e], [*[e for e in every if e][1:], []])
            )
        elif window in (OPENING, ANYWHERE):
            yield [pair for sentence in every for pair in sentence]
        else:
            yield from every

    def _together(self, way: Way, group: Sequence[tuple[Sentence, Clause]]) -> Found | None:
        first: Found | None = None
        for terms, denied in ((way.wanted, False), (way.denied, True)):
            for term in terms:
                place = next((hit for pair in group if (hit := self._hit(term, pair, denied=denied))), None)
                if place is None:
                    return None
                first = first if first and (first.index, first.at) <= (place.index, place.at) else place
        if any(self.book.concepts[term].search(clause.text) for term in way.absent for _, clause in group):
            return None
        return first

    def _hit(self, term: str, pair: tuple[Sentence, Clause], *, denied: bool) -> Found | None:
        sentence, clause = pair
        for match in self.book.concepts[term].finditer(clause.text):
            negated = denies(clause.text, match.start()) != (clause.denied or sentence.rejected)
            negated = negated or clause.reported and bool(_FALSE.search(sentence.text))
            if negated == denied and (denied or not clause.reported):
                return Found(sentence.shown, sentence.index, sentence.text.find(match.group()))
        return None

    # -- what weakens a claim ------------------------------------------------------------------------------------------

    def evasive(self) -> Found | None:
        """Where the answer refuses to decide."""
        for sentence in self.reading.sentences:
            if match := self.book.concepts["evasion"].search(sentence.text):
                return Found(sentence.shown, sentence.index, match.start())
        return None

    def rivalled(self, claim: Claim, found: Found) -> str:
        """Why a cause is not named as the cause: it is one of many, or others come first."""
        rivals = self.book.concepts[claim.prominent]
        marked = self.book.concepts["main-cause"]
        sentence = self.reading.sentences[found.index] if found.index < len(self.reading.sentences) else None
        if sentence and marked.search(sentence.text):
            return ""
        many = self.book.concepts["many-causes"]
        for one in self.reading.sentences:
            if many.search(one.text) and one.index <= found.index:
                return f"one of many causes: {Found(one.shown, one.index).why}"
        if sentence and len(set(rivals.findall(sentence.text))) >= 2 and re.search(r"\b(?:or|could|might|may|possibl[ey])\b", sentence.text):
            return f"one of many causes: {found.why}"
        return ""


def _counts(clause: Clause, *, strict: bool) -> bool:
    return not (strict and clause.supposed)


# -- negation ----------------------------------------------------------------------------------------------------------

_SCOPE = re.compile(r"[;:()]| - |\b(?:because|so|since|then|which|that is|and (?:you|it|the|we|i|use|add|then|set|move|just|instead))\b|,(?! (?:or|nor)\b)")
_NO = re.compile(
    r"\b(?:no|not|never|neither|nor|without|nothing|none|nobody|hardly|rarely|rather than|instead of|avoid\w*|stop|refrain\w*|against"
    r"|skip\w*|omit\w*|leav(?:e|ing) out|ditch\w*|get rid of|do away with|remov\w+|delet\w+|forget about|forgo|unnecessary|far from|anything but|unlike|wrong to|mistake to|no need)\b"
)
_NOT_NO = re.compile(
    r"\b(?:not (?:only|just|merely|simply|to mention|surprising\w*|unusual|unreasonable|unlikely)|no (?:doubt|question|wonder|surprise|matter|need to (?:guess|worry|panic))|nothing wrong with|no more than|not (?:yet )?sure (?:why|how)"
    r"|no longer than|not that|no later than|no,? |not much more|whether or not|or not)\b"
)
_FALSE = re.compile(r"\b(?:myth|misconception|mistaken|contrary to|wrong|false|not true|incorrect|nonsense)\b")
_REACH = 8  # words from a negation to what it denies


def denies(text: str, at: int) -> bool:
    """Whether what stands at a place of a clause is denied there.

    >>> denies("do not keep the lr constant", 7), denies("do not skip warmup", 12), denies("no, use a schedule", 10)
    (True, False, False)
    """
    before = text[max(0, at - 110) : at]
    start = 0
    for match in _SCOPE.finditer(before):
        start = match.end()
    before = before[start:] if start else before
    before = _NOT_NO.sub(" ", before)
    count = sum(1 for match in _NO.finditer(before) if len(before[match.end() :].split()) <= _REACH)
    return count % 2 == 1
