"""Laws that every registered retriever holds, on queries chosen to break it; a new one is covered by a row in the table."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.registry import parts
from rag.types import Document

WORDS = ["cat", "dog", "bird", "retrieval", "fish", "the", "日本語", "👍"]
SMALL = {
    "bm25": ["bm25", {"use": "bm25", "limit": 3, "k1": 0.5, "b": 0.0}, {"use": "bm25", "language": "none"}],
    "rank_bm25": ["rank_bm25", {"use": "rank_bm25", "limit": 3, "idf": "lucene"}],
    "dense": ["dense", {"use": "dense", "limit": 3, "query_prefix": "q: "}],
    "rrf": [
        {"use": "rrf", "of": ["bm25", "dense"]},
        {"use": "rrf", "of": ["bm25"], "k": 0, "limit": 4},
        {"use": "rrf", "limit": 9, "of": [{"use": "weighted", "of": [{"use": "rrf", "of": ["bm25", "dense"]}, "rank_bm25"]}, {"use": "dense", "limit": 2}]},
    ],
    "weighted": [
        {"use": "weighted", "of": ["bm25", "dense"]},
        {"use": "weighted", "of": ["dense", "rank_bm25"], "normalize": "z_score", "weights": [0.3, 0.7], "limit": 4},
    ],
    "filtered": [
        {"use": "filtered", "over": {"use": "rrf", "of": ["bm25", "dense"]}, "where": "exists even and not even = maybe"},
        {"use": "filtered", "over": {"use": "filtered", "over": "rank_bm25", "where": "@modified exists"}, "where": "even in (true, false)", "limit": 4},
    ],
    "recency": [
        {"use": "recency", "over": {"use": "rrf", "of": ["bm25", "dense"]}, "as_of": "2023-11-14"},
        {"use": "recency", "over": {"use": "dense", "limit": 9}, "weight": 1, "half_life_days": 3, "fresh_within": 15, "as_of": "2023-11-14T12:00:00Z", "limit": 4},
        {"use": "recency", "over": "rank_bm25", "weight": 0},
    ],
    "hyde": [
        {"use": "hyde", "over": {"use": "rrf", "of": ["bm25", "dense"]}, "n": 2, "chat": "parrot"},
        {"use": "hyde", "over": "dense", "with_query": False, "keep": "bm25", "weight": 2, "limit": 4, "chat": "parrot"},
    ],
    "multi_query": [
        {"use": "multi_query", "over": {"use": "rrf", "of": ["bm25", "dense"]}, "chat": "parrot"},
        {"use": "multi_query", "over": "rank_bm25", "n": 1, "alone": 0, "weight": 2, "limit": 4, "chat": "parrot"},
    ],
    "decompose": [
        {"use": "decompose", "over": {"use": "rrf", "of": ["bm25", "dense"]}, "chat": "parrot"},
        {"use": "decompose", "over": "dense", "steps": 1, "look": 24, "show": 1, "limit": 4, "chat": "parrot"},
    ],
    "step_back": [
        {"use": "step_back", "over": {"use": "rrf", "of": ["bm25", "dense"]}, "chat": "parrot"},
        {"use": "step_back", "over": "rank_bm25", "weight": 3, "k": 0, "limit": 4, "chat": "parrot"},
    ],
    "prf": [
        {"use": "prf", "over": {"use": "rrf", "of": ["bm25", "dense"]}},
        {"use": "prf", "over": {"use": "prf", "over": "dense", "beta": 2}, "documents": 2, "limit": 4},
        {"use": "prf", "over": "rank_bm25", "alpha": 0, "terms": 3},
    ],
    "route": [
        {"use": "route", "routes": [{"when": {"contains": ["bird"]}, "retrieve": "dense"}], "otherwise": {"use": "rrf", "of": ["bm25", "dense"]}},
        {"use": "route", "routes": [{"when": {"like": ["cat the dog"]}, "retrieve": {"use": "prf", "over": "bm25"}}], "otherwise": "dense", "limit": 4},
    ],
}  # fmt: skip
EVERY = {
    "use": "rrf",
    "of": ["bm25", {"use": "bm25", "k1": 0.5, "b": 0.0}, {"use": "bm25", "language": "none"}, "dense", {"use": "dense", "passage_prefix": ""}],
}
CORPUS = [
    Document(f"{n:02}.md", " ".join(WORDS[(n * k) % 8] for k in range(1, 2 + n % 4)), {"even": n % 2 == 0}, modified=1.7e9 - 86_400 * n if n % 5 else None)
    for n in range(24)
]


def instances():
    """Return every registered retriever: the rows of the table, else its defaults, else a row that fails."""
    found = []
    for use, cls in parts("retrieve").items():
        required = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
        missing = use not in SMALL and required
        rows = [None] if missing else SMALL.get(use, [use])
        found += [pytest.param(row, id=f"{use}-needs-a-row-in-SMALL" if missing else f"{use}-{n}") for n, row in enumerate(rows)]
    return found


@pytest.fixture(scope="module", params=instances())
def subject(request, lab, index):
    assert request.param is not None, "a registered retriever with required fields needs a row in SMALL"
    return lab.pipeline(request.param), index


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(CORPUS, lab.pipeline(EVERY)) as opened:
        yield opened


def check_ranking(hits, limit):
    keys = [(-h.score, h.chunk.id) for h in hits]
    assert keys == sorted(keys)
    assert len({h.chunk.id for h in hits}) == len(hits) <= limit
    assert all(h.score == h.score and abs(h.score) != float("inf") for h in hits)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, "unknown", "\x00", "🇩🇪", "'", '"', "*", "\ud800"]), max_size=6).map(" ".join))
def test_hits_are_ordered_unique_limited_and_the_same_each_time(subject, query):
    pipeline, index = subject
    hits, _ = pipeline.search(index, query)
    check_ranking(hits, pipeline.retrieve.limit)
    assert pipeline.search(index, query)[0] == hits
    assert all(h.source == pipeline.retrieve.use for h in hits)


def test_hits_are_stored_chunks_true_to_their_documents(subject):
    pipeline, index = subject
    texts = {d.id: d.text for d in CORPUS}
    hits, _ = pipeline.search(index, "cat dog bird")
    assert hits
    for hit in hits:
        span = hit.chunk.span
        assert hit.chunk.text == texts[span.doc_id][span.start : span.end]


@pytest.mark.parametrize("query", ["", " ", "\n\t", "\u2003"])
def test_a_blank_query_finds_nothing(subject, query):
    assert subject[0].search(subject[1], query)[0] == ()


ODD = {
    "stop words": "the of and",
    "emoji": "👍🏽 🇩🇪",
    "NUL": "\x00",
    "NUL inside": "cat\x00dog",
    "punctuation": "?!. -- \"'",
    "bidi": "\u202ecat",
    "long word": "x" * 100_000,
    "lone surrogate": "cat \udcff",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_query_has_a_defined_result(subject, name):
    pipeline, index = subject
    hits, step = pipeline.search(index, ODD[name])
    check_ranking(hits, pipeline.retrieve.limit)
    assert step[0].facts["hits"] == len(hits)


@pytest.mark.parametrize("unit", ["cat the dog ", "w%d "])
def test_a_query_of_a_megabyte_has_a_defined_result(subject, unit):
    pipeline, index = subject
    text = unit * (1_000_000 // len(unit)) if "%" not in unit else "".join(unit % n for n in range(125_000))
    hits, _ = pipeline.search(index, text)
    check_ranking(hits, pipeline.retrieve.limit)


def test_words_that_no_document_has_find_nothing_by_keyword(lab, index):
    for use in ("bm25", "rank_bm25"):
        assert lab.pipeline(use).search(index, "unknown words")[0] == ()
        assert lab.pipeline(use).search(index, "the")[0] == ()
        assert lab.pipeline(use).search(index, "👍")[0] == ()


def test_a_condition_that_nothing_meets_finds_nothing(subject):
    pipeline, index = subject
    assert pipeline.search(index, "cat", where="even = maybe")[0] == ()
    hits, _ = pipeline.search(index, "cat dog", where="even = true")
    assert hits
    assert all(int(h.chunk.span.doc_id[:2]) % 2 == 0 for h in hits)


def test_a_larger_limit_only_adds_at_the_end(lab, index):
    """For fusions the limits of the legs stay: only what is returned of the fusion grows."""
    for use, rows in SMALL.items():
        row = rows[0] if isinstance(rows[0], dict) else {"use": use}
        longest = [h.chunk.id for h in lab.pipeline({**row, "limit": 24}).search(index, "cat dog 日本語")[0]]
        for limit in (1, 2, 5, 17):
            assert [h.chunk.id for h in lab.pipeline({**row, "limit": limit}).search(index, "cat dog 日本語")[0]] == longest[:limit]
