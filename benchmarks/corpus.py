"""Score ``lright check`` on real scripts with known scheduling bugs, and on clean ones.

The list (``corpus.jsonl``) names scripts by repository, commit and path; the files are not ours and never
live in this repository. Extract them first into ``FILES/<id>/<path>``, then run::

    python -m benchmarks.corpus path/to/corpus.jsonl FILES [--all]

Counted as **found**: a finding of severity warning or error, of a fitting rule, in the record's file (or
one of its related files), with its line or a related line within 3 lines of a marked one. **False**: any
warning or error on a clean file. Arguable records count neither way. Without ``--all`` only plain-torch
records that need no other file are scored.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Finding = dict[str, Any]

NEAR = 3
LOUD = ("warning", "error")

FITTING: dict[str, str] = {
    "step-per-batch-epoch-sized": "LR101 LR114",
    "stepped-per-epoch-and-per-batch": "LR104 LR101 LR102",
    "perstep-tmax-stepped-per-epoch": "LR102 LR202 LR207",
    "step-before-optimizer": "LR103",
    "step-per-microbatch": "LR105",
    "accumulation-ignored-in-length": "LR205 LR206 LR105",
    "accelerate-steps-mismatch": "LR205 LR206 LR105",
    "onecycle-total-steps-mismatch": "LR203 LR205 LR201 LR202 LR207 LR101 LR102",
    "tmax-too-small": "LR201 LR202 LR203 LR207 LR101 LR102",
    "tmax-too-large": "LR201 LR202 LR203 LR207 LR101 LR102",
    "tmax-wrong-variable": "LR201 LR202 LR203 LR207 LR101 LR102",
    "milestones-beyond-end": "LR204 LR202",
    "len-dataset-vs-loader": "LR207 LR201 LR202 LR203",
    "gamma-wrong": "LR211",
    "eta-min-equals-lr": "LR212",
    "zero-lr-first-step": "LR213",
    "warmup-longer-than-training": "LR208",
    "never-stepped": "LR108",
    "stepped-in-eval": "LR106 LR104",
    "step-epoch-arg-misuse": "LR109",
    "timm-step-without-epoch": "LR110",
    "plateau-without-metric": "LR111",
    "plateau-mode": "LR112",
    "plateau-wrong-metric": "LR113 LR114",
    "lightning-interval-missing": "LR107",
    "lightning-interval-mismatch": "LR107",
    "scheduler-other-optimizer": "LR301",
    "manual-overwrite-plus-scheduler": "LR302 LR305",
    "manual-decay-repeated": "LR303",
    "lr-variable-not-applied": "LR304",
    "resume-no-scheduler-state": "LR401",
    "resume-order-resets-lr": "LR402",
    "last-epoch-misuse": "LR403",
    "keras-decay-steps-units": "LR101 LR102 LR201 LR202 LR207",
}


def fitting_rules(record: Record) -> set[str]:
    """The rule ids that name a record's bug, or one of its further kinds (``also``)."""
    kinds = [record["kind"], *(record.get("also") or [])]
    return {rule for kind in kinds for rule in FITTING.get(kind, "").split()}


def in_default_part(record: Record) -> bool:
    """Whether the record is plain torch and can be judged from its one file."""
    return record["framework"] == "pytorch" and not record.get("related")


def places(finding: Finding) -> list[tuple[str, int]]:
    """Every (path, line) that a finding points at: its own and its related ones."""
    own = [(finding["path"], finding["line"])]
    return own + [(other["path"], other["line"]) for other in finding.get("related") or []]


def is_loud(finding: Finding) -> bool:
    """Whether a finding counts: severity warning or error."""
    return finding["severity"] in LOUD


def hits(finding: Finding, record: Record, main: str) -> bool:
    """Whether a finding is the record's bug at its place; ``main`` is the path that was checked."""
    if not is_loud(finding) or finding["rule"] not in fitting_rules(record):
        return False
    return any(
        path == main and abs(line - marked) <= NEAR for path, line in places(finding) for marked in record["lines"]
    )


def score(record: Record, report: dict[str, Any], main: str) -> dict[str, Any]:
    """One record's outcome: ``found``/``missed``, ``silent``/``FALSE``, ``arguable`` or ``unread``.

    >>> record = {"set": "buggy", "kind": "step-before-optimizer", "lines": [10]}
    >>> finding = {"rule": "LR103", "severity": "warning", "path": "t.py", "line": 12}
    >>> score(record, {"findings": [finding], "errors": []}, "t.py")["outcome"]
    'found'
    >>> score({**record, "set": "clean"}, {"findings": [finding], "errors": []}, "t.py")["outcome"]
    'FALSE'
    """
    loud = [finding for finding in report["findings"] if is_loud(finding)]
    hit = [finding for finding in loud if hits(finding, record, main)]
    if report["errors"]:
        outcome = "unread"
    elif record["set"] == "buggy":
        outcome = "found" if hit else "missed"
    elif record["set"] == "clean":
        outcome = "FALSE" if loud else "silent"
    else:
        outcome = "arguable"
    return {"outcome": outcome, "loud": loud, "hit": hit, "errors": report["errors"]}


def check(command: list[str], files: list[Path]) -> tuple[dict[str, Any], float]:
    """Run ``lright check --format json`` on files; the parsed report and the seconds it took."""
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "check", "--format", "json", *map(str, files)], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    try:
        return json.loads(done.stdout), seconds
    except json.JSONDecodeError:
        message = (done.stderr or done.stdout or f"exit {done.returncode}").strip().splitlines()[-1]
        return {"findings": [], "errors": [{"path": str(files[0]), "message": message}]}, seconds


def run(records: list[Record], folder: Path, command: list[str]) -> list[tuple[Record, dict[str, Any], float]]:
    """Check every record's file (with the related files it needs) and score it."""
    results = []
    for record in records:
        paths = [folder / record["id"] / name for name in (record["path"], *(record.get("related") or []))]
        report, seconds = check(command, paths)
        results.append((record, score(record, report, str(paths[0])), seconds))
    return results


def brief(finding: Finding) -> str:
    """A finding as ``LR101:42``, with ``?`` where it is only likely."""
    return f"{finding['rule']}:{finding['line']}{'' if finding.get('certainty') == 'proven' else '?'}"


def table(results: list[tuple[Record, dict[str, Any], float]]) -> str:
    """The outcome per record and the totals, as plain text."""
    lines = []
    for record, result, seconds in sorted(results, key=lambda item: (item[0]["set"], item[0]["id"])):
        said = " ".join(map(brief, result["loud"])) or "-"
        said = " ".join(error["message"][:80] for error in result["errors"]) or said
        lines.append(
            f"{record['id']:6}{result['outcome']:9}{record['repo']}/{record['path']}\n"
            f"{'':15}{record['kind']} at {record['lines']}; said: {said}  [{seconds:.2f} s]"
        )
    return "\n".join([*lines, "", totals(results)])


def totals(results: list[tuple[Record, dict[str, Any], float]]) -> str:
    """Found of buggy, false findings and files of clean, and what could not be read."""

    def count(outcome: str) -> int:
        return sum(result["outcome"] == outcome for _, result, _ in results)

    buggy = sum(record["set"] == "buggy" for record, _, _ in results)
    clean = sum(record["set"] == "clean" for record, _, _ in results)
    false = sum(len(result["loud"]) for record, result, _ in results if record["set"] == "clean")
    return (
        f"found {count('found')} of {buggy} buggy; "
        f"{false} false findings on {count('FALSE')} of {clean} clean files; "
        f"{count('arguable')} arguable; {count('unread')} unread"
    )


def main(argv: list[str] | None = None) -> int:
    """The command line; returns 0 when every file was read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("records", type=Path, help="corpus.jsonl")
    parser.add_argument("files", type=Path, help="folder with <id>/<path> of every record")
    parser.add_argument("--all", action="store_true", help="every framework, and records that need several files")
    parser.add_argument("--only", default="", help="record ids, comma-separated")
    parser.add_argument("--verbose", action="store_true", help="print each counted finding's message")
    options = parser.parse_args(argv)

    records = [json.loads(line) for line in options.records.read_text(encoding="utf-8").splitlines() if line]
    if options.only:
        records = [record for record in records if record["id"] in options.only.split(",")]
    elif not options.all:
        records = [record for record in records if in_default_part(record)]
    results = run(records, options.files, [sys.executable, "-m", "lright"])
    print(table(results))
    if options.verbose:
        for record, result, _ in results:
            for finding in result["loud"]:
                print(
                    f"{record['id']} {record['set']} {finding['path']}:{finding['line']} "
                    f"{finding['rule']} {finding['severity']} {finding['message']}"
                )
    return int(any(result["outcome"] == "unread" for _, result, _ in results))


if __name__ == "__main__":
    sys.exit(main())
