"""Chooses one of several retrievers by what the question is like."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import ranking
from rag.retrieve._rules import When
from rag.stages import Retriever, Space, bounded, model, settle
from rag.types import Query, Ranking

Nearest = Callable[[], tuple[int, str, float]]


@dataclass(frozen=True)
class Branch:
    """A retriever, and the questions it is for."""

    when: When
    retrieve: Retriever

    def __post_init__(self) -> None:
        """Settle the fields."""
        settle(self)


@register("route")
@dataclass(frozen=True)
class Route(Retriever):
    """The first of `routes` whose rule the question meets, else `otherwise`; the trace says which and why.

    Rules look at the words of the question (`longer_than`, `shorter_than`, `contains`, `quoted`, `identifier`), or at which of the
    examples given under `like` is nearest to it by the encoder, a classifier by nearest neighbour. All embeddings are remembered.
    """

    routes: tuple[Branch, ...]
    otherwise: Retriever
    model: str | None = model("encoder")
    query_prefix: str = ""
    limit: int = bounded(100, ge=1)

    def __post_init__(self) -> None:
        """Check that there is a route; raises `ValueError`."""
        super().__post_init__()
        if not self.routes:
            raise ValueError("routes: needs at least one; write routes: [{when: {longer_than: 12}, retrieve: ...}]")

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of every retriever that may be chosen."""
        return tuple(dict.fromkeys(s for r in (*(b.retrieve for b in self.routes), self.otherwise) for s in r.spaces()))

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return what the retriever for this question finds."""
        start = time.perf_counter()
        number, why = self._choose(query.text, cache(lambda: self._nearest(query.text, reader)))
        chosen = self.routes[number - 1].retrieve if number else self.otherwise
        found = chosen.rank(query, reader)
        return ranking(self.use, start, found.scored[: self.limit], [found.step], route=number, chosen=chosen.use, why=why)

    def _choose(self, text: str, nearest: Nearest) -> tuple[int, str]:
        """Return the number of the route, from 1, and why; 0 for none. A blank question takes none."""
        for number, branch in enumerate(self.routes if text.strip() else (), start=1):
            reasons = branch.when.reasons(text)
            if reasons is None:
                continue
            if branch.when.like:
                of, example, cosine = nearest()
                if of != number or cosine < branch.when.at_least:
                    continue
                reasons.append(f"like {example!r} ({cosine:.3f})")
            return number, ", ".join(reasons)
        return 0, "otherwise"

    def _nearest(self, text: str, reader: Reader) -> tuple[int, str, float]:
        """Return the route and the text of the nearest of all examples, the first of equals, and its cosine with the question."""
        examples = [(number, e) for number, b in enumerate(self.routes, start=1) for e in b.when.like]
        rows = reader.runtime.embed(self.model or "", [text, *(e for _, e in examples)], prefix=self.query_prefix)
        cosines = (rows[1:] @ rows[0]).tolist()
        best = max(range(len(cosines)), key=lambda i: (cosines[i], -i))
        return (*examples[best], float(cosines[best]))
