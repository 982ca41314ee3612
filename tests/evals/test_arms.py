"""What an agent is given under each arm, and what the arms keep apart."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from lright.errors import UsageError
from lright.evals.arms import ARMS, PLACEBO, arms, body, placebo

BY_NAME = {arm.name: arm for arm in ARMS}


def test_the_placebo_is_as_long_as_the_skill_and_says_nothing_of_it() -> None:
    skill, control = BY_NAME["green-skill"], BY_NAME["control"]
    assert len(control.text) == len(skill.text)
    assert len(control.files) == len(skill.files)
    whole = "\n".join((*control.files, *control.files.values())).lower()
    assert not re.findall(r"learning.rate|schedul|warm-?up|optimizer|\blr\b", whole)


def test_the_bare_arm_has_nothing() -> None:
    assert BY_NAME["red"].files == {}
    assert BY_NAME["red"].text == ""


def test_a_model_reads_the_body_without_front_matter() -> None:
    assert not BY_NAME["green-skill"].text.startswith("---")
    assert "lright check" in BY_NAME["green-skill"].text
    assert body("no front matter") == "no front matter"
    assert len(BY_NAME["green-small"].text) < len(BY_NAME["green-skill"].text) / 2


def test_arms_are_chosen_by_name() -> None:
    assert [arm.name for arm in arms("green-tools, red")] == ["red", "green-tools"]
    with pytest.raises(UsageError, match="no arm 'green'"):
        arms("green")


def test_the_placebo_is_the_same_twice() -> None:
    first = placebo()
    placebo.cache_clear()
    assert placebo() == first
    assert first["SKILL.md"].startswith(f"---\nname: {PLACEBO}\n")


@pytest.mark.parametrize("name", BY_NAME)
def test_an_agent_finds_what_its_arm_gives_and_no_more(name: str, tmp_path: Path) -> None:
    equip = pytest.importorskip("lright.evals.answerers", reason="needs inspect_ai").equip
    arm, project, beside = BY_NAME[name], tmp_path / "project", tmp_path / "bin"
    project.mkdir()
    equip(arm, project, beside)
    path = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(["lright", "--version"], env=path, capture_output=True, text=True)
    assert (ran.returncode == 0) == arm.tools
    assert (project / ".mcp.json").exists() == arm.tools
    for folder in (".claude/skills", ".agents/skills"):
        found = [p.name for p in (project / folder).iterdir()] if (project / folder).exists() else []
        assert found == ([arm.skill] if arm.skill else [])
    if arm.tools:
        server = json.loads((project / ".mcp.json").read_text("utf-8"))["mcpServers"]["lright"]
        assert Path(server["command"]) == beside / "lright"
