"""The forward pass without padding: what transformers and sentence-transformers compute, whatever a text is batched with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.models import bert_torch
from rag.models.bert import read_bert
from rag.models.bert_torch import TorchBert, batched, rounded, shared
from rag.models.encoder import SentenceTransformerEncoder
from rag.models.files import BUNDLED, locate

from .conftest import POSITIONS

Make = Callable[..., Path]
TEXTS = ["fox", "a fox, a dog", "", "dog " * 50, "文字 🙂", "dog fox", "?!", "the quick brown fox jumps"]
REAL = ["A cat sits on the mat.", "Interest rates rose by half a percent in the last quarter, the central bank said.", "", "文字 🙂", "statins " * 300]


def opened(directory: Path, precision: str = "float32") -> TorchBert:
    bert = read_bert(directory, POSITIONS)
    assert bert is not None
    return TorchBert(bert, precision, "cpu")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("family", ["Bert", "Roberta", "XLMRoberta"])
def test_vectors_are_those_of_sentence_transformers(embedder: Make, family: str, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    directory = embedder(family, pooling)
    wanted = SentenceTransformer(str(directory), device="cpu").encode(TEXTS)
    encoder = SentenceTransformerEncoder(str(directory), "float32")
    assert np.allclose(encoder.encode(TEXTS), wanted, atol=1e-5)
    assert encoder._model is None  # sentence-transformers was not asked
    coarse = SentenceTransformerEncoder(str(directory), "bfloat16").encode(TEXTS)
    assert np.sum(coarse * wanted, axis=1).min() > 0.995


def test_states_are_those_of_transformers_text_by_text(embedder: Make) -> None:
    import torch
    from transformers import BertModel

    directory = embedder()
    model = BertModel.from_pretrained(directory).eval()
    rows = [[2, 5, 3], [2, 3], [2, *range(5, 25), 3], [2, 9, 3]]
    for ids, found in zip(rows, opened(directory).states(rows), strict=True):
        with torch.inference_mode():
            wanted = model(torch.tensor([ids])).last_hidden_state[0].numpy()
        assert np.allclose(found, wanted, atol=1e-5)


def test_the_bundled_model_keeps_its_vectors_on_real_text() -> None:
    from sentence_transformers import SentenceTransformer

    wanted = SentenceTransformer(str(locate(BUNDLED)), device="cpu").encode(REAL, normalize_embeddings=True)
    assert np.sum(SentenceTransformerEncoder(BUNDLED, "float32").encode(REAL) * wanted, axis=1).min() > 0.999999
    assert np.sum(SentenceTransformerEncoder(BUNDLED, "bfloat16").encode(REAL) * wanted, axis=1).min() > 0.995


@pytest.fixture(scope="module")
def alone(embedder: Make) -> tuple[TorchBert, dict[tuple[int, ...], np.ndarray[tuple[int], np.dtype[np.float32]]]]:
    return opened(embedder()), {}


texts = st.lists(st.integers(5, 70), max_size=POSITIONS - 2).map(lambda inner: (2, *inner, 3))


@given(rows=st.lists(texts, min_size=1, max_size=12), budget=st.sampled_from([1, 20, 60, 1000]))
def test_the_vector_of_a_text_does_not_depend_on_its_batch(alone, rows: list[tuple[int, ...]], budget: int) -> None:  # type: ignore[no-untyped-def]  # a fixture
    model, known = alone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bert_torch, "BUDGET", budget)
        found = model.vectors(rows)
    for row, vector in zip(rows, found, strict=True):
        if row not in known:
            known[row] = model.vectors([row])[0]
        assert np.allclose(vector, known[row], atol=1e-6, rtol=1e-6)


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(1, 1000))
def test_batches_hold_each_text_once_longest_first_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = batched(lengths, budget)
    flat = [i for b in batches for i in b]
    assert sorted(flat) == list(range(len(lengths)))
    assert [lengths[i] for i in flat] == sorted(lengths, reverse=True)
    assert all(len(b) == 1 or sum(lengths[i] for i in b) <= budget for b in batches)


@given(st.integers(1, 100_000))
def test_rows_are_rounded_up_a_little_so_that_few_numbers_of_them_occur(tokens: int) -> None:
    assert tokens <= rounded(tokens) <= tokens + max(7, tokens // 16)
    assert rounded(rounded(tokens)) == rounded(tokens)


def test_the_rows_of_a_question_are_rounded_up_by_three_at_most() -> None:
    assert [rounded(n) for n in range(1, 41)] == [*(4 * (1 + n // 4) for n in range(32)), *[40] * 8]


def test_a_question_has_one_vector_however_many_cores_compute_it() -> None:
    """To a ten-millionth, where a text's own vectors by torch and by numpy are within a hundred-thousandth."""
    bert = read_bert(locate(BUNDLED), 256)
    assert bert is not None
    model = TorchBert(bert, "float32", "cpu")
    rows = [[101, *range(2000, 2000 + n), 102] for n in (1, 10, 21, 62)]
    for row in rows:
        found = []
        for way in (0, 1):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(model._workers._lone, "way", lambda way=way: way)
                found.append(model.vectors([row])[0])
        assert np.abs(found[0] - found[1]).max() < 1e-6


def test_batches_near_the_budget_have_few_numbers_of_rows() -> None:
    assert {rounded(n) for n in range(bert_torch.BUDGET - 256, bert_torch.BUDGET + 1)} == {3840, 3968, 4096}


def test_a_few_texts_are_shared_by_all_cores() -> None:
    """14 texts of 143 tokens on 2 cores: 7 each, which are 1001 tokens; 1001 and half a text are allowed. 80 make 11,440: two rounds of 2,860."""
    assert shared([143] * 14, 2) == 1001 + 71
    assert [len(b) for b in batched([143] * 14, shared([143] * 14, 2))] == [7, 7]
    assert [len(b) for b in batched([143] * 80, shared([143] * 80, 2))] == [20, 20, 20, 20]
    assert [len(b) for b in batched([12], shared([12], 2))] == [1]
    assert [len(b) for b in batched([30, 20, 20, 9], shared([30, 20, 20, 9], 2))] == [2, 2]
    assert shared([256] * 1000, 4) == bert_torch.BUDGET
    assert shared([], 2) == 0


@given(st.lists(st.integers(1, 300), min_size=1, max_size=200), st.integers(1, 8))
def test_no_core_has_much_more_to_do_than_another(lengths: list[int], cores: int) -> None:
    """Batches are taken as cores become free; the last to be done has at most a batch more than its share."""
    budget = shared(lengths, cores)
    assert budget <= bert_torch.BUDGET
    done = [0] * cores
    for batch in batched(lengths, budget):
        done[done.index(min(done))] += sum(lengths[i] for i in batch)
    assert max(done) <= sum(lengths) / cores + max(budget, *lengths)


def test_where_texts_are_padded_a_batch_counts_its_padding() -> None:
    """Budget 20: one text of 10 makes every other of its batch count 10; then three of 6 would be 18 and a fourth too many."""
    assert batched([10, 6, 6, 6, 6, 6], 20, padded=True) == [[0, 1], [2, 3, 4], [5]]
    assert batched([10, 6, 6, 6, 6, 6], 22) == [[0, 1, 2], [3, 4, 5]]
    assert batched([30, 5], 20, padded=True) == [[0], [1]]


def test_a_model_that_cannot_be_put_on_a_device_is_one_line(embedder: Make) -> None:
    bert = read_bert(embedder("Bert"), POSITIONS)
    assert bert is not None
    with pytest.raises(ModelError, match=r"cannot be loaded on nowhere .*RAG_DEVICE=cpu"):
        bert_torch.opened(bert, "float32", "nowhere", "small")
