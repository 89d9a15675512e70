"""What an index knows of the paths its documents came from, before it is built upon."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rag.errors import StoreError
from rag.index.manifest import REBUILD, current, read_manifest, unfinished
from rag.index.rows import unpacked
from rag.index.scan import below
from rag.index.table import NAME, DocumentTable


def roots(index: Path) -> list[str]:
    """Return the roots of the documents of an index; none where there is no index, or its table cannot be read."""
    try:
        generation = current(index) if index.is_dir() else None
        if generation is None:
            return []
        with DocumentTable(generation / NAME) as table:
            return table.roots()
    except StoreError:  # whoever opens the index says what is wrong with it
        return []


def every_root(index: Path) -> list[str]:
    """Return the roots of all documents that would be lost with the directory of an index: of every sealed generation where no pointer tells which answers."""
    try:
        live = current(index) if index.is_dir() else None
    except StoreError:
        live = None
    found: set[str] = set()
    for generation in [live] if live else sorted(index.glob("gen-*")):
        with suppress(StoreError):
            found.update(unpacked(r) for r in read_manifest(generation).roots)
        with suppress(StoreError), DocumentTable(generation / NAME) as table:
            found.update(table.roots())
    return sorted(found)


def above(known: Sequence[str], named: Sequence[Path]) -> dict[Path, Path]:
    """Return, for each named path that lies below a known root, that root: its documents keep their ids."""
    found = {}
    for path in named:
        over = [r for r in known if r != str(path) and below(str(path), r)]
        if over:
            found[path] = Path(max(over, key=len))
    return found


def outside(known: Sequence[str], named: Sequence[Path]) -> list[str]:
    """Return the known roots that lie below none of the named paths."""
    return [r for r in known if not any(below(r, str(p)) for p in named)]


def forgotten(index: Path, named: Sequence[Path]) -> str:
    """Return what would be lost where no pointer names a generation that is there: documents of paths not named now. Empty when nothing would."""
    for generation in unfinished(index):
        try:
            with DocumentTable(generation / NAME) as table:
                lost = outside(table.roots(), named)
        except StoreError:
            continue
        if lost and generation.name.startswith("gen-"):
            return f"{generation.name} holds documents of {', '.join(lost)}; write that name into it, or {REBUILD}"
    return ""
