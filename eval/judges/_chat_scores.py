"""Grades of a chat judge: contexts by how far they help, answers by a criterion, each asked as often as wanted and checked against its scale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from eval.judges._chat_ask import Asking, Reply
from eval.judges._chat_shapes import Grade, Scored
from eval.judges._chat_shown import Fence, prompt, reason
from eval.judges._chat_support import Turn, turns
from eval.judges.base import Critique, Missing, Why
from rag.errors import ChatError
from rag.models.chat import Request

GRADES = (0, 1, 2)


def relevance(question: str, contexts: Sequence[str], asking: Asking, repeat: int) -> tuple[float | Missing, ...]:
    """Return each context's grade, 0 to 2, over 2: the lower median of `repeat` askings.

    Each context is asked about alone, so that no context can speak for or against another. A blank one is worth 0 without asking.
    """
    held = [i for i, context in enumerate(contexts) if context.strip()]
    replies = asking.ask([_grade(question, contexts[i], sample, asking) for i in held for sample in range(repeat)], Grade)
    found: list[float | Missing] = [0.0] * len(contexts)
    for n, i in enumerate(held):
        own = replies[n * repeat : (n + 1) * repeat]
        grades = [Missing.of(r) if isinstance(r, ChatError) else _within(r.value.grade, GRADES, r, asking) for r in own]
        middle = _middle(grades)
        found[i] = middle if isinstance(middle, Missing) else middle / max(GRADES)
    return tuple(found)


def _grade(question: str, context: str, sample: int, asking: Asking) -> Request:
    fence = Fence(question, context)
    messages = prompt("relevance").messages(question=fence.one("question", question), context=fence.one("context", context))
    return asking.request("relevance", question, messages, sample)


@dataclass(frozen=True)
class Criterion:
    """What an answer is judged by, and what is shown of it."""

    text: str
    scale: Mapping[int, str]
    question: str
    answer: str
    contexts: tuple[str, ...]

    def request(self, turn: Turn, asking: Asking) -> Request:
        """Return the request of one turn."""
        shown = self.contexts[::-1] if turn.reverse else self.contexts
        fence = Fence(self.question, *shown, self.answer)
        messages = prompt("critique").messages(
            criterion=self.text.strip(),
            scale="\n".join(f"- {score}: {' '.join(text.split())}" for score, text in sorted(self.scale.items())),
            question=fence.one("question", self.question),
            contexts=fence.many("context", shown) if shown else "",
            answer=fence.one("answer", self.answer),
        )
        return asking.request("critique", self.question, messages, turn.sample)


def critique(criterion: Criterion, asking: Asking, repeat: int, swap: bool) -> Critique | Missing:
    """Return the lower median of the scores of all turns: of yes and no asked an odd number of times, what the majority says.

    A score that the scale does not have is missing (`out_of_range`), and with it the judgement.
    """
    rounds = turns(repeat, swap, len(criterion.contexts))
    replies = asking.ask([criterion.request(turn, asking) for turn in rounds], Scored)
    scores = [Missing.of(r) if isinstance(r, ChatError) else _within(r.value.score, tuple(criterion.scale), r, asking) for r in replies]
    middle = _middle(scores)
    if isinstance(middle, Missing):
        return middle
    said = next(reason(r.value.rationale) for r in replies if isinstance(r, Reply) and r.value.score == middle)
    if len(scores) > 1:
        spread = ", ".join(f"{score} x{n}" for score, n in sorted(Counter(s for s in scores if isinstance(s, int)).items()))
        said = f"{spread} of {len(scores)} askings; {said}"
    return Critique(float(middle), said.rstrip("; "))


def _within(score: int, allowed: Sequence[int], reply: Reply[Grade] | Reply[Scored], asking: Asking) -> int | Missing:
    """Return a score that its scale has; another is missing, and its reply forgotten."""
    if score in allowed:
        return score
    asking.forget(reply)
    return Missing(Why.OUT_OF_RANGE, f"{score} is none of {', '.join(map(str, sorted(allowed)))}")


def _middle(scores: Sequence[int | Missing]) -> int | Missing:
    """Return the lower median of scores, or the first that is missing: a judgement needs every asking."""
    missing = next((s for s in scores if isinstance(s, Missing)), None)
    return missing or median_low([s for s in scores if isinstance(s, int)])
