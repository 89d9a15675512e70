"""What another system gave, turned into the records that metrics read: contexts placed in the corpus, a ranking where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.outside_places import SEVERAL, Place, locate
from eval.outside_rows import Given, Shown
from eval.questions import Question
from eval.records import failed_row, span_json
from eval.score import Result
from eval.task import Task
from rag.models.tokenizer import Tokenizer
from rag.types import Span

NO_ANSWER = "no answer was given"
ONLY_RANKED = "only a ranking was given"


@dataclass(frozen=True, slots=True)
class Made:
    """One question's record with its row of `answers.jsonl`; no record where no answer was given.

    `unplaced` says which context has no place of its own; `places` says of each context whether it was `given` as a span, `found` by
    its text, at `several` places, `nowhere`, or `blank`; `derived` is whether the ranking is the order of the contexts.
    """

    row: Mapping[str, Any]
    result: Result | None = None
    unplaced: str = ""
    places: tuple[str, ...] = ()
    derived: bool = False
    only_ranked: bool = False


def make(given: Sequence[tuple[Question, Given | None]], task: Task, tokens: Tokenizer) -> list[Made]:
    """Return the record of each question, its contexts looked for in the corpus all at once."""
    shown = [c for _, g in given if g for c in g.contexts]
    texts = list(dict.fromkeys((c.text, c.doc) for c in shown if c.span is None))
    places = dict(zip(texts, locate(texts, task.documents), strict=True))
    return [_made(q, g, places, task, tokens) for q, g in given]


def _made(question: Question, given: Given | None, places: Mapping[tuple[str, str | None], Place], task: Task, tokens: Tokenizer) -> Made:
    if given is None:
        return Made(failed_row(question.id, question.text, NO_ANSWER))
    found = [_placed(c, places) for c in given.contexts]
    kinds, reasons = zip(*[_kind(i, c, p) for i, (c, p) in enumerate(zip(given.contexts, found, strict=True))], strict=True) if found else ((), ())
    unplaced = next((why for why in reasons if why), "")
    if given.answer is None:
        unplaced = ONLY_RANKED
    ranking = given.ranking
    told = [p for p, kind in zip(found, kinds, strict=True) if kind != "blank"]
    derived = ranking is None and all(p.doc is not None for p in told)
    if derived:
        ranking = tuple((p.span or Span(p.doc or "", 0, len(task.texts.get(p.doc or "", ""))), None) for p in told)
    sources = tuple(c.text for c in given.contexts)
    ranked = tuple((span, 1 / rank if score is None else float(score)) for rank, (span, score) in enumerate(ranking or (), start=1))
    seen = {span.doc_id for span, _ in ranked}
    result = Result(
        question.id, ranked, tuple(p.span for p in found if p.span), sources, tokens.count("\n\n".join(sources)) if sources else 0, given.answer or "",
        given.abstained, given.citations, given.latency_ms, ranking is not None, not unplaced, {d: a for d, a in task.ages.items() if d in seen},
        None, given.spent or None,
    )  # fmt: skip
    return Made(_row(question, given, result, unplaced), result, unplaced, tuple(kinds), derived, given.answer is None)


def _placed(shown: Shown, places: Mapping[tuple[str, str | None], Place]) -> Place:
    return Place(shown.span, shown.span.doc_id, 1) if shown.span else places[shown.text, shown.doc]


def _kind(number: int, shown: Shown, place: Place) -> tuple[str, str]:
    """Return how a context got its place, and why it has none, empty where it has."""
    if shown.span:
        return "given", ""
    if place.span:
        return "found", ""
    if not shown.text.strip():
        return "blank", ""  # it adds nothing to the context, and keeps its number in it
    where = "the corpus" if shown.doc is None else f"document {shown.doc!r}"
    if not place.times:
        return "nowhere", f"contexts[{number}] is not in {where}"
    more = "more than " * (place.times > SEVERAL)
    return "several", f"contexts[{number}] is in {where} {more}{min(place.times, SEVERAL)} times"


def _row(question: Question, given: Given, result: Result, unplaced: str) -> dict[str, Any]:
    """Return the record in the form of `eval.records.answer_row`, with the texts as they were given under `sources`."""
    step = {"stage": "answer", "use": "outside", "completions": 1, **given.spent} if given.spent else None
    return {
        "question": question.id, "text": question.text, "answer": result.answer, "abstained": bool(result.abstained), "why": result.abstained,
        "citations": [span_json(s) for s in result.citations], "contexts": [span_json(s) for s in result.context], "context_tokens": result.context_tokens,
        "dropped": 0, "cut": 0, "ranking": [{**span_json(s), "score": score} for s, score in result.ranking], "flags": [], "held": [],
        "trace": [step] if step else [], "sources": list(result.sources), "ranked": result.ranked, "placed": result.placed, "unplaced": unplaced,
        "detected": given.detected,
    }  # fmt: skip
