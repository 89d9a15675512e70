"""Writes documents to a collection on a server so that one cut off at any moment is known for what it is, and can be written again.

A document is marked as pending, its points are sent, its old ones removed, and only then is it marked as whole. Only points of
the tenant that its row names are ever there: one that moves to another tenant is removed first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rag.errors import StoreError
from rag.index.commit import Averages, write_window
from rag.index.engine import Engine, Scope
from rag.index.frames import batch
from rag.index.gate import Sparse
from rag.index.pages import PAGE
from rag.index.prepare import Recipe, index_text
from rag.index.remote_table import PENDING, read_row, row_id, row_point
from rag.index.remote_turn import Turn
from rag.index.report import Report
from rag.index.spaces import bm25_weights, space_name
from rag.index.spool import Spooled
from rag.index.table import DocumentRow, DocumentTable, Facts
from rag.stages import SparseSpace
from rag.text import analyzer

_TOGETHER = 256  # documents whose rows are read and written in one request
_CHARACTERS = 4 * 10**6  # of their texts, which are in memory at once where weights are computed anew


class Sink:
    """Takes the frames that a writer process would get, and hands them to an engine."""

    def __init__(self, engine: Engine) -> None:
        """Write through an engine."""
        self._engine = engine
        self.written: set[str] = set()

    def order(self, do: str, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Write the points of a frame."""
        if do != "write":
            raise StoreError(f"{do} is nothing a server is sent")
        made = batch(header, blobs).points()
        self._engine.write(made)
        self.written.update(p.id for p in made)


class Writer:
    """Makes the changes of one build. `found` are the average lengths that the weights of all its documents are computed with."""

    def __init__(self, engine: Engine, turn: Turn, recipe: Recipe, found: Averages) -> None:
        """Nothing is written yet."""
        self._engine, self._turn, self._recipe, self._found = engine, turn, recipe, found

    def own(self, tenant: str) -> dict[str, float]:
        """Return the average lengths of a tenant, by space."""
        return {name: by_tenant[tenant] for name, by_tenant in self._found.items() if tenant in by_tenant}

    def window(self, window: Sequence[Spooled], rows: Sequence[DocumentRow], known: DocumentTable | None, report: Report) -> None:
        """Add or replace documents, whose rows are given."""
        before = {r.id: known.get(r.id) if known is not None else None for r in rows}
        self.remove([old for r in rows if (old := before[r.id]) is not None and old.tenant != r.tenant])
        self._turn.keep()
        self._engine.write([row_point(r, Facts(), {}, PENDING) for r in rows])
        sink = Sink(self._engine)
        write_window(sink, window, self._found, self._recipe, report)
        stale = {i for r in rows if before[r.id] is not None for i in self._engine.points_of(r.tenant, r.id)}
        self._engine.delete(sorted(stale - sink.written))
        self._whole([(r, d.facts if r.chunks else Facts()) for r, d in zip(rows, window, strict=True)])

    def _whole(self, rows: Sequence[tuple[DocumentRow, Facts]]) -> None:
        """Mark documents as whole. Another build may get in at any moment: what it and this one wrote is then marked for the next to write again."""
        self._turn.check()
        self._engine.write([row_point(row, facts, self.own(row.tenant)) for row, facts in rows])
        try:
            self._turn.check()
        except StoreError:
            self._engine.write([row_point(row, Facts(), {}, PENDING) for row, _ in rows])
            raise

    def remove(self, rows: Sequence[DocumentRow]) -> None:
        """Remove documents: they are marked first, so that a build that is cut off here does not leave half of one as whole."""
        for part in _parts(rows):
            self._turn.keep()
            self._engine.write([row_point(r, Facts(), {}, PENDING) for r in part])
            self.empty(part)
            self._engine.delete([row_id(r.id) for r in part])

    def empty(self, rows: Sequence[DocumentRow]) -> None:
        """Remove the points of documents that are marked as pending already, and leave the mark."""
        gone = [i for r in rows for i in self._engine.points_of(r.tenant, r.id)]
        if gone:
            self._turn.keep()
            self._engine.delete(gone)

    def note(self, rows: Sequence[DocumentRow]) -> None:
        """Write rows anew whose points stay."""
        for part in _parts(rows):
            self._turn.keep()
            held = self._rows(part)
            self._turn.check()
            self._engine.write([row_point(r, *held[r.id]) for r in part])

    def reweigh(self, rows: Sequence[DocumentRow]) -> None:
        """Give new weights to the chunks of documents; rows say meanwhile that they have none that can be relied on."""
        for part in _parts(rows):
            self._turn.keep()
            facts = {i: f for i, (f, _) in self._rows(part).items()}
            self._engine.write([row_point(r, facts[r.id], {}) for r in part])
            try:
                self._reweigh(part)
            except StoreError:
                self._turn.check()  # points that are gone are so because of another build: that is what to say
                raise
            self._whole([(r, facts[r.id]) for r in part])

    def _rows(self, rows: Sequence[DocumentRow]) -> dict[str, tuple[Facts, dict[str, float]]]:
        held = self._engine.payloads([row_id(r.id) for r in rows])
        found = {row.id: (row, facts, own) for row, facts, own in map(read_row, held.values())}
        if any(r.id not in found or found[r.id][0].digest != r.digest for r in rows) or any(p["kind"] == PENDING for p in held.values()):
            raise self._turn.lost()
        return {i: (facts, own) for i, (_, facts, own) in found.items()}

    def _reweigh(self, rows: Sequence[DocumentRow]) -> None:
        stored = self._engine.payloads([i for r in rows for i in self._engine.points_of(r.tenant, r.id)])
        by_id = {r.id: r for r in rows}
        pages: dict[str, dict[int, str]] = {r.id: {} for r in rows}
        for p in stored.values():
            if p["kind"] == "page":
                pages[p["doc"]][int(p["page"])] = p["text"]
        whole = {i: "".join(found[n] for n in sorted(found)) for i, found in pages.items()}
        chunks = {i: (p["doc"], index_text(p, by_id[p["doc"]].title, whole[p["doc"]])) for i, p in stored.items() if p["kind"] == "chunk"}
        for space in self._recipe.spaces:
            if isinstance(space, SparseSpace):
                found = self._found[space_name(space)]
                self._engine.reweigh(space_name(space), {i: _weights(t, space, found[by_id[doc].tenant]) for i, (doc, t) in chunks.items()})
        self._recipe.runtime.work.writes += len(chunks)

    def settle(self, table: DocumentTable, where: str) -> None:
        """See that there are as many points as the documents have; remove those of none, and mark documents whose own are not all there.

        Raises `StoreError` when one was marked: what two builds at once made of it cannot be told, so the next one writes it again.
        """
        engine = self._engine
        if engine.count("chunk") == table.counts()[0] and engine.count("page") == table.pages(PAGE):
            return
        self._turn.keep()
        held: dict[str, Counter[str]] = {"chunk": Counter(), "page": Counter()}
        foreign = []
        for kind, counts in held.items():
            for i, payload in engine.scroll(kind, Scope()):
                row = table.get(payload["doc"])
                if row is None or row.tenant != payload.get("tenant", ""):
                    foreign.append(i)
                else:
                    counts[row.id] += 1
        self._engine.delete(foreign)
        wrong = [r for r in table.rows() if (held["chunk"][r.id], held["page"][r.id]) != (r.chunks, -(-r.length // PAGE))]
        for part in _parts(wrong):
            self._engine.write([row_point(r, Facts(), {}, PENDING) for r in part])
        if wrong:
            raise StoreError(f"{where}: {len(wrong)} documents are not as they were written, {wrong[0].id} first: another build ran; run this one again")


def _parts(rows: Sequence[DocumentRow]) -> Iterator[list[DocumentRow]]:
    part: list[DocumentRow] = []
    for row in rows:
        if part and (len(part) == _TOGETHER or sum(r.length for r in part) + row.length > _CHARACTERS):
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _weights(text: str, space: SparseSpace, average: float) -> Sparse | None:
    counts = analyzer(space.language).counts(text)
    if not counts:
        return None
    times = np.fromiter(counts.values(), dtype=np.uint32)
    return Sparse(tuple(counts), tuple(bm25_weights([len(counts)], times, space, average).tolist()))
