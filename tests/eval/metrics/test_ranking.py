"""Document-ranking metrics against trec_eval (by way of ir_measures), and what they do where trec_eval has no answer."""

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, P, R, Success, nDCG

from eval.metrics import parse
from eval.metrics.ranking import documents
from eval.questions import Question
from eval.score import Result
from rag.types import Span

DOCS = [f"d{i}" for i in range(12)]
CUTS = (1, 3, 5, 10)
rankings = st.lists(st.sampled_from(DOCS), min_size=1, unique=True)
judgements = st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1).filter(lambda g: any(g.values()))


def result(*docs):
    """A ranking of one chunk per document, in this order."""
    return Result("q", tuple((Span(doc, 0, 5), 1.0 - i / 100) for i, doc in enumerate(docs)))


def question(**grades):
    """A question with these grades."""
    return Question("q", "?", evidence=tuple(Span(d, 0, 5) for d in grades), grades=grades)


def value(name, found, asked):
    """The value of the metric of that name."""
    return parse(name).score(asked, found, None).value


@settings(max_examples=100, deadline=None)
@given(rankings, judgements)
def test_values_are_those_of_trec_eval(ranked, grades):
    """recall, precision, hit, mrr, ndcg at several cuts, and map, agree within 1e-9 on random lists and grades."""
    qrels = [ir_measures.Qrel("q", doc, grade) for doc, grade in grades.items()]
    run = [ir_measures.ScoredDoc("q", doc, 100.0 - i) for i, doc in enumerate(ranked)]
    pairs = {"map": AP}
    for k in CUTS:
        pairs |= {f"recall@{k}": R @ k, f"precision@{k}": P @ k, f"hit@{k}": Success @ k, f"ndcg@{k}": nDCG @ k}
    reference = ir_measures.pytrec_eval.calc_aggregate(pairs.values(), qrels, run)
    asked = question(**{doc: grade for doc, grade in grades.items() if grade})
    for name, measure in pairs.items():
        assert value(name, result(*ranked), asked) == pytest.approx(reference[measure], abs=1e-9), name
    for k in CUTS:  # trec_eval's recip_rank has no cut: it is given the list cut at k
        expected = ir_measures.pytrec_eval.calc_aggregate([RR], qrels, run[:k])[RR]
        assert value(f"mrr@{k}", result(*ranked), asked) == pytest.approx(expected, abs=1e-9)


def test_chunks_collapse_to_documents_at_the_best_one():
    """Three chunks of one document take one place, the first; so `y` is second."""
    found = Result("q", ((Span("x", 0, 5), 3.0), (Span("x", 5, 9), 2.0), (Span("y", 0, 1), 1.0), (Span("x", 9, 11), 0.5)))
    assert documents(found) == ("x", "y")
    assert value("mrr@10", found, question(y=1)) == 1 / 2
    assert value("precision@2", found, question(y=1)) == 1 / 2


@pytest.mark.parametrize("name", ["recall@5", "precision@5", "hit@5", "mrr@5", "ndcg@5"])
def test_a_list_shorter_than_k_is_marked(name):
    """The value stands, with a mark; a list of k is not marked."""
    assert parse(name).score(question(x=1), result("x", "y", "z"), None).why == "list of 3 documents is shorter than 5"
    assert parse(name).score(question(x=1), result("x"), None).why == "list of 1 document is shorter than 5"
    assert parse(name).score(question(x=1), result(*DOCS), None).why == ""


@pytest.mark.parametrize("name", ["recall@5", "precision@5", "hit@5", "mrr@5", "ndcg@5", "map"])
def test_nothing_found_is_zero(name):
    """An empty list, or one without a relevant document, scores 0."""
    assert value(name, result(), question(x=1)) == 0.0
    assert value(name, result("y"), question(x=1)) == 0.0


@pytest.mark.parametrize("name", ["recall@5", "precision@5", "hit@5", "mrr@5", "ndcg@5", "map"])
def test_nothing_relevant_is_not_applicable(name):
    """Unanswerable questions and those without evidence have no value."""
    unanswerable = parse(name).score(Question("q", "?", answerable=False), result("x"), None)
    assert (unanswerable.value, unanswerable.why) == (None, "not_applicable: the question is unanswerable")
    bare = parse(name).score(Question("q", "?"), result("x"), None)
    assert (bare.value, bare.why) == (None, "not_applicable: no evidence is named")
