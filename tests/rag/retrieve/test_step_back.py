"""Step-back: one more general question beside the original, fused with its weight."""

from __future__ import annotations

import pytest

from rag.filter_text import parse
from rag.retrieve.step_back import StepBack
from rag.types import Query


def test_worked_example(lab, reader, scripted, by_text):
    """k = 1, weight 0.5: a has 1/2, b 1/3 + 0.5/2, c 0.5/3."""
    over, chat = by_text({"q": "ab", "general": "bc"}), scripted("general\n")
    found = StepBack(over, k=1, chat=chat).rank(Query("q", parse("x = 1"), ("p",)), reader)
    assert list(found.scored) == [("b", pytest.approx(1 / 3 + 0.25)), ("a", 0.5), ("c", pytest.approx(0.5 / 3))]
    assert list(over.asked) == [Query("q", parse("x = 1"), ("p",)), Query("general", parse("x = 1"))]
    assert found.step.facts["question"] == ["general"]
    (request,) = lab.runtime.chat(chat).requests
    assert (request.task, request.subject, request.sample) == ("step_back", "q", 0)


@pytest.mark.parametrize("said", ["", "  ", "What IS it", "what is it?!"])
def test_a_question_that_is_the_same_or_none_changes_nothing(reader, scripted, by_text, said):
    over = by_text({"What is it?": "cba"})
    found = StepBack(over, limit=2, chat=scripted(said)).rank(Query("What is it?"), reader)
    assert found.scored == over.rank(Query("What is it?"), reader).scored[:2]
    assert found.step.facts["question"] == []


def test_a_blank_question_asks_nothing(reader, scripted, by_text):
    found = StepBack(by_text({}), chat=scripted()).rank(Query("\n"), reader)
    assert (found.scored, found.step.facts["completions"]) == ((), 0)


@pytest.mark.parametrize(("field", "value"), [("weight", 0), ("k", -1), ("max_tokens", 0), ("limit", 0)])
def test_fields_are_held_to_their_bounds(leg, field, value):
    with pytest.raises(ValueError, match=field):
        StepBack(leg("a"), **{field: value})
