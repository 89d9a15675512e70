"""A leg whose ranking the test chooses, so that fusion can be worked by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rag.stages import Retriever
from rag.types import Ranking, Step


@dataclass(frozen=True)
class Given(Retriever):
    """Returns the chunks it was given as `(id, score)`, best first."""

    scored: tuple[tuple[str, float], ...] = ()
    use = "given"

    def rank(self, query, reader):
        return Ranking(self.scored, Step("retrieve", "given", 0.0))


@pytest.fixture(scope="session")
def leg():
    """Return a function from `{id: score}` or from ids, best first, to a retriever that finds them."""

    def make(scores):
        if not isinstance(scores, dict):
            scores = {i: float(len(scores) - n) for n, i in enumerate(scores)}
        return Given(tuple(sorted(scores.items(), key=lambda s: (-s[1], s[0]))))

    return make
