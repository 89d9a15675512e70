"""Questions said to be unanswerable that the corpus may answer: each is a suspect for a person to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eval.doctor.answerability import best_passage
from eval.doctor.findings import Checked, Finding, Severity, shortened
from eval.doctor.subject import Subject
from eval.questions import Question

NAME = "unanswerable"
MANY = 0.2  # of the questions: where more are suspects, the look cannot tell them apart, and each is only noted


def check(subject: Subject) -> Checked:
    """Return the unanswerable questions with a passage that may answer them, and how many of the answerable ones the same look finds.

    The second figure says how little silence proves: it is counted where no judge is paid for it.
    """
    asked = [q for q in subject.questions if not q.answerable]
    if not asked:
        return Checked((), {"unanswerable": 0})
    findings = [f for q in subject.runtime.track(asked, "unanswerable", len(asked)) if (f := _suspect(subject, q))]
    if len(findings) > MANY * len(asked):
        findings = [replace(f, severity=Severity.NOTE) for f in findings]
    figures: dict[str, Any] = {"unanswerable": len(asked), "suspects": len(findings), "suspected": round(len(findings) / len(asked), 3), "sensitivity": None}
    answerable = [q for q in subject.questions if q.answerable and not all(subject.whole(s) for s in q.evidence)]
    if subject.judge is None and answerable:
        rows = subject.runtime.track(answerable, "answerable", len(answerable))
        seen = sum(1 for q in rows if (b := best_passage(q.text, subject.finder, subject.containment)) and b.suspect)
        figures["sensitivity"] = round(seen / len(answerable), 3)
    return Checked(findings, figures)


def _suspect(subject: Subject, question: Question) -> Finding | None:
    best = best_passage(question.text, subject.finder, subject.containment, subject.judge)
    if best is None or not best.suspect:
        return None
    named = [d for d in question.distractors if d.doc_id == best.span.doc_id and d.start < best.span.end and best.span.start < d.end]
    how = f"grade {best.score:.2f}" if best.by == "judge" else f"{best.score:.0%} of its words"
    known = ", which is a distractor of it already" if named else ""
    message = f"said to be unanswerable, but a passage of {best.span.doc_id!r} may answer it ({how}{known}): {shortened(question.text)!r} / {shortened(best.text, 160)!r}"
    fix = "read the passage: if it answers, make it evidence; if not, name it as a distractor"
    facts = {"doc": best.span.doc_id, "start": best.span.start, "end": best.span.end, "score": round(best.score, 3), "by": best.by, "distractor": bool(named)}
    return Finding(NAME, Severity.NOTE if named else Severity.WARNING, message, question.id, subject.line(question.id), fix, facts)
