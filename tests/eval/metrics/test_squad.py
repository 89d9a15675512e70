"""exact_match and token_f1: values of the SQuAD 2.0 evaluation, worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import parse
from eval.metrics.squad import tokens
from eval.questions import Question
from eval.score import Result

EXACT, F1 = parse("exact_match"), parse("token_f1")


def values(answer, *references):
    """Exact match and F1 of an answer."""
    asked, found = Question("q", "what", answers=references), Result("q", answer=answer)
    return EXACT.score(asked, found, None).value, F1.score(asked, found, None).value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Eiffel Tower!", ["eiffel", "tower"]),
        ("it's 1,000.50 -- a lot", ["its", "100050", "lot"]),  # punctuation goes without a space in its place
        ("An anthem; theatre, the a an", ["anthem", "theatre"]),  # articles are whole words
        ("Caf\u00e9 \u201cquoted\u201d", ["caf\u00e9", "\u201cquoted\u201d"]),  # only ASCII punctuation goes
        ("the", []),
    ],
)
def test_normalisation(text, words):
    """Lower case, no punctuation, no articles, white space made one."""
    assert tokens(text) == words


@pytest.mark.parametrize(
    ("answer", "references", "exact", "f1"),
    [
        ("the Eiffel Tower", ("Eiffel tower",), 1, 1),
        ("Eiffel tower in Paris", ("The Eiffel Tower",), 0, 2 * (2 / 4) * (2 / 2) / (2 / 4 + 2 / 2)),
        ("dog dog dog cat", ("dog dog bird",), 0, 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),  # repeats count as often as both have them
        ("Paris", ("London",), 0, 0),
        ("in 1889", ("1889", "in the year 1889"), 0, 2 * 2 / (2 + 3)),  # the best reference counts
        ("1889", ("1887", "1889."), 1, 1),
        ("the", ("a",), 1, 1),  # both are empty once normalised
        ("the", ("tower",), 0, 0),
        ("Eiffel tower [1][2].", ("Eiffel tower",), 1, 1),  # citation marks are no words
    ],
)
def test_worked_values(answer, references, exact, f1):
    """As `evaluate-v2.0.py` gives for them."""
    assert values(answer, *references) == (exact, pytest.approx(f1))


words = st.lists(st.sampled_from(["ant", "bee", "cow", "the", "x-y", "1,5"]), min_size=1, max_size=6)


@given(words, words, st.randoms())
def test_laws(said, wanted, random):
    """F1 is symmetric, blind to order, at least the exact match, and 1 for the same words."""
    exact, f1 = values(" ".join(said), " ".join(wanted))
    shuffled = random.sample(said, len(said))
    assert 0 <= exact <= f1 <= 1
    assert values(" ".join(wanted), " ".join(said))[1] == f1
    assert values(" ".join(shuffled), " ".join(wanted))[1] == f1
    assert values(" ".join(shuffled), " ".join(said))[1] == 1
