"""Headers that say where a chunk stands in its document: embedded and keyword-indexed with it, never quoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rag.chunk._around import after, before
from rag.chunk._asking import replies
from rag.chunk._place import Place, line
from rag.models.chat import Request
from rag.models.files import BUNDLED
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.stages import Chat, Chunker, bounded, model, prompt, required
from rag.text import encodable
from rag.types import Document, Piece
from rag.untrusted import Source, fenced

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("contextual")
@dataclass(frozen=True)
class Contextual(Chunker):
    """Cuts with `over` and puts a header in front of what is indexed of each piece: where it stands in its document.

    `by: headings` takes the headings above the piece (and the file's name where the document has no title); those that the piece
    begins with are not said twice. `by: chat` has a chat model write a line or two (Anthropic 2024, contextual retrieval). It is
    shown title, headings and at most `around` characters on either side, not the document, so that an edit asks again only for the
    chunks near it. A reply that is empty or unusable gives way to the headings, and the chunk's metadata says so (`header_from`).
    A header has at most `header_tokens`: together with the size of `over` and the document's title they should stay below what the
    encoder reads (`rag index` counts the chunks that do not).
    """

    over: Chunker
    by: Literal["headings", "chat"] = "headings"
    header_tokens: int = bounded(48, ge=4)
    around: int = bounded(1200, ge=0)
    tokenizer: str = model("tokenizer", BUNDLED)
    chat: Chat | None = model("chat")
    prompt: str = prompt("contextual")
    max_tokens: int = bounded(160, ge=16)

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; a chat model that is not asked is no part of what makes an index. Raises `ValueError`."""
        super().__post_init__()
        if not self.asks():
            object.__setattr__(self, "chat", None)

    def asks(self) -> bool:
        """Only `by: chat` needs a chat model here; `over` may need one of its own."""
        return self.by == "chat"

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield the pieces of `over` in its order, each with its header in `index_text` where there is one."""
        pieces, tokenizer = list(self.over.chunk(document, runtime)), runtime.tokenizer(self.tokenizer)
        place = Place(document, self.header_tokens, tokenizer)
        written = self._written(document, pieces, place, runtime) if self.by == "chat" else [None] * len(pieces)
        for cut, reply in zip(pieces, written, strict=True):
            header, piece = line(reply or "", self.header_tokens, tokenizer), cut
            if self.by == "chat" and not header:
                piece = replace(cut, meta={**cut.meta, "header_from": "headings"})
            header = header or place.header(piece.start, piece.end)
            text = document.text[piece.start : piece.end] if piece.index_text is None else piece.index_text
            yield replace(piece, index_text=f"{header}\n{text}") if header else piece

    def _written(self, document: Document, pieces: list[Piece], place: Place, runtime: Runtime) -> list[str | None]:
        """Return what the model writes for each piece; all of a document are asked for at once."""
        written = load_prompt(self.prompt)
        requests = []
        for piece in pieces:
            sources = [
                Source("title and headings", place.path(piece.start, piece.end)),
                Source("text before the passage", before(document, piece.start, self.around)),
                Source("text after the passage", after(document, piece.end, self.around)),
                Source("passage", encodable(document.text[piece.start : piece.end])),
            ]
            shown = fenced([s for s in sources if s.text], "contextual").text
            subject = f"{document.id} [{piece.start}:{piece.end}]"
            requests.append(Request(written.messages(sources=shown), "contextual", subject, max_tokens=self.max_tokens, temperature=0.0))
        return replies(runtime, required(self.chat, self.use), requests, f"headers of {document.id}")
