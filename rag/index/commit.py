"""What the writer process is sent of a draft: what comes, and new weights for what stays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.index.child import Child
from rag.index.draft import Draft
from rag.index.engine import Layout, Scope
from rag.index.fit import graph, quantization
from rag.index.manifest import Manifest
from rag.index.pages import pages
from rag.index.prepare import Recipe
from rag.index.reader import Reader
from rag.index.report import Report
from rag.index.spaces import average_length, bm25_weights, space_name
from rag.index.spool import Spooled, payload_ranges
from rag.index.store import Index
from rag.models.encoder import Vectors
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space, SparseSpace
from rag.text import analyzer

WINDOW = 2048  # chunks embedded together: enough to sort by length, few enough to keep in memory
WINDOW_BYTES = 32 * 1024**2
BATCH = 256  # points in one frame
Averages = dict[str, dict[str, float]]  # by space and tenant


class Frames(Protocol):
    """What takes points in frames: a writer process, or an engine on a server."""

    def order(self, do: str, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Take a frame `do`."""


@dataclass(frozen=True)
class Plan:
    """What a new generation differs in from the one it starts from: documents to remove, and BM25's average lengths."""

    gone: Sequence[tuple[str, str]]
    averages: Averages
    old: Index | None


def averages(sums: Mapping[tuple[str, str], tuple[int, int]], tenants: Iterable[str], spaces: Sequence[Space]) -> Averages:
    """Return the average length in terms of every sparse space and tenant: across tenants, one's documents would show in another's scores.

    `sums` are chunks with terms and the sum of their terms, by language and tenant.
    """
    names = list(tenants)
    found: Averages = {}
    for space in spaces:
        if isinstance(space, SparseSpace):
            by_tenant = {t: sums.get((space.language, t), (0, 0)) for t in names}
            found[space_name(space)] = {t: average_length(terms, chunks) for t, (chunks, terms) in by_tenant.items()}
    return found


def laid(recipe: Recipe, old: Index | None, chunks: int) -> Layout:
    """Return how an index of so many chunks is laid out."""
    dense = {space_name(s): _dimension(s, old, recipe.runtime) for s in recipe.spaces if isinstance(s, DenseSpace)}
    sparse = tuple(space_name(s) for s in recipe.spaces if isinstance(s, SparseSpace))
    return Layout(dense, sparse, graph(recipe, chunks), quantization(recipe, chunks))


def _dimension(space: DenseSpace, old: Index | None, runtime: Runtime) -> int:
    if old is not None:
        return int(old.manifest.spaces[space_name(space)]["dimension"])
    return int(runtime.embed(space.model, ["dimension"], space.prefix, label="").shape[1])


def seal(child: Child, draft: Draft, manifest: Manifest) -> None:
    """Have the generation optimised, verified and sealed."""
    child.order("seal", {"manifest": asdict(manifest), "tenants": manifest.tenants if manifest.tenant_key else {"": manifest.chunks}})
    child.finish()


def kept(draft: Draft) -> Iterator[Spooled]:
    """Yield the spooled documents as they are in the table: without chunks where they are dropped as duplicates."""
    dropped = draft.table.dropped()
    for document in draft.spooled():
        gone = document.ids and document.id in dropped
        yield Spooled(document.id, document.tenant, document.title, document.text, document.facts) if gone else document


def windows(draft: Draft) -> Iterator[list[Spooled]]:
    """Yield the spooled documents in parts that are embedded together."""
    window: list[Spooled] = []
    chunks = size = 0
    for document in kept(draft):
        window.append(document)
        chunks += len(document.ids)
        size += len(document.text)
        if chunks >= WINDOW or size >= WINDOW_BYTES:
            yield window
            window, chunks, size = [], 0, 0
    if window:
        yield window


def write_window(child: Frames, window: Sequence[Spooled], found: Averages, recipe: Recipe, report: Report) -> None:
    """Embed the chunks of documents and send them with their pages."""
    chunks = sum(len(d.ids) for d in window)
    dense = [s for s in recipe.spaces if isinstance(s, DenseSpace)] if chunks else []
    texts = [t for d in window for t in d.texts()] if dense else []
    with report.timed("embed"):
        vectors = {space_name(s): recipe.runtime.embed(s.model, texts, s.prefix, label="") for s in dense}
    with report.timed("write"):
        written = _write_pages(child, window)
        _write_chunks(child, window, vectors, found, recipe)
        recipe.runtime.work.writes += written + chunks


def _write_pages(child: Frames, window: Iterable[Spooled]) -> int:
    """Send the texts of documents; returns the number of points."""
    made = (p for d in window for p in pages(d.id, d.text, d.tenant))
    count = 0
    while part := list(islice(made, BATCH)):
        child.order("write", {"ids": [i for i, _ in part], "dense": [], "sparse": {}}, [json.dumps([p for _, p in part]).encode("ascii")])
        count += len(part)
    return count


def _write_chunks(child: Frames, window: Sequence[Spooled], vectors: Mapping[str, Vectors], found: Averages, recipe: Recipe) -> None:
    ids = [i for d in window for i in d.ids]
    payloads, places = payload_ranges(window)
    names = sorted(vectors)
    sparse = {space_name(s): weighed(window, s, found[space_name(s)]) for s in recipe.spaces if isinstance(s, SparseSpace)} if ids else {}
    ends = {n: [0, *accumulate(lengths)] for n, (lengths, _, _) in sparse.items()}
    for i in range(0, len(ids), BATCH):
        j = min(i + BATCH, len(ids))
        blobs = [vectors[n][i:j].astype("<f4", copy=False).tobytes() for n in names]
        for n, (_, terms, weights) in sparse.items():
            blobs += [terms[ends[n][i] : ends[n][j]].tobytes(), weights[ends[n][i] : ends[n][j]].tobytes()]
        blobs.append(b"[%b]" % payloads[places[i] : places[j] - 1])
        child.order("write", {"ids": ids[i:j], "dense": names, "sparse": {n: lengths[i:j] for n, (lengths, _, _) in sparse.items()}}, blobs)


def weighed(window: Sequence[Spooled], space: SparseSpace, found: Mapping[str, float]) -> tuple[list[int], NDArray[np.uint32], NDArray[np.float64]]:
    """Return the sparse vectors of all chunks of a window, one after the other: lengths, terms, weights."""
    counts = [d.counts[space.language] for d in window if d.ids]
    lengths = [n for c in counts for n in c.lengths]
    each = np.repeat([found[d.tenant] for d in window if d.ids], [len(c.lengths) for c in counts])
    values = bm25_weights(lengths, np.concatenate([c.times for c in counts]), space, each)
    return lengths, np.concatenate([c.terms for c in counts]).astype("<u4", copy=False), values.astype("<f8", copy=False)


def reweigh(child: Child, old: Index, draft: Draft, found: Averages, recipe: Recipe) -> None:
    """Send new weights for the chunks that stay, of every tenant whose average length crossed a step."""
    for space in recipe.spaces:
        if not isinstance(space, SparseSpace):
            continue
        name = space_name(space)
        before = old.manifest.spaces[name]["average_length"]
        for tenant in sorted(t for t, average in found[name].items() if t in before and before[t] != average):
            for part in _stayed(old, draft, tenant):
                ids = [i for i, _ in part]
                lengths, terms, times = analyzer(space.language).tally([text for _, text in part])
                weights = bm25_weights(lengths, times, space, found[name][tenant])
                child.order("reweigh", {"space": name, "ids": ids, "lengths": lengths}, [terms.tobytes(), weights.astype("<f8").tobytes()])
                recipe.runtime.work.writes += len(ids)


def _stayed(old: Index, draft: Draft, tenant: str) -> Iterator[list[tuple[str, str]]]:
    """Yield ids and indexed texts of the chunks that a draft takes over as they are."""
    scope = Scope(tenant or None)
    reader = Reader(old.engine, old.manifest, old.documents, old.runtime, scope, True, False)
    part: list[tuple[str, str]] = []
    for chunk in reader.all_chunks():
        if chunk.span.doc_id in draft.added or draft.table.state(chunk.span.doc_id) is None:
            continue
        part.append((chunk.id, chunk.index_text))
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part
