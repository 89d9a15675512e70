"""Tensors of a safetensors file: those that safetensors itself reads, and every damage told as an error of values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag.models.weights import Weights


def saved(folder: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    tensors = {
        "full": torch.randn(3, 5),
        "half": torch.randn(4).half(),
        "brain": torch.randn(2, 2).bfloat16(),
        "whole": torch.arange(3),
        "none": torch.empty(0, 5),
    }
    save_file(tensors, folder / "model.safetensors")
    return folder / "model.safetensors"


def test_float_tensors_are_those_of_safetensors_in_float32(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    weights, wanted = Weights(saved(tmp_path)), load_file(tmp_path / "model.safetensors")
    for name in ("full", "half", "brain", "none"):
        assert weights[name].dtype == np.float32
        assert weights.shape(name) == tuple(wanted[name].shape)
        assert np.array_equal(weights[name], wanted[name].float().numpy())


def test_tensors_of_whole_numbers_and_unknown_names_are_not_there(tmp_path: Path) -> None:
    weights = Weights(saved(tmp_path))
    for name in ("whole", "missing"):
        assert weights.shape(name) is None
        with pytest.raises(KeyError):
            weights[name]


def written(path: Path, header: object, content: bytes = bytes(16)) -> Path:
    said = json.dumps(header).encode()
    path.write_bytes(len(said).to_bytes(8, "little") + said + content)
    return path


@pytest.mark.parametrize(
    "header",
    [
        [1],
        {"a": 1},
        {"a": {"dtype": "F32", "shape": [4]}},
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 20]}},
        {"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
    ],
)
def test_a_header_that_does_not_fit_the_file_is_refused(tmp_path: Path, header: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Weights(written(tmp_path / "model.safetensors", header))


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 4000, (9).to_bytes(8, "little") + b"nonsense!"])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"header|Expecting"):
        Weights(tmp_path / "model.safetensors")
