"""Worked examples for a prompt: read from a file, the ones nearest to the question chosen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rag.errors import ConfigError
from rag.index.reader import Reader

MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Example:
    """A question, the sources it was asked over, and the answer that is wanted."""

    question: str
    sources: tuple[str, ...]
    answer: str


def nearest(path: str, shots: int, question: str, model: str, reader: Reader) -> list[Example]:
    """Return the `shots` examples whose questions are most like this one (cosine of embeddings), the nearest last, next to the question."""
    file = Path(path).expanduser()
    try:
        touched = file.stat()
    except (OSError, ValueError):
        raise ConfigError(f"{path}: examples cannot be read; check answer.examples") from None
    known = read(file, touched.st_mtime_ns, touched.st_size)
    rows = reader.runtime.embed(model, [question, *(e.question for e in known)], label="")
    order = sorted(range(len(known)), key=lambda i: (-float(rows[i + 1] @ rows[0]), i))
    return [known[i] for i in reversed(order[:shots])]


@lru_cache(maxsize=16)
def read(path: Path, touched: int, size: int) -> tuple[Example, ...]:
    """Return the examples of a JSON Lines file of `{"question", "sources": [text], "answer"}`. Raises `ConfigError` with the line."""
    if size > MOST_BYTES:
        raise ConfigError(f"{path}: more than {MOST_BYTES} bytes of examples; keep the best")
    found = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: examples cannot be read ({type(error).__name__}); they have to be UTF-8 text") from None
    for n, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            example = Example(row["question"], tuple(row["sources"]), row["answer"])
            if not isinstance(row["sources"], list):
                raise TypeError
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ConfigError(f'{path}:{n}: expected {{"question", "sources": [text], "answer"}}') from None
        if not all(isinstance(t, str) for t in (example.question, example.answer, *example.sources)):
            raise ConfigError(f"{path}:{n}: question, answer and each of sources have to be text")
        found.append(example)
    if not found:
        raise ConfigError(f"{path}: holds no example")
    return tuple(found)
