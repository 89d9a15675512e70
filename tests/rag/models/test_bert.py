"""What is taken for a BERT encoder: directories that are computed here as sentence-transformers computes them, and no others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rag.models.bert import Bert, read_bert
from rag.models.files import BUNDLED, locate

from .conftest import POSITIONS

Make = Callable[..., Path]


def found(directory: Path, limit: int = POSITIONS) -> Bert:
    bert = read_bert(directory, limit)
    assert bert is not None
    return bert


def test_the_bundled_model_is_one() -> None:
    bert = found(locate(BUNDLED), 256)
    assert (bert.layers, bert.heads, bert.width, bert.inner, bert.pooling, bert.padding) == (6, 12, 384, 1536, "mean", None)
    assert bert.tensor("embeddings.word_embeddings.weight").shape == (30522, 384)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize(("family", "padding"), [("Bert", None), ("Roberta", 1), ("XLMRoberta", 1)])
def test_families_and_poolings_are_told_apart(embedder: Make, family: str, padding: int | None, pooling: str) -> None:
    bert = found(embedder(family, pooling))
    assert (bert.pooling, bert.padding) == (pooling, padding)


def test_roberta_counts_positions_from_behind_its_padding_and_passes_over_padding(embedder: Make) -> None:
    assert list(found(embedder("Roberta")).places([2, 9, 1, 9])) == [2, 3, 1, 4]
    assert list(found(embedder("Bert")).places([2, 9, 0, 9])) == [0, 1, 2, 3]


def changed(source: Path, folder: Path, name: str, values: dict[str, object]) -> Path:
    other = Path(shutil.copytree(source, folder / "other"))
    path = other / name
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **values}))
    return other


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("config.json", {"model_type": "distilbert"}),
        ("config.json", {"hidden_act": "relu"}),
        ("adapter_config.json", {"peft_type": "LORA"}),
        ("sentence_bert_config.json", {"processing_kwargs": {"text": {"add_special_tokens": False}}}),
        ("sentence_bert_config.json", {"module_output_name": "sentence_embedding"}),
        ("sentence_bert_config.json", {"model_args": {"attn_implementation": "eager"}}),
        ("tokenizer_config.json", {"do_lower_case": "other than its file"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("config.json", {"is_decoder": True}),
        ("config.json", {"auto_map": {"AutoModel": "own.Model"}}),
        ("config.json", {"num_hidden_layers": 4}),
        ("config.json", {"hidden_size": 32}),
        ("config.json", {"intermediate_size": 16}),
        ("config.json", {"num_attention_heads": 3}),
        ("config.json", {"layer_norm_eps": "much"}),
        ("tokenizer_config.json", {"truncation_side": "left"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("1_Pooling/config.json", {"pooling_mode": "max"}),
        ("1_Pooling/config.json", {"pooling_mode": ["mean", "cls"]}),
    ],
)
def test_what_would_be_computed_otherwise_is_left_to_sentence_transformers(embedder: Make, tmp_path: Path, name: str, values: dict[str, object]) -> None:
    assert read_bert(changed(embedder(), tmp_path, name, values), POSITIONS) is None


def test_a_limit_beyond_the_table_of_positions_is_not_computed_here(embedder: Make) -> None:
    for family in ("Bert", "Roberta"):
        assert read_bert(embedder(family), POSITIONS) is not None
        assert read_bert(embedder(family), POSITIONS + 1) is None


@pytest.mark.parametrize("modules", [[], [{"type": "a.Transformer", "path": ""}], "more", "elsewhere"])
def test_other_modules_are_not_computed_here(embedder: Make, tmp_path: Path, modules: object) -> None:
    other = Path(shutil.copytree(embedder(), tmp_path / "other"))
    said = json.loads((other / "modules.json").read_text())
    if modules == "more":
        modules = [*said, {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}]
    if modules == "elsewhere":
        modules = [{**said[0], "path": "0_Transformer"}, *said[1:]]
    (other / "modules.json").write_text(json.dumps(modules))
    assert read_bert(other, POSITIONS) is None


def test_the_form_of_older_sentence_transformers_is_read(embedder: Make, tmp_path: Path) -> None:
    other = Path(shutil.copytree(embedder(), tmp_path / "other"))
    for modes, pooling in (({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"), ({"pooling_mode_mean_tokens": True}, "mean")):
        (other / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, **modes}))
        assert found(other).pooling == pooling
    (other / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}))
    assert read_bert(other, POSITIONS) is None


def test_tensors_saved_under_the_name_of_the_family_are_found(embedder: Make, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    other = Path(shutil.copytree(embedder(), tmp_path / "other"))
    save_file({f"bert.{k}": v for k, v in load_file(other / "model.safetensors").items()}, other / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    assert np.array_equal(found(other).tensor(name), found(embedder()).tensor(name))


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 4000])
def test_weights_that_cannot_be_read_are_left_to_those_who_say_why(embedder: Make, tmp_path: Path, content: bytes | None) -> None:
    other = Path(shutil.copytree(embedder(), tmp_path / "other"))
    (other / "model.safetensors").unlink()
    if content is not None:
        (other / "model.safetensors").write_bytes(content)
    assert read_bert(other, POSITIONS) is None


def test_settings_that_sentence_transformers_writes_of_every_text_model_are_known(embedder: Make, tmp_path: Path) -> None:
    """What version 6 saves for any of them, and lengths."""
    said = {
        "max_seq_length": 16,
        "do_lower_case": False,
        "transformer_task": "feature-extraction",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        "module_output_name": "token_embeddings",
        "query_length": None,
    }
    found(changed(embedder("Bert"), tmp_path, "sentence_bert_config.json", said))


def test_modules_of_a_models_own_code_are_not_taken_for_those_of_the_library(embedder: Make, tmp_path: Path) -> None:
    other = Path(shutil.copytree(embedder("Bert"), tmp_path / "other"))
    path = other / "modules.json"
    path.write_text(path.read_text().replace("sentence_transformers.", "custom_st."))
    assert read_bert(other, POSITIONS) is None
