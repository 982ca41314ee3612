"""The report as JSON, version 1: for programs. The schema is `lright/schemas/check-v1.schema.json`.

Every finding is listed, whatever its severity. Lines and columns count from 1; an end column is one past
the last character. Numbers are finite: what is not is null, and points that are not are left out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from ..finding import Curve, FileReport, Finding, Fix, Report

VERSION = 1


def jsonform(report: Report) -> str:
    """The whole report as one JSON document.

    >>> print(jsonform(Report([])))
    {
      "version": 1,
      "files": [],
      "findings": [],
      "errors": []
    }
    """
    data = {
        "version": VERSION,
        "files": [_file(file) for file in report.files],
        "findings": [
            _finding(file.path, finding)
            for file in report.files
            for finding in sorted(file.findings, key=lambda finding: (finding.place, finding.rule))
        ],
        "errors": [{"path": failure.path, "message": failure.message} for failure in report.failures],
    }
    text = json.dumps(data, indent=2, allow_nan=False)
    return re.sub(r"\[\n\s+([^\s,]+),\n\s+([^\s,]+)\n\s+\]", r"[\1, \2]", text)  # a point on one line


def _file(file: FileReport) -> dict[str, object]:
    return {
        "path": file.path,
        "cell": None,
        "assumed": _finite(file.assumed),
        "unknown": list(file.unknown),
        "skipped": [{"rule": skipped.rule, "reason": skipped.reason} for skipped in file.skipped],
        "curves": [_curve(curve) for curve in file.curves],
    }


def _curve(curve: Curve) -> dict[str, object]:
    return {
        "optimizer": curve.optimizer,
        "group": curve.group,
        "scheduler": curve.scheduler,
        "unit": str(curve.unit),
        "points": [[t, lr] for t, lr in curve.points if math.isfinite(t) and math.isfinite(lr)],
        "ends": curve.ends,
    }


def _finding(path: str, finding: Finding) -> dict[str, object]:
    place = finding.place
    return {
        "rule": finding.rule,
        "slug": finding.slug,
        "severity": finding.severity,
        "certainty": finding.certainty,
        "conditions": list(finding.conditions),
        "path": path,
        "cell": None,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "message": finding.message,
        "numbers": _finite(finding.numbers),
        "covers": list(finding.covers),
        "related": [
            {"path": path, "line": related.place.line, "message": related.message} for related in finding.related
        ],
        "fix": _fix(path, finding.fix) if finding.fix else None,
    }


def _fix(path: str, fix: Fix) -> dict[str, object]:
    return {
        "safety": "safe" if fix.safe else "unsafe",
        "title": fix.title,
        "edits": [
            {"path": path, "start": list(edit.start), "end": list(edit.end), "text": edit.text} for edit in fix.edits
        ],
        "verified": fix.verified,
    }


def _finite(values: Mapping[str, object]) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
