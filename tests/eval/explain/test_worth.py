"""What parts are worth, on a corpus small enough to count by hand."""

from __future__ import annotations

import pytest

import eval.runner as runner
from eval.explain.text import worth_text
from eval.explain.worth import worth
from rag.errors import ConfigError, StoreError
from rag.runtime import Runtime

METRICS = ("span_recall", "context_tokens")


@pytest.fixture(scope="module")
def body(made):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_CACHE_DIR", str(made / "cache"))
        return worth(made / "run", "fusion", made / "docs", made / "q.jsonl", METRICS, "embedded", Runtime(show_progress=False))


def test_a_fusion_that_keeps_one_hit_loses_what_its_best_leg_alone_would_show(body):
    """Alone each leg shows the evidence of all 4 questions; fused, `second` is lost and half of `copy`."""
    assert [p["name"] for p in body["parts"]] == ["only bm25 1", "only bm25 2", "without budget"]
    row = body["parts"][0]["worth"]["span_recall"]
    assert (row["with"], row["without"], row["delta"], row["n"]) == (0.625, 1.0, -0.375, 4)
    assert body["fusion"]["delta"] == -0.375
    assert any("fusion against its best single leg" in n for n in body["notes"])


def test_a_budget_that_binds_nothing_is_worth_nothing_and_costs_no_tokens(body):
    rows = body["parts"][2]["worth"]
    assert {(rows[m]["delta"], rows[m]["low"], rows[m]["high"], rows[m]["p_adjusted"]) for m in ("span_recall", "context tokens")} == {(0, 0, 0, 1)}


def test_time_and_tokens_are_paired_by_question_and_models_that_are_not_asked_are_not_listed(body):
    rows = body["parts"][0]["worth"]
    assert list(rows) == ["span_recall", "context_tokens", "milliseconds", "context tokens"]
    ms = rows["milliseconds"]
    assert ms["n"] == 5
    assert ms["with"] - ms["without"] == pytest.approx(ms["delta"])
    assert ms["low"] <= ms["delta"] <= ms["high"]
    assert 0 < ms["p_adjusted"] <= 1
    assert rows["context tokens"]["delta"] < 0
    assert "only bm25 1 instead of rrf" in worth_text(body)


def test_nothing_to_leave_out_and_other_questions_are_refused(place, tmp_path):
    other = tmp_path / "q.jsonl"
    other.write_text((place / "q.jsonl").read_text().replace("What do herons eat?", "What do herons like?"))
    with pytest.raises(StoreError, match="these questions are not those that fusion was measured on"):
        worth(place / "run", "fusion", place / "docs", other, METRICS, "embedded", Runtime(show_progress=False))
    with pytest.raises(ConfigError, match="has no configuration"):
        worth(place / "run", "fushion", place / "docs", other, METRICS, "embedded", Runtime(show_progress=False))


def test_the_runs_time_a_sample_of_their_own_only_where_a_metric_reads_it(place, monkeypatch):
    """Milliseconds are taken in turn, and a chat model would be paid for both."""
    sizes: list[int | None] = []
    real = runner.measure

    def noted(pipeline, fresh, questions, wanted, track):
        sizes.append(wanted)
        return real(pipeline, fresh, questions, wanted, track)

    monkeypatch.setattr(runner, "measure", noted)
    for metrics, wanted in ((("span_recall",), 0), (("span_recall", "latency_ms"), None)):
        sizes.clear()
        found = worth(place / "run", "fusion", place / "docs", place / "q.jsonl", metrics, "embedded", Runtime(show_progress=False))
        assert set(sizes) == {wanted}
        assert found["parts"][0]["worth"]["milliseconds"]["n"] == 5
