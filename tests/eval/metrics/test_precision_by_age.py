"""precision_by_age: precision among the first k documents of one age."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import parse, parse_all
from eval.questions import Question
from eval.score import Result
from rag.errors import ConfigError
from rag.types import Span

BANDS = ("0-30", "30-180", "180-365", "365-")


def found(ages, *docs):
    """A ranking of these documents, with the ages that are known."""
    return Result("q", tuple((Span(doc, 0, 5), 1.0) for doc in docs), ages=ages)


def asked(*relevant):
    """A question with these relevant documents."""
    return Question("q", "?", evidence=tuple(Span(d, 0, 5) for d in relevant), grades=dict.fromkeys(relevant, 1))


def test_worked_example():
    """Of the first five, `a` and `b` are new and `a` is relevant; `c` and `d` are old and both are; `e` has no date; `f` is the sixth."""
    result = found({"a": 0, "b": 29.9, "c": 30, "d": 179, "f": 400}, *"abcdef")
    young = parse("precision_by_age@5/0-30").score(asked("a", "c", "d", "f"), result, None)
    assert (young.value, young.why) == (1 / 2, "1 of the first 5 documents without a date")
    assert parse("precision_by_age@5/30-180").score(asked("a", "c", "d", "f"), result, None).value == 1.0
    assert parse("precision_by_age@5/365-").score(asked("f"), result, None).why == "not_applicable: none of the first 5 documents is of that age"
    assert parse("precision_by_age@6/365-").score(asked("f"), result, None).value == 1.0


def test_a_date_to_come_is_new():
    """No document falls out of every band."""
    assert parse("precision_by_age@1/0-30").score(asked("a"), found({"a": -3}, "a"), None).value == 1.0


@pytest.mark.parametrize(
    ("question", "result", "why"),
    [
        (asked("a"), found({}, "a"), "no age is known of the documents found"),
        (asked("a"), found({"a": 1}), "nothing was found"),
        (asked(), found({"a": 1}, "a"), "no evidence is named"),
        (Question("q", "?", answerable=False), found({"a": 1}, "a"), "the question is unanswerable"),
        (asked("a"), Result("q", ranked=False), "no ranking was given"),
    ],
)
def test_reasons(question, result, why):
    """No value without ages, documents, or anything relevant."""
    assert parse("precision_by_age@5/0-30").score(question, result, None).why == f"not_applicable: {why}"


def test_k_alone_stands_for_the_four_bands_in_a_list():
    """A list of names is expanded; one metric has one band."""
    assert [m.name for m in parse_all(["map", "precision_by_age@5", "precision_by_age@5/30-180"])] == ["map", *(f"precision_by_age@5/{b}" for b in BANDS)]


@pytest.mark.parametrize("cut", ["", "@", "@5", "@0/0-30", "@5/30", "@5/30-30", "@5/30-7", "@5/-30", "@x/0-30", "@5/0-30-60"])
def test_a_cut_that_says_no_band_is_refused(cut):
    """With an example."""
    with pytest.raises(ConfigError, match="write precision_by_age@5/30-180"):
        parse(f"precision_by_age{cut}")


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 1000), min_size=1),
    st.permutations("abcdefgh"),
    st.sets(st.sampled_from("abcdefgh"), min_size=1),
)
def test_the_bands_partition_the_dated_documents(ages, order, relevant):
    """Weighed by how many documents each band has, the four precisions add up to the relevant dated documents among the first five."""
    bounds = {"0-30": (0, 30), "30-180": (30, 180), "180-365": (180, 365), "365-": (365, 10**9)}
    first = [d for d in order[:5] if d in ages]
    total, count = 0.0, 0
    for metric in parse_all(["precision_by_age@5"]):
        low, high = bounds[metric.name.split("/")[1]]
        inside = sum(low <= ages[d] < high for d in first)
        value = metric.score(asked(*relevant), found(ages, *order), None).value
        assert (value is None) == (inside == 0)
        total, count = total + (value or 0.0) * inside, count + inside
    assert count == len(first)
    assert total == pytest.approx(sum(d in relevant for d in first))
