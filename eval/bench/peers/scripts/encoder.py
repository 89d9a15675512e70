"""The call of an encoder alone, for what a search with embedding can be at best: this project's (`options["own"]`) or SentenceTransformer's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve

Encode = Callable[[list[str]], Any]


class EncoderAlone(Competitor):
    """Finds nothing."""

    packages = ("sentence-transformers", "transformers", "torch", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        self.encode, self.ask = own() if options.get("own") else plain(given.model)
        self.encode(["warm"])
        self.ask(["warm"])

    def index(self) -> Mapping[str, Any]:
        """Embed the passages, in one call."""
        return {"chunks": len(self.encode(self.given.passages)) if self.options.get("embed") else 0}

    def search(self, text: str) -> Sequence[Any]:
        """Embed the question."""
        self.ask([text])
        return []


def own() -> tuple[Encode, Encode]:
    """Return the calls that indexing and searches make when nothing is remembered."""
    from rag.memo import Memo
    from rag.models.files import BUNDLED
    from rag.runtime import Runtime

    encoder = Runtime(Memo(), show_progress=False).encoder(BUNDLED)
    return encoder.encode, encoder.for_questions().encode


def plain(model: str) -> tuple[Encode, Encode]:
    """Return the library's call at its defaults, for both."""
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(model)

    def encode(texts: list[str]) -> Any:
        return loaded.encode(texts, show_progress_bar=False)

    return encode, encode


if __name__ == "__main__":
    serve(EncoderAlone)
