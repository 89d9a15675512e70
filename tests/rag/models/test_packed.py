"""Packed linear layers: the same logits, or a model left as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from rag.models.packed import Unary, _same, adding, mapping, pack

IDS = torch.tensor([[2, 7, 3, 9, 9, 12, 3], [2, 8, 3, 20, 3, 0, 0]])
MASK = (IDS != 0).long()


def loaded(directory: Path, dtype: Any = torch.float32) -> Any:
    return transformers.AutoModelForSequenceClassification.from_pretrained(directory, dtype=dtype).eval()


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS, attention_mask=MASK).logits
    return found.float()


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_the_logits_stay_and_every_linear_layer_is_packed_where_torch_can(classifier: Callable[..., Path], family: str, dtype: Any, close: float) -> None:
    model = loaded(classifier(family), dtype)
    before = logits(model)
    linear = sum(type(m) is torch.nn.Linear for m in model.modules())
    count = pack(model)
    assert count + sum(type(m) is torch.nn.Linear for m in model.modules()) == linear
    if dtype is torch.float32 and torch.backends.mkldnn.is_available():
        assert count == linear
    assert torch.allclose(logits(model), before, atol=close, rtol=close)


def test_another_family_or_number_format_is_left_as_it_was(classifier: Callable[..., Path]) -> None:
    assert pack(loaded(classifier("DistilBert"))) == 0
    model = loaded(classifier(), torch.float64)
    before = logits(model)
    assert pack(model) == 0
    assert torch.equal(logits(model), before)


def test_a_layer_that_gives_something_else_is_left_as_it_was(classifier: Callable[..., Path]) -> None:
    """A hook makes the classifier give more than its weights say."""
    model = loaded(classifier())
    model.classifier.register_forward_hook(lambda layer, given, out: out + 1)
    before = logits(model)
    pack(model)
    assert type(model.classifier) is torch.nn.Linear
    assert torch.allclose(logits(model), before, atol=1e-5)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_functions_of_layers_are_those_of_torch(dtype: Any, close: float) -> None:
    torch.manual_seed(0)
    weight, bias, given, onto = (torch.randn(*shape).to(dtype) for shape in ((24, 16), (24,), (7, 16), (7, 24)))
    linear = torch.nn.functional.linear(given.double(), weight.double(), bias.double())
    with torch.inference_mode():
        assert torch.allclose(mapping(weight, bias)(given).double(), linear, atol=close, rtol=close)
        assert torch.allclose(mapping(weight, bias, gelu=True)(given).double(), torch.nn.functional.gelu(linear), atol=close, rtol=close)
        assert torch.allclose(adding(weight, bias)(given, onto).double(), linear + onto.double(), atol=close, rtol=close)


@pytest.mark.parametrize("wrong", ["fails", "differs"])
def test_an_operator_that_is_not_there_or_gives_something_else_is_not_used(wrong: str) -> None:
    weight = torch.randn(4, 4)

    def make() -> Unary:
        if wrong == "fails":
            raise AttributeError("_reorder_linear_weight")
        return lambda given: given + 1

    def plain(given: torch.Tensor) -> torch.Tensor:
        return given

    assert _same(make, plain, weight, lambda f, x: f(x)) is plain
    assert _same(lambda: torch.clone, plain, weight, lambda f, x: f(x)) is torch.clone
