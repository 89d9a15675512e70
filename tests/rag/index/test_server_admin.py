"""Aliases and collections, as far as the in-memory mode of qdrant-client can show them; it keeps aliases as a server does."""

from __future__ import annotations

import pytest
from qdrant_client import QdrantClient

from rag.errors import StoreError
from rag.index.server_admin import ServerAdmin
from rag.index.server_call import Caller
from rag.index.server_options import ServerOptions

from .server_double import Double, hang_up, refuse


@pytest.fixture
def client():
    made = QdrantClient(":memory:")
    for name in ("docs-2", "docs-1", "other"):
        made.create_collection(name, vectors_config={})
    yield made
    made.close()


@pytest.fixture
def admin(client):
    return ServerAdmin(client, Caller("in memory", 0, local=True))


def test_collections_and_aliases_are_listed_in_order(admin):
    assert admin.collections() == ["docs-1", "docs-2", "other"]
    assert admin.aliases() == {}
    admin.swap_alias("b", "other")
    admin.swap_alias("a", "docs-1")
    assert list(admin.aliases().items()) == [("a", "docs-1"), ("b", "other")]
    assert admin.collections() == ["docs-1", "docs-2", "other"]


def test_an_alias_is_made_then_moved_and_may_be_moved_where_it_is(admin, client):
    for collection in ("docs-1", "docs-2", "docs-2"):
        admin.swap_alias("docs", collection)
        assert admin.aliases() == {"docs": collection}
    assert client.collection_exists("docs")  # the alias stands for the collection


def test_an_alias_points_at_a_collection_and_is_none(admin):
    admin.swap_alias("docs", "docs-1")
    with pytest.raises(StoreError, match="no collection 'docs-3'"):
        admin.swap_alias("docs", "docs-3")
    with pytest.raises(StoreError, match="no collection 'docs'"):
        admin.swap_alias("more", "docs")
    with pytest.raises(StoreError, match="'other' is a collection"):
        admin.swap_alias("other", "docs-1")
    assert admin.aliases() == {"docs": "docs-1"}


def test_a_collection_is_dropped_unless_an_alias_points_at_it(admin):
    admin.swap_alias("docs", "docs-1")
    with pytest.raises(StoreError, match="'docs-1' serves the alias 'docs'"):
        admin.drop_collection("docs-1")
    admin.swap_alias("docs", "docs-2")
    admin.drop_collection("docs-1")
    admin.drop_collection("docs-1")
    assert admin.collections() == ["docs-2", "other"]


def test_dropping_by_an_alias_drops_nothing(admin):
    admin.swap_alias("docs", "docs-1")
    with pytest.raises(StoreError, match="'docs' is an alias"):
        admin.drop_collection("docs")
    assert admin.collections() == ["docs-1", "docs-2", "other"]


def test_over_the_wire_failures_are_store_errors_and_reads_are_repeated():
    double = Double()
    double.faults = [("GET /collections$", hang_up), ("GET /collections$", refuse(403, "read-only key"))]
    admin = ServerAdmin.open(ServerOptions(double.url, "docs", retries=1, timeout=5))
    with pytest.raises(StoreError, match=r"listing collections failed 2 times: the server refuses \(403: read-only key\); set QDRANT_API_KEY"):
        admin.collections()
    admin.close()
    double.stop()
