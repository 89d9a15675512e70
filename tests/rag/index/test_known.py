"""What an index knows of its paths: a nested path belongs to its root, and what would be lost is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.index.known import above, every_root, forgotten, outside, roots
from rag.index.place import lost_at

A, B = Path("/corpus/a"), Path("/corpus/b")


@pytest.fixture(scope="module")
def built(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline("bm25"), [*lab.loaded({"a.md": "alpha"}, A), *lab.loaded({"b.md": "beta"}, B)], roots=[A, B])
    return path


def test_the_roots_of_an_index_are_those_of_its_documents(built):
    assert roots(built) == [str(A), str(B)]


def test_no_index_or_a_damaged_one_has_no_roots(tmp_path):
    assert roots(tmp_path) == roots(tmp_path / "none") == []
    (tmp_path / "CURRENT").write_text("gen-000009\n")
    assert roots(tmp_path) == []


def test_a_path_below_a_root_belongs_to_the_deepest():
    known = ["/c", "/c/d", "/x"]
    assert above(known, [Path("/c/d/e"), Path("/c/f"), Path("/c/d"), Path("/c"), Path("/y"), Path("/cc")]) == {
        Path("/c/d/e"): Path("/c/d"), Path("/c/f"): Path("/c"), Path("/c/d"): Path("/c"),
    }  # fmt: skip


def test_roots_below_no_named_path_are_outside():
    assert outside(["/c", "/c/d", "/x"], [Path("/c")]) == ["/x"]
    assert outside(["/c", "/x"], [Path("/c/d")]) == ["/c", "/x"]
    assert outside(["/c"], [Path("/")]) == []


def test_where_the_pointer_is_lost_the_paths_that_would_be_forgotten_are_named(lab, built):
    pointer, name = built / "CURRENT", lab.live(built)
    data = pointer.read_bytes()
    pointer.unlink()
    try:
        assert forgotten(built, [A]).startswith(f"{name} holds documents of /corpus/b; write that name into it, or build it again")
        assert forgotten(built, [A, B]) == forgotten(built, [Path("/corpus")]) == ""
    finally:
        pointer.write_bytes(data)


@pytest.mark.parametrize("pointer", [None, b"gen-000001\n", b"gen-000009\n", b"junk", b"\xff"])
def test_what_a_rebuild_would_lose_is_known_whatever_the_pointer_says(lab, built, pointer):
    """A rebuild is what a damaged pointer calls for: the other paths must not be forgotten just then."""
    path = built / "CURRENT"
    data = path.read_bytes()
    path.unlink() if pointer is None else path.write_bytes(pointer)
    try:
        assert every_root(built) == [str(A), str(B)]
        assert lost_at(built, [A]) == [str(B)]
    finally:
        path.write_bytes(data)


def test_where_no_table_can_be_read_nothing_is_known(tmp_path):
    (tmp_path / "gen-000001").mkdir()
    (tmp_path / "gen-000001" / "documents.sqlite").write_bytes(b"none")
    assert every_root(tmp_path) == every_root(tmp_path / "none") == []
