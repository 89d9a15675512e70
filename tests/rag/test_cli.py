"""The command `rag` on real files: what it prints, what it counts, and what it leaves on disk."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rag.index.files import digest_file, files
from rag.index.manifest import read_manifest, write_manifest

from .command import BM25, DOCUMENTS, Rag, counts

ROOT = Path(__file__).parents[2]


def _files(path: Path) -> dict[str, tuple[object, ...]]:
    """Return which file is where and what is in it; not its times, which the engine sets when it opens one."""
    return {n: (p.stat().st_ino, *digest_file(p)) for n, p in files(path).items() if p.name not in ("lock", "stamps.json")}


def test_index_reports_what_it_did_in_the_form_of_the_contract(rag: Rag, corpus: Path) -> None:
    body = rag("index", "docs", "-c", "bm25.yaml", "-i", "ix", "--json").json
    assert counts(body) == (5, 0, 0, 0)
    assert (body["failed"], body["documents"], body["chunks"], body["ignored"]) == ([], 5, 5, {})
    assert set(body["seconds"]) == {"read and chunk", "embed", "write", "optimize and seal"}
    assert all(s >= 0 for s in body["seconds"].values())


def test_a_second_call_finds_all_unchanged_and_writes_nothing(rag: Rag, index: str, tmp_path: Path) -> None:
    before = _files(tmp_path / index)
    assert counts(rag("index", "docs", "-c", _config(tmp_path), "-i", index, "--json").json) == (0, 0, 5, 0)
    assert _files(tmp_path / index) == before


def _config(tmp_path: Path) -> str:
    """Return the configuration the index was built with."""
    manifest = json.loads(next((tmp_path / "ix").glob("gen-*/manifest.json")).read_text())
    return "hybrid.yaml" if manifest["config"]["retrieve"]["use"] == "rrf" else "bm25.yaml"


def test_edited_added_and_deleted_files_are_counted_and_found(rag: Rag, index: str, corpus: Path, tmp_path: Path) -> None:
    (corpus / "cache.md").write_text("# Caching\n\nWombats dig burrows.\n")
    (corpus / "new.md").write_text("# New\n\nQuokkas smile.\n")
    (corpus / "chunk.md").unlink()
    body = rag("index", "docs", "-c", _config(tmp_path), "-i", index, "--json").json
    assert counts(body) == (1, 1, 3, 1)
    assert body["documents"] == 5
    assert rag("search", "wombats burrows", "-i", index, "--json").json["hits"][0]["doc_id"] == "cache.md"
    assert rag("search", "quokkas", "-i", index, "--json").json["hits"][0]["doc_id"] == "new.md"
    assert "chunk.md" not in {h["doc_id"] for h in rag("search", "small chunks precisely", "-i", index, "--json").json["hits"]}
    assert rag("check", index, "--json").json["faults"] == []


def test_search_prints_hits_that_are_cuts_of_their_documents(rag: Rag, index: str, corpus: Path) -> None:
    body = rag("search", "reciprocal rank fusion", "-i", index, "--json").json
    assert set(body) == {"query", "hits", "trace"}
    assert body["query"] == "reciprocal rank fusion"
    assert body["hits"][0]["doc_id"] == "deep/rank.md"
    assert [h["rank"] for h in body["hits"]] == list(range(1, len(body["hits"]) + 1))
    assert [h["score"] for h in body["hits"]] == sorted((h["score"] for h in body["hits"]), reverse=True)
    for hit in body["hits"]:
        assert set(hit) == {"rank", "doc_id", "start", "end", "score", "source", "text", "meta"}
        assert hit["text"] == DOCUMENTS[hit["doc_id"]][hit["start"] : hit["end"]]
    assert body["trace"][0]["stage"] == "retrieve"
    assert body["trace"][0]["ms"] >= 0


def test_ask_answers_with_citations_of_what_it_was_shown(rag: Rag, bm25: str) -> None:
    body = rag("ask", "What does a prefix cache keep?", "-i", bm25, "--json").json
    assert set(body) >= {"query", "answer", "abstained", "citations", "context", "hits", "trace"}
    assert body["abstained"] is False
    assert "A prefix cache keeps the keys and values of a shared prompt." in body["answer"]
    assert body["citations"][0]["doc_id"] == "cache.md"
    for cited in body["citations"]:
        assert cited["text"] == DOCUMENTS[cited["doc_id"]][cited["start"] : cited["end"]]
        assert cited["text"] in body["context"]
    assert [s["stage"] for s in body["trace"]] == ["retrieve", "pack", "answer"]


def test_ask_abstains_on_what_is_not_there(rag: Rag, bm25: str) -> None:
    body = rag("ask", "Who won the football championship?", "-i", bm25, "--json").json
    assert (body["abstained"], body["citations"]) == (True, [])
    assert body["answer"]


def test_without_json_it_is_readable_text(rag: Rag, bm25: str) -> None:
    found = rag("search", "reciprocal rank fusion", "-i", bm25)
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("1. deep/rank.md [19:107] bm25 ")
    asked = rag("ask", "What does a prefix cache keep?", "-i", bm25)
    assert asked.out.splitlines()[1].startswith("  cache.md [")
    again = rag("index", "docs", "-c", "bm25.yaml", "-i", bm25)
    assert again.out.startswith("0 added, 0 updated, 5 unchanged, 0 deleted, 0 failed; 5 documents, 5 chunks\n")
    assert rag("check", bm25).out == "sound: 5 documents, 5 chunks, 10 points\n"


def test_k_limits_what_is_printed_and_where_filters(rag: Rag, index: str) -> None:
    assert len(rag("search", "a the rank chunks cache", "-i", index, "-k", "1", "--json").json["hits"]) == 1
    for conditions, expected in [
        (["team=red"], {"cache.md"}),
        (["team = blue "], {"deep/rank.md"}),
        (["team=red", "year=2024"], {"cache.md"}),
        (["team=red", "year=2023"], set()),
        (["year >= 2024 and team != blue"], {"cache.md"}),
        (["not exists year", "@doc in (cache.md, deep/rank.md)"], {"deep/rank.md"}),
        (["@modified > 2000-01-01", "team in (blue, green)"], {"deep/rank.md"}),
        (["@modified > 2999-01-01"], set()),
    ]:
        arguments = [a for c in conditions for a in ("--where", c)]
        assert {h["doc_id"] for h in rag("search", "prefix cache rank fusion", "-i", index, *arguments, "--json").json["hits"]} == expected


def test_a_key_that_nothing_has_is_said_with_a_near_miss_and_listed(rag: Rag, index: str) -> None:
    for command in ("search", "ask"):
        done = rag(command, "prefix cache", "-i", index, "--where", "taem = red or yaer < 3", "--json")
        body = json.loads(done.out)
        assert (done.code, body["hits"], body["unknown_fields"]) == (0, [], ["taem", "yaer"])
        assert done.err == "note: no document here has 'taem', did you mean 'team'?; 'yaer', did you mean 'year'?\n"
        assert body["trace"][0]["unknown_fields"] == ["taem", "yaer"]
        assert body["trace"][0]["where"] == "taem = red or yaer < 3"
        assert "unknown_fields" not in rag(command, "prefix cache", "-i", index, "--where", "team = none", "--json").json


def test_citations_say_when_their_document_was_modified(rag: Rag, corpus: Path) -> None:
    os.utime(corpus / "cache.md", (1_767_312_000, 1_767_312_000.5))
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "ix").code == 0
    (cited,) = rag("ask", "What does a prefix cache keep?", "-i", "ix", "--json").json["citations"]
    assert (cited["doc_id"], cited["modified"]) == ("cache.md", "2026-01-02T00:00:00Z")
    assert cited["age_days"] > 300
    assert cited["indexed"] is None or cited["indexed"] > "2026-01-02T00:00:00Z"
    assert rag("ask", "What does a prefix cache keep?", "-i", "ix").out.splitlines()[1].endswith("] (modified 2026-01-02)")


def test_an_empty_folder_is_an_index_of_nothing(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for config in ("bm25.yaml", "hybrid.yaml"):
        body = rag("index", "empty", "-c", config, "-i", f"ix-{config}", "--json").json
        assert (counts(body), body["chunks"], body["failed"]) == ((0, 0, 0, 0), 0, [])
        assert rag("search", "cache", "-i", f"ix-{config}", "--json").json["hits"] == []
        assert rag("ask", "cache", "-i", f"ix-{config}", "--json").json["abstained"] is True
        assert rag("check", f"ix-{config}", "--json").json["faults"] == []
        assert counts(rag("index", "docs", "-c", config, "-i", f"ix-{config}", "--json").json) == (5, 0, 0, 0)


def test_another_configuration_on_the_same_index_is_refused_in_one_line(rag: Rag, bm25: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(BM25.replace("size: 64", "size: 32"))
    before = _files(tmp_path / bm25)
    for arguments in (["index", "docs", "-c", "other.yaml", "-i", bm25], ["index", "docs", "-c", "hybrid.yaml", "-i", bm25]):
        done = rag(*arguments)
        assert (done.code, "another directory" in done.error) == (1, True)
    assert _files(tmp_path / bm25) == before
    for config in ("other.yaml", "hybrid.yaml"):
        done = rag("search", "cache", "-i", bm25, "-c", config)
        assert (done.code, "another directory" in done.error) == (1, True)


def test_another_configuration_that_fits_the_index_may_search_it(rag: Rag, bm25: str, tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text(BM25.replace("limit: 20", "limit: 1"))
    assert len(rag("search", "chunks of the space", "-i", bm25, "--json").json["hits"]) > 1
    assert len(rag("search", "chunks of the space", "-i", bm25, "-c", "few.yaml", "--json").json["hits"]) == 1


def test_tenants_are_kept_apart(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "teams.yaml").write_text(BM25.replace("index: {", "index: {tenant_key: team, "))
    body = rag("index", "docs", "-c", "teams.yaml", "-i", "teams", "--json").json
    assert counts(body) == (2, 0, 0, 0)  # the three without a team are refused
    assert len(body["failed"]) == 3
    for tenant, expected in (("red", {"cache.md"}), ("blue", set()), ("nobody", set())):
        assert {h["doc_id"] for h in rag("search", "prefix cache", "-i", "teams", "--tenant", tenant, "--json").json["hits"]} == expected
    assert "name one with --tenant" in rag("search", "cache", "-i", "teams").error
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "plain").code == 0
    assert "has no tenants" in rag("search", "cache", "-i", "plain", "--tenant", "red").error


def test_check_finds_a_text_that_is_not_what_was_indexed(rag: Rag, bm25: str, tmp_path: Path) -> None:
    """The digest of a row is another and all files fit their manifest again: what is stored was wrong when it was sealed."""
    generation = next((tmp_path / bm25).glob("gen-*"))
    with closing(sqlite3.connect(generation / "documents.sqlite")) as table, table:
        table.execute("UPDATE documents SET digest = ? WHERE id = 'cache.md'", ["0" * 32])
    manifest = read_manifest(generation)
    write_manifest(generation, replace(manifest, files={n: digest_file(generation / n) for n in manifest.files}))
    done = rag("check", bm25, "--json")
    assert done.code == 1
    assert len(faults := json.loads(done.out)["faults"]) == 1
    assert faults[0].startswith("cache.md: the stored text is not the text that was indexed; ")


def test_stages_and_schema_print_json_and_text(rag: Rag) -> None:
    rows = rag("stages", "--json").json["stages"]
    assert {"kind": "chunk", "use": "whole"} in [{"kind": r["kind"], "use": r["use"]} for r in rows]
    text = rag("stages")
    assert "retrieve: rrf\n" in text.out
    assert "of: list of retrieve stages, k: number = 60.0" in text.out
    assert rag("schema", "--json").json == json.loads(rag("schema").out)


def test_memo_says_where_it_is_and_can_be_emptied(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    rag("index", "docs", "-c", "hybrid.yaml", "-i", "ix")
    body = rag("memo", "--json").json
    assert (body["path"], body["entries"] > 0, body["bytes"] > 0) == (str(tmp_path / "memo"), True, True)
    assert rag("memo", "--clear", "--json").json["entries"] == 0
    assert " 0 entries, " in rag("memo").out


def test_python_m_is_the_command_and_says_so(tmp_path: Path) -> None:
    for module, command in (("rag", "stages"), ("eval", "judges")):
        called = [sys.executable, "-m", module]
        shown = subprocess.run([*called, command, "--json"], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, check=True)
        assert json.loads(shown.stdout)
        wrong = subprocess.run(
            [*called, command, "--no"], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert wrong.stderr.startswith("error: ")
        assert f"see `python -m {module} {command} --help`" in wrong.stderr


def test_help_and_import_load_nothing_heavy() -> None:
    code = """
import sys
import rag
light = {'torch', 'transformers', 'sentence_transformers', 'numpy', 'qdrant_edge', 'yaml'} & set(sys.modules)
sys.argv = ['rag', '--help']
from rag.cli import app
from rag.shell import run
assert run(app) == 0
print(light, {'torch', 'transformers', 'sentence_transformers', 'qdrant_edge', 'numpy'} & set(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "set() set()\n")
