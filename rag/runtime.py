"""What stages work with: opened models, the memo, the counters of work done, and the progress bar."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rag.errors import ChatError, ConfigError
from rag.memo import Memo, cache_dir
from rag.models.files import file_digest
from rag.stages import Chat, Stage

if TYPE_CHECKING:
    from rag.models.chat import ChatModel, Completion, Request
    from rag.models.encoder import Encoder, Vectors
    from rag.models.pairs import PairScorer, Scored
    from rag.models.recordings import Recorder
    from rag.models.tokenizer import Tokenizer

T = TypeVar("T")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass
class Work:
    """How much was really done, not read from the memo: the proof that shared work is shared."""

    encodes: int = 0
    searches: int = 0
    judgements: int = 0
    writes: int = 0
    completions: int = 0
    pairs: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counters by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


class Runtime:
    """Owns models and memo. `Runtime()` uses the shared memo on disk; `Runtime(memo=Memo())` keeps to itself."""

    def __init__(self, memo: Memo | None = None, precision: str | None = None, show_progress: bool | None = None, record: Path | None = None) -> None:
        """Take a memo (default: the one in `cache_dir()`), whether to draw progress bars (default: on a terminal), and where to record completions.

        `precision` is what encoders compute in: `float32`, `bfloat16`, or `auto` (default, or `RAG_PRECISION`). Raises
        `ConfigError` for another.
        """
        self._memo = memo
        self.precision = precision or os.environ.get("RAG_PRECISION") or "auto"
        if self.precision not in PRECISIONS:
            raise ConfigError(f"RAG_PRECISION: {self.precision!r} is not allowed; choose: {', '.join(PRECISIONS)}")
        self.work = Work()
        self.show_progress = sys.stderr.isatty() if show_progress is None else show_progress
        self._encoders: dict[str, Encoder] = {}
        self._tokenizers: dict[str, Tokenizer] = {}
        self._chats: dict[Chat, ChatModel] = {}
        self._scorers: dict[tuple[str, str, int | None], PairScorer] = {}
        self._recorder = _recorder(record)

    @property
    def memo(self) -> Memo:
        """The memo, opened at first use."""
        if self._memo is None:
            self._memo = Memo(cache_dir() / "memo.sqlite")
        return self._memo

    def unmemoised(self) -> Runtime:
        """Return a runtime with the same opened models, a memo of its own in memory, and counters of its own."""
        other = Runtime(Memo(), self.precision, show_progress=False)
        other._encoders, other._tokenizers, other._chats = self._encoders, self._tokenizers, self._chats
        other._scorers = self._scorers
        return other

    def forget(self) -> None:
        """Empty the memo: for timing work that would otherwise be remembered. Only a private memo may be emptied."""
        if self.memo.path is not None:
            raise ValueError("the memo on disk is shared and is not forgotten here; use `rag memo --clear`")
        self.memo.clear()

    def encoder(self, name: str) -> Encoder:
        """Return the encoder of that name, loading no weights yet. Raises `ModelError` when it cannot be had."""
        if name not in self._encoders:
            if match := re.fullmatch(r"hashing-(\d{1,4})", name):
                from rag.models.hashing import HashingEncoder

                self._encoders[name] = HashingEncoder(int(match[1]))
            else:
                os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
                from rag.models.encoder import SentenceTransformerEncoder

                self._encoders[name] = SentenceTransformerEncoder(name, self.precision)
        return self._encoders[name]

    def tokenizer(self, name: str) -> Tokenizer:
        """Return the tokenizer of that model. Raises `ModelError` when it cannot be had."""
        if name not in self._tokenizers:
            from rag.models.tokenizer import Tokenizer

            self._tokenizers[name] = Tokenizer(name)
        return self._tokenizers[name]

    def pair_scorer(self, name: str, precision: str = "auto", max_tokens: int | None = None) -> PairScorer:
        """Return the scorer of pairs of that name, loading no weights yet; `auto` is the runtime's precision. Raises `ModelError` when it cannot be had."""
        opened = (name, self.precision if precision == "auto" else precision, max_tokens)
        if opened not in self._scorers:
            if name == "overlap":
                from rag.models.pairs import OverlapScorer

                self._scorers[opened] = OverlapScorer(max_tokens or 512)
            else:
                from rag.models.cross_encoder import CrossEncoderScorer

                self._scorers[opened] = CrossEncoderScorer(*opened)
        return self._scorers[opened]

    def score_pairs(self, scorer: PairScorer, query: str, texts: Sequence[str], batch_tokens: int) -> list[Scored]:
        """Return one score per passage for a query, in order; each distinct pair is scored once, ever."""
        from rag.models.pairs import score_pairs

        scores, fresh = score_pairs(scorer, query, texts, self.memo, batch_tokens)
        self.work.pairs += fresh
        return scores

    def token_vectors(self, model: str, texts: Sequence[str]) -> list[Vectors]:
        """Return the unit vectors of each text's tokens, one row per token; each distinct text is encoded once, ever."""
        from rag.models.token_vectors import token_vectors

        vectors, fresh = token_vectors(self.encoder(model), texts, self.memo)
        self.work.encodes += fresh
        return vectors

    def chat(self, spec: Chat) -> ChatModel:
        """Return the chat model that a specification names, opened once. Raises `ModelError` when it cannot be had."""
        if spec not in self._chats:
            self._chats[spec] = spec.open(self)
        return self._chats[spec]

    def complete(self, spec: Chat, requests: Sequence[Request], label: str = "") -> list[Completion]:
        """Return one completion per request, in order, each made once, ever; a bar shows the progress under `label`.

        What is finished is kept whatever becomes of the rest. Raises `ChatError` for the first that failed.
        """
        return [c for c in self.outcomes(spec, requests, label) if not isinstance(c, ChatError)]

    def outcomes(self, spec: Chat, requests: Sequence[Request], label: str = "", placed: frozenset[str] = frozenset()) -> list[Completion | ChatError]:
        """Do as `complete`, but give a failure for a reason in `placed` in the place of its completion and go on with the others."""
        from rag.models.completions import outcomes

        def seen(request: Request, completion: Completion) -> None:
            self.work.completions += not completion.remembered
            if self._recorder is not None:
                self._recorder.add(request, completion)  # remembered ones too: a recording of a run is whole

        with self.progress(label, len(requests)) as advance:
            return outcomes(self.chat(spec), requests, self.memo, seen, advance, placed)

    def identities(self, stage: object) -> list[Any]:
        """Return the identity of every model a stage and its sub-stages name, for content keys."""
        from rag.prompts import load

        found: list[Any] = []
        if isinstance(stage, (tuple, list)):
            for part in stage:
                found += self.identities(part)
        if is_dataclass(stage) and not isinstance(stage, type):
            for f in fields(stage):
                value = getattr(stage, f.name)
                role = f.metadata.get("model")
                if role == "encoder" and value:
                    found.append(self.encoder(value).identity)
                elif role == "tokenizer" and value:
                    found.append(self.tokenizer(value).identity)
                elif role == "pairs" and value:
                    found.append(self.pair_scorer(value, getattr(stage, "precision", "auto"), getattr(stage, "max_tokens", None)).identity)
                elif role == "chat" and value:
                    found.append(self.chat(value).identity)
                elif role == "prompt":
                    found += [] if isinstance(stage, Stage) and not stage.asks() else [{"prompt": load(value).digest}]
                elif role == "file" and value:
                    found.append({"file": file_digest(Path(value))})
                else:
                    found += self.identities(value)
        return found

    def embed(self, model: str, texts: Sequence[str], prefix: str = "", label: str = "embed", question: bool = False) -> Vectors:
        """Return one unit row per text, shape `(len(texts), dimension)`; each distinct text is encoded once, ever.

        A bar shows the progress under `label`, none where it is empty. A `question` is computed in float32, whatever passages
        are computed in, and where it is short without importing torch.
        """
        from rag.models.embedded import embedded

        @contextmanager
        def bar(total: int) -> Iterator[Callable[[int], None]]:
            with self.progress(label, total) as advance:

                def done(count: int) -> None:
                    self.work.encodes += count
                    advance(count)

                yield done

        encoder = self.encoder(model)
        return embedded(encoder.for_questions() if question else encoder, texts, prefix, self.memo, bar)

    @contextmanager
    def progress(self, label: str, total: int, still: bool = False) -> Iterator[Callable[[int], None]]:
        """Show a bar on standard error while the block runs; yields a function that advances it. `still`: in between nothing draws, so that time can be taken."""
        if not self.show_progress or total < 2 or not label:
            yield lambda _: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=not still) as bar:
            task = bar.add_task(label, total=total)
            yield lambda n: bar.update(task, advance=n, refresh=still)

    def track(self, items: Iterable[T], label: str, total: int, still: bool = False) -> Iterator[T]:
        """Yield the items while a bar advances; `still` is as in `progress`."""
        with self.progress(label, total, still) as advance:
            for item in items:
                yield item
                advance(1)


def _recorder(record: Path | None) -> Recorder | None:
    if record is None:
        return None
    from rag.models.recordings import Recorder

    return Recorder(record)
