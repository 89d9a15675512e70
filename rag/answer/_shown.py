"""The sources as a chat model is shown them: hidden characters out, fenced as data, and as many as its window has room for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rag.errors import ChatError
from rag.index.reader import Reader
from rag.instructions import instructions_in
from rag.models.chat import Message, counted
from rag.stages import Chat
from rag.types import Context, Hit
from rag.untrusted import Fenced, Source, fenced


@dataclass(frozen=True)
class Shown:
    """The hits that are shown, the block of text that shows them, and what was noticed on the way."""

    hits: tuple[Hit, ...]
    block: str
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a model's window a prompt may take: a share of it, and no more than leaves `reply` tokens."""

    share: float
    reply: int


def show(context: Context, question: str, reader: Reader, chat: Chat, room: Room, messages: Callable[[str], tuple[Message, ...]]) -> Shown:
    """Return the sources of a context in their order, as many as the prompt has room for.

    Those with the lowest scores are left out. `messages` gives the whole prompt for a block of sources. Raises `ChatError` (`too_long`)
    when not one source fits.
    """
    asked = reader.runtime.chat(chat)
    most = None if asked.window is None else min(int(room.share * asked.window), asked.window - room.reply)
    lowest = sorted(context.hits, key=lambda h: (h.score, h.chunk.id))

    def block(left_out: int) -> tuple[list[Hit], Fenced]:
        gone = set(map(id, lowest[:left_out]))
        kept = [h for h in context.hits if id(h) not in gone]
        return kept, fenced([Source(_name(h, reader), h.chunk.text) for h in kept], question)

    def fits(left_out: int) -> bool:
        return most is None or counted(asked, messages(block(left_out)[1].text)) <= most

    left_out = 0 if fits(0) else bisect_left(range(len(lowest)), True, lo=1, key=fits)
    hits, fence = block(left_out)
    if not hits and context.hits:
        raise ChatError(
            f"not one source fits {most} of the {asked.window} tokens of {asked.name}; use smaller chunks or a model with a larger window", "too_long"
        )
    flagged = [f for hit in hits for text in (_name(hit, reader), hit.chunk.text) for f in _families(text)]
    facts: dict[str, object] = {
        "sources": len(hits), "left_out": left_out, "hidden_characters": fence.removed, "delimiters_replaced": fence.replaced, "instructions_flagged": len(flagged),
    }  # fmt: skip
    if flagged:
        facts["instruction_families"] = sorted(set(flagged))
    return Shown(tuple(hits), fence.text, facts)


@lru_cache(maxsize=4096)
def _families(text: str) -> tuple[str, ...]:
    """Return the family of every instruction in a text; kept, since the same chunks answer many questions."""
    return tuple(f.family for f in instructions_in(text))


def _name(hit: Hit, reader: Reader) -> str:
    title = reader.document(hit.chunk.span.doc_id).title
    return f"{title} \u2014 {hit.chunk.span.doc_id}" if title else hit.chunk.span.doc_id
