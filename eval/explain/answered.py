"""What became of evidence that was shown: used in the answer, or not, and whether the scores of the answer agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.explain.sets import both
from eval.judges.base import Label
from eval.score import Score
from rag.types import Span

ANSWER, SCORE, UNKNOWN, RIGHT = "answer", "score", "unknown", "right"
BY_WORDS = ("exact_match", "token_f1")
BY_JUDGE = ("factual_recall", "factual_correctness", "answer_correctness")  # each has verdicts on the claims of the reference
ENOUGH = 0.5  # a value from here on calls an answer right


def outcome(row: Mapping[str, Any], scores: Mapping[str, Score], evidence: Sequence[Span]) -> tuple[str, str, str]:
    """Return where a question was lost whose evidence all stood in the context: `answer`, `score`, `unknown` or `right`; why; and a detail.

    `score` is said where comparing words and the judge disagree on whether the answer is right: one of the two scored it wrongly, and
    which of them takes a person. `unknown` is said where no metric compared the answer with a reference.
    """
    if "failed" in row:
        return ANSWER, "failed", row["failed"]
    if row["abstained"]:
        return ANSWER, "declined", row["why"]
    cited = [Span(c["doc_id"], c["start"], c["end"]) for c in row["citations"]]
    if cited and not both(cited, evidence):
        return ANSWER, "cites other text", ""
    said = {**_by_words(scores), **_by_judge(scores)}
    figures = ", ".join(f"{name} {value:.2f}" for name, value in said.items())
    right = {value >= ENOUGH for value in said.values()}
    if not said:
        return UNKNOWN, "no metric compared the answer with a reference", ""
    if len(right) == 2:
        return SCORE, "words and judge disagree", figures
    return (RIGHT, "", figures) if right == {True} else (ANSWER, "wrong", figures)


def _by_words(scores: Mapping[str, Score]) -> dict[str, float]:
    """Return the best of the metrics that compare words, by name; nothing where none has a value."""
    found = {n: scores[n].value for n in BY_WORDS if n in scores}
    known = {n: v for n, v in found.items() if v is not None}
    best = max(known, key=lambda n: known[n], default=None)
    return {} if best is None else {best: known[best]}


def _by_judge(scores: Mapping[str, Score]) -> dict[str, float]:
    """Return the share of the reference's claims that the judge finds in the answer: what else an answer says makes it no wrong one."""
    for name in BY_JUDGE:
        facts = scores[name].evidence if name in scores and scores[name].value is not None else ()
        labels = [str(f["label"]) for f in facts if isinstance(f, Mapping) and f.get("of") == "reference" and "label" in f]
        if labels:
            return {"reference claims found": sum(label == Label.SUPPORTED for label in labels) / len(labels)}
    return {}
