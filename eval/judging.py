"""What a run says of its judge: whether its error rate is known, and what speaks against trusting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.judges.self_preference import self_preference
from eval.task import Task


def judged(task: Task, models: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return `{line, status, certificate, warnings}`; `models` are the identities of the models of each configuration."""
    body = task.certificate.as_dict()
    warning = self_preference(task.judge.identity, [m for each in models for m in each])
    return {"line": body["line"], "status": body["status"], "certificate": body, "warnings": [warning] if warning else []}
