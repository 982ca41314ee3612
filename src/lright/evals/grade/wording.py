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
from .claims import ANYWHERE, CLAUSE, CODE, FIRST, NEAR, OPENING, SAID, Book, Claim, Way, book
from .grammar import WORDS
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
        strict = strict or bool(claim.prominent)  # "if it still fails, add warmup" names no cause
        known = (name, strict)
        if known not in self._made:
            found = [one for way in claim.ways if (one := self.way(way, strict=strict))]
            self._made[known] = min(found, key=lambda one: (one.index, one.at), default=None)
        return self._made[known]

    def taken_back(self, name: str, found: Found, *, deep: bool = True) -> str:
        """Why a claim that is made does not count, if so. What takes it back must hold itself (``deep``: once)."""
        claim = self.book.claims[name]
        if claim.like:
            return self.taken_back(next((one for one in claim.like if one in self.asked), claim.like[-1]), found)
        for way in claim.unless:
            if back := self.way(way, strict=True):
                return f"taken back: {back.why}"
        for other in (*claim.opposite, *(one for one in claim.spared if one in self.asked)):
            said = self.made(other, strict=True)
            if said and not (deep and self.taken_back(other, said, deep=False)):
                return f"contradicted: {said.why}"
        if claim.decided and (evasion := self.evasive()) and evasion.index <= found.index:
            return f"undecided: {evasion.why}"
        return self.rivalled(claim, found) if claim.prominent else ""

    def way(self, way: Way, *, strict: bool) -> Found | None:
        """Where all terms of a way stand together."""
        if not all(one in self.asked for one in way.asked):
            return None
        if way.window == CODE:
            return self._in_code(way)
        if way.window in (SAID, FIRST):
            return self._said(way, strict=strict)
        for group in self._windows(way.window, strict=strict):
            if found := self._together(way, group):
                return found
        return None

    def _said(self, way: Way, *, strict: bool) -> Found | None:
        """Where other claims are made, all of the wanted and none of the absent."""
        places = [self.made(term, strict=strict) for term in way.wanted]
        if not all(places) or any(self.made(term, strict=True) for term in way.absent):
            return None
        last = max((place for place in places if place), key=lambda one: one.index)
        return last if way.window == SAID or last.index < 2 else None

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
                others = [one for one in (*way.wanted, *way.denied) if one != term]
                place = next((hit for pair in group if (hit := self._hit(term, pair, others, denied=denied))), None)
                if place is None:
                    return None
                first = first if first and (first.index, first.at) <= (place.index, place.at) else place
        if any(self.book.concepts[term].search(clause.text) for term in way.absent for _, clause in group):
            return None
        return first

    def _hit(self, term: str, pair: tuple[Sentence, Clause], others: Sequence[str], *, denied: bool) -> Found | None:
        """Where a term stands in a clause with the wanted polarity. A "no" within another term is not its own."""
        sentence, clause = pair
        masked = ""
        for match in self.book.concepts[term].finditer(clause.text):
            masked = masked or self._masked(clause.text, others)
            negated = denies(masked, match.start(), match.end()) != (clause.denied or sentence.rejected)
            negated = negated or clause.reported and bool(_FALSE.search(sentence.text))
            if negated == denied and (denied or not clause.reported):
                return Found(sentence.shown, sentence.index, sentence.text.find(match.group()))
        return None

    def _masked(self, text: str, others: Sequence[str]) -> str:
        for other in others:
            text = self.book.concepts[other].sub(lambda found: "_" * len(found.group()), text)
        return text

    # -- what weakens a claim ------------------------------------------------------------------------------------------

    def evasive(self) -> Found | None:
        """Where the answer refuses to decide."""
        for sentence in self.reading.sentences:
            if match := self.book.concepts["evasion"].search(sentence.text):
                return Found(sentence.shown, sentence.index, match.start())
        return None

    def rivalled(self, claim: Claim, found: Found) -> str:
        """Why a cause is not named as the cause: it is one of many, or a rival is blamed before it."""
        has = {
            name: self.book.concepts[name]
            for name in (claim.prominent, "rival", "rival-blame", "main-cause", "many-causes")
        }
        if found.index >= len(self.reading.sentences):  # shown by code that ends the answer
            return ""
        sentence = self.reading.sentences[found.index]
        if has["main-cause"].search(sentence.text):
            return ""
        if len(set(has[claim.prominent].findall(sentence.text))) >= 2 and _ONE_OF.search(sentence.text):
            return f"one of many causes: {found.why}"
        for one in self.reading.sentences[: found.index + 1]:
            if has["many-causes"].search(one.text):
                return f"one of many causes: {Found(one.shown, one.index).why}"
            if one.index < found.index and not one.asks and not one.rejected and self._blamed(one, has):
                return f"another cause comes first: {Found(one.shown, one.index).why}"
        return ""

    def _blamed(self, sentence: Sentence, has: Mapping[str, re.Pattern[str]]) -> bool:
        """Whether a sentence blames something, for certain."""
        return any(
            (blame := has["rival-blame"].search(clause.text))
            and (rival := has["rival"].search(clause.text))
            and not denies(clause.text, blame.start())
            and not denies(clause.text, rival.start())
            for clause in sentence.clauses
            if _counts(clause, strict=True) and not clause.reported
        )


def _counts(clause: Clause, *, strict: bool) -> bool:
    return not (strict and (clause.supposed or clause.conceded))


# -- negation ----------------------------------------------------------------------------------------------------------

_SCOPE = WORDS["scope"]
_NO = WORDS["negation"]
_NOT_NO = WORDS["no-negation"]
_ONE_OF = WORDS["one-of"]
_FALSE = WORDS["untrue"]
_INVERTED = WORDS["inverted"]
_REACH = 8  # words from a negation to what it denies


def denies(text: str, at: int, end: int | None = None) -> bool:
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
    inverted = end is not None and bool(_INVERTED.match(text, end))
    return (count + inverted) % 2 == 1
