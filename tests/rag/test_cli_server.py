"""The command line on an index on a server, over real HTTP on this machine: every command that works on a directory, or one line that says why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.index.server_options import KEY_VARIABLE

from .command import DOCUMENTS, Rag
from .index.server_wire import Wire

KEY = "sk-very-secret-key-0123456789"


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr("rag.index.server_call.BASE", 0.001)  # seconds between attempts
    made = Wire()
    yield made
    made.stop()


@pytest.fixture
def url(wire: Wire) -> str:
    return f"{wire.url}/name"


def hits(rag: Rag, url: str, query: str, *more: str) -> list[str]:
    return [h["doc_id"] for h in rag("search", query, "-i", url, "--json", *more).json["hits"]]


@pytest.mark.parametrize("config", ["bm25.yaml", "hybrid.yaml"])
def test_what_a_directory_answers_a_server_answers(rag: Rag, corpus: Path, url: str, config: str) -> None:
    for place in (url, "ix"):
        body = rag("index", "docs", "-c", config, "-i", place, "--json").json
        assert (body["added"], body["failed"], body["documents"]) == (5, [], 5)
    for query in ("prefix cache", "graph of neighbours", "Größe", "nothing like it"):
        one, two = (rag("search", query, "-i", place, "--json").json["hits"] for place in (url, "ix"))
        assert {h["doc_id"]: h["score"] for h in one} == pytest.approx({h["doc_id"]: h["score"] for h in two}, abs=1e-5)
        assert sorted((h["text"], h["start"], str(h["meta"])) for h in one) == sorted((h["text"], h["start"], str(h["meta"])) for h in two)
    if config == "bm25.yaml":
        one, two = (rag("ask", "What does a prefix cache keep?", "-i", place, "--json").json for place in (url, "ix"))
        assert [one[k] for k in ("answer", "context")] == [two[k] for k in ("answer", "context")]
        assert [(c["doc_id"], c["text"]) for c in one["citations"]] == [(c["doc_id"], c["text"]) for c in two["citations"]]
    found = rag("check", url, "--json").json
    assert (found["faults"], found["documents"], found["content"]) == ([], 5, rag("check", "ix", "--json").json["content"])


def test_an_index_is_brought_up_to_date_with_its_own_configuration(rag: Rag, corpus: Path, url: str) -> None:
    rag("index", "docs", "-c", "bm25.yaml", "-i", url)
    (corpus / "cache.md").write_text("# Caching\n\nWombats dig burrows.\n")
    (corpus / "chunk.md").unlink()
    body = rag("index", "docs", "-i", url, "--json").json
    assert [body[k] for k in ("added", "updated", "unchanged", "deleted")] == [0, 1, 3, 1]
    assert hits(rag, url, "wombats") == ["cache.md"]
    body = rag("index", "docs/deep", "-i", url, "--json").json  # below a known root: ids stay
    assert [body[k] for k in ("added", "unchanged", "deleted")] == [0, 1, 0]
    assert rag("check", url).out == "sound: 4 documents, 4 chunks, 8 points\n"


def test_filters_and_tenants_reach_the_server(rag: Rag, corpus: Path, url: str) -> None:
    rag("index", "docs", "-c", "bm25.yaml", "-i", url)
    assert hits(rag, url, "prefix cache rank", "--where", "team=red") == ["cache.md"]
    assert hits(rag, url, "prefix cache rank", "--where", "year >= 2025") == []
    done = rag("search", "prefix", "-i", url, "--where", "taem=red", "--json")
    assert json.loads(done.out)["unknown_fields"] == ["taem"]
    Path("tenants.yaml").write_text("chunk: {use: fixed, size: 64}\nretrieve: bm25\nindex: {tenant_key: team}\n")
    tenants = url.replace("/name", "/teams")
    body = rag("index", "docs", "-c", "tenants.yaml", "-i", tenants, "--json").json
    assert (body["added"], len(body["failed"])) == (2, 3)
    assert hits(rag, tenants, "the rank of a prefix", "--tenant", "blue") == ["deep/rank.md"]
    assert "name one with --tenant" in rag("search", "prefix", "-i", tenants).error
    assert "has no tenants" in rag("search", "prefix", "-i", url, "--tenant", "red").error


def test_another_model_is_refused_with_both_names(rag: Rag, corpus: Path, url: str) -> None:
    rag("index", "docs", "-c", "hybrid.yaml", "-i", url)
    Path("other.yaml").write_text("chunk: {use: fixed, size: 64}\nretrieve: {use: rrf, of: [bm25, dense]}\nmodels: {encoder: hashing-32}\n")
    for command in (("index", "docs"), ("search", "prefix")):
        error = rag(*command, "-c", "other.yaml", "-i", url).error
        assert "hashing-64" in error
        assert "hashing-32" in error
        assert "rag migrate" in error


def test_an_index_is_migrated_compared_swapped_and_dropped(rag: Rag, corpus: Path, url: str, wire: Wire) -> None:
    Path("q.jsonl").write_text(json.dumps({"id": "q", "text": "prefix cache", "evidence": [{"doc": "cache.md", "quote": "keeps the keys and values"}]}) + "\n")
    rag("index", "docs", "-c", "bm25.yaml", "-i", url)
    done = rag("migrate", url, "-c", "hybrid.yaml", "--questions", "q.jsonl")
    assert (done.code, "compared on 1 questions" in done.out, f"rag migrate {url} -c hybrid.yaml --swap" in done.out) == (0, True, True)
    assert rag("migrate", url, "--drop", "--json").json == {"dropped": True}
    assert {a.alias_name for a in wire.client.get_aliases().aliases} == {"name"}
    body = rag("migrate", url, "-c", "hybrid.yaml", "--swap", "--json").json
    assert (body["swapped"], len(body["live"]["spaces"]), len(body["next"]["spaces"])) == (True, 1, 2)
    assert rag("search", "prefix", "-i", url, "--json").json["trace"][0]["use"] == "rrf"
    assert len(wire.client.get_collections().collections) == 1


def test_a_rebuild_replaces_a_damaged_index_and_forgets_no_other_folder(rag: Rag, corpus: Path, url: str, wire: Wire) -> None:
    rag("index", "docs", "-c", "bm25.yaml", "-i", url)
    wire.client.delete("name", [p.id for p in wire.client.scroll("name", limit=100)[0] if p.payload["kind"] == "manifest"])
    assert "--rebuild" in rag("search", "prefix", "-i", url).error
    Path("more").mkdir()
    Path("more/new.md").write_text("Quokkas smile.\n")
    assert "name these paths as well" in rag("index", "more", "-c", "bm25.yaml", "-i", url, "--rebuild").error
    assert rag("index", "docs", "more", "-c", "bm25.yaml", "-i", url, "--rebuild", "--json").json["added"] == 6
    assert hits(rag, url, "quokkas") == ["new.md"]


def test_a_server_that_stops_half_way_is_one_line_and_the_next_run_completes(rag: Rag, corpus: Path, wire: Wire) -> None:
    url = f"{wire.url}/name?retries=1&timeout=5"
    Path("alone.yaml").write_text("chunk: {use: fixed, size: 8, overlap: 1}\nretrieve: bm25\n")
    assert rag("index", "docs", "-c", "alone.yaml", "-i", f"{wire.url}/whole").code == 0
    lasts = wire.asked
    for number in range(1, lasts, 4):
        wire.asked, wire.broken_after = 0, number
        error = rag("index", "docs", "-c", "alone.yaml", "-i", url).error
        assert wire.url in error
        assert "the server fails (503: it stopped)" in error
        wire.broken_after = None
        if (done := rag("search", "cache", "-i", url)).code:
            assert "there is no index; build one" in done.error
        assert rag("index", "docs", "-c", "alone.yaml", "-i", url, "--json").json["documents"] == 5
        assert rag("check", url, "--json").json["faults"] == []
        rag("migrate", url, "--drop")
        wire.client.delete_collection("name-000001" if wire.client.collection_exists("name-000001") else "name-000002")
        for c in wire.client.get_collections().collections:
            if c.name.startswith("name"):
                wire.client.delete_collection(c.name)


def test_a_server_that_is_not_there_is_one_line(rag: Rag, corpus: Path) -> None:
    url = "http://127.0.0.1:9/name?retries=0"
    for command in (
        ("index", "docs", "-c", "bm25.yaml", "-i", url),
        ("search", "x", "-i", url),
        ("ask", "x", "-i", url),
        ("check", url),
        ("migrate", url, "--drop"),
    ):
        error = rag(*command).error
        assert "http://127.0.0.1:9" in error
        assert "no connection" in error
        assert "start the server, or correct the URL" in error


def test_what_is_no_index_is_one_line(rag: Rag, corpus: Path, url: str, wire: Wire) -> None:
    assert f"there is no index; build one with `rag index PATH -c CONFIG -i {url}`" in rag("search", "x", "-i", url).error
    assert "there is no index yet whose configuration could be used; name one with -c CONFIG" in rag("index", "docs", "-i", url).error
    wire.client.create_collection("name", vectors_config={})
    for command in (("index", "docs", "-c", "bm25.yaml", "-i", url), ("search", "x", "-i", url), ("migrate", url, "-c", "bm25.yaml")):
        assert "was not made by `rag index`" in rag(*command).error
    assert wire.client.count("name").count == 0


def test_backup_and_restore_are_for_directories(rag: Rag, url: str) -> None:
    for command in (("backup", f"{url}?timeout=5", "b.tar.gz"), ("restore", "b.tar.gz", url)):
        error = rag(*command).error
        assert error.startswith(f"{url}: this works on a directory only; on a server use its own snapshots")
    assert not Path("b.tar.gz").exists()


def test_the_key_is_sent_and_never_shown(rag: Rag, corpus: Path, url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    wire.key = KEY
    shown = [rag("index", "docs", "-c", "bm25.yaml", "-i", url), rag("search", "cache", "-i", url, "--json"), rag("check", url)]
    assert [d.code for d in shown] == [0, 0, 0]
    wire.key = "another"
    for command in (("index", "docs", "-i", url), ("search", "cache", "-i", url), ("--debug", "search", "cache", "-i", url)):
        shown.append(rag(*command))
        assert shown[-1].code == 1
    assert f"401: wrong key ***); set {KEY_VARIABLE} to a key of this server" in shown[-2].error
    assert all(KEY not in d.out + d.err for d in shown)
    assert KEY not in "".join(str(p.payload) for p in wire.client.scroll("name", limit=100)[0])


def test_names_of_documents_are_those_of_the_folder(rag: Rag, corpus: Path, url: str) -> None:
    rag("index", "docs", "-c", "bm25.yaml", "-i", url)
    assert sorted(set(hits(rag, url, "cache chunks ranking indexes Größe sentence Satz"))) == sorted(DOCUMENTS)
