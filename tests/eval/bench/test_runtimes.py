"""The other runtimes of the benchmark: the same tokens, padded, and where one is installed the vectors of this project's encoder."""

from __future__ import annotations

import numpy as np

from eval.bench.runtimes import Floats, Ids, _encode, others, padded
from rag.models.bert import read_bert
from rag.models.bert_torch import TorchBert
from rag.models.encoder import SentenceTransformerEncoder
from rag.models.files import BUNDLED, locate

TEXTS = ["the heart of a mouse", "", "water", "blood and water carry small parts " * 9]


def test_texts_are_padded_to_the_longest_and_masked() -> None:
    ids, mask = padded([[5, 6, 7], [8]])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_each_text_gets_its_own_vector_whatever_it_is_batched_with() -> None:
    """The part that calls a runtime is played by this project's own forward pass, which reads the tokens under the mask."""
    bert = read_bert(locate(BUNDLED), 256)
    assert bert is not None
    model = TorchBert(bert, "float32", "cpu")

    def run(ids: Ids, mask: Ids) -> Floats:
        return model.vectors([row[read == 1].tolist() for row, read in zip(ids, mask, strict=True)])

    encode = _encode(run, run, 2)
    assert np.allclose(encode(TEXTS), SentenceTransformerEncoder(BUNDLED, "float32").encode(TEXTS), atol=1e-5)
    assert encode(TEXTS[:1]).shape == (1, 384)


def test_a_runtime_that_is_installed_computes_the_same_model() -> None:
    wanted = SentenceTransformerEncoder(BUNDLED, "float32").encode(TEXTS)
    for name, encode in others(1).items():
        assert np.sum(encode(TEXTS) * wanted, axis=1).min() > 0.995, name
