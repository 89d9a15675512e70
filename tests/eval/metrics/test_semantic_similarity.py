"""semantic_similarity: the cosine of answer and first reference answer."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

METRIC = parse("semantic_similarity")


@pytest.mark.parametrize(("cosine", "value"), [(0.7, 0.7), (-0.2, 0.0), (1.0000001, 1.0)])
def test_cosine_held_to_its_range(question, result, judge, cosine, value):
    """A negative cosine counts as 0, rounding above 1 as 1."""
    assert METRIC.score(question, result, judge(cosine=cosine)).value == value


def test_it_is_of_the_answer_and_the_first_reference(question, judge):
    """Neither the question nor the second reference plays a part."""
    given = Result("q", answer="said")
    assert METRIC.score(question, given, judge(cosines={"a b c": 0.8})).value == 0.8
    assert METRIC.score(question, given, judge(cosines={"other": 0.8, "what": 0.9})).value == 0.5


def test_reasons(question, result, judge):
    """Abstained, no reference, failed judge."""
    assert METRIC.score(question, Result("q", abstained="unsure"), judge()).why == "abstained"
    assert METRIC.score(Question("q", "?"), result, judge()).why == "not_applicable: there is no reference answer"
    assert METRIC.score(question, Result("q", answer="?"), judge()).why == "judge_failed(malformed): answered in prose"
