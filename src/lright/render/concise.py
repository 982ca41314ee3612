"""One line a finding, for people in a hurry and for other programs."""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import WARNING, Report
from .screen import Screen
from .terminal import STYLE, summary, visible


def concise(report: Report, screen: Screen, *, severity: str = WARNING) -> Iterator[str]:
    """``path:line:column: severity rule [*] message`` for each finding of at least ``severity``.

    ``[*]`` marks what ``--fix`` mends. A summary comes last.
    """
    for file in report.files:
        for finding in visible(file.findings, severity):
            level = screen.paint(finding.severity, STYLE[finding.severity])
            fixable = f" [{screen.paint('*', 'cyan')}]" if finding.fix and finding.fix.safe else ""
            place = f"{screen.paint(file.path, 'bold')}:{finding.place}:"
            message = " ".join(finding.message.split())
            yield f"{place} {level} {screen.paint(finding.rule, 'bold')}{fixable} {message}"
    yield from summary(report, screen, severity=severity)
