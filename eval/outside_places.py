"""Where in a corpus given texts stand: one pass over the corpus finds all of them, whatever white space they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rag.types import Document, Span

SEVERAL = 8  # places of one text that are looked at; of more only the number is known
_BATCH = 2_000_000  # characters hashed at once: about 100 MB of arrays
_WINDOWS = (64, 16, 4, 1)  # a text is first looked for by as many of its characters
_TABLE = 1 << 20
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it can be divided by modulo 2^64
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_APART = 0x110000  # between documents: no character
_SPACE = np.zeros(_APART + 1, dtype=bool)
_SPACE[[c for c in range(0x3001) if chr(c).isspace()]] = True

Codes = NDArray[np.uint64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: its span where that is one place, its document where all its places are in one; `times` is how many there are."""

    span: Span | None
    doc: str | None
    times: int


@dataclass(slots=True)
class _Wanted:
    """A text without white space, perhaps to be found in one document only, and what was found of it so far."""

    text: str
    doc: str | None
    codes: Codes
    hash: np.uint64
    anchor: np.uint64
    window: int
    times: int = 0
    spans: list[Span] = field(default_factory=list)
    docs: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Documents one after the other without white space; `where` is each character's offset in its document, `sums` the hash of what lies before."""

    documents: Sequence[Document]
    starts: Places
    where: Places
    codes: Codes
    sums: Codes
    inverse: Codes
    numbers: Mapping[str, int]

    def hashes(self, at: Places, size: int) -> Codes:
        """Return the hash of the `size` characters from each place on: O(1) each."""
        return np.asarray((self.sums[at + size] - self.sums[at]) * self.inverse[at], dtype=np.uint64)


def locate(texts: Sequence[tuple[str, str | None]], documents: Sequence[Document]) -> list[Place]:
    """Return the place of each text in the corpus, or in the one document that is named beside it.

    Texts are compared without white space; where that leaves several places and one of them is the same letter for letter, it is that
    one. Takes time linear in the corpus and in the texts: what is hashed once is compared by hash (Karp and Rabin 1987), then by letter.
    """
    wanted = {key: _wanted(*key) for key in dict.fromkeys(texts) if not key[0].isspace() and key[0]}
    for batch in _batches(documents):
        for window in _WINDOWS:
            _search([w for w in wanted.values() if w.window == window], window, batch)
    by_id = {d.id: d for d in documents}
    found = {key: _place(w, by_id) for key, w in wanted.items()}
    return [found.get(key, Place(None, None, 0)) for key in texts]


def _codes(text: str) -> tuple[Codes, Places]:
    """Return the characters that are no white space, and their offsets."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    where = np.flatnonzero(~_SPACE[codes])
    return codes[where].astype(np.uint64), where.astype(np.int64)


def _powers(base: np.uint64, n: int) -> Codes:
    """Return `1, base, base^2, ...` modulo 2^64."""
    factors = np.full(n, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _wanted(text: str, doc: str | None) -> _Wanted:
    codes, _ = _codes(text)
    window = next(w for w in _WINDOWS if w <= len(codes))
    terms = codes * _powers(_BASE, len(codes))
    return _Wanted(text, doc, codes, terms.sum(dtype=np.uint64), terms[:window].sum(dtype=np.uint64), window)


def _batches(documents: Sequence[Document]) -> Iterator[_Batch]:
    part: list[Document] = []
    size = 0
    for document in documents:
        part.append(document)
        size += len(document.text)
        if size >= _BATCH:
            yield _batch(part)
            part, size = [], 0
    if part:
        yield _batch(part)


def _batch(documents: Sequence[Document]) -> _Batch:
    codes: list[Codes] = []
    where: list[Places] = []
    starts, at = [], 0
    for document in documents:
        own, offsets = _codes(document.text)
        starts.append(at)
        codes += [own, np.array([_APART], dtype=np.uint64)]
        where += [offsets, np.array([-1], dtype=np.int64)]
        at += len(own) + 1
    joined = np.concatenate(codes)
    sums = np.zeros(len(joined) + 1, dtype=np.uint64)
    np.cumsum(joined * _powers(_BASE, len(joined)), out=sums[1:])
    inverse = _powers(_INVERSE, len(joined))
    numbers = {d.id: i for i, d in enumerate(documents)}
    return _Batch(tuple(documents), np.array(starts, dtype=np.int64), np.concatenate(where), joined, sums, inverse, numbers)


def _search(wanted: Sequence[_Wanted], window: int, batch: _Batch) -> None:
    """Add to each text what this batch holds of it; all have the same window."""
    length = len(batch.codes)
    if not wanted or length < window:
        return
    by_anchor: dict[int, list[_Wanted]] = {}
    for w in wanted:
        by_anchor.setdefault(int(w.anchor), []).append(w)
    table = np.zeros(_TABLE, dtype=bool)
    table[np.array([a % _TABLE for a in by_anchor], dtype=np.int64)] = True
    hashes = batch.hashes(np.arange(length - window + 1, dtype=np.int64), window)
    likely = np.flatnonzero(table[(hashes % np.uint64(_TABLE)).astype(np.int64)])
    order = np.argsort(hashes[likely], kind="stable")
    likely, values = likely[order], hashes[likely][order]
    for anchor, sharing in by_anchor.items():
        key = np.array([anchor], dtype=np.uint64)
        low, high = np.searchsorted(values, key, "left")[0], np.searchsorted(values, key, "right")[0]
        if low < high:
            for w in sharing:
                _match(w, likely[low:high], batch)


def _match(w: _Wanted, at: Places, batch: _Batch) -> None:
    """Add the places among `at` where the whole text stands."""
    size = len(w.codes)
    at = at[at + size <= len(batch.codes)]
    at = at[batch.hashes(at, size) == w.hash]
    owners = np.searchsorted(batch.starts, at, "right") - 1
    if w.doc is not None:
        own = owners == batch.numbers.get(w.doc, -1)
        at, owners = at[own], owners[own]
    w.times += len(at)
    w.docs |= {batch.documents[i].id for i in np.unique(owners)[:2]}
    for i, owner in zip(at[: SEVERAL - len(w.spans)], owners, strict=False):
        if np.array_equal(batch.codes[i : i + size], w.codes):
            w.spans.append(Span(batch.documents[owner].id, int(batch.where[i]), int(batch.where[i + size - 1]) + 1))
        else:  # equal hashes of unequal texts
            w.times -= 1


def _place(w: _Wanted, documents: dict[str, Document]) -> Place:
    doc = next(iter(w.docs)) if len(w.docs) == 1 and w.spans else None
    exact = [s for s in w.spans if documents[s.doc_id].text[s.start : s.end] == w.text.strip()]
    chosen = w.spans if w.times == 1 else exact if w.times <= SEVERAL else []
    if len(chosen) != 1:
        return Place(None, doc, w.times)
    span = _with_edges(chosen[0], w.text, documents[chosen[0].doc_id].text)
    return Place(span, span.doc_id, 1)


def _with_edges(span: Span, given: str, text: str) -> Span:
    """Return the span with the white space at the ends of the given text, where the document has the same."""
    lead, trail = len(given) - len(given.lstrip()), len(given) - len(given.rstrip())
    start, end = span.start - lead, span.end + trail
    return Span(span.doc_id, start, end) if start >= 0 and text[start:end] == given else span
