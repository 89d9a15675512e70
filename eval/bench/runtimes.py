"""The same MiniLM in OpenVINO and ONNX Runtime, where they can be imported: given every advantage that this project's encoder has, to compare them with it.

They get the tokens of the same tokenizer, texts sorted by length and batches of as many tokens on one core each; one text goes over all cores.
Install with `pip install openvino onnxruntime onnx onnxscript`; nothing here depends on them.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.models.bert_torch import BUDGET, batched
from rag.models.encoder import input_limit
from rag.models.files import BUNDLED, locate
from rag.models.inputs import inputs
from rag.models.tokenizer import Tokenizer

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Run = Callable[[Ids, Ids], Floats]


def others(cores: int) -> dict[str, Callable[[list[str]], Floats]]:
    """Return the encoders by name, of which the last word is the number format; none where nothing can be imported."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporters, about themselves
        if find_spec("openvino"):
            for precision, hint in (("float32", "f32"), ("bfloat16", "bf16")):
                found[f"OpenVINO {precision}"] = _encode(_openvino(hint, cores, 1), _openvino(hint, cores, cores), cores)
        if find_spec("onnxruntime") and find_spec("onnx") and find_spec("onnxscript"):
            found["ONNX Runtime float32"] = _encode(_onnx(cores), _onnx(1), cores)
    return found


def padded(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Return tokens and mask of texts, padded to the longest."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for n, row in enumerate(rows):
        ids[n, : len(row)], mask[n, : len(row)] = row, 1
    return ids, mask


def _encode(one: Run, many: Run, cores: int) -> Callable[[list[str]], Floats]:
    """Return an encoder of texts that gives a lone text to `one`, and batches to `many`, as many at once as there are cores."""
    tokenizer, limit, pool = Tokenizer(BUNDLED), input_limit(locate(BUNDLED)), ThreadPoolExecutor(cores)

    def encode(texts: list[str]) -> Floats:
        rows = [ids for ids, _ in inputs(tokenizer, texts, limit)]
        batches = batched([len(r) for r in rows], BUDGET, padded=True)
        given = [padded([rows[i] for i in batch]) for batch in batches]
        parts = [one(*given[0])] if len(rows) == 1 else list(pool.map(lambda g: many(*g), given))
        found = np.empty((len(rows), parts[0].shape[1]), dtype=np.float32)
        for batch, part in zip(batches, parts, strict=True):
            found[batch] = part
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)

    return encode


def _module() -> Any:
    """Return MiniLM with mean pooling as a module of torch, and what it may be traced with."""
    import torch
    from transformers import BertModel

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = BertModel.from_pretrained(locate(BUNDLED), dtype=torch.float32)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            wide = mask.unsqueeze(-1).to(states.dtype)
            found: torch.Tensor = (states * wide).sum(1) / wide.sum(1)
            return found

    example = tuple(torch.from_numpy(a) for a in padded([[101, *range(2000, 2015), 102], [101, 2000, 102], [101, 102]]))
    return Pooled().train(False), example


def _openvino(precision: str, cores: int, streams: int) -> Run:
    """Return the model in OpenVINO on that many cores, with as many requests at once as there are streams."""
    openvino = import_module("openvino")
    module, example = _module()
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": cores, "NUM_STREAMS": streams}
    compiled = openvino.Core().compile_model(openvino.convert_model(module, example_input=example), "CPU", settings)
    return lambda ids, mask: np.array(compiled.create_infer_request().infer([ids, mask])[0], dtype=np.float32)


def _onnx(threads: int) -> Run:
    """Return the model in ONNX Runtime, each call on that many threads."""
    import torch

    runtime, (module, example) = import_module("onnxruntime"), _module()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    axes = {0: torch.export.Dim("texts", min=1, max=8192), 1: torch.export.Dim("tokens", min=2, max=512)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        shapes, names = (axes, axes), ["ids", "mask"]
        torch.onnx.export(module, example, path, dynamo=True, dynamic_shapes=shapes, input_names=names, external_data=False, verbose=False)
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: np.asarray(session.run(None, {"ids": ids, "mask": mask})[0], dtype=np.float32)
