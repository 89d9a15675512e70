"""What a made question has to be to be kept; each refusal has a reason that is counted and printed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from eval.doctor.leaks import copied
from eval.doctor.words import numbers, shared, terms, words
from eval.synthesis.drafts import Draft, once
from eval.synthesis.marks import BY_CHAT, UNANSWERABLE
from eval.synthesis.plain import plain
from rag.types import Document

SHORTEST, LONGEST = 5, 45  # words of a question
RUN, OVERLAP = 6, 0.8  # words in a row, and share of content words, that a written question may have from its evidence
HELD = 0.5  # share of an answer's content words that its evidence has to hold
# Pointing at a text that nobody sees who is asked.
_POINTING = re.compile(
    r"\b(?:this|the|that|these|those|above|given|provided|following|aforementioned)\s+(?:\w+\s+)?(?:passages?|texts?|excerpts?|snippets?|paragraphs?|sections?|sources?"
    r"|documents?|articles?|authors?|quotes?|context)\b|\b(?:mentioned|described|listed|shown|stated|discussed)\s+(?:above|below|here|earlier)\b"
    r"|\b(?:according to|in|from) (?:it|them)\b|\b(?:passage|source) [12]\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"(?:does|do|did|is|are|was|were|can|could|will|would|should|has|have|had) (?:it|they|he|she|this|that|these|those)\b", re.IGNORECASE)
_YES_NO = re.compile(r"(?:yes|no)\b", re.IGNORECASE)


def refusal(draft: Draft, documents: Mapping[str, Document], language: str = "english") -> str:
    """Return why a draft cannot be kept, empty when it can."""
    count = len(draft.text.split())
    if count < SHORTEST:
        return "too short"
    if count > LONGEST + (20 if draft.kind not in BY_CHAT else 0):
        return "too long"
    if not draft.text.rstrip().endswith("?"):
        return "no question mark"
    for span in (*draft.evidence, *draft.distractors):
        text = documents[span.doc_id].text
        if not once(text, text[span.start : span.end]):
            return "evidence stands more than once"
    return _written(draft, documents, language) if draft.kind in BY_CHAT else ""


def _written(draft: Draft, documents: Mapping[str, Document], language: str) -> str:
    """Return why what a chat model wrote cannot be kept."""
    if _POINTING.search(draft.text) or (_PRONOUN.search(draft.text) and len(terms(draft.text, language)) < 3):
        return "not self-contained"
    shown = plain("\n".join(documents[s.doc_id].text[s.start : s.end] for s in (draft.evidence or draft.distractors)))
    if copied(draft.text, shown)[0] >= RUN:
        return "copied from its evidence"
    if draft.kind == UNANSWERABLE:
        return ""
    asked, held = terms(draft.text, language), terms(shown, language)
    if len(asked) >= 3 and shared(asked, held) > OVERLAP:
        return "copied from its evidence"
    return _answer(draft, shown, language)


def _answer(draft: Draft, shown: str, language: str) -> str:
    answer = draft.answers[0] if draft.answers else ""
    if not words(answer):
        return "no answer"
    said = terms(answer, language)
    if _YES_NO.match(answer) and len(said) <= 1:
        return ""
    if shared(said, terms(shown, language) | terms(draft.text, language)) < HELD or numbers(answer) - numbers(shown) - numbers(draft.text) - {"1"}:
        return "answer not in its evidence"
    if said and said <= terms(draft.text, language) and numbers(answer) <= numbers(draft.text):
        return "answer in the question"
    return ""
