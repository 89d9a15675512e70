"""Statements of an answer with the sources that its marks `[n]` cite for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eval.judges.base import Claim, unmarked
from eval.judges.words import cut

_MARK = re.compile(r"\[(\d{1,4}(?:, ?\d{1,4}){0,20})\]")
_GROUP = re.compile(rf"{_MARK.pattern}(?:[ \t]*{_MARK.pattern})*[.!?]?[ \t]*")
_BEFORE_STOP = re.compile(r"[ \t]+([.,;:!?])")


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer, without marks, and the numbers that its marks give, each once, in order."""

    claim: Claim
    cited: tuple[int, ...] = ()


def statements(answer: str) -> tuple[Statement, ...]:
    """Return the sentences of an answer with what each cites.

    A mark belongs to the sentence it stands in or behind; one before every sentence belongs to the first. Marks end a
    sentence when a capital letter, a digit, a line end or nothing follows them, since quotations need not end in a full stop.
    """
    found: list[tuple[int, int, list[int]]] = [(a, b, []) for a, b in _ranges(answer)]
    if not found:
        return ()
    at = 0
    for mark in _MARK.finditer(answer):
        while at + 1 < len(found) and found[at + 1][0] < mark.start():
            at += 1
        found[at][2].extend(int(n) for n in mark[1].split(","))
    clean = unmarked(answer)
    return tuple(Statement(Claim(_BEFORE_STOP.sub(r"\1", " ".join(clean[a:b].split())), a, b), tuple(dict.fromkeys(cited))) for a, b, cited in found)


def _ranges(answer: str) -> Iterator[tuple[int, int]]:
    """Yield the range of each sentence that holds a letter or a digit besides its marks."""
    clean, at = unmarked(answer), 0
    ends = [m.end() for m in _GROUP.finditer(answer) if _closes(answer[m.end() : m.end() + 1], m[0].rstrip())]
    for end in [*ends, len(answer)]:
        part = clean[at:end]
        for a, b in cut(part, "none"):
            if any(c.isalnum() for c in part[a:b]):
                yield at + a, at + b
        at = end


def _closes(follows: str, group: str) -> bool:
    """Whether a sentence ends behind a group of marks, by the character that follows."""
    return not follows or follows in "\n|#*-" or follows.isupper() or follows.isdigit() or group[-1] != "]"
