"""What the metrics of wording share: an answer without its citation marks beside each reference answer, the best of them counts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge, unmarked
from eval.metrics.base import Metric
from eval.metrics.judged import UnscoredError, given_answer, reference
from eval.questions import Question
from eval.score import NO_CLAIMS, NOT_APPLICABLE, UNREADABLE, Result, Score
from eval.scripts import foreign


@dataclass(frozen=True)
class Overlap(Metric):
    """A metric of the words of answer and reference answers; what is in a script that it cannot read has no value."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the value against the best reference answer, or the reason why there is none. Raises `MissingExtra`."""
        try:
            answer, references = self._texts(question, result)
        except UnscoredError as missing:
            return self.none(question, missing.reason, missing.detail)
        return self.value(question, self.best(answer, references))

    def _texts(self, question: Question, result: Result) -> tuple[str, list[str]]:
        """Return the answer and the reference answers that can be read. Raises `UnscoredError`."""
        answer = " ".join(unmarked(given_answer(question, result)).split())
        reference(question)
        if not answer:
            raise UnscoredError(NO_CLAIMS, "the answer is empty but for citation marks")
        refused = {text: foreign(text, self.languages) for text in (answer, *question.answers)}
        readable = [text for text in question.answers if not refused[text]]
        if not readable:
            raise UnscoredError(NOT_APPLICABLE, f"{self.name} {refused[question.answers[0]]}")
        if refused[answer]:  # not the question's doing, so it counts as lost
            raise UnscoredError(UNREADABLE, f"{self.name} {refused[answer]}")
        return answer, readable

    def best(self, answer: str, references: Sequence[str]) -> float:
        """Return the value against the reference answer that gives the highest."""
        return max(self.of(answer, text) for text in references)

    @abstractmethod
    def of(self, answer: str, reference: str) -> float:
        """Return the value of an answer against one reference answer."""
