"""citation_recall, citation_precision: whether the sources that an answer cites say what it cites them for (ALCE, Gao et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.cited import Statement, statements
from eval.metrics.judged import JudgedMetric, UnscoredError, facts, given_answer, support, supported
from eval.questions import Question
from eval.score import NO_CLAIMS, NOT_APPLICABLE, Fact, Result

NO_MARK = "the answer cites nothing"


@dataclass(frozen=True)
class _Citation(JudgedMetric):
    """A metric of the answer's sentences and the sources that the marks `[n]` in each cite, counted from 1.

    Verdicts are on sentences, not on the judge's claims: a claim in other words has no place, so no mark.
    """

    def _statements(self, question: Question, result: Result) -> tuple[Statement, ...]:
        """Return the sentences of the answer. Raises `UnscoredError` where there are none."""
        found = statements(given_answer(question, result))
        if not found:
            raise UnscoredError(NO_CLAIMS, "the answer makes no statement")
        return found


@metric("citation_recall")
@dataclass(frozen=True)
class CitationRecall(_Citation):
    """The share of sentences that the sources cited for them support together; one that cites nothing is not supported.

    A number without a source is left out (ALCE: makes the sentence unsupported).
    """

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / sentences` and the verdicts."""
        made = self._statements(question, result)
        hits = 0
        evidence: list[Fact] = []
        for one in made:
            held = sources(one, result)
            judged = support(judge, [one.claim], held, question.text) if held else ()
            hits += supported(judged)
            fact = facts(judged, "answer")[0] if judged else {"of": "answer", "claim": one.claim.text, "label": "not_cited"}
            evidence.append(fact | {"cited": list(one.cited)})
        return hits / len(made), evidence


@metric("citation_precision")
@dataclass(frozen=True)
class CitationPrecision(_Citation):
    """The share of citations that matter: the sources cited for the sentence support it, and not without this one, unless it does so alone.

    A number without a source does not matter. An answer without marks has no precision.
    """

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `citations that matter / citations` and which those are."""
        evidence: list[Fact] = []
        hits = 0
        for one in self._statements(question, result):
            for number, matters in zip(one.cited, _matter(one, question, result, judge), strict=True):
                hits += matters
                evidence.append({"claim": one.claim.text, "cites": number, "matters": matters})
        if not evidence:
            raise UnscoredError(NOT_APPLICABLE, NO_MARK)
        return hits / len(evidence), evidence


def sources(one: Statement, result: Result, without: int = 0) -> list[str]:
    """Return the sources that a statement cites, save one number; numbers that have no source are left out."""
    return [result.sources[n - 1] for n in one.cited if 1 <= n <= len(result.sources) and n != without]


def _matter(one: Statement, question: Question, result: Result, judge: Judge) -> list[bool]:
    """Return for each number cited whether it matters. Raises `UnscoredError` when a verdict is missing."""

    def holds(texts: list[str]) -> bool:
        return bool(texts) and supported(support(judge, [one.claim], texts, question.text)) > 0

    together = sources(one, result)
    if not holds(together):
        return [False] * len(one.cited)

    def matters(number: int) -> bool:
        if not 1 <= number <= len(result.sources):
            return False
        return len(together) == 1 or holds([result.sources[number - 1]]) or not holds(sources(one, result, without=number))

    return [matters(number) for number in one.cited]
