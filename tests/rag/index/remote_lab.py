"""What the tests of an index on a server share: one in memory, whose requests are counted and can be made to fail, and one on disk to hold it against."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

from rag.config import parse
from rag.errors import StoreError
from rag.index.build import build
from rag.index.check import check
from rag.index.engine import Scope
from rag.index.pages import PAGE
from rag.index.remote import Server
from rag.index.remote_build import build_remote
from rag.index.remote_migrate import migrate_remote
from rag.index.server_call import Caller
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.types import Document, Query

ROOT = Path("/corpus")
RUNTIME = Runtime(memo=Memo(), show_progress=False)
QUERIES = ("cat dog", "number3 text", "horse w7 new words", "absent")
AGAIN = "rag index` again"
STEP = 1 if os.environ.get("RAG_TEST_FULL") else 3  # of the requests that a build may be cut off at


class Cut(StoreError):
    """The failure that a test asked for."""


class Calls:
    """Runs requests in memory as `Caller` does. Request `fail_at` is not done; to the server that is the same as losing the answer to the one before."""

    def __init__(self) -> None:
        self.address, self.local = "in memory", True
        self._inner = Caller("in memory", 0, local=True)
        self.made: Counter[str] = Counter()
        self.fail_at = 0
        self.then: dict[int, Callable[[], Any]] = {}  # what happens before a request, by its number

    @property
    def count(self) -> int:
        return self.made.total()

    def __call__(self, doing: str, action: Callable[[], Any]) -> Any:
        self.made[doing.partition(" (")[0].partition(" '")[0]] += 1
        number = self.count
        if number in self.then:
            self.then.pop(number)()
        if number == self.fail_at:
            raise Cut(doing)
        return self._inner(doing, action)


class Shared(Server):
    """A server in memory, which would forget everything."""

    def close(self) -> None:
        """Leave it open."""


class Lab:
    """A server with room for several indexes."""

    def __init__(self, name: str = "idx") -> None:
        self.client, self.calls, self.url = QdrantClient(":memory:"), Calls(), f"http://localhost/{name}"

    def server(self) -> Server:
        return Shared(self.url, lambda options: (self.client, self.calls))  # type: ignore[arg-type, return-value]  # counts as Caller does not

    def build(self, pipeline: Pipeline, documents: Mapping[str, Any], **options: Any) -> Any:
        roots = options.pop("roots", [ROOT])
        return build_remote(self.server(), pipeline, loaded(documents, options.pop("root", ROOT)), roots, RUNTIME, **{"allow_mass_delete": True, **options})

    def migrate(self, pipeline: Pipeline, **options: Any) -> Any:
        return migrate_remote(self.server(), pipeline, RUNTIME, **options)

    @contextmanager
    def opened(self) -> Any:
        server = self.server()
        collection = server.live()
        assert collection is not None
        yield Index.on(server, RUNTIME, collection)

    @contextmanager
    def failing(self, number: int) -> Any:
        """Have the request of this number fail, counted from here; `cut` says whether it came to it."""
        calls = self.calls
        calls.made.clear()
        calls.fail_at = number
        cut: list[bool] = []
        try:
            yield cut
        except Cut:
            cut.append(True)
        finally:
            calls.fail_at = 0

    def requests(self, action: Callable[[], Any]) -> Counter[str]:
        """Return the requests that an action makes, by what they do."""
        self.calls.made.clear()
        action()
        return Counter(self.calls.made)


def pipeline(retrieve: Any = None, chunk: Any = None, **index: Any) -> Pipeline:
    retrieve = retrieve or {"use": "rrf", "of": ["bm25", "dense"]}
    chunk = chunk or {"use": "fixed", "size": 5, "overlap": 1}
    return parse({"chunk": chunk, "retrieve": retrieve, "models": {"encoder": "hashing-64"}, **({"index": index} if index else {})})


def document(doc_id: str, text: str, root: Path = ROOT, source: str | None = None, **meta: Any) -> Document:
    return Document(doc_id, text, meta=meta, source=str(root / (source or doc_id)))


def loaded(documents: Mapping[str, Any], root: Path = ROOT) -> list[Loaded]:
    return [Loaded(d if isinstance(d, Document) else document(i, d, root), root) for i, d in documents.items()]


def legs(found: Any) -> list[Any]:
    return list(getattr(found.retrieve, "of", [found.retrieve]))


def answers(index: Index, pipe: Pipeline, tenant: str | None = None) -> list[list[tuple[str, float]]]:
    """Return what every leg finds in exact mode for every query."""
    reader = index.reader(pipe, tenant=tenant, exact=True)
    return [[(h.chunk.id, h.score) for h in leg.search(Query(q), reader).hits] for q in QUERIES for leg in legs(pipe)]


def texts(index: Index) -> dict[str, str]:
    return index.stored_texts(sorted(index.documents))


def rows(index: Index) -> dict[str, Any]:
    return {r.id: (r.digest, r.source, r.tenant, r.chunks, r.duplicate_of, r.similarity, dict(r.meta)) for r in index.table.rows()}


def sound(index: Index) -> None:
    """The index holds what its rows say, and nothing beside."""
    faults = check(index)["faults"]
    assert faults == []
    assert index.engine.count("page") == index.table.pages(PAGE)
    assert index.engine.count("pending") == 0
    held = {p["doc"] for kind in ("chunk", "page") for _, p in index.engine.scroll(kind, Scope())}
    assert held <= set(index.documents)


class Disk:
    """Indexes on disk, built once for each corpus and configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[str, Path] = {}
        self._facts: dict[Any, tuple[Any, ...]] = {}

    def of(self, pipe: Pipeline, documents: Mapping[str, Any], root: Path = ROOT) -> Path:
        at = json.dumps([repr(pipe), [(i, repr(d)) for i, d in documents.items()], str(root)])
        if at not in self._built:
            self._built[at] = self._folder / f"index-{len(self._built)}"
            build(self._built[at], pipe, loaded(documents, root), [root], RUNTIME)
        return self._built[at]

    def facts(self, pipe: Pipeline, documents: Mapping[str, Any], tenants: tuple[str | None, ...]) -> tuple[Any, ...]:
        """Return manifest, rows, texts and answers of the index on disk."""
        path = self.of(pipe, documents)
        if (path, tenants) not in self._facts:
            with Index.open(path, RUNTIME) as index:
                self._facts[path, tenants] = (index.manifest, rows(index), texts(index), [answers(index, pipe, t) for t in tenants])
        return self._facts[path, tenants]

    def same(self, lab: Lab, pipe: Pipeline, documents: Mapping[str, Any], tenants: tuple[str | None, ...] = (None,)) -> None:
        """The index on the server is the one that a build on disk makes of these documents from nothing."""
        two, its_rows, its_texts, its_answers = self.facts(pipe, documents, tenants)
        with lab.opened() as index:
            sound(index)
            one = index.manifest
            for name in ("content", "points", "chunks", "documents", "tenants", "gaps", "over_limit", "spaces", "config", "hnsw", "chunk_key"):
                assert getattr(one, name) == getattr(two, name), name
            assert one.fields == {"kind": "keyword", **two.fields}
            assert rows(index) == its_rows
            assert texts(index) == its_texts
            for tenant, expected in zip(tenants, its_answers, strict=True):
                for x, y in zip(answers(index, pipe, tenant), expected, strict=True):
                    assert dict(x) == pytest.approx(dict(y), abs=1e-5)  # equal texts tie but for the last bit, in which engines differ
                    assert [s for _, s in x] == pytest.approx([s for _, s in y], abs=1e-5)
