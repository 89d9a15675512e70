"""Another model or chunker for an index: the new generation is built beside the old one, compared, and swapped in when told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.config import dump
from rag.errors import StoreError
from rag.index.build import construct
from rag.index.faults import reached
from rag.index.fit import check_fit
from rag.index.lock import lock, sweep
from rag.index.manifest import current, point, sync_directory, waiting
from rag.index.prepare import Recipe
from rag.index.report import Report
from rag.index.scan import Named
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.types import Document

Compare = Callable[[Index, Index], dict[str, Any]]


@dataclass
class Migration:
    """What a call of `migrate` did. `comparison` is empty without a question file."""

    report: Report
    live: dict[str, Any] = field(default_factory=dict)
    next: dict[str, Any] = field(default_factory=dict)
    comparison: dict[str, Any] = field(default_factory=dict)
    swapped: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form of `rag migrate --json`."""
        return {"live": self.live, "next": self.next, "built": self.report.as_dict(), "comparison": self.comparison, "swapped": self.swapped}


def migrate(path: Path, pipeline: Pipeline, runtime: Runtime, compare: Compare | None = None, swap: bool = False) -> Migration:
    """Have a generation for `pipeline` that holds the documents of the live one; with `swap`, have it answer from now on.

    One that is waiting already is brought up to date and not built anew. Raises `StoreError` when there is no index.
    """
    if current(path) is None:
        raise StoreError(f"{path}: there is no index to migrate; build one with `rag index PATH -c CONFIG -i {path}`")
    with lock(path):
        sweep(path)
        with Index.open(path, runtime) as live:
            done = Migration(_build(path, live, pipeline, runtime), facts_of(live))
            generation = waiting(path)
            if generation is None:
                raise StoreError(f"{path}: the new generation is gone; run the command again")
            with Index.open(path, runtime, generation=generation) as new:
                done.next = facts_of(new)
                if compare is not None:
                    done.comparison = compare(live, new)
        if swap:
            reached("migrate.swap")
            point(path, "CURRENT", generation)
            abandon(path)
            done.swapped = True
    return done


def abandon(path: Path) -> None:
    """Take back the pointer to the generation that waits, and remove what no pointer names."""
    (path / "NEXT").unlink(missing_ok=True)
    sync_directory(path)
    sweep(path)


def _build(path: Path, live: Index, pipeline: Pipeline, runtime: Runtime) -> Report:
    recipe = Recipe(pipeline, tuple(dict.fromkeys(pipeline.retrieve.spaces())), runtime, time.time())
    generation = waiting(path)
    if generation is not None:
        with suppress(_Unfit), _reused(path, generation, recipe) as old:
            return construct(path, old, stored(live), Named(None), recipe, True, "NEXT")
        abandon(path)
    return construct(path, None, stored(live), Named(None), recipe, True, "NEXT")


class _Unfit(Exception):
    """What waits is of no use."""


def _reused(path: Path, generation: Path, recipe: Recipe) -> Index:
    """Open what waits. Raises `_Unfit` when it is damaged, or other models or options made it: files of models change under their names."""
    try:
        old = Index.open(path, recipe.runtime, generation=generation)
    except StoreError:
        raise _Unfit from None
    try:
        check_fit(path, old.manifest, recipe.pipeline, recipe.spaces, recipe.runtime)
        if old.manifest.config != dump(recipe.pipeline):
            raise _Unfit
    except (StoreError, _Unfit):
        old.close()
        raise _Unfit from None
    return old


def stored(live: Index) -> Iterator[Loaded]:
    """Yield the documents of an index from its own stored texts: no source file is read."""
    for row in live.table.rows():
        text = live.stored_texts([row.id])[row.id]
        yield Loaded(Document(row.id, text, row.meta, row.title, row.body, row.source, row.modified), Path(row.root))


def facts_of(index: Index) -> dict[str, Any]:
    """Return what a person compares two generations by."""
    m = index.manifest
    spaces = [str(s["spec"]) for s in m.spaces.values()]
    return {"generation": index.generation.name, "documents": m.documents, "chunks": m.chunks, "chunk": m.config["chunk"]["use"], "spaces": spaces}
