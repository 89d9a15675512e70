"""Sets and slices too small to speak, and kinds of questions that are lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from eval.doctor.findings import Checked, Finding, Severity
from eval.doctor.subject import Subject
from eval.questions import Question, cluster

NAME = "slices"
CLUSTERS, QUESTIONS = 20, 30
SHARE = 0.2  # of all questions: one document with more of them than that speaks too loud


def check(subject: Subject) -> Checked:
    """Return what is too small: the set, the slice of each tag, the unanswerable questions; and documents that hold too many questions."""
    questions = subject.questions
    tags = sorted({tag for q in questions for tag in q.tags})
    sliced = {tag: [q for q in questions if tag in q.tags] for tag in tags}
    findings = [*_set(questions), *(f for tag in tags if (f := _slice(tag, sliced[tag], questions)))]
    figures = {
        "questions": len(questions),
        "answerable": sum(q.answerable for q in questions),
        "clusters": len({cluster(q) for q in questions}),
        "documents_with_evidence": len({s.doc_id for q in questions for s in q.evidence}),
        "documents": len(subject.documents),
        "slices": {tag: {"questions": len(rows), "clusters": len({cluster(q) for q in rows})} for tag, rows in sliced.items()},
    }
    return Checked(findings, figures)


def _set(questions: Sequence[Question]) -> Iterator[Finding]:
    clusters = Counter(cluster(q) for q in questions)
    if len(clusters) < CLUSTERS:
        alone = sum(not q.evidence for q in questions)  # each is a cluster of its own, and no document
        also = f" and {alone} without evidence" if alone else ""
        message = f"the questions come from {len(clusters) - alone} documents{also}; below {CLUSTERS} in all intervals are too narrow, and no gate passes"
        yield Finding(NAME, Severity.ERROR, message, fix=f"ask about at least {CLUSTERS} documents", facts={"clusters": len(clusters)})
    elif len(questions) < QUESTIONS:
        yield Finding(NAME, Severity.WARNING, f"the set has {len(questions)} questions", fix=f"write at least {QUESTIONS}", facts={"questions": len(questions)})
    loudest, most = clusters.most_common(1)[0] if clusters else ("", 0)
    if len(questions) >= QUESTIONS and most > SHARE * len(questions):
        message = f"{most} of {len(questions)} questions come from {loudest!r}: results are about that document"
        yield Finding(NAME, Severity.WARNING, message, fix="ask about other documents too", facts={"doc": loudest, "questions": most})
    declined = sum(not q.answerable for q in questions)
    if questions and declined < CLUSTERS:
        message = (
            f"{declined or 'none'} of the questions {'is' if declined < 2 else 'are'} unanswerable: whether a system declines when it should is not measured"
        )
        yield Finding(NAME, Severity.NOTE, message, fix="add questions that the corpus does not answer", facts={"unanswerable": declined})


def _slice(tag: str, rows: Sequence[Question], everything: Sequence[Question]) -> Finding | None:
    clusters = len({cluster(q) for q in rows})
    if (clusters >= CLUSTERS and len(rows) >= QUESTIONS) or len(rows) == len(everything):
        return None
    message = f"the slice {tag!r} is too small to speak: {len(rows)} questions from {clusters} documents"
    fix = f"{QUESTIONS} questions from {CLUSTERS} documents are the least"
    return Finding(NAME, Severity.NOTE, message, fix=fix, facts={"tag": tag, "questions": len(rows), "clusters": clusters})
