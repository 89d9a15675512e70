"""What the requests to one endpoint may take together: a rate per minute, and a budget of tokens and money."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from rag.errors import ChatError
from rag.models.chat import Usage

MINUTE = 60.0


class Rate:
    """At most so many requests and tokens within any minute, whichever threads they come from. None is no limit."""

    def __init__(
        self, requests: int | None, tokens: int | None, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._requests, self._tokens, self._clock, self._sleep = requests, tokens, clock, sleep
        self._sent: deque[list[float]] = deque()  # time and tokens of each request of the last minute, oldest first
        self._until = 0.0
        self._lock = Lock()

    def take(self, tokens: int, most: float) -> bool:
        """Wait for room for one request of so many tokens and take it, or return False when that takes more than `most` seconds.

        A request of more tokens than a minute has is let through alone: the endpoint decides about it.
        """
        end = self._clock() + most
        while True:
            with self._lock:
                now = self._clock()
                wait = self._wait(tokens, now)
                if wait <= 0:
                    self._sent.append([now, tokens])
                    return True
            if now + wait > end:
                return False
            self._sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long: an endpoint that asks one thread to wait means all of them."""
        with self._lock:
            self._until = max(self._until, self._clock() + seconds)

    def _wait(self, tokens: int, now: float) -> float:
        while self._sent and self._sent[0][0] <= now - MINUTE:
            self._sent.popleft()
        wait = self._until - now
        if self._requests is not None and len(self._sent) >= self._requests:
            wait = max(wait, self._sent[len(self._sent) - self._requests][0] + MINUTE - now)
        if self._tokens is not None:
            held = sum(t for _, t in self._sent)
            for at, used in self._sent:
                if held + tokens <= self._tokens:
                    break
                held -= used
                wait = max(wait, at + MINUTE - now)
        return wait


class Budget:
    """Tokens and money that may be spent from when it is made. What is under way counts with the most that it can cost."""

    def __init__(self, tokens: int | None, cost: float | None, name: str) -> None:
        self.spent = Usage()
        self._tokens, self._cost, self._name = tokens, cost, name
        self._held: list[Usage] = []
        self._lock = Lock()

    @contextmanager
    def held(self, most: Usage) -> Iterator[Callable[[Usage], None]]:
        """Hold the most that a request can cost while it is under way; yields what takes its real usage.

        Raises `ChatError` (`over_budget`) when it could go beyond the budget: nothing is sent then.
        """
        used: list[Usage] = []
        with self._lock:
            self._check(most)
            self._held.append(most)
        try:
            yield used.append
        finally:
            with self._lock:
                self._held.remove(most)
                self.spent = sum(used, self.spent)

    def _check(self, most: Usage) -> None:
        so_far = sum(self._held, self.spent)
        total, used = so_far + most, so_far.prompt + so_far.completion
        fix = "raise it or ask another model; it starts anew with each process"
        if self._tokens is not None and total.prompt + total.completion > self._tokens:
            asked = f"{self._name}: a request of up to {most.prompt + most.completion} tokens would go beyond budget_tokens {self._tokens}"
            raise ChatError(f"{asked} ({used} used or under way); {fix}", "over_budget")
        if self._cost is not None and total.cost > self._cost:
            asked = f"{self._name}: a request that may cost {most.cost:.4g} would go beyond budget_cost {self._cost:g}"
            raise ChatError(f"{asked} ({so_far.cost:.4g} used or under way); {fix}", "over_budget")
