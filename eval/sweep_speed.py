"""How fast this machine is: measured by earlier runs where their locks say so, else stated defaults."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from eval.latency import machine
from eval.matrix import content
from rag.config import parse
from rag.errors import RagError
from rag.pipeline import Pipeline

ENCODED = 25.0  # chunks that a small encoder embeds in a second, about
INDEXED = 1000.0  # chunks cut and written in a second, about
QUESTION = 0.08  # seconds for one question without a model that is asked, about
COMPLETION = 2.0  # seconds for one completion, about
JUDGEMENT = 0.03  # seconds for one judgement of a judge that asks nobody, about


@dataclass(frozen=True)
class Speeds:
    """Seconds per question by the content of a configuration, and for one that was never measured here; `runs` is how many locks were read."""

    by_content: Mapping[str, float] = field(default_factory=dict)
    question: float = QUESTION
    runs: int = 0

    def of(self, pipeline: Pipeline) -> tuple[float, bool]:
        """Return the seconds of one question, and whether they were measured for exactly this configuration."""
        found = self.by_content.get(content(pipeline))
        return (self.question, False) if found is None else (found, True)

    def as_dict(self) -> dict[str, Any]:
        """Return what the estimates rest on."""
        defaults = {"chunks_embedded_per_second": ENCODED, "chunks_written_per_second": INDEXED, "seconds_per_completion": COMPLETION}
        return {"runs": self.runs, "seconds_per_question": round(self.question, 4), "seconds_per_judgement": JUDGEMENT, **defaults}


def measured(folders: Iterable[Path]) -> Speeds:
    """Return what the locks in run folders say, of runs on a machine such as this one; what cannot be read is passed over."""
    here = machine()
    found: dict[str, list[float]] = {}
    runs = 0
    for path in sorted(p for folder in folders for p in folder.glob("*/lock.json")):
        try:
            lock = json.loads(path.read_text(encoding="utf-8"))
            seconds = lock["latency"]["stages"]["total"]["p50"] / 1000  # there is none where nothing was timed
            if lock["latency"]["machine"] == here:
                found.setdefault(content(parse(lock["config"])), []).append(seconds)
                runs += 1
        except (OSError, ValueError, KeyError, TypeError, RagError):
            continue
    if not found:
        return Speeds()
    by = {k: median(v) for k, v in found.items()}
    return Speeds(by, median(by.values()), runs)
