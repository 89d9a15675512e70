"""Runs every check on a question set and gathers what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.doctor import duplicates, evidence, leaks, origins, reach, saturation, slices, support, unanswerable
from eval.doctor.findings import ORDER, Checked, Finding, Severity
from eval.doctor.past import read_past
from eval.doctor.rows import Rows, read_rows
from eval.doctor.shelf import Shelf
from eval.doctor.subject import WORDS, Subject, closing_finder
from eval.task import read_corpus
from rag.loaders.limits import Limits
from rag.models.files import BUNDLED
from rag.runtime import Runtime
from rag.types import Document

Check = Callable[[Subject], Checked]
CHECKS: tuple[tuple[str, Check], ...] = (
    (origins.NAME, origins.check),
    (evidence.NAME, evidence.check),
    (duplicates.NAME, duplicates.check),
    (leaks.NAME, leaks.check),
    (support.NAME, support.check),
    (unanswerable.NAME, unanswerable.check),
    (slices.NAME, slices.check),
)


def examine(
    corpus: str | Path, questions: str | Path, run: str | Path | None = None, *,
    judge: str = WORDS, encoder: str = BUNDLED, language: str = "english", runtime: Runtime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what `rag-eval doctor --json` prints: `counts` by severity, `findings`, worst first, and `figures` by check.

    `judge` decides whether passages answer and evidence supports: `words` counts words, which is quick; any other is a judge as for a
    run. `encoder` is the model that near duplicates are looked for with, empty for words alone. Every problem of the file is a finding;
    raises `QuestionError` only where nothing can be read, and what reading the corpus, the run and opening the judge raise.
    """
    runtime = runtime or Runtime()
    documents, failed = read_corpus(Path(corpus), Limits())
    known = {f.doc_id: Document(f.doc_id, "") for f in failed} | {d.id: d for d in documents}
    shelf = Shelf(known)
    rows = read_rows(Path(questions), known, shelf)
    subject = Subject(known, rows.questions, rows.lines, shelf, runtime, judge, encoder, language)
    past = read_past(Path(run), rows.questions) if run is not None else None
    checked = {"rows": Checked(rows.findings, {"sound": len(rows.questions), "problems": len(rows.findings)})}
    if rows.questions:
        with closing_finder(subject):
            checked |= {name: check(subject) for name, check in CHECKS}
        checked |= {saturation.NAME: saturation.check(past)} if past else {}
        checked[reach.NAME] = reach.check(subject, past)
    body = _body(checked, rows)
    about = {"corpus": str(corpus), "questions": str(questions), "run": str(run) if run is not None else None, "judge": judge}
    return {**about, **body, "unread_documents": [{"doc_id": f.doc_id, "reason": f.reason} for f in failed]}


def _body(checked: dict[str, Checked], rows: Rows) -> dict[str, Any]:
    findings = [f for c in checked.values() for f in c.findings]
    place = {name: i for i, name in enumerate(checked)}
    findings.sort(key=lambda f: (ORDER.index(f.severity), place[f.check], f.line or 0, f.question))
    counts = Counter(f.severity for f in findings)
    return {
        "counts": {str(s): counts[s] for s in ORDER},
        "findings": [_plain(f) for f in findings],
        "figures": {name: dict(c.figures) for name, c in checked.items()},
    }


def _plain(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "severity": str(finding.severity), "facts": dict(finding.facts)}


def worst(body: dict[str, Any]) -> str:
    """Return the worst severity that an examination found, empty for none."""
    return next((str(s) for s in ORDER if body["counts"][str(s)]), "")


__all__ = ["CHECKS", "Severity", "examine", "worst"]
