"""Collections and aliases of a Qdrant server, as a migration needs them: build beside, then swap a name."""

from __future__ import annotations

from qdrant_client import QdrantClient, models

from rag.errors import StoreError
from rag.index.server_call import Caller
from rag.index.server_connect import connect
from rag.index.server_options import ServerOptions


class ServerAdmin:
    """What is done to collections as a whole, on the server that the options name."""

    def __init__(self, client: QdrantClient, call: Caller) -> None:
        """Wrap a connection; use `open`."""
        self._client, self._call = client, call

    @classmethod
    def open(cls, options: ServerOptions) -> ServerAdmin:
        """Connect to a server; the collection of the options need not exist."""
        return cls(*connect(options))

    def close(self) -> None:
        """Close the connection."""
        self._call("closing", self._client.close)

    def collections(self) -> list[str]:
        """Return the names of all collections, sorted; aliases are not among them."""
        return sorted(c.name for c in self._call("listing collections", self._client.get_collections).collections)

    def aliases(self) -> dict[str, str]:
        """Return alias to collection."""
        found = self._call("listing aliases", self._client.get_aliases).aliases
        return {a.alias_name: a.collection_name for a in sorted(found, key=lambda a: a.alias_name)}

    def swap_alias(self, alias: str, collection: str) -> None:
        """Point an alias at a collection in one step: readers see the old or the new, never neither.

        Raises `StoreError` when the collection is not there, or the alias is the name of a collection.
        """
        held = self.collections()
        if collection not in held:
            raise StoreError(f"{self._call.address}: no collection {collection!r} to point {alias!r} at; build it first")
        if alias in held:
            raise StoreError(f"{self._call.address}: {alias!r} is a collection, so it cannot be an alias; choose another alias")

        def swap() -> bool:
            new = models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))
            # One that is not there yet is not removed: what a server says to that does not matter then.
            known = any(a.alias_name == alias for a in self._client.get_aliases().aliases)
            old = [models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))] if known else []
            return self._client.update_collection_aliases([*old, new])

        if not self._call(f"pointing {alias!r} at {collection!r}", swap):
            raise StoreError(f"{self._call.address}: the server did not point {alias!r} at {collection!r}; run again")

    def drop_alias(self, alias: str) -> None:
        """Remove an alias; nothing when it is not there."""
        if alias in self.aliases():
            gone = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
            self._call(f"removing the alias {alias!r}", lambda: self._client.update_collection_aliases([gone]))

    def drop_collection(self, collection: str) -> None:
        """Delete a collection; nothing when it is not there. Raises `StoreError` for an alias, and while one points at it."""
        aliases = self.aliases()
        if collection in aliases:
            raise StoreError(f"{self._call.address}: {collection!r} is an alias of {aliases[collection]!r}; name the collection itself")
        if serving := [a for a, c in aliases.items() if c == collection]:
            raise StoreError(f"{self._call.address}: {collection!r} serves the alias {serving[0]!r}; point that elsewhere first")

        def drop() -> None:
            if self._client.collection_exists(collection):
                self._client.delete_collection(collection)

        self._call(f"dropping {collection!r}", drop)
