"""Legs whose rankings the test chooses and chat models whose replies it chooses, so that results can be worked by hand."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field

import pytest

from rag.models.chat import Completion, Usage
from rag.stages import Chat, Retriever
from rag.types import Ranking, Step


@dataclass(frozen=True)
class Given(Retriever):
    """Returns the chunks it was given as `(id, score)`, best first."""

    scored: tuple[tuple[str, float], ...] = ()
    use = "given"

    def rank(self, query, reader):
        return Ranking(self.scored, Step("retrieve", "given", 0.0))


@dataclass(frozen=True)
class ByText(Retriever):
    """Returns for each text the ids it was given, best first, and keeps the queries it was asked."""

    rankings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    asked: deque = field(default_factory=deque, compare=False)
    use = "by_text"

    def rank(self, query, reader):
        self.asked.append(query)
        ids = dict(self.rankings).get(query.text, ())
        return Ranking(tuple((i, float(len(ids) - n)) for n, i in enumerate(ids)), Step("retrieve", "by_text", 0.0))


@dataclass(frozen=True)
class Scripted(Chat):
    """Gives its replies one after the other, each once."""

    replies: tuple[str, ...] = ()
    number: int = 0
    use = "scripted"

    def open(self, runtime):
        return ScriptedModel(self)


class ScriptedModel:
    """Keeps the requests; a reply costs 10 tokens of prompt and 5 of its own."""

    name, window, threads, remember = "scripted", None, 1, False

    def __init__(self, spec):
        self.identity = {"name": f"scripted {spec.number}"}
        self.replies, self.requests = deque(spec.replies), []

    def complete(self, request, on_text=None):
        self.requests.append(request)
        return Completion(self.replies.popleft(), self.name, Usage(10, 5))

    def count(self, text):
        return len(text.split())


@pytest.fixture(scope="session")
def leg():
    """Return a function from `{id: score}` or from ids, best first, to a retriever that finds them."""

    def make(scores):
        if not isinstance(scores, dict):
            scores = {i: float(len(scores) - n) for n, i in enumerate(scores)}
        return Given(tuple(sorted(scores.items(), key=lambda s: (-s[1], s[0]))))

    return make


@pytest.fixture(scope="session")
def by_text():
    """Return a function from `{text: ids}` to a retriever that finds these ids for these texts; its `asked` has every query."""
    return lambda rankings: ByText(tuple((t, tuple(ids)) for t, ids in rankings.items()))


@pytest.fixture(scope="session")
def scripted():
    """Return a function from replies to a chat model that gives them in turn and fails when asked more."""
    numbers = itertools.count()
    return lambda *replies: Scripted(replies, next(numbers))


@pytest.fixture(scope="module")
def pets(lab):
    """Return an index of six small documents."""
    documents = {"a.md": "cat mat", "b.md": "dog log", "c.md": "bird tree", "d.md": "fish sea", "e.md": "cat dog", "f.md": "tree log"}
    with lab.index(documents) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(pets):
    """Return a reader of that index."""
    return pets.reader(pets.pipeline)
