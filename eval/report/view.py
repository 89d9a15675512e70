"""What a finished run's folder says, in the order a report tells it: the configurations ranked, the metrics sorted, the first one chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from eval.comparison import adjust, compare
from eval.explain.answered import BY_JUDGE, BY_WORDS
from eval.leaderboard import COLUMNS
from eval.metrics import DEFAULT_METRICS, Metric, parse, parse_all
from eval.records import read_jsonl, read_scores
from eval.report.source import NONE, Source
from eval.score import NOT_APPLICABLE, Score
from rag.errors import ConfigError, StoreError

PANELS = ("recall@5", "span_recall", "span_iou", "context_recall", "faithfulness", "abstention_accuracy")


@dataclass(frozen=True)
class View:
    """One run: its `summary.json`, the folder that the rest is read from when it is asked for, and what its corpus adds."""

    summary: Mapping[str, Any]
    folder: Path = field(compare=False)
    source: Source = field(default=NONE, compare=False)

    @property
    def configs(self) -> Mapping[str, Any]:
        """The entries of the summary by configuration name."""
        return dict(self.summary["configs"])

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Every metric of the run: those of the leaderboard first, then in the order of the defaults, then the others."""
        found = dict.fromkeys(m for c in self.configs.values() for m in c["metrics"])
        return tuple(dict.fromkeys(m for m in (*COLUMNS, *DEFAULT_METRICS, *found) if m in found))

    @cached_property
    def main(self) -> tuple[str, ...]:
        """The metrics of the leaderboard: its own columns, or the first seven where the run has none of those."""
        return tuple(m for m in COLUMNS if m in self.metrics) or self.metrics[:7]

    @cached_property
    def panels(self) -> tuple[str, ...]:
        """The metrics that are drawn, each with a value somewhere."""
        chosen = [m for m in PANELS if m in self.metrics] or list(self.main[: len(PANELS)])
        return tuple(m for m in chosen if self.scored(m))

    @cached_property
    def first(self) -> str | None:
        """The metric that ranks: the first with a value, one that is better higher if there is such; None without any value."""
        scored = [m for m in self.metrics if self.scored(m)]
        return next((m for m in scored if higher(m)), scored[0] if scored else None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The configurations, best first by the first metric, those without a value last."""

        def place(name: str) -> tuple[bool, float, str]:
            mean = self.figure(name, self.first)["mean"] if self.first else None
            return mean is None, 0.0 if mean is None else -mean if higher(self.first or "") else mean, name

        return tuple(sorted(self.configs, key=place))

    @property
    def leader(self) -> str | None:
        """The configuration with the best first metric; None when nothing has a value."""
        return self.names[0] if self.first else None

    def figure(self, name: str, metric: str) -> Mapping[str, Any]:
        """Return the figures of a metric in a configuration; a metric it was not measured by has none."""
        none: dict[str, Any] = {"mean": None, "low": None, "high": None, "scored": 0, "n": 0, "missing": {}}
        return {**none, **self.configs[name]["metrics"].get(metric, {})}

    def scored(self, metric: str) -> bool:
        """Return whether any configuration has a value."""
        return any(self.figure(n, metric)["mean"] is not None for n in self.configs)

    def lost(self, name: str, metric: str) -> int:
        """Return how many questions the metric applies to and yet has no value for."""
        return sum(count for why, count in self.figure(name, metric)["missing"].items() if why != NOT_APPLICABLE)

    def latency(self, name: str, quantile: str) -> float | None:
        """Return `p50` or `p95` of the whole pipeline in milliseconds, None where it was not timed."""
        value = self.configs[name].get("latency_ms", {}).get("total", {}).get(quantile)
        return None if value is None else float(value)

    @cached_property
    def locks(self) -> Mapping[str, Mapping[str, Any]]:
        """The lock of every configuration. Raises `StoreError` when one is missing or damaged."""
        found = {}
        for name in self.names:
            with reading(f"{name}/lock.json", self.folder):
                found[name] = dict(json.loads((self.folder / name / "lock.json").read_text(encoding="utf-8")))
        return found

    @cached_property
    def questions(self) -> tuple[Mapping[str, Any], ...]:
        """The rows of `questions.jsonl`. Raises `StoreError` when the file is missing or damaged."""
        with reading("questions.jsonl", self.folder):
            return tuple({"question": r["question"], "tags": tuple(r["tags"]), "cluster": r["cluster"]} for r in read_jsonl(self.folder / "questions.jsonl"))

    @cached_property
    def scores(self) -> Mapping[str, Mapping[str, Mapping[str, Score]]]:
        """Configuration -> metric -> question -> score, with or without a value. Each file is read once.

        Of the metrics of the leaderboard, the first, and those that say whether an answer is right. Raises `StoreError`.
        """
        found: dict[str, dict[str, dict[str, Score]]] = {}
        for name in self.names:
            found[name] = {m: {} for m in (*self.main, self.first or "", *BY_WORDS, *BY_JUDGE)}
            with reading(f"{name}/scores.jsonl", self.folder):
                for score in read_scores(self.folder / name):
                    if score.metric in found[name]:
                        found[name][score.metric][score.question] = score
        return found

    @cached_property
    def values(self) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
        """Configuration -> metric -> question -> value, of the metrics of the leaderboard and the first. Raises `StoreError`."""
        return {
            name: {m: {q: s.value for q, s in by[m].items() if s.value is not None} for m in (*self.main, self.first or "")} for name, by in self.scores.items()
        }

    @cached_property
    def clusters(self) -> Mapping[str, str]:
        """The cluster of every question. Raises `StoreError`."""
        return {q["question"]: q["cluster"] for q in self.questions}

    @cached_property
    def differences(self) -> Mapping[str, Mapping[str, Any]]:
        """Per other configuration with a value the paired difference of the leader from it on the first metric, p adjusted over all of them.

        Empty when nothing can be compared: one configuration, no values, or a metric that this program does not know.
        """
        return self.against(self.first) if self.first else {}

    def against(self, metric: str, others: Sequence[str] | None = None) -> Mapping[str, Mapping[str, Any]]:
        """Return the same on any metric of the leaderboard, p adjusted over the `others` (default: all), as `eval.pairs.against` does from the files."""
        if not (self.leader and known(metric)):
            return {}
        chosen = self.names[1:] if others is None else others
        rows = {other: self.pair(self.leader, other, metric) for other in chosen if self.values[other][metric]}
        adjust(list(rows.values()))
        return rows

    def pair(self, a: str, b: str, metric: str) -> dict[str, Any]:
        """Return one paired difference on an installed metric, as `eval.comparison.compare` gives it; p is not adjusted."""
        at = (a, b, metric)
        if at not in self._pairs:
            with reading("scores.jsonl", self.folder):
                rows = compare(a, self.scores[a][metric].values(), b, self.scores[b][metric].values(), self.clusters, parse_all([metric]))
                self._pairs[at] = rows["metrics"][metric]
        return dict(self._pairs[at])

    @cached_property
    def _pairs(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        return {}


@contextmanager
def reading(what: str, folder: Path) -> Iterator[None]:
    """Turn whatever a missing or damaged file raises into one `StoreError` that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: {what} is missing or damaged; run `rag-eval run` again with the same arguments") from None


def known(metric: str) -> Metric | None:
    """Return the metric of a name, None for one that is not installed here."""
    try:
        return parse(metric)
    except ConfigError:
        return None


def higher(metric: str) -> bool:
    """Return whether more is better; assumed of a metric that is not installed here."""
    found = known(metric)
    return found is None or found.higher_is_better


def bounded(metric: str) -> bool:
    """Return whether the metric has a best and a worst value; assumed of a metric that is not installed here."""
    found = known(metric)
    return found is None or found.range[1] is not None
