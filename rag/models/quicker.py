"""Which of several ways to compute the same is the quickest here and now, found by trying them."""

from __future__ import annotations

from collections import deque
from statistics import median

TRIES = 4  # of each way at first, of which the first is forgotten: it pays for what later ones find ready
AGAIN = 16  # calls between two trials of a way that was slower


class Quicker:
    """Keeps the last three times of each way. The one with the lowest median is taken; every so many calls one of the others is tried again.

    A way that becomes slow is left after two calls. One whose trial beats the way that is taken is tried again at once, so that it is taken from
    the second good trial on; a single good or bad time decides nothing. Threads may share it: what they mix up is a time or the count of calls,
    and never what is computed.
    """

    def __init__(self, ways: int = 2) -> None:
        """Start with nothing known of the ways 0, 1, ..."""
        self._last: list[deque[float]] = [deque(maxlen=TRIES - 1) for _ in range(ways)]
        self._tried, self._calls = [0] * ways, 0
        self._promising: int | None = None

    def way(self) -> int:
        """Return the way to go next."""
        new = [w for w, n in enumerate(self._tried) if n < TRIES]
        if new:
            return new[0]
        self._calls += 1
        best = self._best()
        promising, self._promising = self._promising, None
        if promising is not None:
            return promising
        trial, rest = divmod(self._calls, AGAIN)
        others = [w for w in range(len(self._last)) if w != best]
        return best if rest or not others else others[trial % len(others)]

    def took(self, way: int, seconds: float) -> None:
        """Keep what a call took, for work of one size."""
        self._tried[way] += 1
        self._last[way].append(seconds)
        if min(self._tried) >= TRIES and (best := self._best()) != way and seconds < median(self._last[best]):
            self._promising = way

    def _best(self) -> int:
        return min(range(len(self._last)), key=lambda w: median(self._last[w]))
