"""Documents to everything that will be written of them: chunks, BM25 weights, pages, rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import StoreError
from rag.index.cut import Cut, cut
from rag.index.gate import PointRecord, check_payload
from rag.index.manifest import DocumentRow
from rag.index.meta import path, stored
from rag.index.pages import pages
from rag.index.spaces import average_length, bm25_weights, space_name
from rag.loaders.corpus import Failed
from rag.models.encoder import Vectors
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import Space, SparseSpace
from rag.text import analyzer
from rag.types import Chunk, Document, Scalar

TEXT_IN_PAYLOAD = 8192  # longer chunks are cut back from the pages
_TYPES = {str: "keyword", int: "integer", float: "float"}


@dataclass
class Batch:
    """What one generation will hold. `owner[i]` is the row of `chunks[i]`.

    Term counts are per language, average lengths per sparse space and tenant: across tenants, one's documents would show in
    another's scores.
    """

    documents: list[Document] = field(default_factory=list)
    rows: list[DocumentRow] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    sparse: dict[str, SparseSpace] = field(default_factory=dict)
    terms: dict[str, list[dict[int, int]]] = field(default_factory=dict)
    averages: dict[str, dict[str, float]] = field(default_factory=dict)
    gap_characters: int = 0

    def points(self, vectors: Mapping[str, Vectors], size: int) -> Iterator[list[PointRecord]]:
        """Yield all points, pages first, in parts of about `size`."""
        part: list[PointRecord] = []
        for document, row in zip(self.documents, self.rows, strict=True):
            part += pages(document, row.tenant)
            if len(part) >= size:
                yield part
                part = []
        for i in range(len(self.chunks)):
            part.append(self._point(i, vectors))
            if len(part) >= size:
                yield part
                part = []
        if part:
            yield part

    def _point(self, i: int, vectors: Mapping[str, Vectors]) -> PointRecord:
        chunk, row = self.chunks[i], self.rows[self.owner[i]]
        sparse = {n: bm25_weights(self.terms[language(s)][i], s, self.averages[n][row.tenant]) for n, s in self.sparse.items()}
        payload = _payload(chunk, row.title, row.tenant)
        return PointRecord(chunk.id, {n: v[i] for n, v in vectors.items()}, {n: s for n, s in sparse.items() if s}, payload)

    def payload_keys(self, most: int, tenants: bool) -> dict[str, str]:
        """Return the payload fields to index and as what: documents, tenants, and metadata of one type, at most `most`."""
        types: dict[str, set[type]] = {}
        for chunk in self.chunks:
            for k, v in chunk.meta.items():
                types.setdefault(k, set()).add(_type(v))
        typed = {path(k): _TYPES[next(iter(t))] for k, t in sorted(types.items()) if len(t) == 1}
        return {"doc": "keyword", **({"tenant": "keyword"} if tenants else {}), **dict(list(typed.items())[:most])}


def _type(value: Scalar | tuple[str, ...]) -> type:
    return str if isinstance(value, (str, bool, tuple)) else type(value)


def language(space: SparseSpace) -> str:
    """Return what term counts depend on: the language alone, so spaces of different k1 and b share them."""
    return space.language


def _payload(chunk: Chunk, title: str, tenant: str) -> dict[str, object]:
    payload: dict[str, object] = {"kind": "chunk", "doc": chunk.span.doc_id, "start": chunk.span.start, "end": chunk.span.end}
    if tenant:
        payload["tenant"] = tenant
    if chunk.parent is not None:
        payload |= {"parent_start": chunk.parent.start, "parent_end": chunk.parent.end}
    if len(chunk.text) <= TEXT_IN_PAYLOAD:
        payload["text"] = chunk.text
    if chunk.index_text != (f"{title} {chunk.text}" if title else chunk.text):
        payload["index_text"] = chunk.index_text
    payload["meta"] = stored(chunk.meta)
    return payload


def cut_all(documents: Sequence[tuple[Document, str]], pipeline: Pipeline, runtime: Runtime) -> tuple[dict[str, Cut], list[Failed]]:
    """Return the cut of each document by id, and those that cannot be cut or whose metadata cannot be stored."""
    cuts: dict[str, Cut] = {}
    failed: list[Failed] = []
    for document, root in runtime.track(documents, "chunk", len(documents)):
        tenant = _tenant(document, pipeline)
        try:
            found = cut(document, pipeline.chunk, pipeline.chunk_key, runtime, tenant)
            for chunk in found.chunks:
                check_payload(chunk.id, _payload(chunk, document.title, tenant))
        except (ValueError, StoreError) as error:
            failed.append(Failed(document.id, str(error), Path(root)))
            continue
        if found.chunks:
            cuts[document.id] = found
        else:
            failed.append(Failed(document.id, "no chunk came out of it (blank text)", Path(root)))
    return cuts, failed


def collect(documents: Sequence[tuple[Document, str]], cuts: Mapping[str, Cut], pipeline: Pipeline, spaces: Sequence[Space], runtime: Runtime) -> Batch:
    """Gather documents with their cuts and count the terms of every chunk."""
    batch = Batch(sparse={space_name(s): s for s in spaces if isinstance(s, SparseSpace)})
    languages = sorted({language(s) for s in batch.sparse.values()})
    batch.terms = {name: [] for name in languages}
    for document, root in runtime.track(documents, "count terms", len(documents)):
        found = cuts[document.id]
        batch.owner += [len(batch.rows)] * len(found.chunks)
        batch.chunks += found.chunks
        batch.gap_characters += sum(len(g.span) for g in found.gaps)
        batch.documents.append(document)
        batch.rows.append(_row(document, root, len(found.chunks), _tenant(document, pipeline)))
        for name in languages:
            batch.terms[name] += [analyzer(name).counts(c.index_text) for c in found.chunks]
    batch.averages = {n: _averages(batch, language(s)) for n, s in batch.sparse.items()}
    return batch


def _averages(batch: Batch, name: str) -> dict[str, float]:
    """Return the average length of a tenant's chunks in terms of a language, by tenant (`""` without tenants)."""
    lengths: dict[str, list[int]] = {row.tenant: [] for row in batch.rows}
    for counts, at in zip(batch.terms[name], batch.owner, strict=True):
        if counts:
            lengths[batch.rows[at].tenant].append(sum(counts.values()))
    return {tenant: average_length(found) for tenant, found in sorted(lengths.items())}


def _tenant(document: Document, pipeline: Pipeline) -> str:
    name = pipeline.index.tenant_key
    return str(document.meta[name]) if name else ""


def _row(document: Document, root: str, chunks: int, tenant: str) -> DocumentRow:
    d = document
    return DocumentRow(d.id, d.digest, root, chunks, len(d.text), d.title, d.body, d.source, d.modified, tenant, dict(d.meta))
