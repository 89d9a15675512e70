"""Statements of an answer by a chat model, with their place where they stand in it word for word."""

from __future__ import annotations

from eval.judges._chat_ask import Asking
from eval.judges._chat_quotes import locate
from eval.judges._chat_shapes import Statements
from eval.judges._chat_shown import Fence, prompt
from eval.judges.base import Claim, Missing, unmarked
from rag.errors import ChatError
from rag.text import sentences, trim


def claims(text: str, question: str, asking: Asking) -> tuple[Claim, ...] | Missing:
    """Return the statements of a text in order, repeated ones once; citation marks play no part. Without a letter or digit there are none."""
    plain = unmarked(text)
    if not any(c.isalnum() for c in plain):
        return ()
    found = _statements(plain, "", question, asking)
    if isinstance(found, ChatError):
        return Missing.of(found)
    kept = dict.fromkeys(" ".join(s.split()) for s in found)
    return tuple(_placed(statement, plain) for statement in kept if statement)


def _statements(text: str, before: str, question: str, asking: Asking) -> list[str] | ChatError:
    """Ask for the statements of a text; when the reply is cut off, for those of its two halves, cut between sentences."""
    fence = Fence(question, before, text)
    shown = "\n\n".join(block for block in (fence.one("before", before), fence.one("answer", text)) if block)
    messages = prompt("claims").messages(question=fence.one("question", question), text=shown)
    reply = asking.one(asking.request("claims", question or text, messages), Statements)
    if not isinstance(reply, ChatError):
        return reply.value.statements
    spans = sentences(text)
    if reply.why != "truncated" or len(spans) < 2:
        return reply
    middle = spans[len(spans) // 2][0]
    halves = (_statements(text[:middle], before, question, asking), _statements(text[middle:], before + text[:middle], question, asking))
    found: list[str] = []
    for half in halves:
        if isinstance(half, ChatError):
            return half
        found += half
    return found


def _placed(statement: str, text: str) -> Claim:
    """Return the claim with its characters in the text, its final stop included; both 0 where it was reworded."""
    span = locate(statement, text)
    if span is None:
        return Claim(statement)
    start, end = span
    if statement[-1] in ".!?" and text[end : end + 1] == statement[-1]:
        end += 1
    return Claim(statement, *trim(text, start, end))
