"""A chat model whose replies the test writes, and hits over texts the test gives."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from rag.models.chat import Completion, Usage
from rag.stages import Chat
from rag.types import Chunk, Hit, Span

NUMBERS = itertools.count()


class SaidModel:
    """Gives its replies in order, the last one for ever; keeps what it was asked."""

    name, threads, remember = "said", 1, False

    def __init__(self, replies, window):
        self.identity, self.window, self.replies, self.asked = {"name": "said"}, window, list(replies), []

    def complete(self, request, on_text=None):
        self.asked.append(request)
        reply = self.replies[0] if len(self.replies) == 1 else self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return Completion(reply, "said", Usage(10, 5))

    def count(self, text):
        return len(text.split())


@dataclass(frozen=True)
class Said(Chat):
    """Names the replies."""

    replies: tuple = ()
    window: int | None = None
    number: int = 0
    use = "said"

    def open(self, runtime):
        return SaidModel(self.replies, self.window)


@pytest.fixture
def said():
    """Return a function from replies to a chat model of its own that gives them."""
    return lambda *replies, window=None: Said(replies, window, next(NUMBERS))


@pytest.fixture(scope="session")
def source():
    """Return a function that gives a hit over a part of a text of the corpus."""

    def make(texts, doc_id, start=0, end=None, score=1.0):
        text = texts[doc_id][start:end]
        return Hit(Chunk(f"{doc_id}:{start}", Span(doc_id, start, start + len(text)), text, text), score, "bm25")

    return make
