"""Rewordings: the original first, no duplicates, RRF with less for what one wording alone found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ChatError
from rag.filter_text import parse
from rag.retrieve._ranking import fuse
from rag.retrieve.multi_query import MultiQuery, agreed
from rag.types import Query

RANKINGS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), min_size=1, max_size=5)


def reply(*questions):
    return json.dumps({"questions": questions})


def test_worked_example(reader, scripted, by_text):
    """k = 0, original at weight 2: a has 2/1 + 1/2, b 2/2 + 1/1, c and d (found once) half of 1/3 and of 1/1."""
    over = by_text({"q": "ab", "r1": "bac", "r2": "d"})
    found = MultiQuery(over, k=0, weight=2, chat=scripted(reply("r1", "r2"))).rank(Query("q"), reader)
    assert dict(found.scored) == pytest.approx({"a": 2 / 1 + 1 / 2, "b": 2 / 2 + 1 / 1, "c": (1 / 3) / 2, "d": 1 / 2})
    assert [i for i, _ in found.scored] == ["a", "b", "d", "c"]
    assert found.step.facts["rewordings"] == ["r1", "r2"]


def test_every_wording_is_searched_under_the_same_filter_and_only_the_original_keeps_its_passages(reader, scripted, by_text):
    over, where = by_text({}), parse("x = 1")
    MultiQuery(over, chat=scripted(reply("r1", "r2"))).rank(Query("q", where, ("p",)), reader)
    assert list(over.asked) == [Query("q", where, ("p",)), Query("r1", where), Query("r2", where)]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (["What is C++?", "what is c++", "What  is “C++”", "What is C#?"], ["What is C++?", "What is C#?"]),
        (["", " ", "?!", "Q."], []),
        (["one", "two", "three", "four"], ["one", "two", "three"]),
        (["it's here", "its here"], ["it's here"]),
        (["\ud800x", "x"], ["\ufffdx", "x"]),
        ([], []),
    ],
)
def test_duplicates_blanks_and_more_than_n_are_dropped(reader, scripted, by_text, said, kept):
    assert MultiQuery(by_text({}), n=3, chat=scripted(reply(*said))).rank(Query("q"), reader).step.facts["rewordings"] == kept


def test_with_one_wording_left_nothing_is_changed(reader, scripted, by_text):
    over = by_text({"Why?": "cab"})
    plain = over.rank(Query("Why?"), reader).scored
    found = MultiQuery(over, alone=0.1, chat=scripted(reply("why", "WHY!"))).rank(Query("Why?"), reader)
    assert found.scored == plain
    assert MultiQuery(over, limit=2, chat=scripted(reply())).rank(Query("Why?"), reader).scored == plain[:2]


@given(RANKINGS, st.floats(0, 1))
def test_what_two_wordings_found_keeps_its_rrf_score_and_no_other_does(rankings, alone):
    weights = (1.0,) * len(rankings)
    plain, found = fuse(rankings, weights, 60.0), agreed(rankings, weights, 60.0, alone)
    for i, score in plain.items():
        assert found[i] == (score * alone if sum(i in r for r in rankings) == 1 else score)
    assert agreed(rankings, weights, 60.0, 1.0) == plain


def test_a_reply_that_is_no_json_is_asked_for_once_more_and_then_raised(lab, reader, scripted, by_text):
    chat = scripted("Sure! Here you go", reply("r1"))
    found = MultiQuery(by_text({"q": "a", "r1": "a"}), chat=chat).rank(Query("q"), reader)
    assert (found.step.facts["rewordings"], found.step.facts["completions"]) == (["r1"], 2)
    assert lab.runtime.chat(chat).requests[0].task == "multi_query"
    with pytest.raises(ChatError, match="no usable JSON for multi_query after 2 attempts"):
        MultiQuery(by_text({}), chat=scripted("no", '{"questions": "r1"}')).rank(Query("q"), reader)


def test_a_blank_question_asks_nothing(reader, scripted, by_text):
    assert MultiQuery(by_text({}), chat=scripted()).rank(Query(" "), reader).scored == ()


@pytest.mark.parametrize(("field", "value"), [("n", 0), ("n", 17), ("weight", 0), ("alone", 1.1), ("alone", -0.1), ("k", -1), ("limit", 0)])
def test_fields_are_held_to_their_bounds(leg, field, value):
    with pytest.raises(ValueError, match=field):
        MultiQuery(leg("a"), **{field: value})
