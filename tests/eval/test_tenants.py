"""The count of leaks: none in a scoped index, every one in an index that forgets its scope, and never a pass on nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import eval.cli_gate  # noqa: F401  # registers the commands
from eval import run
from eval.app import app as commands
from eval.counts import read_counts
from eval.tenants import DEALT_NAME, app, count, owners
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError, StoreError
from rag.index.engine import Scope
from rag.index.store import Index
from rag.types import Document

CONFIG = "chunk: whole\nretrieve: bm25\nmodels: {encoder: hashing-16}\nanswer: {use: extractive, blend: 0}\n"
DOCS = 24


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty-four documents that share words, half of them of each tenant, and a question on each."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    rows = []
    for i in range(DOCS):
        team = ("alpha", "beta")[i % 2]
        (tmp_path / "docs" / f"d{i}.md").write_text(f"---\nteam: {team}\n---\nThe shared word of document {i} is wordnumber{i}.")
        rows.append({"id": f"q{i}", "text": f"What shared word is wordnumber{i}?", "evidence": [{"doc": f"d{i}.md", "quote": f"wordnumber{i}"}]})
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "plain.yaml").write_text(CONFIG)
    (tmp_path / "teams.yaml").write_text(CONFIG + "index: {tenant_key: team}\n")
    return tmp_path


def counted(config: str = "teams.yaml", **more):
    return count(Path(config), Path("docs"), Path("q.jsonl"), runtime=Runtime(show_progress=False), **more)


def test_every_question_is_asked_of_every_other_tenant_and_nothing_comes_back(task: Path) -> None:
    """Two tenants: one other for each question. Of four dealt ones: three. A question is one trial either way."""
    found = counted()
    assert (found.name, found.failures, found.trials, found.note) == ("tenant_leaks", 0, DOCS, f"{DOCS} searches, tenants: 2 of team")
    dealt = counted("plain.yaml")
    assert (dealt.name, dealt.failures, dealt.trials, dealt.note) == (DEALT_NAME, 0, DOCS, f"{3 * DOCS} searches, tenants: 4 dealt")
    assert (found.ran_on["tenants"], dealt.ran_on["tenants"]) == ("2 of team", "4 dealt")
    assert {k: v for k, v in found.ran_on.items() if k != "tenants"} == {k: v for k, v in dealt.ran_on.items() if k != "tenants"}


def test_an_index_that_forgets_its_scope_is_seen_in_every_question(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Index, "_scope", lambda self, tenant: Scope(None))
    found = counted()
    assert (found.failures, found.trials, found.failed[0]) == (DOCS, DOCS, "q0 under beta")
    dealt = counted("plain.yaml")
    assert (dealt.failures, dealt.trials, dealt.failed[0].count("tenant")) == (DOCS, DOCS, 3)


def test_a_reader_that_hands_out_a_foreign_text_by_its_place_is_seen(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches keep the scope, only reading by place does not."""
    from rag.index.reader import Reader

    monkeypatch.setattr(Reader, "text", lambda self, span: "anything")
    assert counted().failures == DOCS


def test_where_nothing_comes_back_at_all_there_is_no_count(task: Path) -> None:
    (task / "none.yaml").write_text(CONFIG.replace("retrieve: bm25", "retrieve: {use: filtered, over: bm25, where: lang = de}") + "index: {tenant_key: team}\n")
    with pytest.raises(StoreError, match="a leak could not have been seen"):
        counted("none.yaml")


def test_one_tenant_is_no_test() -> None:
    with pytest.raises(ConfigError, match="there are 1 tenants under 'team'"):
        owners([Document("a", "x", {"team": "alpha"}), Document("b", "x", {"team": "alpha"})], "team")
    with pytest.raises(ConfigError, match="there are 0 tenants"):
        owners([Document("a", "x")], "team")


def test_documents_are_dealt_the_same_way_every_time_and_to_all() -> None:
    documents = [Document(f"d{i}", "x") for i in range(200)]
    found = owners(documents, None, 4)
    assert set(found.values()) == {"tenant0", "tenant1", "tenant2", "tenant3"}
    assert found == owners(documents[::-1], None, 4)


def test_a_count_fits_the_run_of_the_same_configuration_and_no_other(task: Path) -> None:
    """From the command to the verdict of the gate."""
    plain, other = (
        parse(json.loads('{"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-16"}, "answer": {"use": "extractive", "blend": 0}}')),
        None,
    )
    other = replace(plain, pack=replace(plain.pack, tokens=50))
    run({"plain": plain, "other": other}, task / "docs", task / "q.jsonl", task / "run", metrics=("recall@1",), runtime=Runtime(show_progress=False))
    (task / "gate.yaml").write_text("metrics: [recall@1]\nzero: [dealt_tenant_leaks]\n")
    made = CliRunner().invoke(app, ["plain.yaml", "--corpus", "docs", "--questions", "q.jsonl", "--counts", "leaks.json"], catch_exceptions=False)
    assert made.exit_code == 0
    assert f"dealt_tenant_leaks: 0 of {DOCS} questions showed something foreign under another tenant ({3 * DOCS} searches, tenants: 4 dealt)" in made.stdout
    assert read_counts([task / "leaks.json"])[0].made_by.startswith("python -m eval.tenants, spanwise ")
    for name, code in (("plain", 0), ("other", 4)):
        CliRunner().invoke(commands, ["accept", "run", name, "--baseline", "base.json"], catch_exceptions=False)
        gate = ["gate", "run", name, "--baseline", "base.json", "--policy", "gate.yaml"]
        assert CliRunner().invoke(commands, [*gate, "--counts", "leaks.json"], catch_exceptions=False).exit_code == code
        assert CliRunner().invoke(commands, gate, catch_exceptions=False).exit_code == 4
