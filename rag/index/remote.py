"""An index on a Qdrant server or cluster: opened, built document by document in place, and migrated by an alias."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from qdrant_client import QdrantClient

from rag.errors import StoreError
from rag.index.engine import Layout
from rag.index.manifest import Manifest
from rag.index.remote_manifest import read_manifest
from rag.index.remote_table import RemoteTable
from rag.index.remote_turn import MARK
from rag.index.server import ServerEngine
from rag.index.server_admin import ServerAdmin
from rag.index.server_call import Caller
from rag.index.server_connect import connect
from rag.index.server_layout import check_version
from rag.index.server_options import ServerOptions, parse_url

NEXT = "--next"  # what the alias of a generation that waits is called, behind the name of the index
LONGEST = 240  # characters of a name: what is made of it must be a name too
Connect = Callable[[ServerOptions], tuple[QdrantClient, Caller]]


class Server:
    """One index by name on one server: the alias NAME points at the collection NAME-000001, -000002, ..."""

    def __init__(self, url: str, connecting: Connect = connect) -> None:
        """Connect. Raises `StoreError` when the server cannot be reached or is too old, or the name is that of a foreign collection."""
        self.options, self.url = parse_url(url), url
        name = self.options.collection
        if name.endswith(NEXT) or len(name) > LONGEST:
            raise StoreError(f"{self.options.address}: the name of an index on a server has at most {LONGEST} characters and does not end in {NEXT}")
        self.client, self.call = connecting(self.options)
        self.admin = ServerAdmin(self.client, self.call)
        try:
            if not self.call.local:
                self.call("asking for the version", lambda: check_version(self.client, self.options.address))
            if name in self.admin.collections():
                raise StoreError(
                    f"{self.options.address}: this collection was not made by `rag index`, which keeps its own behind an alias; choose another name"
                )
        except StoreError:
            self.close()
            raise

    def live(self) -> str | None:
        """Return the collection that answers, None when there is no index yet."""
        return self.admin.aliases().get(self.options.collection)

    def owned(self) -> str | None:
        """Return the collection that answers, to change it. Raises `StoreError` when the alias names somebody else's."""
        return self._own(self.options.collection)

    def waiting(self) -> str | None:
        """Return the collection that a migration built and that waits to be swapped in. Raises as `owned` does."""
        return self._own(self.options.collection + NEXT)

    def _own(self, alias: str) -> str | None:
        collection = self.admin.aliases().get(alias)
        if collection is not None and not self._pattern.fullmatch(collection):
            raise StoreError(f"{self.options.address}: the alias {alias!r} points at {collection!r}, which is no collection of this index; choose another name")
        return collection

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.options.collection) + r"-(\d{6})")

    def unused(self) -> str:
        """Return a name for a new collection."""
        numbers = [int(m[1]) for c in [*self.admin.collections(), *self.admin.aliases()] if (m := self._pattern.fullmatch(c))]
        return f"{self.options.collection}-{max(numbers, default=0) + 1:06d}"

    def point(self, alias: str, collection: str) -> None:
        """Have an alias of this index name a collection, in one step."""
        self._own(alias)
        self.admin.swap_alias(alias, collection)

    def left(self) -> list[str]:
        """Return the collections of this index that no alias names: left by builds that were cut off. One without our mark is somebody else's."""
        served = set(self.admin.aliases().values())
        return [c for c in self.admin.collections() if self._pattern.fullmatch(c) and c not in served and self._bare(c).count(MARK)]

    def sweep(self) -> None:
        """Drop what `left` returns."""
        for collection in self.left():
            self.admin.drop_collection(collection)

    def create(self, collection: str, layout: Layout) -> ServerEngine:
        """Make an empty collection."""
        return ServerEngine(self.client, replace(self.options, collection=collection), layout, self.call).made()

    def open(self, collection: str) -> tuple[Manifest, RemoteTable, ServerEngine]:
        """Open a collection. Raises `StoreError` when it holds no index, or another layout than its manifest says."""
        bare = self._bare(collection)
        manifest = read_manifest(bare, self.options.address)
        dense = {n: int(s["dimension"]) for n, s in manifest.spaces.items() if s["kind"] == "dense"}
        engine = ServerEngine(self.client, bare.options, Layout(dense, tuple(n for n in manifest.spaces if n not in dense), manifest.hnsw), self.call)
        engine.check()
        return manifest, RemoteTable(engine), engine

    def roots(self) -> list[str]:
        """Return the roots of the documents of the index, whatever its manifest says; none where there is no index."""
        collection = self.live()
        return RemoteTable(self._bare(collection)).roots() if collection else []

    def _bare(self, collection: str) -> ServerEngine:
        """Return an engine that knows of no vector spaces: for payloads."""
        return ServerEngine(self.client, replace(self.options, collection=collection), Layout({}, ()), self.call)

    def close(self) -> None:
        """Close the connection."""
        self.admin.close()
