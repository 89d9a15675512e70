"""The stand-in encoder: deterministic, unit rows, like words alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.models.hashing import HashingEncoder

ROOT = Path(__file__).parents[3]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.sampled_from([1, 8, 64]))
@settings(deadline=None)
def test_every_text_has_a_unit_row_of_the_named_dimension(texts: list[str], dimension: int) -> None:
    rows = HashingEncoder(dimension).encode(texts)
    assert rows.shape == (len(texts), dimension)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_text_is_its_set_of_lower_case_words() -> None:
    rows = HashingEncoder(64).encode(["The fox runs", "runs, THE fox fox", "the dog runs", "entirely other things"])
    assert np.array_equal(rows[0], rows[1])
    cosines = rows @ rows[0]
    assert cosines[0] > cosines[2] > cosines[3]


def test_only_the_first_words_are_read() -> None:
    encoder = HashingEncoder(64, max_tokens=3)
    a, b, c = encoder.encode(["zebra yak xerus ant", "zebra yak xerus bee", "zebra yak ant"])
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert encoder.counts(["zebra yak xerus ant", "", "one"]) == [4, 0, 1]


def test_no_texts_are_no_rows() -> None:
    assert HashingEncoder(8).encode([]).shape == (0, 8)


def test_rows_are_the_same_in_every_process() -> None:
    code = "from rag.models.hashing import HashingEncoder; print(HashingEncoder(8).encode(['the quick fox \\u00e9']).tobytes().hex())"
    environments = [{**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed} for seed in "12"]
    found = {subprocess.run([sys.executable, "-c", code], env=e, capture_output=True, text=True, check=True).stdout.strip() for e in environments}
    assert found == {HashingEncoder(8).encode(["the quick fox \u00e9"]).tobytes().hex()}


def test_identity_names_what_changes_a_row() -> None:
    assert HashingEncoder(8).identity != HashingEncoder(16).identity
    assert HashingEncoder(8).identity != HashingEncoder(8, max_tokens=9).identity
    assert HashingEncoder(8).identity == HashingEncoder(8).identity


def test_no_dimension_is_refused() -> None:
    with pytest.raises(ModelError, match="model 'hashing-0' has no dimension; write for example hashing-64"):
        HashingEncoder(0)
