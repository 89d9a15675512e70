"""The checks of a gate as items of pytest: one per metric and bound, failing with the one line that says why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.gate import Check
from eval.pytest_ids import NODE
from eval.pytest_session import RagSession
from rag.errors import RagError


class Held(Exception):
    """A check did not pass; its text is what decided."""


class GateChecks(pytest.Collector):
    """The node that the checks stand under in ids: `rag-gate::span_recall`."""

    def collect(self) -> list[pytest.Item]:
        """Return nothing: the checks are made by `gate_items`."""
        return []


class GateCheck(pytest.Item):
    """One check of the gate. `session_of` makes the run when the first check is run."""

    session_of: RagSession

    def runtest(self) -> None:
        """Hold the run against the baseline. Raises `Held` unless the check passes."""
        run = self.session_of.run()
        if run.gate is None or run.policy is None:
            raise Held("there is no gate")
        found = next((c for c in run.gate.checks if label(c) == self.name), None)
        if found is None:
            raise Held(f"{run.gate.verdict.replace('_', ' ')}: {run.gate.why or 'the gate did not make this check'}")
        line = f"{found.verdict.replace('_', ' ')}: {found.metric} {found.why}"
        self.user_properties.append(("rag-gate", line))
        if found.verdict == "inconclusive" and run.policy.on_inconclusive != "fail":
            if run.policy.on_inconclusive == "warn":
                pytest.skip(line)
        elif found.verdict != "pass":
            raise Held(line)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show one line for what did not pass or could not run, and a traceback only for a defect."""
        if isinstance(excinfo.value, (Held, RagError)):
            return " ".join(str(excinfo.value).split())
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the item comes from: the baseline."""
        return Path(self.session_of.given["baseline"]), None, f"rag-gate: {self.name}"


def label(check: Check) -> str:
    """Return the name of a check in ids: the metric for a difference, else `floor:METRIC`."""
    return check.metric if check.kind == "difference" else f"{check.kind}:{check.metric}"


def gate_items(session: pytest.Session, kept: RagSession, names: Sequence[str]) -> list[pytest.Item]:
    """Return one item for each of these checks."""
    parent = GateChecks.from_parent(session, name=NODE, nodeid=NODE)
    items: list[pytest.Item] = []
    for name in names:
        item = GateCheck.from_parent(parent, name=name)
        item.session_of = kept
        item.add_marker("rag_gate")
        items.append(item)
    # what is collected otherwise is reported like this too: the terminal counts items by their reports
    session.ihook.pytest_collectreport(report=pytest.CollectReport(parent.nodeid, "passed", None, [*items]))
    return items
