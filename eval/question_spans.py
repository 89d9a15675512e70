"""Evidence as users write it, `{"doc", "quote"}` or `{"doc", "start", "end"}`, turned into verified spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.question_problems import Problems, Row
from rag.registry import did_you_mean
from rag.types import Document, Span

_KEYS = ("doc", "quote", "start", "end")
_FORMS = 'write {"doc", "quote"} or {"doc", "start", "end"}'


def spans_of(row: Row, key: str, documents: Mapping[str, Document], problems: Problems) -> tuple[Span, ...]:
    """Return the spans listed under `key` (absent: none), noting each one that cannot be found exactly once."""
    items = row.data.get(key, [])
    if not isinstance(items, list):
        problems.add(row, f"{key} is not a list; {_FORMS} objects in a list")
        return ()
    found = [_span(row, f"{key}[{i}]", item, documents, problems) for i, item in enumerate(items)]
    return tuple(span for span in found if span is not None)


def _span(row: Row, where: str, item: Any, documents: Mapping[str, Document], problems: Problems) -> Span | None:
    if not isinstance(item, dict):
        problems.add(row, f"{where} is not an object; {_FORMS}")
        return None
    unknown = sorted(set(item) - set(_KEYS))
    if unknown:
        problems.add(row, f"{where} has an unknown key {unknown[0]!r}{did_you_mean(unknown[0], list(_KEYS))}; {_FORMS}")
        return None
    doc = item.get("doc")
    if not isinstance(doc, str):
        problems.add(row, f"{where} names no document; {_FORMS}")
        return None
    if doc not in documents:
        problems.add(row, f"{where}: there is no document {doc!r}{near_id(doc, documents, problems)}; use an id of the corpus")
        return None
    if ("quote" in item) == ("start" in item or "end" in item):
        problems.add(row, f"{where} needs either a quote or start and end; {_FORMS}")
        return None
    text = documents[doc].text
    start, end, wrong = _quoted(text, item["quote"]) if "quote" in item else _offsets(text, item.get("start"), item.get("end"))
    if wrong:
        problems.add(row, f"{where} in {doc!r}: {wrong}")
        return None
    return Span(doc, start, end)


def near_id(doc: str, documents: Mapping[str, Document], problems: Problems) -> str:
    """Return the did-you-mean of a document id, for the first problem only: the search is slow and the rest is not shown."""
    return "" if len(problems) else did_you_mean(doc, list(documents))


def _quoted(text: str, quote: object) -> tuple[int, int, str]:
    """Return where the quote is, or what is wrong with it; occurrences that overlap count."""
    if not isinstance(quote, str) or not quote.strip():
        return 0, 0, "the quote is not a non-empty string; copy the words from the document"
    first = text.find(quote)
    if first < 0:
        loose = " ".join(quote.split()).casefold() in " ".join(text.split()).casefold()
        hint = " (it is there with other white space or case)" if loose else ""
        return 0, 0, f"the quote {_start(quote)} is not in the document{hint}; copy it exactly"
    times, at = 1, text.find(quote, first + 1)
    while at >= 0:
        times, at = times + 1, text.find(quote, at + 1)
    if times > 1:
        return 0, 0, f"the quote {_start(quote)} occurs {times} times; make it longer, or give start and end"
    return first, first + len(quote), ""


def _offsets(text: str, start: object, end: object) -> tuple[int, int, str]:
    """Return the offsets, or what is wrong with them."""
    if isinstance(start, bool) or isinstance(end, bool) or not isinstance(start, int) or not isinstance(end, int):
        return 0, 0, f"start and end are {start!r} and {end!r}; give both as whole numbers of characters"
    if not 0 <= start < end <= len(text):
        what = "is empty" if start == end else "is outside the text"
        return 0, 0, f"the span [{start}, {end}) {what}; give 0 <= start < end <= {len(text)}"
    return start, end, ""


def _start(quote: str) -> str:
    return repr(quote if len(quote) <= 60 else quote[:57] + "...")
