"""context_entity_recall: the share of the reference answer's entities that the context names (ragas `ContextEntityRecall`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import NO_SOURCE, JudgedMetric, UnscoredError, had, reference
from eval.questions import Question
from eval.score import NOT_APPLICABLE, Fact, Result


def plain(entities: Iterable[str]) -> dict[str, None]:
    """Return entities without case and odd white space, each once, in order (ragas compares letter for letter: paris is not Paris)."""
    return dict.fromkeys(" ".join(entity.split()).casefold() for entity in entities)


@metric("context_entity_recall")
@dataclass(frozen=True)
class ContextEntityRecall(JudgedMetric):
    """Entities of the first reference answer that are also entities of the sources; a reference without any has no value (ragas: 0)."""

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `found / wanted` and which entities were found."""
        wanted = plain(had(judge.entities(reference(question))))
        if not wanted:
            raise UnscoredError(NOT_APPLICABLE, "the reference answer names no entity")
        if not result.sources:
            return 0.0, (NO_SOURCE,)
        named = plain(had(judge.entities("\n".join(result.sources))))
        return sum(entity in named for entity in wanted) / len(wanted), [{"entity": entity, "found": entity in named} for entity in wanted]
