"""What a build did, for the person who asked for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rag.index.scan import Changes
from rag.index.table import DocumentTable
from rag.loaders.corpus import Failed


@dataclass
class Report:
    """What a call of `build` did, document by document and second by second."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[Failed] = field(default_factory=list)
    spared: int = 0
    chunks: int = 0
    documents: int = 0
    gap_characters: int = 0
    over_limit: dict[str, int] = field(default_factory=dict)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _inner: float = field(default=0.0, repr=False)  # seconds of the blocks timed within the one that runs

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form of `rag index --json`."""
        names = ("added", "updated", "unchanged", "deleted", "spared", "chunks", "documents", "gap_characters", "over_limit", "duplicates", "notes")
        failed = [{"doc_id": f.doc_id, "reason": f.reason} for f in self.failed]
        return {**{n: getattr(self, n) for n in names}, "failed": failed, "seconds": {k: round(v, 4) for k, v in self.seconds.items()}}

    def count(self, changes: Changes, outdated: str = "") -> None:
        """Take over how many documents change, those that failed, and why documents that did not change are among the updated, if they are."""
        self.notes += [outdated] if outdated and changes.updated else []
        self.added, self.updated, self.unchanged, self.deleted = len(changes.added), len(changes.updated), changes.unchanged, len(changes.deleted)
        self.failed, self.spared = changes.failed, changes.spared

    def hold(self, table: DocumentTable, chunks: int) -> None:
        """Take over what the index holds now."""
        self.documents, self.chunks = len(table), chunks
        self.gap_characters, self.over_limit = table.counts()[1], table.over_limit()
        self.duplicates = [{"doc_id": i, "of": of, "similarity": s} for i, of, s in table.duplicates()]

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the wall time of the block to a stage, without that of the blocks timed within it."""
        start, before, self._inner = time.perf_counter(), self._inner, 0.0
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took - self._inner
            self._inner = before + took
