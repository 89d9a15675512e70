"""Token vectors: those of the model without special tokens, kept once in half precision, and MaxSim as a loop would compute it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.memo import Memo
from rag.models.encoder import SentenceTransformerEncoder, Vectors
from rag.models.hashing import HashingEncoder
from rag.models.token_vectors import maxsim, token_vectors
from rag.runtime import Runtime

from .conftest import POSITIONS

TEXTS = ["fox", "a fox, a dog", "", "dog " * 50, "文字 🙂"]


def reference(directory: Path, text: str) -> Vectors:
    """Return the last hidden states of the tokens between [CLS] and [SEP], one text at a time, unit rows."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    fast = AutoTokenizer.from_pretrained(directory)
    given = fast(text, truncation=True, max_length=POSITIONS, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(directory).eval()(**given).last_hidden_state[0, 1:-1].numpy()
    found: Vectors = states / np.linalg.norm(states, axis=1, keepdims=True)
    return found


def test_they_are_the_last_hidden_states_without_special_tokens(tiny: Path) -> None:
    found = SentenceTransformerEncoder(str(tiny), "float32").token_vectors(TEXTS)
    assert [len(rows) for rows in found] == [1, 5, 0, POSITIONS - 2, 3]  # fox | a fox , a dog | | cut | three unknown words
    for rows, text in zip(found, TEXTS, strict=True):
        assert rows.dtype == np.float32
        assert np.allclose(rows, reference(tiny, text).reshape(-1, 16), atol=1e-5)


def test_a_token_has_another_vector_in_another_context(tiny: Path) -> None:
    alone, in_context = SentenceTransformerEncoder(str(tiny), "float32").token_vectors(["fox", "dog dog fox"])
    assert not np.allclose(alone[0], in_context[2], atol=1e-2)


def test_no_texts_load_no_model(tiny: Path) -> None:
    encoder = SentenceTransformerEncoder(str(tiny), "float32")
    assert encoder.token_vectors([]) == []
    assert encoder._model is None


def test_vectors_that_are_not_numbers_are_told(tiny: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({k: v * float("nan") for k, v in weights.items()}, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="returned token vectors that are not one finite, non-zero row per token"):
        SentenceTransformerEncoder(str(other), "float32").token_vectors(["fox"])


def test_the_stand_in_gives_each_word_its_direction() -> None:
    encoder = HashingEncoder(8, max_tokens=3)
    found = encoder.token_vectors(["Fox dog, FOX bird", "?!"])
    assert [rows.shape for rows in found] == [(3, 8), (0, 8)]
    assert np.array_equal(found[0][0], found[0][2])
    assert np.allclose(found[0][:2], encoder.encode(["fox", "dog"]))


def test_each_distinct_text_is_encoded_once_ever_and_looks_the_same_when_remembered() -> None:
    memo = Memo()
    first, again = Runtime(memo, show_progress=False), Runtime(memo, show_progress=False)
    fresh = first.token_vectors("hashing-64", ["fox dog", "", "fox dog"])
    kept = again.token_vectors("hashing-64", ["", "fox dog"])
    assert (first.work.encodes, again.work.encodes) == (2, 0)
    assert np.array_equal(fresh[0], fresh[2])
    assert np.array_equal(fresh[0], kept[1])
    assert fresh[1].shape == kept[0].shape == (0, 64)
    assert np.allclose(fresh[0], HashingEncoder(64).encode(["fox", "dog"]), atol=1e-3)  # half precision
    assert again.token_vectors("hashing-32", ["fox"])[0].shape == (1, 32)


def test_many_texts_come_back_in_their_order() -> None:
    texts = [f"w{n} " * (n % 7 + 1) for n in range(150)]
    found = Runtime(Memo(), show_progress=False).token_vectors("hashing-64", texts)
    for text, rows in zip(texts, found, strict=True):
        assert np.allclose(rows, HashingEncoder(64).token_vectors([text])[0], atol=1e-3)


@pytest.mark.parametrize("damage", ["x''", "x'00'", "zeroblob(8 + 2 * 64 * 2)", "CAST(x'01000000' || value AS BLOB)"])
def test_a_damaged_entry_is_encoded_again(damage: str) -> None:
    runtime = Runtime(Memo(), show_progress=False)
    expected = runtime.token_vectors("hashing-64", ["fox dog"])
    runtime.memo._db.execute(f"UPDATE memo SET value = {damage}")
    found, fresh = token_vectors(runtime.encoder("hashing-64"), ["fox dog"], runtime.memo)
    assert fresh == 1
    assert np.array_equal(found[0], expected[0])


def test_maxsim_by_hand() -> None:
    """The first query token finds itself (1), the second at best .6: (1 + .6) / 2."""
    query = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert maxsim(query, np.array([[1, 0], [0.8, 0.6]], dtype=np.float32)) == pytest.approx(0.8)
    assert maxsim(query, query) == 1.0
    assert maxsim(query, np.empty((0, 2), np.float32)) == maxsim(np.empty((0, 2), np.float32), query) == 0.0
    assert maxsim(query[:1], -query[:1]) == -1.0


WORDS = st.lists(st.sampled_from("fox dog bird tree cat".split()), min_size=1, max_size=9).map(" ".join)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_maxsim_is_what_plain_loops_compute(query: str, passage: str) -> None:
    asked, told = HashingEncoder(8).token_vectors([query, passage])
    best = [max(sum(float(x) * float(y) for x, y in zip(a, b, strict=True)) for b in told) for a in asked]
    assert maxsim(asked, told) == pytest.approx(sum(best) / len(asked), abs=1e-6)
