"""A hard budget of model calls, seconds and money for everything that a sweep does, and a runtime that keeps to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from eval.judges._chat_budget import Budgeted, BudgetedModel, Purse, Spend, priced
from rag.errors import ConfigError, RagError
from rag.memo import Memo
from rag.models.chat import AsksOthers, ChatModel
from rag.registry import did_you_mean
from rag.runtime import Runtime
from rag.stages import Chat

T = TypeVar("T")


class OverBudget(RagError):
    """What comes next would exceed the budget; it was not begun."""


@dataclass(frozen=True)
class Budget:
    """The most that may be spent: completions of chat models, seconds of the clock, and money by the configured prices. None is no limit."""

    calls: int | None = None
    seconds: float | None = None
    money: float | None = None

    @classmethod
    def read(cls, data: Any) -> Budget:
        """Return the budget that plain data says. Raises `ConfigError` naming the key."""
        names = [f.name for f in fields(cls)]
        if not isinstance(data, dict):
            raise ConfigError(f"budget: expected a mapping of {', '.join(names)} to numbers")
        for name, value in data.items():
            if name not in names:
                raise ConfigError(f"budget.{name}: unknown key{did_you_mean(str(name), names)}; allowed: {', '.join(names)}")
            kinds = (int,) if name == "calls" else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < float("inf"):
                raise ConfigError(f"budget.{name}: expected a {'whole ' * (name == 'calls')}number of at least 0, found {value!r}")
        return cls(**data)

    def limited(self, given: Sequence[str]) -> Budget:
        """Return the budget with the limits replaced that are given as `calls=100`. Raises `ConfigError` naming the one that is wrong."""
        data: dict[str, Any] = {}
        for text in given:
            name, _, number = text.partition("=")
            try:
                data[name.strip()] = int(number) if name.strip() == "calls" else float(number)
            except ValueError:
                raise ConfigError(f"--budget {text}: write calls=N, seconds=N or money=N, with a number of at least 0") from None
        return replace(self, **{name: getattr(Budget.read(data), name) for name in data})


class Meter(Purse):
    """What was spent since it was made, held to a budget. Safe to use from several threads."""

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock."""
        super().__init__(budget.calls, budget.money)
        self.budget, self._clock, self._start = budget, clock, clock()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def check(self) -> None:
        """Raise `OverBudget` when the seconds are used up."""
        if self.budget.seconds is not None and self.seconds >= self.budget.seconds:
            raise OverBudget(f"the budget of {self.budget.seconds:g} seconds is used up")

    @contextmanager
    def held(self, most: float) -> Iterator[Spend]:
        """Count one call and hold the most that it can cost, as `Purse` does. Raises `OverBudget` before anything is sent."""
        self.check()
        spent = [0.0]
        with self._lock:
            if self.budget.calls is not None and self.calls >= self.budget.calls:
                raise OverBudget(f"the budget of {self.budget.calls} calls is used up")
            if self.budget.money is not None and self.cost + self._held + most > self.budget.money:
                raise OverBudget(
                    f"a call may cost {most:.6g} and {self.budget.money - self.cost - self._held:.6g} of the budget of {self.budget.money:g} is left"
                )
            self.calls += 1
            self._held += most
        try:
            yield lambda cost: spent.__setitem__(0, cost)
        finally:
            with self._lock:
                self._held -= most
                self.cost += spent[0]

    def lacks(self, need: Mapping[str, float]) -> str:
        """Return what of `calls`, `seconds`, `money` is not left for an estimate, as words; empty where all is."""
        used = self.spent()
        for name, most in asdict(self.budget).items():
            if most is not None and need[name] > max(0.0, most - used[name]):
                return f"about {need[name]:.6g} {name} needed, {max(0.0, most - used[name]):.6g} of {most:g} left"
        return ""

    def spent(self) -> dict[str, float]:
        """Return what was spent."""
        return {"calls": self.calls, "seconds": round(self.seconds, 3), "money": round(self.cost, 6)}


class Metered(Runtime):
    """A runtime whose every completion is counted, and which stops between two questions, batches or calls when the budget is used up."""

    def __init__(
        self, meter: Meter, memo: Memo | None = None, precision: str | None = None, show_progress: bool | None = None, record: Path | None = None
    ) -> None:
        """Take a meter; the rest is as in `Runtime`."""
        super().__init__(memo, precision, show_progress, record)
        self.meter = meter
        self._metered: dict[Chat, ChatModel] = {}

    def chat(self, spec: Chat) -> ChatModel:
        """Return the chat model, counted. One that asks others is not: those are."""
        opened = super().chat(spec)
        if isinstance(spec, Budgeted) or isinstance(opened, AsksOthers):
            return opened
        if spec not in self._metered:
            model = BudgetedModel(Budgeted(spec), opened)
            model.purse = self.meter
            self._metered[spec] = model
        return self._metered[spec]

    def unmemoised(self) -> Runtime:
        """Return a runtime as that of `Runtime`, on the same meter."""
        other = Metered(self.meter, Memo(), self.precision, show_progress=False)
        other._encoders, other._tokenizers, other._chats = self._encoders, self._tokenizers, self._chats
        other._scorers, other._metered = self._scorers, self._metered
        return other

    @contextmanager
    def progress(self, label: str, total: int, still: bool = False) -> Iterator[Callable[[int], None]]:
        """Do as `Runtime`; each advance looks at the clock."""
        with super().progress(label, total, still) as advance:

            def checked(n: int) -> None:
                advance(n)
                if n:
                    self.meter.check()

            yield checked

    def track(self, items: Iterable[T], label: str, total: int, still: bool = False) -> Iterator[T]:
        """Do as `Runtime`; the clock is looked at before each item."""
        for item in super().track(items, label, total, still):
            self.meter.check()
            yield item


def check_prices(chats: Iterable[Chat], budget: Budget) -> None:
    """Raise `ConfigError` where money is limited and a chat model that has prices names none."""
    if budget.money is None:
        return
    for chat in chats:
        for each in priced(chat):
            if getattr(each, "price_in", None) is None or getattr(each, "price_out", None) is None:
                raise ConfigError(f"a budget of money needs price_in and price_out, per million tokens, of the chat model {getattr(each, 'model', each.use)}")
