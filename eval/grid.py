"""Indexes for a grid of configurations: those that cut alike share one, built once and kept in the cache."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from rag.errors import StoreError
from rag.fingerprint import key
from rag.index.build import build
from rag.index.lock import lock
from rag.index.spaces import space_name
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import CAP, cache_dir
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space
from rag.types import Document


def groups(pipelines: Mapping[str, Pipeline]) -> list[list[str]]:
    """Return the names of pipelines by what they can share: chunks, tenant key and what becomes of duplicates."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, p in pipelines.items():
        found.setdefault((p.chunk_key, *held_by(p)), []).append(name)
    return list(found.values())


def held_by(pipeline: Pipeline) -> tuple[object, ...]:
    """Return the options that change what an index holds."""
    o = pipeline.index
    return o.tenant_key, o.duplicates, o.duplicate_similarity


def place(pipelines: Sequence[Pipeline], corpus: str, runtime: Runtime) -> tuple[tuple[Space, ...], Path]:
    """Return the spaces that an index for all of the pipelines has, and where it is kept; nothing is opened or written."""
    spaces: tuple[Space, ...] = tuple(sorted({s for p in pipelines for s in p.retrieve.spaces()}, key=space_name))
    first = pipelines[0]
    models = [runtime.encoder(s.model).identity for s in spaces if isinstance(s, DenseSpace)] + runtime.identities(first.chunk)
    name = key("index", 2, corpus, first.chunk_key, list(spaces), models, list(held_by(first)), version("qdrant-edge-py"))
    return spaces, cache_dir() / "indexes" / name


def open_shared(pipelines: Sequence[Pipeline], documents: Sequence[Document], corpus: str, runtime: Runtime) -> Index:
    """Return an open index of the corpus that serves every one of the pipelines, building it when it is not there.

    Its memo is on and it has no graph: evaluation compares every vector.
    """
    spaces, path = place(pipelines, corpus, runtime)
    first = pipelines[0]
    try:
        found = Index.open(path, runtime, memo=True)
        path.touch()
        return found
    except StoreError:
        _empty(path)
    _make_room(path.parent)
    exact = replace(first, index=replace(first.index, search="exact"))
    build(path, exact, [Loaded(d, Path("corpus")) for d in documents], [Path("corpus")], runtime, spaces)
    return Index.open(path, runtime, memo=True)


def _empty(path: Path) -> None:
    """Remove what is left of a damaged or unfinished index. Raises `StoreError` while another process builds it."""
    if path.is_dir():
        with lock(path):
            for part in path.iterdir():
                if part.is_dir():
                    shutil.rmtree(part, ignore_errors=True)
                elif part.name != "lock":
                    part.unlink()


def _make_room(folder: Path) -> None:
    """Remove the indexes used longest ago until the rest is within the cap; the engine's files are sparse, so blocks count."""
    sizes = {p: sum(f.stat().st_blocks * 512 for f in p.rglob("*") if f.is_file()) for p in folder.glob("*") if p.is_dir()}
    for path in sorted(sizes, key=lambda p: p.stat().st_mtime):
        if sum(sizes.values()) <= CAP:
            return
        with suppress(StoreError), lock(path):  # another process may be building it
            shutil.rmtree(path, ignore_errors=True)
        del sizes[path]
