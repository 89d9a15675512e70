"""The command `rag` on what is wrong: one clear line or a defined empty result, never a traceback, never a raw control character."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .command import BM25, Rag, counts

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("query", ["", "   \n", "the of and", "🙂👍🏽", "?!…", "\x00\x1b[2J", "\x9b"])
def test_a_query_without_terms_is_a_defined_empty_result(rag: Rag, bm25: str, query: str) -> None:
    assert rag("search", query, "-i", bm25, "--json").json["hits"] == []
    assert rag("search", query, "-i", bm25).out == "nothing found\n"
    body = rag("ask", query, "-i", bm25, "--json").json
    assert (body["abstained"], body["citations"], body["context"]) == (True, [], "")
    assert body["why"]


@pytest.mark.parametrize(
    "query", ["", "the of", "🙂", "\udcff\udcfe", "\udcff cache", "cache \x1b[31m\x9b\u202e", "cache " * 170_000, "x" * 1_000_000, "文" * 300_000]
)
def test_any_query_is_answered(rag: Rag, index: str, query: str) -> None:
    for command in ("search", "ask"):
        json_ = rag(command, query, "-i", index, "--json")
        assert len(json_.json["hits"]) <= 20
        text = rag(command, query, "-i", index)
        assert (text.code, text.err) == (0, "")
        assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(json_.out + text.out)


def test_control_characters_of_a_document_never_reach_the_terminal_raw(rag: Rag, bm25: str) -> None:
    body = rag("search", "bell colour control", "-i", bm25, "--json")
    assert "\x1b[31m" in body.json["hits"][0]["text"]
    assert "\x9b" in body.json["hits"][0]["text"]
    for out in (body.out, rag("search", "bell colour control", "-i", bm25).out, rag("ask", "a bell and a colour", "-i", bm25).out):
        assert not {"\x1b", "\x9b", "\x07"} & set(out)


def test_bytes_that_are_no_text_come_in_by_the_real_command_line(bm25: str, tmp_path: Path) -> None:
    code = "import sys; from rag.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    call: list[str | bytes] = [sys.executable, "-c", code, "search", b"\xff\xfe gr\xc3\xb6\xc3\x9fe \xc3\xbcber", "-i", bm25, "--json"]
    done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode("utf-8"))["hits"][0]["doc_id"] == "odd name é.md"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "x", "-i", "none"], "none: there is no index; build one with `rag index PATH -c CONFIG -i none`"),
        (["ask", "x", "-i", "docs"], "docs: there is no index; build one with `rag index PATH -c CONFIG -i docs`"),
        (["check", "none"], "none: there is no index; build one with `rag index PATH -c CONFIG -i none`"),
        (["search", "x", "-i", "http://me:s@h/x"], "the URL of h holds credentials, which would end up in logs and reports; set QDRANT_API_KEY instead"),
        (["index", "docs", "-c", "bm25.yaml", "-i", "https://h/x?retries=many"], "https://h:6333/x: retries must be a whole number, got 'many'"),
        (["check", "http://h"], "http://h:6333: the URL must name one collection after the host: http(s)://HOST[:PORT]/COLLECTION[?option=value&...]"),
        (["migrate", "none", "--drop"], "none: there is no index that answers, so nothing is dropped; `rag check none` says what is wrong"),
        (["index", "docs", "-c", "no.yaml", "-i", "ix"], "no.yaml: cannot be read (No such file or directory); check the path"),
        (["search", "x", "-i", "ix", "-c", "docs"], "docs: cannot be read (Is a directory); check the path"),
    ],
)
def test_what_cannot_be_opened_is_one_line_and_code_1(rag: Rag, corpus: Path, arguments: list[str], said: str) -> None:
    done = rag(*arguments)
    assert (done.code, done.error) == (1, said)


def test_an_unknown_stage_names_file_path_and_near_miss(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("chunk: fixd\nretrieve: bm25\n")
    done = rag("index", "docs", "-c", "wrong.yaml", "-i", "ix")
    assert done.code == 1
    assert done.error.startswith("wrong.yaml: chunk: no chunk stage is called 'fixd', did you mean 'fixed'?; there are: contextual, fixed, ")
    assert not (tmp_path / "ix").exists()


def test_a_missing_corpus_or_an_index_path_that_is_a_file_is_one_line(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    done = rag("index", "nowhere", "-c", "bm25.yaml", "-i", "ix")
    assert (done.code, "nowhere: no such file or folder" in done.error) == (1, True)
    assert not (tmp_path / "ix").exists()
    done = rag("index", "docs", "-c", "bm25.yaml", "-i", "bm25.yaml")
    assert done.code == 1
    assert "bm25.yaml" in done.error
    assert (tmp_path / "bm25.yaml").read_text() == BM25


@pytest.mark.parametrize(
    "arguments",
    [
        ["-k", "0"],
        ["-k", "x"],
        ["--where", "team"],
        ["--where", "=red"],
        ["--where", ""],
        ["--where", "year >"],
        ["--where", "(" * 2000],
        ["--where", "a=1", "--where", "k < x"],
        ["--nope"],
        ["--where", "x" * 100_000],
    ],
)
def test_wrong_usage_is_one_line_and_code_2(rag: Rag, bm25: str, arguments: list[str]) -> None:
    done = rag("search", "cache", "-i", bm25, *arguments)
    assert done.code == 2
    assert len(done.error) < 2100


@pytest.mark.parametrize("arguments", [[], ["index"], ["search"], ["search", "x"], ["index", "docs", "-c", "bm25.yaml"], ["nothing"]])
def test_missing_arguments_are_wrong_usage(rag: Rag, corpus: Path, arguments: list[str]) -> None:
    done = rag(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback(rag: Rag, corpus: Path) -> None:
    done = rag("search", "x", "-i", "none", "--debug")
    assert done.code == 1
    assert done.err.startswith("Traceback (most recent call last):")
    assert done.err.splitlines()[-1].startswith("error: none: there is no index")


BAD = {
    "empty.md": (b"", "no text"),
    "blank.md": (b" \n\n\t\n", "no text"),
    "binary.md": (b"text\x00\x01\x02" * 50, "binary file"),
    "latin.md": ("Größe".encode("latin-1"), "not UTF-8 (byte 0xf6 at offset 2)"),
    "large.md": (b"word " * 4000, "is 0.1 MB, more than index.max_document_mb (0.01)"),
    "broken.pdf": (b"%PDF-1.4 nothing", ""),
}


def test_bad_files_are_counted_with_reasons_and_the_rest_is_indexed(rag: Rag, corpus: Path) -> None:
    for name, (data, _) in BAD.items():
        (corpus / name).write_bytes(data)
    (corpus / "picture.png").write_bytes(b"\x89PNG")
    body = rag("index", "docs", "-c", "bm25.yaml", "-i", "ix", "--json").json
    assert counts(body) == (5, 0, 0, 0)
    failed = {f["doc_id"]: f["reason"] for f in body["failed"]}
    assert set(failed) == set(BAD)
    for name, (_, reason) in BAD.items():
        assert reason in failed[name]
        assert failed[name]
    assert body["ignored"] == {".png": 1}
    assert rag("search", "reciprocal fusion", "-i", "ix", "--json").json["hits"][0]["doc_id"] == "deep/rank.md"
    text = rag("index", "docs", "-c", "bm25.yaml", "-i", "ix").out
    assert "5 unchanged, 0 deleted, 6 failed" in text
    assert "failed: binary.md: binary file" in text


def test_strict_makes_a_failed_document_code_1(rag: Rag, corpus: Path) -> None:
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "ix", "--strict").code == 0
    (corpus / "binary.md").write_bytes(b"\x00" * 9)
    done = rag("index", "docs", "-c", "bm25.yaml", "-i", "ix", "--strict", "--json")
    assert (done.code, done.err) == (1, "")
    assert [f["doc_id"] for f in json.loads(done.out)["failed"]] == ["binary.md"]
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "ix").code == 0


def test_a_limit_beyond_reason_is_no_crash(rag: Rag, bm25: str, tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(BM25.replace("limit: 20", "limit: 9007199254740991"))
    done = rag("search", "cache", "-i", bm25, "-c", "many.yaml")
    assert "Traceback" not in done.err
    assert "unexpected" not in done.err


@pytest.mark.parametrize(
    ("name", "content"),
    [("manifest.json", "{"), ("manifest.json", "[]"), ("manifest.json", None), ("documents.sqlite", "{}\n"), ("documents.sqlite", None), ("shard", None)],
)
def test_a_damaged_index_is_one_line(rag: Rag, bm25: str, tmp_path: Path, name: str, content: str | None) -> None:
    path = next((tmp_path / bm25).glob("gen-*")) / name
    if content is None:
        path.rename(path.with_name("gone"))
    else:
        path.write_text(content)
    for arguments in (["search", "cache", "-i", bm25], ["ask", "cache", "-i", bm25], ["check", bm25]):
        done = rag(*arguments)
        assert (done.code, "unexpected" in done.error) == (1, False)


def test_a_memo_that_is_none_is_one_line(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "memo").mkdir()
    (tmp_path / "memo" / "memo.sqlite").write_text("no database" * 100)
    for arguments in (["memo"], ["memo", "--clear"], ["index", "docs", "-c", "hybrid.yaml", "-i", "ix"]):
        done = rag(*arguments)
        assert done.code == 1
        assert "the memo cannot be opened (file is not a database)" in done.error


def test_a_model_that_is_not_there_is_one_line_and_leaves_no_index(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "far.yaml").write_text("chunk: whole\nretrieve: dense\nmodels: {encoder: nobody/no-such-model}\n")
    done = rag("index", "docs", "-c", "far.yaml", "-i", "ix")
    assert (done.code, "model 'nobody/no-such-model' cannot be found" in done.error) == (1, True)
    assert not list((tmp_path / "ix").glob("gen-*"))
