"""The order in which places of a corpus are asked about: by lot, and every document once before any has its second turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def turns(items: Mapping[str, Sequence[T]], seed: int, kind: str, after: int = 0) -> Iterator[T]:
    """Yield the items of every document, one of each in turn; the order depends on the seed, the kind and the names alone.

    Every kind takes the documents in the same order and begins `after` so many, so that the kinds of a small set are about different ones.
    """
    names = sorted(items)
    Random(seed).shuffle(names)  # noqa: S311  # a lot that has to come out the same, no secret
    start = after % len(names) if names else 0
    names = names[start:] + names[:start]
    rng = Random(f"{seed} {kind}")  # noqa: S311  # as above
    shuffled = {name: rng.sample(list(items[name]), len(items[name])) for name in names}
    for turn in range(max((len(own) for own in shuffled.values()), default=0)):
        for name in names:
            if turn < len(shuffled[name]):
                yield shuffled[name][turn]


def parts(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Return whole numbers that add up to the total and are nearest to the shares (largest remainders, of equals the first)."""
    whole = sum(shares.values())
    exact = {name: total * share / whole for name, share in shares.items()}
    found = {name: int(value) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: found[name] - exact[name])
    for name in rest[: total - sum(found.values())]:
        found[name] += 1
    return found
