"""The judge interface: a complete set of verdicts or none, and citation marks."""

import pytest

from eval.judges.base import Claim, Judgement, Label, Missing, unmarked, verdicts

CLAIM = Claim("a", 0, 1)
YES = Judgement(Label.SUPPORTED, 1.0)


class Fixed:
    """A judge that gives the same verdicts to whatever it is asked."""

    def __init__(self, *found):
        self.found = found

    def support(self, claims, contexts, question):
        """Return them."""
        return self.found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((YES, YES), (YES, YES)),
        ((YES,), Missing("1 verdicts for 2 claims")),
        ((YES, YES, YES), Missing("3 verdicts for 2 claims")),
        ((YES, Missing("timed out")), Missing("timed out")),
    ],
)
def test_verdicts_are_complete_or_missing(found, expected):
    """Never fewer, never more, never one invented."""
    assert verdicts(Fixed(*found), [CLAIM, CLAIM], ["c"], "q") == expected


def test_citation_marks_are_blanked_in_place():
    """Offsets stay; words in brackets and long numbers are no marks."""
    text = "One [1]. Two [2, 3][4]. [a] [12345]"
    assert unmarked(text) == "One    . Two          . [a] [12345]"
    assert len(unmarked(text)) == len(text)
