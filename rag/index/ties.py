"""Rankings whose ties are broken by id, from engines that return ties in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rag.index.engine import Scored

EXTRA = 4  # fetched beyond `limit`, so that ties at the edge are broken by id and not by the engine


def past_ties(fetch: Callable[[int], Iterable[Scored]], limit: int) -> list[Scored]:
    """Return the best `limit` ids and scores by (-score, id).

    `fetch(n)` returns the best n in any order, fewer when there are no more. It is asked for more as long as the
    last one it returned ties with the last one wanted, since ids that sort earlier may still be missing.
    """
    if limit < 1:
        return []
    wanted = limit + EXTRA
    while True:
        found = sorted(fetch(wanted), key=lambda s: (-s[1], s[0]))
        if len(found) < wanted or found[-1][1] < found[limit - 1][1]:
            return found[:limit]
        wanted *= 4
