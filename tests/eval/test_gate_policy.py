"""What a policy says holds, and what it leaves out is as it ships."""

from __future__ import annotations

from eval.gate_policy import read_policy


def test_what_a_policy_leaves_out_is_as_it_ships(tmp_path):
    """So a policy of one line gates what the shipped one gates; an empty list of metrics asks for all of the baseline."""
    file, shipped = tmp_path / "gate.yaml", read_policy(None)
    file.write_text("zero: [tenant_leaks]\n")
    assert read_policy(file) == shipped.model_copy(update={"zero": {"tenant_leaks": 1.0}})
    assert shipped.metrics
    file.write_text("margins: {context_tokens: 100}\nmetrics: []\n")
    assert (read_policy(file).margins, read_policy(file).metrics) == ({"default": 0.05, "context_tokens": 100.0}, ())
    file.write_text("")
    assert read_policy(file) == shipped
