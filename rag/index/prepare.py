"""One document to everything that will be written of it: its row, its chunks as payloads, the terms they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.errors import StoreError
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
    (made,) = prepare_all([(document, root)], recipe)
    if isinstance(made, Exception):
        raise made
    return made


def prepare_all(documents: Sequence[tuple[Document, str]], recipe: Recipe) -> list[Prepared | ValueError | StoreError]:
    """Do as `prepare` with every document and its root, in order; what it would raise for one stands in its place.

    Words are looked up for all of them together, which for short documents takes a third of the time.
    """
    from rag.index.duplicates import sketches  # a reader needs none of it

    found = [_attempt(lambda pair: _cut(*pair, recipe), pair) for pair in documents]
    parts = [p for p in found if not isinstance(p, Exception)]
    for part, counts, signature in zip(parts, _counts(parts, recipe.languages), sketches([p.document.text for p in parts]), strict=True):
        part.counts, part.sketch = counts, signature
    return [p if isinstance(p, Exception) else _attempt(lambda p: _prepared(p, recipe), p) for p in found]


T = TypeVar("T")
R = TypeVar("R")


def _attempt(make: Callable[[T], R], value: T) -> R | ValueError | StoreError:
    try:
        return make(value)
    except (ValueError, StoreError) as error:
        return error


@dataclass(slots=True)
class _Part:
    """A document on the way: cut, then its terms counted and its signature made."""

    document: Document
    root: str
    tenant: str
    cut: Cut
    payloads: list[dict[str, Any]]
    texts: list[str]
    counts: dict[str, Counts] = field(default_factory=dict)
    sketch: str = ""


def _cut(document: Document, root: str, recipe: Recipe) -> _Part:
    tenant = recipe.tenant(document)
    found = cut(document, recipe.pipeline.chunk, recipe.pipeline.chunk_key, recipe.runtime, tenant)
    if not found.chunks:
        raise ValueError(NO_CHUNK)
    payloads = [_payload(c, document, tenant) for c in found.chunks]
    for chunk, payload in zip(found.chunks, payloads, strict=True):
        check_payload(chunk.id, payload)
    return _Part(document, root, tenant, found, payloads, [c.index_text for c in found.chunks])


def _counts(parts: Sequence[_Part], languages: Sequence[str]) -> list[dict[str, Counts]]:
    """Return the terms of the chunks of each part by language; those that are ASCII are counted together, as that is sooner done."""
    counts: list[dict[str, Counts]] = [{} for _ in parts]
    plain = [all(map(str.isascii, p.texts)) for p in parts]
    groups = [[n for n, is_plain in enumerate(plain) if is_plain], *([n] for n, is_plain in enumerate(plain) if not is_plain)]
    for name in languages:
        for group in (g for g in groups if g):
            lengths, terms, times = analyzer(name).tally([t for n in group for t in parts[n].texts])
            chunk = at = 0
            for n in group:
                own = lengths[chunk : chunk + len(parts[n].texts)]
                end = at + sum(own)
                counts[n][name] = Counts(own, terms[at:end], times[at:end])
                chunk, at = chunk + len(own), end
    return counts


def _prepared(part: _Part, recipe: Recipe) -> Prepared:
    document, found, counts = part.document, part.cut, part.counts
    terms = {name: (sum(1 for n in c.lengths if n), int(c.times.sum())) for name, c in counts.items()}
    facts = Facts(terms, _fields([*(c.meta for c in found.chunks), document.meta]), _over_limit(part.texts, recipe))
    row = _row(part, recipe.now)
    if recipe.admit is not None:
        recipe.admit(row, facts)
    return Prepared(row, facts, document.text, [c.id for c in found.chunks], part.payloads, counts)


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


def _row(part: _Part, now: float) -> DocumentRow:
    d, found = part.document, part.cut
    return DocumentRow(
        d.id, d.digest, part.root, len(found.chunks), len(d.text), d.title, d.body, d.source, d.modified, now, part.tenant,
        gaps=sum(len(g.span) for g in found.gaps), text_digest=hashlib.blake2b(d.text.encode("utf-8"), digest_size=16).hexdigest(),
        sketch=part.sketch, derived=found.derived, meta=dict(d.meta),
    )  # fmt: skip
