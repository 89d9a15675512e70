"""Relevance judgements of documents, as BEIR and TREC write them: what becomes of spans, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from eval.formats.base import Asked, Bundle, Documents, Lost


def grades_of(questions: Sequence[Asked], documents: Documents | None, lost: Lost) -> dict[str, dict[str, int]]:
    """Return document id -> grade by question id, for the questions with relevant documents.

    A question without any is left out: evaluators would score it 0 instead of leaving it out.
    """
    found: dict[str, dict[str, int]] = {}
    for q in questions:
        if q.relevant:
            found[q.id] = q.relevant
        elif q.answerable:
            lost.add("questions without evidence: they are not in the qrels")
        else:
            lost.add("unanswerable questions: qrels cannot say so, and leave them out")
        lost.add("places in a document: qrels name the document only", sum(not _whole(e, documents) for e in q.evidence))
        lost.add("distractors", len(q.distractors))
    return found


def _whole(evidence: object, documents: Documents | None) -> bool:
    """Return whether a place is known to be all of its document."""
    if not isinstance(evidence, dict) or "quote" in evidence or documents is None or evidence["doc"] not in documents:
        return False
    return bool(evidence["start"] == 0 and evidence["end"] == len(documents[evidence["doc"]].text))


def told(bundle: Bundle, lost: Lost, keeps_answers: bool = False, keeps_rankings: bool = False) -> None:
    """Count what a form of documents and rankings has no place for."""
    if not keeps_answers:
        lost.add("reference answers", sum(len(q.answers) for q in bundle.questions))
        lost.add("tags", sum(len(q.tags) for q in bundle.questions))
    rows = [row for system in bundle.answers.values() for row in system]
    if keeps_rankings:
        lost.add("answers with their contexts: a run file holds rankings", sum("answer" in row for row in rows))
    else:
        lost.add("answers of systems: this form holds questions", len(rows))
