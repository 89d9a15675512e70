"""The adapter to sentence-transformers: the bundled model, a local one, and everything that can be wrong with a directory."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.memo import Memo
from rag.models.encoder import SentenceTransformerEncoder
from rag.models.files import BUNDLED, digest, locate
from rag.models.tokenizer import Tokenizer
from rag.runtime import Runtime

from .conftest import POSITIONS

TEXTS = ["A cat sits on the mat.", "A kitten rests on the rug.", "Interest rates rose by half a percent.", "", "?!", "文字 🙂"]


@pytest.fixture(scope="module")
def minilm() -> SentenceTransformerEncoder:
    """Return the bundled encoder in float32, loaded once."""
    return SentenceTransformerEncoder(BUNDLED, "float32")


def test_the_bundled_model_is_the_one_sentence_transformers_loads(minilm: SentenceTransformerEncoder) -> None:
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(locate(BUNDLED)), device="cpu").encode(TEXTS, normalize_embeddings=True)
    rows = minilm.encode(TEXTS)
    assert rows.shape == (6, 384)
    assert rows.dtype == np.float32
    assert np.allclose(np.sum(rows * reference, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_the_default_precision_stays_within_a_thousandth_of_float32(minilm: SentenceTransformerEncoder) -> None:
    rows = SentenceTransformerEncoder(BUNDLED).encode(TEXTS)
    assert np.all(np.sum(rows * minilm.encode(TEXTS), axis=1) > 1 - 1e-3)


def test_meaning_is_nearer_than_words(minilm: SentenceTransformerEncoder) -> None:
    rows = minilm.encode(TEXTS[:3])
    assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2]


def test_it_reads_256_tokens_and_counts_tell_when_that_is_too_few(minilm: SentenceTransformerEncoder) -> None:
    assert minilm.max_tokens == 256
    fits, over = "dog " * 254, "dog " * 254 + "cat"
    assert minilm.counts([fits, over, ""]) == [256, 257, 2]  # with [CLS] and [SEP]
    rows = minilm.encode([fits, "dog " * 254 + "cat " * 100, "dog " * 154 + "cat " * 100])
    assert rows[0] @ rows[1] > 1 - 1e-5  # what lies beyond the limit is not read
    assert rows[0] @ rows[2] < 1 - 1e-2  # within the limit it is


def test_no_texts_are_no_rows(minilm: SentenceTransformerEncoder) -> None:
    assert len(minilm.encode([])) == 0
    assert minilm.counts([]) == []


def test_identity_names_weights_limit_and_normalization(minilm: SentenceTransformerEncoder) -> None:
    assert minilm.identity == {"name": BUNDLED, "digest": digest(locate(BUNDLED)), "max_tokens": 256, "normalized": True, "precision": "float32"}


def test_a_local_directory_works_through_the_runtime(tiny: Path) -> None:
    runtime = Runtime(Memo(), "float32", show_progress=False)
    rows = runtime.embed(str(tiny), ["fox", "dog", "fox"])
    assert rows.shape == (3, 16)
    assert np.array_equal(rows[0], rows[2])
    assert not np.allclose(rows[0], rows[1])
    assert runtime.work.encodes == 2
    assert runtime.encoder(str(tiny)).max_tokens == POSITIONS


def test_a_text_longer_than_the_positions_of_a_model_is_cut_not_a_crash(tiny: Path, tmp_path: Path) -> None:
    other = _changed(tiny, tmp_path, "tokenizer_config.json", {"model_max_length": 1e30})  # as tokenizers without a limit are saved
    encoder = SentenceTransformerEncoder(str(other), "float32")
    assert encoder.max_tokens == POSITIONS
    rows = encoder.encode(["fox " * 500, "fox " * (POSITIONS - 2)])
    assert np.allclose(rows[0], rows[1], atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "limit"), [({"max_seq_length": 8}, 8), ({"max_seq_length": None}, POSITIONS), ({}, POSITIONS), ({"max_seq_length": True}, POSITIONS)]
)
def test_the_limit_is_the_saved_one_else_what_tokenizer_and_positions_allow(tiny: Path, tmp_path: Path, settings: dict[str, object], limit: int) -> None:
    (other := Path(shutil.copytree(tiny, tmp_path / "other"))).joinpath("sentence_bert_config.json").write_text(json.dumps(settings))
    assert SentenceTransformerEncoder(str(other)).max_tokens == limit


def test_a_default_prompt_of_the_model_does_not_sneak_in(tiny: Path, tmp_path: Path) -> None:
    prompts: dict[str, object] = {"prompts": {"query": "dog dog dog "}, "default_prompt_name": "query"}
    other = _changed(tiny, tmp_path, "config_sentence_transformers.json", prompts)
    plain, prompted = SentenceTransformerEncoder(str(tiny), "float32"), SentenceTransformerEncoder(str(other), "float32")
    assert plain.identity["digest"] == prompted.identity["digest"]
    assert np.allclose(plain.encode(["fox"]), prompted.encode(["fox"]))


def _changed(tiny: Path, tmp_path: Path, name: str, values: dict[str, object]) -> Path:
    """Return a copy of the tiny model with some values of one JSON file changed."""
    other = Path(shutil.copytree(tiny, tmp_path / "changed"))
    found = json.loads((other / name).read_text())
    (other / name).write_text(json.dumps({**found, **values}))
    return other


def _message(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        SentenceTransformerEncoder(str(directory), "float32").encode(["fox"])
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_directory_that_is_no_model_is_told(tmp_path: Path) -> None:
    assert "has no tokenizer.json" in _message(tmp_path)
    assert "no such directory" in _message(tmp_path / "missing")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 4000),
        ("model.safetensors", None),
        ("config.json", b"{}"),
        ("config.json", b"{"),
        ("modules.json", b"{"),
        ("modules.json", b"[1]"),
        ("1_Pooling/config.json", b"{"),
        ("tokenizer.json", b"{}"),
        ("sentence_bert_config.json", b"nonsense"),
    ],
)
def test_a_damaged_model_is_told_in_one_line(tiny: Path, tmp_path: Path, name: str, content: bytes | None) -> None:
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    (other / name).unlink(missing_ok=True)
    if content is not None:
        (other / name).write_bytes(content)
    assert str(other) in _message(other)


def test_truncated_weights_are_told(tiny: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    with (other / "model.safetensors").open("r+b") as file:
        file.truncate(os.path.getsize(other / "model.safetensors") // 2)
    assert "cannot be loaded" in _message(other)


def test_weights_that_are_not_numbers_are_told_and_nothing_is_kept(tiny: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({k: v * float("nan") for k, v in weights.items()}, other / "model.safetensors", metadata={"format": "pt"})
    runtime = Runtime(Memo(), "float32", show_progress=False)
    with pytest.raises(ModelError, match="returned vectors that are not finite and non-zero"):
        runtime.embed(str(other), ["fox"])
    assert len(runtime.memo) == 0


def test_counts_are_those_of_the_tokenizer(tiny: Path) -> None:
    assert SentenceTransformerEncoder(str(tiny)).counts(["fox dog", ""]) == Tokenizer(str(tiny)).counts(["fox dog", ""], special=True) == [4, 2]
