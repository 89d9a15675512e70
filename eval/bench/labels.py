"""Claims that people have labelled, from a folder of JSON Lines, and how well scores order them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.judges._frequencies import Frequencies
from eval.judges.base import Claim, Judgement, unmarked
from eval.judges.embedded import Embedded, EmbeddedJudge
from eval.records import read_jsonl
from rag.errors import QuestionError
from rag.runtime import Runtime
from rag.text import analyzer


@dataclass(frozen=True)
class Row:
    """An answer, the contexts it is judged by, and whether people said that they support it."""

    id: str
    question: str
    contexts: tuple[str, ...]
    answer: str
    supported: bool

    @property
    def source(self) -> str:
        """What rows share that stand and fall together: the question, or the contexts where there is none."""
        return self.question or "\n".join(self.contexts)


def sets(folder: Path) -> list[tuple[str, list[Row]]]:
    """Return the rows of each file of a folder, by name. Raises `QuestionError` where there are none or a row lacks a field."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise QuestionError(f"{folder}: no .jsonl files of labels are there")
    return [(file.stem, [_row(file, i, r) for i, r in enumerate(read_jsonl(file), 1)]) for file in files]


def _row(file: Path, line: int, row: Mapping[str, Any]) -> Row:
    try:
        return Row(str(row.get("id", line)), str(row["question"]), tuple(map(str, row["contexts"])), str(row["answer"]), bool(row["supported"]))
    except KeyError as missing:
        raise QuestionError(f"{file}:{line}: {missing} is missing; a row is {{question, contexts, answer, supported}}") from None


def judge(rows: Sequence[Row], runtime: Runtime) -> EmbeddedJudge:
    """Return the embedded judge for these rows, not memoised: their contexts are its corpus."""
    return EmbeddedJudge.over(Frequencies.of(dict.fromkeys(c for r in rows for c in r.contexts)), Embedded(), runtime)


def plain(answer: str) -> str:
    """Return an answer on one line, without citation marks."""
    return " ".join(unmarked(answer).split())


def score(row: Row, by: EmbeddedJudge) -> float | None:
    """Return the mean score of a row's claims, None where it makes none."""
    verdicts = by.support(by.claims(row.answer) or (), row.contexts, row.question)
    scores = [v.score for v in verdicts if isinstance(v, Judgement) and v.score is not None]
    return float(np.mean(scores)) if scores else None


def containment(row: Row) -> float:
    """Return the share of the answer's distinct terms that stand in the contexts: what a judge has to beat."""
    terms = analyzer("english").terms
    words, there = set(terms(row.answer)), set(terms(" ".join(row.contexts)))
    return len(words & there) / max(1, len(words))


def whole(row: Row) -> Claim:
    """Return the answer as one claim."""
    return Claim(plain(row.answer))


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the probability that a positive scores above a negative, ties counting half (Mann-Whitney U / n0 n1)."""
    order = np.asarray(scores, dtype=np.float64)
    positive, negative = order[np.asarray(labels)], np.sort(order[~np.asarray(labels)])
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.sum() / 2 / (len(positive) * len(negative)))
