"""One question in one configuration as the page's script reads it: answer, hits, what was shown and cited, verdicts, and where evidence went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.explain.explained import Explained
from eval.explain.sets import both
from eval.report.pool import Pool, rough
from eval.score import Score
from rag.types import Span

TOP = 10  # hits listed whatever they hold; later ones only where they hold evidence


def gold(row: Mapping[str, Any], pool: Pool) -> dict[str, Any]:
    """Return what is right for a question: reference answers and the places of the evidence."""
    return {"gold": [pool.text(a) for a in row["answers"]], "evidence": [pool.place(e) for e in row["evidence"]]}


def detail(
    asked: Mapping[str, Any],
    row: Mapping[str, Any],
    scores: Mapping[str, Score],
    found: Explained | None,
    metrics: Sequence[str],
    stages: Sequence[str],
    pool: Pool,
) -> dict[str, Any]:
    """Return what one configuration did with one question; keys that would be empty are left out."""
    evidence = [Span(e["doc_id"], e["start"], e["end"]) for e in asked["evidence"]]
    body: dict[str, Any] = {
        "answer": pool.text(row["answer"]) if row["answer"] else None, "declined": pool.text(row["why"]) if row["abstained"] else None,
        "failed": pool.text(row["failed"]) if "failed" in row else None, "shown": [pool.place(c) for c in row["contexts"]],
        "cited": [pool.place(c) for c in row["citations"]], "flags": [pool.text(f"{f['kind']}: {f['note']}") for f in row["flags"]],
        "size": [row["context_tokens"], row["dropped"], row["cut"]], **_hits(row["ranking"], evidence, pool),
        "torn": [i for i, whole in enumerate(row["held"] or ()) if not whole], "verdicts": _verdicts(scores, metrics, row["answer"], pool), "notes": _notes(scores, metrics, pool),
    }  # fmt: skip
    if found is not None:
        body |= _lost(found, stages, pool)
    return {k: v for k, v in body.items() if v not in (None, [], {})}


def _hits(ranking: Sequence[Mapping[str, Any]], evidence: Sequence[Span], pool: Pool) -> dict[str, Any]:
    """Return place and score of the first hits, and rank, place and score of later ones that hold evidence; `ranked` counts all."""

    def pair(hit: Mapping[str, Any]) -> list[Any]:
        return [pool.place(hit), None if hit["score"] is None else rough(hit["score"])]

    late = [(rank, h) for rank, h in enumerate(ranking[TOP:], start=TOP + 1) if both(evidence, [Span(h["doc_id"], h["start"], h["end"])])]
    return {"hits": [n for h in ranking[:TOP] for n in pair(h)], "later": [n for rank, h in late for n in (rank, *pair(h))], "ranked": len(ranking)}


def _lost(found: Explained, stages: Sequence[str], pool: Pool) -> dict[str, Any]:
    gone = [[stages.index(s), *(pool.span(span) for span in spans)] for s, spans in found.gone.items() if spans]
    points = [[stages.index(s), round(100 * p, 1)] for s, p in found.lost.items() if p]
    why = ": ".join(filter(None, (found.why, found.detail)))
    return {"why": pool.text(why) if why else None, "lost": points, "gone": gone, "left": round(100 * found.left, 1), "other": int(not found.same) or None}


def _notes(scores: Mapping[str, Score], metrics: Sequence[str], pool: Pool) -> list[list[int]]:
    """Return by metric what is said beside its value, or beyond its reason."""
    return [[i, pool.text(scores[m].why)] for i, m in enumerate(metrics) if m in scores and scores[m].why and scores[m].why != scores[m].reason]


def _verdicts(scores: Mapping[str, Score], metrics: Sequence[str], answer: str, pool: Pool) -> list[list[Any]]:
    """Return groups of `[metrics, facts]`; metrics that rest on the same facts share a group. A fact is `[words, claim]` or `[words]`.

    A claim is a text's number, or `[start, end]` where it stands in the answer word for word.
    """
    groups: dict[str, tuple[list[int], list[Any]]] = {}
    for i, metric in enumerate(metrics):
        if metric in scores and scores[metric].evidence:
            facts = _facts(scores[metric].evidence, answer, pool)
            groups.setdefault(repr(facts), ([], facts))[0].append(i)
    return [[own, facts] for own, facts in groups.values()]


def _facts(evidence: Sequence[Any], answer: str, pool: Pool) -> list[Any]:
    sources = [f for f in evidence if isinstance(f, Mapping) and set(f) == {"source", "relevant"}]
    rows: list[Any] = []
    if sources:
        relevant, not_so = (", ".join(f"[{f['source']}]" for f in sources if bool(f["relevant"]) == want) or "none" for want in (True, False))
        rows.append([pool.text(f"sources that matter: {relevant}; that do not: {not_so}")])
    for fact in evidence:
        if isinstance(fact, str):
            rows.append([pool.text(fact)])
        elif fact not in sources:
            claim = str(fact.get("claim", ""))
            rows.append([pool.text(_words(fact)), *([_claim(claim, answer, pool)] if claim else [])])
    return rows


def _claim(claim: str, answer: str, pool: Pool) -> Any:
    at = answer.find(claim)
    return pool.text(claim) if at < 0 else [at, at + len(claim)]


def _words(fact: Mapping[str, Any]) -> str:
    """Return a verdict without its claim: `reference: not_found 0.31, numbers 2 not there`."""
    if "matters" in fact:
        return f"citation [{fact.get('cites')}] {'matters' if fact['matters'] else 'does not matter'}"
    if "label" not in fact:
        return ", ".join(f"{k} {v}" for k, v in fact.items() if k != "claim")
    number = fact.get("score")
    said = f"{fact['label']}{'' if number is None else f' {number:.2f}'}"
    cited = f"cites {fact['cited']}" if fact.get("cited") else "cites nothing" if "cited" in fact else ""
    return f"{fact.get('of', 'claim')}: " + ", ".join(filter(None, (said, str(fact.get("rationale", "")), cited)))
