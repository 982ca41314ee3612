"""What an agent is given: nothing, a placebo, the skill, the small skill, or the skill and the tools.

A placebo of equal length tells the skill's content from the effect of any long text before the question. It is taken
from Python's own language reference (`pydoc_data`), which is about code and says nothing of learning rates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ..agent.skill import SKILL, SMALL, files
from ..errors import UsageError

PLACEBO = "python-language"


@dataclass(frozen=True)
class Arm:
    """One condition. ``skill`` is the name of what is installed or put before the question, "" for nothing."""

    name: str
    title: str
    skill: str = ""
    tools: bool = False  # whether the lright command and its MCP server are there

    @property
    def files(self) -> dict[str, str]:
        """The files of the skill by relative path; none for the bare arm."""
        if self.skill == PLACEBO:
            return placebo()
        return dict(files(self.skill)) if self.skill else {}

    @property
    def text(self) -> str:
        """What a model without files reads: the body of SKILL.md, "" for the bare arm."""
        return body(self.files["SKILL.md"]) if self.skill else ""


ARMS = (
    Arm("red", "nothing"),
    Arm("control", "a placebo as long as the skill", PLACEBO),
    Arm("green-skill", "the skill", SKILL),
    Arm("green-small", "the small skill", SMALL),
    Arm("green-tools", "the skill, the lright command and its MCP server", SKILL, tools=True),
)


def arms(names: str = "") -> tuple[Arm, ...]:
    """The arms of these names, separated by commas, in their own order; all of them for "".

    >>> [arm.name for arm in arms("green-small,red")]
    ['red', 'green-small']
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = [arm.name for arm in ARMS]
    for name in wanted:
        if name not in known:
            raise UsageError(f"--arms: no arm {name!r}; there are {', '.join(known)}")
    return tuple(arm for arm in ARMS if not wanted or arm.name in wanted)


def body(text: str) -> str:
    """A skill's text without its front matter."""
    return re.sub(r"\A---\n.*?\n---\n+", "", text, flags=re.DOTALL)


@cache
def placebo() -> dict[str, str]:
    """A skill that says nothing about learning rates: for each file of the real one, one of the same length."""
    from pydoc_data.topics import topics

    # The topics come in the order of their names, so that a Python version always gives the same text.
    prose = "\n\n".join(text for _, text in sorted(topics.items()) if len(text) > 2000)
    made, start = {}, 0
    for number, text in enumerate(files(SKILL).values()):
        end = start + len(body(text))
        made[f"references/part-{number}.md" if number else "SKILL.md"] = prose[start:end]
        start = end
    front = f"---\nname: {PLACEBO}\ndescription: How the Python language works. Read it when writing Python.\n---\n\n"
    return {**made, "SKILL.md": front + made["SKILL.md"]}
