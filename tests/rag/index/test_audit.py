"""The log of reads: every read in it, whole lines from many processes, no text, and no answer without a record."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.audit import AuditLog, asking, from_environment
from rag.index.engine import Scope
from rag.index.reader import Reader
from rag.index.store import Index
from rag.types import Document, Span

QUESTION = "who keeps zebras?"


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()] if path.exists() else []


def everything(path: Path) -> list[dict]:
    """Return the records of all files, oldest first."""
    aside = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda p: -int(p.suffix[1:]))
    return [row for p in [*aside, path] for row in rows(p)]


def put(log: AuditLog, *ids: str) -> None:
    log.record("chunks", ids, tenant="t", generation="gen-000001")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def test_a_record_says_when_who_what_and_which_and_nothing_that_is_not_known(path):
    log = AuditLog(path)
    log.record("search", ["a", "b"], tenant=None, generation="gen-000007", scores=[1.5, 0.25], space="dense-x")
    with asking(QUESTION):
        log.record("text", ["a.md"], tenant="alpha", generation="gen-000007", span=(3, 9))
    one, two = rows(path)
    times = [datetime.fromisoformat(r.pop("time")) for r in (one, two)]
    assert all(t.utcoffset() == timedelta(0) and abs(datetime.now(UTC) - t) < timedelta(minutes=5) for t in times)
    assert one == {"tenant": None, "generation": "gen-000007", "read": "search", "ids": ["a", "b"], "scores": [1.5, 0.25], "space": "dense-x"}
    assert two == {"tenant": "alpha", "generation": "gen-000007", "read": "text", "ids": ["a.md"], "span": [3, 9], "query": log.hashed(QUESTION)}


def test_only_the_owner_may_read_log_and_key(path):
    put(AuditLog(path), "a")
    assert [p.stat().st_mode & 0o777 for p in (path, path.with_name("audit.jsonl.key"))] == [0o600, 0o600]


def test_ids_that_are_no_unicode_or_hold_line_ends_stay_on_one_line(path):
    put(AuditLog(path), "a\nb", "\u2028", "\udcff", "\u4eca")
    assert rows(path)[0]["ids"] == ["a\nb", "\u2028", "\udcff", "\u4eca"]


def test_the_same_question_has_the_same_hash_in_one_log_and_another_in_another(path):
    log = AuditLog(path)
    assert log.hashed(QUESTION) == AuditLog(path).hashed(QUESTION)
    assert log.hashed(QUESTION) != log.hashed(QUESTION + " ")
    assert log.hashed(QUESTION) != AuditLog(path.with_name("other")).hashed(QUESTION)
    key = bytes.fromhex(path.with_name("audit.jsonl.key").read_text(encoding="ascii"))
    assert log.hashed(QUESTION) == hashlib.blake2b(QUESTION.encode(), key=key, digest_size=16).hexdigest()
    assert len(key) == 32


def test_the_outermost_question_counts_and_threads_do_not_share_it(path):
    log = AuditLog(path)

    def ask(n: int) -> None:
        with asking(f"question {n}"):
            for _ in range(20):
                with asking("rewritten"):
                    put(log, str(n))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    put(log, "none")
    found = rows(path)
    assert all(r.get("query") == (None if r["ids"] == ["none"] else log.hashed(f"question {r['ids'][0]}")) for r in found)
    assert len(found) == 161


CHILD = """
import os, sys
from rag.index.audit import AuditLog
log = AuditLog(sys.argv[1], max_bytes=5000, keep=1000)
name = sys.argv[2]
if os.fork() == 0:
    name += "fork"
for n in range(150):
    log.record("chunks", [f"{name}-{n}"], tenant=None, generation="g")
if name.endswith("fork"):
    os._exit(0)
assert os.wait()[1] == 0
sys.stdout.write(log.hashed("q"))
"""


def child(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_share_log_and_key_and_lose_no_record_while_files_are_set_aside(path):
    """Eight writers, two of them sharing a log by fork, through some forty rotations."""
    children = [child(CHILD, path, f"p{n}") for n in range(4)]
    hashes = {c.communicate(timeout=120)[0] for c in children}
    assert [c.returncode for c in children] == [0] * 4
    assert hashes == {AuditLog(path).hashed("q")}
    found = [r["ids"][0] for r in everything(path)]
    for writer in (f"p{n}{f}" for n in range(4) for f in ("", "fork")):
        assert [i for i in found if i.split("-")[0] == writer] == [f"{writer}-{n}" for n in range(150)], "each once and in order"
    assert len(found) == 1200
    assert max(p.stat().st_size for p in path.parent.glob("audit.jsonl*")) <= 5000
    assert len(list(path.parent.glob("audit.jsonl.[0-9]*"))) > 20
    assert list(path.parent.glob(".*")) == []


def test_only_so_many_files_are_kept_and_a_long_record_is_written_all_the_same(path):
    log = AuditLog(path, max_bytes=200, keep=2)
    for n in range(6):
        put(log, f"{n}" * 150)
    assert [r["ids"][0][0] for r in everything(path)] == ["3", "4", "5"]
    assert sorted(p.name for p in path.parent.iterdir()) == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.key"]
    assert {p.stat().st_mode & 0o777 for p in path.parent.iterdir()} == {0o600}


def test_a_gap_in_the_numbers_is_filled_before_anything_is_deleted(path):
    log = AuditLog(path, max_bytes=1, keep=3)
    for n in range(4):
        put(log, str(n))
    path.with_name("audit.jsonl.2").unlink()  # holds record 1
    put(log, "4")
    assert [r["ids"] for r in everything(path)] == [["0"], ["2"], ["3"], ["4"]]


def test_a_line_that_a_crash_cut_short_does_not_spoil_the_next(path):
    log = AuditLog(path)
    put(log, "a")
    with path.open("a") as file:
        file.write('{"time": "20')
    put(log, "b")
    lines = path.read_text().splitlines()
    assert [json.loads(lines[n])["ids"] for n in (0, 2)] == [["a"], ["b"]]
    assert lines[1] == '{"time": "20'


FULL = """
import resource, sys
from rag.errors import StoreError
from rag.index.audit import AuditLog
log = AuditLog(sys.argv[1])
log.record("chunks", ["a"], tenant=None, generation="g")
resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
try:
    log.record("chunks", ["b" * 100], tenant=None, generation="g")
except StoreError as error:
    sys.stdout.write(str(error))
"""


def test_a_full_disk_is_an_error_and_leaves_whole_lines(path):
    """The limit lets the second line begin and not end."""
    said, wrong = child(FULL, path).communicate(timeout=60)
    assert "the audit log cannot be written (no space left), so nothing is read" in said, wrong
    assert [r["ids"] for r in rows(path)] == [["a"]]
    put(AuditLog(path), "c")
    assert [r["ids"] for r in rows(path)] == [["a"], ["c"]]


def test_a_link_a_folder_a_device_or_a_pipe_is_no_log(path, tmp_path):
    (tmp_path / "target").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for bad in (tmp_path / "link", tmp_path / "folder", tmp_path / "pipe", Path("/dev/full"), tmp_path / "none" / "log"):
        with pytest.raises(StoreError, match="the audit log cannot be written"):
            AuditLog(bad)
    assert (tmp_path / "target").read_text() == ""


def test_a_log_that_turns_into_a_link_later_is_refused(path, tmp_path):
    log = AuditLog(path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be written"):
        put(log, "a")
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_others_can_read_or_that_is_none_is_refused(path):
    key = path.with_name("audit.jsonl.key")
    AuditLog(path)
    key.chmod(0o640)
    with pytest.raises(StoreError, match="others may read the key"):
        AuditLog(path)
    key.chmod(0o600)
    for bad in ("", "abcd\n", "no hex", "\u00e9"):
        key.write_text(bad, encoding="utf-8")
        with pytest.raises(StoreError, match="holds no key of an audit log"):
            AuditLog(path)
    key.unlink()
    key.symlink_to(path)
    with pytest.raises(StoreError, match="the key of the audit log cannot be used"):
        AuditLog(path)


def test_bounds_below_one_are_refused(path):
    for bounds in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            AuditLog(path, *bounds)


def test_the_environment_switches_it_on(path, monkeypatch):
    monkeypatch.delenv("RAG_AUDIT_LOG", raising=False)
    assert from_environment() is None
    monkeypatch.setenv("RAG_AUDIT_LOG", "")
    assert from_environment() is None
    monkeypatch.setenv("RAG_AUDIT_LOG", str(path))
    assert from_environment().path == path


TENANTS = {"index": {"tenant_key": "team"}}
DOCUMENTS = [Document(f"{team}/{n}.md", f"canary zebra{n} apple", {"team": team}) for team in ("alpha", "beta") for n in range(3)]


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(DOCUMENTS, lab.pipeline({"use": "rrf", "of": ["bm25", "dense", "rank_bm25"]}, refine=["mmr"], **TENANTS)) as opened:
        yield opened


def audited(index, log: AuditLog) -> Reader:
    return Reader(index.engine, index.manifest, index.documents, index.runtime, Scope("alpha"), True, False, log, index.generation.name)


def test_every_method_that_hands_out_stored_data_records_it(index, path):
    reader = audited(index, AuditLog(path))
    ids = [c.id for c in reader.all_chunks()]
    span = Span("alpha/1.md", 2, 8)
    dense = next(s for s in index.pipeline.retrieve.spaces() if "Dense" in type(s).__name__)
    reader.chunks(ids[:2])
    reader.chunks(ids[:1])  # kept from before, and a read all the same
    reader.text(span)
    reader.vectors(dense, ids[1:])
    reader.document("alpha/0.md")
    found = [{k: v for k, v in r.items() if k not in ("time", "space")} for r in rows(path)]
    common = {"tenant": "alpha", "generation": index.generation.name}
    assert found == [
        {**common, "read": "scroll", "ids": ids},
        {**common, "read": "chunks", "ids": ids[:2]},
        {**common, "read": "chunks", "ids": ids[:1]},
        {**common, "read": "text", "ids": ["alpha/1.md"], "span": [2, 8]},
        {**common, "read": "vectors", "ids": ids[1:]},
        {**common, "read": "document", "ids": ["alpha/0.md"]},
    ]
    assert len(ids) == 3


@pytest.mark.parametrize("memo", [False, True])
def test_a_question_is_recorded_in_all_its_reads_from_the_memo_too(index, path, memo):
    """Three retrievers search, the refiner reads vectors, the hits are read, the packer reads titles: none without the hash."""
    log = AuditLog(path)
    with Index.open(index.path, index.runtime, memo, log) as opened:
        for _ in range(2):
            opened.reader(opened.pipeline, tenant="alpha").forget_chunks()
            opened.pipeline.ask(opened, QUESTION, tenant="alpha")
    found = rows(path)
    assert {r["generation"] for r in found} == {index.generation.name}
    half = [r["read"] for r in found if r["read"] != "scroll"]
    assert half[: len(half) // 2] == half[len(half) // 2 :]
    assert half.count("search") == 6
    assert {"vectors", "chunks", "document"} <= set(half)
    assert {r["query"] for r in found} == {log.hashed(QUESTION)}
    searches = [r for r in found if r["read"] == "search"]
    assert all(len(r["ids"]) == len(r["scores"]) for r in searches)
    assert sum("space" in r for r in searches) == 4  # rank_bm25 has no space
    whole = path.read_text()
    assert not any(word in whole for word in ("zebra", "canary", "apple", "beta/"))


@pytest.mark.parametrize("read", ["search", "chunks", "text", "vectors", "scroll", "document"])
def test_what_cannot_be_recorded_is_not_handed_out(index, path, read):
    log = AuditLog(path)
    reader = audited(index, log)
    ids = [c.id for c in reader.all_chunks()]
    dense = next(s for s in index.pipeline.retrieve.spaces() if "Dense" in type(s).__name__)
    path.unlink()
    path.mkdir()
    reads = {
        "search": lambda: reader.memoised(lambda: [("x", 1.0)]),
        "chunks": lambda: reader.chunks(ids),
        "text": lambda: reader.text(Span("alpha/1.md", 2, 8)),
        "vectors": lambda: reader.vectors(dense, ids),
        "scroll": lambda: next(reader.all_chunks()),
        "document": lambda: reader.document("alpha/0.md"),
    }
    with pytest.raises(StoreError, match="the audit log cannot be written"):
        reads[read]()
