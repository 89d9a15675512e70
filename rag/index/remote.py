"""An index on a Qdrant server or cluster: opened, built document by document in place, and migrated by an alias."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from qdrant_client import QdrantClient

from rag.errors import StoreError
from rag.index.engine import Layout
from rag.index.manifest import Manifest
from rag.index.remote_table import RemoteTable, read_manifest
from rag.index.server import ServerEngine
from rag.index.server_admin import ServerAdmin
from rag.index.server_call import Caller
from rag.index.server_connect import connect
from rag.index.server_layout import check_version
from rag.index.server_options import ServerOptions, parse_url

NEXT = "--next"  # what the alias of a generation that waits is called, behind the name of the index
Connect = Callable[[ServerOptions], tuple[QdrantClient, Caller]]


class Server:
    """One index by name on one server: the alias NAME points at the collection NAME-000001, -000002, ..."""

    def __init__(self, url: str, connecting: Connect = connect) -> None:
        """Connect. Raises `StoreError` when the server cannot be reached or is too old, or the name is that of a foreign collection."""
        self.options, self.url = parse_url(url), url
        self.client, self.call = connecting(self.options)
        if not self.call.local:
            self.call("asking for the version", lambda: check_version(self.client, self.options.address))
        self.admin = ServerAdmin(self.client, self.call)
        if self.options.collection in self.admin.collections():
            raise StoreError(f"{self.options.address}: this collection was not made by `rag index`, which keeps its own behind an alias; choose another name")

    def live(self) -> str | None:
        """Return the collection that answers, None when there is no index yet."""
        return self.admin.aliases().get(self.options.collection)

    def waiting(self) -> str | None:
        """Return the collection that a migration built and that waits to be swapped in."""
        return self.admin.aliases().get(self.options.collection + NEXT)

    def unused(self) -> str:
        """Return a name for a new collection."""
        pattern = re.compile(re.escape(self.options.collection) + r"-(\d{6})")
        numbers = [int(m[1]) for c in self.admin.collections() if (m := pattern.fullmatch(c))]
        return f"{self.options.collection}-{max(numbers, default=0) + 1:06d}"

    def left(self) -> list[str]:
        """Return the collections of this index that no alias names: left by builds that were cut off."""
        pattern = re.compile(re.escape(self.options.collection) + r"-\d{6}")
        served = set(self.admin.aliases().values())
        return [c for c in self.admin.collections() if pattern.fullmatch(c) and c not in served]

    def create(self, collection: str, layout: Layout) -> ServerEngine:
        """Make an empty collection."""
        return ServerEngine(self.client, replace(self.options, collection=collection), layout, self.call).made()

    def open(self, collection: str) -> tuple[Manifest, RemoteTable, ServerEngine]:
        """Open a collection. Raises `StoreError` when it holds no index, or another layout than its manifest says."""
        options = replace(self.options, collection=collection)
        manifest = read_manifest(ServerEngine(self.client, options, Layout({}, ()), self.call), self.options.address)
        dense = {n: int(s["dimension"]) for n, s in manifest.spaces.items() if s["kind"] == "dense"}
        engine = ServerEngine(self.client, options, Layout(dense, tuple(n for n in manifest.spaces if n not in dense), manifest.hnsw), self.call)
        engine.check()
        return manifest, RemoteTable(engine), engine

    def close(self) -> None:
        """Close the connection."""
        self.admin.close()
