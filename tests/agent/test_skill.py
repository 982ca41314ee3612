"""The skill: as its templates make it, within the bounds of the format, with every block of code run or read."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lright import cli
from lright.agent import build, sections
from lright.agent.skill import SKILL, SMALL, files, folder, names
from lright.doctor import check_source
from lright.errors import LrightError
from lright.knowledge import load
from lright.rules import all_rules

CHARACTERS_PER_TOKEN = 3.5  # a cautious guess where no tokenizer is at hand: English and code have 3.5 to 4.5
PAGES = {f"{name}/{path}": text for name in names() for path, text in files(name).items()}
MAIN = PAGES[f"{SKILL}/SKILL.md"]


class Block(NamedTuple):
    page: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.language}"


def blocks_of(page: str) -> Iterator[Block]:
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL):
        yield Block(page, language, text)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


# As the templates make it.


def test_it_is_up_to_date() -> None:
    """If this fails: `python -m lright.agent.build`."""
    assert [path.name for path in build.stale()] == []


def test_a_stale_file_is_seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pages = {SKILL: {**files(SKILL), "SKILL.md": "changed"}, SMALL: files(SMALL)}
    monkeypatch.setattr(build, "built", lambda: pages)
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"skills/{SKILL}/SKILL.md: not up to date"]


def test_what_a_template_cannot_say() -> None:
    with pytest.raises(LrightError, match="no section 'nonsense'"):
        build.filled("nonsense", "")
    with pytest.raises(LrightError, match="no rule 'LR999'"):
        build.filled("rule", " LR999")
    with pytest.raises(LrightError, match="no fact nonsense"):
        build.filled("fact", " nonsense")
    with pytest.raises(LrightError, match="cited, but no fact and no recipe: made_up"):
        build.cited(["It is so [made_up]."])


# Within the bounds of the format, and of what was asked for.


@pytest.mark.parametrize("name", names())
def test_the_format_is_that_of_agent_skills(name: str) -> None:
    skills_ref = pytest.importorskip("skills_ref")
    assert skills_ref.validate(folder(name)) == []
    properties = skills_ref.read_properties(folder(name))
    assert properties.name == name
    assert "Use it when" in properties.description
    assert len(properties.description) <= 1024


def test_sizes() -> None:
    lines = {page: len(text.splitlines()) for page, text in PAGES.items()}
    assert lines[f"{SKILL}/SKILL.md"] < 500
    assert len(MAIN) / CHARACTERS_PER_TOKEN < 5000
    assert 1500 <= sum(count for page, count in lines.items() if page.startswith(f"{SKILL}/")) <= 2000
    small = f"{SMALL}/SKILL.md"
    assert lines[small] < 150
    assert len(PAGES[small]) / CHARACTERS_PER_TOKEN < 1800


def test_references_are_one_level_deep_and_all_named() -> None:
    for path in files(SKILL):
        assert path == "SKILL.md" or re.fullmatch(r"references/[a-z-]+\.md", path)
        if path != "SKILL.md":
            assert re.search(rf"\b{Path(path).stem}\b", MAIN.split("References:")[1]), path
    for page, text in PAGES.items():
        for named in re.findall(r"(?:references/)?([a-z-]+\.md)\b", text):
            known = {Path(path).name for path in files(SKILL)} | {"question.md"}
            assert named in known, f"{page} names {named}"


def test_every_source_is_told() -> None:
    told = PAGES[f"{SKILL}/references/sources.md"]
    for source in build.cited(PAGES.values()):
        assert f"`{source}`" in told, source


def test_every_rule_that_is_named_exists() -> None:
    known = {rule.id for rule in all_rules()}
    for page, text in PAGES.items():
        assert set(re.findall(r"\bLR\d{3}\b", text)) <= known, page
    listed = PAGES[f"{SKILL}/references/pitfalls.md"]
    assert all(f"{rule.id} {rule.slug}" in listed for rule in all_rules())


def test_every_excuse_and_recipe_is_there() -> None:
    excuses = PAGES[f"{SKILL}/references/excuses.md"]
    assert excuses.count('- **"') == len(load("excuses"))
    recipes = PAGES[f"{SKILL}/references/recipes.md"]
    assert all(f"| {name}" in recipes for name in load("recipes"))


# Every block of code: run, parsed by the real command line, checked by lright, or a picture that was drawn.


def test_no_block_is_left_out() -> None:
    """A language that no test below takes, or a picture that no section draws, is seen here."""
    counted = Counter(block.language for block in BLOCKS)
    assert set(counted) == {"python", "sh", "diff", "json", "text"}
    assert counted["python"] >= 30 and counted["sh"] >= 8 and counted["diff"] > 10 and counted["json"] == 1
    by_hand = [block for block in of("text") if "**" not in block.text]
    assert [block.page for block in by_hand] == [f"{SKILL}/references/lr-finder.md"]  # how to read a finder's curve


PRELUDE = """
import copy, math, random
import torch
from torch.optim.lr_scheduler import *
from torch.optim.lr_scheduler import LambdaLR, LinearLR, SequentialLR

torch.manual_seed(0)
torch.set_num_threads(1)  # the operations are tiny
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1))
train_loader = [(x, x.sum(1, keepdim=True)) for x in torch.randn(32, 4).split(16)]
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = LinearLR(optimizer)
loss_fn = torch.nn.functional.mse_loss
epochs = 8

def train_step(batch):
    optimizer.zero_grad()
    loss = loss_fn(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()

def train_one_epoch():
    for batch in train_loader:
        train_step(batch)

def validate():
    return 1.0
"""


@pytest.mark.parametrize("page", sorted({block.page for block in of("python")}))
def test_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page share their names, and each finds the names of the prelude anew. Those for other frameworks
    are compiled here: they are the exporter's, whose tests run them."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    Path("train.py").write_text(all_rules()[0].bad[0], "utf-8")
    shared: dict[str, Any] = {"__name__": "skill"}
    for number, block in enumerate(blocks_of(page)):
        if block.language != "python":
            continue
        code = compile(block.text, f"{page}, block {number}", "exec")
        if "matplotlib" in block.text:
            pytest.importorskip("matplotlib")
        if not page.endswith("frameworks.md"):
            exec(PRELUDE, shared)
            exec(code, shared)


def test_the_finder_in_plain_torch_finds_and_puts_back() -> None:
    torch = pytest.importorskip("torch")
    block = next(block for block in of("python") if "def lr_range_test" in block.text)
    names: dict[str, Any] = {}
    exec(PRELUDE, names)
    data = torch.randn(256, 4)
    names["train_loader"] = [(x, x.sum(1, keepdim=True)) for x in data.split(16)]
    before = {name: value.clone() for name, value in names["model"].state_dict().items()}
    lr = names["optimizer"].param_groups[0]["lr"]
    exec(block.text, names)
    assert all(torch.equal(value, before[name]) for name, value in names["model"].state_dict().items())
    assert names["optimizer"].param_groups[0]["lr"] == lr and not names["optimizer"].state
    steepest, low = names["suggest"](names["lrs"], names["losses"])
    assert 1e-3 < steepest < 1 and 1e-3 < low < 1


@pytest.mark.parametrize("block", of("diff"), ids=lambda block: block.page)
def test_the_bad_code_is_found_and_the_good_is_not(block: Block) -> None:
    rule = re.findall(r"^### (LR\d{3}) ", PAGES[block.page].partition(block.text)[0], re.MULTILINE)[-1]
    lines = block.text.splitlines()
    bad, good = ("\n".join(line[2:] for line in lines if line[:1] in (" ", "", sign)) + "\n" for sign in "-+")
    assert bad in [text.rstrip() + "\n" for text in _rule(rule).bad]
    assert rule in [finding.rule for finding in check_source(bad, "bad.py").findings]
    assert rule not in [finding.rule for finding in check_source(good, "good.py").findings]


def _rule(name: str) -> Any:
    return next(rule for rule in all_rules() if rule.id == name)


def commands() -> list[str]:
    """Every lright command line: in blocks for the shell, and in prose or tables between code marks."""
    found = [line for block in of("sh") for line in block.text.splitlines()]
    for text in PAGES.values():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        found += re.findall(r"`((?:python -m )?lright [^`]+)`", prose)
    forms = ("COMMAND", "NAME", "...")  # they stand for many
    real = [line for line in found if re.match(r"(torchrun .* -m |python -m )?lright ", line)]
    return list(dict.fromkeys(line for line in real if not any(word in line for word in forms)))


class Parsed(Exception):
    """A command line was accepted."""


@pytest.mark.parametrize("line", commands())
def test_commands_are_accepted(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = re.sub(r"^.*?lright ", "", line).partition(" | ")[0]
    name, *arguments = shlex.split(own, comments=True)
    if not arguments:
        assert name in cli.COMMANDS
        return
    module = import_module(f"lright.cli.{cli.COMMANDS[name][0]}")
    reader = "parse" if hasattr(module, "parse") else "_asked"
    real = getattr(module, reader)

    def parse(*given: Any) -> None:
        real(*given)
        raise Parsed

    monkeypatch.setattr(module, reader, parse)
    with pytest.raises(Parsed):
        cli.main([name, *arguments])


def test_shell_blocks_hold_commands_alone() -> None:
    """What else stands there: comments, a torchrun line, and the script that reads the JSON."""
    for block in of("sh"):
        if "import json" in block.text:
            continue
        for line in block.text.splitlines():
            assert line.startswith(("lright ", "torchrun ")), line


def test_the_reader_of_the_json_reads_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    block = next(block for block in of("sh") if "import json" in block.text)
    script = re.search(r'python -c "\n(.*)"', block.text, re.DOTALL)
    assert script is not None
    report = json.loads(of("json")[0].text)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(report)))
    exec(script[1], {})
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("LR101 error proven 14 ") and last.startswith("assumed")


def test_the_json_is_what_check_prints() -> None:
    assert of("json")[0].text.strip() in sections.report("LR101")


# The arithmetic in the text.


def test_the_numbers_of_one_cycle() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=20, steps_per_epoch=391)
    lrs = []
    for _ in range(20 * 391):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if len(lrs) < 20 * 391 else None
    assert math.ceil(50_000 / 128) == 391 and len(lrs) == 7820
    assert abs(lrs.index(max(lrs)) / 391 - 6) < 0.01
    assert round(lrs[10 * 391], 3) == 0.081


# What the six situations must get from SKILL.md alone.
CRITERIA = {
    "1": ["YES", "milestones=[30, 60]", "T_max=90", "LR finder", "significantly underperform", "30, 60, 90", "at 80"],
    "2": ["plateau", 'mode="min", factor=0.1, patience=5', "scheduler.step(val_loss)", "0.001 to 0.0001", "StepLR"],
    "3": ["Missing warmup", "start_factor=0.01", "1% to 100%", "SequentialLR", "95", "BERT, GPT"],
    "4": ["max_lr is likely too high", "30%", "70%", "finder FIRST", "0.03", "0.01", "Plot", "every batch", "epoch 6"],
    "5": ["Push back", "High LR early", "low LR late", "T_max=100", "one line", "ResNet", "EfficientNet", "no source"],
    "6": ["unit error", "once per epoch", "0.26", "after the epoch", "OneCycleLR", 'param_groups[0]["lr"]', "len(tr"],
}


@pytest.mark.parametrize("case", CRITERIA)
def test_the_six_cases_are_answered(case: str) -> None:
    text = re.split(rf"^\*\*{case}\. ", MAIN, flags=re.MULTILINE)[1]
    answer = re.split(r"^(?:\*\*\d\. |## )", text, flags=re.MULTILINE)[0].replace("*", "").lower()
    assert [words for words in CRITERIA[case] if words.lower() not in answer] == []


# The command.


def skill(*arguments: str) -> int:
    return cli.main(["skill", *arguments])


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert skill("show") == 0
    assert capsys.readouterr().out == MAIN
    assert skill("show", "references/warmup.md") == 0
    whole = capsys.readouterr().out
    assert skill("show", "warmup") == 0
    assert capsys.readouterr().out == whole == PAGES[f"{SKILL}/references/warmup.md"]
    assert skill("show", "--small") == 0
    assert capsys.readouterr().out == PAGES[f"{SMALL}/SKILL.md"]
    assert skill("show", "--list") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(files(SKILL))


def test_show_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert skill("show", "warmups.md") == 2
    assert "no page 'warmups.md'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "agent, where",
    [("claude", ".claude"), ("codex", ".agents"), ("copilot", ".github"), ("cursor", ".cursor"), ("agents", ".agents")],
)
def test_install(agent: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    target = Path(where) / "skills" / SKILL
    assert skill("install", "--for", agent) == 0
    assert capsys.readouterr().out == f"{target}: {len(files(SKILL))} files written\n"
    assert {path: (target / path).read_text("utf-8") for path in files(SKILL)} == files(SKILL)
    assert skill("install", "--for", agent) == 0
    assert capsys.readouterr().out == f"{target}: up to date\n"


def test_install_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert skill("install", "--small", "--to", str(tmp_path / "skills")) == 0
    assert (tmp_path / "skills" / SMALL / "SKILL.md").is_file()
    assert skill("install", "--global", "--for", "claude,cursor") == 0
    assert (tmp_path / "home" / ".claude" / "skills" / SKILL / "SKILL.md").is_file()
    assert (tmp_path / "home" / ".cursor" / "skills" / SKILL / "SKILL.md").is_file()
    assert capsys.readouterr().out.count("\n") == 3


def test_install_overwrites_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / SKILL / "references" / "warmup.md"
    page.parent.mkdir(parents=True)
    page.write_text("mine", "utf-8")
    assert skill("install", "--to", str(tmp_path)) == 2
    assert "is there and differs: --force overwrites it" in capsys.readouterr().err
    assert page.read_text("utf-8") == "mine" and not (tmp_path / SKILL / "SKILL.md").exists()
    assert skill("install", "--to", str(tmp_path), "--force") == 0
    assert page.read_text("utf-8") == files(SKILL)["references/warmup.md"]


def test_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    for arguments, words in {
        ("install", "--for", "cluade"): "no agent 'cluade': did you mean 'claude'?",
        ("install", "claude"): "install takes no 'claude'",
        ("instal",): "did you mean 'install'?",
        ("install", "--to", str(tmp_path / "file")): "cannot install into",
    }.items():
        assert skill(*arguments) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
