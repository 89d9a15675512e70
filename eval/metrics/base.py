"""What a metric is, and how a name such as `recall@5` becomes one."""

from __future__ import annotations

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from eval.judges.base import Judge
from eval.questions import Question
from eval.score import NOT_APPLICABLE, Fact, Result, Score, because
from rag.errors import ConfigError
from rag.registry import did_you_mean

_METRICS: dict[str, type[Metric]] = {}
M = TypeVar("M", bound="Metric")


@dataclass(frozen=True)
class Metric(ABC):
    """A frozen value; equal parameters are equal metrics. `version` goes up when a value it gives changes."""

    use: ClassVar[str]
    higher_is_better: ClassVar[bool] = True
    range: ClassVar[tuple[float, float | None]] = (0.0, 1.0)
    version: ClassVar[int] = 1
    needs_judge: ClassVar[bool] = False
    languages: ClassVar[tuple[str, ...] | None] = None  # None: any
    correctable: ClassVar[bool] = False  # whether the mean is one of yes-no verdicts, which a judge's known error can be taken out of
    needs_ages: ClassVar[bool] = False  # whether a document's date can change a value
    cut: ClassVar[str] = ""  # what may stand after @ in its name

    @property
    def name(self) -> str:
        """The one spelling, from command line to report."""
        return self.use

    @property
    def identity(self) -> Any:
        """What a value depends on besides the name, as JSON: the version, and the content of a file where the metric reads one."""
        return self.version

    @classmethod
    def at(cls, cut: str) -> Metric:
        """Return the metric with what stood after @ in its name, empty for nothing. Raises `ConfigError`."""
        if cut:
            raise ConfigError(f"metric '{cls.use}@{cut}' takes no cut; write {cls.use}")
        return cls()

    @classmethod
    def each(cls, cut: str) -> tuple[Metric, ...]:
        """Return the metrics that one name stands for: more than one where the cut leaves a choice open. Raises `ConfigError`."""
        return (cls.at(cut),)

    @classmethod
    def spelling(cls) -> str:
        """Return how the name is written, with what belongs after @ in words."""
        return f"{cls.use}@{cls.cut}" if cls.cut else cls.use

    def check(self) -> None:
        """Raise `MissingExtra` when an optional package that this metric needs is not installed."""
        return

    @abstractmethod
    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:
        """Return exactly one score: a value within `range`, or the reason why there is none."""

    def value(self, question: Question, value: float, mark: str = "", evidence: Iterable[Fact] = ()) -> Score:
        """Return a score with a value, perhaps marked."""
        return Score(question.id, self.name, value, mark, tuple(evidence))

    def none(self, question: Question, reason: str, detail: str = "") -> Score:
        """Return a score without a value, with its reason."""
        return Score(question.id, self.name, None, because(reason, detail))

    def not_applicable(self, question: Question, detail: str) -> Score:
        """Return the score of a question this metric says nothing about."""
        return self.none(question, NOT_APPLICABLE, detail)


@dataclass(frozen=True)
class MetricAt(Metric):
    """A metric of the first `k` entries of a list, spelled `name@k`."""

    cut: ClassVar[str] = "k"
    k: int

    @classmethod
    def at(cls, cut: str) -> Metric:
        """Return the metric of the first `cut` entries. Raises `ConfigError` unless that is a whole number of at least 1."""
        if not re.fullmatch(r"[1-9][0-9]{0,5}", cut):
            raise ConfigError(f"metric '{cls.use}{'@' * bool(cut)}{cut}' needs a whole number of at least 1 after @; write {cls.use}@10")
        return cls(int(cut))

    @property
    def name(self) -> str:
        """The name with its cut."""
        return f"{self.use}@{self.k}"


def metric(use: str) -> Callable[[type[M]], type[M]]:
    """Class decorator that makes a metric known under `use`, without its cut. Raises `TypeError` when the name is taken."""

    def add(cls: type[M]) -> type[M]:
        if use in _METRICS and _METRICS[use].__qualname__ != cls.__qualname__:
            raise TypeError(f"metric {use!r} is registered by {_METRICS[use].__module__} already")
        cls.use = use
        _METRICS[use] = cls
        return cls

    return add


def metrics() -> dict[str, type[Metric]]:
    """Return every metric by name, sorted; the modules of this package are imported to find them."""
    package = importlib.import_module("eval.metrics")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"eval.metrics.{module.name}")
    return dict(sorted(_METRICS.items()))


def names() -> list[str]:
    """Return every spelling a user may write, with what belongs after @ named."""
    return [cls.spelling() for cls in metrics().values()]


def parse(name: str) -> Metric:
    """Return the metric spelled `name` (`ndcg@10`, `map`). Raises `ConfigError` naming near misses and every choice."""
    cls, cut = _split(name)
    return cls.at(cut)


def parse_all(names_given: Iterable[str]) -> tuple[Metric, ...]:
    """Return the metrics of several names, each once, in order. Raises `ConfigError` as `parse` does."""
    found: dict[Metric, None] = {}
    for name in names_given:
        cls, cut = _split(name)
        found |= dict.fromkeys(cls.each(cut))
    return tuple(found)


def _split(name: str) -> tuple[type[Metric], str]:
    """Return the class and the cut of a name. Raises `ConfigError` for an unknown name, and for an @ with nothing behind it."""
    use, at, cut = name.strip().partition("@")
    cls = metrics().get(use)
    if cls is None:
        raise ConfigError(f"no metric is called {name!r}{did_you_mean(use, list(metrics()))}; there are: {', '.join(names())}")
    if at and not cut and cls.spelling() == use:
        raise ConfigError(f"metric '{name}' takes no cut; write {use}")
    return cls, cut
