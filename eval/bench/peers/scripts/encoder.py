"""The call of an encoder alone, for what a search with embedding can be at best: this project's (`options["own"]`) or SentenceTransformer's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve


class EncoderAlone(Competitor):
    """Finds nothing."""

    packages = ("sentence-transformers", "transformers", "torch", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        self.encode = own() if options.get("own") else plain(given.model)
        self.encode(["warm"])

    def index(self) -> Mapping[str, Any]:
        """Embed the passages, in one call."""
        return {"chunks": len(self.encode(self.given.passages)) if self.options.get("embed") else 0}

    def search(self, text: str) -> Sequence[Any]:
        """Embed the question."""
        self.encode([text])
        return []


def own() -> Callable[[list[str]], Any]:
    """Return the call that searches make when nothing is remembered."""
    from rag.memo import Memo
    from rag.models.files import BUNDLED
    from rag.runtime import Runtime

    return Runtime(Memo(), show_progress=False).encoder(BUNDLED).encode


def plain(model: str) -> Callable[[list[str]], Any]:
    """Return the library's call at its defaults."""
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(model)
    return lambda texts: loaded.encode(texts, show_progress_bar=False)


if __name__ == "__main__":
    serve(EncoderAlone)
