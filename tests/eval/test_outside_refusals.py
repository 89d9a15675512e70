"""Which answers decline by their wording."""

from __future__ import annotations

import pytest

from eval.outside_refusals import refusal


@pytest.mark.parametrize(
    "answer",
    [
        "I don't know.",
        "I don\u2019t know",
        "I'm sorry, but I cannot answer this question. Please rephrase it.",
        "The provided context does not contain information about zebras.",
        "There is no information in the context about that.",
        "There is no information available.",
        "No relevant information was found.",
        "There is no mention of a limit in the text.",
        "The answer is not mentioned in the passage.",
        "Insufficient information to answer.",
        "It is not possible to determine this from the text.",
        "None of the provided documents mention it.",
        "N/A",
        "Unanswerable.",
    ],
)
def test_usual_refusals_are_told(answer: str) -> None:
    assert refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "The limit is 30 days.",
        "There is no evidence that face shields help.",
        "It cannot be found by its tail, because the encoder cut it off.",
        "No. The tokenizer does not know the word.",
        "The function returns None when the key is unknown.",
        "I don't know much about zebras. The handbook says they have stripes. It counts 40 of them.",
        "The context does not say. " * 20,
        "No information is lost when vectors are normalised.",
        "There is no information leak between tenants.",
        "There is no data race, since readers see one sealed generation.",
    ],
)
def test_answers_that_say_something_are_none(answer: str) -> None:
    assert refusal(answer) == ""


def test_the_words_are_returned() -> None:
    assert refusal("Sorry, but I do not know the answer.") == "i do not know"
