"""What the commands that keep an index promise: their JSON, exit codes and one-line errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .command import Rag, counts

INDEX_KEYS = {
    "added", "updated", "unchanged", "deleted", "spared", "failed", "chunks", "documents", "seconds", "gap_characters", "over_limit", "duplicates", "ignored",
    "notes",
}  # fmt: skip


def test_json_of_index_has_the_keys_of_the_contract(rag: Rag, corpus: Path) -> None:
    body = rag("index", "docs", "-c", "bm25.yaml", "-i", "ix", "--json").json
    assert set(body) == INDEX_KEYS
    assert counts(body) == (5, 0, 0, 0)
    assert body["failed"] == []
    assert body["documents"] == 5


def test_a_document_that_fails_is_no_failure_but_with_strict(rag: Rag, corpus: Path) -> None:
    (corpus / "bad.md").write_bytes(b"\x00\x01\x02")
    done = rag("index", "docs", "-c", "bm25.yaml", "-i", "ix", "--json")
    assert [f["doc_id"] for f in done.json["failed"]] == ["bad.md"]
    strict = rag("index", "docs", "-i", "ix", "--strict", "--json")
    assert strict.code == 1
    assert [f["doc_id"] for f in json.loads(strict.out)["failed"]] == ["bad.md"]
    assert strict.err == ""
    (corpus / "bad.md").unlink()
    assert rag("index", "docs", "-i", "ix", "--strict").code == 0


def test_the_configuration_of_the_index_is_the_default(rag: Rag, corpus: Path) -> None:
    assert "there is no index yet whose configuration could be used; name one with -c CONFIG" in rag("index", "docs", "-i", "ix").error
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "ix").code == 0
    (corpus / "new.md").write_text("A new document.")
    assert counts(rag("index", "docs", "-i", "ix", "--json").json) == (1, 0, 5, 0)


def test_a_folder_that_lost_most_of_its_files_is_not_followed_unasked(rag: Rag, bm25: str, corpus: Path) -> None:
    for name in ("cache.md", "chunk.md"):
        (corpus / name).unlink()
    line = rag("index", "docs", "-i", bm25).error
    assert "2 of 5 documents are no longer below the named paths, more than 20%" in line
    assert line.endswith("or add --allow-mass-delete")
    assert rag("search", "prefix cache", "-i", bm25, "--json").json["hits"][0]["doc_id"] == "cache.md"
    assert counts(rag("index", "docs", "-i", bm25, "--allow-mass-delete", "--json").json) == (0, 0, 3, 2)


def test_only_what_lies_below_the_named_path_is_deleted_and_ids_stay(rag: Rag, bm25: str, corpus: Path) -> None:
    (corpus / "deep" / "rank.md").unlink()
    (corpus / "chunk.md").unlink()
    (corpus / "deep" / "more.md").write_text("More on ranks.")
    body = rag("index", "docs/deep", "-i", bm25, "--json").json
    assert counts(body) == (1, 0, 0, 1)
    found = {h["doc_id"] for h in rag("search", "rank more chunks cache", "-i", bm25, "--json").json["hits"]}
    assert {"deep/more.md", "chunk.md"} <= found
    assert "deep/rank.md" not in found


def test_a_single_file_may_be_named(rag: Rag, bm25: str, corpus: Path) -> None:
    (corpus / "chunk.md").write_text("Entirely other words.")
    (corpus / "cache.md").unlink()
    body = rag("index", "docs/chunk.md", "-i", bm25, "--json").json
    assert counts(body)[1] == 1
    assert body["documents"] == 5


def test_a_rebuild_starts_from_nothing_and_refuses_to_lose_other_folders(rag: Rag, bm25: str, corpus: Path) -> None:
    assert counts(rag("index", "docs", "-i", bm25, "--rebuild", "--json").json) == (5, 0, 0, 0)
    (corpus.parent / "else").mkdir()
    (corpus.parent / "else" / "x.md").write_text("Something else.")
    assert counts(rag("index", "else", "-i", bm25, "--json").json) == (1, 0, 0, 0)
    line = rag("index", "docs", "-i", bm25, "--rebuild").error
    assert f"holds documents of {corpus.parent / 'else'} too, which a rebuild would lose; name these paths as well" in line
    assert counts(rag("index", "docs", "else", "-i", bm25, "--rebuild", "--json").json) == (6, 0, 0, 0)
    (corpus.parent / "else").rename(corpus.parent / "moved")  # the old place cannot be named any more
    moved = ["index", "docs", "moved", "-i", bm25, "--rebuild"]
    assert "or add --allow-mass-delete" in rag(*moved).error
    assert counts(rag(*moved, "--allow-mass-delete", "--json").json) == (6, 0, 0, 0)
    assert rag("search", "something else", "-i", bm25, "--json").json["hits"][0]["doc_id"] == "x.md"


def test_a_rebuild_may_change_the_chunker_and_a_build_may_not(rag: Rag, bm25: str, corpus: Path) -> None:
    (corpus.parent / "other.yaml").write_text("chunk: {use: fixed, size: 16}\nretrieve: {use: bm25, limit: 20}\n")
    assert "migrate" in rag("index", "docs", "-c", "other.yaml", "-i", bm25).error
    assert counts(rag("index", "docs", "-c", "other.yaml", "-i", bm25, "--rebuild", "--json").json) == (5, 0, 0, 0)


def damage(index: str) -> Path:
    found = next(p for p in sorted(Path(index).rglob("*.mappings")) if p.stat().st_size)
    found.write_bytes(found.read_bytes()[:-1])
    return found


def test_a_damaged_index_is_one_line_everywhere_and_a_rebuild_repairs_it(rag: Rag, bm25: str, corpus: Path) -> None:
    found = damage(bm25)
    for command in (("search", "x", "-i", bm25), ("ask", "x", "-i", bm25), ("check", bm25), ("index", "docs", "-i", bm25), ("backup", bm25, "b.tar.gz")):
        line = rag(*command).error
        assert found.name in line
        assert "--rebuild" in line
    assert not Path("b.tar.gz").exists()
    assert rag("index", "docs", "-i", bm25, "--rebuild").code == 0
    assert rag("check", bm25, "--json").json["faults"] == []


def test_check_counts_what_is_there(rag: Rag, index: str) -> None:
    body = rag("check", index, "--json").json
    assert set(body) == {"documents", "chunks", "points", "content", "faults"}
    assert (body["documents"], body["faults"]) == (5, [])
    assert rag("check", index).out.startswith("sound: 5 documents")


@pytest.mark.parametrize("command", [("check", "ix"), ("backup", "ix", "b.tar.gz"), ("search", "x", "-i", "ix"), ("migrate", "ix", "-c", "bm25.yaml")])
def test_where_there_is_no_index_this_is_said_and_none_is_made(rag: Rag, corpus: Path, command: tuple[str, ...]) -> None:
    assert "there is no index" in rag(*command).error
    assert not Path("ix").exists()


def test_a_backup_goes_out_and_comes_in(rag: Rag, index: str, corpus: Path) -> None:
    body = rag("backup", index, "b.tar.gz", "--json").json
    assert set(body) == {"file", "bytes", "documents", "chunks"}
    assert body["bytes"] == Path("b.tar.gz").stat().st_size
    assert "there is an index already" in rag("restore", "b.tar.gz", index).error
    assert rag("restore", "b.tar.gz", "new", "--json").json == {"index": "new", "documents": 5, "chunks": body["chunks"]}
    first, second = (rag("search", "prefix cache rank", "-i", i, "--json").json["hits"] for i in (index, "new"))
    assert first == second
    assert counts(rag("index", "docs", "-i", "new", "--json").json) == (0, 0, 5, 0)


def test_a_backup_that_is_not_there_or_is_none_is_one_line(rag: Rag, corpus: Path) -> None:
    assert "No such file" in rag("restore", "nothing.tar.gz", "new").error
    Path("x.tar.gz").write_text("no tar")
    assert "not a backup of an index, or damaged" in rag("restore", "x.tar.gz", "new").error
    assert "there is no index" in rag("check", "new").error


def test_a_damaged_index_is_brought_back_by_its_backup(rag: Rag, bm25: str, corpus: Path) -> None:
    rag("backup", bm25, "b.tar.gz")
    damage(bm25)
    shutil.rmtree(bm25)
    assert rag("restore", "b.tar.gz", bm25).code == 0
    assert rag("check", bm25).code == 0


def test_migrate_builds_beside_swaps_and_drops(rag: Rag, bm25: str, corpus: Path) -> None:
    body = rag("migrate", bm25, "-c", "hybrid.yaml", "--json").json
    assert set(body) >= {"live", "next", "built", "comparison", "swapped"}
    assert not body["swapped"]
    assert rag("migrate", bm25, "--drop", "--json").json == {"dropped": True}
    assert rag("migrate", bm25, "-c", "hybrid.yaml", "--swap", "--json").json["swapped"]
    assert rag("search", "prefix cache", "-i", bm25, "--json").json["hits"][0]["source"] == "rrf"
    assert len(list(Path(bm25).iterdir())) == 3
    assert rag("migrate", bm25).code == 2


def test_an_index_at_a_place_that_cannot_be_one_is_one_line(rag: Rag, corpus: Path) -> None:
    Path("file").write_text("x")
    assert "cannot be made a directory" in rag("index", "docs", "-c", "bm25.yaml", "-i", "file").error
    assert "nowhere" in rag("index", "nowhere", "-c", "bm25.yaml", "-i", "ix").error


def test_a_document_that_was_emptied_is_no_longer_found(rag, tmp_path):
    """It was read, and it says nothing: what it said before must not go on answering."""
    corpus = tmp_path / "c"
    corpus.mkdir()
    (corpus / "a.md").write_text("the secret word is xylophone")
    (corpus / "b.md").write_text("other words")
    config = tmp_path / "c.yaml"
    config.write_text("chunk: whole\nretrieve: bm25\n")
    assert rag("index", str(corpus), "-c", str(config), "-i", str(tmp_path / "ix")).code == 0
    (corpus / "a.md").write_text("  \n")
    found = rag("index", str(corpus), "-i", str(tmp_path / "ix"), "--json").json
    assert (found["deleted"], found["unchanged"], [f["doc_id"] for f in found["failed"]]) == (1, 1, ["a.md"])
    assert rag("search", "xylophone", "-i", str(tmp_path / "ix"), "--json").json["hits"] == []
