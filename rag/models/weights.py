"""Tensors of a safetensors file as numpy arrays that read the file where they are used, without torch."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KINDS: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}
_LONGEST_HEADER = 100_000_000  # bytes; what the format allows


class Weights:
    """The float tensors of one file by name. The file is mapped, so what is not asked for is not read."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises `ValueError`, `TypeError` or `OSError` when the file is no sound safetensors file."""
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                raise ValueError(f"{path}: no header of a safetensors file")
            header = dict(json.loads(file.read(length)))  # what is no object raises here
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length) if size > 8 + length else np.empty(0, np.uint8)
        self._found = {name: _entry(said, len(self._bytes)) for name, said in header.items() if name != "__metadata__"}

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of a float tensor, None where there is none of that name."""
        entry = self._found.get(name)
        return entry[1] if entry else None

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return a tensor in float32: a view of the file where it lies there in that format. Raises `KeyError` where it is not."""
        entry = self._found[name]
        if entry is None:
            raise KeyError(name)
        kind, shape, start, end = entry
        raw = np.asarray(self._bytes[start:end]).view(_KINDS[kind]).reshape(shape)
        if kind == "BF16":  # the upper half of a float32
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        return np.asarray(raw, dtype=np.float32)


def _entry(said: Any, size: int) -> tuple[str, tuple[int, ...], int, int] | None:
    """Return kind, shape and place of a tensor, None of one that is not of floats. Raises `ValueError` when it lies outside the file."""
    try:
        kind, shape, (start, end) = said["dtype"], tuple(map(int, said["shape"])), map(int, said["data_offsets"])
    except (TypeError, KeyError) as error:
        raise ValueError(f"a tensor is not described ({error})") from None
    if kind not in _KINDS:
        return None
    if min(shape, default=0) < 0 or not 0 <= start <= end <= size or math.prod(shape) * _KINDS[kind].itemsize != end - start:
        raise ValueError("a tensor lies outside the file, or is not of its size")
    return kind, shape, start, end
