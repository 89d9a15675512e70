"""What a benchmark ran on: the machine, the versions, and what the hardware can do at most, measured on the spot."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("spanwise", "numpy", "torch", "transformers", "sentence-transformers", "tokenizers", "qdrant-edge-py", "qdrant-client")
ROUNDS = 5
STREAM = 64 * 1024**2  # float32 numbers: 256 MiB, well beyond any cache here
GEMM = ((8192, 384, 384), (8192, 384, 1536), (8192, 1536, 384))  # rows, inner, columns: the layers of MiniLM over a batch of 8,192 tokens


def machine() -> dict[str, Any]:
    """Return processor, cores this process may use, memory in GiB, system, Python and package versions, and the load average of the last minute."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "load": round(os.getloadavg()[0], 2),
    }


def processor() -> str:
    """Return the name of the processor with family and model where Linux tells them, since virtual machines often hide the name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    said: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        said.setdefault(name.strip(), value.strip())
    name = said.get("model name", platform.machine())
    return f"{name} (family {said['cpu family']}, model {said['model']})" if {"cpu family", "model"} <= said.keys() else name


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def gemm(precision: str) -> float:
    """Return the rate of matrix products in a number format, in 10^9 operations a second; a product of n x k and k x m is 2 n k m operations.

    They are those of MiniLM's linear layers with weights laid out once, the best of several rounds on all cores: what an encoder that did nothing else would reach.
    """
    import torch

    dtype = getattr(torch, precision)
    done, spent = 0.0, 0.0
    for rows, inner, columns in GEMM:
        given, layer = torch.randn(rows, inner).to(dtype), torch.nn.Linear(inner, columns).to(dtype)
        with torch.inference_mode():
            spent += _best(_call(_packed(layer), given))
        done += 2.0 * rows * inner * columns
    return round(done / spent / 1e9, 1)


def _packed(layer: Any) -> Any:
    """Return the layer with its weight laid out as the processor's library wants it, itself where that is not to be had."""
    from rag.models.packed import _packed as packed

    return packed(layer) or layer


def _call(layer: Any, given: Any) -> Callable[[], object]:
    return lambda: layer(given)


def bandwidth() -> float:
    """Return how many 10^9 bytes a second are read from memory when every core adds up numbers of its own."""
    from concurrent.futures import ThreadPoolExecutor

    cores = int(machine()["cores"] or 1)
    parts = np.array_split(np.ones(STREAM, dtype=np.float32), cores)
    with ThreadPoolExecutor(cores) as pool:
        best = _best(lambda: sum(pool.map(np.sum, parts)))  # numpy lets go of the interpreter while it adds
    return round(4.0 * STREAM / best / 1e9, 1)


def _best(call: Callable[[], object]) -> float:
    """Return the seconds of the fastest of several calls, the first one left out."""
    call()
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return min(spent)


def encoder_operations(lengths: list[int], *, hidden: int = 384, inner: int = 1536, layers: int = 6) -> float:
    """Return the floating-point operations that encoding texts of these many tokens takes, padding excluded; defaults are MiniLM's.

    Per layer and token: four projections of `hidden` squared and two of `hidden` by `inner`, two operations for each weight; and per pair of tokens of one
    text two products over `hidden` (scores, and the weighted sum). Embedding rows, norms and activations are not matrix products and are left out.
    """
    tokens, pairs = float(sum(lengths)), float(sum(n * n for n in lengths))
    return layers * (tokens * 2.0 * (4 * hidden * hidden + 2 * hidden * inner) + pairs * 4.0 * hidden)


def exact_search_bytes(vectors: int, dimension: int, size: int = 4) -> float:
    """Return the bytes an exact search has to read: every number of every vector once."""
    return float(vectors) * dimension * size
