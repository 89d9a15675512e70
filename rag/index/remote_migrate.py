"""Another model or chunker for an index on a server: a second collection is built, compared, and an alias swapped when told to."""

from __future__ import annotations

from rag.config import dump
from rag.errors import StoreError
from rag.index.fit import check_fit
from rag.index.migrate import Compare, Migration, facts_of, stored
from rag.index.prepare import Recipe
from rag.index.remote import NEXT, Server
from rag.index.remote_build import begin, fill, recipe_of
from rag.index.remote_table import RemoteTable
from rag.index.report import Report
from rag.index.scan import Named
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.runtime import Runtime


def migrate_remote(server: Server, pipeline: Pipeline, runtime: Runtime, compare: Compare | None = None, swap: bool = False) -> Migration:
    """Have a collection for `pipeline` with the documents of the live one; with `swap`, have it answer from now on.

    One that is waiting already is brought up to date. Raises `StoreError` when there is no index, or a build of it was cut off.
    """
    collection = server.owned()
    if collection is None:
        raise StoreError(f"{server.options.address}: there is no index to migrate; build one with `rag index`")
    with Index.on(server, runtime, collection) as live:
        if isinstance(live.table, RemoteTable) and (pending := live.table.pending()):
            raise StoreError(f"{server.options.address}: {pending} documents are being written, or were when a build was cut off; run `rag index` first")
        new, report = _build(server, live, recipe_of(pipeline, runtime))
        done = Migration(report, facts_of(live))
        with Index.on(server, runtime, new) as opened:
            done.next = facts_of(opened)
            if compare is not None:
                done.comparison = compare(live, opened)
    if swap:
        server.point(server.options.collection, new)
        abandon_remote(server)
        done.swapped = True
    return done


def abandon_remote(server: Server) -> None:
    """Take back the alias of the collection that waits, and drop what no alias names."""
    server.waiting()  # raises where the alias is somebody else's
    server.admin.drop_alias(server.options.collection + NEXT)
    server.sweep()


def _build(server: Server, live: Index, recipe: Recipe) -> tuple[str, Report]:
    """Return the collection that waits and what was done to it; one that was cut off is gone on with."""
    waiting = server.waiting()
    if waiting is not None and not _fits(server, waiting, recipe):
        abandon_remote(server)
        waiting = None
    new = waiting or begin(server, server.options.collection + NEXT, recipe)
    with Index.on(server, recipe.runtime, new) as old:
        return new, fill(server, new, old, stored(live), Named(None), recipe, True)


def _fits(server: Server, waiting: str, recipe: Recipe) -> bool:
    """Whether what waits was made for this pipeline by the models there are now: their files may have changed under the same names."""
    try:
        manifest = server.open(waiting)[0]
        check_fit(server.options.address, manifest, recipe.pipeline, recipe.spaces, recipe.runtime)
    except StoreError:
        return False
    return bool(manifest.config == dump(recipe.pipeline))
