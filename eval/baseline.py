"""A baseline: the scores of one configuration of a finished run with the digests that say what they were measured on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.pairs import asked, clusters, lock_of
from eval.records import read_scores
from eval.score import Score
from rag.errors import ConfigError, StoreError
from rag.index.manifest import write_json

FORMAT = 1
MUST_MATCH = ("corpus", "questions", "judge")
MAY_DIFFER = ("config", "models", "prompts", "package")


@dataclass(frozen=True)
class Measured:
    """One configuration as it was measured: its lock, its scores by metric and question, and the cluster of every question."""

    name: str
    lock: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Score]]
    clusters: Mapping[str, str]


def measured(folder: Path, name: str) -> Measured:
    """Return a configuration of a finished run. Raises `StoreError` or `ConfigError` for what is not there."""
    lock = lock_of(folder, name)
    if lock["questions"] != asked(folder):
        raise StoreError(f"{folder}: {name} was measured on other questions than the last run into this folder; run it again")
    return Measured(name, lock, _by_metric(read_scores(folder / name)), clusters(folder))


def _by_metric(scores: list[Score]) -> dict[str, dict[str, Score]]:
    found: dict[str, dict[str, Score]] = {}
    for score in scores:
        found.setdefault(score.metric, {})[score.question] = score
    return found


def accept(folder: Path, name: str, file: Path) -> Measured:
    """Write the baseline of a configuration and return it. Equal runs write equal files: times stay out. Raises as `measured`, and `StoreError` when it cannot be written."""
    found = measured(folder, name)
    scores = {m: {q: [s.value, s.why if s.value is None else ""] for q, s in sorted(by.items())} for m, by in sorted(found.scores.items())}
    kept = {k: found.lock[k] for k in (*MUST_MATCH, *MAY_DIFFER, "metrics")}
    body = {"format": FORMAT, "name": name, "lock": kept, "clusters": dict(sorted(found.clusters.items())), "scores": scores}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, body)
    except OSError as error:
        raise StoreError(f"{file}: the baseline cannot be written ({error.strerror}); give another path") from None
    return found


def read_baseline(file: Path) -> Measured:
    """Return what `accept` wrote. Raises `ConfigError` naming the file and what is wrong with it."""
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise ConfigError(f"{file}: a baseline of format {body['format']!r}, this program reads {FORMAT}; write it again with rag-eval accept")
        scores = {m: {q: Score(q, m, value, why) for q, (value, why) in by.items()} for m, by in body["scores"].items()}
        found = Measured(str(body["name"]), dict(body["lock"]), scores, dict(body["clusters"]))
        missing = [k for k in (*MUST_MATCH, *MAY_DIFFER, "metrics") if k not in found.lock]
    except OSError as error:
        raise ConfigError(f"{file}: the baseline cannot be read ({error.strerror}); write one with rag-eval accept") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{file}: this is no baseline; write one with rag-eval accept") from None
    if missing:
        raise ConfigError(f"{file}: the baseline has no {missing[0]} under lock; write it again with rag-eval accept")
    return found
