"""The agent skills that come with lright: folders of Markdown, each with a ``SKILL.md`` (the agentskills.io format).

They are made by ``python -m lright.agent.build``; at run time they are only read.

>>> names()
['learning-rate-scheduling', 'learning-rate-scheduling-small']
>>> list(files(SMALL))
['SKILL.md']
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError

SKILL = "learning-rate-scheduling"
SMALL = "learning-rate-scheduling-small"
HERE = Path(__file__).parent / "skills"


def names() -> list[str]:
    """The names of the skills, the full one first."""
    return [SKILL, SMALL]


def folder(name: str) -> Path:
    """Where a skill lies in the package."""
    if name not in names():
        raise UsageError(f"no skill {name!r}: there are {' and '.join(names())}")
    return HERE / name


def files(name: str) -> dict[str, str]:
    """The files of a skill: path inside its folder to text, ``SKILL.md`` first."""
    top = folder(name)
    paths = sorted(top.rglob("*.md"), key=lambda path: (path.name != "SKILL.md", path.as_posix()))
    return {path.relative_to(top).as_posix(): path.read_text("utf-8") for path in paths}
