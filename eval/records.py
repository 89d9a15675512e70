"""The files of one configuration's run: `answers.jsonl`, `scores.jsonl`, `latency.json`, and `lock.json` that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.questions import Question, cluster
from eval.score import Result, Score
from rag.index.manifest import write_bytes, write_json
from rag.types import Answer, Span, Step

TEXTS = ("passages", "rewordings", "questions", "question")  # what a model wrote for retrieval: lists that are worth keeping
UNSTABLE = ("remembered", "retries", "tried")  # differ between equal runs
FILES = ("answers.jsonl", "scores.jsonl")


def span_json(span: Span) -> dict[str, Any]:
    """Return a span in the form of the contract."""
    return {"doc_id": span.doc_id, "start": span.start, "end": span.end}


def answer_row(question: str, answer: Answer, held: Sequence[bool] = ()) -> dict[str, Any]:
    """Return what was produced for one question, without times: equal work writes equal rows. `held` is that of `Result`."""
    context = answer.context
    return {
        "question": question, "text": answer.query, "answer": answer.text, "abstained": bool(answer.abstained), "why": answer.abstained,
        "citations": [span_json(s) for s in answer.citations],
        "contexts": [span_json(s) for s in context.spans],
        "context_tokens": context.tokens, "dropped": context.dropped, "cut": context.cut,
        "ranking": [{**span_json(h.chunk.span), "score": h.score} for h in answer.ranking],
        "flags": [{"kind": f.kind, "start": f.start, "end": f.end, "note": f.note} for f in answer.flags],
        "held": list(held), "trace": [_step(s) for s in answer.trace],
    }  # fmt: skip


def failed_row(question: str, text: str, why: str) -> dict[str, Any]:
    """Return the row of a question that no answer came of, in the form of `answer_row`, with the reason under `failed`."""
    empty: dict[str, Any] = {k: [] for k in ("citations", "contexts", "ranking", "flags", "held", "trace")}
    return {
        "question": question,
        "text": text,
        "answer": "",
        "abstained": False,
        "why": "",
        "context_tokens": 0,
        "dropped": 0,
        "cut": 0,
        **empty,
        "failed": why,
    }


def question_row(question: Question) -> dict[str, Any]:
    """Return a question as the run's `questions.jsonl` keeps it, with the cluster it is resampled in."""
    q = question
    evidence = [span_json(s) for s in q.evidence]
    return {
        "question": q.id,
        "text": q.text,
        "evidence": evidence,
        "answers": list(q.answers),
        "tags": list(q.tags),
        "answerable": q.answerable,
        "grades": dict(q.grades),
        "distractors": [span_json(s) for s in q.distractors],
        "cluster": cluster(q),
    }


def _step(step: Step) -> dict[str, Any]:
    facts = {k: v for k, v in step.facts.items() if (k in TEXTS or not isinstance(v, list)) and not k.endswith("ms") and k not in UNSTABLE}
    return {"stage": step.stage, "use": step.use, **facts, **({"steps": [_step(s) for s in step.steps]} if step.steps else {})}


def result(row: Mapping[str, Any], texts: Mapping[str, str], latency_ms: float | None, ages: Mapping[str, float]) -> Result:
    """Return the record that metrics read, with the shown texts cut from the documents."""
    contexts = tuple(_span(c) for c in row["contexts"])
    seen = {h["doc_id"] for h in row["ranking"]}
    return Result(
        row["question"],
        tuple((_span(h), float(h["score"])) for h in row["ranking"]),
        contexts,
        tuple(texts[s.doc_id][s.start : s.end] for s in contexts),
        row["context_tokens"],
        row["answer"],
        row["why"],
        tuple(_span(c) for c in row["citations"]),
        latency_ms,
        ages={doc: age for doc, age in ages.items() if doc in seen},
        held=tuple(row["held"]),
        spent=spent([row]),
    )


def spent(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return what answering cost in all: completions of chat models, their tokens, and money by the configured prices."""
    total = dict.fromkeys(("completions", "prompt_tokens", "completion_tokens", "cost"), 0.0)

    def add(steps: Sequence[Mapping[str, Any]]) -> None:
        for step in steps:
            for name in total:
                total[name] += float(step.get(name, 0.0))
            add(step.get("steps", ()))

    for row in rows:
        add(row["trace"])
    return {name: round(value, 6) for name, value in total.items()}


def _span(row: Mapping[str, Any]) -> Span:
    return Span(row["doc_id"], row["start"], row["end"])


def write_jsonl(path: Path, rows: Iterable[object]) -> str:
    """Write rows whole or not at all and return the digest of the file."""
    data = "".join(json.dumps(r, ensure_ascii=False, allow_nan=False) + "\n" for r in rows).encode("utf-8", "surrogatepass")
    write_bytes(path, data)
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_jsonl(path: Path) -> list[Any]:
    """Return the rows of a JSON Lines file, split at newlines only."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def score_rows(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Return scores in the form of `scores.jsonl`."""
    return [{"question": s.question, "metric": s.metric, "value": s.value, "why": s.why, "evidence": list(s.evidence)} for s in scores]


def read_scores(folder: Path) -> list[Score]:
    """Return the scores of one configuration's folder."""
    return [Score(r["question"], r["metric"], r["value"], r["why"], tuple(r["evidence"])) for r in read_jsonl(folder / "scores.jsonl")]


def sealed(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the lock of a finished run of exactly the work called `name`, None when it is absent, other or damaged."""
    try:
        lock: dict[str, Any] = json.loads((folder / "lock.json").read_text(encoding="utf-8"))
        if lock["key"] != name:
            return None
        for file in FILES:
            if hashlib.blake2b((folder / file).read_bytes(), digest_size=16).hexdigest() != lock["files"][file]:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return lock


def seal(folder: Path, lock: Mapping[str, Any]) -> None:
    """Write the lock last, so that a folder with a lock is a finished one."""
    write_json(folder / "lock.json", lock)
