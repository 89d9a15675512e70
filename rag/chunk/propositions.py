"""Atomic statements to search, each tied to the sentence it comes from, inside the piece that is read in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field, ValidationError

from rag.chunk._asking import UNUSABLE, replies
from rag.chunk._place import Place, line
from rag.chunk._ruler import Unit as Measure
from rag.chunk._ruler import measure
from rag.chunk._tie import Passage
from rag.chunk._units import Unit, units, within
from rag.errors import ChatError
from rag.models.chat import Request
from rag.models.files import BUNDLED
from rag.models.structured import first_object, structured
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.stages import Chat, Chunker, bounded, model, prompt, required
from rag.text import check_language, encodable
from rag.types import Document, Piece
from rag.untrusted import Source, fenced

if TYPE_CHECKING:
    from rag.models.tokenizer import Tokenizer
    from rag.runtime import Runtime

_LONGEST = 128  # tokens of a statement that are kept


class _Statement(BaseModel):
    """One statement and the words of the passage that say it."""

    statement: str
    quote: str = ""


class _Statements(BaseModel):
    """All statements of a passage."""

    statements: list[_Statement] = Field(default_factory=list)


@register("propositions")
@dataclass(frozen=True)
class Propositions(Chunker):
    """Cuts the pieces of `over` into atomic statements (Chen et al. 2023, Dense X); the `parents` refiner widens hits to the pieces.

    `by: sentences` indexes each sentence, list item and table row of at most `size`, behind the headings above it. `by: chat` has a chat
    model write the statements of each piece with the words that say them; each stands for the sentences that hold those words, else for
    the one that has most of its terms, else for the whole piece (`statement_from` in the metadata: quote, terms, passage). Sentences that
    no statement stands for are kept as by `sentences` (`text`), so that all text can be found, also where a reply cannot be used.
    """

    over: Chunker
    by: Literal["sentences", "chat"] = "sentences"
    size: int = bounded(64, ge=1)
    header_tokens: int = bounded(48, ge=4)
    unit: Measure = "tokens"
    tokenizer: str = model("tokenizer", BUNDLED)
    language: str = "english"
    chat: Chat | None = model("chat")
    prompt: str = prompt("propositions")
    max_tokens: int = bounded(2000, ge=64)

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; a chat model that is not asked is no part of what makes an index. Raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)
        if not self.asks():
            object.__setattr__(self, "chat", None)

    def asks(self) -> bool:
        """Only `by: chat` needs a chat model here; `over` may need one of its own."""
        return self.by == "chat"

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield the statements in order of the text they come from; one that two overlapping pieces share has the first for its parent."""
        pieces, tokenizer = list(self.over.chunk(document, runtime)), runtime.tokenizer(self.tokenizer)
        place = Place(document, self.header_tokens, tokenizer)
        found = units(measure(document, runtime, self.unit, self.tokenizer), self.size, self.language)
        replied = self._replied(document, pieces, place, runtime) if self.by == "chat" else [_Statements()] * len(pieces)
        made: dict[tuple[int, int, str], Piece] = {}
        for piece, reply in zip(pieces, replied, strict=True):
            held = within(found, document.text, piece.start, piece.end)
            stated, covered = self._stated(document, piece, held, reply, tokenizer)
            kept = [self._kept(document, piece, u, place) for i, u in enumerate(held) if i not in covered]
            for p in (*stated, *kept):
                made.setdefault((p.start, p.end, p.index_text or ""), p)
        for key in sorted(made):
            yield made[key]

    def _kept(self, document: Document, piece: Piece, unit: Unit, place: Place) -> Piece:
        """Return a sentence as itself, behind the headings above it."""
        before = [place.header(unit.start, unit.end), unit.lead]
        text = "\n".join(filter(None, [*before, document.text[unit.start : unit.end]])) if any(before) else None
        meta = {**piece.meta, "statement_from": "text"} if self.by == "chat" else piece.meta
        return Piece(unit.start, unit.end, (piece.start, piece.end), text, meta)

    def _stated(self, document: Document, piece: Piece, held: list[Unit], reply: _Statements, tokenizer: Tokenizer) -> tuple[list[Piece], set[int]]:
        """Return the statements of a reply as pieces, and the sentences that they stand for."""
        if not reply.statements:
            return [], set()
        passage = Passage(document.text, held, self.language)
        found, covered = [], set()
        for item in reply.statements:
            if statement := line(item.statement, _LONGEST, tokenizer):
                first, last, how = passage.tie(statement, item.quote)
                meta = {**piece.meta, "statement_from": how}
                found.append(Piece(held[first].start, held[last].end, (piece.start, piece.end), statement, meta))
                covered |= set(range(first, last + 1)) if how != "passage" else set()
        return found, covered

    def _replied(self, document: Document, pieces: list[Piece], place: Place, runtime: Runtime) -> list[_Statements]:
        """Return the statements of each piece; all pieces of a document are asked about at once."""
        chat, written, requests = required(self.chat, self.use), load_prompt(self.prompt), []
        for piece in pieces:
            shown = [Source("title and headings", place.path(piece.start, piece.end)), Source("passage", encodable(document.text[piece.start : piece.end]))]
            messages = written.messages(sources=fenced([s for s in shown if s.text], self.use).text)
            subject = f"{document.id} [{piece.start}:{piece.end}]"
            requests.append(Request(messages, self.use, subject, max_tokens=self.max_tokens, temperature=0.0, schema=_Statements.model_json_schema()))
        texts = replies(runtime, chat, requests, f"statements of {document.id}")
        return [_Statements() if text is None else _read(text, request, chat, runtime) for text, request in zip(texts, requests, strict=True)]


def _read(text: str, request: Request, chat: Chat, runtime: Runtime) -> _Statements:
    """Return the statements of a reply; one without the form is asked for once more, and gives none when that does not help."""
    try:
        return _Statements.model_validate(first_object(text))
    except (ValidationError, ValueError):
        pass
    try:
        return structured(runtime, chat, request, _Statements)[0]
    except ChatError as error:
        if error.why not in UNUSABLE:
            raise
        return _Statements()
