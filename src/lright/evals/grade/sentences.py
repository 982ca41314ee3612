"""An answer taken apart: sentences with their clauses, what asserts and what does not, and the pieces of code.

>>> [s.text for s in read("Use a scheduler. Don't keep the learning rate constant!").sentences]
['use a scheduler', 'do not keep the lr constant']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .grammar import SPELLING, WORDS

LIMIT = 30_000  # characters; an answer is shorter, and what comes after them is not read
LONGEST = 700  # characters of one sentence; a longer one is cut, so that no pattern has far to look

PROSE, HEADING, ITEM, ROW, COMMENT = "prose", "heading", "item", "row", "comment"


@dataclass(frozen=True)
class Clause:
    """A stretch of a sentence that holds one statement."""

    text: str
    supposed: bool = False  # under a condition
    reported: bool = False  # what somebody else says, or might think
    denied: bool = False  # all of it is the object of a "no"
    conceded: bool = False  # granted, and a "but" follows


@dataclass(frozen=True)
class Sentence:
    """A sentence, a heading, a list item, a table row or a comment, in plain lower-case words."""

    text: str
    shown: str  # as it was written
    kind: str
    block: int  # sentences of one paragraph or item have the same
    clauses: tuple[Clause, ...]
    asks: bool = False
    rejected: bool = False  # under a heading or a lead-in that says no to it
    stuffed: bool = False  # terms without a statement
    index: int = 0


@dataclass(frozen=True)
class Code:
    """A piece of code; ``theirs`` where the answer shows it as what is wrong."""

    text: str
    theirs: bool
    index: int  # the number of sentences before it


@dataclass(frozen=True)
class Reading:
    """An answer, read."""

    sentences: tuple[Sentence, ...]
    code: tuple[Code, ...]


def read(text: str) -> Reading:
    """Take an answer apart. Any text will do."""
    sentences: list[Sentence] = []
    code: list[Code] = []
    frame = _Frame()
    for block, piece in enumerate(_pieces(text[:LIMIT].replace("\r\n", "\n").replace("\t", "    "))):
        if piece.kind == "code":
            _read_code(piece.text, block, frame, sentences, code)
            continue
        rejected = frame.enter(piece, sentences)
        for shown in _split(piece.text, piece.kind):
            made = _sentence(shown, piece.kind, block, rejected or bool(_CROSS.match(piece.text)))
            if made.text:
                sentences.append(replace(made, index=len(sentences)))
    return Reading(tuple(_answered(_mark_lists(sentences))), tuple(code))


# -- pieces ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    kind: str
    text: str


_FENCE = re.compile(r"\s*(?:>\s*)?(?:```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*)")
_BOLD_LINE = re.compile(r"\s*\*\*([^*]{2,80})\*\*:?\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•]|\(?\d{1,2}[.)]|[a-z]\))\s+(?=\S)")
_RULE = re.compile(r"\s*(?:[-=*_]\s*){3,}$|\s*\|?(?:\s*:?-+:?\s*\|)+\s*:?-*:?\s*$")
_CODE_LINE = re.compile(
    r"""\s*(?:
      (?:for\s.{1,80}\sin\s.{1,80}|while\s.{1,60}|with\s.{1,60}|if\s.{1,60}|def\s.{1,80}|else|class\s.{1,60}):\s*(?:\#.*)?$
    | (?:import|from)\s[\w.]+(?:\s+import\s.{1,80})?\s*$
    | [\w.\[\]"']{1,60}(?:,\s*[\w.]{1,40}){0,4}\s(?:=|\+=)\s[\w.\[({\"'-].{0,200}$
    | [A-Za-z_][\w.]{0,60}\([^()]{0,120}(?:\([^()]{0,60}\)[^()]{0,60}){0,3}\)\s*(?:\#.*)?$
    | \#\s.*$
    )""",
    re.VERBOSE,
)


def _pieces(text: str) -> Iterator[_Piece]:
    """Paragraphs, headings, items, rows and code, in order."""
    lines = text.split("\n")
    gathered: list[str] = []
    kind, fenced = PROSE, False

    def flush() -> Iterator[_Piece]:
        if gathered:
            yield _Piece(kind, "\n".join(gathered))
            gathered.clear()

    for line in lines:
        if _FENCE.match(line):
            yield from flush()
            kind, fenced = (PROSE, False) if fenced else ("code", True)
        elif fenced:
            gathered.append(line)
        elif not line.strip() or _RULE.match(line):
            yield from flush()
            kind = PROSE
        else:
            line = re.sub(r"^\s*(?:>\s?)+", "", line)
            fresh, stripped = _kind(line, kind)
            if fresh != kind or fresh in (HEADING, ITEM, ROW) and stripped is not None:
                yield from flush()
            kind = fresh
            gathered.append(line if stripped is None else stripped)
    yield from flush()


def _kind(line: str, before: str) -> tuple[str, str | None]:
    """What a line is, and what is left of it where it begins something new."""
    heading = _HEADING.match(line) or _BOLD_LINE.match(line)
    if heading and not (before == "code" and line.startswith("# ")):
        return HEADING, heading.group(1)
    if line.lstrip().startswith("|") or line.count(" | ") >= 2:
        return ROW, re.sub(r"\s*\|\s*", ", ", line.strip().strip("|").strip())
    if _ITEM.match(line):
        return ITEM, _ITEM.sub("", line, count=1)
    if _CODE_LINE.match(line) or before == "code" and line.startswith("    "):
        return "code", None
    return (ITEM, None) if before == ITEM else (PROSE, None)


# -- frames: what stands under a "no" ----------------------------------------------------------------------------------

_CROSS = re.compile(r"\s*(?:❌|✗|✘|🚫|⛔)")
_REFUSING = WORDS["refusing"]
_THEIRS = WORDS["theirs"]
_OURS = WORDS["ours"]


class _Frame:
    """The heading and the lead-in under which the next piece stands."""

    def __init__(self) -> None:
        self.heading = self.lead = False
        self.last = ""

    def enter(self, piece: _Piece, sentences: list[Sentence]) -> bool:
        """Whether a piece is rejected by what stands above it."""
        low = plain(piece.text[-200:])
        if piece.kind == HEADING:
            self.heading, self.lead = bool(_REFUSING.search(low)), False
        elif piece.kind == PROSE:
            tail = _split(piece.text[-300:], PROSE)[-1:] or [""]
            self.lead = piece.text.rstrip().endswith(":") and bool(_REFUSING.search(plain(tail[0])))
        self.last = plain((_split(piece.text[-300:], PROSE)[-1:] or [""])[0])
        return piece.kind != HEADING and (self.heading or piece.kind == ITEM and self.lead)

    def theirs(self) -> bool:
        """Whether the code that follows is shown as what is wrong."""
        tail = self.last[-90:]
        wrong = [found.start() for found in _THEIRS.finditer(tail)]
        right = [found.start() for found in _OURS.finditer(tail)]
        return bool(wrong) and (not right or max(right) < max(wrong)) or self.heading


_LABEL = re.compile(r"^\s*#\s*(?P<label>.*)$")
_WRONG_LABEL = WORDS["wrong-label"]
_RIGHT_LABEL = WORDS["right-label"]


def _read_code(text: str, block: int, frame: _Frame, sentences: list[Sentence], code: list[Code]) -> None:
    """Add a piece of code, cut where a comment says that now the wrong or the right version follows."""
    theirs = frame.theirs()
    lines: list[str] = []
    for line in text.split("\n"):
        label = _LABEL.match(line)
        turned = label and (_WRONG_LABEL.match(label["label"]) or _RIGHT_LABEL.match(label["label"]))
        if label and turned:
            if any(one.strip() for one in lines):
                code.append(Code("\n".join(lines), theirs, len(sentences)))
            theirs, lines = bool(_WRONG_LABEL.match(label["label"])), []
        lines.append(line)
        _, mark, comment = line.partition("#")
        if mark and len(comment.split()) > 1:
            made = _sentence(comment, COMMENT, block, theirs)
            sentences.append(replace(made, index=len(sentences)))
    code.append(Code("\n".join(lines), theirs, len(sentences)))
    frame.last = ""


# -- sentences ---------------------------------------------------------------------------------------------------------

_ENDS = re.compile(r"(?<=[.!?…])[\"'”’)\]*_`]*\s+|(?<=[.!?][)\]\"”*])\s+")
_SHORT = (("e.g.", "for example"), ("i.e.", "that is"), ("vs.", "vs"), ("approx.", "approx"), ("et al.", "et al"),
          ("cf.", "cf"), ("resp.", "resp"), ("incl.", "incl"), ("Eq.", "Eq"), ("Fig.", "Fig"), ("Sec.", "Sec"),
          ("a.k.a.", "aka"), ("w.r.t.", "wrt"), ("No. ", "No. "))  # fmt: skip


def _split(text: str, kind: str) -> list[str]:
    """The sentences of a piece. A short line without an end stands for itself, as do those of a chat."""
    for short, long in _SHORT:
        text = text.replace(short, long)
    lines: list[str] = []
    for line in text.split("\n"):
        line = line.strip()
        if lines and not (len(lines[-1]) < 45 and lines[-1][-1:] not in ",(-"):
            lines[-1] += " " + line
        elif line:
            lines.append(line)
    found: list[str] = []
    for line in lines:
        for sentence in _ENDS.split(line):
            found.extend(sentence[at : at + LONGEST] for at in range(0, len(sentence), LONGEST))
    return [one for one in found if one.strip()]


def plain(text: str) -> str:
    """Lower-case words with one spelling each: no markup, no contractions."""
    text = text.lower()
    for pattern, by in SPELLING:
        text = pattern.sub(by, text)
    return text.strip(" .!:;,-")


_QUESTION = re.compile(r"\?[\s\"'”’)*_`]*$")
_BREAK = WORDS["break"]
_BUT = WORDS["contrast"]
_IF = WORDS["condition"]
_FRAME = WORDS["frame"]
_REJECTED = WORDS["rejected"]
_REQUEST = WORDS["request"]
_QUOTED = re.compile(r'"([^"]{12,300})"')


def _sentence(shown: str, kind: str, block: int, rejected: bool) -> Sentence:
    """A sentence with its clauses."""
    text = plain(_CROSS.sub("", shown))
    asks = bool(_QUESTION.search(shown)) and not _REQUEST.match(text)
    clauses: list[Clause] = []
    quoted = [Clause(found.group(1), reported=True) for found in _QUOTED.finditer(text) if " " in found.group(1)]
    rest = _QUOTED.sub(lambda found: "that" if " " in found.group(1) else found.group(), text)
    for part in _BREAK.split(rest):
        if not part.strip():
            continue
        if _BUT.match(part.strip()):
            clauses = [replace(one, conceded=True) for one in clauses]
        clauses.extend(_clause(part.strip()))
    return Sentence(
        text, " ".join(shown.split()), kind, block, (*clauses, *quoted), asks, rejected, is_stuffed(text, kind)
    )


def _clause(text: str) -> list[Clause]:
    """A clause; what stands before the words of a frame is not part of what is reported."""
    supposed = bool(_IF.search(text))
    if _REJECTED.search(text):
        return [Clause(text, supposed, reported=True)]
    frame = _FRAME.search(text)
    if not frame:
        return [Clause(text, supposed)]
    before = text[: frame.start()].strip()
    return [Clause(one, supposed, bool(at)) for at, one in enumerate((before, text[frame.start() :])) if one]


# -- terms without a statement -----------------------------------------------------------------------------------------

_TERM = WORDS["term"]
_VERB = WORDS["verb"]


_CALL = re.compile(r"[\w]*(?:\.\w+)+(?:\(\))?|\w+\([^)]{0,40}\)")


def is_stuffed(text: str, kind: str) -> bool:
    """Whether a sentence lists terms and states nothing.

    >>> is_stuffed("warmup, cosine annealing, lr finder, onecycle, t_max, plateau, batch, epoch", PROSE)
    True
    >>> is_stuffed("missing warmup: ramp the lr over 5 epochs, then cosine", PROSE)
    False
    """
    if kind in (ROW, COMMENT):
        return False
    words = re.findall(r"[\w./=()-]+", text)
    terms = len(_TERM.findall(text))
    verbs = len(_VERB.findall(_CALL.sub(" ", text)))
    commas = text.count(",") + text.count(" / ") + text.count(" | ") + text.count(";") + text.count(" + ")
    if kind == ITEM and commas >= 2 and verbs == 0 and len(words) <= 2 * commas + 2 and not re.search(r"\d", text):
        return True
    if terms < 5:
        return False
    return (
        commas >= 4
        and verbs == 0
        or commas >= 8
        and verbs <= commas // 6
        or commas >= 3
        and verbs == 0
        and terms >= max(7, 0.5 * len(words))
    )


def _mark_lists(sentences: list[Sentence]) -> list[Sentence]:
    """A run of items of a word or two, none of which says anything, is stuffing as well."""
    found = list(sentences)
    at = 0
    while at < len(found):
        end = at
        while end < len(found) and found[end].kind == ITEM and _bare(found[end].text):
            end += 1
        if end - at >= 4:
            found[at:end] = [replace(one, stuffed=True) for one in found[at:end]]
        at = max(end, at + 1)
    return found


def _bare(text: str) -> bool:
    return len(text.split()) <= 3 and not _VERB.search(text)


# -- questions and their answers ---------------------------------------------------------------------------------------

_SHORT_YES = WORDS["short-yes"]
_SHORT_NO = WORDS["short-no"]
_WITHDRAWN = WORDS["withdrawn"]


def _answered(sentences: list[Sentence]) -> list[Sentence]:
    """A question that is answered at once is a statement, and "I don't think so" denies what stands before it."""
    found = list(sentences)
    for at in range(len(found) - 1):
        one, after = found[at], found[at + 1]
        if (one.asks or any(clause.reported for clause in one.clauses)) and _WITHDRAWN.match(after.text):
            denied = tuple(replace(clause, denied=True, reported=False) for clause in one.clauses)
            found[at] = replace(one, asks=False, clauses=denied)
            continue
        if not one.asks or one.text.startswith(("what", "why", "how", "which", "where", "who")):
            continue
        if _SHORT_YES.match(after.text):
            found[at] = replace(one, asks=False)
        elif _SHORT_NO.match(after.text):
            found[at] = replace(one, asks=False, clauses=tuple(replace(c, denied=True) for c in one.clauses))
    return found
