"""The five stage contracts: everything a new part has to provide.

A stage is a frozen dataclass with parameters only, so equal parameters are equal stages. It receives what it works
with as arguments: a `Runtime` (models, memo) while a corpus is cut, a `Reader` (one sealed state of one index, within
one scope, with its runtime) while a question is answered. It stores neither.
"""

from __future__ import annotations

import math
import operator
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rag.errors import ConfigError
from rag.types import Answer, Context, Document, Found, Hit, Piece, Query, Ranking

if TYPE_CHECKING:
    from rag.index.reader import Reader
    from rag.models.chat import ChatModel
    from rag.runtime import Runtime


BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "ge": ("at least", operator.ge),
    "gt": ("more than", operator.gt),
    "le": ("at most", operator.le),
    "lt": ("less than", operator.lt),
}


class Stage:
    """What all parts share; `version` is part of every content key and goes up when a part's output changes."""

    kind: ClassVar[str]
    use: ClassVar[str]
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Settle the fields; raises `ValueError` naming field, value and bound."""
        settle(self)

    def asks(self) -> bool:
        """Whether a part with a field for a chat model needs one; some do only with certain parameters."""
        return True


def settle(spec: Any) -> None:
    """Give the fields of a frozen dataclass one form, so that equal values have equal keys, and hold them to their bounds.

    Lists become tuples, whole numbers in fields of floats become floats, -0.0 becomes 0.0. Raises `ValueError` naming
    field, value and bound.
    """
    for f in fields(spec):
        value = _settled(f.name, getattr(spec, f.name), "float" in str(f.type))
        object.__setattr__(spec, f.name, value)
        for bound, limit in f.metadata.get("limits", {}).items():
            if value is not None and not BOUNDS[bound][1](value, limit):
                raise ValueError(f"{f.name} must be {BOUNDS[bound][0]} {limit}, not {value}")


def _settled(name: str, value: Any, real: bool) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_settled(name, v, real) for v in value)
    if real and type(value) is int:
        value = float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, not {value}")
        return value + 0.0
    return value


class Chunker(Stage, ABC):
    """Cuts a document into pieces."""

    kind = "chunk"

    @abstractmethod
    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield pieces in order of their start, each non-blank and inside `document.text`."""


class Retriever(Stage, ABC):
    """Finds chunks for a query. Retrievers that take retrievers are retrievers."""

    kind = "retrieve"

    def spaces(self) -> tuple[Space, ...]:
        """The vector spaces an index must hold for this retriever."""
        return ()

    @abstractmethod
    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return chunk ids by descending score, ties by id, without duplicates, at most `limit`."""

    def search(self, query: Query, reader: Reader) -> Found:
        """Return the ranking as hits: each chunk of the outermost retriever is read once, those of its legs are not."""
        start = time.perf_counter()
        ranking = self.rank(query, reader)
        hits = reader.hits(ranking.scored, self.use)
        return Found(hits, replace(ranking.step, ms=1000 * (time.perf_counter() - start)))


class Refiner(Stage, ABC):
    """Reorders, widens, drops or merges hits."""

    kind = "refine"

    @abstractmethod
    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return refined hits; their spans lie in the documents of the index."""


class Packer(Stage, ABC):
    """Builds the text the answerer is shown."""

    kind = "pack"

    @abstractmethod
    def pack(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Context:
        """Return the context; source number `i` in its text is `context.hits[i - 1]`."""


class Answerer(Stage, ABC):
    """Answers from a context, citing spans of it, or abstains."""

    kind = "answer"

    @abstractmethod
    def answer(self, query: Query, context: Context, reader: Reader) -> Answer:
        """Return an answer whose citations lie inside `context.spans`."""

    def together(self, asked: Sequence[tuple[Query, Context]], reader: Reader) -> Sequence[Callable[[], Answer]]:
        """Return for each question what gives its answer; what can be computed for all of them at once, this may compute."""
        return [partial(self.answer, query, context, reader) for query, context in asked]


class Chat(Stage, ABC):
    """Names a chat model and how it is asked: not a stage of a pipeline, but what stages ask. Registered and written like one."""

    kind = "chat"

    @abstractmethod
    def open(self, runtime: Runtime) -> ChatModel:
        """Return the model, ready to be asked. Raises `ModelError` or `MissingExtra` when it cannot be had."""


def required(chat: Chat | None, use: str) -> Chat:
    """Return the chat model of a part. Raises `ConfigError` when it has none, as a part outside a pipeline may."""
    if chat is None:
        raise ConfigError(f"{use} asks a chat model and has none; give it chat: or name one under models: {{chat: ...}}")
    return chat


KINDS: tuple[type[Stage], ...] = (Chunker, Retriever, Refiner, Packer, Answerer)
REGISTERED: tuple[type[Stage], ...] = (*KINDS, Chat)


@dataclass(frozen=True, slots=True)
class DenseSpace:
    """A named space of L2-normalised embeddings, compared by dot product (cosine)."""

    model: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class SparseSpace:
    """A named space of BM25 term weights; the engine multiplies by idf at query time."""

    language: str
    k1: float
    b: float


Space = DenseSpace | SparseSpace


def incidental(default: Any, **limits: float) -> Any:
    """Field whose value cannot change a result (batch size, threads): it stays out of content keys. Bounds as those of `bounded`."""
    return field(default=default, metadata={"incidental": True, "limits": limits})


def model(role: str, default: str | None = None) -> Any:
    """Field that names a model of a role (`encoder`, `tokenizer`, `chat`, `pairs`); None means the one under `models:`."""
    return field(default=default, metadata={"model": role})


def prompt(default: str) -> Any:
    """Field that names a prompt: one of `rag/prompts` or the path of a file; its content is part of content keys."""
    return field(default=default, metadata={"model": "prompt"})


def file() -> Any:
    """Field that names a file a part reads, or None; its content is part of content keys."""
    return field(default=None, metadata={"model": "file"})


def bounded(default: Any = MISSING, **limits: float) -> Any:
    """Field whose value is held to bounds: `ge`, `gt`, `le`, `lt`."""
    return field(default=default, metadata={"limits": limits})
