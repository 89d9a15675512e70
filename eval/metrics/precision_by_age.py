"""precision_by_age@k/low-high: retrieval precision among documents of one age, to show a system that serves what is out of date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.metrics.ranking import documents, gains, unranked
from eval.questions import Question
from eval.score import Result, Score
from rag.errors import ConfigError

BANDS: tuple[tuple[int, int | None], ...] = ((0, 30), (30, 180), (180, 365), (365, None))


@metric("precision_by_age")
@dataclass(frozen=True)
class PrecisionByAge(Metric):
    """Of the first `k` documents, those at least `low` and less than `high` days old: the share that is relevant.

    Written `precision_by_age@5/30-180`; `365-` is without an upper end. `precision_by_age@5` in a list of metrics stands for the
    four bands of `BANDS`. A date still to come counts as 0 days. How many of the first `k` have no date is marked.
    """

    needs_ages: ClassVar[bool] = True
    cut: ClassVar[str] = "k/low-high"
    k: int
    low: int
    high: int | None = None

    @classmethod
    def at(cls, cut: str) -> Metric:
        """Return the metric of one band. Raises `ConfigError` unless the cut is `k/low-high` with `low` below `high`."""
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([0-9]{1,6})-([0-9]{0,6})", cut)
        if found:
            low, high = int(found[2]), int(found[3]) if found[3] else None
            if high is None or low < high:
                return cls(int(found[1]), low, high)
        raise ConfigError(f"metric '{cls.use}{'@' * bool(cut)}{cut}' needs how many documents and an age in days after @; write {cls.use}@5/30-180")

    @classmethod
    def each(cls, cut: str) -> tuple[Metric, ...]:
        """Return the metrics of all bands where only `k` is given."""
        if re.fullmatch(r"[1-9][0-9]{0,5}", cut):
            return tuple(cls(int(cut), low, high) for low, high in BANDS)
        return (cls.at(cut),)

    @property
    def name(self) -> str:
        """The name with how many documents and which ages."""
        return f"{self.use}@{self.k}/{self.low}-{'' if self.high is None else self.high}"

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return `relevant in the band / documents in the band`, or `not_applicable` where the first `k` have none in it."""
        if why := unranked(question, result):
            return self.not_applicable(question, why)
        first = documents(result)[: self.k]
        undated = sum(doc not in result.ages for doc in first)
        if undated == len(first):
            return self.not_applicable(question, "no age is known of the documents found" if first else "nothing was found")
        band = tuple(doc for doc in first if doc in result.ages and self._holds(result.ages[doc]))
        if not band:
            return self.not_applicable(question, f"none of the first {self.k} documents is of that age")
        mark = f"{undated} of the first {len(first)} documents without a date" if undated else ""
        return self.value(question, sum(g > 0 for g in gains(question, band)) / len(band), mark)

    def _holds(self, age: float) -> bool:
        days = max(0.0, age)
        return self.low <= days and (self.high is None or days < self.high)
