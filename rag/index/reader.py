"""Reads one sealed state of one index within one scope: the only way stages reach stored text and vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from rag.errors import StoreError
from rag.filters import MODIFIED, And, Condition, Filter, Not, Or, clauses, field_of
from rag.fingerprint import key
from rag.index.audit import BATCH, AuditLog, Read
from rag.index.engine import Engine, Scope, Scored
from rag.index.gate import Sparse
from rag.index.manifest import REBUILD
from rag.index.meta import loaded
from rag.index.pages import cut_out
from rag.index.spaces import space_name
from rag.stages import Space
from rag.types import EMPTY, Chunk, Hit, Span

if TYPE_CHECKING:
    from rag.index.manifest import Manifest
    from rag.index.table import DocumentRow
    from rag.runtime import Runtime

T = TypeVar("T")
MADE = frozenset({"heading", "page"})  # metadata that chunkers add to that of the document
MOST_CHUNKS = 20_000  # kept by one reader between searches


class Reader:
    """Bound to a generation, a scope and a runtime. `memo=True` keeps the results of searches under content keys.

    With an audit log, every method that hands out stored data records it first, and what cannot be recorded is not handed out.
    """

    def __init__(
        self,
        engine: Engine,
        manifest: Manifest,
        documents: Mapping[str, DocumentRow],
        runtime: Runtime,
        scope: Scope,
        exact: bool,
        memo: bool,
        audit: AuditLog | None = None,
        generation: str = "",
    ) -> None:
        """Use `Index.reader`, which checks that scope and pipeline fit the index."""
        self._engine, self._manifest, self._documents, self._audit, self._generation = engine, manifest, documents, audit, generation
        self.runtime, self.scope, self.exact, self._memo = runtime, scope, exact, memo
        self._in_place = bool(getattr(documents, "in_place", False))  # as on a server, where a build changes what is being read
        self._chunks: dict[str, Chunk] = {}
        self.compared = exact or [manifest.hnsw, manifest.quantization]  # for keys: two layouts of one chunk set find other approximate neighbours
        self._kept: dict[str, Any] = {}

    @property
    def state(self) -> str:
        """The name of what is read: the live chunk set, and when its documents were modified."""
        return key(self._manifest.content, self._manifest.times)

    def leg(self, space: Space, vector: NDArray[np.float32] | Sparse | None, limit: int, where: Filter | None = None) -> list[Scored]:
        """Return ids and scores of the best chunks in one space, by (-score, id); nothing for a vector of None."""
        if vector is None or limit < 1 or not self._manifest.chunks:
            return []
        name = space_name(space)

        def search() -> list[Scored]:
            self.runtime.work.searches += 1
            return self._engine.nearest(name, vector, limit, self.scope, where, self.exact)

        if not self._memo:  # what names the search is not needed
            return self._ranked(search, name)
        shape = [list(vector.indices), list(vector.values)] if isinstance(vector, Sparse) else hashlib.blake2b(vector.tobytes(), digest_size=16).hexdigest()
        return self._ranked(search, name, "leg", name, shape, limit, where, self.compared)

    def memoised(self, search: Callable[[], list[Scored]], *parts: object) -> list[Scored]:
        """Return a ranking, kept under the live chunk set, the scope and `parts` when this reader keeps a memo."""
        return self._ranked(search, None, *parts)

    def _ranked(self, search: Callable[[], list[Scored]], space: str | None, *parts: object) -> list[Scored]:
        if not self._memo:
            found = search()
        else:  # times are no content, but a filter may ask for them
            times = self._manifest.times if any(_timed(p) for p in parts) else ""
            rows = self.runtime.memo.json(key("search", 2, self._manifest.content, times, self.scope, *parts), search)
            found = [(str(i), float(s)) for i, s in rows]
        if self._audit is not None:
            self._record("search", [i for i, _ in found], scores=[s for _, s in found], space=space)
        return found

    def _record(
        self, read: Read, ids: Sequence[str], *, scores: Sequence[float] | None = None, space: str | None = None, span: tuple[int, int] | None = None
    ) -> None:
        if self._audit is not None:
            self._audit.record(read, ids, tenant=self.scope.tenant, generation=self._generation, scores=scores, space=space, span=span)

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """Return something derived from this state of the index, made once per reader."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast(T, self._kept[name])

    def fields(self) -> frozenset[str] | None:
        """Return the names of all metadata in scope, and those that chunkers make; None where that would take too long."""

        def names() -> frozenset[str] | None:
            listed = getattr(self._documents, "field_names", None)  # a table of documents can say without reading every row
            if listed is not None:
                found = listed(self.scope.tenant)
                return None if found is None else MADE | frozenset(found)
            rows = [r for r in self._documents.values() if self.scope.tenant in (None, r.tenant)]
            return MADE | {name for row in rows for name in row.meta}

        return self.kept("fields", names)

    def unknown_fields(self, where: Filter | None) -> tuple[str, ...]:
        """Return the metadata keys of a filter that no document in scope has: most likely misspelt."""
        names = {field_of(c.key) for c in clauses(where)} - {None} if where is not None else set()
        known = self.fields() if names else None
        return tuple(sorted(n for n in names - known if n is not None)) if known is not None else ()

    def average_length(self, space: Space) -> float:
        """Return the average chunk length, in terms, that the weights of a BM25 space in this scope were computed with."""
        return float(self._manifest.spaces[space_name(space)]["average_length"].get(self.scope.tenant or "", 1.0))

    def hits(self, scored: Sequence[Scored], source: str) -> tuple[Hit, ...]:
        """Return scored ids as hits, in the same order; `source` names who scored.

        Where documents change in place, those that are being written are left out.
        """
        ids = [i for i, _ in scored]
        chunks = self.chunks(self._whole(ids) if self._in_place else ids)
        return tuple(Hit(chunks[i], s, source) for i, s in scored if i in chunks)

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Return chunks by id. Raises `StoreError` when one is not there or not in scope."""
        if len(self._chunks) > MOST_CHUNKS:
            self.forget_chunks()
        kept = self._hold(ids)
        if ids:
            self._record("chunks", ids)
        return {i: kept[i] for i in ids}

    def _hold(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """Read the chunks that are not kept yet; returns all that are kept. One of another tenant is answered like one that is not there."""
        kept = self._chunks  # another thread may begin to keep anew meanwhile
        payloads = self._engine.payloads(wanted := [i for i in ids if i not in kept])
        self._prefetch(payloads)
        for i in wanted:
            if i not in payloads or self.scope.tenant not in (None, payloads[i].get("tenant")):
                raise StoreError(f"no chunk {i} in this index; if a search found it, the index is damaged: stop using it, and {REBUILD}")
            kept[i] = self._chunk(i, payloads[i])
        return kept

    def _prefetch(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Have the rows that chunks need in one request, where each would be one."""
        if (prefetch := getattr(self._documents, "prefetch", None)) is not None:
            prefetch({str(p["doc"]) for p in payloads.values() if "doc" in p})

    def _whole(self, ids: Sequence[str]) -> list[str]:
        """Return those of the ids, and keep their chunks, whose documents are not being written just now."""
        kept = self._chunks  # as in `_hold`
        self._prefetch(payloads := self._engine.payloads([i for i in ids if i not in kept]))
        for i, payload in payloads.items():
            if payload.get("doc") in self._documents:
                kept[i] = self._chunk(i, payload)
        return [i for i in ids if i in kept]

    def forget_chunks(self) -> None:
        """Drop the chunks kept from earlier reads: to bound memory, and to time reads that start cold."""
        self._chunks = {}

    def vectors(self, space: Space, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors of chunks in a dense space, by id; nothing where the index has no such space.

        On an index with tenants, raises `StoreError` when a chunk is not there or not in scope.
        """
        name = space_name(space)
        if name not in self._manifest.spaces:
            return {}
        if self.scope.tenant is not None:
            self._hold(ids)  # a vector does not say whose it is
        found = self._engine.vectors(name, ids)
        if found:
            self._record("vectors", list(found), space=name)
        return found

    def all_chunks(self) -> Iterator[Chunk]:
        """Yield every chunk in scope, by id; recorded in batches, each before its first chunk is handed out."""
        points = self._engine.scroll("chunk", self.scope)
        while part := list(islice(points, BATCH)):
            self._prefetch(dict(part))
            there = [(i, p) for i, p in part if not self._in_place or p.get("doc") in self._documents]
            batch = [self._chunks.get(i) or self._chunk(i, payload) for i, payload in there]
            self._record("scroll", [c.id for c in batch])
            yield from batch

    def _chunk(self, id_: str, payload: Mapping[str, Any]) -> Chunk:
        self.scope.check(payload)
        try:
            span = Span(payload["doc"], payload["start"], payload["end"])
            parent = Span(span.doc_id, payload["parent_start"], payload["parent_end"]) if "parent_start" in payload else None
            stored = payload["meta"]
        except KeyError as error:
            raise StoreError(f"chunk {id_} has lost its {error.args[0]}: the index is damaged; {REBUILD}") from None
        row = self._row(span.doc_id)
        text = payload["text"] if "text" in payload else self._cuts([span])[0]
        index_text = payload["index_text"] if "index_text" in payload else f"{row.title} {text}" if row.title else text
        return Chunk(id_, span, text, index_text, parent, loaded(stored, row.meta) if stored else EMPTY)

    def text(self, span: Span) -> str:
        """Return the characters of a span, cut from the stored document. Raises `StoreError` outside scope or text."""
        return self.texts([span])[0]

    def texts(self, spans: Sequence[Span]) -> list[str]:
        """Return the characters of each span, as `text` does, from pages that are read once and together."""
        found = self._cuts(spans)
        for span in spans if self._audit is not None else ():
            self._record("text", [span.doc_id], span=(span.start, span.end))
        return found

    def _cuts(self, spans: Sequence[Span]) -> list[str]:
        rows = [self._row(span.doc_id) for span in spans]
        for span, row in zip(spans, rows, strict=True):
            if span.end > row.length:
                raise StoreError(f"[{span.start}, {span.end}) lies outside {span.doc_id!r}, which has {row.length} characters")
        return cut_out(self._engine, self.scope, spans, [row.tenant for row in rows])

    def document(self, doc_id: str) -> DocumentRow:
        """Return what is known of a document. Raises `StoreError` when it is unknown in this scope."""
        row = self._row(doc_id)
        self._record("document", [doc_id])
        return row

    def _row(self, doc_id: str) -> DocumentRow:
        if (row := self._documents.get(doc_id)) is None or (self.scope.tenant is not None and row.tenant != self.scope.tenant):
            raise StoreError(f"no document {doc_id!r} in this index")
        return row


def _timed(part: object) -> bool:
    """Whether a part of a search is a filter on the time of documents."""
    return isinstance(part, (Condition, And, Or, Not)) and any(c.key == MODIFIED for c in clauses(part))
