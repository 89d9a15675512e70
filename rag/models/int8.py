"""Linear layers in 8-bit whole numbers: weights once, activations as they come; fast where the processor has VNNI."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from rag.errors import ModelError

if TYPE_CHECKING:
    import torch


def quantized(model: torch.nn.Module) -> torch.nn.Module:
    """Return the float32 model with its linear layers quantized in place. Raises `ModelError` where torch cannot."""
    import torch

    fix = "choose precision float32 or bfloat16"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to move this to a package of its own, and says so at each call
        try:
            from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

            changed: torch.nn.Module = quantize_dynamic(model, {torch.nn.Linear: per_channel_dynamic_qconfig}, inplace=True)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        except (ImportError, RuntimeError) as error:
            raise ModelError(f"this torch has no int8 ({' '.join(str(error).split())[:200]}); {fix}") from None
    return changed
