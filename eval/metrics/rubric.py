"""rubric: the score that a judge gives an answer on a scale of its own (ragas `DomainSpecificRubrics`), brought to 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from eval.judges.base import Judge, Missing, Why
from eval.metrics._criteria import flag, is_file, read, scale, text
from eval.metrics.base import Metric, metric
from eval.metrics.judged import JudgedMetric, failed, given_answer, had
from eval.questions import Question
from eval.score import Fact, Result
from rag.errors import ConfigError


@metric("rubric")
@dataclass(frozen=True)
class Rubric(JudgedMetric):
    """`(score - lowest) / (highest - lowest)`: 0 to 1 like other metrics, whatever the scale; the score itself is in the evidence.

    `label` is the file `{name, criterion, scale, contexts}`; only the scores that the scale lists may be given.
    """

    cut: ClassVar[str] = "FILE.yaml"
    label: str
    title: str
    criterion: str
    scale: tuple[tuple[int, str], ...]
    contexts: bool = True

    @classmethod
    def at(cls, cut: str) -> Metric:
        """Return the rubric of a file. Raises `ConfigError`."""
        if not is_file(cut):
            raise ConfigError(f"metric 'rubric{'@' * bool(cut)}{cut}' needs the path of a .yaml file after @; write rubric@FILE.yaml")
        data = read(cut, ("name", "criterion", "scale"), ("contexts",))
        return cls(cut, text(data, "name", cut), text(data, "criterion", cut), scale(data, cut), flag(data, "contexts", cut))

    @property
    def name(self) -> str:
        """The name with its file."""
        return f"{self.use}@{self.label}"

    @property
    def identity(self) -> Any:
        """The version and all that is asked: a changed file is another metric."""
        return [self.version, self.title, self.criterion, [list(row) for row in self.scale], self.contexts]

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the score on 0 to 1, with the score on its scale and the reason as evidence."""
        answer = given_answer(question, result)
        shown = [s for s in result.sources if s.strip()] if self.contexts else []
        found = had(judge.critique(self.criterion, dict(self.scale), question.text, answer, shown))
        low, high = self.scale[0][0], self.scale[-1][0]
        if found.score not in dict(self.scale):  # whoever judges: ragas lets a 9 pass on a scale of 5
            raise failed(Missing(Why.OUT_OF_RANGE, f"{found.score:g} is not on the scale of {self.label}"))
        fact: Fact = {"of": "answer", "criterion": self.title, "score": found.score, "scale": [low, high], "rationale": found.rationale}
        return (found.score - low) / (high - low), [fact]
