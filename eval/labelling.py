"""Claims of a run for a person to label: drawn at random by seed, written without the judge's verdict, and read back when they are filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.question_problems import Problems, Row, read_rows
from eval.score import Score
from rag.errors import ConfigError, QuestionError, StoreError

# What the claims of a metric are held against, as its verdicts were.
SHOWN = ("faithfulness", "context_recall", "factual_precision", "factual_recall")
Place = tuple[str, str, str, str]  # configuration, metric, question, claim


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim of a question with the judge's verdict."""

    question: str
    claim: str
    supported: bool


def verdicts(scores: Sequence[Score], metric: str) -> dict[str, list[Verdict]]:
    """Return the verdicts that each of a metric's values is the share of, by question; values that rest on none have an empty list.

    Raises `ConfigError` when a value is not the share of its verdicts: then people's verdicts could not take the judge's place.
    """
    found: dict[str, list[Verdict]] = {}
    for score in scores:
        if score.metric != metric or score.value is None:
            continue
        facts = [f for f in score.evidence if isinstance(f, Mapping) and "claim" in f and "label" in f]
        own = found[score.question] = [Verdict(score.question, str(f["claim"]), f["label"] == "supported") for f in facts]
        if own and abs(sum(v.supported for v in own) / len(own) - score.value) > 1e-9:
            raise ConfigError(f"{metric} of question {score.question!r} is not the share of its supported claims; choose a metric that is: {', '.join(SHOWN)}")
    return found


def rests_on_verdicts(score: Score) -> bool:
    """Whether a judge was asked for a value: one whose evidence is words alone, such as that no source was shown, is right as it is."""
    return not score.evidence or any(isinstance(fact, Mapping) for fact in score.evidence)


def drawn(claims: Mapping[str, Sequence[Verdict]], n: int, seed: int) -> list[Verdict]:
    """Return `n` claims, or all there are: one random claim of each question in random order, then a second of each, and so on.

    So every question is as likely as any other to have a label, which is what a mean over questions needs; repeated texts come once.
    """
    rng = np.random.default_rng([seed, 3])
    names = sorted(claims)
    queues = []
    for i in rng.permutation(len(names)):
        own = list({v.claim: v for v in claims[names[i]]}.values())
        queues.append([own[j] for j in rng.permutation(len(own))])
    rounds = [queue[depth] for depth in range(max(map(len, queues), default=0)) for queue in queues if depth < len(queue)]
    return rounds[:n]


def label_row(config: str, metric: str, verdict: Verdict, number: int, question: str, contexts: Sequence[str]) -> dict[str, Any]:
    """Return a row to fill in: a labelled row of `rag-eval certify` too, once `supported` is true or false."""
    return {
        "id": f"{config}/{metric}/{number}", "config": config, "metric": metric, "question_id": verdict.question,
        "question": question, "contexts": list(contexts), "answer": verdict.claim, "supported": None,
    }  # fmt: skip


def held_against(metric: str, row: Mapping[str, Any], texts: Mapping[str, str], references: Sequence[str]) -> list[str]:
    """Return what the claims of one question were held against: sources, the reference answer or the answer.

    `row` is one of `answers.jsonl`, `texts` are the documents by id. Raises `StoreError` for a document that is not in the corpus.
    """
    if metric == "factual_precision":
        return list(references[:1])
    if metric == "factual_recall":
        return [str(row["answer"])]
    if "sources" in row:
        return [str(text) for text in row["sources"]]
    try:
        return [texts[c["doc_id"]][c["start"] : c["end"]] for c in row["contexts"]]
    except KeyError as missing:
        raise StoreError(f"the corpus has no document {missing}; give the corpus that the run was made on") from None


def read_filled(file: Path) -> tuple[dict[Place, bool], int]:
    """Return what people said by configuration, metric, question and claim, and how many rows are still null.

    Raises one `QuestionError`: the first problem, and how many more there are.
    """
    if not file.is_file():
        raise QuestionError(f"{file}: there is no such file; write one with rag-eval label, and fill in supported")
    problems = Problems(file.name)
    found: dict[Place, bool] = {}
    open_ = 0
    for row in read_rows(file, problems):
        place, supported = _place(row, problems), row.data.get("supported")
        if supported is None:
            open_ += 1
        elif not isinstance(supported, bool):
            problems.note(f"{file.name} line {row.line}: supported is {json.dumps(supported)[:40]}; write true, false, or null where you cannot say")
        elif place is not None and found.setdefault(place, supported) != supported:
            problems.note(f"{file.name} line {row.line}: this claim has another label on an earlier line; keep one of them")
    problems.check()
    if not found:
        raise QuestionError(f"{file}: no row has a label; write true or false in supported")
    return found, open_


def _place(row: Row, problems: Problems) -> Place | None:
    names = ("config", "metric", "question_id", "answer")
    values = [row.data.get(name) for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str):
            problems.note(
                f"{problems.file} line {row.line}: {name} is missing or no string; fill in files that rag-eval label wrote, and change supported only"
            )
            return None
    return str(values[0]), str(values[1]), str(values[2]), str(values[3])
