"""The command line on an index with tenants: one must be named, and nothing of the others is printed, noted or written to the audit log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command import Done, Rag
from .tenants import betrayed

CONFIG = "chunk: {use: fixed, size: 32}\nretrieve: {use: rrf, of: [bm25, dense, rank_bm25]}\nrefine: [mmr]\nmodels: {encoder: hashing-64}\nindex: {tenant_key: team}\n"
SECRETS = {"yakc", "yakd", "yake", "gnufield", "vault"}
QUERIES = ("shared common yaka", "zebra apple", "yakb", "")


@pytest.fixture
def shared(rag: Rag, tmp_path: Path) -> str:
    """Return an index of the documents of two tenants; beta's hold the secrets in ids, texts and metadata."""
    for team, folder, words, more in (("alpha", "open", "zebra apple", ""), ("beta", "vault", "yakc yakd banana", "gnufield: yake\n")):
        (tmp_path / "docs" / folder).mkdir(parents=True)
        for n in range(3):
            (tmp_path / "docs" / folder / f"{n}.md").write_text(f"---\nteam: {team}\n{more}---\n# Shared\n\nShared common {words} number {n} grows here.\n")
    (tmp_path / "team.yaml").write_text(CONFIG)
    assert rag("index", "docs", "-c", "team.yaml", "-i", "ix").code == 0
    return "ix"


def asked(rag: Rag, command: str, query: str, *more: str) -> Done:
    return rag(command, query, "-i", "ix", *more)


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_of_another_tenant_is_printed_noted_or_logged(rag: Rag, shared: str, tmp_path: Path, monkeypatch, command: str, as_json: bool) -> None:
    monkeypatch.setenv("RAG_AUDIT_LOG", str(tmp_path / "audit"))
    seen = []
    for query in QUERIES:
        for where in ([], ["--where", "exists gnufeild or team = beta"], ["--where", "@doc in (vualt/0.md)"]):
            done = asked(rag, command, query, "--tenant", "alpha", *where, *(["--json"] if as_json else []))
            assert done.code == 0
            seen.append((done.out, done.err))
    log = (tmp_path / "audit").read_text()
    assert betrayed([seen, log], SECRETS) == set()
    assert "zebra" in json.dumps(seen)
    assert {json.loads(line)["tenant"] for line in log.splitlines()} == {"alpha"}


def test_the_secrets_are_there_to_be_printed(rag: Rag, shared: str) -> None:
    seen = [asked(rag, "search", q, "--tenant", "beta", "--where", "exists gnufeild or exists team", "--json") for q in QUERIES]
    assert betrayed([(d.out, d.err) for d in seen], SECRETS) == SECRETS


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize("tenant", [[], ["--tenant", ""], ["--tenant", "  "], ["--tenant", "\u3000"], ["--tenant", "alpha\udcff"]])
def test_without_a_tenant_it_is_one_line_that_says_how(rag: Rag, shared: str, command: str, tenant: list[str]) -> None:
    done = asked(rag, command, "shared", *tenant, "--json")
    assert done.code == 1
    assert "name one with --tenant" in done.error or "name another" in done.error


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize("tenant", ["alpha", ""])
def test_a_tenant_on_an_index_without_any_is_one_line(rag: Rag, bm25: str, command: str, tenant: str) -> None:
    done = asked(rag, command, "shared", "--tenant", tenant)
    assert done.code == 1
    assert "has no tenants; leave the tenant out" in done.error


def test_an_unknown_tenant_looks_like_one_without_documents(rag: Rag, shared: str) -> None:
    for name in ("gamma", "Alpha", "alpha ", "../beta", "*"):
        body = asked(rag, "search", "shared common", "--tenant", name, "--json").json
        assert body["hits"] == []
