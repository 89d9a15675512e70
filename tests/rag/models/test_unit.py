"""Rows of length one, and none where a model gave no vectors."""

from __future__ import annotations

import numpy as np
import pytest

from rag.errors import ModelError
from rag.models.unit import unit


def test_rows_keep_their_direction_and_get_length_one() -> None:
    assert np.allclose(unit(np.array([[3, 4], [0, -2]], dtype=np.float32), 2, "m"), [[0.6, 0.8], [0, -1]])


@pytest.mark.parametrize("rows", [[[0.0, 0.0]], [[np.nan, 1.0]], [[np.inf, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])
def test_what_is_no_vector_or_not_as_many_is_told(rows: list[list[float]]) -> None:
    with pytest.raises(ModelError, match="model 'm' returned vectors that are not finite and non-zero"):
        unit(np.array(rows, dtype=np.float32), 1, "m")
