"""Questions copied from their evidence: keyword search finds those without understanding anything."""

from __future__ import annotations

from statistics import median

from eval.doctor.findings import Checked, Finding, Severity, shortened
from eval.doctor.subject import Subject
from eval.doctor.words import longest_run, placed, shared, terms, words
from eval.synthesis.marks import CLOZE

NAME = "leaks"
RUN = 6  # words in a row
SHARE, FEWEST = 0.9, 4  # share of a question's content words, of at least so many


def check(subject: Subject) -> Checked:
    """Return the questions whose words are those of their evidence, and how much the set shares on the whole."""
    findings: list[Finding] = []
    overlaps: list[float] = []
    for question in subject.questions:
        if not question.evidence or CLOZE in question.tags or all(subject.whole(s) for s in question.evidence):
            continue  # a cloze question is its evidence by construction, which is said where synthetic questions are
        evidence = subject.evidence(question)
        asked, there = terms(question.text, subject.language), terms(evidence, subject.language)
        overlap = shared(asked, there)
        overlaps.append(overlap)
        run, run_text = copied(question.text, evidence)
        if run >= RUN:
            message = f"{run} words in a row are those of the evidence: {shortened(run_text)!r}"
        elif overlap >= SHARE and len(asked) >= FEWEST:
            message = f"{overlap:.0%} of its {len(asked)} content words are in the evidence: {shortened(question.text)!r}"
        else:
            continue
        facts = {"run": run, "words": run_text, "overlap": round(overlap, 3)}
        fix = "ask it in other words, as somebody would who has not read the passage"
        findings.append(Finding(NAME, Severity.WARNING if run >= RUN else Severity.NOTE, message, question.id, subject.line(question.id), fix, facts))
    figures = {"compared": len(overlaps), "median_overlap": round(median(overlaps), 3) if overlaps else None, "copied": len(findings)}
    return Checked(findings, figures)


def copied(question: str, evidence: str) -> tuple[int, str]:
    """Return the longest run of words that a question has from its evidence: how many, and the text of the evidence."""
    there = placed(evidence)
    run, at = longest_run(words(question), there.words)
    return run, evidence[there.starts[at] : there.ends[at + run - 1]] if run else ""
