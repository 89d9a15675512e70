"""The short last layer: the same logits for fewer tokens, or a model left as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from rag.models.first_token import shorten

IDS = torch.tensor([[2, 7, 3, 9, 9, 12, 3], [2, 8, 3, 20, 3, 0, 0]])
MASK = (IDS != 0).long()


def loaded(directory: Path) -> Any:
    return transformers.AutoModelForSequenceClassification.from_pretrained(directory).eval()


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS, attention_mask=MASK).logits
    return found


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_the_last_layer_computes_one_token_and_the_logits_stay(classifier: Callable[..., Path], family: str) -> None:
    model = loaded(classifier(family))
    before, shapes = logits(model), []
    layers = getattr(model, model.base_model_prefix).encoder.layer
    for layer in layers:
        layer.output.register_forward_hook(lambda m, given, out: shapes.append(tuple(out.shape)))
    assert shorten(model)
    shapes.clear()
    assert torch.allclose(logits(model), before, atol=1e-5)
    assert shapes == [(2, 7, 16), (2, 1, 16)]


def test_another_family_is_left_as_it_was(classifier: Callable[..., Path]) -> None:
    model = loaded(classifier("DistilBert"))
    before = logits(model)
    assert not shorten(model)
    assert torch.equal(logits(model), before)


def test_a_model_whose_head_reads_other_tokens_is_left_as_it_was(classifier: Callable[..., Path]) -> None:
    class BertForSequenceClassification(transformers.BertForSequenceClassification):
        def forward(self, **given: Any) -> Any:
            states = self.bert(**given).last_hidden_state
            return transformers.modeling_outputs.SequenceClassifierOutput(logits=self.classifier(states.mean(dim=1)))

    model = BertForSequenceClassification.from_pretrained(classifier()).eval()
    before = logits(model)
    assert not shorten(model)
    assert torch.equal(logits(model), before)
