"""The files beside the shard: whole or not at all, and every damage one `StoreError` that says what to do."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from rag.errors import StoreError
from rag.index.manifest import DocumentRow, Manifest, current, read_documents, read_manifest, unfinished, write_bytes, write_manifest

SPACES = {"dense-1": {"kind": "dense", "dimension": 3, "identity": {"name": "m"}}, "bm25-1": {"kind": "bm25", "average_length": {"": 2.0}}}
MANIFEST = Manifest("c", {"chunk": {"use": "whole"}}, "k", [], SPACES, 3, 2, 2, {"t": 2}, False, None, {"spanwise": "0"})
ROWS = [
    DocumentRow("a\u2028b.md", "d1", "/corpus", 1, 9, "Tïtle", 2, "/corpus/a", 1.5, "", {"x": ("1", "2"), "y": True, "z": 1.5, "w": "\n"}),
    DocumentRow("b.md", "d2", "/caf\udce9", 1, 5, source="/caf\udce9/b.md"),  # a directory whose name is not UTF-8
]


@pytest.fixture
def generation(tmp_path):
    write_manifest(tmp_path, MANIFEST, ROWS)
    return tmp_path


def test_what_is_written_is_read_again(generation):
    assert read_manifest(generation) == MANIFEST
    assert read_documents(generation, 2) == {r.id: r for r in ROWS}
    assert sorted(p.name for p in generation.iterdir()) == ["documents.jsonl", "manifest.json"]


def broken(**changes):
    return json.dumps({**asdict(MANIFEST), **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        None, b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b"{}", b'{"schema": 1}', b"[" * 100_000, broken(surplus=1), broken(points="3"), broken(points=True),
        broken(spaces=[]), broken(spaces={"d": {}}), broken(spaces={"d": {"kind": "dense"}}), broken(spaces={"d": {"kind": "bm25"}}),
        broken(spaces={"d": {"kind": "bm25", "average_length": 2.0}}), broken(tenants=None),
        broken(config=None), broken(config={"chunk": None}), broken(documents=None), broken(hnsw=None),
    ],
)  # fmt: skip
def test_a_missing_or_damaged_manifest_is_refused(generation, data):
    path = generation / "manifest.json"
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(StoreError, match=r"manifest.json: the manifest is missing or damaged \(\w+\); delete the directory of the index") as error:
        read_manifest(generation)
    assert "\n" not in str(error.value)


def test_another_schema_is_refused_with_both_numbers(generation):
    write_manifest(generation, replace(MANIFEST, schema=2), ROWS)
    with pytest.raises(StoreError, match="schema 2, this version reads 1"):
        read_manifest(generation)


@pytest.mark.parametrize(
    "data", [None, b"{\n", b"[]\n", b"3\n", b"{}\n", b'{"id": "a"}\n', b'{"id": "a", "meta": []}\n', b"\xff\n", b'{"id": "a", "meta": {}, "z": 1}\n']
)
def test_a_missing_or_damaged_document_table_is_refused(generation, data):
    path = generation / "documents.jsonl"
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(StoreError, match=r"documents.jsonl: the document table is missing or damaged \(\w+\); delete"):
        read_documents(generation, 1)


def test_a_table_cut_off_between_two_lines_is_refused(generation):
    path = generation / "documents.jsonl"
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n")
    with pytest.raises(StoreError, match="holds 1 documents, the manifest says 2"):
        read_documents(generation, 2)


@pytest.mark.parametrize(
    "data", [b"", b"gen-", b"gen-000009\n", b"../x\n", b"gen-000001/../gen-000001\n", b"gen-abc\n", b"\xff", b"\0", b"tmp-000001", b"x" * 100_000]
)
def test_a_pointer_to_nothing_is_refused(tmp_path, data):
    (tmp_path / "gen-000001").mkdir()
    (tmp_path / "gen-abc").mkdir()
    (tmp_path / "tmp-000001").mkdir()
    (tmp_path / "CURRENT").write_bytes(data)
    with pytest.raises(StoreError, match=r"CURRENT.*restore the file") as error:
        current(tmp_path)
    assert len(str(error.value)) < 600


def test_no_pointer_is_no_index(tmp_path):
    (tmp_path / "gen-000001").mkdir()
    assert current(tmp_path) is None


def test_only_generations_beside_the_live_one_are_unfinished(tmp_path):
    """What a person keeps in the same directory is never taken for a leftover."""
    for name in ("gen-000001", "gen-000002", "tmp-000003", "tmp-notes", "gen-pics", "tmp-1", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "tmp-000004").write_text("a file")
    (tmp_path / "CURRENT").write_text("gen-000001\n")
    assert [p.name for p in unfinished(tmp_path)] == ["gen-000002", "tmp-000003"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "CURRENT"
    write_bytes(path, b"old")
    with pytest.raises(TypeError):
        write_bytes(path, "not bytes")  # type: ignore[arg-type]  # fails inside the write
    assert path.read_bytes() == b"old"
