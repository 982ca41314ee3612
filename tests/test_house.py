"""The rules of the house: what may import what, what a start costs, what no file may name."""

from __future__ import annotations

import ast
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lright

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "lright"

# Arrows go one way: a room knows itself and the rooms of the floors below it, never a neighbour on its floor.
# The nouns are one room. A new module or folder of the package is given its floor here. observe.live is a room of its
# own: it asks the rules as long as a run goes on.
NOUNS = {"quantity", "clock", "timeline", "situation", "setting", "finding", "report", "trace"}
FLOORS = [
    {"errors", "records"},
    {"nouns"},
    {"schedule", "play", "knowledge"},
    {"case"},
    {"rules", "observe", "advise", "render", "curves", "origins", "moving"},
    {"doctor", "previews", "find", "observe.live", "mend", "naming"},
    {"watch"},
    {"torch"},
    {"drive", "consult", "lightning", "transformers", "accelerate", "keras"},
    {"ablate"},
    {"agent"},
    {"evals"},
    {"cli"},
    {"__init__", "__main__"},
]
PARSERS = {"ast", "tokenize", "io", "os", "pathlib", "observe"}
HEAVY = {"torch", "numpy", "matplotlib", "pandas", "scipy", "pydantic", "rich", "yaml"}

CLEAN_SCRIPT = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

def train(model, loader, epochs=90):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        scheduler.step()
"""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name, packages without `.__init__`."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def import_nodes(node: ast.AST, *, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports under a node; those inside functions only if `lazy`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif for_types_only(child) or (isinstance(child, ast.FunctionDef) and not lazy):
            continue
        else:
            yield from import_nodes(child, lazy=lazy)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(name: str, path: Path, known: dict[str, Path], *, lazy: bool) -> set[str]:
    """The modules of the package that one of them imports."""
    found: set[str] = set()
    for node in import_nodes(tree_of(path), lazy=lazy):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            inside = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = inside[: len(inside) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            targets = [f"{origin}.{a.name}" if f"{origin}.{a.name}" in known else origin for a in node.names]
        found |= {target for target in targets if target in known}
    return found


def room(module: str) -> str:
    """The room a module of the package is in."""
    parts = [*module.split("."), "__init__"]
    if any(".".join(parts[1:3]) in rooms for rooms in FLOORS):
        return ".".join(parts[1:3])
    return "nouns" if parts[1] in NOUNS else parts[1]


def floor(module: str) -> int:
    for height, rooms in enumerate(FLOORS):
        if room(module) in rooms:
            return height
    raise AssertionError(f"{module} has no floor yet: add its room to FLOORS in {Path(__file__).name}")


@pytest.mark.parametrize("module", modules())
def test_arrows_go_down(module: str) -> None:
    known = modules()
    for other in imported(module, known[module], known, lazy=True) - {"lright"}:
        assert room(other) == room(module) or floor(other) < floor(module), f"{module} imports {other}"


def test_no_circles_at_import() -> None:
    known = modules()
    graph = {name: imported(name, path, known, lazy=False) - {name} for name, path in known.items()}
    while leaves := {name for name, needs in graph.items() if not needs}:
        graph = {name: needs - leaves for name, needs in graph.items() if name not in leaves}
    assert not graph, "modules that import one another in a circle (or need one that does)"


def test_rules_neither_parse_nor_read() -> None:
    """Rules know nouns, clock and algebra: what is to be seen in the text, the observer has put on the nouns."""
    for module, path in modules().items():
        if room(module) != "rules":
            continue
        names = {alias.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)}
        assert not {name.split(".")[0] for name in names} & PARSERS, f"{module} parses text"
        calls = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        assert not [f for f in calls if isinstance(f, ast.Name) and f.id in ("open", "compile", "eval")], module


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def clean_script(tmp_path: Path) -> str:
    path = tmp_path / "train.py"
    path.write_text(CLEAN_SCRIPT, "utf-8")
    return str(path)


def loaded(stderr: str) -> set[str]:
    """The top-level names in the report of `python -X importtime`."""
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in stderr.splitlines() if "|" in line}


def test_help_imports_nothing_heavy() -> None:
    done = run("-X", "importtime", "-m", "lright", "--help")
    assert done.returncode == 0, done.stderr
    assert "check" in done.stdout
    assert "lright" in loaded(done.stderr)
    assert not loaded(done.stderr) & HEAVY


def test_check_imports_nothing_heavy(clean_script: str) -> None:
    done = run("-X", "importtime", "-m", "lright", "check", clean_script)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "lright" in loaded(done.stderr)
    assert not loaded(done.stderr) & HEAVY


def test_check_starts_soon(clean_script: str) -> None:
    """The bar is 150 ms and benchmarks/startup.py measures it; this only catches what is badly wrong."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("-m", "lright", "check", clean_script).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.8


def test_the_door_opens_lazily() -> None:
    done = run("-c", "import lright, sys; print([name for name in sys.modules if 'lright' in name])")
    assert done.stdout.strip() == "['lright']"


@pytest.mark.parametrize("name", lright.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(lright, name) is not None
    assert name in dir(lright)


def test_a_missing_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lright.nonsense


def test_the_type_checker_sees_the_same_door() -> None:
    block = next(node for node in ast.walk(tree_of(PACKAGE / "__init__.py")) if for_types_only(node))
    imports = [node for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    seen = {alias.name for node in imports for alias in node.names}
    assert seen | {"__version__"} == set(lright.__all__)


def test_every_rule_file_is_in_the_catalogue() -> None:
    from lright.rules import MODULES

    assert sorted(MODULES) == sorted(path.stem for path in (PACKAGE / "rules").glob("lr*.py"))


def test_the_changelog_knows_this_version() -> None:
    assert f"## {lright.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_machine_or_a_registry_host() -> None:
    path = r"(?<![\w./~}>)])/(?:work|root|tmp|opt|home|Users)/\w"
    hosts = ["pypi", "pythonhosted", "download.pytorch", "npmjs", "debian"]
    forbidden = re.compile("|".join([path, *(rf"\b{re.escape(host)}\.org" for host in hosts)]))
    named = []
    for file in tracked():
        for number, line in enumerate(file.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
            named += [f"{file.relative_to(ROOT)}:{number}: {m.group()}" for m in forbidden.finditer(line)]
    assert not named
