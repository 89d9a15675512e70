"""What the document-ranking metrics share: the ranked documents, their gains, and when there is nothing to rank."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import Metric, MetricAt
from eval.questions import Question
from eval.score import Result, Score


def documents(result: Result) -> tuple[str, ...]:
    """Return the documents of the ranking, each at its first (best) chunk; the order is taken as given, ties broken."""
    return tuple(dict.fromkeys(span.doc_id for span, _ in result.ranking))


def gains(question: Question, ranked: tuple[str, ...]) -> list[int]:
    """Return the grade of each ranked document, 0 when it is not relevant."""
    return [max(0, question.grades.get(doc, 0)) for doc in ranked]


def ideal(question: Question) -> list[int]:
    """Return the positive grades, best first: the gains of a perfect list. Its length is R, the number of relevant documents."""
    return sorted((grade for grade in question.grades.values() if grade > 0), reverse=True)


def unranked(question: Question, result: Result) -> str:
    """Return why no ranking can be judged for this question; empty when one can."""
    if not result.ranked:
        return "no ranking was given"
    if not question.answerable:
        return "the question is unanswerable"
    return "" if ideal(question) else "no evidence is named"


@dataclass(frozen=True)
class Ranking(Metric):
    """A metric of the whole document list; subclasses say how gains become a value."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the value of the document ranking, or `not_applicable` where nothing is relevant."""
        if why := unranked(question, result):
            return self.not_applicable(question, why)
        return self.value(question, self.of(gains(question, documents(result)), ideal(question)))

    @abstractmethod
    def of(self, found: list[int], best: list[int]) -> float:
        """Return the value, from the gains of the list and the gains of a perfect one."""


@dataclass(frozen=True)
class RankingAt(MetricAt):
    """A metric of the first `k` documents; a shorter list is marked, and scored as if padded with irrelevant ones."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the value of the first `k` documents, or `not_applicable` where nothing is relevant."""
        if why := unranked(question, result):
            return self.not_applicable(question, why)
        ranked = documents(result)
        short = f"list of {len(ranked)} document{'s' * (len(ranked) != 1)} is shorter than {self.k}" if len(ranked) < self.k else ""
        return self.value(question, self.of(gains(question, ranked[: self.k]), ideal(question)), short)

    @abstractmethod
    def of(self, found: list[int], best: list[int]) -> float:
        """Return the value, from the gains of the first `k` documents and the gains of a perfect list."""
