"""The evaluation harness: questions with evidence, metrics, judges, and comparisons that carry their uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.comparison import compare
    from eval.outside import score_answers
    from eval.questions import Question, load_questions
    from eval.runner import run
    from eval.score import Score

__all__ = ["Question", "Score", "compare", "load_questions", "run", "score_answers"]
_HOMES = {
    "Question": "eval.questions",
    "compare": "eval.comparison",
    "load_questions": "eval.questions",
    "run": "eval.runner",
    "Score": "eval.score",
    "score_answers": "eval.outside",
}


def __getattr__(name: str) -> Any:
    """Import public names at first use."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'eval' has no attribute {name!r}")
