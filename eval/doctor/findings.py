"""What a check says: findings, each with how bad it is, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is: an error spoils what is measured, a warning probably does, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    `question` is the id of the question it is about (the first of several, the others are in `facts`), empty when it is about the
    set; `line` is the line of the question file. `fix` says what to do. `facts` hold JSON values for programs.
    """

    check: str
    severity: Severity
    message: str
    question: str = ""
    line: int | None = None
    fix: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check gives: findings, and figures that are worth knowing without being wrong."""

    findings: Sequence[Finding] = ()
    figures: Mapping[str, Any] = field(default_factory=dict, hash=False)


def shortened(text: str, most: int = 100) -> str:
    """Return a text on one line, cut off with three dots."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3].rstrip() + "..."
