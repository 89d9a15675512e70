"""Rounds to figures: medians with their spread, and how many times as long as ours, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TypedDict


class Figure(TypedDict):
    """The median over rounds with the lowest and the highest."""

    median: float
    low: float
    high: float


def figure(values: Sequence[float]) -> Figure:
    """Return the median of at least one value, and its spread."""
    return {"median": _round(median(values)), "low": _round(min(values)), "high": _round(max(values))}


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> Figure:
    """Return how many times as long they took as ours in the same round; the figures of rounds, not the ratio of medians. They may have stopped early."""
    return figure([a / b for a, b in zip(theirs, ours[: len(theirs)], strict=True)])


def compared(rounds: Mapping[str, Sequence[float]], ours: str) -> dict[str, dict[str, Figure]]:
    """Return for each name its figure under `value` and its ratio to `ours` under `ratio`."""
    return {name: {"value": figure(v), "ratio": ratios(v, rounds[ours])} for name, v in rounds.items()}


def overlap(found: Sequence[Sequence[int]], others: Sequence[Sequence[int]], top: int = 10) -> float:
    """Return the mean share of the first `top` that two competitors have in common, over questions; 0 for those that find nothing."""
    shares = [len({*a[:top]} & {*b[:top]}) / top for a, b in zip(found, others, strict=True)]
    return round(sum(shares) / len(shares), 3) if shares else 0.0


def warmed(times: Sequence[float]) -> list[float]:
    """Return the second half of the times of a round (of three, two), ascending: those before found the process's memory cold."""
    return sorted(times[len(times) // 2 :])


def _round(value: float) -> float:
    """Return a number with four significant digits."""
    return float(f"{value:.4g}")
