"""A chat model that replays recorded completions: no weights, no network, the same each time."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.chat._sources import shown
from rag.errors import ChatError
from rag.models.chat import Completion, OnText, Request, Usage
from rag.models.files import BUNDLED
from rag.models.recordings import Recordings, read
from rag.registry import register
from rag.stages import Chat, bounded, model
from rag.text import analyzer

if TYPE_CHECKING:
    from rag.models.chat import ChatModel
    from rag.runtime import Runtime

OPEN_MARK = "[?]"


@register("recorded")
@dataclass(frozen=True)
class Recorded(Chat):
    """Replays the completions of a file: those recorded with `--record` for exactly the request, else those written for its question.

    In completions written by hand the mark `[?]` stands for a citation: it becomes the number of the source in the prompt that holds
    most of the sentence's terms (weighted by idf over the sources), or nothing where no source holds any. `window` and `tokenizer`
    are those to plan prompts with.
    """

    path: str
    window: int | None = bounded(None, ge=256)
    tokenizer: str = model("tokenizer", BUNDLED)

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the reader of the file; raises `ConfigError` when it is none."""
        return RecordedModel(self, runtime)


class RecordedModel:
    """The recordings of one file, read once."""

    threads = 1
    remember = False  # finding a reply costs less than looking it up in the memo

    def __init__(self, spec: Recorded, runtime: Runtime) -> None:
        path = Path(spec.path).expanduser()
        self._recordings: Recordings = read(path)
        self._path, self._count = path, runtime.tokenizer(spec.tokenizer).count
        self.name, self.window = f"recorded:{path.name}", spec.window
        self.identity: dict[str, Any] = {"name": "recorded", "digest": hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()}

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return what was recorded. Raises `ChatError` (`not_recorded`) that says how to record it."""
        found = self._recordings.find(request)
        if found is None:
            row = {"task": request.task, "subject": request.subject, **({"sample": request.sample} if request.sample else {}), "text": "..."}
            raise ChatError(
                f"{self._path}: nothing is recorded for this request of {request.task}, sample {request.sample}, about {request.subject[:80]!r}; record it: run the "
                f"same with a real chat model and --record {self._path}, or write it by hand as a line {json.dumps(row, ensure_ascii=False)}",
                "not_recorded",
            )
        text = cited(found.text, request)
        prompt = sum(self._count(m.content) for m in request.messages)
        usage = found.usage if found.usage != Usage() else Usage(prompt, self._count(text))
        if on_text is not None:
            on_text(text)
        return replace(found, text=text, usage=usage)

    def count(self, text: str) -> int:
        """Return the tokens of a text by the named tokenizer."""
        return self._count(text)


def cited(text: str, request: Request) -> str:
    """Return a completion with every open mark made the number of the source that its sentence fits best."""
    if OPEN_MARK not in text:
        return text
    terms = analyzer("english").terms
    held = [set(terms(s.text)) for s in shown(request)]
    count = Counter(t for h in held for t in h)
    weight = {t: math.log(1 + (len(held) - n + 0.5) / (n + 0.5)) for t, n in count.items()}

    def mark(sentence: str) -> str:
        wanted = set(terms(sentence))
        scores = [math.fsum(weight[t] for t in sorted(wanted & h)) for h in held]
        best = max(range(len(scores)), key=lambda i: (scores[i], -i), default=None)
        return f"{sentence.rstrip()} [{best + 1}]" if best is not None and scores[best] > 0 else sentence.rstrip()

    *marked, rest = text.split(OPEN_MARK)
    return _unmarked("".join(map(mark, marked)) + rest)


def _unmarked(text: str) -> str:
    """Return a text without any open mark, also one that only the removal of another made (`[[?]?]`). Linear."""
    kept: list[str] = []
    for character in text if OPEN_MARK in text else ():
        kept.append(character)
        if kept[-len(OPEN_MARK) :] == list(OPEN_MARK):
            del kept[-len(OPEN_MARK) :]
    return "".join(kept) if OPEN_MARK in text else text
