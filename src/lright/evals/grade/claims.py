"""The language of ``claims.yaml``: concepts are word patterns, claims are ways to combine them.

A pattern is a regular expression with four conveniences: ``..`` is a gap of up to five words, ``...`` of up to twelve,
``~`` the rest of a word, ``{name}`` another concept. Groups do not capture, and both ends are word boundaries.

A way is one line, ``window: term term``. The terms have to stand together in the window: ``clause`` (when none is
named), ``sentence``, ``near`` (a sentence and the next one), ``opening`` (the first two sentences), ``anywhere``, or ``code``, where
the terms are features of :mod:`snippets`. ``!term`` has to be denied there, ``-term`` must not occur.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CLAUSE, SENTENCE, NEAR, OPENING, ANYWHERE, CODE = "clause", "sentence", "near", "opening", "anywhere", "code"
WINDOWS = (CLAUSE, SENTENCE, NEAR, OPENING, ANYWHERE, CODE)
FILE = Path(__file__).with_name("claims.yaml")


@dataclass(frozen=True)
class Way:
    """One way to make a claim."""

    window: str
    wanted: tuple[str, ...]
    denied: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What counts as saying it."""

    ways: tuple[Way, ...]
    unless: tuple[Way, ...] = ()  # what takes it back, wherever it is said
    opposite: tuple[str, ...] = ()  # claims that contradict it
    like: tuple[str, ...] = ()  # the first of these that is asked as well decides, else the last
    decided: bool = False  # an answer that will not decide does not make it
    prominent: str = ""  # the concept of rival causes that must not come first, nor beside it


@dataclass(frozen=True)
class Book:
    """All concepts and claims."""

    concepts: Mapping[str, re.Pattern[str]]
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
    lines = {name: _lines(text) for name, text in data["concepts"].items()}
    concepts = {name: re.compile(rf"(?<![\w])(?:{_expanded(name, lines)})(?!\w)") for name in lines}
    claims = {name: _claim(given) for name, given in data["claims"].items()}
    _check(concepts, claims)
    return Book(concepts, claims)


def _claim(given: Mapping[str, Any]) -> Claim:
    return Claim(
        tuple(map(_way, given.get("ways", ()))),
        tuple(map(_way, given.get("unless", ()))),
        tuple(given.get("opposite", ())),
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
        tuple(one for one in words if one[0] not in "!-"),
        tuple(one[1:] for one in words if one[0] == "!"),
        tuple(one[1:] for one in words if one[0] == "-"),
    )


def _lines(text: str) -> str:
    return "|".join(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


_WORDS = r"(?:[ ,(\"]+[^ ,;(\"]+){0,%d}?[ ,(\"]+"


def _expanded(name: str, lines: Mapping[str, str], above: tuple[str, ...] = ()) -> str:
    """The regular expression of a concept."""
    if name in above or name not in lines:
        raise ValueError(f"the concept {name!r} is {'part of itself' if name in above else 'missing'}")
    text = lines[name].replace(" ... ", _WORDS % 12).replace(" .. ", _WORDS % 5)
    text = text.replace("~", r"[\w-]*")
    text = re.sub(r"(?<!\\)\((?!\?)", "(?:", text)
    text = re.sub(r"(?<![\[\"(|,]) (?![,\]])", r",? ", text)
    return re.sub(r"\{([a-z][a-z-]*)\}", lambda found: f"(?:{_expanded(found.group(1), lines, (*above, name))})", text)


def _check(concepts: Mapping[str, object], claims: Mapping[str, Claim]) -> None:
    """Every name that is used exists."""
    for name, claim in claims.items():
        for way in (*claim.ways, *claim.unless):
            for term in (*way.wanted, *way.denied, *way.absent):
                if way.window != CODE and term not in concepts:
                    raise ValueError(f"{name}: no concept is called {term!r}")
        for other in (*claim.opposite, *claim.like):
            if other not in claims:
                raise ValueError(f"{name}: no claim is called {other!r}")
        if claim.prominent and claim.prominent not in concepts:
            raise ValueError(f"{name}: no concept is called {claim.prominent!r}")
