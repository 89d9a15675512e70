"""The jobs of an index are one set for a directory and a server."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.place import abandon_at, bases_at, build_at, known_roots, lost_at, manifest_at, migrate_at
from rag.index.remote import Server

from .remote_lab import ROOT, RUNTIME, loaded, pipeline
from .server_wire import Wire

DOCS = {"a": "cat dog", "b": "horse"}
PIPE = pipeline()


@pytest.fixture(scope="module")
def wire():
    made = Wire()
    yield made
    made.stop()


@pytest.fixture(params=["directory", "server"])
def place(request, tmp_path, wire):
    return tmp_path / "ix" if request.param == "directory" else f"{wire.url}/{tmp_path.name}"


def built(place, documents=DOCS, **options):
    return build_at(place, PIPE, loaded(documents), [ROOT], RUNTIME, options.get("mass", False), options.get("rebuild", False))


def test_where_nothing_is_there_is_nothing_known(place):
    assert (manifest_at(place), known_roots(place), bases_at(place, [ROOT / "x"]), lost_at(place, [ROOT])) == (None, [], {}, [])
    abandon_at(place) if isinstance(place, str) else None
    with pytest.raises(StoreError, match="no index to migrate"):
        migrate_at(place, PIPE, RUNTIME, None, False)


def test_an_index_is_built_known_and_built_again(place):
    assert built(place).added == 2
    manifest = manifest_at(place)
    assert manifest is not None
    assert (manifest.documents, manifest.chunk_key) == (2, PIPE.chunk_key)
    assert known_roots(place) == [str(ROOT)]
    assert bases_at(place, [ROOT / "x", ROOT]) == {ROOT / "x": ROOT}
    assert lost_at(place, [Path("/elsewhere")]) == [str(ROOT)]
    assert built(place).unchanged == 2
    with pytest.raises(StoreError, match="--allow-mass-delete"):
        built(place, {})
    assert built(place, {"a": "cat"}, rebuild=True).added == 1
    assert built(place, {}, mass=True).documents == 0


def test_a_migration_waits_until_it_is_swapped_or_dropped(place):
    built(place)
    new = pipeline("bm25", chunk="whole")
    assert migrate_at(place, new, RUNTIME, None, False).swapped is False
    abandon_at(place)
    assert migrate_at(place, new, RUNTIME, lambda live, waiting: {"n": len(live.documents) + len(waiting.documents)}, True).comparison == {"n": 4}
    manifest = manifest_at(place)
    assert manifest is not None
    assert manifest.chunk_key == new.chunk_key


def test_nothing_is_dropped_where_no_pointer_names_what_answers(tmp_path):
    """Without its pointer a generation looks like one that was left behind; dropping must not take it for that."""
    place = tmp_path / "ix"
    with pytest.raises(StoreError, match="there is no index that answers"):
        abandon_at(place)
    assert not place.exists()
    built(place)
    (place / "CURRENT").unlink()
    with pytest.raises(StoreError, match="there is no index that answers"):
        abandon_at(place)
    assert (place / "gen-000001" / "manifest.json").exists()


def test_connections_are_closed_when_a_server_is_refused(wire):
    wire.client.create_collection("foreign", vectors_config={})
    with pytest.raises(StoreError, match="not made by `rag index`"), closing(Server(f"{wire.url}/foreign")):
        pass
