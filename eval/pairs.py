"""Paired comparisons of configurations in the folder of a finished run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.comparison import adjust, compare
from eval.metrics import parse_all
from eval.records import read_jsonl, read_scores
from rag.errors import ConfigError, StoreError
from rag.fingerprint import key
from rag.registry import did_you_mean


def pair(folder: Path, a: str, b: str, metrics: Sequence[str] | None = None, by_tag: bool = False) -> dict[str, Any]:
    """Return the comparison of two configurations of a run, with `by_tag` in every tag of its questions too.

    Raises `StoreError` or `ConfigError` for what is not there, or was measured in another way.
    """
    lock_a, lock_b = lock_of(folder, a), lock_of(folder, b)
    for what in ("corpus", "questions", "judge"):
        if lock_a[what] != lock_b[what]:
            raise StoreError(f"{folder}: {a} and {b} were measured with different {what}; run them together")
    if lock_a["questions"] != asked(folder):
        raise StoreError(f"{folder}: {a} and {b} were measured on other questions than the last run into this folder; run them again")
    names = list(metrics or [m for m in lock_a["metrics"] if m in lock_b["metrics"]])
    for name in names:
        if name not in lock_a["metrics"] or name not in lock_b["metrics"]:
            raise ConfigError(f"the run has no metric {name!r}{did_you_mean(name, list(lock_a['metrics']))}; it has: {', '.join(lock_a['metrics'])}")
        if key(lock_a["metrics"][name]) != key(lock_b["metrics"][name]):
            raise StoreError(f"{folder}: {a} and {b} were measured with different versions of {name}; run them together")
    tags = {r["question"]: r["tags"] for r in _questions(folder)} if by_tag else None
    body = compare(a, read_scores(folder / a), b, read_scores(folder / b), clusters(folder), parse_all(names), tags=tags)
    return {**body, "judged": judged_in(folder)}


def asked(folder: Path) -> str:
    """Return the digest of the questions of the last run into a folder. Raises `StoreError` when there is none."""
    return str(_summary(folder)["questions"]["digest"])


def judged_in(folder: Path) -> dict[str, Any]:
    """Return what the last run into a folder says of its judge, empty where it says nothing. Raises `StoreError` when there is none."""
    return dict(_summary(folder).get("judged", {}))


def _summary(folder: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        return body if body["questions"]["digest"] else {}
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: there is no finished run; make one with `rag-eval run ... --out {folder}`") from None


def clusters(folder: Path) -> dict[str, str]:
    """Return the cluster of every question of a run. Raises `StoreError` when the run is not finished."""
    return {r["question"]: r["cluster"] for r in _questions(folder)}


def _questions(folder: Path) -> list[Mapping[str, Any]]:
    try:
        rows = read_jsonl(folder / "questions.jsonl")
        return [{"question": r["question"], "cluster": r["cluster"], "tags": list(r.get("tags", ()))} for r in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"{folder}: questions.jsonl is missing or damaged; run `rag-eval run` again with the same arguments") from None


def lock_of(folder: Path, name: str) -> Mapping[str, Any]:
    """Return the lock of a finished configuration. Raises `StoreError` where nothing is finished, `ConfigError` for a name that is not there."""
    there = sorted(p.parent.name for p in folder.glob("*/lock.json"))
    try:
        if name not in there:
            raise FileNotFoundError(name)  # also `../other/run`, which has a lock but is no configuration of this run
        return dict(json.loads((folder / name / "lock.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        if not there:
            raise StoreError(f"{folder}: there is no finished run; make one with `rag-eval run ... --out {folder}`") from None
        raise ConfigError(f"{folder} has no configuration {name!r}{did_you_mean(name, there)}; it has: {', '.join(there)}") from None


def against(folder: Path, best: str, others: Sequence[str], metric: str) -> dict[str, dict[str, Any]]:
    """Return per other configuration its paired difference from `best` on one metric, p adjusted over all of them."""
    own, groups = read_scores(folder / best), clusters(folder)
    chosen = parse_all([metric])
    rows = {o: compare(best, own, o, read_scores(folder / o), groups, chosen)["metrics"][metric] for o in others}
    adjust(list(rows.values()))
    return rows
