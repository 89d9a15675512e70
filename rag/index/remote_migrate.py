"""Another model or chunker for an index on a server: a second collection is built, compared, and an alias swapped when told to."""

from __future__ import annotations

import time

from rag.config import dump
from rag.errors import StoreError
from rag.index.migrate import Compare, Migration, facts_of, stored
from rag.index.prepare import Recipe
from rag.index.remote import NEXT, Server
from rag.index.remote_build import fill
from rag.index.report import Report
from rag.index.scan import Named
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.runtime import Runtime


def migrate_remote(server: Server, pipeline: Pipeline, runtime: Runtime, compare: Compare | None = None, swap: bool = False) -> Migration:
    """Have a collection for `pipeline` with the documents of the live one; with `swap`, have it answer from now on.

    One that is waiting already is brought up to date. Raises `StoreError` when there is no index.
    """
    collection = server.live()
    if collection is None:
        raise StoreError(f"{server.options.address}: there is no index to migrate; build one with `rag index`")
    with Index.on(server, runtime, collection) as live:
        report = _build(server, live, pipeline, runtime)
        new = server.waiting()
        if new is None:
            raise StoreError(f"{server.options.address}: the new collection is gone; run the command again")
        done = Migration(report, facts_of(live))
        with Index.on(server, runtime, new) as opened:
            done.next = facts_of(opened)
            if compare is not None:
                done.comparison = compare(live, opened)
    if swap:
        server.admin.swap_alias(server.options.collection, new)
        abandon_remote(server)
        done.swapped = True
    return done


def abandon_remote(server: Server) -> None:
    """Take back the alias of the collection that waits, and drop what no alias names."""
    server.admin.drop_alias(server.options.collection + NEXT)
    for left in server.left():
        server.admin.drop_collection(left)


def _build(server: Server, live: Index, pipeline: Pipeline, runtime: Runtime) -> Report:
    recipe = Recipe(pipeline, tuple(dict.fromkeys(pipeline.retrieve.spaces())), runtime, time.time())
    waiting = server.waiting()
    if waiting is not None:
        with Index.on(server, runtime, waiting) as old:
            if old.manifest.config == dump(pipeline):
                return fill(server, waiting, old, stored(live), Named(None), recipe, True)
        abandon_remote(server)
    new = server.unused()
    report = fill(server, new, None, stored(live), Named(None), recipe, True)
    server.admin.swap_alias(server.options.collection + NEXT, new)
    return report

