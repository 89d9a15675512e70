"""Which of two answers a chat model prefers: asked in both orders, and a preference only where the orders agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eval.judges._chat_ask import Asking, Reply
from eval.judges._chat_shapes import SIDES, Better
from eval.judges._chat_shown import Fence, prompt, reason
from eval.judges.base import Missing, Preference, Why
from rag.errors import ChatError
from rag.models.chat import Request

Choice = Literal["a", "b", "tie"]
_AS: tuple[dict[str, Choice], dict[str, Choice]] = ({"first": "a", "second": "b", "tie": "tie"}, {"first": "b", "second": "a", "tie": "tie"})


@dataclass(frozen=True)
class Shown:
    """An answer and the contexts it was written from."""

    answer: str
    contexts: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """Two answers to a question, and the reference if there is one."""

    question: str
    a: Shown
    b: Shown
    reference: str = ""

    def request(self, swapped: bool, sample: int, asking: Asking) -> Request:
        """Return the request that shows `a` first, or `b` first when swapped."""
        sides = (self.b, self.a) if swapped else (self.a, self.b)
        fence = Fence(self.question, self.reference, *(text for side in sides for text in (side.answer, *side.contexts)))
        first, second = (
            f"{fence.one(f'{name} answer', side.answer)}\n\n{fence.many(f'context of the {name} answer', side.contexts) if side.contexts else ''}".strip()
            for name, side in zip(("first", "second"), sides, strict=True)
        )
        messages = prompt("prefer").messages(
            question=fence.one("question", self.question), reference=fence.one("reference", self.reference), first=first, second=second
        )
        return asking.request("prefer", self.question, messages, sample)


def prefer(match: Match, asking: Asking, repeat: int) -> Preference | Missing:
    """Return the answer that is preferred in both orders, each asked `repeat` times; a tie, not consistent, where the orders disagree.

    In each order the majority counts, and a tie where there is none. `first` and `second` of the result count the single askings.
    """
    turns = [(swapped, sample) for swapped in (False, True) for sample in range(repeat)]
    replies = asking.ask([match.request(swapped, sample, asking) for swapped, sample in turns], Better)
    picks = [_pick(reply, asking) for reply in replies]
    for pick in picks:
        if isinstance(pick, Missing):
            return pick
    given = [p for p in picks if isinstance(p, str)]
    chosen: list[list[Choice]] = [[], []]
    for (swapped, _), pick in zip(turns, given, strict=True):
        chosen[swapped].append(_AS[swapped][pick])
    plain, turned = (_majority(own) for own in chosen)
    reasons = [reason(r.value.rationale) for r in replies if isinstance(r, Reply)]
    said = f"a first: {plain} ({reasons[0]}); b first: {turned} ({reasons[repeat]})"
    return Preference(plain if plain == turned else "tie", plain == turned, said, given.count("first"), given.count("second"))


def _pick(reply: Reply[Better] | ChatError, asking: Asking) -> str | Missing:
    if isinstance(reply, ChatError):
        return Missing.of(reply)
    if reply.value.better in SIDES:
        return reply.value.better
    asking.forget(reply)
    return Missing(Why.OUT_OF_RANGE, f"{reply.value.better[:40]!r} is none of {', '.join(SIDES)}")


def _majority(choices: Sequence[Choice]) -> Choice:
    """Return what was said more often than anything else, a tie where nothing was."""
    (best, n), *rest = Counter(choices).most_common()
    return "tie" if rest and rest[0][1] == n else best
