"""Correct code that looks wrong must stay silent: no finding of severity warning or error."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from lright.cli import main

SCRIPTS = sorted((Path(__file__).parent.parent / "data" / "traps").glob("*.py"))
LOUD = ("warning", "error")


def test_there_are_traps_and_they_are_python() -> None:
    assert len(SCRIPTS) >= 25
    for script in SCRIPTS:
        ast.parse(script.read_text(encoding="utf-8"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_trap_stays_silent(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--format", "json", str(script)])
    report = json.loads(capsys.readouterr().out)
    assert report["errors"] == []
    loud = [f"{f['line']} {f['rule']} {f['message']}" for f in report["findings"] if f["severity"] in LOUD]
    assert loud == []
    assert code == 0
