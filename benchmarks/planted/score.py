"""What counts as found: a fitting rule at the place, with a condition under which the fault really bites."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lright.evals.planted import Case

NEAR = 3
LOUD = ("warning", "error")
Finding = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the checker said of one case and of its original."""

    case: Case
    found: bool
    condition: bool
    said: tuple[Finding, ...]
    false: tuple[Finding, ...]


def near(finding: Finding, lines: Sequence[int]) -> bool:
    """Whether the finding or a place it relates to lies within 3 lines of a defect line."""
    numbers = [finding["line"], *(place["line"] for place in finding.get("related") or [])]
    return any(abs(number - line) <= NEAR for number in numbers for line in lines)


def names_it(finding: Finding, case: Case) -> bool:
    """Whether a finding is the planted fault, at its place.

    >>> case = Case("x", "LR103", "p", frozenset({"LR103"}), frozenset({"default"}), False, (10,), "", "")
    >>> names_it({"rule": "LR103", "severity": "warning", "line": 12, "related": []}, case)
    True
    >>> names_it({"rule": "LR103", "severity": "info", "line": 12, "related": []}, case)
    False
    """
    heard = case.any_severity or finding["severity"] in LOUD
    return heard and finding["rule"] in case.fits and near(finding, case.lines)


def condition_fits(finding: Finding, case: Case) -> bool:
    """Whether the finding names one of the conditions under which the fault bites."""
    return bool(case.conditions & set(finding["conditions"]))


def judge(case: Case, said: list[Finding], on_original: list[Finding]) -> Verdict:
    """One case's verdict."""
    hits = [finding for finding in said if names_it(finding, case)]
    return Verdict(
        case,
        found=bool(hits),
        condition=any(condition_fits(finding, case) for finding in hits),
        said=tuple(said),
        false=tuple(finding for finding in on_original if finding["severity"] in LOUD),
    )


def write(cases: Iterable[Case], folder: Path) -> None:
    """Put every planted script and its original into ``folder/planted`` and ``folder/original``."""
    for kind in ("planted", "original"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for case in cases:
        (folder / "planted" / f"{case.name}.py").write_text(case.source, encoding="utf-8")
        (folder / "original" / f"{case.name}.py").write_text(case.original, encoding="utf-8")


def check(folder: Path) -> tuple[dict[str, list[Finding]], float]:
    """Run ``lright check --format json`` once on a folder; findings by ``kind/name``, and the seconds."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "lright", "check", "--format", "json", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise RuntimeError(f"lright check ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    report = json.loads(done.stdout)
    if report["errors"]:
        raise RuntimeError(f"{len(report['errors'])} scripts were not read, first: {report['errors'][0]}")
    findings: dict[str, list[Finding]] = defaultdict(list)
    for finding in report["findings"]:
        path = Path(finding["path"])
        findings[f"{path.parent.name}/{path.stem}"].append(finding)
    return findings, seconds


def score(cases: Sequence[Case], folder: Path) -> tuple[list[Verdict], float]:
    """Write the cases, check them all in one process, and judge each."""
    write(cases, folder)
    findings, seconds = check(folder)
    return [
        judge(case, findings.get(f"planted/{case.name}", []), findings.get(f"original/{case.name}", []))
        for case in cases
    ], seconds


def summary(verdicts: Sequence[Verdict]) -> str:
    """Recall and condition accuracy per rule, and false findings on the originals, as a table."""
    by_rule: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_rule[verdict.case.rule].append(verdict)
    lines = [f"{'rule':8}{'planted':>8}{'found':>7}{'recall':>8}{'condition':>11}"]
    for rule, group in sorted(by_rule.items()):
        lines.append(row(rule, group))
    lines.append(row("all", verdicts))
    wrong: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        for finding in verdict.false:
            wrong[finding["rule"]] += 1
    loud = sum(bool(verdict.false) for verdict in verdicts)
    kinds = ", ".join(f"{rule} {count}" for rule, count in sorted(wrong.items())) or "none"
    lines.append(f"false findings on {loud} of {len(verdicts)} originals: {kinds}")
    return "\n".join(lines)


def row(name: str, group: Sequence[Verdict]) -> str:
    """One line of the table."""
    found, right = sum(v.found for v in group), sum(v.condition for v in group)
    recall = f"{100 * found / len(group):.0f}%"
    condition = f"{100 * right / found:.0f}%" if found else "-"
    return f"{name:8}{len(group):8}{found:7}{recall:>8}{condition:>11}"


def miss(verdict: Verdict, folder: Path) -> str:
    """A missed case or a false finding in one line each, with the path to look at."""
    case, lines = verdict.case, []
    if not verdict.found or not verdict.condition:
        said = " ".join(f"{f['rule']}:{f['line']}:{'+'.join(f['conditions'])}" for f in verdict.said) or "nothing"
        what = "wrong condition" if verdict.found else "missed"
        wanted = f"{'/'.join(sorted(case.fits))} near {list(case.lines)} under {'/'.join(sorted(case.conditions))}"
        lines.append(f"{what}: {folder / 'planted' / case.name}.py wants {wanted}; said {said}")
    for finding in verdict.false:
        path = folder / "original" / case.name
        lines.append(f"false: {path}.py:{finding['line']} {finding['rule']} {finding['message']}")
    return "\n".join(lines)
