"""An agent without a mind: it does what lright tells it, and nothing where lright is not there.

    lright eval --agent "python -m evals.follows_lright" --arms red,green-tools

It shows what the tools do by themselves, before any language model: `lright check --fix --unsafe-fixes` on the scripts
of the project, `lright ask` on a question without files. It reads no skill, so the other arms are RED again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def lright(*arguments: str, given: str = "") -> str | None:
    """What a command of lright prints; None where there is no lright, or it had nothing to say."""
    done = subprocess.run(["lright", *arguments], input=given, capture_output=True, text=True)
    return done.stdout if done.returncode in (0, 1) else None


def main() -> int:
    """Answer the question on standard input, for the project in the current folder."""
    question = sys.stdin.read()
    scripts = sorted(str(path) for path in Path().glob("*.py"))
    if scripts:
        said = lright("check", "--fix", "--unsafe-fixes", "--format", "concise", *scripts)
    else:
        said = lright("ask", "-", given=question)
    print(said if said is not None else "I do not know.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
