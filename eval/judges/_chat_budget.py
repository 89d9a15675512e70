"""A chat model with a hard budget of requests and money, and no more requests under way than it takes, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

from rag.errors import ChatError
from rag.models.chat import Asker, AsksOthers, ChatModel, Completion, OnText, Request, Usage, counted
from rag.stages import Chat

if TYPE_CHECKING:
    from rag.runtime import Runtime

SPENT_IN_VAIN = frozenset({"timeout", "disconnected", "malformed", "truncated", "refused"})  # the prompt was read, and may be on the bill
Spend = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Budgeted(Chat):
    """A chat model under a budget of its own. Two of these are never equal: each judge has its own purse."""

    chat: Chat
    most_calls: int | None = None
    most_cost: float | None = None

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the model; raises what opening the one inside raises."""
        inner = runtime.chat(self.chat)
        return (BudgetedOthers if isinstance(inner, AsksOthers) else BudgetedModel)(self, inner)


class Purse:
    """What was spent and what is held for requests under way. Safe to use from several threads."""

    def __init__(self, most_calls: int | None, most_cost: float | None) -> None:
        """Take the most requests and the most money, None for no limit."""
        self._most_calls, self._most_cost = most_calls, most_cost
        self.calls, self.cost, self._held = 0, 0.0, 0.0
        self._lock = Lock()

    @contextmanager
    def held(self, most: float) -> Iterator[Spend]:
        """Count one request and hold the most that it can cost; yields what says its cost. Raises `ChatError` (`over_budget`) before anything is sent."""
        with self._lock:
            if self._most_calls is not None and self.calls >= self._most_calls:
                raise ChatError(
                    f"the judge has made all {self._most_calls} requests of most_calls; raise it and run again: what is judged is kept", "over_budget"
                )
            if self._most_cost is not None and self.cost + self._held + most > self._most_cost:
                left = self._most_cost - self.cost - self._held
                raise ChatError(
                    f"{left:.6g} of most_cost is left and a request may cost {most:.6g}; raise it and run again: what is judged is kept", "over_budget"
                )
            self.calls += 1
            self._held += most
        spent = [0.0]
        try:
            yield lambda cost: spent.__setitem__(0, cost)
        finally:
            with self._lock:
                self._held -= most
                self.cost += spent[0]

    def give_back(self) -> None:
        """Take back a request that turned out to be remembered."""
        with self._lock:
            self.calls -= 1


class BudgetedModel:
    """The model inside under its own name and identity: a reply is remembered as its own."""

    def __init__(self, spec: Budgeted, inner: ChatModel) -> None:
        """Take the specification and the opened model."""
        self.inner, self.purse = inner, Purse(spec.most_calls, spec.most_cost)
        self.name, self.identity, self.window = inner.name, inner.identity, inner.window
        self.threads, self.remember = inner.threads, inner.remember
        self.max_tokens = getattr(inner, "max_tokens", None)
        self._price = prices(spec.chat)
        self._slots = BoundedSemaphore(max(1, inner.threads))

    def count(self, text: str) -> int:
        """Return the tokens of a text."""
        return self.inner.count(text)

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return the reply, within the budget. Raises `ChatError`."""
        return self._within(request, lambda: self.inner.complete(request, on_text))

    def _within(self, request: Request, ask: Callable[[], Completion]) -> Completion:
        prompt = counted(self.inner, request.messages) if any(self._price) else 0
        with self._slots, self.purse.held(self._cost(Usage(prompt, self.max_tokens or request.max_tokens))) as spend:
            try:
                completion = ask()
            except ChatError as error:
                if error.why in SPENT_IN_VAIN:
                    spend(self._cost(Usage(prompt, (self.max_tokens or request.max_tokens) if error.why == "truncated" else 0)))
                raise
            if completion.remembered:
                self.purse.give_back()
            else:
                spend(completion.usage.cost)
            return completion

    def _cost(self, usage: Usage) -> float:
        return (usage.prompt * self._price[0] + usage.completion * self._price[1]) / 1e6


class BudgetedOthers(BudgetedModel):
    """A model that asks others: each of them remembers its own replies, and those cost nothing."""

    def pass_on(self, request: Request, ask: Asker, on_text: OnText | None = None) -> Completion:
        """Return the reply of one of the others, within the budget. Raises `ChatError`."""
        inner: Any = self.inner
        return self._within(request, lambda: inner.pass_on(request, ask, on_text))

    def others(self) -> Sequence[ChatModel]:
        """Return those that may be asked."""
        inner: Any = self.inner
        found: Sequence[ChatModel] = inner.others()
        return found


def priced(chat: Chat) -> list[Chat]:
    """Return the chat models in a specification, itself included, that have prices."""
    found = [chat] if hasattr(chat, "price_in") and hasattr(chat, "price_out") else []
    for f in fields(chat):  # type: ignore[arg-type]  # every registered part is a dataclass
        value = getattr(chat, f.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Chat):
                found += priced(item)
    return found


def prices(chat: Chat) -> tuple[float, float]:
    """Return the highest price of a million tokens read and written, among all models that a specification may ask; 0 where none is said."""
    held = priced(chat)
    return tuple(max((getattr(c, name) or 0.0 for c in held), default=0.0) for name in ("price_in", "price_out"))  # type: ignore[return-value]  # two names
