"""What is kept of tokens: made once, made again when it had to go, and never more than was allowed."""

from __future__ import annotations

from rag.kept import LONGEST, Kept


def test_tokens_are_made_once_and_joined_in_order():
    made = []
    kept = Kept(lambda t: made.append(t) or t.upper().encode(), 10)
    assert kept.joined(["a", "b", "a"]) == b"ABA"
    assert kept.joined(["b", "c"]) == b"BC"
    assert kept.joined([]) == b""
    assert made == ["a", "b", "c"]


def test_it_never_holds_more_than_it_may_and_stays_right():
    kept = Kept(str.encode, 3)
    for n in range(20):
        assert kept.joined([str(n), "x"]) == f"{n}x".encode()
        assert len(kept) <= 3


def test_a_long_token_is_made_and_not_kept():
    kept = Kept(str.encode, 3)
    assert kept.joined(["y" * (LONGEST + 1), "y" * LONGEST]) == b"y" * (2 * LONGEST + 1)
    assert list(kept) == ["y" * LONGEST]
