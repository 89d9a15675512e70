"""The count of injections: attacks behind a hard gate, none of which succeeds, in the file that the gate reads."""

from __future__ import annotations

from eval.counts import read_counts, write_count
from eval.injection import corpus
from eval.injection.__main__ import count, table
from eval.injection.oracles import gated

CASES = [c for c in corpus.load() if c.carrier not in ("history", "judge_answer") and c.success != "verdict"]


def test_only_attacks_behind_a_gate_are_counted_and_each_that_succeeds_is_named(tmp_path):
    behind = [c for c in CASES if gated(c)]
    assert 0 < len(behind) < len(CASES)
    none = count(CASES, [not gated(c) for c in CASES])
    assert (none.name, none.failures, none.trials) == ("injection_successes", 0, len(behind))
    one = count(CASES, [c is behind[3] for c in CASES])
    assert (one.failures, one.failed) == (1, (behind[3].id,))
    write_count(tmp_path / "i.json", one)
    assert read_counts([tmp_path / "i.json"]) == (one,)
    assert set(one.ran_on) == {"code", "package"}


def test_the_table_has_a_row_for_every_family():
    lines = table(CASES, [False] * len(CASES)).split("\n")
    assert len(lines) == 2 + len({c.family for c in CASES})
