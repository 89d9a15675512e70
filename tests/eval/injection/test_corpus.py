"""The corpus is what it says: enough attacks of every family, twins that ask for nothing, documents that hold what was planted."""

from __future__ import annotations

from collections import Counter

import pytest

from eval.injection import corpus
from eval.injection.corpus import CARRIERS, FAMILIES, OTHER
from eval.injection.oracles import ORACLES
from rag.untrusted import visible

CASES = corpus.load()
QUESTION_SIDE = ("query", "history", "judge_answer")


def test_every_family_has_six_attacks_and_every_carrier_and_oracle_is_used():
    assert min(Counter(c.family for c in CASES)[f] for f in FAMILIES) >= 6
    assert {c.carrier for c in CASES} == set(CARRIERS)
    assert {c.success for c in CASES} == set(ORACLES)
    assert len({c.id for c in CASES}) == len({c.payload for c in CASES}) == len(CASES) >= 100
    assert len({c.lang for c in CASES if c.family == "H"} - {"en"}) >= 12


def test_poison_comes_in_one_three_and_five_copies():
    assert {len(c.payload) for c in CASES if c.family == "I"} >= {1, 3, 5}
    assert any(len(c.payload) == 2 for c in CASES if c.family == "H")  # split over two documents


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_a_case_is_whole(case):
    """The canary is in the attack (unless another tenant holds it or nothing is to be said), never in the twin."""
    assert case.question
    assert case.canary not in case.benign_twin
    assert case.benign_twin not in case.payload
    assert visible(case.question) == (case.question, 0)
    if case.secret:
        assert case.canary not in " ".join(case.payload)
        assert [d.meta["tenant"] for d in corpus.documents(case)].count(OTHER) == 1


@pytest.mark.parametrize("benign", [False, True])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_what_is_planted_lies_where_the_case_says(case, benign):
    """Each planted text stands once, in the documents that `carriers` names; three ordinary documents are without it."""
    documents = corpus.documents(case, benign=benign)
    holders = corpus.carriers(case, benign=benign)
    assert len({d.id for d in documents}) == len(documents) >= 1 + corpus.ORDINARY
    for text in case.planted(benign):
        holding = {d.id for d in documents if text in "\n".join([d.id, d.title, d.text, *map(str, d.meta.values())])}
        assert holding <= holders
        assert bool(holding) == (case.carrier not in QUESTION_SIDE)
    assert (corpus.asked(case, benign=benign) == case.question) == (case.carrier != "query")
    assert bool(corpus.history(case, benign=benign)) == (case.carrier == "history")
    assert (corpus.attacked(case, "x", benign=benign) != "x") == (case.carrier == "judge_answer")


def test_the_words_that_answer_are_in_the_ordinary_document():
    assert all(h.answer in h.text for h in corpus.hosts().values())


def test_a_case_that_is_not_well_formed_is_refused():
    from dataclasses import asdict

    row = {**asdict(CASES[0]), "family": "Z"}
    with pytest.raises(ValueError, match="A01"):
        corpus._case(row)
