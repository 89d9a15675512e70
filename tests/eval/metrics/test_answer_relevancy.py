"""answer_relevancy: the mean similarity of the question and the questions that the answer would answer."""

import pytest

from eval.judges.base import Asked
from eval.metrics import parse
from eval.metrics.answer_relevancy import STAND_IN
from eval.score import Result

METRIC = parse("answer_relevancy")
COSINES = {"one": 0.9, "two": 0.6, "three": 0.3, "off": -1.0}


def asked(*texts, noncommittal=()):
    """Questions as a judge writes them."""
    return tuple(Asked(text, i in noncommittal) for i, text in enumerate(texts))


@pytest.mark.parametrize(
    ("questions", "value"),
    [
        (asked("one", "two", "three"), 0.6),
        (asked("one", "two", "three", noncommittal=(0, 2)), 0.6),
        (asked("one", "two", "three", noncommittal=(0, 1, 2)), 0.0),
        (asked("one", "two", "off"), 0.5 / 3),
        (asked("off", "off", "three"), 0.0),
    ],
)
def test_mean_cosine_of_the_questions_written(question, result, judge, questions, value):
    """0 when all are noncommittal and not when some are, as ragas; a mean below 0 is 0, where ragas goes down to -1."""
    score = METRIC.score(question, result, judge(questions=questions, cosines=COSINES))
    assert score.value == pytest.approx(value)
    assert [e["asked"] for e in score.evidence] == [q.question for q in questions]


def test_too_few_questions_withhold_it(question, result, judge):
    """ragas gives 0 for none and the mean of what came otherwise."""
    for questions, n in (((), 0), (asked("one"), 1)):
        assert METRIC.score(question, result, judge(questions=questions)).why == f"judge_failed(count_mismatch): {n} questions for 3"


@pytest.mark.parametrize(("cosine", "value"), [(0.7, 0.7), (-0.2, 0.0), (1.0000001, 1.0)])
def test_stand_in_of_a_judge_that_writes_no_questions(question, result, judge, cosine, value):
    """The cosine of question and answer, held to 0 to 1; the evidence names it."""
    score = METRIC.score(question, result, judge(cosine=cosine))
    assert (score.value, score.evidence) == (value, (STAND_IN,))


def test_a_similarity_that_is_no_number_withholds_it(question, result, judge):
    """NaN is no 0."""
    assert METRIC.score(question, result, judge(cosine=float("nan"))).why == "judge_failed(out_of_range): a similarity of nan"


def test_reasons(question, judge):
    """An abstention is not irrelevant, it is an abstention; a failed judge withholds, and is no reason for the stand-in."""
    assert METRIC.score(question, Result("q", abstained="unsure"), judge()).why == "abstained"
    assert METRIC.score(question, Result("q", answer=" "), judge()).why == "abstained: the answer is empty"
    assert METRIC.score(question, Result("q", answer="?"), judge()).why == "judge_failed(malformed): answered in prose"
