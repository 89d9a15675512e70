"""Words of texts: what two share, and the longest run in both."""

from hypothesis import given
from hypothesis import strategies as st

from eval.doctor.words import longest_run, negated, numbers, placed, shared, terms, words


def by_brute_force(a, b):
    """Return the longest common run, the first of equals in b, by trying all."""
    best = (0, 0)
    for at in range(len(b)):
        for size in range(best[0] + 1, len(b) - at + 1):
            if any(list(a[i : i + size]) == list(b[at : at + size]) for i in range(len(a))):
                best = (size, at)
            else:
                break
    return best


@given(st.lists(st.sampled_from("abc"), max_size=14), st.lists(st.sampled_from("abcd"), max_size=14))
def test_the_longest_run_is_that_of_trying_all(a, b):
    assert longest_run(a, b) == by_brute_force(a, b)


def test_the_longest_run_of_long_texts_takes_linear_work():
    """40,000 words against 40,000: any quadratic way would take minutes."""
    a, b = ["x", "y"] * 20_000, ["y", "x"] * 20_000
    assert longest_run(a, b) == (39_999, 0)


def test_words_know_their_places_and_no_case():
    found = placed("The BM25, again")
    assert found.words == ("the", "bm25", "again") == words("The BM25, again")
    assert [("The BM25, again")[a:b] for a, b in zip(found.starts, found.ends, strict=True)] == ["The", "BM25", "again"]


def test_shares():
    assert shared({"a", "b", "c", "d"}, {"b", "d", "e"}) == 0.5
    assert shared(set(), {"a"}) == 0.0


def test_terms_are_stems_without_stop_words():
    assert terms("the caches of a cache") == {"cach"}


def test_numbers_have_one_spelling():
    assert numbers("1,000 rows and two columns") == {"1000", "2"}


def test_two_negations_are_none():
    assert negated("It does not fit.")
    assert not negated("It does not fit. It never did.")
