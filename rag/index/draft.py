"""A generation in the making, beside the live one: its table of documents, and the spool of what will be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rag.index.faults import reached
from rag.index.files import copy_file, require_space
from rag.index.frames import frames, put
from rag.index.manifest import next_number
from rag.index.prepare import Counts, Prepared
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

    def add(self, document: Prepared) -> None:
        """Take a document in place of what the table held under its id."""
        self.added.add(document.row.id)
        self.table.put(document.row, document.facts)
        reached("spool.write")
        blobs = [document.text.encode("utf-8")]
        lengths = {}
        for name, c in document.counts.items():
            lengths[name] = c.lengths
            blobs += [c.terms.tobytes(), c.times.tobytes()]
        put(
            self._spool,
            {"row": asdict(document.row), "facts": asdict(document.facts), "ids": document.ids, "payloads": document.payloads, "terms": lengths},
            blobs,
        )
        self._unchecked += sum(map(len, blobs))
        if self._unchecked > _LOOK:
            require_space(self.path, self._unchecked, "indexing")
            self._unchecked = 0

    def spooled(self) -> Iterator[Prepared]:
        """Yield every document that was added, in order."""
        self._spool.flush()
        with (self.path / "spool").open("rb") as file:
            for header, blobs in frames(file):
                counts = {}
                for n, (name, lengths) in enumerate(header["terms"].items()):
                    counts[name] = Counts(lengths, np.frombuffer(blobs[2 * n + 1], dtype=np.uint32), np.frombuffer(blobs[2 * n + 2], dtype=np.uint32))
                row = dict(header["row"])
                row["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in row["meta"].items()}
                facts = header["facts"]
                found = Facts({k: (v[0], v[1]) for k, v in facts["terms"].items()}, facts["fields"], facts["over_limit"])
                yield Prepared(DocumentRow(**row), found, blobs[0].decode("utf-8"), header["ids"], header["payloads"], counts)

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
