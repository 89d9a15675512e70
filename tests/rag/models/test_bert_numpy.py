"""The forward pass in numpy: within 1e-5 of torch in float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rag.models.bert import read_bert
from rag.models.bert_numpy import gelu, states, vector
from rag.models.bert_torch import TorchBert
from rag.models.files import BUNDLED, locate

from .conftest import POSITIONS

ROWS = [[2, 3], [2, 5, 3], [2, *range(5, 25), 3], [2, 1, 9, 3]]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("family", ["Bert", "Roberta"])
def test_it_computes_what_torch_computes(embedder: Callable[..., Path], family: str, pooling: str) -> None:
    bert = read_bert(embedder(family, pooling), POSITIONS)
    assert bert is not None
    model = TorchBert(bert, "float32", "cpu")
    for row, whole, pooled in zip(ROWS, model.states(ROWS), model.vectors(ROWS), strict=True):
        assert np.allclose(states(bert, row), whole, atol=1e-5)
        assert np.allclose(vector(bert, row), pooled, atol=1e-5)
        assert vector(bert, row).dtype == np.float32


def test_unit_vectors_of_the_bundled_model_agree_to_a_hundred_thousandth() -> None:
    bert = read_bert(locate(BUNDLED), 256)
    assert bert is not None
    rows = [[101, 102], [101, *range(2000, 2062), 102]]
    wanted = TorchBert(bert, "float32", "cpu").vectors(rows)
    for row, other in zip(rows, wanted, strict=True):
        found = vector(bert, row)
        assert np.abs(found / np.linalg.norm(found) - other / np.linalg.norm(other)).max() < 1e-5


def test_gelu_is_x_times_the_normal_distribution_function() -> None:
    points = np.linspace(-9, 9, 2001, dtype=np.float32)
    wanted = [x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in points.tolist()]
    assert np.abs(gelu(points) - np.array(wanted)).max() < 1e-6
    assert gelu(np.zeros(1, dtype=np.float32))[0] == 0
