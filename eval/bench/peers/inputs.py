"""What every competitor is given: passages of real words by Zipf's law, their vectors, questions and theirs. Deterministic; numpy only."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
WORDS, TOPICS, DIMENSION, PER_DOCUMENT = 120, 200, 384, 10
TOPIC_WORDS, TOPIC_SHARE, NOISE = 60, 0.3, 1.2
_WORD = re.compile(r"[a-z]{2,}")


@dataclass(frozen=True)
class Inputs:
    """Passages and questions with a unit vector each. `model` is the folder of the encoder's weights."""

    passages: list[str]
    vectors: Floats
    queries: list[str]
    query_vectors: Floats
    model: str

    @cached_property
    def rows(self) -> dict[str, list[float]]:
        """The vector of every text as a list, as embedding classes return it: made before the clock starts."""
        texts = [*self.passages, *self.queries]
        return dict(zip(texts, [*self.vectors.tolist(), *self.query_vectors.tolist()], strict=True))

    @property
    def documents(self) -> list[str]:
        """Texts of ten passages each, in paragraphs."""
        return ["\n\n".join(self.passages[i : i + PER_DOCUMENT]) for i in range(0, len(self.passages), PER_DOCUMENT)]

    @property
    def largest(self) -> int:
        """How many characters the longest passage has: no two fit into that, so a chunker that fills up to it with paragraphs cuts one each."""
        return max(map(len, self.passages))


def generate(words: list[str], questions: list[str], chunks: int, seed: int = 0) -> tuple[list[str], Floats, Floats]:
    """Return passages, their vectors and those of the questions.

    A passage has 120 words: by Zipf's law from `words`, which come by frequency, and three in ten from the 60 words of one of 200 topics.
    Its vector is its topic's random direction with noise 1.2 times as long, so that two of a topic have a cosine of about .4.
    """
    rng = np.random.default_rng(seed)
    share = 1 / (np.arange(len(words)) + 2.7)
    rare = np.arange(min(100, len(words) // 2), len(words))
    own = np.array([rng.choice(rare, TOPIC_WORDS) for _ in range(TOPICS)])
    centres = rng.standard_normal((TOPICS, DIMENSION))
    topics = rng.integers(TOPICS, size=chunks)
    drawn = rng.choice(len(words), size=(chunks, WORDS), p=share / share.sum())
    special = own[topics[:, None], rng.integers(TOPIC_WORDS, size=(chunks, WORDS))]
    picks = np.where(rng.random((chunks, WORDS)) < TOPIC_SHARE, special, drawn)
    passages = [" ".join([words[i] for i in row]) for row in picks.tolist()]
    asked = rng.integers(TOPICS, size=len(questions))
    return passages, _around(centres[topics], rng), _around(centres[asked], rng)


def _around(centres: NDArray[np.float64], rng: np.random.Generator) -> Floats:
    found = (centres + NOISE * rng.standard_normal(centres.shape)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def vocabulary(folder: Path) -> list[str]:
    """Return the lower-case words of the Markdown files below a folder, the most frequent first."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.md")):
        counts.update(_WORD.findall(path.read_text(encoding="utf-8").lower()))
    return sorted(counts, key=lambda w: (-counts[w], w))


def write(folder: Path, chunks: int, model: str, repository: Path) -> None:
    """Write the files that `read` reads, from the words of `data/handbook` and the questions about it."""
    lines = (repository / "data" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    # Lower-case words only: the peers split and fold texts differently, and none should search for less than another.
    questions = list(dict.fromkeys(" ".join(_WORD.findall(json.loads(line)["text"].lower())) for line in lines))
    passages, vectors, query_vectors = generate(vocabulary(repository / "data" / "handbook"), questions, chunks)
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in (("passages", passages), ("queries", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(t) + "\n" for t in texts), encoding="utf-8")
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "query_vectors.npy", query_vectors)
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")


def read(folder: Path) -> Inputs:
    """Return what `write` wrote."""

    def lines(name: str) -> list[Any]:
        return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]

    rows = [np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("vectors", "query_vectors")]
    return Inputs(lines("passages.jsonl"), rows[0], lines("queries.jsonl"), rows[1], lines("model.json")[0])
