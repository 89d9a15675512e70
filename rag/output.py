"""What `search` and `ask` show: the JSON of the contract, and the same for people."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from rag.dates import iso_seconds
from rag.index.reader import Reader
from rag.registry import did_you_mean
from rag.types import Flag, Hit, Span, Step

DAY = 86_400


def hits_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return hits in the form of the contract."""
    rows = []
    for rank, h in enumerate(hits, start=1):
        span = h.chunk.span
        rows.append(
            {
                "rank": rank,
                "doc_id": span.doc_id,
                "start": span.start,
                "end": span.end,
                "score": h.score,
                "source": h.source,
                "text": h.chunk.text,
                "meta": dict(h.chunk.meta),
            }
        )
    return rows


def trace_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return steps in the form of the contract, sub-steps under `steps`."""
    rows = []
    for s in steps:
        below = {"steps": trace_json(s.steps)} if s.steps else {}
        rows.append({"stage": s.stage, "use": s.use, "ms": round(s.ms, 3), **s.facts, **below})
    return rows


def citations_json(spans: Sequence[Span], reader: Reader) -> list[dict[str, Any]]:
    """Return cited spans with their text, when their document was modified and indexed (UTC, None where unknown) and its age in days."""
    now = time.time()
    rows = []
    for s in spans:
        row = reader.document(s.doc_id)
        age = None if row.modified is None else round(max(0.0, (now - row.modified) / DAY), 1)
        times = {"modified": iso_seconds(row.modified), "indexed": iso_seconds(getattr(row, "indexed", None)), "age_days": age}
        rows.append({"doc_id": s.doc_id, "start": s.start, "end": s.end, "text": reader.text(s), **times})
    return rows


def flags_json(flags: Sequence[Flag]) -> list[dict[str, Any]]:
    """Return what a check found wrong with an answer, as places in its text."""
    return [{"kind": f.kind, "start": f.start, "end": f.end, "note": f.note} for f in flags]


def unknown_fields(steps: Sequence[Step]) -> list[str]:
    """Return the metadata keys that filters of a run named and no document in scope has, as its trace lists them."""
    found: set[str] = set()
    for outer in steps:
        for step in outer.walk():
            names = step.facts.get("unknown_fields")
            found.update(names if isinstance(names, list) else ())
    return sorted(found)


def unknown_note(names: Iterable[str], reader: Reader) -> str:
    """Return one line about such keys, with near misses among the keys in scope."""
    known = sorted(reader.fields() or ())
    return "note: no document here has " + "; ".join(f"{n[:60]!r}{did_you_mean(n, known)}" for n in names)


def hit_text(rank: int, hit: Hit) -> str:
    """Return a hit for people: rank, place, score and how its text begins."""
    span = hit.chunk.span
    text = " ".join(hit.chunk.text.split())
    return f"{rank}. {span.doc_id} [{span.start}:{span.end}] {hit.source} {hit.score:.4f}\n   {text[:400]}{' ...' if len(text) > 400 else ''}"


def answer_text(answer: str, abstained: str, cited: list[dict[str, Any]], flags: Sequence[Flag] = ()) -> str:
    """Return an answer for people: its text, why it declined if it did, what is wrong with it, and its citations with their days."""
    lines = [answer] + ([f"({abstained})"] if abstained else [])
    lines += [f"  ! {f.kind}: {' '.join(answer[f.start : f.end].split())[:80]!r}: {f.note}" for f in flags]
    return "\n".join(lines + [f"  {c['doc_id']} [{c['start']}:{c['end']}]" + (f" (modified {c['modified'][:10]})" if c["modified"] else "") for c in cited])
