"""Pseudo-relevance feedback: RM3 and Rocchio by hand and by brute force, alpha 1 and beta 0 are no feedback, scope is kept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.filter_text import parse
from rag.models.hashing import HashingEncoder
from rag.retrieve._feedback import expanded, relevance_model
from rag.retrieve.prf import Prf, shares
from rag.types import Document, Feedback, Query

ENCODER = HashingEncoder(64)
WORDS = ["cat", "dog", "bird", "fish", "mat", "tree", "sea", "log"]
CORPUS = [Document(f"{n:02}.md", " ".join(WORDS[(n * k) % 8] for k in range(1, 3 + n % 4)), {"even": n % 2 == 0}) for n in range(30)]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(CORPUS, lab.pipeline({"use": "rrf", "of": ["bm25", {"use": "bm25", "language": "none"}, "dense"]})) as opened:
        yield opened


def test_the_relevance_model_by_hand():
    """0.75 of (a a b c), 0.25 of (b d): a 0.375, b 0.1875 + 0.125 = 0.3125, c 0.1875, d 0.125; of the first three the sum is 0.875."""
    documents = [(["a", "a", "b", "c"], 0.75), (["b", "d"], 0.25)]
    assert relevance_model(documents, 9) == pytest.approx({"a": 0.375, "b": 0.3125, "c": 0.1875, "d": 0.125})
    assert relevance_model(documents, 3) == pytest.approx({"a": 0.375 / 0.875, "b": 0.3125 / 0.875, "c": 0.1875 / 0.875})
    assert relevance_model([([], 1.0)], 3) == {}


@given(st.lists(st.tuples(st.lists(st.sampled_from("abcdef"), max_size=9), st.integers(0, 9)), max_size=5), st.integers(1, 8))
def test_the_relevance_model_is_that_of_exact_arithmetic(documents, most):
    exact: dict[str, Fraction] = {}
    for terms, weight in documents:
        for term in terms:
            exact[term] = exact.get(term, Fraction(0)) + Fraction(weight, len(terms))
    kept = sorted(exact.items(), key=lambda x: (-x[1], x[0]))[:most]
    total = sum(p for _, p in kept)
    found = relevance_model([(terms, float(weight)) for terms, weight in documents], most)
    assert sorted(found.values()) == pytest.approx(sorted(float(p / total) for _, p in kept) if total else [], abs=1e-12)
    assert found.keys() <= exact.keys()


def test_the_terms_asked_for_by_hand(lab):
    """Query `cat cat mat` (n = 3), alpha 0.5; feedback is one document `cat dog`: cat 0.5 * 2 + 0.5 * 3 / 2, mat 0.5, dog 0.75."""
    with lab.index({"a.md": "cat dogs"}) as index:
        reader = index.reader(index.pipeline)
        (chunk,) = reader.all_chunks()
        for terms, expected in ((9, {"cat": 1.75, "mat": 0.5, "dog": 0.75}), (1, {"cat": 2.5, "mat": 0.5}), (0, {"cat": 2, "mat": 1})):
            assert expanded(Query("cat cat mat", feedback=Feedback(((chunk.id, 1.0),), terms, 0.5, 0)), "english", reader) == pytest.approx(expected)
        assert expanded(Query("the of", feedback=Feedback(((chunk.id, 1.0),), 9, 0.5, 0)), "english", reader) == {}
        only = expanded(Query("mat", feedback=Feedback(((chunk.id, 1.0),), 9, 0.0, 0)), "english", reader)
        assert only == {"cat": 0.5, "dog": 0.5}


def test_it_finds_what_shares_no_word_with_the_question(lab):
    """The classical case: `car` brings `engine`, which brings the document that says neither `car`."""
    corpus = {"a.md": "car engine engine", "b.md": "engine oil", "c.md": "bread oven"}
    with lab.index(corpus, lab.pipeline("bm25")) as index:
        assert [h.chunk.span.doc_id for h in lab.pipeline("bm25").search(index, "car")[0]] == ["a.md"]
        hits, (step,) = lab.pipeline({"use": "prf", "over": "bm25"}).search(index, "car")
        assert [h.chunk.span.doc_id for h in hits] == ["a.md", "b.md"]
    assert [s.use for s in step.walk()] == ["prf", "bm25", "bm25"]
    assert (step.facts["feedback"], step.facts["feedback_weights"]) == ([hits[0].chunk.id], [1.0])


@settings(max_examples=30, deadline=None)
@given(TEXTS, st.integers(1, 6), st.integers(0, 6), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_both_keyword_legs_agree_on_every_score(lab, index, text, documents, terms, alpha):
    """The rank-bm25 package, with Lucene's idf, as the oracle of the index's weights for expanded queries."""
    rows = [
        {"use": "prf", "over": {"use": use, **more}, "documents": documents, "terms": terms, "alpha": alpha}
        for use, more in (("bm25", {}), ("rank_bm25", {"idf": "lucene"}))
    ]
    fast, slow = ({h.chunk.id: h.score for h in lab.pipeline(row).search(index, text)[0]} for row in rows)
    assert fast == pytest.approx(slow, rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(TEXTS, st.integers(1, 6), st.floats(0, 2))
def test_the_vector_is_rocchios(lab, index, text, documents, beta):
    chunks = list(index.reader(index.pipeline).all_chunks())
    rows, query = ENCODER.encode([c.index_text for c in chunks]), ENCODER.encode([text])[0]
    first = lab.pipeline({"use": "dense", "limit": documents}).search(index, text)[0]
    weights = dict(shares([(h.chunk.id, h.score) for h in first]))
    centre = sum(w * rows[[c.id for c in chunks].index(i)].astype(float) for i, w in weights.items())
    wanted = query + beta * centre
    expected = rows @ (wanted / np.linalg.norm(wanted))
    found = lab.pipeline({"use": "prf", "over": "dense", "documents": documents, "beta": beta}).search(index, text)[0]
    assert {h.chunk.id: h.score for h in found} == pytest.approx({c.id: float(s) for c, s in zip(chunks, expected, strict=True)}, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(TEXTS)
def test_without_weight_feedback_changes_nothing(lab, index, text):
    for use, more in (("bm25", {"alpha": 1}), ("bm25", {"terms": 0}), ("rank_bm25", {"alpha": 1}), ("dense", {"beta": 0})):
        plain = lab.pipeline(use).search(index, text)[0]
        found = lab.pipeline({"use": "prf", "over": use, **more}).search(index, text)[0]
        assert [(h.chunk.id, h.score) for h in found] == [(h.chunk.id, pytest.approx(h.score, abs=1e-6)) for h in plain]


def test_a_leg_of_another_language_has_terms_of_its_own(lab, index):
    """Feedback names chunks, not terms, so that every leg reads them with its own analyzer."""
    for language in ("english", "none"):
        row = {"use": "prf", "over": {"use": "bm25", "language": language}}
        assert len(lab.pipeline(row).search(index, "cat")[0]) > len(lab.pipeline(row["over"]).search(index, "cat")[0])


def test_both_searches_have_the_filter_and_the_passages(reader, by_text, pets):
    chunk = next(pets.reader(pets.pipeline).all_chunks())
    over = by_text({"q": [chunk.id]})
    Prf(over, terms=3, alpha=0.5, beta=1).rank(Query("q", parse("x = 1"), ("p",)), reader)
    first, second = over.asked
    assert first == Query("q", parse("x = 1"), ("p",))
    assert second == Query("q", parse("x = 1"), ("p",), feedback=Feedback(((chunk.id, 1.0),), 3, 0.5, 1.0))


def test_nothing_found_is_nothing_and_not_searched_again(reader, by_text):
    over = by_text({})
    assert Prf(over).rank(Query("q"), reader).scored == ()
    assert len(over.asked) == 1


def test_shares_of_scores():
    assert shares([("a", 3.0), ("b", 1.0), ("c", -2.0)]) == (("a", 0.75), ("b", 0.25), ("c", 0.0))
    assert shares([("a", 0.0), ("b", -1.0)]) == (("a", 0.5), ("b", 0.5))
    assert shares([]) == ()


@pytest.mark.parametrize(("field", "value"), [("documents", 0), ("terms", -1), ("alpha", 1.1), ("beta", -0.1), ("limit", 0)])
def test_fields_are_held_to_their_bounds(leg, field, value):
    with pytest.raises(ValueError, match=field):
        Prf(over=leg("a"), **{field: value})
