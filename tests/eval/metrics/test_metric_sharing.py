"""Claims are taken once and verdicts asked once, however many metrics are scored."""

from eval.judges.memoised import MemoisedJudge
from eval.metrics import parse_all
from eval.questions import Question
from eval.score import Result

NAMES = [
    "faithfulness", "context_recall", "context_precision", "context_utilization", "noise_sensitivity", "noise_sensitivity_irrelevant",
    "answer_correctness", "factual_precision", "factual_recall", "factual_correctness", "factual_correctness@0.5",
]  # fmt: skip


def test_what_was_judged_once_is_not_judged_again(judge, runtime):
    """Eleven metrics of an answer with two sources.

    Claims of the answer and of the reference: 2 calls. Verdicts on each of the two against all sources and against every single one (2 x 3), on the answer
    against the reference and the reference against the answer: 8 calls.
    """
    asked = judge()
    question, result = Question("q", "what", answers=("a b c",)), Result("q", sources=("a x", "b"), answer="a b y z")
    scores = [m.score(question, result, MemoisedJudge(asked, runtime)) for m in parse_all(NAMES)]
    assert all(s.value is not None for s in scores)
    assert {task: asked.calls.count(task) for task in ("claims", "support")} == {"claims": 2, "support": 8}
