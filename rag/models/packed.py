"""Linear layers with their weights laid out once as the processor's library wants them, and not anew at each call.

The operators are those that torch's own compiler puts in the place of linear layers; they have no public name. So they are used only
where a probe of each layer gives what the layer gave, and only in models known to use their layers by calling them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from rag.models.first_token import FAMILIES

if TYPE_CHECKING:
    import torch

Unary = Callable[["torch.Tensor"], "torch.Tensor"]
Binary = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
F = TypeVar("F")
_CLOSE = {"torch.float32": 1e-4, "torch.bfloat16": 0.05}


def pack(model: torch.nn.Module) -> int:
    """Replace the linear layers of a model on the processor, in place, and return how many were replaced: 0 where torch cannot."""
    import torch

    if type(model).__name__ not in FAMILIES or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return 0
    layers = [(parent, name, layer) for parent in model.modules() for name, layer in parent.named_children() if type(layer) is torch.nn.Linear]
    count = 0
    for parent, name, layer in layers:
        packed = _packed(layer)
        if packed is not None:
            setattr(parent, name, packed)
            count += 1
    return count


def _packed(layer: torch.nn.Linear) -> torch.nn.Module | None:
    """Return a layer that gives the same, None where there is none."""
    import torch

    close = _CLOSE.get(str(layer.weight.dtype))
    if close is None:
        return None
    probe = torch.linspace(-1, 1, 3 * layer.in_features).reshape(3, layer.in_features).to(layer.weight.dtype)
    with torch.no_grad():
        try:
            packed = _kind()(torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None), layer.bias)
            same = torch.allclose(packed(probe), layer(probe), atol=close, rtol=close)
        except (AttributeError, RuntimeError, TypeError):  # another version or processor may lack the operator, or have another
            return None
    return packed if same else None


@cache
def _kind() -> Callable[[torch.Tensor, torch.Tensor | None], torch.nn.Module]:
    import torch

    class Packed(torch.nn.Module):
        """What a linear layer computes, from a weight that is packed."""

        def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
            super().__init__()
            self.weight, self.bias = weight, bias

        def forward(self, given: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(given, self.weight, self.bias, "none", [], "")
            return found

    return Packed


def mapping(weight: torch.Tensor, bias: torch.Tensor, gelu: bool = False) -> Unary:
    """Return the function of a linear layer, with the exact GELU of its output where `gelu`; packed where torch can."""
    import torch

    def unpacked(given: torch.Tensor) -> torch.Tensor:
        found = torch.nn.functional.linear(given, weight, bias)
        return torch.nn.functional.gelu(found) if gelu else found

    plain: Unary = unpacked

    def make() -> Unary:
        laid = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        name, how = ("gelu", "none") if gelu else ("none", "")
        return lambda given: torch.ops.mkldnn._linear_pointwise(given, laid, bias, name, [], how)

    return _same(make, plain, weight, lambda f, x: f(x))


def adding(weight: torch.Tensor, bias: torch.Tensor) -> Binary:
    """Return the function of a linear layer whose output is added to its second argument; packed where torch can."""
    import torch

    def unpacked(given: torch.Tensor, onto: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(given, weight, bias) + onto

    plain: Binary = unpacked

    def make() -> Binary:
        laid = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        return lambda given, onto: torch.ops.mkldnn._linear_pointwise.binary(given, onto, laid, bias, "add")

    return _same(make, plain, weight, lambda f, x: f(x, _probe(weight, weight.shape[0])))


def _probe(weight: torch.Tensor, width: int) -> torch.Tensor:
    import torch

    return torch.linspace(-1, 1, 3 * width, device=weight.device).reshape(3, width).to(weight.dtype)


def _same(make: Callable[[], F], plain: F, weight: torch.Tensor, call: Callable[[F, torch.Tensor], torch.Tensor]) -> F:
    """Return what `make` makes where that gives what `plain` gives, else `plain`."""
    import torch

    close = _CLOSE.get(str(weight.dtype))
    if weight.device.type != "cpu" or close is None or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return plain
    probe = _probe(weight, weight.shape[1])
    with torch.inference_mode():
        try:
            made = make()
            return made if torch.allclose(call(made, probe), call(plain, probe), atol=close, rtol=close) else plain
        except (AttributeError, RuntimeError, TypeError):  # another version or processor may lack the operator, or have another
            return plain
