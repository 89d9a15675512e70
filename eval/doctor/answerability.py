"""Whether a corpus seems to answer a question: the best passages that a search finds, and what is said of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eval.doctor.containment import Containment
from eval.doctor.finder import Finder
from eval.doctor.words import numbers
from eval.judges.base import Judge, Missing
from rag.types import Span

LOOKED = 10  # passages
HELD = 0.6  # share of the question's words from where on a passage may answer it
GRADE = 0.5  # the same for a judge that grades passages
_COUNTS = re.compile(
    r"\b(?:how (?:many|much|long|often|far|large|big|old|high|deep|wide|fast)|(?:what|which) (?:share|percentage|per cent|fraction|number|year|date|ratio)"
    r"|by how|how many times)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Best:
    """The passage that answers best: its share of the question's words or its grade, and `suspect` when it may really answer it."""

    score: float
    span: Span
    text: str
    by: str
    suspect: bool


def best_passage(question: str, finder: Finder, containment: Containment, judge: Judge | None = None) -> Best | None:
    """Return the passage that seems to answer a question best, None when the search finds none.

    A judge that grades passages decides by its grade. Else words do: few sentences hold most of the question's, and, where it asks how
    many, a number that is not in the question.
    """
    hits = finder.passages(question, LOOKED)
    texts = [hit.chunk.text for hit in hits]
    if not texts:
        return None
    graded = judge.relevance(question, texts) if judge is not None else ()
    grades = [(g, -i) for i, g in enumerate(graded) if not isinstance(g, Missing)]
    if grades:
        grade, back = max(grades)
        return Best(grade, hits[-back].chunk.span, texts[-back], "judge", grade >= GRADE)
    held = containment.best(question, texts)
    if held is None:
        return None
    span, text = hits[held.context].chunk.span, texts[held.context][held.start : held.end]
    suspect = held.share >= HELD and not held.lacking and (not counts(question) or bool(numbers(text) - numbers(question)))
    return Best(held.share, Span(span.doc_id, span.start + held.start, span.start + held.end), text, "words", suspect)


def counts(question: str) -> bool:
    """Return whether a question asks for a number."""
    return bool(_COUNTS.search(question))
