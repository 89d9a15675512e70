"""Laws that every registered refiner holds: nothing from outside the index, no duplicates, at most its limit, the same each time."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from rag.registry import parts
from rag.types import Query

SMALL = {"parents": ["parents", {"use": "parents", "limit": 2}], "mmr": ["mmr", {"use": "mmr", "limit": 3, "balance": 0.2}]}
CHUNK = {"use": "parent", "child": {"use": "fixed", "size": 4}, "parent": {"use": "fixed", "size": 12}}
WORDS = ["cat", "dog", "bird", "fish", "tree"]
CORPUS = {f"{n}.md": " ".join(WORDS[(n + k * k) % 5] for k in range(40)) for n in range(4)}


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


@pytest.mark.parametrize("row", instances())
def test_refined_hits_are_true_to_the_index(lab, index, row):
    assert row is not None, "a registered refiner with required fields needs a row in SMALL"
    pipeline = lab.pipeline(chunk=CHUNK, refine=[row])
    refiner, reader = pipeline.refine[0], index.reader(pipeline)
    for query in ("cat", "cat dog bird", "unknown 👍", ""):
        hits = pipeline.retrieve.search(Query(query), reader).hits
        found = refiner.refine(hits, Query(query), reader)
        assert found.hits == refiner.refine(hits, Query(query), reader).hits
        assert len(found.hits) <= min(len(hits), refiner.limit)
        assert len({h.chunk.id for h in found.hits}) == len({h.chunk.span for h in found.hits}) == len(found.hits)
        assert {h.chunk.id for h in found.hits} <= {h.chunk.id for h in hits}
        for hit in found.hits:
            span = hit.chunk.span
            assert hit.chunk.text == CORPUS[span.doc_id][span.start : span.end]
        assert found.step.facts["ids"] == [h.chunk.id for h in found.hits]
        assert (found.step.stage, found.step.use) == ("refine", refiner.use)


@pytest.mark.parametrize("row", instances())
def test_refiners_come_after_one_another_in_any_order(lab, index, row):
    for others in ([row, "mmr"], ["parents", row], [row, row]):
        hits, steps = lab.pipeline(chunk=CHUNK, refine=others).search(index, "cat fish")
        assert hits
        assert len(steps) == 3
