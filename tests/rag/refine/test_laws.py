"""Laws that every registered refiner holds, alone and after any others: nothing from outside the index, no duplicates, at most its limit, the same each time.

Where a refiner gives several hits for one chunk, all but the first have ids of their own (rag/refine/_hits.py), so ids stay unique.
"""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.config import parse
from rag.refine._hits import chunk_id
from rag.registry import parts
from rag.types import Query

SMALL = {
    "parents": ["parents", {"use": "parents", "limit": 2}],
    "mmr": ["mmr", {"use": "mmr", "limit": 3, "balance": 0.2}],
    "window": ["window", {"use": "window", "unit": "characters", "before": 3, "after": 9, "limit": 3}, {"use": "window", "within": "parent", "before": 0}],
    "merge": ["merge", {"use": "merge", "share": 1, "gap": 0, "limit": 2}],
    "dedupe": ["dedupe", {"use": "dedupe", "by": "embedding", "similarity": 0.9, "limit": 3}],
    "threshold": ["threshold", {"use": "threshold", "floor": 0.4, "relative": None, "a": 2, "b": -1, "keep": 1, "limit": 3}],
    "compress": ["compress", {"use": "compress", "near": 0.9, "context": 1, "limit": 3}, {"use": "compress", "blend": 0, "depth": 2}],
    "recency": ["recency", {"use": "recency", "weight": 1, "limit": 3}],
    "cross_encoder": [{"use": "cross_encoder", "model": "overlap"}, {"use": "cross_encoder", "model": "overlap", "candidates": 5, "limit": 3, "max_tokens": 8}],
    "late_interaction": ["late_interaction", {"use": "late_interaction", "candidates": 5, "limit": 3, "blend": 1}],
}
DISJOINT = {"window", "merge", "compress"}  # these show no character twice
SPLITS = {"compress"}  # these may return more hits than they got
CHUNK = {"use": "parent", "child": {"use": "fixed", "size": 4, "overlap": 1}, "parent": {"use": "fixed", "size": 12}}
WORDS = ["cat", "dog", "bird.", "fish", "Tree", "🦊.", "A"]
CORPUS = {f"{n}.md": " ".join(WORDS[(n + k * k) % 7] for k in range(60)).replace("dog bird. ", "dog bird.\n\n## ") for n in range(4)}
QUERIES = ("cat", "cat dog bird", "unknown 👍", "")


def instances():
    """Return every registered refiner: the rows of the table, else its defaults, else a row that fails."""
    found = []
    for use, cls in parts("refine").items():
        required = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
        missing = use not in SMALL and required
        rows = [None] if missing else SMALL.get(use, [use])
        found += [pytest.param(row, id=f"{use}-needs-a-row-in-SMALL" if missing else f"{use}-{n}") for n, row in enumerate(rows)]
    return found


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(CORPUS, lab.pipeline(chunk=CHUNK)) as opened:
        yield opened


def obeys(refiner, hits, text, reader):
    """Assert the laws of one refiner on some hits, and return what it made of them."""
    found = refiner.refine(hits, Query(text), reader)
    assert found.hits == refiner.refine(hits, Query(text), reader).hits
    assert len(found.hits) <= (refiner.limit if refiner.use in SPLITS else min(len(hits), refiner.limit))
    spans = [h.chunk.span for h in found.hits]
    assert len({h.chunk.id for h in found.hits}) == len(set(spans)) == len(spans)
    assert {chunk_id(h) for h in found.hits} <= {chunk_id(h) for h in hits}
    assert {s.doc_id for s in spans} <= {h.chunk.span.doc_id for h in hits}
    for hit in found.hits:
        span, parent = hit.chunk.span, hit.chunk.parent
        assert hit.chunk.text == CORPUS[span.doc_id][span.start : span.end] != ""
        assert parent is None or span.overlap(parent) == len(span)
    if refiner.use in DISJOINT:
        assert not any(a.overlap(b) for i, a in enumerate(spans) for b in spans[:i])
    assert found.step.facts["ids"] == [h.chunk.id for h in found.hits]
    assert found.step.facts["scores"] == [h.score for h in found.hits]
    assert (found.step.stage, found.step.use, found.step.facts["in"], found.step.facts["hits"]) == ("refine", refiner.use, len(hits), len(spans))
    return found.hits


@pytest.mark.parametrize("row", instances())
def test_refined_hits_are_true_to_the_index(lab, index, row):
    assert row is not None, "a registered refiner with required fields needs a row in SMALL"
    pipeline = lab.pipeline(chunk=CHUNK, refine=[row])
    reader = index.reader(pipeline)
    for query in QUERIES:
        obeys(pipeline.refine[0], pipeline.retrieve.search(Query(query), reader).hits, query, reader)
    assert obeys(pipeline.refine[0], (), "cat", reader) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([p.values[0] for p in instances() if p.values[0]]), min_size=2, max_size=4), st.sampled_from(QUERIES))
def test_refiners_come_after_one_another_in_any_order_and_can_be_packed(lab, index, rows, query):
    pipeline = lab.pipeline(chunk=CHUNK, refine=rows)
    reader = index.reader(pipeline)
    hits = pipeline.retrieve.search(Query(query), reader).hits
    for refiner in pipeline.refine:
        hits = obeys(refiner, hits, query, reader)
    context = pipeline.pack.pack(hits, Query(query), reader)
    assert set(context.spans) <= {h.chunk.span for h in hits}
    assert context.hits or not hits


@pytest.mark.parametrize("row", instances())
def test_a_tenant_sees_refined_hits_of_its_own(lab, row):
    """Derived ids are asked of no index, which would not know them and would take them for another tenant's."""
    pipeline = parse(
        {"chunk": CHUNK, "retrieve": {"use": "dense"}, "refine": ["compress", row, "mmr"], "models": {"encoder": "hashing-64"}, "index": {"tenant_key": "team"}}
    )
    from rag.types import Document

    documents = [Document(i, text, {"team": "one" if n % 2 else "two"}) for n, (i, text) in enumerate(CORPUS.items())]
    with lab.index(documents, pipeline) as opened:
        hits, _ = pipeline.search(opened, "cat dog", tenant="one")
        assert hits
        assert {h.chunk.span.doc_id for h in hits} <= {"1.md", "3.md"}
