"""The review file: Markdown in which a person keeps, drops or mends each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.synthesis.drafts import Draft, row
from rag.types import Document, Span

_TOP = """# Review: {n} synthetic questions

For each question leave `keep`, or write `drop` in its place. The lines `question:`, `answer:` (none, one or several) and `tags:` may be
edited; what says where the evidence is may not: drop a question whose evidence is wrong. Then:

    rag-eval questions CORPUS --apply THIS_FILE -o REVIEWED.jsonl
"""


def review(drafts: Sequence[Draft], documents: Mapping[str, Document]) -> str:
    """Return the review file of drafts."""
    return "\n".join([_TOP.format(n=len(drafts)), *(_entry(d, row(d, documents), documents) for d in drafts)])


def _entry(draft: Draft, made: Mapping[str, Any], documents: Mapping[str, Document]) -> str:
    lines = [f"## {made['id']}: keep", "", f"question: {draft.text}"]
    lines += [f"answer: {answer}" for answer in draft.answers]
    lines += [f"tags: {', '.join(made['tags'])}", f"answerable: {'yes' if draft.answerable else 'no'}"]
    for key, spans in (("evidence", draft.evidence), ("distractor", draft.distractors)):
        for span in spans:
            lines += [place(key, span), *quoted(documents[span.doc_id].text[span.start : span.end])]
    return "\n".join([*lines, ""])


def place(key: str, span: Span) -> str:
    """Return the line that says where a passage is."""
    return f"{key}: {span.doc_id} [{span.start}, {span.end}]"


def quoted(text: str) -> list[str]:
    """Return a passage as lines of a quotation."""
    return [f"> {line}".rstrip() for line in text.splitlines() or [""]]
