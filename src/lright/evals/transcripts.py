"""Recorded answers: one JSON object a line, with ``problem``, ``arm``, ``epoch`` and the answer.

The answer is either an object as `results.jsonl` of a run has it (``answer``), or plain ``text`` (and ``files``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LrightError
from .arms import Arm
from .nouns import Answer, Graded, Problem

MOST = 200_000_000  # bytes of a file of transcripts

Key = tuple[str, str, int]


def read(path: str) -> dict[Key, Answer]:
    """The recorded answers of a file. Raises LrightError that names the line."""
    found: dict[Key, Answer] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            try:
                key, answer = _entry(json.loads(line))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                what = f"{type(error).__name__}: {error}"
                raise LrightError(f"{path}:{number}: no recorded answer ({' '.join(what.split())[:200]})") from None
            if key in found:
                raise LrightError(f"{path}:{number}: problem {key[0]}, arm {key[1]}, epoch {key[2]} is there twice")
            found[key] = answer
    if not found:
        raise LrightError(f"{path}: holds no recorded answer")
    return found


def _text(path: str) -> str:
    try:
        if Path(path).stat().st_size > MOST:
            raise LrightError(f"{path}: is larger than {MOST // 1_000_000} MB")
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LrightError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None


def _entry(data: Any) -> tuple[Key, Answer]:
    if not isinstance(data, dict):
        raise TypeError("an object was expected")
    epoch = data.get("epoch", 0)
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise ValueError("epoch is a whole number from 0")
    known = set(Answer.__dataclass_fields__)
    said = dict(data["answer"]) if "answer" in data else {name: data[name] for name in known if name in data}
    if unknown := set(said) - known:
        raise ValueError(f"an answer has no {sorted(unknown)[0]!r}")
    if not isinstance(said["text"], str):
        raise TypeError("text is not a text")
    said["calls"] = tuple(map(str, said.get("calls", ())))
    said["files"] = {str(name): str(text) for name, text in dict(said.get("files", {})).items()}
    return (str(data["problem"]), str(data.get("arm", "red")), epoch), Answer(**said)


def asked(
    answers: Mapping[Key, Answer], problems: Iterable[Problem], arms: Iterable[Arm]
) -> tuple[tuple[Problem, ...], tuple[Arm, ...], int]:
    """The problems, arms and number of epochs for which every answer is there. Raises LrightError for holes."""
    known, names = {p.id: p for p in problems}, {a.name: a for a in arms}
    for problem, arm, _ in answers:
        if problem not in known:
            raise LrightError(f"the transcripts answer problem {problem!r}, which is not asked")
        if arm not in names:
            raise LrightError(f"the transcripts have arm {arm!r}, which there is not")
    used = [p for p in known.values() if any(key[0] == p.id for key in answers)]
    under = [a for a in names.values() if any(key[1] == a.name for key in answers)]
    epochs = 1 + max(key[2] for key in answers)
    for problem_ in used:
        for arm_ in under:
            for epoch in range(epochs):
                if (problem_.id, arm_.name, epoch) not in answers:
                    raise LrightError(f"no answer to problem {problem_.id}, arm {arm_.name}, epoch {epoch} is recorded")
    return tuple(used), tuple(under), epochs


def write(path: Path, answers: Iterable[Graded]) -> None:
    """Write graded answers, one a line; :func:`read` takes them again."""
    path.write_text("".join(json.dumps(g.as_dict(), ensure_ascii=False) + "\n" for g in answers), "utf-8")
