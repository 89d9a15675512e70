"""LanceDB, which writes to disk: one table with a full-text index of its own, hybrid query with its RRFReranker.

Chosen: passages, vectors and numbers handed over as one Arrow table (its fastest way in), vectors compared exactly (no ANN index, as
it advises for so few), the full-text index at its defaults, results as Arrow. Embedding with SentenceTransformer at its defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import DIMENSION, Inputs
from eval.bench.peers.protocol import Competitor, serve


class Lance(Competitor):
    """A table in a folder."""

    packages = ("lancedb", "pyarrow", "sentence-transformers", "torch", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        import lancedb
        from lancedb.rerankers import RRFReranker

        self.database = lancedb.connect(str(folder / "lance"))
        self.reranker = RRFReranker()
        self.row = dict(zip(given.queries, given.query_vectors, strict=True))
        self.model: Any = None
        if options.get("embed") or options.get("live"):
            from sentence_transformers import SentenceTransformer

            self.model = SentenceTransformer(given.model)
            self.model.encode("warm")

    def index(self) -> Mapping[str, Any]:
        """Write the table, then its full-text index."""
        import numpy as np
        import pyarrow as pa  # imported before the clock by lancedb

        rows = self.model.encode(self.given.passages) if self.live else self.given.vectors
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(rows).ravel()), DIMENSION)
        columns = [pa.array(range(len(rows))), pa.array(self.given.passages), vectors]
        self.table = self.database.create_table("passages", pa.table(columns, names=["n", "text", "vector"]))
        self.table.create_fts_index("text")
        return {"chunks": len(rows)}

    def search(self, text: str) -> Sequence[Any]:
        """Ask for both kinds at once."""
        row = self.model.encode(text) if self.live and self.model else self.row[text]
        found: Sequence[Any] = (
            self.table.search(query_type="hybrid").vector(row).text(text).distance_type("cosine").rerank(self.reranker).limit(50).to_arrow()["n"].to_pylist()
        )
        return found

    def numbers(self, found: Sequence[Any]) -> list[int]:
        """Return the column of numbers."""
        return [int(n) for n in found]


if __name__ == "__main__":
    serve(Lance)
