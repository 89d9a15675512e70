"""The memo: what was put in comes out, whoever writes at the same time, and no fault of the file is a traceback."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.memo import CAP, Memo, cache_dir


def _write(path: Path, worker: int) -> int:
    """Open the memo and write 50 values of the worker's own and 50 that all workers share."""
    memo = Memo(path)
    for i in range(50):
        memo.put_many({f"own-{worker}-{i}": bytes([worker]) * 2000, f"shared-{i}": b"same"})
        assert memo.get_many([f"own-{worker}-{i}"]) == {f"own-{worker}-{i}": bytes([worker]) * 2000}
    memo.close()
    return 0


def _age(path: Path, days: int, where: str) -> None:
    """Make entries look as if they had last been used `days` ago."""
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE memo SET used = used - ? WHERE key LIKE '{where}'", (days * 86400,))
    db.close()


@pytest.fixture(params=["file", "memory"])
def memo(request: pytest.FixtureRequest, tmp_path: Path) -> Memo:
    """Return an empty memo, once on disk and once in memory."""
    return Memo(tmp_path / "deep" / "memo.sqlite" if request.param == "file" else None)


def test_round_trip_of_bytes_beyond_one_statement(memo: Memo) -> None:
    values = {f"k{i}": bytes([i % 256]) * (i % 7) for i in range(1203)}
    memo.put_many(values)
    assert memo.get_many([*values, "absent"]) == values
    assert len(memo) == 1203
    assert memo.get_many([]) == {}
    memo.put_many({})
    memo.put_many({"k1": b"again"})
    assert memo.get_many(["k1", "k2"]) == {"k1": b"again", "k2": values["k2"]}


def test_values_outlive_the_process_that_wrote_them(tmp_path: Path) -> None:
    first = Memo(tmp_path / "m")
    first.put_many({"a": b"1"})
    first.close()
    assert Memo(tmp_path / "m").get_many(["a"]) == {"a": b"1"}


def test_json_is_computed_once_and_looks_the_same_computed_or_read(memo: Memo) -> None:
    calls = []

    def make() -> object:
        calls.append(1)
        return {"rows": [("id", 0.5), ("\ud800 \u00e9", None)], 1: "number"}

    first, second = memo.json("k", make), memo.json("k", make)
    assert first == second == {"rows": [["id", 0.5], ["\ud800 \u00e9", None]], "1": "number"}
    assert len(calls) == 1


@pytest.mark.parametrize("damage", [b"", b"[1, 2", b"\xff\xfe\xfd", b"nonsense"])
def test_a_damaged_entry_is_computed_again_and_repaired(memo: Memo, damage: bytes) -> None:
    memo.put_many({"k": damage})
    assert memo.json("k", lambda: [1, 2]) == [1, 2]
    assert memo.get_many(["k"]) == {"k": b"[1, 2]"}


def test_a_failing_computation_leaves_nothing_behind(memo: Memo) -> None:
    with pytest.raises(ZeroDivisionError):
        memo.json("k", lambda: 1 // 0)
    assert len(memo) == 0


def test_processes_may_create_and_write_one_memo_at_once(tmp_path: Path) -> None:
    path = tmp_path / "memo.sqlite"
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:  # raises, not hangs, when a child dies
        assert list(pool.map(_write, [path] * 4, range(4))) == [0] * 4
    memo = Memo(path)
    assert len(memo) == 4 * 50 + 50
    assert memo.get_many(["own-3-49", "shared-0"]) == {"own-3-49": b"\x03" * 2000, "shared-0": b"same"}


def test_threads_may_share_one_memo(memo: Memo) -> None:
    def work(i: int) -> bytes:
        memo.put_many({f"k{i}": b"%d" % i})
        return memo.get_many([f"k{i}"])[f"k{i}"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(200))) == [b"%d" % i for i in range(200)]


def test_an_interrupted_write_is_undone(memo: Memo) -> None:
    class Interrupting(dict[str, bytes]):
        def items(self):  # type: ignore[no-untyped-def]  # a mapping that is interrupted half way
            yield "a", b"1"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memo.put_many(Interrupting())
    assert len(memo) == 0
    memo.put_many({"b": b"2"})
    assert len(memo) == 1


def test_above_its_cap_the_least_recently_used_go_first(tmp_path: Path) -> None:
    path = tmp_path / "m"
    memo = Memo(path, cap=200_000)
    memo.put_many({f"read-{i}": bytes(1000) for i in range(60)})  # written first, and used last
    memo.put_many({f"old-{i}": bytes(1000) for i in range(60)})
    _age(path, 3, "%")
    memo.get_many([f"read-{i}" for i in range(60)])  # reading makes them recent
    memo.put_many({f"new-{i}": bytes(1000) for i in range(70)})
    assert memo.size() <= 200_000
    assert len(memo.get_many([f"new-{i}" for i in range(70)])) == 70
    assert len(memo.get_many([f"read-{i}" for i in range(60)])) == 60
    assert len(memo.get_many([f"old-{i}" for i in range(60)])) < 60


def test_the_file_stays_near_its_cap_however_much_is_written(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "m", cap=100_000)
    for i in range(40):
        memo.put_many({f"{i}-{j}": bytes(1000) for j in range(20)})
        assert memo.size() <= 100_000
    memo.close()
    assert (tmp_path / "m").stat().st_size < 200_000


def test_a_value_larger_than_the_cap_is_not_kept_and_nothing_breaks(memo: Memo) -> None:
    memo.cap = 50_000
    memo.put_many({"k": bytes(200_000)})
    assert memo.get_many(["k"]) == {}
    memo.put_many({"small": b"1"})
    assert memo.get_many(["small"]) == {"small": b"1"}


def test_clear_forgets_and_gives_the_space_back(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "m")
    memo.put_many({str(i): bytes(1000) for i in range(300)})
    full = memo.size()
    memo.clear()
    assert len(memo) == 0
    assert memo.size() < full / 10
    memo.close()
    assert (tmp_path / "m").stat().st_size < full / 10


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"the memo cannot be opened .*; set RAG_CACHE_DIR to a writable directory or delete the file"):
        Memo(tmp_path / "file" / "memo.sqlite")
    if os.getuid():  # root may write anywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(StoreError, match="the memo cannot be opened"):
            Memo(tmp_path / "closed" / "memo.sqlite")


@pytest.mark.parametrize("content", [b"this is no database, only a text that is long enough to be read\n" * 20, os.urandom(4096)])
def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "memo.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"the memo cannot be opened .*not a database.*delete the file"):
        Memo(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "m") as db:
        db.execute("CREATE TABLE memo (name TEXT)")
    db.close()
    memo = Memo(tmp_path / "m")
    with pytest.raises(StoreError, match=r"the memo cannot be read .*no such column"):
        memo.get_many(["k"])
    with pytest.raises(StoreError, match="the memo cannot be written"):
        memo.put_many({"k": b"v"})


def test_a_file_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "m")
    memo.put_many({f"{i:05}": os.urandom(500) for i in range(2000)})
    memo.close()
    data = bytearray((tmp_path / "m").read_bytes())
    data[4096 : len(data) // 2] = os.urandom(len(data) // 2 - 4096)
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(StoreError, match="the memo cannot be "):
        Memo(tmp_path / "m").get_many([f"{i:05}" for i in range(2000)])


def test_the_directory_is_the_named_one_else_that_of_the_desktop_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("RAG_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_dir() == Path("/somewhere/spanwise")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_dir() == Path("/home/me/.cache/spanwise")
    assert CAP == 4 * 2**30
