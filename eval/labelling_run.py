"""Draws claims of a finished run to be labelled, with the texts that its judge held them against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.labelling import SHOWN, drawn, held_against, label_row, verdicts
from eval.pairs import lock_of
from eval.records import read_jsonl, read_scores
from eval.task import corpus_digest, read_corpus
from rag.config import parse
from rag.errors import ConfigError, StoreError
from rag.loaders.limits import Limits
from rag.registry import did_you_mean


def draw(folder: Path, config: str, corpus: Path, n: int, metric: str, seed: int) -> tuple[list[dict[str, Any]], int]:
    """Return `n` rows to fill in, in random order, and how many claims there are to draw from.

    Raises `StoreError` when the run or the corpus is not what it should be, `ConfigError` for names that the run does not have.
    """
    lock = lock_of(folder, config)
    if metric not in SHOWN:
        raise ConfigError(f"claims of {metric!r} cannot be drawn{did_you_mean(metric, list(SHOWN))}; choose: {', '.join(SHOWN)}")
    if metric not in lock["metrics"]:
        raise ConfigError(f"{folder}: {config} was not measured by {metric}; run it with --metrics {metric}")
    claims = verdicts(read_scores(folder / config), metric)
    chosen = drawn(claims, n, seed)
    if not chosen:
        raise ConfigError(f"{folder}: {config} has no judged claim of {metric}")
    texts = _texts(corpus, lock["corpus"], folder)
    questions = {row["question"]: row for row in read_jsonl(folder / "questions.jsonl")}
    answers = {row["question"]: row for row in read_jsonl(folder / config / "answers.jsonl")}
    rows = []
    for number, verdict in enumerate(chosen):
        asked = questions[verdict.question]
        contexts = held_against(metric, answers[verdict.question], texts, asked["answers"])
        rows.append(label_row(config, metric, verdict, number, asked["text"], contexts))
    return rows, sum(len({v.claim for v in own}) for own in claims.values())


def _texts(corpus: Path, digest: str, folder: Path) -> dict[str, str]:
    """Return the documents of the run's corpus by id, read as the run read them. Raises `StoreError` for another corpus."""
    configs = [json.loads(path.read_text(encoding="utf-8"))["config"] for path in sorted(folder.glob("*/lock.json"))]
    limits = [Limits.from_options(parse(config).index) for config in configs if config.get("use") != "outside"]
    documents, _ = read_corpus(corpus, Limits.widest(limits or [Limits()]))
    if corpus_digest(documents) != digest:
        raise StoreError(f"{corpus} is not the corpus that the run was made on, or has changed since; give that one, or run again")
    return {d.id: d.text for d in documents}
