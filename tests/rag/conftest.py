"""What the tests of index and query path share: real indexes of small corpora, built through one helper."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rag.config import parse
from rag.index.build import build
from rag.index.edge import EdgeEngine
from rag.index.files import digest_file, files
from rag.index.generation import layout
from rag.index.manifest import Manifest, read_manifest, write_manifest
from rag.index.report import Report
from rag.index.store import Index
from rag.loaders.corpus import Failed, Loaded
from rag.memo import Memo
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.types import Document

from .command import bm25, corpus, index, rag  # noqa: F401  # fixtures of the tests of the command line

ROOT = Path("/corpus")
HYBRID = {"use": "rrf", "of": ["bm25", "dense"]}


class Lab:
    """Builds and opens indexes. Documents are given as `Document` or as `{id: text}`."""

    root = ROOT

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()
        self.runtime = Runtime(memo=Memo(), show_progress=False)

    def folder(self) -> Path:
        """Return a path that nothing is at."""
        return self._folder / f"index-{next(self._numbers)}"

    def pipeline(self, retrieve: Any = None, chunk: Any = "whole", **more: Any) -> Pipeline:
        """Return a pipeline whose encoder needs no weights; the default is hybrid over whole documents."""
        return parse({"chunk": chunk, "retrieve": retrieve or HYBRID, "models": {"encoder": "hashing-64"}, **more})

    def loaded(self, documents: Iterable[Document] | Mapping[str, str], root: Path = ROOT) -> list[Loaded | Failed]:
        """Return documents as a loader gives them."""
        if isinstance(documents, Mapping):
            documents = [Document(i, text) for i, text in documents.items()]
        return [Loaded(d, root) for d in documents]

    def failed(self, doc_id: str, reason: str = "binary file", root: Path = ROOT, source: str = "") -> Failed:
        """Return a failure as a loader gives it."""
        return Failed(doc_id, reason, root, source)

    def build(
        self,
        path: Path,
        pipeline: Pipeline,
        documents: Any,
        *,
        roots: Sequence[Path] = (ROOT,),
        runtime: Runtime | None = None,
        allow_mass_delete: bool = True,
        rebuild: bool = False,
    ) -> Report:
        """Bring an index up to date with documents (below the first root) or with ready items of a loader."""
        items = documents if isinstance(documents, Iterator) else self._items(documents, roots[0])
        return build(path, pipeline, items, list(roots), runtime or self.runtime, allow_mass_delete=allow_mass_delete, rebuild=rebuild)

    def _items(self, documents: Any, root: Path) -> list[Loaded | Failed]:
        if not isinstance(documents, Mapping) and any(isinstance(d, (Loaded, Failed)) for d in documents):
            return list(documents)
        return self.loaded(documents, root)

    @staticmethod
    def counts(report: Report) -> dict[str, Any]:
        """Return what a build did to documents, and the ids of those that failed."""
        done = {k: getattr(report, k) for k in ("added", "updated", "unchanged", "deleted")}
        return {**done, "failed": [f.doc_id for f in report.failed]}

    @staticmethod
    def expect(added: int = 0, updated: int = 0, unchanged: int = 0, deleted: int = 0, failed: Sequence[str] = ()) -> dict[str, Any]:
        """Return what `counts` should be."""
        return {"added": added, "updated": updated, "unchanged": unchanged, "deleted": deleted, "failed": list(failed)}

    @staticmethod
    def live(path: Path) -> str:
        """Return the name of the live generation."""
        return (path / "CURRENT").read_text(encoding="utf-8").strip()

    def reseal(self, path: Path, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest of the live generation and seal it again, as another version would have written it."""
        generation = path / self.live(path)
        data = asdict(read_manifest(generation))
        change(data)
        write_manifest(generation, Manifest(**data))

    def tamper(self, path: Path, change: Callable[[EdgeEngine], object]) -> None:
        """Change the shard of the live generation behind the back of its index, so well that only what it holds gives it away."""
        generation = path / self.live(path)
        engine = EdgeEngine.patch(generation / "shard", layout(read_manifest(generation)))
        change(engine)
        engine.finish()
        engine = EdgeEngine.load(generation / "shard", layout(read_manifest(generation)))
        count = engine.count()
        engine.close()
        found = {n: digest_file(p) for n, p in files(generation).items() if n not in ("manifest.json", "stamps.json")}
        self.reseal(path, lambda m: m.update(points=count, files=found, canaries=[]))

    def texts(self, path: Path) -> dict[str, str]:
        """Return the stored texts of an index by document id."""
        with Index.open(path, self.runtime) as opened:
            return opened.stored_texts(sorted(opened.documents))

    @contextmanager
    def index(self, documents: Any, pipeline: Pipeline | None = None, path: Path | None = None) -> Iterator[Index]:
        """Build a fresh index and open it."""
        where = path or self.folder()
        self.build(where, pipeline or self.pipeline(), documents)
        with Index.open(where, self.runtime) as opened:
            yield opened


@pytest.fixture
def fresh() -> Runtime:
    """Return a runtime whose counters and memo are those of one test alone."""
    return Runtime(memo=Memo(), show_progress=False)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return the helper, with one runtime for the whole session."""
    return Lab(tmp_path_factory.mktemp("indexes"))
