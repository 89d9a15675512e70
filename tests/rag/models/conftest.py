"""Tiny random models, made once and saved in a temporary directory: a sentence-transformers one, and classifiers of pairs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
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


FAMILIES = ("Bert", "Roberta", "Electra", "DistilBert")


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a maker of two-layer classifiers of 16 dimensions that read at most 24 tokens: `classifier(family, labels)`."""
    made: dict[tuple[str, tuple[str, ...]], Path] = {}

    def make(family: str = "Bert", labels: tuple[str, ...] = ("LABEL_0",)) -> Path:
        if (family, labels) not in made:
            made[family, labels] = _classifier(tmp_path_factory.mktemp("classifier"), family, labels)
        return made[family, labels]

    return make


def _classifier(folder: Path, family: str, labels: tuple[str, ...]) -> Path:
    import torch
    import transformers
    from tokenizers import BertWordPieceTokenizer

    torch.manual_seed(1)
    shape = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32} if family == "DistilBert" else {"hidden_size": 16, "num_hidden_layers": 2}
    if family != "DistilBert":
        shape |= {"num_attention_heads": 2, "intermediate_size": 32, "type_vocab_size": 2}
    positions = POSITIONS + 2 if family == "Roberta" else POSITIONS  # it counts them from 2
    names = {"id2label": dict(enumerate(labels)), "label2id": {n: i for i, n in enumerate(labels)}}
    wide = {"initializer_range": 0.5, "pad_token_id": 1 if family == "Roberta" else 0}  # so that scores lie far apart
    config = getattr(transformers, f"{family}Config")(vocab_size=len(WORDS), max_position_embeddings=positions, **shape, **names, **wide)
    getattr(transformers, f"{family}ForSequenceClassification")(config).save_pretrained(folder)
    words = ["[UNK]", "[PAD]", *WORDS[2:]] if family == "Roberta" else WORDS
    BertWordPieceTokenizer({w: i for i, w in enumerate(words)}, lowercase=True).save(str(folder / "tokenizer.json"))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), model_max_length=POSITIONS, **special)
    if family == "DistilBert":
        fast.model_input_names = ["input_ids", "attention_mask"]
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a maker of three-layer encoders of 16 dimensions that read at most 24 tokens: `embedder(family, pooling)`."""
    made: dict[tuple[str, str], Path] = {}

    def make(family: str = "Bert", pooling: str = "mean") -> Path:
        if (family, pooling) not in made:
            made[family, pooling] = _embedder(tmp_path_factory.mktemp("embedder"), family, pooling)
        return made[family, pooling]

    return make


def _embedder(folder: Path, family: str, pooling: str) -> Path:
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import BertWordPieceTokenizer

    torch.manual_seed(2)
    robert = family != "Bert"
    source, saved = folder / "source", folder / "saved"
    shape = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32, "type_vocab_size": 2, "initializer_range": 0.5}
    positions = {"max_position_embeddings": POSITIONS + 2 * robert, "pad_token_id": int(robert)}
    config = getattr(transformers, f"{family}Config")(vocab_size=len(WORDS), **shape, **positions)
    model = getattr(transformers, f"{family}Model")(config)
    with torch.no_grad():  # biases and norms start as zeros and ones, which would hide that one is left out
        for name, weight in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:
                weight += 0.3 * torch.randn_like(weight)
    model.save_pretrained(source)
    words = ["[UNK]", "[PAD]", *WORDS[2:]] if robert else WORDS
    BertWordPieceTokenizer({w: i for i, w in enumerate(words)}, lowercase=True).save(str(source / "tokenizer.json"))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(source / "tokenizer.json"), model_max_length=POSITIONS, **special)
    fast.save_pretrained(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SentenceTransformer(modules=[Transformer(str(source)), Pooling(16, pooling), Normalize()], device="cpu").save(str(saved))
    return saved
