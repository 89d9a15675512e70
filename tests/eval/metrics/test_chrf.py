"""chrf: sacrebleu's value over 100."""

import sys

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics import chrf, parse
from eval.questions import Question
from eval.score import Result
from rag.errors import MissingExtra

METRIC = parse("chrf")
text = st.text("abc dé東", min_size=1, max_size=12).filter(str.strip)


def value(answer, *references):
    """The value of an answer."""
    return METRIC.score(Question("q", "what", answers=references), Result("q", answer=answer), None).value


def test_worked_value():
    """`ab` against `abc`, orders 1 to 3 by hand.

    Order 1: precision 2/2, recall 2/3; order 2: 1/1 and 1/2; `ab` has no sequence of 3, so that order is left out. Means: precision 1,
    recall 7/12; chrF2 = 5 P R / (4 P + R).
    """
    assert value("ab", "abc") == pytest.approx(5 * (7 / 12) / (4 + 7 / 12))


@settings(deadline=None)  # the library is loaded at the first value
@given(text, text, text)
def test_it_is_sacrebleu_over_100_and_the_best_reference(said, one, other):
    """Never more than 1, and never less than against either reference."""
    found = value(said, one, other)
    assert found == pytest.approx(sacrebleu.sentence_chrf(" ".join(said.split()), [one, other]).score / 100)
    assert 0 <= found <= 1
    assert found == pytest.approx(max(value(said, one), value(said, other)))


def test_the_same_text_is_one():
    """In any language, with citation marks left out."""
    assert value("Grüße aus 東京 [1]", "Grüße aus 東京") == 1.0


def test_without_the_library_the_extra_is_named(monkeypatch):
    """The metric can be parsed, and says what to install where it is to be used."""
    chrf._scorer.cache_clear()
    for name in ("sacrebleu", "sacrebleu.metrics", "sacrebleu.metrics.chrf"):
        monkeypatch.setitem(sys.modules, name, None)
    for use in (METRIC.check, lambda: value("a", "a")):
        with pytest.raises(MissingExtra, match=r"chrf needs the package 'sacrebleu': pip install 'spanwise\[text\]'"):
            use()
