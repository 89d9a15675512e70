"""Contrast pairs: what is altered, that it comes out the same each time, and how what is caught is counted."""

import random

from hypothesis import given
from hypothesis import strategies as st

from eval.bench.contrast import ALTERATIONS, Caught, Pair, affirmed, caught, negated, pairs, swapped
from eval.bench.labels import Row
from eval.judges._frequencies import Frequencies
from eval.judges.embedded import EmbeddedJudge
from rag.models.hashing import HashingEncoder

RNG = random.Random(1)  # a draw that can be repeated, nothing secret


def test_a_swapped_number_is_another_one_of_its_form():
    """Commas stay, words stay words; names, ordinals and what no context states stay as they are."""
    for _ in range(20):
        assert swapped("It has 1,000 rows.", ["1000 rows"], RNG) not in (None, "It has 1,000 rows.")
        year = swapped("It began in 1999.", ["in 1999"], RNG)
        assert year is not None
        assert 1979 <= int(year[-5:-1]) <= 2019
        assert year != "It began in 1999."
    assert swapped("It has five rows.", ["5 rows"], RNG) != "It has five rows."
    for claim in ("COVID-19 came.", "The 6th row.", "A 3D model.", "Words only.", "It has 7 rows."):
        assert swapped(claim, ["19 6 3 6th 3D"], RNG) is None


def test_a_negation_goes_after_the_first_auxiliary_and_comes_out_again():
    """What is negated already is not negated twice; "not only" is no negation."""
    assert negated("It was sold and is gone.", (), RNG) == "It was not sold and is gone."
    assert negated("It was never sold.", (), RNG) is None
    assert negated("It sold.", (), RNG) is None
    assert [affirmed(c, (), RNG) for c in ("It was not sold.", "It isn't sold.", "It cannot be.", "It is.")] == [
        "It was sold.",
        "It is sold.",
        "It can be.",
        None,
    ]
    assert affirmed("It was not only sold.", (), RNG) is None


@given(st.text(alphabet="It was not 30 five.,-th", max_size=40))
def test_any_claim_can_be_tried(claim):
    """An alteration gives another text or none."""
    for alter in ALTERATIONS.values():
        assert alter(claim, [claim], random.Random(1)) != claim or claim == ""


def test_pairs_are_the_same_for_the_same_seed_and_of_supported_rows_only():
    """Two runs agree; another seed may not; a row that is not supported gives no pair."""
    rows = [Row(str(i), "q", (f"It has {i} rows.",), f"It has {i} rows.", i % 2 == 0) for i in range(10, 30)]
    made = list(pairs(rows, "number swapped"))
    assert made == list(pairs(rows, "number swapped"))
    assert made != list(pairs(rows, "number swapped", seed=2))
    assert len(made) == 10


def test_what_is_caught_is_counted():
    """Of two pairs one altered claim scores lower and is lost; the other original was never supported."""
    encoder = HashingEncoder()
    judge = EmbeddedJudge(Frequencies(0, {}), encoder.encode, encoder.token_vectors, encoder.identity)
    made = [Pair("It has 30 rows.", "It has 31 rows.", ("It has 30 rows.",), ""), Pair("Bananas ripen.", "Bananas ripen.", ("Other words.",), "")]
    assert caught(judge, made) == Caught(2, 1, 1, 1)
