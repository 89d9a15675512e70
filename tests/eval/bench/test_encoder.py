"""The benchmark of the encoder: inputs of the length they are called by, and figures that follow from seconds and operations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.bench.encoder import COLUMNS, LENGTHS, inputs, measure, read, row
from rag.errors import CorpusError
from rag.models.files import BUNDLED
from rag.models.tokenizer import Tokenizer


def test_inputs_have_the_tokens_they_are_called_by() -> None:
    counts = Tokenizer(BUNDLED).counts
    found = inputs(["a b c"])
    for n in LENGTHS:
        assert set(counts(found[f"{n} tokens"], special=True)) == {n}
        assert len(found[f"{n} tokens"]) * n == 16384
    assert found["mixed"] == ["a b c"]
    assert counts(found["one question"], special=True) == [12]
    assert counts(found["one question of 23 tokens"], special=True) == [23]


def test_texts_are_spread_over_their_source(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text("\n".join(json.dumps({"_id": str(i), "title": "t", "text": str(i)}) for i in range(10)))
    assert read(tmp_path, 3) == ["t 0", "t 3", "t 6"]
    assert len(read(None, 7)) == 7
    (tmp_path / "none.txt").write_text("\n")
    with pytest.raises(CorpusError, match="no texts"):
        read(tmp_path / "none.txt", 3)


def test_systems_take_turns_and_the_first_round_warms_up() -> None:
    called: list[str] = []
    found = measure({"a": lambda _: called.append("a"), "b": lambda _: called.append("b")}, ["x", "y"], 2)
    assert called == ["a", "b"] * 3
    assert {k: len(v) for k, v in found.items()} == {"a": 2, "b": 2}


def test_rates_ratio_and_share_are_worked_out() -> None:
    # one token of MiniLM: 6 layers of 2 * (4 * 384^2 + 2 * 384 * 1536) and of 4 * 384 operations, 21,242,880 together
    found = row("i", "s float32", [1, 1], [(1.0, 0.9), (0.5, 0.7), (0.25, 0.8)], [(1.0, 1.0)] * 3, {"float32": 0.16994304})
    assert found == ("i", "s float32", 4, 4.0, "250.000 (125.000 to 500.000)", 350.0, 2.0, "50%")
    assert len(found) == len(COLUMNS)
