"""The files beside the shard: whole or not at all, and every damage one `StoreError` that says what to do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.manifest import Manifest, current, next_number, point, read_manifest, unfinished, waiting, write_bytes, write_manifest

SPACES = {"dense-1": {"kind": "dense", "dimension": 3, "identity": {"name": "m"}}, "bm25-1": {"kind": "bm25", "average_length": {"": 2.0, "tenant é": 0.5}}}
MANIFEST = Manifest(
    "c", {"chunk": {"use": "whole"}, "retrieve": ["bm25", 1.5, None, True]}, "k", [{"digest": "0"}], SPACES, 3, 2, 2, {"t": 2}, False, None, {"spanwise": "0"},
    7, {"m (256 tokens)": 1}, {"doc": "keyword", 'meta."x\u2028"': "float"}, {"documents.sqlite": [12, "ab"], "shard/x": [0, "cd"]}, [{"id": "i", "found": {"d": [0.1]}}],
)  # fmt: skip


@pytest.fixture
def generation(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    return tmp_path


def test_what_is_written_is_read_again_sealed(generation):
    assert read_manifest(generation) == MANIFEST.sealed()
    assert read_manifest(generation).seal
    assert [p.name for p in generation.iterdir()] == ["manifest.json"]


def test_any_changed_byte_is_noticed(generation):
    """White space for white space aside, and then it still says the same."""
    path = generation / "manifest.json"
    data = path.read_bytes()
    for at in range(len(data)):
        for flip in (1, 2, 4, 8, 16, 32, 64, 128):
            path.write_bytes(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])
            with pytest.raises(StoreError, match=r"damaged|written with schema"):
                read_manifest(generation)


@pytest.mark.parametrize("at", [0, 1, 100, -3])
def test_a_manifest_cut_short_is_noticed(generation, at):
    path = generation / "manifest.json"
    path.write_bytes(path.read_bytes()[:at])
    with pytest.raises(StoreError, match="damaged"):
        read_manifest(generation)


def test_every_field_is_under_the_seal():
    seals = {MANIFEST.sealed().seal}
    other = {"content": "x", "config": {}, "chunk_key": "x", "chunker": [], "spaces": {}, "points": 4, "chunks": 3, "documents": 3, "tenants": {}, "hnsw": True,
             "tenant_key": "t", "versions": {}, "gaps": 8, "times": "y", "roots": ["r"], "over_limit": {}, "fields": {}, "files": {}, "canaries": [], "schema": 3,
             "quantization": "scalar"}  # fmt: skip
    assert {f.name for f in fields(Manifest)} == {*other, "seal"}
    seals |= {replace(MANIFEST, **{name: value}).sealed().seal for name, value in other.items()}
    assert len(seals) == 1 + len(other)
    assert MANIFEST.sealed().sealed() == MANIFEST.sealed()


def test_a_manifest_from_before_quantization_was_recorded_is_read_as_without(tmp_path):
    data = {k: v for k, v in asdict(MANIFEST).items() if k not in ("quantization", "seal")}
    text = json.dumps(data, sort_keys=True)
    (tmp_path / "manifest.json").write_text(json.dumps({**data, "seal": hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}))
    assert read_manifest(tmp_path).quantization == "none"


def broken(**changes):
    return json.dumps({**asdict(MANIFEST.sealed()), **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        None, b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b"{}", b'{"schema": 2}', b"[" * 100_000, broken(surplus=1), broken(points="3"), broken(points=True),
        broken(spaces=[]), broken(spaces={"d": {}}), broken(spaces={"d": {"kind": "dense"}}), broken(spaces={"d": {"kind": "bm25"}}),
        broken(spaces={"d": {"kind": "bm25", "average_length": 2.0}}), broken(tenants=None),
        broken(config=None), broken(config={"chunk": None}), broken(documents=None), broken(hnsw=None), broken(quantization="half"),
    ],
)  # fmt: skip
def test_a_missing_or_damaged_manifest_is_refused(generation, data):
    path = generation / "manifest.json"
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(StoreError, match=r"manifest.json: the manifest is missing or damaged \(\w+\); build it again") as error:
        read_manifest(generation)
    assert "\n" not in str(error.value)


def test_another_schema_is_refused_with_both_numbers(generation):
    write_manifest(generation, replace(MANIFEST, schema=1))
    with pytest.raises(StoreError, match="schema 1, this version reads 2; build it again"):
        read_manifest(generation)


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


def test_what_a_migration_waits_with_is_not_unfinished_and_a_damaged_pointer_to_it_keeps_nothing(tmp_path):
    for name in ("gen-000001", "gen-000002", "gen-000003"):
        (tmp_path / name).mkdir()
    (tmp_path / "CURRENT").write_text("gen-000001\n")
    (tmp_path / "NEXT").write_text("gen-000002\n")
    assert [p.name for p in unfinished(tmp_path)] == ["gen-000003"]
    (tmp_path / "NEXT").write_bytes(b"\xff")
    assert waiting(tmp_path) is None
    assert [p.name for p in unfinished(tmp_path)] == ["gen-000002", "gen-000003"]


def test_a_new_generation_is_numbered_above_all_there_are_finished_or_not(tmp_path):
    assert next_number(tmp_path) == 1
    for name in ("gen-000002", "tmp-000007", "gen-1", "tmp-notes"):
        (tmp_path / name).mkdir()
    assert next_number(tmp_path) == 8


def test_a_pointer_names_what_it_was_pointed_at(tmp_path):
    for name in ("gen-000001", "gen-000002"):
        (tmp_path / name).mkdir()
        point(tmp_path, "CURRENT", tmp_path / name)
        assert current(tmp_path) == tmp_path / name
    assert not (tmp_path / ".CURRENT.tmp").exists()


def test_a_pointer_that_moves_on_between_reading_and_looking_is_read_again(tmp_path, monkeypatch):
    (tmp_path / "gen-000001").mkdir()
    (tmp_path / "gen-000002").mkdir()
    point(tmp_path, "CURRENT", tmp_path / "gen-000001")
    read_text = Path.read_text

    def overtaken(path, encoding):
        said = read_text(path, encoding=encoding)
        if (tmp_path / "gen-000001").is_dir():  # what a build does in just that moment
            point(tmp_path, "CURRENT", tmp_path / "gen-000002")
            (tmp_path / "gen-000001").rmdir()
        return said

    monkeypatch.setattr(Path, "read_text", overtaken)
    assert current(tmp_path) == tmp_path / "gen-000002"
    (tmp_path / "gen-000002").rmdir()
    with pytest.raises(StoreError, match="names 'gen-000002', which is not there; restore the file"):
        current(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "CURRENT"
    write_bytes(path, b"old")
    with pytest.raises(TypeError):
        write_bytes(path, "not bytes")  # type: ignore[arg-type]  # fails inside the write
    assert path.read_bytes() == b"old"
