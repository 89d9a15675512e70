"""What each part of a configuration is worth: it is run again with one part changed at a time, on the same questions, and paired."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.explain.ablate import Ablation, ablations
from eval.explain.timing import Pair, timings
from eval.metrics import parse_all
from eval.pairs import asked, clusters, lock_of
from eval.records import read_jsonl, read_scores, spent
from eval.runner import run_task
from eval.stats import holm, paired
from eval.task import Task, prepare
from rag.config import parse
from rag.errors import ConfigError, StoreError
from rag.loaders.limits import Limits
from rag.runtime import Runtime

METRICS = ("span_recall", "ndcg@10", "factual_correctness")
MILLISECONDS, LATENCY = "milliseconds", "latency_ms"
COSTS = (MILLISECONDS, "context tokens", "chat tokens")
FULL = "full"
Values = Mapping[str, Mapping[str, float]]


def worth(folder: Path, config: str, corpus: Path, questions: Path, metrics: Sequence[str], judge: str, runtime: Runtime) -> dict[str, Any]:
    """Return what each part of a configuration of a run adds: `delta` is the configuration minus the variant without the part.

    Milliseconds are those of the questions timed, in turn with each variant (`eval.explain.timing`); tokens are per question. Raises `StoreError` when corpus
    or questions are not those of the run, and what running raises.
    """
    lock = lock_of(folder, config)
    pipeline = parse(lock["config"])
    if lock["questions"] != asked(folder):
        raise StoreError(f"{folder}: {config} was measured on other questions than the last run into this folder; run it again")
    limit = len(read_jsonl(folder / "questions.jsonl"))
    variants = ablations(pipeline)
    if not variants:
        raise ConfigError(f"{config} has no part that can be left out: one leg, no refiner, whole documents, no budget")
    named = {FULL: pipeline, **{v.name: v.pipeline for v in variants}}
    most = Limits.widest([Limits.from_options(p.index) for p in named.values()])
    timed = None if LATENCY in metrics else 0  # milliseconds are taken in turn below, so the runs need none
    task = prepare(corpus, questions, metrics, judge, limit, most, runtime, None, timed)
    _same(config, lock, task)
    with tempfile.TemporaryDirectory() as place:
        files = {name: Path(place) / f"{i:02d} {name}" for i, name in enumerate(named)}
        run_task({files[n].name: p for n, p in named.items()}, task, Path(place), runtime)
        return _measured(config, variants, files, [m.name for m in task.metrics], timings(FULL, named, task, runtime))


def _same(config: str, lock: Mapping[str, Any], task: Task) -> None:
    for what, digest in (("corpus", task.corpus_digest), ("questions", task.questions_digest)):
        if digest != lock[what]:
            raise StoreError(f"these {what} are not those that {config} was measured on (another digest); give those, or run again")


def _measured(
    config: str, variants: Sequence[Ablation], files: Mapping[str, Path], names: Sequence[str], times: Mapping[str, Mapping[str, Pair]]
) -> dict[str, Any]:
    groups = clusters(files[FULL].parent)
    full = _values(files[FULL], names)
    parts = [_part(v, full, _values(files[v.name], names), times[v.name], groups) for v in variants]
    _adjust(parts)
    points = [m.name for m in parse_all(names) if m.range == (0.0, 1.0)]
    return {
        "config": config,
        "metrics": list(names),
        "points": points,
        "parts": parts,
        "fusion": _fusion(parts, names[0]),
        "notes": _notes(parts, names[0], names[0] in points),
    }


def _values(folder: Path, metrics: Sequence[str]) -> Values:
    """Return by metric, then by cost, the value of each question that has one."""
    found: dict[str, dict[str, float]] = {name: {} for name in (*metrics, *COSTS)}
    for score in read_scores(folder):
        if score.value is not None and score.metric in found:
            found[score.metric][score.question] = score.value
    for row in read_jsonl(folder / "answers.jsonl"):
        if "failed" not in row:
            chat = spent([row])
            found["context tokens"][row["question"]] = float(row["context_tokens"])
            found["chat tokens"][row["question"]] = chat["prompt_tokens"] + chat["completion_tokens"]
    return found


def _part(variant: Ablation, full: Values, without: Values, times: Mapping[str, Pair], groups: Mapping[str, str]) -> dict[str, Any]:
    rows = {}
    full = {**full, MILLISECONDS: {q: ms for q, (ms, _) in times.items()}}
    without = {**without, MILLISECONDS: {q: ms for q, (_, ms) in times.items()}}
    for name, own in full.items():
        if name == "chat tokens" and not any(own.values()) and not any(without[name].values()):
            continue
        rows[name] = _row(own, without[name], groups)
    return {"name": variant.name, "change": variant.change, "what": variant.what, "worth": rows}


def _row(own: Mapping[str, float], other: Mapping[str, float], groups: Mapping[str, str]) -> dict[str, Any]:
    names = sorted(own.keys() & other.keys())
    if not names:
        return {"n": 0, **dict.fromkeys(("delta", "low", "high", "p", "p_adjusted", "with", "without"))}
    a, b = [own[n] for n in names], [other[n] for n in names]
    found = paired(a, b, [groups[n] for n in names])
    ends = {"with": sum(a) / len(a), "without": sum(b) / len(b)}
    return {"n": found.n, "delta": found.delta, "low": found.low, "high": found.high, "p": found.p, "p_adjusted": None, **ends}


def _adjust(parts: Sequence[Mapping[str, Any]]) -> None:
    """Write p adjusted by Holm into every row: the family of a metric is all parts."""
    for name in parts[0]["worth"]:
        rows = [p["worth"][name] for p in parts if name in p["worth"] and p["worth"][name]["p"] is not None]
        for row, p in zip(rows, holm([r["p"] for r in rows]), strict=True):
            row["p_adjusted"] = p


def _fusion(parts: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any] | None:
    """Return the row of the fusion against its best single leg by the first metric, None where there is no fusion."""
    legs = [p for p in parts if p["what"] == "fusion" and p["worth"][metric]["n"]]
    best = max(legs, key=lambda p: (p["worth"][metric]["without"], p["name"]), default=None)
    return None if best is None else {"best_leg": best["name"], "metric": metric, **best["worth"][metric]}


def _notes(parts: Sequence[Mapping[str, Any]], metric: str, points: bool) -> list[str]:
    notes = ["milliseconds: of the few questions timed, each with the whole and the variant right after each other, the first of the two alternating"]
    if fusion := _fusion(parts, metric):
        scale = 100 if points else 1
        figures = f"{scale * fusion['delta']:+.1f} [{scale * fusion['low']:+.1f}, {scale * fusion['high']:+.1f}]"
        notes.append(f"fusion against its best single leg ({fusion['best_leg']}), {fusion['metric']}: {figures}")
        notes.append("the best leg is the one that did best on these questions, which favours it: the fusion is worth at least about that")
    return notes
