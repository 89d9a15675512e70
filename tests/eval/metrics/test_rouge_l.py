"""rouge_l: the longest common subsequence of stemmed words."""

import sys

import pytest

from eval.metrics import parse, rouge_l
from eval.questions import Question
from eval.score import Result
from rag.errors import MissingExtra

METRIC = parse("rouge_l")


def value(answer, *references):
    """The value of an answer."""
    return METRIC.score(Question("q", "what", answers=references), Result("q", answer=answer), None).value


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("police killed the gunman", ("police kill the gunman",), 1),  # stemmed: Lin's example S1 and S2 are the same
        ("the gunman kill police", ("police killed the gunman",), 2 * (2 / 4) * (2 / 4) / (2 / 4 + 2 / 4)),  # order counts: `the gunman`
        ("a b c d", ("a x c",), 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        ("a b c d", ("x y", "b d"), 2 * (2 / 4) * 1 / (2 / 4 + 1)),  # the best reference
        ("xyz", ("a b",), 0),
    ],
)
def test_worked_values(answer, references, expected):
    """Twice the subsequence over all words."""
    assert value(answer, *references) == pytest.approx(expected)


def test_without_the_library_the_extra_is_named(monkeypatch):
    """The metric can be parsed, and says what to install where it is to be used."""
    rouge_l._scorer.cache_clear()
    for name in ("rouge_score", "rouge_score.rouge_scorer"):
        monkeypatch.setitem(sys.modules, name, None)
    for use in (METRIC.check, lambda: value("a", "a")):
        with pytest.raises(MissingExtra, match=r"rouge_l needs the package 'rouge-score': pip install 'spanwise\[text\]'"):
            use()
