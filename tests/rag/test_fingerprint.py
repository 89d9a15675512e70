"""Content keys: equal stages have equal keys, and every difference that matters is a different key."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chunk.fixed import Fixed
from rag.fingerprint import canonical, key
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.stages import Refiner, SparseSpace, incidental

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Toy(Refiner):
    """A stage with an incidental field."""

    use: ClassVar[str] = "toy"
    size: int = 1
    batch: int = incidental(32)

    def refine(self, hits, query, reader):  # type: ignore[no-untyped-def]  # never called
        """Do nothing."""
        raise AssertionError


@dataclass(frozen=True)
class Newer(Toy):
    """The same stage after its output changed."""

    version: ClassVar[int] = 2


def test_the_key_is_the_documented_digest_of_the_documented_form() -> None:
    assert canonical(Toy(size=3)) == {"use": "toy", "version": 1, "size": 3}
    text = b'["embed", {"size": 3, "use": "toy", "version": 1}]'
    assert key("embed", Toy(size=3)) == hashlib.blake2b(text, digest_size=16).hexdigest()


def test_defaults_are_part_of_the_key() -> None:
    assert canonical(Fixed()) == {"use": "fixed", "version": 1, "size": 200, "overlap": 0, "unit": "tokens", "tokenizer": "all-MiniLM-L6-v2"}
    assert key(Fixed()) == key(Fixed(size=200))
    assert key(Fixed()) != key(Fixed(size=201))


def test_incidental_fields_are_not() -> None:
    assert key(Toy(batch=1)) == key(Toy(batch=64))
    assert Toy(batch=1) != Toy(batch=64)


def test_a_new_version_is_a_new_key() -> None:
    assert key(Toy()) != key(Newer())


def test_nested_stages_count_with_everything_below_them() -> None:
    keys = {key(Rrf(of=of)) for of in [(Bm25(),), (Dense(),), (Bm25(), Dense()), (Dense(), Bm25()), (Bm25(b=0.5), Dense()), (Rrf(of=(Bm25(),)),)]}
    assert len(keys) == 6


def test_the_order_of_keys_of_a_mapping_does_not_count() -> None:
    assert key({"a": 1, "b": [1, 2]}) == key({"b": (1, 2), "a": 1})
    assert key({"a": [1, 2]}) != key({"a": [2, 1]})


def test_values_of_other_types_are_other_values() -> None:
    values = [1, 1.0, True, "1", None, "None", [1], [[1]], {"1": 1}, "", 0, False, 0.0, [], {}, SparseSpace("english", 1.0, 1.0)]
    for a, b in combinations(values, 2):
        assert key("x", a) != key("x", b), (a, b)


def test_parts_do_not_run_together() -> None:
    assert len({key("ab", "c"), key("a", "bc"), key("abc"), key("ab", "c", ""), key(["ab", "c"])}) == 5


@given(st.integers(1, 9), st.sampled_from([0, 1, 0.0, -0.0, 1.0, 0.5]))
def test_equal_stages_have_equal_keys_however_they_were_written(k1: int, b: float) -> None:
    assert Bm25(k1=k1, b=b) == Bm25(k1=float(k1), b=float(b))
    assert key(Bm25(k1=k1, b=b)) == key(Bm25(k1=float(k1), b=abs(float(b))))


def test_lists_and_tuples_of_stages_and_weights_are_one_value() -> None:
    written = Rrf(of=[Bm25(), Dense()], weights=[1, 2])  # type: ignore[arg-type]  # that is what is tested
    assert written == Rrf(of=(Bm25(), Dense()), weights=(1.0, 2.0))
    assert hash(written) == hash(Rrf(of=(Bm25(), Dense()), weights=(1.0, 2.0)))
    assert key(written) == key(Rrf(of=(Bm25(), Dense()), weights=(1.0, 2.0)))


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), min_size=2, max_size=2))
def test_keys_agree_with_equality(pair: list[tuple[int, int]]) -> None:
    a, b = (Fixed(size=10 * s, overlap=o) for s, o in pair)
    assert (key(a) == key(b)) == (a == b)


def test_any_text_has_a_key() -> None:
    assert key("\ud800") != key("?")
    assert key("\u00e9") != key("e\u0301")


def test_an_enum_counts_as_its_value() -> None:
    class Colour(Enum):
        RED = "red"

    assert key(Colour.RED) == key("red")


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", Path("x"), Toy])
def test_what_has_no_obvious_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no canonical form for"):
        key(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        key(value)


def test_keys_are_the_same_in_every_process() -> None:
    code = "from rag.config import load; from rag.fingerprint import key; p = load('configs/hybrid_parents.yaml'); print(p.chunk_key, key(p))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
