"""A generation in the making, beside the live one: its table of documents, and the spool of what will be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rag.index.faults import reached
from rag.index.files import copy_file, require_space
from rag.index.frames import frames
from rag.index.manifest import next_number
from rag.index.prepare import Prepared
from rag.index.spool import Spooled, put_documents
from rag.index.spool import documents as unspooled
from rag.index.table import NAME, DocumentRow, DocumentTable, Facts
from rag.seen import Seen

_LOOK = 1024**2  # bytes spooled between two looks at the free space


class Draft:
    """Directory `tmp-000012` of an index. `base` is the generation whose table it starts from."""

    def __init__(self, index: Path, base: Path | None) -> None:
        """Make the directory."""
        number = next_number(index)
        self.path, self.final = index / f"tmp-{number:06d}", index / f"gen-{number:06d}"
        require_space(index, (base / NAME).stat().st_size if base else 0, "a new generation")
        self.path.mkdir()
        try:
            if base is not None:
                copy_file(base / NAME, self.path / NAME)
            reached("stage.table")
            self.table = DocumentTable(self.path / NAME, writable=True)
            self._spool = (self.path / "spool").open("wb")
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        self._unchecked = 0
        self.added = Seen()
        self.chunks = 0  # of the documents that were added
        self.tenants: dict[str, None] = {}
        self.terms: dict[tuple[str, str], tuple[int, int]] = {}  # chunks with terms and the sum of their terms, by language and tenant

    def add(self, *documents: Prepared) -> None:
        """Take documents of different ids in place of what the table held under them."""
        for document in documents:
            self.added.note(document.row.id)
            self.table.put(document.row, document.facts)
            self._sum(document.row, document.facts)
            reached("spool.write")
        self._unchecked += put_documents(self._spool, documents)
        if self._unchecked > _LOOK:
            require_space(self.path, self._unchecked, "indexing")
            self._unchecked = 0

    def _sum(self, row: DocumentRow, facts: Facts) -> None:
        self.chunks += row.chunks
        self.tenants[row.tenant] = None
        for language, (chunks, terms) in facts.terms.items():
            before = self.terms.get((language, row.tenant), (0, 0))
            self.terms[language, row.tenant] = before[0] + chunks, before[1] + terms

    def flush(self) -> None:
        """Have what was added where `spooled` reads it."""
        self._spool.flush()

    def spooled(self) -> Iterator[Spooled]:
        """Yield every document that was added, in order; after its end, what was added and flushed since."""
        self.flush()
        with (self.path / "spool").open("rb") as file:
            for frame in frames(file):
                yield from unspooled(frame)

    def close(self) -> None:
        """Write the table, and remove the spool."""
        self.table.commit()
        self.table.close()
        self._spool.close()
        (self.path / "spool").unlink()

    def discard(self) -> None:
        """Remove everything."""
        self.table.close()
        with suppress(OSError):  # what is buffered may not fit on the disk
            self._spool.close()
        shutil.rmtree(self.path, ignore_errors=True)
