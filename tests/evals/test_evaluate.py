"""`lright eval` from end to end, offline: an agent's command, a model behind an API, recorded answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import fake_api
from lright.cli import main

pytest.importorskip("inspect_ai", reason="lright eval needs inspect_ai (Python 3.11 or newer)")

ASKED = ["seed-2-plateau", "seed-6-step-placement"]

# It answers the first question when the skill is there, falls silent at the second, and leaves a process behind.
AGENT = """\
import subprocess, sys, pathlib
subprocess.Popen(["sleep", "600"])
question = sys.argv[1] if len(sys.argv) > 1 else sys.stdin.read()
if "CosineAnnealing" in question:
    sys.exit("no idea")
skilled = pathlib.Path(".claude/skills").exists()
print("This is a plateau: use ReduceLROnPlateau." if skilled else "It depends.")
"""

CLEAN = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

data = torch.utils.data.TensorDataset(torch.randn(5000, 10), torch.randint(2, (5000,)))
loader = torch.utils.data.DataLoader(data, batch_size=50, shuffle=True)
model = torch.nn.Linear(10, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = CosineAnnealingLR(optimizer, T_max=20)
for epoch in range(20):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    scheduler.step()
"""


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]


def test_an_agent_is_measured_and_its_answers_are_graded_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = tmp_path / "agent.py"
    agent.write_text(AGENT, "utf-8")
    first, second = tmp_path / "first", tmp_path / "second"
    asked = ["--problems", ",".join(ASKED), "--arms", "red,green-skill", "--epochs", "2"]
    command = ["eval", "--agent", f"{sys.executable} {agent} {{prompt}}", *asked, "-o", str(first)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "2 problems, 2 times under each of 2 arms" in shown
    assert "no answer: red 2 of 4, green-skill 2 of 4" in shown
    found = results(first)
    assert len(found) == 8
    by_arm = {each["arm"]: each["answer"] for each in found if each["problem"] == ASKED[0]}
    assert by_arm["red"]["text"] == "It depends.\n"
    assert by_arm["green-skill"]["text"].startswith("This is a plateau")
    silent = next(each for each in found if each["problem"] == ASKED[1])
    assert "no idea" in silent["answer"]["error"]
    assert all(score["value"] in (0.0, None) for score in silent["scores"])
    recognised = {each["arm"]: score["value"] for each in found if each["problem"] == ASKED[0]
                  for score in each["scores"] if score["criterion"] == "recommends-rlrop"}  # fmt: skip
    assert recognised == {"red": 0.0, "green-skill": 1.0}

    assert main(command) == 2  # another run is never written over
    assert "--force" in capsys.readouterr().err
    again = ["eval", "--transcripts", str(first / "results.jsonl"), "-o", str(second), "--format", "json", "--bundle"]
    assert main(again) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((second / "summary.json").read_text("utf-8"))
    assert summary["rates"] == json.loads((first / "summary.json").read_text("utf-8"))["rates"]
    assert (second / "answers" / "index.html").exists()
    assert (second / "index.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_model_behind_an_api_gets_what_its_arm_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    fake_api.SERVED.clear()
    with fake_api.serving() as address:
        asked = ["--problems", "repair-0-000", "--epochs", "1", "-o", str(tmp_path / "out")]
        assert main(["eval", "--model", "openai-api/local/fake", "--base-url", address, *asked]) == 0
    found = {each["arm"]: each["answer"] for each in results(tmp_path / "out")}
    assert found["red"]["text"] == found["control"]["text"] == "It depends on many things."
    assert found["green-tools"]["text"].startswith("lright says: 1 file checked")
    assert found["green-tools"]["calls"] == ["check"]
    assert (found["red"]["tokens_in"], found["green-tools"]["tokens_out"]) == (11, 14)
    systems = [request["messages"][0]["content"] for request in fake_api.SERVED]
    assert sum("# Learning-rate scheduling" in text for text in systems) == 4  # skill, small, and twice with tools
    offered = [{tool["function"]["name"] for tool in request.get("tools") or ()} for request in fake_api.SERVED]
    assert offered.count(set()) == 2  # red, and the small skill, which has no further files
    assert all("watch" not in names for names in offered)  # nothing that runs code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "who answers?"),
        (["--agent", "a", "--model", "b"], "who answers?"),
        (["--agent", "true", "--arms", "green"], "no arm 'green'"),
        (["--agent", "true", "--problems", "repairs"], "did you mean 'repair'"),
        (["--agent", "true", "--epochs", "0"], "--epochs"),
        (["--transcripts", "none.jsonl"], "cannot be read"),
        (["--agent", "true", "--scripts", "nowhere"], "no Python file"),
        (["--agent", "no-such-program-xyz", "--problems", ASKED[0], "--arms", "red"], "does not start"),
        (["--agent", "'unbalanced", "--problems", ASKED[0], "--arms", "red"], "--agent"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["eval", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_slow_agent_is_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--problems", ASKED[0], "--arms", "red", "--epochs", "1", "--timeout", "0.5", "-o", str(tmp_path / "out")]
    assert main(["eval", "--agent", "sleep 60", *asked]) == 2
    assert "no answer within 0.5 s" in capsys.readouterr().err


def test_the_problems_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--list", "--problems", "seed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].split()[:2] == ["seed-1-schedule-or-not", "scenario"]


def test_a_scripts_folder_makes_repair_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.py").write_text(CLEAN, "utf-8")
    assert main(["eval", "--list", "--problems", "repair", "--scripts", str(tmp_path)]) == 0
    assert "repair-train-" in capsys.readouterr().out


def test_recorded_styles_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Vague, wrong and right answers under three arms: who reads the report sees which is which."""
    recorded = str(Path(__file__).parents[2] / "evals" / "transcripts" / "styles.jsonl")
    assert main(["eval", "--transcripts", recorded, "--format", "json", "-o", str(tmp_path / "out")]) == 0
    summary = json.loads(capsys.readouterr().out)
    solved, wrong = summary["rates"]["solved"]["all"], summary["rates"]["wrong"]["all"]
    assert solved["red"] == solved["control"] == 0.0
    assert solved["green-skill"] >= 0.9
    assert wrong["control"] > 0.2 > wrong["red"]
    found = {each["arm"]: each["verdict"] for each in summary["differences"]["outcome"] if each["against"] == "red"}
    assert found["green-skill"] == "higher"
