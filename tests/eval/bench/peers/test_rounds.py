"""Rounds with real processes that speak the protocol."""

import sys
from pathlib import Path

import pytest

from eval.bench.peers import inputs
from eval.bench.peers.competitors import OURS, Entry
from eval.bench.peers.process import REPOSITORY, Failed, Process, anonymous, disk, worked
from eval.bench.peers.rounds import GIVEN, LIVE, Plan, indexing, searching

TALKER = [str(Path(__file__).with_name("talker.py"))]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    inputs.write(folder, 40, "/weights", REPOSITORY)
    return folder


def plan(given, folder, *entries, rounds=2):
    said = []
    return Plan(entries, given, folder, sys.executable, rounds, said.append, lambda module: TALKER), said


OWN = Entry(OURS, "own", "", "ours", "disk")
OTHER = Entry("other", "langchain", "", options={"first": 5})
DEAD = Entry("dead", "haystack", "", options={"dies": True})
ENCODER = Entry("encoder alone", "encoder", "", "part", "nothing")


def test_indexing_rounds_take_turns_and_a_failure_is_said(given, tmp_path):
    what, said = plan(given, tmp_path, OWN, OTHER, DEAD)
    body = indexing(what, embed=True)
    assert [line.split(": ")[1].split(" ")[0] for line in said if line.startswith("round")] == [OURS, "other", OURS, "other"]
    assert body["failed"] == {"dead": "it ended (3): the disk is full"}
    rows = {r["name"]: r for r in body["rows"]}
    assert list(rows) == [OURS, "other"]
    assert rows["other"]["chunks"] == 40
    assert rows["other"]["disk_mb"] == 0.0  # 8,192 bytes
    assert rows["other"]["parts"] == [{"live": 1.0}, {"live": 1.0}]
    assert len(rows["other"]["rounds"]) == 2
    assert rows[OURS]["ratio"]["median"] == 1.0
    assert list(rows[OURS]["packages"]) == ["numpy"]
    assert not list((tmp_path / "round-0").glob("*"))


def test_our_own_failure_ends_the_run(given, tmp_path):
    broken = Entry(OURS, "own", "", "ours", "disk", {"dies": True})
    with pytest.raises(Failed, match="spanwise: it ended"):
        indexing(plan(given, tmp_path, broken)[0], embed=False)


def test_searches_are_timed_in_both_modes_and_compared(given, tmp_path):
    """The other one finds passages 5 to 14 where ours finds 0 to 9: half of each ten. The encoder alone searches nothing that is given."""
    what, _ = plan(given, tmp_path, OWN, OTHER, DEAD, ENCODER)
    body = searching(what, 3, 200)
    rows = {(r["name"], r["mode"]): r for r in body["rows"]}
    assert set(rows) == {(OURS, GIVEN), (OURS, LIVE), ("other", GIVEN), ("other", LIVE), ("encoder alone", LIVE)}
    assert rows["other", GIVEN]["overlap"] == 0.5
    assert rows[OURS, GIVEN]["overlap"] == 1.0
    assert len(rows["other", GIVEN]["rounds"]) == 2
    assert body["failed"] == {"dead": "it ended (3): the disk is full"}


def test_memory_and_time_of_a_process_are_seen(tmp_path):
    """A child that holds 40 MB and counts is added to its parent."""
    child = "b = bytearray(40_000_000)\nfor _ in range(3_000_000): pass\nprint('{}', flush=True); input()"
    parent = f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE); input(); input(); c.communicate(b'x')"
    with Process(sys.executable, ["-c", parent], tmp_path) as process:
        answer = process.order("anything")
        assert answer["memory"]["after"] > 38
        assert worked(process._process.pid) > 0
        process._process.stdin.write(b"end\n")
    assert anonymous(process._process.pid) == 0.0


def test_disk_counts_blocks(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 1_000_000)
    assert 0.9 < disk(tmp_path) < 1.2
