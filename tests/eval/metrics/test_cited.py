"""Statements of an answer: which sentence a citation mark belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.cited import statements


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("It is so [1]. And so [2].", [("It is so.", (1,)), ("And so.", (2,))]),
        ("It is so. [1] And so. [2]", [("It is so.", (1,)), ("And so.", (2,))]),
        ("One. [1]Two.", [("One.", (1,)), ("Two.", ())]),
        ("One. Two. [1] Three.", [("One.", ()), ("Two.", (1,)), ("Three.", ())]),
        ("Thirty days [1] and ninety for staff [2].", [("Thirty days and ninety for staff.", (1, 2))]),
        ("Both say it [1, 3] [1][2].", [("Both say it.", (1, 3, 2))]),
        ("A heading without a stop [1] Next quote [2]", [("A heading without a stop", (1,)), ("Next quote", (2,))]),
        ("- item one [1]\n- item two [2]\n- item three", [("- item one", (1,)), ("- item two", (2,)), ("- item three", ())]),
        ("[2] says so. It does.", [("says so.", (2,)), ("It does.", ())]),
        ("地球は丸い。[1] 月も丸い。[2]", [("地球は丸い。", (1,)), ("月も丸い。", (2,))]),
        ("It costs $3.50 [1]! Sure?", [("It costs $3.50!", (1,)), ("Sure?", ())]),
        ("[1]", []),
        ("...", []),
        ("", []),
    ],
)
def test_a_mark_belongs_to_the_sentence_it_stands_in_or_behind(answer, expected):
    """Marks before or behind the full stop, in the middle, in lists, in other scripts; what has no word is no statement."""
    assert [(one.claim.text, one.cited) for one in statements(answer)] == expected


@given(st.lists(st.sampled_from(["Ants dig", "it rains", ".", " ", "\n", "[1]", "[2, 3]", "!", "9", "|", "- ", "é"]), max_size=25).map("".join))
def test_no_mark_and_no_word_is_lost(answer):
    """Where there is a statement, every number cited is one's; and every letter of the answer is in one, in order."""
    found = statements(answer)
    cited = {n for one in found for n in one.cited}
    assert cited == ({n for mark, numbers in (("[1]", {1}), ("[2, 3]", {2, 3})) if mark in answer for n in numbers} if found else set())
    bare = answer.replace("[1]", "").replace("[2, 3]", "")
    assert [c for one in found for c in one.claim.text if c.isalpha()] == [c for c in bare if c.isalpha()]
