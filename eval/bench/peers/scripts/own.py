"""This project through its public calls: `build` to disk, `Pipeline.search` with keyword and vector legs of 50, fused by rank.

Passages come in documents of ten, which are cut where paragraphs end (`options["together"]`), or each as a document of its own. Vectors
that are given come from an encoder that looks them up; everything around it (keys, memo on disk, checks) runs as always. `options["search"]`
is `index.search`: `exact` compares every vector, as the peers do; `auto` is the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.peers.inputs import DIMENSION, PER_DOCUMENT, Inputs
from eval.bench.peers.protocol import Competitor, serve
from rag.chunk.recursive import Recursive
from rag.chunk.whole import Whole
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.models.encoder import Encoder, Vectors
from rag.models.files import BUNDLED
from rag.models.hashing import HashingEncoder
from rag.pipeline import IndexOptions, Pipeline
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.runtime import Runtime
from rag.types import Document

GIVEN, ROOT = "given", Path("/given")


class Given(HashingEncoder):
    """Looks vectors up by text; with `live` set, has the real encoder make those of questions."""

    def __init__(self, given: Inputs) -> None:
        super().__init__(DIMENSION, max_tokens=1_000_000)
        self.name = GIVEN
        self.identity = {"name": GIVEN, "digest": "0", "max_tokens": self.max_tokens, "normalized": True}
        self.rows = dict(zip([*given.passages, *given.queries], [*given.vectors, *given.query_vectors], strict=True))
        self.live: Encoder | None = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the rows that are given; a text that is not known is the probe for the dimension."""
        if self.live is not None:
            return self.live.for_questions().encode(texts)
        return np.stack([self.rows[t] if t in self.rows else np.eye(1, DIMENSION, dtype=np.float32)[0] for t in texts])


class Own(Competitor):
    """An index in a folder, and a memo beside it."""

    packages = ("spanwise", "qdrant-edge-py", "sentence-transformers", "transformers", "tokenizers", "torch", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        self.runtime = Runtime(Memo(folder / "memo.sqlite"), show_progress=False)
        self.lookup = Given(given)
        self.runtime._encoders[GIVEN] = self.lookup
        self.real: Encoder | None = None
        if options.get("embed") or options.get("live"):
            self.real = self.runtime.encoder(BUNDLED)
            self.real.encode(["warm"])
            self.real.for_questions().encode(["warm"])
        together = bool(options.get("together"))
        chunk = Recursive(size=given.largest, unit="characters") if together else Whole()
        legs = (Bm25(limit=50), Dense(limit=50, model=BUNDLED if options.get("embed") else GIVEN))
        self.pipeline = Pipeline(chunk, Rrf(of=legs, limit=50), index=IndexOptions(search=options.get("search", "auto")))
        self.documents = [Document(f"{n:07d}.txt", t) for n, t in enumerate(given.documents if together else given.passages)]
        self.places = dict(self._starts()) if together else {(d.id, 0): n for n, d in enumerate(self.documents)}

    def _starts(self) -> Iterator[tuple[tuple[str, int], int]]:
        """Yield where each passage begins, with its number."""
        start = 0
        for n, text in enumerate(self.given.passages):
            document, at = divmod(n, PER_DOCUMENT)
            start = 0 if at == 0 else start
            yield (f"{document:07d}.txt", start), n
            start += len(text) + 2

    def index(self) -> Mapping[str, Any]:
        """Build the index, then open it."""
        report = build(self.folder / "index", self.pipeline, (Loaded(d, ROOT) for d in self.documents), [ROOT], self.runtime)
        self.opened = Index.open(self.folder / "index", self.runtime)
        return {"chunks": report.chunks, "parts": {k: round(v, 3) for k, v in report.seconds.items()}}

    def search(self, text: str) -> Sequence[Any]:
        """Ask the index."""
        self.lookup.live = self.real if self.live else None
        return self.pipeline.search(self.opened, text)[0]

    def numbers(self, found: Sequence[Any]) -> list[int]:
        """Return the numbers by document and start."""
        return [self.places[h.chunk.span.doc_id, h.chunk.span.start] for h in found]

    def close(self) -> None:
        """Release the index."""
        self.opened.close()


if __name__ == "__main__":
    serve(Own)
