"""The rows of a certificate in parts: by file, by slice or tag, and by the length of the answer, each with its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from eval.agreement import Verdicts, agreement
from eval.resampling import plain
from eval.summary import FEW_CLUSTERS

FEW_ROWS = 30  # of one label
_SHOWN = ("auroc", "balanced_accuracy", "sensitivity", "specificity", "kappa")


def slices(rows: Verdicts, files: Sequence[str], groups: Sequence[Sequence[str]], lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Return the agreement in each part: `{by, name, n, supported, clusters, small, metrics}`.

    `groups` are the slice and tags of each row, `lengths` the words of its answer. A part is `small` with fewer than 30 rows of either
    label, or fewer than 20 clusters: its figures are shown and nothing is concluded from them. A part that is all the rows is left out.
    """
    everything = range(len(rows.labels))
    parts: list[tuple[str, str, list[int]]] = [("file", name, [i for i in everything if files[i] == name]) for name in dict.fromkeys(files)]
    parts += [("tag", name, [i for i in everything if name in groups[i]]) for name in sorted({g for row in groups for g in row})]
    parts += [("length", name, chosen) for name, chosen in _thirds(lengths)]
    return [_part(by, name, rows.of(chosen)) for by, name, chosen in parts if 0 < len(chosen) < len(rows.labels)]


def _thirds(lengths: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    """Yield three parts as equal as can be, equal lengths together."""
    first, second = (int(np.quantile(lengths, share, method="higher")) for share in (1 / 3, 2 / 3))
    bounds = ((f"short (to {first} words)", 0, first), (f"medium ({first + 1} to {second} words)", first + 1, second))
    for name, low, high in (*bounds, (f"long (from {second + 1} words)", second + 1, max(lengths))):
        yield name, [i for i, n in enumerate(lengths) if low <= n <= high]


def _part(by: str, name: str, rows: Verdicts) -> dict[str, Any]:
    positive, clusters = sum(rows.labels), len(set(rows.clusters))
    figures = agreement(rows)
    small = min(positive, len(rows.labels) - positive) < FEW_ROWS or clusters < FEW_CLUSTERS
    metrics = {m: plain(figures[m]) for m in _SHOWN}
    return {"by": by, "name": name, "n": len(rows.labels), "supported": positive, "clusters": clusters, "small": small, "metrics": metrics}
