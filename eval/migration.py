"""Two generations of one index on one set of questions: is the new one better, and is that more than chance?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.comparison import compare
from eval.metrics import parse_all
from eval.questions import Question, cluster, load_questions
from eval.score import Result, Score
from rag.text import encodable
from rag.types import Document, Query

if TYPE_CHECKING:
    from rag.index.store import Index

METRICS = parse_all(["recall@5", "ndcg@10", "span_recall"])
TAG = "tenant:"  # a question's tag that names whose documents it is asked of
FIGURES = ("delta", "low", "high", "p", "p_adjusted", "wins", "losses", "ties", "n", "clusters", "mde")
_Asked = tuple[Question, str | None]


class Stored(Mapping[str, Document]):
    """The documents of an index by id, each read from its stored text when it is asked for."""

    def __init__(self, index: Index) -> None:
        """Read nothing yet."""
        self._index = index

    def __getitem__(self, doc_id: str) -> Document:
        row = self._index.documents[doc_id]
        text = self._index.stored_texts([doc_id])[doc_id]
        return Document(row.id, text, row.meta, row.title, row.body, row.source, row.modified)

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._index.documents

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.documents)

    def __len__(self) -> int:
        return len(self._index.documents)


def compare_indexes(live: Index, new: Index, questions: Path) -> dict[str, Any]:
    """Return how the pipelines of two open indexes do on the answerable questions with evidence in the live one's documents.

    `{"questions": n, "skipped": {WHY: count}, "metrics": {METRIC: {"live", "new", "delta", "low", "high", "p", ...}}}`: `live` and
    `new` are means, `delta` is new - live and wins are questions where the new one is better. Each is asked as it will answer:
    its own pipeline up to the context, its own way to search. On an index with tenants a question names its own by the tag
    `tenant:NAME`. Without any question to ask, `metrics` is empty. Raises `QuestionError` when the questions do not fit the documents.
    """
    asked, skipped = _choose(load_questions(questions, Stored(live)), live, new)
    body: dict[str, Any] = {"questions": len(asked), "skipped": dict(sorted(skipped.items())), "metrics": {}}
    if not asked:
        return body
    before, after = _scores(live, asked, "live"), _scores(new, asked, "new")
    found = compare("new", after, "live", before, {q.id: cluster(q) for q, _ in asked}, METRICS)["metrics"]
    for name, entry in found.items():
        means = {"live": _mean(before, name), "new": _mean(after, name)}
        body["metrics"][name] = {**means, **{f: entry[f] for f in FIGURES}}
    return body


def _choose(questions: Sequence[Question], live: Index, new: Index) -> tuple[list[_Asked], Counter[str]]:
    """Return the questions that can be asked of both, each with its tenant, and why the others cannot."""
    chosen: list[_Asked] = []
    skipped: Counter[str] = Counter()
    for question in questions:
        names = sorted({t.removeprefix(TAG) for t in question.tags if t.startswith(TAG)})
        if why := _unfit(question, names, live, new):
            skipped[why] += 1
        else:
            chosen.append((question, names[0] if names else None))
    return chosen, skipped


def _unfit(question: Question, tenants: Sequence[str], live: Index, new: Index) -> str:
    """Return why a question cannot be asked, empty when it can."""
    if not question.answerable:
        return "unanswerable"
    if not question.evidence:
        return "no evidence"
    scoped = [index for index in (live, new) if index.manifest.tenant_key is not None]
    if not scoped:
        return ""
    if len(tenants) != 1 or not tenants[0].strip():
        return f"no tag {TAG}NAME" if not tenants else f"the tag {TAG}NAME names no single tenant"
    rows = [index.documents.get(span.doc_id) for index in scoped for span in question.evidence]
    return "" if all(row is None or row.tenant == tenants[0] for row in rows) else "its evidence is of another tenant"


def _scores(index: Index, asked: Sequence[_Asked], name: str) -> list[Score]:
    """Return the scores of an index's own pipeline, question by question."""
    found: list[Score] = []
    for question, tenant in index.runtime.track(asked, f"ask {name}", len(asked)):
        result = _result(index, question, tenant if index.manifest.tenant_key is not None else None)
        found += [metric.score(question, result, None) for metric in METRICS]
    return found


def _result(index: Index, question: Question, tenant: str | None) -> Result:
    """Return what the pipeline finds and would show to its answerer."""
    pipeline = index.pipeline
    hits, _ = pipeline.search(index, question.text, tenant=tenant)
    context = pipeline.pack.pack(hits, Query(encodable(question.text)), index.reader(pipeline, tenant=tenant))
    return Result(question.id, tuple((h.chunk.span, h.score) for h in hits), context.spans, context_tokens=context.tokens)


def _mean(scores: Sequence[Score], metric: str) -> float:
    values = [s.value for s in scores if s.metric == metric and s.value is not None]
    return sum(values) / len(values)
