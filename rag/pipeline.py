"""A pipeline: five stages as one value, and what it does with an index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rag.answer.extractive import Extractive
from rag.errors import ChatError
from rag.filter_text import Where, read, write
from rag.fingerprint import canonical, key
from rag.index.audit import asking
from rag.models.files import BUNDLED
from rag.pack.budget import Budget
from rag.remembered import remembered
from rag.stages import Answerer, Chat, Chunker, Packer, Refiner, Retriever, Stage, bounded, settle
from rag.text import encodable
from rag.types import Answer, Context, Hit, Query, Step

if TYPE_CHECKING:
    from rag.index.reader import Reader
    from rag.index.store import Index

T = TypeVar("T")


@dataclass(frozen=True)
class IndexOptions:
    """What belongs to the index and not to a stage.

    `exact_below`: with fewer chunks than this every vector is compared; above it an HNSW graph is built and used
    (`search: exact` or `hnsw` decides regardless of size). `quantization`: under a graph, and from 5,000 chunks on without one,
    vectors of one byte a number are compared first, and the best found ranked by the vectors themselves, unless this is `none`
    (`scalar`: at every size; never where `search` is `exact`); a server's is in its URL.
    `tenant_key`: the metadata field that names a document's tenant; set, every read must name one. `duplicates`: documents that repeat another of the same tenant, with at least
    `duplicate_similarity` of their word 5-shingles in common, are reported, or left without chunks (`drop_exact`: only those
    whose text is the same); the one with the smallest id is kept. `max_document_mb`, `parse_seconds`, `parse_memory_mb`:
    what one document may take while it is read. `modified_key`: the metadata that holds its date, else that of its file.
    """

    search: Literal["auto", "exact", "hnsw"] = "auto"
    exact_below: int = bounded(50_000, ge=0)
    quantization: Literal["auto", "none", "scalar"] = "auto"
    tenant_key: str | None = None
    max_document_mb: float = bounded(32.0, gt=0)
    duplicates: Literal["report", "drop_exact", "drop"] = "report"
    duplicate_similarity: float = bounded(0.9, gt=0, le=1)
    parse_seconds: float = bounded(60.0, gt=0)
    parse_memory_mb: float = bounded(1024.0, ge=256)
    modified_key: str | None = None

    def __post_init__(self) -> None:
        """Hold every field to its bounds; raises `ValueError`."""
        settle(self)
        if self.tenant_key is not None and not self.tenant_key.strip():
            raise ValueError("tenant_key must not be blank; leave it out for an index without tenants")


@dataclass(frozen=True)
class Models:
    """Models named once: stages that name none use these."""

    encoder: str = BUNDLED
    chat: Chat | None = None


@dataclass(frozen=True)
class Pipeline:
    """Chunk, retrieve, refine, pack, answer: a frozen value, equal to any other with the same parameters."""

    chunk: Chunker
    retrieve: Retriever
    refine: tuple[Refiner, ...] = ()
    pack: Packer = field(default_factory=Budget)
    answer: Answerer = field(default_factory=Extractive)
    index: IndexOptions = field(default_factory=IndexOptions)
    models: Models = field(default_factory=Models)

    def __post_init__(self) -> None:
        """Write the names under `models:` into every stage that left them out."""
        for name in ("chunk", "retrieve", "refine", "pack", "answer"):
            object.__setattr__(self, name, _resolve(getattr(self, name), self.models))
            if lacking := _without_chat(getattr(self, name)):
                raise ValueError(f"{name}: {lacking} asks a chat model and none is named; write for example models: {{chat: {{use: openai, model: NAME}}}}")

    @cached_property
    def chunk_key(self) -> str:
        """The content key of how documents are cut: pipelines that share it can share an index."""
        return key("chunk", canonical(self.chunk))

    def search(
        self, index: Index, text: str, *, where: Where = None, tenant: str | None = None, exact: bool | None = None
    ) -> tuple[tuple[Hit, ...], tuple[Step, ...]]:
        """Return the ranked hits for a text and the trace of the retrieve and refine stages.

        `where` is a filter, its text (`lang = en and year >= 2024`), or several, joined by and. Raises `FilterError` for one that
        cannot be read, `StoreError` when the index does not fit this pipeline or a required tenant is missing.
        """
        query = Query(encodable(text), read(where))
        reader = index.reader(self, tenant=tenant, exact=exact)
        with asking(text):
            found = self.retrieve.search(query, reader)
            hits, steps = found.hits, [_asked(found.step, query, reader)]
            for refiner in self.refine:
                refined = refiner.refine(hits, query, reader)
                hits = refined.hits
                steps.append(refined.step)
        return hits, tuple(steps)

    def ask(self, index: Index, text: str, *, where: Where = None, tenant: str | None = None, exact: bool | None = None, cache: bool = False) -> Answer:
        """Return the answer to a question with its citations, its context and the trace of every stage.

        With `cache` an answer that was given to exactly this before is given again (`rag.remembered`). Raises what `search` raises,
        and `ChatError` when a chat model fails.
        """
        query = Query(encodable(text), read(where))
        if not cache:
            return self._ask(index, query, tenant, exact)
        with asking(text):
            return remembered(self, query, index.reader(self, tenant=tenant, exact=exact), lambda: self._ask(index, query, tenant, exact))

    def ask_all(self, index: Index, texts: Sequence[str], *, exact: bool | None = None, placed: frozenset[str] = frozenset()) -> Iterator[Answer | ChatError]:
        """Yield what `ask` gives for each text; what can be computed for all of them together is, so the times on a trace are not those of one question.

        A `ChatError` for a reason in `placed` takes the place of its answer. Raises what `ask` raises else.
        """
        reader = index.reader(self, exact=exact)
        shown = [_tried(partial(self._shown, index, Query(encodable(text)), None, exact), placed) for text in texts]
        ready = iter(self.answer.together([(s.query, s.context) for s in shown if isinstance(s, _Shown)], reader))
        yield from (s if isinstance(s, ChatError) else _tried(partial(self._answered, s, next(ready)), placed) for s in shown)

    def _ask(self, index: Index, query: Query, tenant: str | None, exact: bool | None) -> Answer:
        shown = self._shown(index, query, tenant, exact)
        reader = index.reader(self, tenant=tenant, exact=exact)
        return self._answered(shown, lambda: self.answer.answer(query, shown.context, reader))

    def _shown(self, index: Index, query: Query, tenant: str | None, exact: bool | None) -> _Shown:
        """Search and pack."""
        hits, steps = self.search(index, query.text, where=query.where, tenant=tenant, exact=exact)
        reader = index.reader(self, tenant=tenant, exact=exact)
        start = time.perf_counter()
        with asking(query.text):
            context = self.pack.pack(hits, query, reader)
        facts = {"sources": len(context.hits), "tokens": context.tokens, "dropped": context.dropped, "cut": context.cut}
        return _Shown(query, hits, context, (*steps, Step("pack", self.pack.use, 1000 * (time.perf_counter() - start), facts)))

    def _answered(self, shown: _Shown, make: Callable[[], Answer]) -> Answer:
        start = time.perf_counter()
        with asking(shown.query.text):
            answer = make()
        facts = {"abstained": answer.abstained, "citations": len(answer.citations), "flags": len(answer.flags)}
        step = Step("answer", self.answer.use, 1000 * (time.perf_counter() - start), facts, answer.trace)
        return replace(answer, ranking=shown.hits, trace=(*shown.steps, step))


@dataclass(frozen=True, slots=True)
class _Shown:
    """A question with what was found for it, what of that is shown, and the steps so far."""

    query: Query
    hits: tuple[Hit, ...]
    context: Context
    steps: tuple[Step, ...]


def _tried(make: Callable[[], T], placed: frozenset[str]) -> T | ChatError:
    """Return what is made, or the failure of a chat model for one of these reasons."""
    try:
        return make()
    except ChatError as error:
        if error.why not in placed:
            raise
        return error


def _asked(step: Step, query: Query, reader: Reader) -> Step:
    """Return a step that also says the filter of the query, and which keys of it no document in scope has."""
    if query.where is None:
        return step
    return replace(step, facts={**step.facts, "where": write(query.where), "unknown_fields": list(reader.unknown_fields(query.where))})


def _without_chat(value: Any) -> str:
    """Return the name of a part that needs a chat model and has none, empty where all is well."""
    if isinstance(value, (list, tuple)):
        return next(filter(None, map(_without_chat, value)), "")
    if not is_dataclass(value) or isinstance(value, type):
        return ""
    for f in fields(value):
        held = getattr(value, f.name)
        if isinstance(value, Stage) and f.metadata.get("model") == "chat" and held is None and value.asks():
            return value.use
        if found := _without_chat(held):
            return found
    return ""


def _resolve(value: Any, models: Models) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_resolve(v, models) for v in value)
    if not is_dataclass(value) or isinstance(value, type):  # plain dataclasses may hold stages, as the branches of `route` do
        return value
    changes: dict[str, Any] = {}
    for f in fields(value):
        old = getattr(value, f.name)
        role = f.metadata.get("model")
        named = old is None and role is not None and hasattr(models, role) and (role != "chat" or not isinstance(value, Stage) or value.asks())
        new = getattr(models, str(role)) if named else _resolve(old, models)
        if new is not old:
            changes[f.name] = new
    return replace(value, **changes) if changes else value
