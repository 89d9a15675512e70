"""Exact answers kept in the memo: the same question, of the same state of the index, within the same scope, by the same configuration."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from rag.errors import StoreError
from rag.filter_text import write
from rag.fingerprint import canonical, key
from rag.types import Answer, Chunk, Context, Flag, Hit, Query, Span, Step

if TYPE_CHECKING:
    from rag.index.reader import Reader
    from rag.pipeline import Pipeline


def remembered(pipeline: Pipeline, query: Query, reader: Reader, make: Callable[[], Answer]) -> Answer:
    """Return the kept answer to a query, or make and keep it.

    Kept are the answer, the context as it was shown, places and scores; what the places hold is read through `reader`, so that its
    scope and its audit log see every reading. An entry that cannot be read, or names what is no longer there, is made anew.
    """
    start = time.perf_counter()
    memo, at = reader.runtime.memo, _key(pipeline, query, reader)
    found = memo.get_many([at]).get(at)
    if found is not None:
        try:
            answer = _restored(query, json.loads(found), reader)
        except (ValueError, TypeError, KeyError, StoreError):
            answer = None
        if answer is not None:
            step = Step("answer", "remembered", 1000 * (time.perf_counter() - start), {"abstained": answer.abstained, "citations": len(answer.citations)})
            return Answer(answer.query, answer.text, answer.citations, answer.context, answer.abstained, answer.ranking, (step,), answer.flags)
    made = make()
    if any(step.facts.keys() & {"tried", "refused"} for outer in made.trace for step in outer.walk()):
        return made  # a stand-in answered, or a model declined: the one that is named first may answer next time
    memo.put_many({at: json.dumps(_plain(made), ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")})
    return made


def _key(pipeline: Pipeline, query: Query, reader: Reader) -> str:
    stages = [pipeline.retrieve, *pipeline.refine, pipeline.pack, pipeline.answer]
    where = write(query.where) if query.where is not None else ""
    day = datetime.datetime.now(datetime.UTC).date().isoformat() if _dated(stages) else ""
    return key(
        "remembered", 2, reader.state, reader.scope, reader.compared, [canonical(s) for s in stages], reader.runtime.identities(stages), where, query.text, day
    )


def _dated(value: object) -> bool:
    """Whether a part counts ages up to today: its answers then hold for a day."""
    if isinstance(value, (tuple, list)):
        return any(map(_dated, value))
    if not is_dataclass(value) or isinstance(value, type):
        return False
    return any((f.name == "as_of" and getattr(value, f.name) is None) or _dated(getattr(value, f.name)) for f in fields(value))


def _plain(answer: Answer) -> dict[str, Any]:
    c = answer.context
    return {
        "text": answer.text, "abstained": answer.abstained, "citations": [list(_span(s)) for s in answer.citations], "flags": [asdict(f) for f in answer.flags],
        "context": {"hits": [_hit(h) for h in c.hits], "text": c.text, "tokens": c.tokens, "dropped": c.dropped, "cut": c.cut},
        "ranking": [_hit(h) for h in answer.ranking],
    }  # fmt: skip


def _span(span: Span) -> tuple[str, int, int]:
    return span.doc_id, span.start, span.end


def _hit(hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    parent = list(_span(chunk.parent)) if chunk.parent else None
    return {"id": chunk.id, "span": list(_span(chunk.span)), "parent": parent, "meta": dict(chunk.meta), "score": hit.score, "source": hit.source}


def _restored(query: Query, row: Mapping[str, Any], reader: Reader) -> Answer:
    c = row["context"]
    context = Context(tuple(_rehit(h, reader) for h in c["hits"]), c["text"], c["tokens"], c["dropped"], c["cut"])
    ranking = tuple(_rehit(h, reader) for h in row["ranking"])
    citations = tuple(Span(*s) for s in row["citations"])
    return Answer(query.text, row["text"], citations, context, row["abstained"], ranking, (), tuple(Flag(**f) for f in row["flags"]))


def _rehit(row: Mapping[str, Any], reader: Reader) -> Hit:
    span = Span(*row["span"])
    text = reader.text(span)
    meta = {k: tuple(v) if isinstance(v, list) else v for k, v in row["meta"].items()}
    return Hit(Chunk(row["id"], span, text, text, Span(*row["parent"]) if row["parent"] else None, meta), row["score"], row["source"])
