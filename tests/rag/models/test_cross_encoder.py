"""The adapter to cross-encoders: the scores of sentence-transformers, whatever the batches, and everything that can be wrong with a directory."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.memo import Memo
from rag.models.classifier import batched
from rag.models.cross_encoder import CrossEncoderScorer
from rag.models.files import digest
from rag.runtime import Runtime

from .conftest import FAMILIES, POSITIONS

Maker = Callable[..., Path]
PAIRS = [
    ("fox", "dog"),
    ("fox dog", " a longer passage. "),
    ("a", "the fox and the dog ran far, far on and on until it was late and dark"),
    ("", ""),
    ("dog", ""),
    ("a question much longer than its passage, longer than may be read", "fox"),
    ("Fox?", "THE  FOX\n\nAND 文字 🙂"),
    *((f"q{n}", f"fox dog {n} " * (n % 5)) for n in range(40)),
]


def raw(directory: Path, precision: str = "float32", budget: int = 64, **more: Any) -> np.ndarray[Any, Any]:
    return np.array([s.score for s in CrossEncoderScorer(str(directory), precision, **more).score(PAIRS, budget)])


def predicted(directory: Path, **more: Any) -> np.ndarray[Any, Any]:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(directory), device="cpu", local_files_only=True, **{k: v for k, v in more.items() if k == "max_length"})
    settings = {"activation_fn": torch.nn.Identity()} | {k: v for k, v in more.items() if k != "max_length"}
    return np.asarray(model.predict(PAIRS, show_progress_bar=False, **settings), dtype=np.float64)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("budget", [1, 64, 10_000])
def test_scores_are_those_of_sentence_transformers_in_batches_of_any_size(classifier: Maker, family: str, budget: int) -> None:
    expected = predicted(classifier(family))
    assert np.ptp(expected) > 1
    assert np.allclose(raw(classifier(family), budget=budget), expected, atol=1e-4)


def test_a_model_that_sentence_transformers_saved_scores_the_same(classifier: Maker, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(classifier()), device="cpu", local_files_only=True).save_pretrained(str(tmp_path / "saved"))
    assert np.allclose(raw(tmp_path / "saved"), predicted(classifier()), atol=1e-4)


def test_the_sigmoid_of_the_raw_score_is_what_predict_gives_by_default(classifier: Maker) -> None:
    assert np.allclose(1 / (1 + np.exp(-raw(classifier()))), predicted(classifier(), activation_fn=None), atol=1e-4)


@pytest.mark.parametrize(
    ("labels", "column"),
    [
        (("LABEL_0", "LABEL_1"), 1),
        (("relevant", "irrelevant"), 0),
        (("contradiction", "ENTAILMENT", "neutral"), 1),
        (("no", "1", "Yes"), 2),
    ],
)
def test_of_several_labels_the_one_that_means_relevant_is_set_against_the_others(classifier: Maker, labels: tuple[str, ...], column: int) -> None:
    """The sigmoid of the log-odds is the softmax of the label."""
    directory = classifier("Bert", labels)
    softmax = predicted(directory, apply_softmax=True)
    assert softmax.shape == (len(PAIRS), len(labels))
    assert np.allclose(1 / (1 + np.exp(-raw(directory))), softmax[:, column], atol=1e-4)


@pytest.mark.parametrize("labels", [("a", "b"), ("LABEL_0", "LABEL_1", "LABEL_2")])
def test_labels_that_say_nothing_are_told(classifier: Maker, labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match=r"none of the labels .* is known to mean relevant; name one 'relevant' under id2label"):
        CrossEncoderScorer(str(classifier("Bert", labels)))


def test_pairs_are_cut_like_those_of_sentence_transformers_and_counted_before(classifier: Maker) -> None:
    """[CLS] fox [SEP] dog [SEP] are five tokens; the cut takes from the longer text."""
    scorer = CrossEncoderScorer(str(classifier()), "float32", 9)
    found = scorer.score(PAIRS, 64)
    assert (scorer.max_tokens, found[0].tokens, found[3].tokens) == (9, 5, 3)
    assert found[2].tokens > POSITIONS
    assert np.allclose([s.score for s in found], predicted(classifier(), max_length=9), atol=1e-4)
    assert not np.allclose([s.score for s in found], raw(classifier()), atol=1e-2)


def test_no_more_is_read_than_the_model_can(classifier: Maker) -> None:
    assert CrossEncoderScorer(str(classifier()), "float32", 500).max_tokens == CrossEncoderScorer(str(classifier())).max_tokens == POSITIONS


@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 0.2), ("int8", 0.5)])
def test_coarser_numbers_give_nearly_the_same_scores(classifier: Maker, precision: str, tolerance: float) -> None:
    found, expected = raw(classifier(), precision), raw(classifier())
    assert np.max(np.abs(found - expected)) < tolerance * np.std(expected)
    assert not np.array_equal(found, expected)


def test_in_int8_a_score_does_not_depend_on_the_other_pairs(classifier: Maker) -> None:
    scorer = CrossEncoderScorer(str(classifier()), "int8")
    assert [scorer.score([p], 64)[0] for p in PAIRS[:6]] == scorer.score(PAIRS, 64)[:6]


def test_batches_by_worked_example() -> None:
    """Places by length: 3 and 0 of nine tokens, 2 of eight, 1 and 4 of two. Three times nine is over 20 tokens."""
    lengths = [9, 2, 8, 9, 2]
    assert batched(lengths, 20, "float32") == [[0, 3], [2, 1], [4]]
    assert batched(lengths, 24, "float32") == [[0, 3], [2, 1, 4]]
    assert batched(lengths, 20, "bfloat16") == [[0, 3], [2], [1, 4]]
    assert batched(lengths, 20, "int8") == [[0], [3], [2], [1], [4]]
    assert batched(lengths, 1, "float32") == [[0], [3], [2], [1], [4]]
    assert batched([], 20, "float32") == []


@given(st.lists(st.integers(1, 40)), st.integers(1, 200), st.sampled_from(["float32", "bfloat16", "int8"]))
def test_every_pair_is_in_one_batch_within_the_budget(lengths: list[int], budget: int, precision: str) -> None:
    batches = batched(lengths, budget, precision)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
        assert precision == "float32" or len({lengths[i] for i in batch}) == 1


def test_several_threads_may_score_at_once(classifier: Maker) -> None:
    scorer = CrossEncoderScorer(str(classifier()), "float32")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: scorer.score(PAIRS[n:] + PAIRS[:n], 64), range(8)))
    for n, scores in enumerate(found):
        assert np.allclose([s.score for s in scores], np.roll(raw(classifier()), -n), atol=1e-5)


def test_identity_names_what_can_change_a_score(classifier: Maker) -> None:
    directory = classifier()
    made = CrossEncoderScorer(str(directory), "float32", 9).identity
    assert made == {"name": str(directory), "digest": digest(directory), "max_tokens": 9, "precision": "float32", "label": 0}
    assert CrossEncoderScorer(str(directory)).identity["precision"] in ("float32", "bfloat16")


def test_each_precision_is_scored_and_kept_apart(classifier: Maker) -> None:
    runtime = Runtime(Memo(), "float32", show_progress=False)
    for precision, pairs in (("auto", 2), ("float32", 2), ("int8", 4), ("int8", 4)):
        runtime.score_pairs(runtime.pair_scorer(str(classifier()), precision), "fox", ["fox", "dog", "dog"], 64)
        assert runtime.work.pairs == pairs


def _changed(directory: Path, tmp_path: Path, **values: object) -> Path:
    other = Path(shutil.copytree(directory, tmp_path / "changed"))
    found = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**found, **values}))
    return other


def _message(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        CrossEncoderScorer(str(directory), "float32").score(PAIRS, 64)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_pickled_weights_are_refused(classifier: Maker, tmp_path: Path) -> None:
    other = Path(shutil.copytree(classifier(), tmp_path / "other"))
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    assert "has no .safetensors weights, and .bin files, which can run code when they are read, are not loaded" in _message(other)


@pytest.mark.parametrize(
    "values", [{"architectures": ["Qwen3ForCausalLM"]}, {"architectures": None}, {"architectures": "x"}, {"auto_map": {"AutoModel": "x.X"}}]
)
def test_what_is_no_classifier_or_brings_code_of_its_own_is_refused(classifier: Maker, tmp_path: Path, values: dict[str, object]) -> None:
    assert "not a sequence classifier of transformers" in _message(_changed(classifier(), tmp_path, **values))


@pytest.mark.parametrize(
    ("name", "content"),
    [("model.safetensors", b""), ("model.safetensors", b"\xff" * 4000), ("config.json", b"{"), ("tokenizer.json", b"{}"), ("tokenizer_config.json", b"[")],
)
def test_a_damaged_model_is_told_in_one_line(classifier: Maker, tmp_path: Path, name: str, content: bytes) -> None:
    other = Path(shutil.copytree(classifier(), tmp_path / "other"))
    (other / name).write_bytes(content)
    assert str(other) in _message(other)


def test_truncated_weights_are_told_when_they_are_needed(classifier: Maker, tmp_path: Path) -> None:
    other = Path(shutil.copytree(classifier(), tmp_path / "other"))
    with (other / "model.safetensors").open("r+b") as file:
        file.truncate(os.path.getsize(other / "model.safetensors") // 2)
    assert CrossEncoderScorer(str(other)).max_tokens == POSITIONS
    assert "cannot be loaded" in _message(other)


def test_more_tokens_than_positions_are_told_and_not_a_traceback(classifier: Maker, tmp_path: Path) -> None:
    other = _changed(classifier(), tmp_path, max_position_embeddings=POSITIONS)
    settings = json.loads((other / "tokenizer_config.json").read_text())
    (other / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": 512}))
    (other / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 512}))
    assert "cannot read pairs of " in (told := _message(other))
    assert told.endswith("set a smaller max_tokens")


def test_scores_that_are_not_numbers_are_told_and_nothing_is_kept(classifier: Maker, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(classifier(), tmp_path / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({k: v * float("nan") for k, v in weights.items()}, other / "model.safetensors", metadata={"format": "pt"})
    runtime = Runtime(Memo(), "float32", show_progress=False)
    with pytest.raises(ModelError, match="returned scores that are not finite"):
        runtime.score_pairs(runtime.pair_scorer(str(other)), "fox", ["dog"], 64)
    assert len(runtime.memo) == runtime.work.pairs == 0


def test_log_odds_by_hand(classifier: Maker) -> None:
    from rag.models.cross_encoder import _log_odds

    assert _log_odds([3.0], 0) == 3.0
    assert _log_odds([1.0, 4.0], 1) == 3.0
    assert _log_odds([1000.0, 0.0, 0.0], 0) == pytest.approx(1000 - math.log(2))
    assert not math.isfinite(_log_odds([math.nan, 0.0], 1))
