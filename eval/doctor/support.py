"""Reference answers that their own evidence does not support."""

from __future__ import annotations

from typing import Any

from eval.doctor.answerability import HELD, LOOKED
from eval.doctor.findings import Checked, Finding, Severity, shortened
from eval.doctor.subject import Subject
from eval.judges.base import Judge, Label, Missing, verdicts
from eval.questions import Question

NAME = "support"
LITTLE = 0.35  # share of an answer's words; right answers in other words have been seen to lie above
BETTER = 0.3  # by how much another passage has to hold more of the answer than the evidence
FEWEST = 3  # words that an answer has to have, that can be looked for


def check(subject: Subject) -> Checked:
    """Return the answerable questions none of whose reference answers follows from their evidence.

    By words: numbers that are nowhere in evidence or question, few of the words, or another passage that holds them much better. By the
    verdicts of a judge, where there is one.
    """
    asked = [q for q in subject.questions if q.answers and q.evidence]
    findings = []
    for question in subject.runtime.track(asked, "support", len(asked)):
        found = _by_words(subject, question) if subject.judge is None else _by_judge(subject, subject.judge, question)
        findings += [found] if found else []
    figures = {"checked": len(asked), "without_answer": sum(q.answerable and not q.answers for q in subject.questions)}
    return Checked(findings, figures)


def _by_words(subject: Subject, question: Question) -> Finding | None:
    evidence, doubts = subject.evidence(question), []
    for answer in question.answers:
        if len(subject.containment.units(answer)) < FEWEST and not any(c.isdigit() for c in answer):
            return None  # "Yes.": there is nothing to look for
        share, lacking = subject.containment.share(answer, evidence, question.text)
        if share >= HELD and not lacking:
            return None
        doubts.append((share, answer, lacking))
    share, answer, lacking = max(doubts, key=lambda d: (not d[2], d[0]))
    other = _elsewhere(subject, question, answer, share) if share < HELD else None
    facts: dict[str, Any] = {"share": round(share, 3), "lacking": sorted(lacking), "answer": answer}
    if other:
        message = f"its evidence holds {share:.0%} of the words of the answer {shortened(answer)!r}, another passage much more: {other['text']!r}"
        return _finding(subject, question, Severity.WARNING, message, "make the other passage evidence, if it is what answers", facts | {"other": other})
    if lacking:
        message = f"the answer has numbers that are in neither question nor evidence: {', '.join(sorted(lacking))}: {shortened(answer)!r}"
        return _finding(subject, question, Severity.NOTE, message, "add the evidence they come from, unless they are worked out", facts)
    if share < LITTLE:
        message = f"its evidence holds {share:.0%} of the words of the answer: {shortened(answer)!r} / {shortened(evidence)!r}"
        return _finding(subject, question, Severity.NOTE, message, "read both: the words may differ and the meaning agree", facts)
    return None


def _elsewhere(subject: Subject, question: Question, answer: str, share: float) -> dict[str, Any] | None:
    """Return a passage outside the evidence that holds much more of an answer than the evidence does."""
    hits = subject.finder.passages(f"{question.text} {answer}", LOOKED)
    best = subject.containment.best(answer, [hit.chunk.text for hit in hits], question.text)
    if best is None or best.share < max(HELD, share + BETTER) or best.lacking:
        return None
    span = hits[best.context].chunk.span
    start, end = span.start + best.start, span.start + best.end
    if any(s.doc_id == span.doc_id and s.start < end and start < s.end for s in question.evidence):
        return None
    return {
        "doc": span.doc_id,
        "start": start,
        "end": end,
        "share": round(best.share, 3),
        "text": shortened(hits[best.context].chunk.text[best.start : best.end], 160),
    }


def _by_judge(subject: Subject, judge: Judge, question: Question) -> Finding | None:
    """Return what a judge does not find in the evidence; None as soon as one answer is supported, and where the judge cannot say."""
    evidence = [subject.text(s) for s in question.evidence]
    worst: Finding | None = None
    for answer in question.answers:
        claims = judge.claims(answer, question.text)
        found = claims if isinstance(claims, Missing) else verdicts(judge, claims, evidence, question.text)
        if isinstance(claims, Missing) or isinstance(found, Missing):
            why = claims if isinstance(claims, Missing) else found
            return _finding(
                subject, question, Severity.NOTE, f"the judge did not say whether the evidence supports the answer ({_why(why)})", "run it again", {}
            )
        wrong = [(c, v) for c, v in zip(claims, found, strict=True) if v.label is not Label.SUPPORTED]
        if not wrong:
            return None
        claim, verdict = wrong[0]
        message = f"the evidence does not support the answer ({verdict.label}): {shortened(claim.text)!r}" + (
            f", {shortened(verdict.rationale)}" if verdict.rationale else ""
        )
        worst = _finding(
            subject, question, Severity.WARNING, message, "mend the answer or the evidence", {"answer": answer, "claims": [c.text for c, _ in wrong]}
        )
    return worst


def _why(missing: object) -> str:
    return f"{missing.why}: {shortened(missing.detail)}" if isinstance(missing, Missing) else ""


def _finding(subject: Subject, question: Question, severity: Severity, message: str, fix: str, facts: dict[str, Any]) -> Finding:
    return Finding(NAME, severity, message, question.id, subject.line(question.id), fix, facts)
