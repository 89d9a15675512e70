"""One document to everything that will be written of it: its row, its chunks as payloads, the terms they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.index.cut import Cut, cut
from rag.index.gate import check_payload
from rag.index.meta import stored
from rag.index.table import DocumentRow, Facts
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space, SparseSpace
from rag.text import analyzer
from rag.types import Chunk, Document, Meta, Scalar

NO_CHUNK = "no chunk came out of it (blank text)"
TEXT_IN_PAYLOAD = 8192  # longer chunks are cut back from the pages
_KINDS = {str: "keyword", int: "integer", float: "float"}
_ROW_ONLY = ("page_starts",)  # as long as the document: kept with it, not with each of its chunks


@dataclass(frozen=True)
class Counts:
    """The terms of chunks, one chunk after the other: how many distinct ones each has, which, and how often."""

    lengths: list[int]
    terms: NDArray[np.uint32]
    times: NDArray[np.uint32]


@dataclass(frozen=True)
class Prepared:
    """A document ready to be written. `payloads[i]` and `ids[i]` are those of chunk `i`; `counts` is by language."""

    row: DocumentRow
    facts: Facts
    text: str
    ids: list[str]
    payloads: list[dict[str, Any]]
    counts: Mapping[str, Counts] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How documents become points: the same for every document of a generation. `admit` raises for a row that cannot be kept."""

    pipeline: Pipeline
    spaces: tuple[Space, ...]
    runtime: Runtime
    now: float
    admit: Callable[[DocumentRow, Facts], None] | None = None

    @property
    def languages(self) -> list[str]:
        """The languages that terms are counted in: spaces of different k1 and b share them."""
        return sorted({s.language for s in self.spaces if isinstance(s, SparseSpace)})

    def tenant(self, document: Document) -> str:
        """Return whose document it is, `""` where the index keeps no tenants apart."""
        name = self.pipeline.index.tenant_key
        return str(document.meta[name]) if name else ""


def prepare(document: Document, root: str, recipe: Recipe) -> Prepared:
    """Cut a document and count its terms.

    Raises `ValueError` when its chunker breaks its contract or nothing comes out, `StoreError` when its metadata cannot
    be stored.
    """
    tenant = recipe.tenant(document)
    found = cut(document, recipe.pipeline.chunk, recipe.pipeline.chunk_key, recipe.runtime, tenant)
    if not found.chunks:
        raise ValueError(NO_CHUNK)
    payloads = [_payload(c, document, tenant) for c in found.chunks]
    for chunk, payload in zip(found.chunks, payloads, strict=True):
        check_payload(chunk.id, payload)
    texts = [c.index_text for c in found.chunks]
    counts = {name: Counts(*analyzer(name).tally(texts)) for name in recipe.languages}
    terms = {name: (sum(1 for n in c.lengths if n), int(c.times.sum())) for name, c in counts.items()}
    facts = Facts(terms, _fields([*(c.meta for c in found.chunks), document.meta]), _over_limit(texts, recipe))
    row = _row(document, root, tenant, found, recipe.now)
    if recipe.admit is not None:
        recipe.admit(row, facts)
    return Prepared(row, facts, document.text, [c.id for c in found.chunks], payloads, counts)


def _payload(chunk: Chunk, document: Document, tenant: str) -> dict[str, Any]:
    payload: dict[str, Any] = {"kind": "chunk", "doc": document.id, "start": chunk.span.start, "end": chunk.span.end}
    if tenant:
        payload["tenant"] = tenant
    if document.modified is not None:
        payload["modified"] = document.modified
    if chunk.parent is not None:
        payload |= {"parent_start": chunk.parent.start, "parent_end": chunk.parent.end}
    if len(chunk.text) <= TEXT_IN_PAYLOAD:
        payload["text"] = chunk.text
    if chunk.index_text != titled(document.title, chunk.text):
        payload["index_text"] = chunk.index_text
    payload["meta"] = stored({k: v for k, v in chunk.meta.items() if k not in _ROW_ONLY})
    return payload


def titled(title: str, text: str) -> str:
    """Return the text that is indexed for a chunk that says no other: its own, behind the title of its document."""
    return f"{title} {text}" if title else text


def index_text(payload: Mapping[str, Any], title: str, text: str) -> str:
    """Return the indexed text of a stored chunk; `text` is that of its whole document."""
    if "index_text" in payload:
        return str(payload["index_text"])
    return titled(title, payload["text"] if "text" in payload else text[payload["start"] : payload["end"]])


def _fields(metas: Sequence[Meta]) -> dict[str, str]:
    """Return the names of metadata and what their values are: `keyword`, `integer`, `float` or `mixed`."""
    kinds: dict[str, set[str]] = {}
    for meta in metas:
        for name, value in meta.items():
            if name not in _ROW_ONLY:
                kinds.setdefault(name, set()).add(_kind(value))
    return {name: next(iter(found)) if len(found) == 1 else "mixed" for name, found in kinds.items()}


def _kind(value: Scalar | tuple[str, ...]) -> str:
    return "keyword" if isinstance(value, (str, bool, tuple)) else _KINDS[type(value)]


def _over_limit(texts: Sequence[str], recipe: Recipe) -> dict[str, int]:
    """Return per encoder how many chunks are longer than it reads; the rest of them is not in their vectors."""
    found: dict[str, int] = {}
    for space in recipe.spaces:
        if isinstance(space, DenseSpace):
            encoder = recipe.runtime.encoder(space.model)
            longer = [t for t in (space.prefix + t for t in texts) if len(t.encode()) + 2 > encoder.max_tokens]  # a token is at least a byte
            if count := sum(n > encoder.max_tokens for n in encoder.counts(longer)) if longer else 0:
                found[f"{encoder.name} ({encoder.max_tokens} tokens)"] = count
    return found


def _row(document: Document, root: str, tenant: str, found: Cut, now: float) -> DocumentRow:
    from rag.index.duplicates import sketch

    d = document
    return DocumentRow(
        d.id, d.digest, root, len(found.chunks), len(d.text), d.title, d.body, d.source, d.modified, now, tenant,
        gaps=sum(len(g.span) for g in found.gaps), text_digest=hashlib.blake2b(d.text.encode("utf-8"), digest_size=16).hexdigest(),
        sketch=sketch(d.text), derived=found.derived, meta=dict(d.meta),
    )  # fmt: skip
