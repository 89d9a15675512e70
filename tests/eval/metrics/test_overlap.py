"""What the metrics of wording share: the best reference, scripts they cannot read, and reasons."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

NAMES = ("exact_match", "token_f1", "rouge_l", "chrf")
RUSSIAN = "Столица Франции \u2014 Париж"


def why(name, answer, *references, **more):
    """Return why there is no value."""
    return parse(name).score(Question("q", "what", answers=references, **more), Result("q", answer=answer), None).why


@pytest.mark.parametrize("name", NAMES)
def test_reasons(name):
    """Abstained, empty, no reference, unanswerable: none is a 0."""
    metric, asked = parse(name), Question("q", "what", answers=("a",))
    assert metric.score(asked, Result("q", abstained="unsure"), None).why == "abstained"
    assert why(name, " ", "a") == "abstained: the answer is empty"
    assert why(name, "[1]", "a") == "judge_failed(no_claims): the answer is empty but for citation marks"
    assert why(name, "Paris") == "not_applicable: there is no reference answer"
    assert why(name, "Paris", answerable=False) == "not_applicable: the question is unanswerable"


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "rouge_l"])
def test_english_only_metrics_refuse_other_scripts(name):
    """With the reason: an answer counts as lost, the only reference as not applicable; beside one in Latin script another is left out."""
    said = f"{name} reads english only; this text is mostly in Cyrillic script"
    assert why(name, RUSSIAN, "The capital of France is Paris") == f"judge_failed(unreadable): {said}"
    assert why(name, "Paris", RUSSIAN) == f"not_applicable: {said}"
    both = parse(name).score(Question("q", "what", answers=(RUSSIAN, "Paris")), Result("q", answer="Paris"), None)
    assert both.value == 1.0


def test_chrf_reads_any_script():
    """It compares characters."""
    same = parse("chrf").score(Question("q", "what", answers=(RUSSIAN,)), Result("q", answer=RUSSIAN), None)
    other = parse("chrf").score(Question("q", "what", answers=(RUSSIAN,)), Result("q", answer="東京は日本の首都"), None)
    assert same.value == 1.0
    assert other.value == 0.0
