"""One set of jobs for both kinds of place an index can be at: a directory, or a collection on a server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import StoreError
from rag.index.known import above, every_root, outside, roots
from rag.index.lock import lock
from rag.index.manifest import current, read_manifest

if TYPE_CHECKING:
    from rag.index.manifest import Manifest
    from rag.index.migrate import Compare, Migration
    from rag.index.report import Report
    from rag.loaders.corpus import Failed, Loaded
    from rag.pipeline import Pipeline
    from rag.runtime import Runtime

Place = Path | str


def manifest_at(place: Place) -> Manifest | None:
    """Return the manifest of an index, None where there is none yet."""
    if isinstance(place, Path):
        generation = current(place) if place.is_dir() else None
        return read_manifest(generation) if generation else None
    from rag.index.remote import Server

    with closing(Server(place)) as server:
        collection = server.live()
        return server.open(collection)[0] if collection else None


def known_roots(place: Place) -> list[str]:
    """Return the roots of the documents of an index; none where there is no index."""
    if isinstance(place, Path):
        return roots(place)
    from rag.index.remote import Server

    with closing(Server(place)) as server:
        return server.roots()


def bases_at(place: Place, named: Sequence[Path]) -> dict[Path, Path]:
    """Return, for each named path that lies below a root of the index, that root: its documents keep their ids."""
    return above(known_roots(place), named)


def lost_at(place: Place, named: Sequence[Path]) -> list[str]:
    """Return the roots of an index that lie below none of the named paths."""
    return outside(every_root(place) if isinstance(place, Path) else known_roots(place), named)


def build_at(
    place: Place, pipeline: Pipeline, corpus: Iterable[Loaded | Failed], named: Sequence[Path], runtime: Runtime, allow_mass_delete: bool, rebuild: bool
) -> Report:
    """Bring an index up to date; see `rag.index.build.build`."""
    if isinstance(place, Path):
        from rag.index.build import build

        return build(place, pipeline, corpus, named, runtime, allow_mass_delete=allow_mass_delete, rebuild=rebuild)
    from rag.index.remote import Server
    from rag.index.remote_build import build_remote

    with closing(Server(place)) as server:
        return build_remote(server, pipeline, corpus, named, runtime, allow_mass_delete=allow_mass_delete, rebuild=rebuild)


def migrate_at(place: Place, pipeline: Pipeline, runtime: Runtime, compare: Compare | None, swap: bool) -> Migration:
    """Build an index anew for another pipeline, beside the live one; see `rag.index.migrate.migrate`."""
    if isinstance(place, Path):
        from rag.index.migrate import migrate

        return migrate(place, pipeline, runtime, compare, swap)
    from rag.index.remote import Server
    from rag.index.remote_migrate import migrate_remote

    with closing(Server(place)) as server:
        return migrate_remote(server, pipeline, runtime, compare, swap)


def abandon_at(place: Place) -> None:
    """Remove the generation that a migration left waiting. Raises `StoreError` where there is no index."""
    if isinstance(place, Path):
        from rag.index.migrate import abandon

        if current(place) is None:  # what no pointer names is removed below: without this one, everything
            raise StoreError(f"{place}: there is no index that answers, so nothing is dropped; `rag check {place}` says what is wrong")
        with lock(place):
            abandon(place)
        return
    from rag.index.remote import Server
    from rag.index.remote_migrate import abandon_remote

    with closing(Server(place)) as server:
        abandon_remote(server)
