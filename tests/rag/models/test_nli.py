"""NLI models: what their labels mean in any order and spelling, probabilities as sentence-transformers gives them, and refusals."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.errors import ModelError
from rag.models.files import digest
from rag.models.nli import Inference, NliModel, read_labels, role

from .conftest import POSITIONS

Maker = Callable[..., Path]
C, N, E, NOT = "contradiction", "neutral", "entailment", "not_entailment"
PAIRS = [("the fox", "dog"), ("", ""), ("fox and dog", "fox?"), *((f"fox {n} " * (n % 3), f"q{n}") for n in range(20))]


def named(*names: str) -> dict[str, Any]:
    return {"id2label": {str(i): n for i, n in enumerate(names)}}


@pytest.mark.parametrize(
    ("config", "given", "expected"),
    [
        (named("contradiction", "entailment", "neutral"), None, (C, E, N)),
        (named("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), None, (E, N, C)),
        (named("SUPPORTS", "REFUTES", "NOT ENOUGH INFO"), None, (E, C, N)),
        (named("entailment", "not_entailment"), None, (E, NOT)),
        (named("Not-Entailment", "Entailed"), None, (NOT, E)),
        ({"id2label": {"2": "entailment", "0": "neutral", "1": "contradiction"}}, None, (N, C, E)),
        ({"label2id": {"entailment": 1, "contradiction": 0, "neutral": 2}}, None, (C, E, N)),
        ({**named("contradiction", "entailment", "neutral"), "label2id": {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}}, None, (C, E, N)),
        (named("LABEL_0", "LABEL_1", "LABEL_2"), ("contradiction", "neutral", "Entailment"), (C, N, E)),
        (named("entailment", "neutral", "contradiction"), ("contradiction", "neutral", "entailment"), (C, N, E)),
        ({}, ("not_entailment", "entailment"), (NOT, E)),
        (named("LABEL_0"), None, (E,)),
        (named("consistent"), None, (E,)),
        (named("LABEL_0"), ("entailment",), (E,)),
    ],
)
def test_labels_are_read_in_any_order_and_spelling(config: dict[str, Any], given: tuple[str, ...] | None, expected: tuple[str, ...]) -> None:
    assert read_labels(config, given, "m") == expected


@pytest.mark.parametrize(
    ("config", "given", "told"),
    [
        (named("LABEL_0", "LABEL_1", "LABEL_2"), None, "the labels LABEL_0, LABEL_1, LABEL_2 .* do not say .*; say what .* labels: "),
        ({}, None, "the labels LABEL_0, LABEL_1 of its config.json do not say"),
        (named("neutral", "contradiction"), None, "do not say which is entailment"),
        (named("entailment", "entailed", "neutral"), None, "do not say"),
        (named("entailment", "neutral", "contradiction", "other"), None, "do not say"),
        (named("hallucination"), None, "the labels hallucination"),
        ({**named("entailment", "neutral", "contradiction"), "label2id": {"contradiction": 0, "neutral": 1, "entailment": 2}}, None, "say different things"),
        (named("a", "b", "c"), ("entailment", "neutral"), r"m has 3 outputs \(a, b, c\), which cannot be \[entailment, neutral\]"),
        ({"id2label": {"1": "entailment", "2": "neutral"}}, None, "does not number the labels from 0"),
        ({**named("entailment", "neutral"), "problem_type": "multi_label_classification"}, None, "do not exclude each other"),
    ],
)
def test_labels_that_cannot_be_read_are_refused_with_the_fix(config: dict[str, Any], given: tuple[str, ...] | None, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        read_labels(config, given, "m")


def test_a_name_that_says_nothing_has_no_role() -> None:
    assert (role("LABEL_2"), role("positive"), role(" Entails ")) == (None, None, E)


def predicted(directory: Path, softmax: bool) -> np.ndarray:
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(directory), device="cpu", local_files_only=True)
    return np.asarray(model.predict(PAIRS, show_progress_bar=False, apply_softmax=softmax), dtype=np.float64)


@pytest.mark.parametrize("labels", [(C, N, E), (E, N, C), ("NEUTRAL", "ENTAILMENT", "CONTRADICTION")])
def test_three_labels_are_the_softmax_of_sentence_transformers(classifier: Maker, labels: tuple[str, ...]) -> None:
    expected = predicted(classifier("Bert", labels), True)
    found = NliModel(str(classifier("Bert", labels)), "float32").infer(PAIRS, 64)
    order = [n.lower() for n in labels]
    assert np.allclose([[f.entailment, f.contradiction, f.neutral] for f in found], expected[:, [order.index(E), order.index(C), order.index(N)]], atol=1e-5)
    assert np.ptp([f.entailment for f in found]) > 0.1


@pytest.mark.parametrize("labels", [(NOT, E), (C, E)])
def test_two_labels_know_no_contradiction(classifier: Maker, labels: tuple[str, ...]) -> None:
    """Without a label for neutral, what is not entailed may be silence."""
    expected = predicted(classifier("Bert", labels), True)
    found = NliModel(str(classifier("Bert", labels)), "float32").infer(PAIRS, 64)
    assert np.allclose([f.entailment for f in found], expected[:, 1], atol=1e-5)
    assert {f.contradiction for f in found} == {0.0}


def test_a_single_label_is_its_sigmoid(classifier: Maker) -> None:
    """What sentence-transformers gives by default for one label."""
    found = NliModel(str(classifier()), "float32").infer(PAIRS, 64)
    assert np.allclose([f.entailment for f in found], predicted(classifier(), False), atol=1e-5)


def test_a_model_that_sentence_transformers_saved_says_the_same(classifier: Maker, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    directory = classifier("Bert", (C, E, N))
    CrossEncoder(str(directory), device="cpu", local_files_only=True).save_pretrained(str(tmp_path / "saved"))
    found, expected = (NliModel(str(d), "float32").infer(PAIRS, 64) for d in (tmp_path / "saved", directory))
    assert np.allclose([[f.entailment, f.contradiction] for f in found], [[f.entailment, f.contradiction] for f in expected], atol=1e-5)


def test_probabilities_by_hand(classifier: Maker) -> None:
    model = NliModel(str(classifier("Bert", (C, N, E))))
    assert model._inference([0.0, 0.0, math.log(2)], 7) == Inference(pytest.approx(0.5), pytest.approx(0.25), 7)
    assert model._inference([0.0, 0.0, 5000.0], 7) == Inference(1.0, 0.0, 7)
    assert NliModel(str(classifier()))._inference([-5000.0], 7).entailment == 0.0
    with pytest.raises(ModelError, match="check its files, or another precision"):
        model._inference([0.0, math.nan, 1.0], 7)


def test_a_pair_that_does_not_fit_is_refused_and_not_cut(classifier: Maker) -> None:
    model = NliModel(str(classifier()))
    assert model.lengths([("fox", "dog"), ("fox " * 30, "dog")]) == [5, 34]
    assert model.infer([("fox " * (POSITIONS - 4), "dog")], 64)[0].tokens == POSITIONS
    with pytest.raises(ModelError, match=f"a pair of {POSITIONS + 1} tokens does not fit the {POSITIONS}"):
        model.infer([("fox " * (POSITIONS - 3), "dog")], 64)


def test_identity_names_what_can_change_a_probability(classifier: Maker) -> None:
    directory = classifier("Bert", (C, N, E))
    made = NliModel(str(directory), "float32", 20).identity
    assert made == {"name": str(directory), "digest": digest(directory), "max_tokens": 20, "precision": "float32", "labels": [C, N, E]}
    assert NliModel(str(directory), "float32", 20, (E, N, C)).identity["labels"] == [E, N, C]


def test_a_model_that_is_not_there_is_told_with_the_fix() -> None:
    """Offline, a hub id that was never downloaded is the same to a user as one that does not exist."""
    for name in ("./nowhere", "nobody/no-such-nli"):
        with pytest.raises(ModelError, match=r"give the directory of an NLI classifier .*, or a hub id that can be reached or was downloaded before") as caught:
            NliModel(name)
        assert "MiniLM" not in str(caught.value)


def test_a_folder_with_pickles_alone_is_refused(classifier: Maker, tmp_path: Path) -> None:
    other = Path(shutil.copytree(classifier(), tmp_path / "other"))
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"\.bin files, which can run code when they are read, are not loaded"):
        NliModel(str(other))
