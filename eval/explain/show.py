"""One question replayed: what every stage handed on, with the evidence marked, what was answered, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.explain.explained import explain_one
from eval.explain.opened import Opened, Ran
from eval.explain.replay import Listed, Replay, replay
from eval.explain.sets import both
from eval.intervals import length
from eval.questions import Question
from eval.records import span_json
from rag.errors import ChatError, StoreError
from rag.runtime import Runtime
from rag.types import Hit, Span


def show(run: Opened, config: str, question: str, runtime: Runtime) -> dict[str, Any]:
    """Return what `rag-eval show --json` prints. Raises `ConfigError` for an unknown question, `StoreError` where it cannot be replayed."""
    asked, ran = run.question(question), run.ran(config)
    with run.index(config, runtime) as index:
        try:
            replayed = replay(ran.pipeline, index, asked.text)
        except ChatError as error:
            raise StoreError(f"{question} cannot be replayed: {error}") from None
        explained = explain_one(asked, run, ran, replayed, index) if asked.answerable and asked.evidence else None
    row = ran.rows[question]
    shown = [Span(c["doc_id"], c["start"], c["end"]) for c in row["contexts"]]
    body: dict[str, Any] = {"config": config, "question": question, "text": asked.text, "answerable": asked.answerable, "tags": list(asked.tags)}
    body |= {"references": list(asked.answers), "evidence": _evidence(asked, row["held"], run)}
    body["stages"] = _stages(replayed, asked)
    body["context"] = {"tokens": row["context_tokens"], "dropped": row["dropped"], "cut": row["cut"], "sources": [_source(s, asked, run) for s in shown]}
    body["replayed_otherwise"] = "failed" not in row and tuple(shown) != replayed.context.spans
    body["answer"] = _answer(row, asked, run)
    body["scores"] = _scores(ran, question)
    if explained is not None:
        body["lost"] = {"stage": explained.stage, "why": explained.why, "detail": explained.detail, "points": dict(explained.lost), "left": explained.left}
    return body


def _evidence(asked: Question, held: Sequence[bool], run: Opened) -> list[dict[str, Any]]:
    whole: list[bool | None] = [*held] or [None] * len(asked.evidence)
    return [{**span_json(s), "text": _text(s, run), "held_by_one_chunk": w} for s, w in zip(asked.evidence, whole, strict=True)]


def _text(span: Span, run: Opened) -> str:
    return run.texts.get(span.doc_id, "")[span.start : span.end]


def _stages(replayed: Replay, asked: Question) -> list[dict[str, Any]]:
    """Return every list of hits by rank: legs, the whole retriever where it is more than a leg, refiners, and what was packed."""
    lists = [("leg", leg) for leg in replayed.legs] + ([("fusion", replayed.fused)] if replayed.fused is not None else [])
    lists += [("refine", refined) for refined in replayed.refined]
    lists.append(("pack", Listed("pack", replayed.context.hits)))
    return [{"stage": kind, "name": made.name, "hits": [_hit(i, h, asked) for i, h in enumerate(made.hits, start=1)]} for kind, made in lists]


def _hit(rank: int, hit: Hit, asked: Question) -> dict[str, Any]:
    marked = both(asked.evidence, [hit.chunk.span])
    return {"rank": rank, **span_json(hit.chunk.span), "score": hit.score, "id": hit.chunk.id, "evidence": [[s.start, s.end] for s in marked]}


def _source(span: Span, asked: Question, run: Opened) -> dict[str, Any]:
    marked = both(asked.evidence, [span])
    return {**span_json(span), "text": _text(span, run), "evidence": [[s.start, s.end] for s in marked]}


def _answer(row: Any, asked: Question, run: Opened) -> dict[str, Any]:
    cited = [Span(c["doc_id"], c["start"], c["end"]) for c in row["citations"]]
    rows = [{**span_json(s), "text": _text(s, run), "evidence": length(both(asked.evidence, [s])) > 0} for s in cited]
    return {"text": row["answer"], "abstained": row["abstained"], "why": row["why"], "failed": row.get("failed", ""), "citations": rows, "flags": row["flags"]}


def _scores(ran: Ran, question: str) -> list[dict[str, Any]]:
    found = ran.scores.get(question, {})
    return [
        {"metric": s.metric, "value": s.value, "why": s.why, "verdicts": [f if isinstance(f, str) else dict(f) for f in s.evidence]} for s in found.values()
    ]
