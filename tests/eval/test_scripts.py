"""Text in a script that a judge or metric does not read is told apart; languages that share a script are not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.scripts import foreign, main_script


@pytest.mark.parametrize(
    ("text", "script"),
    [("Hello, world", "LATIN"), ("Привет, world of мир", "CYRILLIC"), ("東京は日本", "CJK"), ("123 !?", ""), ("Ünïcode", "LATIN"), ("한국어", "HANGUL")],
)
def test_the_main_script_is_that_of_most_letters(text, script):
    assert main_script(text) == script


def test_a_foreign_text_is_refused_with_the_script_it_is_in():
    assert foreign("Привет мир", ("english",)) == "reads english only; this text is mostly in Cyrillic script"
    assert foreign("Guten Tag", ("english",)) == ""  # the same script: not told apart
    assert foreign("Привет мир", None) == ""
    assert foreign("Привет мир", ("russian",)) == ""  # no statement about what is not written in Latin letters
    assert foreign("42", ("english",)) == ""


@given(st.text())
def test_any_text_has_an_answer(text):
    assert isinstance(foreign(text, ("english",)), str)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("aäéжя東ab 1"), max_size=40))
def test_the_main_script_is_counted_over_letters_and_the_first_of_equals_wins(text):
    names = [unicodedata.name(c, "UNKNOWN").split(" ", 1)[0].split("-", 1)[0] for c in text if c.isalpha()]
    assert main_script(text) == max(dict.fromkeys(names), key=names.count, default="")
