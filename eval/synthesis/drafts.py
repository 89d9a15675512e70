"""A question on its way into a set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.synthesis.marks import HARD, SYNTHETIC
from rag.types import Document, Span


@dataclass(frozen=True, slots=True)
class Draft:
    """What was made of one place of the corpus. `source` is the document whose turn it was; `hard` says that a keyword search does not find it."""

    kind: str
    source: str
    text: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Span, ...] = ()
    distractors: tuple[Span, ...] = ()
    hard: bool = False

    @property
    def answerable(self) -> bool:
        """Whether the corpus answers it."""
        return bool(self.evidence)


def name_of(text: str, places: tuple[Span, ...]) -> str:
    """Return the id of a synthetic question: a digest of what it says and where it comes from, so that ids of several sets do not clash."""
    digest = hashlib.blake2b(digest_size=6)
    for part in (text, *(f"{s.doc_id} {s.start} {s.end}" for s in places)):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return f"syn-{digest.hexdigest()}"


def row(draft: Draft, documents: Mapping[str, Document]) -> dict[str, Any]:
    """Return the row of a draft for a file of questions."""
    tags = [SYNTHETIC, draft.kind, *([HARD] if draft.hard else [])]
    return {
        "id": name_of(draft.text, draft.evidence or draft.distractors),
        "text": draft.text,
        "evidence": [written(s, documents) for s in draft.evidence],
        "answers": list(draft.answers),
        "tags": tags,
        "answerable": draft.answerable,
        **({"distractors": [written(s, documents) for s in draft.distractors]} if draft.distractors else {}),
    }


def written(span: Span, documents: Mapping[str, Document]) -> dict[str, Any]:
    """Return a span as a question file has it: a quote, which survives changes elsewhere in the document, where it stands there once."""
    text = documents[span.doc_id].text
    quote = text[span.start : span.end]
    if once(text, quote):
        return {"doc": span.doc_id, "quote": quote}
    return {"doc": span.doc_id, "start": span.start, "end": span.end}


def once(text: str, quote: str) -> bool:
    """Return whether a text holds a quote exactly once, overlapping places counted."""
    first = text.find(quote)
    return first >= 0 and text.find(quote, first + 1) < 0
