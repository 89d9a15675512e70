"""answer_relevancy: the similarity of question and answer, not below 0."""

import pytest

from eval.metrics import parse
from eval.score import Result

METRIC = parse("answer_relevancy")


@pytest.mark.parametrize(("cosine", "value"), [(0.7, 0.7), (-0.2, 0.0), (1.0000001, 1.0)])
def test_cosine_held_to_its_range(question, result, judge, cosine, value):
    """A negative cosine counts as 0, rounding above 1 as 1."""
    assert METRIC.score(question, result, judge(cosine=cosine)).value == value


def test_reasons(question, judge):
    """An abstention is not irrelevant, it is an abstention; a failed judge withholds."""
    assert METRIC.score(question, Result("q", abstained="unsure"), judge()).why == "abstained"
    assert METRIC.score(question, Result("q", answer=" "), judge()).why == "not_applicable: the answer is empty"
    assert METRIC.score(question, Result("q", answer="?"), judge()).why == "judge_failed(malformed): answered in prose"
