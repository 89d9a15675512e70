"""prompt_tokens, completion_tokens and cost: what chat models took for one question."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

QUESTION = Question("q", "?")
SPENT = {"completions": 2.0, "prompt_tokens": 120.0, "completion_tokens": 30.0, "cost": 0.004}


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "cost"])
def test_the_entry_of_its_name(name):
    """As counted, 0 included; unknown is not 0. Lower is better, without bound."""
    metric = parse(name)
    assert metric.score(QUESTION, Result("q", spent=SPENT), None).value == SPENT[name]
    assert metric.score(QUESTION, Result("q", spent={name: 0.0}), None).value == 0.0
    assert metric.score(QUESTION, Result("q"), None).why == "not_applicable: what was spent is not known"
    assert metric.score(QUESTION, Result("q", spent={}), None).why == "not_applicable: what was spent is not known"
    assert (metric.higher_is_better, metric.range) == (False, (0.0, None))
