"""A run as tables: nothing that was measured is left out, and what nobody measured has no column."""

from eval.bench.measured import text
from eval.bench.peers.present import result

VALUE = {"median": 2.0, "low": 1.5, "high": 2.5}
ROW = {"name": "LangChain", "mode": "embedding excluded", "value": VALUE, "ratio": {"median": 50.0, "low": 49.0, "high": 51.0}, "rounds": [1.5, 2.0, 2.5]}
FACTS = {"memory_mb": VALUE, "disk_mb": 7.0, "cpu": [3.0, 2.5], "overlap": 0.4, "p95": [9.0, 8.0, 7.0], "packages": {"rank-bm25": "0.2.2"}}
BODY = {
    "machine": {"load": 0.1}, "work": "search", "command": "python -m eval.bench.peers search", "inputs": {"chunks": 20_000}, "unit": "milliseconds", "seconds": 3.0,
    "rows": [{**ROW, **FACTS, "chosen": "as documented"}, {**ROW, "name": "plain", "mode": "embedding included", "chosen": "its defaults"}],
    "failed": {"dead": "no disk"}, "limit": {"seconds": 1.0, "gigaflops": 99.0, "precision": "bfloat16"},
    "goals": [{"met": False, "what": "fast", "at": "least", "wanted": 60, "found": 50.0}],
}  # fmt: skip


def test_a_mode_has_a_table_and_goals_another():
    found = result(BODY)
    assert [t.title for t in found.tables] == ["embedding excluded", "embedding included", "Goals; the least favourable competitor decides"]
    assert found.tables[0].rows == (("LangChain", 2.0, "1.5 to 2.5", 3, 50.0, "49 to 51", 2.5, 8.0, 0.4, 2.0, 7.0),)
    assert found.tables[1].columns[6:] == ()
    assert found.tables[2].rows == (("fast", "at least 60", 50.0, "no"),)


def test_what_was_chosen_and_what_failed_is_said():
    shown = text(result(BODY))
    for part in ("LangChain: as documented", "plain: its defaults", "dead failed: no disk", "99.0 Gflop/s", "rank-bm25 0.2.2", "chunks 20,000"):
        assert part in shown
