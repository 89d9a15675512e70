"""Classifiers of pairs: logits as transformers gives them, whatever the batches, and everything that can be wrong with a directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.models.classifier import PairClassifier
from rag.models.files import digest

from .conftest import FAMILIES, POSITIONS

Maker = Callable[..., Path]
LABELS = ("contradiction", "neutral", "entailment")
PAIRS = [("fox", "dog"), ("", ""), ("the fox and the dog", "Fox?"), ("a 文字 🙂", "b"), *((f"fox {n} " * (n % 3), f"q{n}") for n in range(30))]


def logits(directory: Path, budget: int = 64, precision: str = "float32") -> np.ndarray:
    model = PairClassifier(str(directory), precision)
    return np.array(model.logits(model.rows(PAIRS), budget))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("budget", [1, 64, 10_000])
def test_logits_are_those_of_transformers_one_pair_at_a_time(classifier: Maker, family: str, budget: int) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    directory = classifier(family, LABELS)
    reads, model = AutoTokenizer.from_pretrained(directory), AutoModelForSequenceClassification.from_pretrained(directory).eval()
    with torch.no_grad():
        expected = np.array([model(**reads([a], [b], return_tensors="pt")).logits[0].tolist() for a, b in PAIRS])
    assert np.ptp(expected) > 1
    assert np.allclose(logits(directory, budget), expected, atol=1e-4)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_coarser_numbers_give_nearly_the_same_and_never_hang_on_the_batch(classifier: Maker, precision: str) -> None:
    found, expected = logits(classifier("Bert", LABELS), 10_000, precision), logits(classifier("Bert", LABELS))
    assert np.max(np.abs(found - expected)) < 0.5 * np.std(expected)
    assert not np.array_equal(found, expected)
    assert np.allclose(found, logits(classifier("Bert", LABELS), 1, precision), atol=0.05)


def test_nothing_is_cut_and_no_pairs_make_no_rows(classifier: Maker) -> None:
    model = PairClassifier(str(classifier()))
    assert model.rows([]) == []
    assert [len(row["input_ids"]) for row in model.rows([("fox", "dog"), ("fox " * 50, "dog")])] == [5, 54]


def test_offsets_are_of_the_text_as_given(classifier: Maker) -> None:
    text = "  The FOX's\n dog, 🙂."
    found = PairClassifier(str(classifier())).offsets(text)
    assert "FOX" in [text[a:b] for a, b in found]
    assert "".join(text[a:b] for a, b in found) == "".join(text.split())
    assert PairClassifier(str(classifier())).offsets("") == []


def test_several_threads_may_read_at_once(classifier: Maker) -> None:
    model = PairClassifier(str(classifier("Bert", LABELS)), "float32")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: model.logits(model.rows(PAIRS[n:] + PAIRS[:n]), 64), range(6)))
    for n, rows in enumerate(found):
        assert np.allclose(rows, np.roll(logits(classifier("Bert", LABELS)), -n, axis=0), atol=1e-5)


def test_no_more_is_read_than_the_model_can(classifier: Maker) -> None:
    assert PairClassifier(str(classifier()), "float32", 500).max_tokens == POSITIONS
    assert PairClassifier(str(classifier()), "float32", 9).max_tokens == 9
    assert PairClassifier(str(classifier())).digest == digest(classifier())


def _copied(directory: Path, tmp_path: Path, **values: object) -> Path:
    other = Path(shutil.copytree(directory, tmp_path / "other"))
    found = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**found, **values}))
    return other


def _message(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        logits(directory)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_pickled_weights_are_refused(classifier: Maker, tmp_path: Path) -> None:
    other = _copied(classifier(), tmp_path)
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    assert "has no .safetensors weights, and .bin files, which can run code when they are read, are not loaded" in _message(other)


@pytest.mark.parametrize("values", [{"architectures": ["BertModel"]}, {"architectures": None}, {"auto_map": {"AutoModel": "x.X"}}])
def test_what_is_no_classifier_or_brings_code_of_its_own_is_refused(classifier: Maker, tmp_path: Path, values: dict[str, object]) -> None:
    assert "not a sequence classifier of transformers; choose one without code of its own" in _message(_copied(classifier(), tmp_path, **values))


def test_weights_without_the_head_are_refused_and_not_made_up(classifier: Maker, tmp_path: Path) -> None:
    """transformers would fill in random numbers and only warn."""
    from safetensors.torch import load_file, save_file

    other = _copied(classifier(), tmp_path)
    weights = load_file(other / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier.")}, other / "model.safetensors", metadata={"format": "pt"})
    assert "its weights lack classifier.bias, classifier.weight, which would be random" in _message(other)


@pytest.mark.parametrize(("name", "content"), [("model.safetensors", b"\xff" * 4000), ("config.json", b"{"), ("tokenizer.json", b"{}")])
def test_a_damaged_model_is_told_in_one_line(classifier: Maker, tmp_path: Path, name: str, content: bytes) -> None:
    other = _copied(classifier(), tmp_path)
    (other / name).write_bytes(content)
    assert str(other) in _message(other)


def test_more_tokens_than_positions_are_told_and_not_a_traceback(classifier: Maker) -> None:
    model = PairClassifier(str(classifier()), "float32")
    with pytest.raises(ModelError, match=r"cannot read pairs of 54 tokens .*; set a smaller max_tokens"):
        model.logits(model.rows([("fox " * 50, "dog")]), 64)
