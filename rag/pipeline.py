"""A pipeline: five stages as one value, and what it does with an index."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from rag.answer.extractive import Extractive
from rag.fingerprint import canonical, key
from rag.models.files import BUNDLED
from rag.pack.budget import Budget
from rag.stages import Answerer, Chunker, Packer, Refiner, Retriever, Stage, bounded, settle
from rag.text import encodable
from rag.types import Answer, Condition, Hit, Query, Step

if TYPE_CHECKING:
    from rag.index.store import Index


@dataclass(frozen=True)
class IndexOptions:
    """What belongs to the index and not to a stage.

    `exact_below`: with fewer chunks than this every vector is compared; above it an HNSW graph is built and used
    (`search: exact` or `hnsw` decides regardless of size). `tenant_key`: the metadata field that names a document's
    tenant; set, every read must name one.
    """

    search: Literal["auto", "exact", "hnsw"] = "auto"
    exact_below: int = bounded(20_000, ge=0)
    tenant_key: str | None = None
    max_document_mb: float = bounded(32.0, gt=0)

    def __post_init__(self) -> None:
        """Hold every field to its bounds; raises `ValueError`."""
        settle(self)
        if self.tenant_key is not None and not self.tenant_key.strip():
            raise ValueError("tenant_key must not be blank; leave it out for an index without tenants")


@dataclass(frozen=True)
class Models:
    """Models named once: stages that name none use these."""

    encoder: str = BUNDLED


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

    @cached_property
    def chunk_key(self) -> str:
        """The content key of how documents are cut: pipelines that share it can share an index."""
        return key("chunk", canonical(self.chunk))

    def search(
        self, index: Index, text: str, *, where: Sequence[Condition] = (), tenant: str | None = None, exact: bool | None = None
    ) -> tuple[tuple[Hit, ...], tuple[Step, ...]]:
        """Return the ranked hits for a text and the trace of the retrieve and refine stages.

        Raises `StoreError` when the index does not fit this pipeline or a required tenant is missing.
        """
        reader = index.reader(self, tenant=tenant, exact=exact)
        query = Query(encodable(text), tuple(where))
        found = self.retrieve.search(query, reader)
        hits, steps = found.hits, [found.step]
        for refiner in self.refine:
            refined = refiner.refine(hits, query, reader)
            hits = refined.hits
            steps.append(refined.step)
        return hits, tuple(steps)

    def ask(self, index: Index, text: str, *, where: Sequence[Condition] = (), tenant: str | None = None, exact: bool | None = None) -> Answer:
        """Return the answer to a question with its citations, its context and the trace of every stage.

        Raises what `search` raises.
        """
        hits, steps = self.search(index, text, where=where, tenant=tenant, exact=exact)
        reader = index.reader(self, tenant=tenant, exact=exact)
        query = Query(encodable(text), tuple(where))
        start = time.perf_counter()
        context = self.pack.pack(hits, query, reader)
        middle = time.perf_counter()
        answer = self.answer.answer(query, context, reader)
        done = time.perf_counter()
        packed = Step(
            "pack",
            self.pack.use,
            1000 * (middle - start),
            {"sources": len(context.hits), "tokens": context.tokens, "dropped": context.dropped, "cut": context.cut},
        )
        answered = Step("answer", self.answer.use, 1000 * (done - middle), {"abstained": answer.abstained, "citations": len(answer.citations)})
        return replace(answer, ranking=hits, trace=(*steps, packed, *answer.trace, answered))


def _resolve(value: Any, models: Models) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_resolve(v, models) for v in value)
    if not isinstance(value, Stage):
        return value
    changes: dict[str, Any] = {}
    for f in fields(value):  # type: ignore[arg-type]  # every stage is a dataclass
        old = getattr(value, f.name)
        role = f.metadata.get("model")
        new = getattr(models, role) if old is None and role and hasattr(models, role) else _resolve(old, models)
        if new is not old:
            changes[f.name] = new
    return replace(value, **changes) if changes else value  # type: ignore[type-var]  # as above
