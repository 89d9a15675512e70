"""What `summary.json` holds: an entry per configuration, beside the corpus, the questions and the judge that all of them share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from eval.judging import judged
from eval.records import read_jsonl, read_scores, spent
from eval.score import Score
from eval.summary import summarize
from eval.synthesis.marks import synthetic, synthetic_note
from eval.task import Task
from rag.errors import ConfigError, StoreError
from rag.fingerprint import key
from rag.index.manifest import write_json

Made = tuple[Sequence[Mapping[str, Any]], Sequence[Score]]
SHARED = ("corpus", "questions", "judge")
CODE = (
    "correction.py",
    "entries.py",
    "error_rates.py",
    "intervals.py",
    "labelling.py",
    "questions.py",
    "records.py",
    "resampling.py",
    "score.py",
    "stats.py",
    "summary.py",
)


def entry(folder: Path, lock: Mapping[str, Any], task: Task, made: Made | None = None) -> dict[str, Any]:
    """Return the figures of one finished folder; they are kept in its `entry.json` under a key of all that decides them.

    `made` is what the folder's files hold, where it is at hand: reading it back takes as long as the figures.
    """
    name = key("entry", _code(), lock, task.questions_digest, {m.name: m.identity for m in task.metrics}, task.certificate.usable)
    if (kept := _kept(folder / "entry.json", name)) is not None:
        return kept
    rows, scores = made or (read_jsonl(folder / "answers.jsonl"), read_scores(folder))
    found = _entry(rows, scores, lock, task)
    write_json(folder / "entry.json", {"key": name, "entry": found})
    return found


def _kept(path: Path, name: str) -> dict[str, Any] | None:
    """Return the entry that was kept under a key, None where there is none, another or a damaged one."""
    try:
        found = json.loads(path.read_bytes())
        return dict(found["entry"]) if found["key"] == name else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def _code() -> str:
    """Return the digest of the code that figures are computed by: another way to average makes them anew."""
    here = Path(__file__).parent
    return hashlib.blake2b(b"".join((here / f).read_bytes() for f in CODE), digest_size=16).hexdigest()


def _entry(rows: Sequence[Mapping[str, Any]], scores: Sequence[Score], lock: Mapping[str, Any], task: Task) -> dict[str, Any]:
    return {
        "metrics": summarize(scores, task.questions, task.metrics, task.certificate.usable),
        "latency_ms": lock["latency"]["stages"], "latency_sample": lock["latency"]["sample"], "latency_questions": lock["latency"].get("wanted"),
        "tokens": sum(r["context_tokens"] for r in rows), "seconds": lock["seconds"],
        "chunks": lock["chunks"], "over_limit": lock["over_limit"], "not_indexed": lock["not_indexed"],
        "chat": spent(rows), "recorded": recorded(lock["models"]),
        "context": {"dropped": sum(r["dropped"] for r in rows), "cut": sum(r["cut"] for r in rows)},
    }  # fmt: skip


def recorded(identity: object) -> bool:
    """Return whether a recording is among the models of a run, also as a stand-in of another."""
    if isinstance(identity, Mapping):
        return identity.get("name") == "recorded" or any(map(recorded, identity.values()))
    return isinstance(identity, (list, tuple)) and any(map(recorded, identity))


def whole(task: Task, entries: Mapping[str, Any], models: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the summary of these entries; `models` are the identities of the models of each."""
    return {
        "configs": dict(entries),
        "corpus": {"documents": len(task.documents), "failed": [{"doc_id": f.doc_id, "reason": f.reason} for f in task.failed], "digest": task.corpus_digest},
        "questions": {"n": len(task.questions), "answerable": sum(q.answerable for q in task.questions), "digest": task.questions_digest,
                      "synthetic": synthetic(task.questions), "note": synthetic_note(task.questions)},
        "judge": dict(task.judge.identity), "judged": judged(task, models), "metrics": [m.name for m in task.metrics],
    }  # fmt: skip


def neighbours(out: Path, summary: Mapping[str, Any], scored: bool = False) -> dict[str, Any]:
    """Return the entries that the folder's summary has besides those of `summary`: they stay in it.

    `scored` is for a run, beside which only answers made elsewhere stay.
    Raises `StoreError` when they were measured on something else, and `ConfigError` when the two share no metric.
    """
    try:
        former = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        others = {n: e for n, e in former["configs"].items() if n not in summary["configs"] and (not scored or "outside" in e)}
        differ = [what for what in SHARED if _digest(former[what]) != _digest(summary[what])]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"{out}: summary.json is damaged; remove it, or give another --out") from None
    if others and differ:
        raise StoreError(
            f"{out} holds {', '.join(sorted(others)[:5])} measured with other {' and '.join(differ)}; give the same corpus, questions and judge, or another --out"
        )
    if others and not set(summary["metrics"]).intersection(*(e["metrics"] for e in others.values())):
        raise ConfigError(
            f"{out} holds {', '.join(sorted(others)[:5])} measured by other metrics; name one of these in --metrics: {', '.join(former['metrics'])}"
        )
    return others


def _digest(shared: Mapping[str, Any]) -> Any:
    return shared.get("digest", shared)


def joined(summary: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary with the entries of others in it; `metrics` are then those that all of them have, which is what can be compared."""
    configs = {**others, **summary["configs"]}
    shared = [m for m in summary["metrics"] if all(m in e["metrics"] for e in configs.values())]
    return {**summary, "configs": configs, "metrics": shared}
