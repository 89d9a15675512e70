"""Claims that a context holds letter for letter, white space and the stop at their end aside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from eval.judges.base import Evidence

_ENDS = " \t\n.,;:!?\"'\u201c\u201d\u2018\u2019"


class Quotes:
    """Contexts to find claims in. One pass over each context for each claim."""

    def __init__(self, contexts: Sequence[str]) -> None:
        """Take the contexts, in the order that evidence counts them in."""
        self._contexts = contexts
        self._plain = [_joined(context) for context in contexts]

    def find(self, claim: str) -> Evidence | None:
        """Return where the first context holds the claim as whole words, None where none does. `3 days` is not in `13 days` or `3.5 days`."""
        words = claim.strip(_ENDS).split()
        wanted = " ".join(words)
        if not wanted:
            return None
        for i, plain in enumerate(self._plain):
            if _whole(wanted, plain):
                return Evidence(i, *_place(plain.find(wanted), len(words), len(words[-1]), plain, self._contexts[i]))
        return None


@lru_cache(maxsize=8192)
def _joined(context: str) -> str:
    """Return a context with single spaces; recent ones are remembered, since many claims meet the same."""
    return " ".join(context.split())


def _place(at: int, words: int, last: int, plain: str, context: str) -> tuple[int, int]:
    """Return where in the context that lies which begins at `at` in its single-spaced form, and ends `last` characters into the last of its words."""
    first = plain.count(" ", 0, at)
    inside = at - (plain.rfind(" ", 0, at) + 1)
    starts = _starts(context)
    end = starts[first + words - 1] + last + (inside if words == 1 else 0)
    return starts[first] + inside, end


@lru_cache(maxsize=8192)
def _starts(context: str) -> tuple[int, ...]:
    """Return where each word of a context begins."""
    return tuple(word.start() for word in re.finditer(r"\S+", context))


def _whole(wanted: str, text: str) -> bool:
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        before, after = text[max(0, at - 2) : at], text[end : end + 2]
        if not (_continues(before[::-1], wanted[0]) or _continues(after, wanted[-1])):
            return True
        at = text.find(wanted, at + 1)
    return False


def _continues(beside: str, edge: str) -> bool:
    """Whether the characters beside a place, nearest first, go on with the word or number at its edge."""
    if not beside or not edge.isalnum():
        return False
    return beside[0].isalnum() or (edge.isdigit() and beside[0] in ".,%" and len(beside) > 1 and beside[1].isdigit())
