"""Questions that ask the same."""

import pytest

from eval.doctor import duplicates
from eval.doctor.findings import Severity

TEXTS = {"a.md": "The fee is five euros. The limit is thirty days."}
FEE, LIMIT = ("a.md", "five euros"), ("a.md", "thirty days")


def found(subject_of, rows, **more):
    return [(f.severity, f.question, f.facts["other"], f.facts["exact"]) for f in duplicates.check(subject_of(TEXTS, rows, **more)).findings]


def test_the_same_words_whatever_case_and_marks(subject_of, row):
    rows = [row("q1", "What is the fee?", FEE), row("q2", "what is THE fee", FEE)]
    assert found(subject_of, rows) == [(Severity.WARNING, "q2", "q1", True)]


def test_the_same_question_with_another_answer_is_an_error(subject_of, row):
    rows = [row("q1", "What is the fee?", FEE), row("q2", "What is the fee?", LIMIT)]
    assert found(subject_of, rows) == [(Severity.ERROR, "q2", "q1", True)]


def test_nearly_the_same_words(subject_of, row):
    rows = [row("q1", "How large is the fee for heavy parcels abroad?", FEE), row("q2", "How large is the fee for a heavy parcel abroad?", FEE)]
    assert found(subject_of, rows) == [(Severity.WARNING, "q2", "q1", False)]


@pytest.mark.parametrize(
    "other",
    [
        "How large is the yearly fee for sending 20 heavy parcels abroad by air mail?",
        "How large is the yearly fee for not sending 10 heavy parcels abroad by air mail?",
    ],
)
def test_another_number_or_a_negation_makes_it_a_note(subject_of, row, other):
    rows = [row("q1", "How large is the yearly fee for sending 10 heavy parcels abroad by air mail?", FEE), row("q2", other, FEE)]
    assert found(subject_of, rows) == [(Severity.NOTE, "q2", "q1", False)]


def test_meaning_is_asked_of_the_encoder(subject_of, row):
    """The hashing encoder sees words: the same ones in another order have cosine 1, and share all terms as well."""
    rows = [row("q1", "fee of parcels", FEE), row("q2", "parcels of fee", FEE), row("q3", "which days", LIMIT)]
    checked = duplicates.check(subject_of(TEXTS, rows, encoder="hashing-64"))
    assert [(f.question, f.facts["cosine"], f.facts["jaccard"]) for f in checked.findings] == [("q2", 1.0, 1.0)]
    assert checked.figures == {"exact": 0, "near": 1, "encoder": "hashing-64"}


def test_an_encoder_that_cannot_be_had_is_said(subject_of, row):
    rows = [row("q1", "What is the fee?", FEE), row("q2", "What is the limit?", LIMIT)]
    figures = duplicates.check(subject_of(TEXTS, rows, encoder="/nowhere/model")).figures
    assert figures["encoder"] is None
    assert figures["left_out"].startswith("meaning: ")


def test_other_questions_are_no_duplicates(subject_of, row):
    assert found(subject_of, [row("q1", "What is the fee?", FEE), row("q2", "When does the limit end?", LIMIT)]) == []
