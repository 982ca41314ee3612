"""The language of ``claims.yaml``: concepts are word patterns, claims are ways to combine them.

A pattern is a regular expression with four conveniences: ``..`` is a gap of up to five words, ``...`` of up to twelve,
``~`` the rest of a word, ``{name}`` another concept. Groups do not capture, and both ends are word boundaries.

A way is one line, ``window: term term``. The terms have to stand together in the window: ``clause`` (when none is
named), ``sentence``, ``near`` (a sentence and the next one), ``opening`` (the first two sentences) or ``anywhere``.
``!term`` has to be denied there, ``-term`` must not occur. ``?criterion`` must be among those asked: only the question
tells what "the scheduler" is. After ``code:`` the terms are features of :mod:`snippets`, after ``said:`` other claims,
and after ``first:`` other claims that are made in the first two sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CLAUSE, SENTENCE, NEAR, OPENING, ANYWHERE = "clause", "sentence", "near", "opening", "anywhere"
CODE, SAID, FIRST = "code", "said", "first"
WINDOWS = (CLAUSE, SENTENCE, NEAR, OPENING, ANYWHERE, CODE, SAID, FIRST)
FILE = Path(__file__).with_name("claims.yaml")


@dataclass(frozen=True)
class Way:
    """One way to make a claim."""

    window: str
    wanted: tuple[str, ...]
    denied: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()  # criteria that tell what the question is about


@dataclass(frozen=True)
class Claim:
    """What counts as saying it."""

    ways: tuple[Way, ...]
    unless: tuple[Way, ...] = ()  # what takes it back, wherever it is said
    opposite: tuple[str, ...] = ()  # claims that contradict it
    spared: tuple[str, ...] = ()  # what the answer may be asked for instead, and then is not blamed for this
    like: tuple[str, ...] = ()  # the first of these that is asked as well decides, else the last
    decided: bool = False  # an answer that will not decide does not make it
    prominent: str = ""  # the concept of rival causes that must not come first, nor beside it


class Concepts(Mapping[str, re.Pattern[str]]):
    """The patterns by name. Each is compiled when it is first asked for: no answer needs them all."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        lines = {name: _lines(text) for name, text in texts.items()}
        self._texts = {name: _expanded(name, lines) for name in lines}
        self._compiled: dict[str, re.Pattern[str]] = {}

    def __getitem__(self, name: str) -> re.Pattern[str]:
        if name not in self._compiled:
            self._compiled[name] = re.compile(rf"(?<!\w)(?:{self._texts[name]})(?!\w)")
        return self._compiled[name]

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@dataclass(frozen=True)
class Book:
    """All concepts and claims."""

    concepts: Concepts
    claims: Mapping[str, Claim]


@cache
def book() -> Book:
    """What ``claims.yaml`` holds, compiled."""
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return made(data)


def made(data: Mapping[str, Any]) -> Book:
    """A book of plain data.

    >>> small = made({"concepts": {"sun": "sun~|light of day"}, "claims": {"shines": {"ways": ["sun"]}}})
    >>> bool(small.concepts["sun"].search("a sunny day")), small.claims["shines"].ways[0].window
    (True, 'clause')
    """
    concepts = Concepts(data["concepts"])
    claims = {name: _claim(given) for name, given in data["claims"].items()}
    _check(concepts, claims)
    return Book(concepts, claims)


def _claim(given: Mapping[str, Any]) -> Claim:
    return Claim(
        tuple(map(_way, given.get("ways", ()))),
        tuple(map(_way, given.get("unless", ()))),
        tuple(given.get("opposite", ())),
        tuple(given.get("spared", ())),
        tuple(given.get("like", ())),
        bool(given.get("decided", False)),
        str(given.get("prominent", "")),
    )


def _way(line: str) -> Way:
    window, colon, terms = line.partition(":")
    if not colon:
        window, terms = CLAUSE, line
    if window not in WINDOWS:
        raise ValueError(f"no window is called {window!r}: {line}")
    words = terms.split()
    return Way(
        window,
        tuple(one for one in words if one[0] not in "!-?"),
        tuple(one[1:] for one in words if one[0] == "!"),
        tuple(one[1:] for one in words if one[0] == "-"),
        tuple(one[1:] for one in words if one[0] == "?"),
    )


def _lines(text: str) -> str:
    return "|".join(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


# A gap never jumps over a negation: a pattern that means one says so.
_WORDS = (
    r"(?:[ ,(\"=\[]+(?!(?:no|not|never|nor|neither|without|rather|instead|hardly)\b)[^ ,;(\"=\[]+){0,%d}?[ ,(\"=\[]+"
)


def _expanded(name: str, lines: Mapping[str, str], above: tuple[str, ...] = ()) -> str:
    """The regular expression of a concept."""
    if name in above or name not in lines:
        raise ValueError(f"the concept {name!r} is {'part of itself' if name in above else 'missing'}")
    # "a (b|c)? d" means "a d" as well: the space before what may be absent is absent with it
    text = re.sub(r"(?<!\.\.) (\((?!\?)[^()]*[^() ]\))\?(?=[ |)]|$)", r"( \1)?", lines[name])
    text = text.replace(" ... ", _WORDS % 12).replace(" .. ", _WORDS % 5)
    text = text.replace("~", r"[\w-]*")
    text = re.sub(r"(?<!\\)\((?!\?)", "(?:", text)
    text = re.sub(r"(?<![\[\"(|,]) (?![,\]])", r",? ", text)
    return re.sub(r"\{([a-z][a-z-]*)\}", lambda found: f"(?:{_expanded(found.group(1), lines, (*above, name))})", text)


def _check(concepts: Mapping[str, object], claims: Mapping[str, Claim]) -> None:
    """Every name that is used exists."""
    for name, claim in claims.items():
        for way in (*claim.ways, *claim.unless):
            for term in (*way.wanted, *way.denied, *way.absent):
                if way.window != CODE and term not in (claims if way.window in (SAID, FIRST) else concepts):
                    raise ValueError(f"{name}: nothing is called {term!r}")
        about = [one for way in (*claim.ways, *claim.unless) for one in way.asked]
        for other in (*claim.opposite, *claim.spared, *claim.like, *about):
            if other not in claims:
                raise ValueError(f"{name}: no claim is called {other!r}")
        if claim.prominent and claim.prominent not in concepts:
            raise ValueError(f"{name}: no concept is called {claim.prominent!r}")
