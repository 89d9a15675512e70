"""Sends documents to the writer process while others are still read, where nothing that comes later changes what was sent but BM25's average lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import TypeVar

from rag.index.child import Child, Writing
from rag.index.commit import BATCH, WINDOW, Averages, Plan, averages, kept, laid, reweigh, weighed, windows, write_window
from rag.index.draft import Draft
from rag.index.edge_layout import SEGMENT
from rag.index.engine import Layout
from rag.index.pages import PAGE
from rag.index.prepare import Recipe
from rag.index.report import Report
from rag.index.spaces import space_name
from rag.index.spool import Spooled
from rag.stages import SparseSpace

FIRST = WINDOW  # chunks read before any is sent
LIKELY = 5_000  # chunks that an index is laid out for as long as there are fewer: with so many, vectors are quantized
T = TypeVar("T")


class Ahead:
    """Lends the writer process of one generation, and knows what of a draft was sent to it.

    With `may`, documents are sent while the corpus is read: of an index made from nothing, none of which is dropped as a duplicate.
    Chunks are weighed by the averages so far, which seldom are others than those of the whole; where they are, `correct` sends new weights.
    """

    def __init__(self, recipe: Recipe, report: Report, may: bool) -> None:
        """Prepare; no process is started yet."""
        self._recipe, self._report, self._may = recipe, report, may
        self._writing = Writing()
        self._child: Child | None = None
        self._layout: Layout | None = None
        self._windows: Iterator[list[Spooled]] | None = None
        self._held: list[list[Spooled]] = []  # a window that was read and not sent
        self._parts: list[tuple[int, Averages]] = []  # documents of each window that was sent, and what they were weighed by
        self._chunks = self._points = 0

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._child is not None:
            self._writing.__exit__(kind, error, trace)

    @property
    def child(self) -> Child:
        """The writer process."""
        if self._child is None:
            self._child = self._writing.__enter__()
        return self._child

    def during(self, corpus: Iterable[T], drafts: Sequence[Draft]) -> Iterator[T]:
        """Yield the items of a corpus; whenever enough was added to the draft, once there is one, some of it is sent."""
        for item in corpus:
            yield item
            if self._may and drafts:
                self._follow(drafts[0])

    def _follow(self, draft: Draft) -> None:
        _ = self.child  # it takes a third of a second to start, and does so while the rest is read
        while draft.chunks >= FIRST and draft.chunks - self._chunks >= WINDOW and not self._held:
            if self._layout is None:
                self._begin(draft)
            draft.flush()
            self._send(draft, next(self._all(draft)))

    def _begin(self, draft: Draft) -> None:
        self._layout = laid(self._recipe, None, max(LIKELY, draft.chunks))
        tenant = {"tenant": "keyword"} if self._recipe.pipeline.index.tenant_key else {}
        self.child.begin(draft.path, None, self._layout, fields={"kind": "keyword", "doc": "keyword", **tenant})

    def _all(self, draft: Draft) -> Iterator[list[Spooled]]:
        if self._windows is None:
            self._windows = windows(draft)
        return self._windows

    def _send(self, draft: Draft, window: list[Spooled]) -> None:
        chunks = sum(len(d.ids) for d in window)
        points = chunks + sum(-(-len(d.text) // PAGE) for d in window)
        if self._points + points >= SEGMENT:  # how segments go on depends on how many points there will be
            self._held = [window]
            return
        found = averages(draft.terms, draft.tenants, self._recipe.spaces)
        write_window(self.child, window, found, self._recipe, self._report)
        self._parts.append((len(window), found))
        self._chunks, self._points = self._chunks + chunks, self._points + points

    def lay_out(self, draft: Draft, layout: Layout, plan: Plan) -> None:
        """Have the generation begun, or laid out as the whole asks for where it was begun otherwise."""
        points = draft.table.counts()[0] + draft.table.pages(PAGE)
        if self._layout is None:
            self.child.begin(draft.path, plan.old.generation if plan.old else None, layout, points)
        elif self._layout != layout or points >= SEGMENT:
            self.child.order("layout", {"hnsw": layout.hnsw, "quantization": layout.quantization, "points": points})

    def rest(self, draft: Draft) -> Iterator[list[Spooled]]:
        """Yield what was not sent."""
        draft.flush()
        yield from self._held
        yield from self._all(draft)

    @property
    def sent(self) -> int:
        """How many documents were sent while others were read."""
        return sum(n for n, _ in self._parts)

    def correct(self, draft: Draft, final: Averages) -> None:
        """Send new weights for the chunks that were weighed by another average length than that of the whole."""
        if all(found[name][tenant] == final[name][tenant] for _, found in self._parts for name in found for tenant in found[name]):
            return
        documents = kept(draft)
        for count, found in self._parts:
            part = list(islice(documents, count))
            for space in (s for s in self._recipe.spaces if isinstance(s, SparseSpace)):
                used, wanted = found[space_name(space)], final[space_name(space)]
                self._reweigh(space, [d for d in part if d.ids and used[d.tenant] != wanted[d.tenant]], final)

    def _reweigh(self, space: SparseSpace, documents: Sequence[Spooled], final: Averages) -> None:
        name = space_name(space)
        ids = [i for d in documents for i in d.ids]
        if not ids:
            return
        lengths, terms, values = weighed(documents, space, final[name])
        at = 0
        for i in range(0, len(ids), BATCH):
            end = at + sum(lengths[i : i + BATCH])
            blobs = [terms[at:end].tobytes(), values[at:end].tobytes()]
            self.child.order("reweigh", {"space": name, "ids": ids[i : i + BATCH], "lengths": lengths[i : i + BATCH]}, blobs)
            at = end
        self._recipe.runtime.work.writes += len(ids)


def send(ahead: Ahead, draft: Draft, layout: Layout, plan: Plan, recipe: Recipe, report: Report) -> None:
    """Send everything but the order to seal; embeds on the way, so both processes work."""
    ahead.lay_out(draft, layout, plan)
    with report.timed("write"):
        ahead.correct(draft, plan.averages)  # before the segments they are in are optimised
    for i in range(0, len(plan.gone), 1000):
        ahead.child.order("delete", {"documents": plan.gone[i : i + 1000]})
    with recipe.runtime.progress("embed and write", len(draft.added)) as advance:
        advance(ahead.sent)
        for window in ahead.rest(draft):
            write_window(ahead.child, window, plan.averages, recipe, report)
            advance(len(window))
    if plan.old is not None:
        with report.timed("write"):
            reweigh(ahead.child, plan.old, draft, plan.averages, recipe)
