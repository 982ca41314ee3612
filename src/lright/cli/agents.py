"""`lright skill`: the skill that teaches a coding agent, shown or put where the agent looks for it."""

from __future__ import annotations

from pathlib import Path

from ..errors import LrightError, UsageError
from .options import closest, one_of, parse, parser_of

# Where agents look for skills, in a project and in the home folder. `.agents/skills` is the open one that most read.
FOLDERS = {
    "agents": (".agents/skills", ".agents/skills"),
    "claude": (".claude/skills", ".claude/skills"),
    "codex": (".agents/skills", ".agents/skills"),
    "copilot": (".github/skills", ".copilot/skills"),
    "cursor": (".cursor/skills", ".cursor/skills"),
    "gemini": (".gemini/skills", ".gemini/skills"),
    "goose": (".agents/skills", ".agents/skills"),
    "opencode": (".opencode/skills", ".config/opencode/skills"),
}
USAGE = """show [FILE] [--list] [--small]
       lright skill install [--for AGENT,...] [--to DIR] [--global] [--force] [--small]"""


def skill(arguments: list[str]) -> int:
    """Show the skill for coding agents, or install it where an agent finds it."""
    from ..agent.skill import SKILL, SMALL

    parser = parser_of("skill", USAGE, skill)
    parser.add_argument("what", type=one_of(("show", "install")), help="show or install")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the page to show (default: SKILL.md)")
    known = parser.add_argument
    known("--small", action="store_true", help="the small variant: one page, no references")
    known("--list", action="store_true", help="show: the names of the pages")
    known("--for", dest="agents", default="agents", metavar="A,B", help=f"install: for {', '.join(FOLDERS)}")
    known("--to", metavar="DIR", help="install: into this folder of skills instead")
    known("--global", dest="home", action="store_true", help="install: for you, not for this project alone")
    known("--force", action="store_true", help="install: overwrite files that differ")
    asked = parse(parser, arguments)
    name = SMALL if asked.small else SKILL
    if asked.what == "show":
        return _show(name, asked.file, asked.list)
    if asked.file is not None:
        parser.error(f"install takes no {asked.file!r}")
    for target in _targets(asked.agents, asked.to, asked.home):
        print(_install(name, target / name, asked.force))
    return 0


def _show(name: str, file: str | None, listed: bool) -> int:
    from ..agent.skill import files

    pages = files(name)
    if listed:
        for path, text in pages.items():
            print(f"{path} ({len(text.splitlines())} lines)")
        return 0
    wanted = file or "SKILL.md"
    found = [path for path in pages if wanted in (path, Path(path).name, Path(path).stem)]
    if not found:
        raise UsageError(f"no page {wanted!r}{closest(wanted, pages)}; 'lright skill show --list' names them")
    print(pages[found[0]], end="")
    return 0


def _targets(agents: str, to: str | None, home: bool) -> list[Path]:
    """The folders of skills to install into, each once."""
    if to is not None:
        return [Path(to).expanduser()]
    chosen = []
    for agent in (word.strip().lower() for word in agents.split(",")):
        if agent not in FOLDERS:
            raise UsageError(
                f"no agent {agent!r}{closest(agent, FOLDERS)}: one of {', '.join(FOLDERS)}, or --to DIR for another"
            )
        project, own = FOLDERS[agent]
        chosen.append(Path.home() / own if home else Path(project))
    return list(dict.fromkeys(chosen))


def _install(name: str, target: Path, force: bool) -> str:
    """Write the pages that are missing, and say what was done. Nothing is written where one differs."""
    from ..agent.skill import files

    try:
        pages = files(name)
        there = {path: (target / path).read_text("utf-8") for path in pages if (target / path).exists()}
        differing = sorted(path for path, text in there.items() if text != pages[path])
        if differing and not force:
            raise LrightError(f"{target / differing[0]} is there and differs: --force overwrites it")
        new = [path for path in pages if there.get(path) != pages[path]]
        for path in new:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(pages[path], "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LrightError(f"cannot install into {target}: {getattr(error, 'strerror', None) or error}") from None
    if not new:
        return f"{target}: up to date"
    return f"{target}: {len(new)} file{'s' if len(new) > 1 else ''} written"
