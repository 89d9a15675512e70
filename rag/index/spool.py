"""Prepared documents on disk between the two passes of a build, their payloads as the writer process will read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, BinaryIO

import numpy as np

from rag.index.frames import Frame, put
from rag.index.prepare import Counts, Prepared, titled
from rag.index.rows import Facts


@dataclass(slots=True)
class Spooled:
    """A document as it comes out of the spool. `payloads` are JSON objects with a comma after each but the last, `sizes` their bytes without it."""

    id: str
    tenant: str
    title: str
    text: str
    facts: Facts
    ids: Sequence[str] = ()
    payloads: bytes = b""
    sizes: Sequence[int] = ()
    spans: Sequence[int] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """Return the indexed text of every chunk."""
        title, text, said = self.title, self.text, self.said
        cuts = zip(self.spans[::2], self.spans[1::2], strict=True)
        return [said[str(n)] if said and str(n) in said else titled(title, text[a:b]) for n, (a, b) in enumerate(cuts)]


def put_documents(stream: BinaryIO, documents: Sequence[Prepared]) -> int:
    """Write documents as one frame; returns about how many bytes they take."""
    texts = [d.text.encode("utf-8") for d in documents]
    payloads = [[json.dumps(p) for p in d.payloads] for d in documents]
    counts = [c for d in documents for c in d.counts.values()]
    blobs = [b"".join(texts), ",".join([p for own in payloads for p in own]).encode("ascii")]
    blobs += [b"".join([c.terms.tobytes() for c in counts]), b"".join([c.times.tobytes() for c in counts])]
    header: dict[str, Any] = {
        "own": [(d.row.id, d.row.tenant, d.row.title) for d in documents],
        "facts": [(d.facts.terms, d.facts.fields, d.facts.over_limit) for d in documents],
        "bytes": list(map(len, texts)),
        "ids": [d.ids for d in documents],
        "sizes": [list(map(len, own)) for own in payloads],
        "spans": [[at for p in d.payloads for at in (p["start"], p["end"])] for d in documents],
        "said": [{n: p["index_text"] for n, p in enumerate(d.payloads) if "index_text" in p} for d in documents],
        "terms": [{name: c.lengths for name, c in d.counts.items()} for d in documents],
    }
    put(stream, header, blobs)
    return sum(map(len, blobs))


def documents(frame: Frame) -> Iterator[Spooled]:
    """Yield the documents that a frame holds."""
    header, (texts, payloads, terms, times) = frame
    arrays = np.frombuffer(terms, dtype=np.uint32), np.frombuffer(times, dtype=np.uint32)
    text = payload = term = 0
    each = (header[name] for name in ("own", "facts", "bytes", "ids", "sizes", "spans", "said", "terms"))
    for (doc, tenant, title), facts, size, ids, sizes, spans, said, held in zip(*each, strict=True):
        counts = {}
        for name, lengths in held.items():
            end = term + sum(lengths)
            counts[name] = Counts(lengths, *(a[term:end] for a in arrays))
            term = end
        end = payload + sum(sizes) + max(0, len(sizes) - 1)
        found = Facts({k: (v[0], v[1]) for k, v in facts[0].items()}, facts[1], facts[2])
        yield Spooled(doc, tenant, title, texts[text : text + size].decode("utf-8"), found, ids, payloads[payload:end], sizes, spans, said, counts)
        text, payload = text + size, end + (1 if sizes else 0)


def payload_ranges(documents: Sequence[Spooled]) -> tuple[bytes, list[int]]:
    """Return the payloads of documents with commas between them, and where each begins; the last number is one after a last comma."""
    return b",".join(d.payloads for d in documents if d.ids), [0, *accumulate(n + 1 for d in documents for n in d.sizes)]
