"""A tiny random sentence-transformers model, made once and saved in a temporary directory."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghijklmnopqrstuvwxyz0123456789.,?!",
    *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
    "fox",
    "dog",
]
POSITIONS = 24


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a one-layer BERT of 16 dimensions that reads at most 24 tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import BertWordPieceTokenizer
    from transformers import AutoTokenizer, BertConfig, BertModel

    source, saved = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=POSITIONS
    )
    BertModel(config).save_pretrained(source)
    BertWordPieceTokenizer({w: i for i, w in enumerate(WORDS)}, lowercase=True).save(str(source / "tokenizer.json"))
    AutoTokenizer.from_pretrained(source, model_max_length=POSITIONS).save_pretrained(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformer = Transformer(str(source))
        SentenceTransformer(modules=[transformer, Pooling(16, "mean")], device="cpu").save(str(saved))
    return saved
