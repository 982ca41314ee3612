"""Pages made at build time: README, CONTRIBUTING, changelog, and one for each rule of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from lright.render import rulepage
from lright.render.rulepage import FAMILIES
from lright.rules import all_rules
from lright.rules.base import Rule

ROOT = Path(__file__).resolve().parent.parent
FROM_ROOT = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def root_page(source: str) -> str:
    """A Markdown file of the repository's root, its links turned into links between pages."""
    text = (ROOT / source).read_text("utf-8").replace("](docs/", "](")
    for name, page in FROM_ROOT.items():
        text = text.replace(f"]({name}", f"]({page}")
    return text


def code(text: str) -> str:
    """A fenced block of Python."""
    return f"```py\n{text.strip()}\n```"


def examples(rule: Rule, which: str) -> list[str]:
    """The bad or good examples of a rule as fenced blocks: scripts as Python, descriptions and runs as text."""
    scripts = len(getattr(rule, which))
    shown = rulepage.examples(rule, which)
    return [*map(code, shown[:scripts]), *(f"```text\n{text.strip()}\n```" for text in shown[scripts:])]


def rule_page(rule: Rule) -> str:
    """The page of one rule."""
    parts = [f"# {rule.id} {rule.slug}", f"**{rule.severity}** · {rule.summary}.", rule.why.strip(), "## Bad"]
    parts += examples(rule, "bad")
    parts += ["## Good", *examples(rule, "good")]
    if rule.fix_safety:
        parts += ["## Fix", rule.fix_safety.strip()]
    if rule.covers:
        links = ", ".join(f"[{other}]({other}.md)" for other in rule.covers)
        parts += ["## Covers", f"Where both see the same scheduler, only this rule speaks: {links}."]
    if rule.sources:
        parts += ["## Sources", "\n".join(f"- {linked(source)}" for source in rule.sources)]
    return "\n\n".join(parts) + "\n"


def linked(source: str) -> str:
    """A source whose web address can be clicked."""
    return " ".join(f"<{word}>" if word.startswith("https://") else word for word in source.split())


def index_page(rules: Sequence[Rule]) -> str:
    """The catalogue, family by family."""
    lines = ["# Rules", "", "An id and a slug never change their meaning. In a terminal: `lright rules`."]
    for digit, title in FAMILIES.items():
        family = [rule for rule in rules if rule.id[2] == digit]
        if family:
            lines += ["", f"## {title}", "", "| rule | severity | what is wrong |", "|---|---|---|"]
            lines += [f"| [{r.id} {r.slug}]({r.id}.md) | {r.severity} | {r.summary} |" for r in family]
    return "\n".join(lines) + "\n"


DECISIONS = {
    "shape": ("Which schedule", "schedule", "title"),
    "warmup": ("Warmup: whether, and how long", "length", ""),
    "floor": ("Where the decay ends", "value", ""),
    "stepping": ("How often to step", "unit", ""),
    "layers": ("Parameter groups", "groups", ""),
    "alternatives": ("Other schedules that would do", "schedule", ""),
    "cautions": ("Cautions", "", ""),
    "questions": ("What is asked back", "", ""),
}


def decisions_page() -> str:
    """The decision framework, as the code executes it."""
    import yaml

    table = yaml.safe_load((ROOT / "src/lright/knowledge/decisions.yaml").read_text("utf-8"))
    lines = [
        "# The decision table",
        "",
        "`lright plan` and `lright ask` carry out exactly this table (`src/lright/knowledge/decisions.yaml`). In the "
        "first five parts the first row whose condition holds is taken; of the others every row that holds. What is "
        "not known makes a comparison false. Names are facts (`lright plan --help` lists them), or follow.",
    ]
    for name, (title, choice, words) in DECISIONS.items():
        lines += ["", f"## {title}", "", "| if | then | because |", "|---|---|---|"]
        for row in table[name]:
            then = f"`{row[choice]}`" if choice and choice in row else ""
            then += f" {row[words]}" if words else ""
            said = row.get("because") or row.get("ask") or ""
            source = f" *({', '.join(row['source'])})*" if row.get("source") else ""
            when = "otherwise" if row["when"] in (True, "True") else f"`{row['when']}`"
            lines.append(f"| {when} | {then or row['id']} | {said}{source} |")
    return "\n".join(lines) + "\n"


def pages() -> Iterator[tuple[str, str]]:
    """Every generated page: where it goes and what it says."""
    for source, page in FROM_ROOT.items():
        yield page, root_page(source)
    yield "decisions.md", decisions_page()
    rules = all_rules()
    yield "rules/index.md", index_page(rules)
    for rule in rules:
        yield f"rules/{rule.id}.md", rule_page(rule)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give every rule its place in the navigation."""
    for entry in config.nav or []:
        if "Rules" in entry:
            entry["Rules"] = ["rules/index.md", *({r.id: f"rules/{r.id}.md"} for r in all_rules())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the build."""
    for page, text in pages():
        files.append(File.generated(config, page, content=text))
    return files
