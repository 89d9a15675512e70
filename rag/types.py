"""The values that flow through a pipeline; every place in a text is a `Span`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from rag.filters import Filter

Scalar: TypeAlias = str | int | float | bool
Meta: TypeAlias = Mapping[str, Scalar | tuple[str, ...]]
EMPTY: Meta = MappingProxyType({})


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `[start, end)` of the text of document `doc_id`."""

    doc_id: str
    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse a span that lies before the text or ends before it starts."""
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span [{self.start}, {self.end}) of {self.doc_id!r} is not ordered")

    def __len__(self) -> int:
        return self.end - self.start

    def overlap(self, other: Span) -> int:
        """Number of characters both spans hold; 0 in different documents."""
        if self.doc_id != other.doc_id:
            return 0
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True, slots=True)
class Document:
    """One document; offsets everywhere refer to `text`, which is never altered after loading.

    `title` is a title that is *not* part of `text` (a BEIR title, an HTML `<title>`): it is indexed with
    every chunk and never quoted. `body` is where the text proper starts: what lies before is front matter.
    """

    id: str
    text: str
    meta: Meta = field(default_factory=lambda: EMPTY)
    title: str = ""
    body: int = 0
    source: str = ""
    modified: float | None = None

    @property
    def digest(self) -> str:
        """Content digest (128 bits, hex) of everything about the document that can change an index."""
        h = hashlib.blake2b(digest_size=16)
        for part in (self.text, self.title, str(self.body), repr(sorted(self.meta.items()))):
            data = part.encode("utf-8", "surrogatepass")
            h.update(len(data).to_bytes(8, "little"))
            h.update(data)
        return h.hexdigest()


@dataclass(frozen=True, slots=True)
class Piece:
    """What a chunker yields: where to cut, as offsets into `Document.text`, never the text itself.

    `index_text` is text a model added, to be embedded and BM25-indexed instead of the cut; `parent` is the
    wider piece that is read in place of this one.
    """

    start: int
    end: int
    parent: tuple[int, int] | None = None
    index_text: str | None = None
    meta: Meta = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document as indexed. Law: `text == document.text[span.start:span.end]`."""

    id: str
    span: Span
    text: str
    index_text: str
    parent: Span | None = None
    meta: Meta = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Chunks taken to be relevant to a query, with weights that sum to 1: every leg asks for them in the space it searches.

    Keyword legs add the `terms` weightiest terms of the chunks and leave the query's own the share `alpha` (RM3); vector legs
    add `beta` times the mean of the chunks' vectors to that of the query (Rocchio).
    """

    chunks: tuple[tuple[str, float], ...]
    terms: int
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True)
class Query:
    """A question on its way through retrieval.

    `passages` stand in for the text where vectors are searched, together with it when `with_text`; `feedback` widens what is
    asked for. Keyword legs always read the text.
    """

    text: str
    where: Filter | None = None
    passages: tuple[str, ...] = ()
    with_text: bool = False
    feedback: Feedback | None = None

    def instead(self, text: str) -> Query:
        """Return the query for another text under the same filter: what stood in for the old text is gone."""
        return Query(text, self.where)


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk, how well it did, and which retriever or refiner said so."""

    chunk: Chunk
    score: float
    source: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage did: `ms` of wall time and facts (counts, ids, scores, what a model wrote; never text of documents), with its sub-steps."""

    stage: str
    use: str
    ms: float
    facts: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    def walk(self) -> Iterator[Step]:
        """Yield this step and every step below it, depth first."""
        yield self
        for step in self.steps:
            yield from step.walk()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Chunk ids with their scores, best first: what retrievers pass to one another, before any chunk is read."""

    scored: tuple[tuple[str, float], ...]
    step: Step


@dataclass(frozen=True, slots=True)
class Found:
    """Ranked hits and the record of how they were found."""

    hits: tuple[Hit, ...]
    step: Step


@dataclass(frozen=True, slots=True)
class Context:
    """Exactly what the answerer is shown: source number `i` is `hits[i - 1]`; `tokens` counts `text`."""

    hits: tuple[Hit, ...]
    text: str
    tokens: int
    dropped: int = 0
    cut: int = 0

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans shown, in the order shown."""
        return tuple(hit.chunk.span for hit in self.hits)


@dataclass(frozen=True, slots=True)
class Flag:
    """Something wrong with characters `[start, end)` of an answer's text: `kind` in a word, `note` in plain words.

    Kinds: `no_source` (a mark without a source), `bad_quote` (a quote that its source does not hold), `uncited` (a claim without a
    mark), `unsupported` (a claim that what it cites does not support), `removed` (a link or a control character taken out).
    """

    kind: str
    start: int
    end: int
    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its evidence. `abstained` is the reason for declining, empty when it answered.

    `ranking` is what the last refiner returned, of which the context shows what fits. `flags` say what a check found wrong.
    """

    query: str
    text: str
    citations: tuple[Span, ...]
    context: Context
    abstained: str = ""
    ranking: tuple[Hit, ...] = ()
    trace: tuple[Step, ...] = ()
    flags: tuple[Flag, ...] = ()
