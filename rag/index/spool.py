"""Prepared documents on disk between the two passes of a build, their payloads as the writer process will read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, BinaryIO

import numpy as np

from rag.index.frames import Frame, put
from rag.index.prepare import Counts, Prepared, titled
from rag.index.rows import DocumentRow, Facts, plain


@dataclass(frozen=True)
class Spooled:
    """A document as it comes out of the spool. `payloads` are JSON objects with a comma after each but the last, `sizes` their bytes without it."""

    row: DocumentRow
    facts: Facts
    text: str
    ids: Sequence[str] = ()
    payloads: bytes = b""
    sizes: Sequence[int] = ()
    spans: Sequence[int] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """Return the indexed text of every chunk."""
        title, text, said = self.row.title, self.text, self.said
        cuts = zip(self.spans[::2], self.spans[1::2], strict=True)
        return [said[str(n)] if said and str(n) in said else titled(title, text[a:b]) for n, (a, b) in enumerate(cuts)]


def put_document(stream: BinaryIO, document: Prepared) -> int:
    """Write one document; returns about how many bytes it takes."""
    payloads = [json.dumps(p) for p in document.payloads]
    blobs = [document.text.encode("utf-8"), ",".join(payloads).encode("ascii")]
    for c in document.counts.values():
        blobs += [c.terms.tobytes(), c.times.tobytes()]
    facts = document.facts
    header: dict[str, Any] = {
        "row": plain(document.row),
        "facts": [facts.terms, facts.fields, facts.over_limit],
        "ids": document.ids,
        "sizes": [len(p) for p in payloads],
        "spans": [at for p in document.payloads for at in (p["start"], p["end"])],
        "said": {n: p["index_text"] for n, p in enumerate(document.payloads) if "index_text" in p},
        "terms": {name: c.lengths for name, c in document.counts.items()},
    }
    put(stream, header, blobs)
    return sum(map(len, blobs))


def document(frame: Frame) -> Spooled:
    """Return the document that a frame holds."""
    header, (text, payloads, *arrays) = frame
    counts = {}
    for n, (name, lengths) in enumerate(header["terms"].items()):
        counts[name] = Counts(lengths, *(np.frombuffer(a, dtype=np.uint32) for a in arrays[2 * n : 2 * n + 2]))
    row = header["row"]
    row["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in row["meta"].items()}
    terms, fields, over = header["facts"]
    facts = Facts({k: (v[0], v[1]) for k, v in terms.items()}, fields, over)
    return Spooled(DocumentRow(**row), facts, text.decode("utf-8"), header["ids"], payloads, header["sizes"], header["spans"], header["said"], counts)


def payload_ranges(documents: Sequence[Spooled]) -> tuple[bytes, list[int]]:
    """Return the payloads of documents with commas between them, and where each begins; the last number is one after a last comma."""
    return b",".join(d.payloads for d in documents if d.ids), [0, *accumulate(n + 1 for d in documents for n in d.sizes)]
