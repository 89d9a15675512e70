"""Tiny NLI models made by the tests: random ones, and one whose verdict hangs on a word that is planted in the premise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "?", "1", "2", "3"]
WORDS += ["the", "cat", "sat", "zebra", "yak", "filler", "it", "rains", "snows", "often", "##s", "##abc", "walk", "a", "b", "c", "d", "e", "##a", "##b", "##c"]
ORDER = ("contradiction", "neutral", "entailment")


def tokenizer(folder: Path, positions: int) -> None:
    """Save a WordPiece tokenizer of `WORDS` that reads so many tokens."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import PreTrainedTokenizerFast

    BertWordPieceTokenizer({w: i for i, w in enumerate(WORDS)}, lowercase=True).save(str(folder / "tokenizer.json"))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), model_max_length=positions, **special).save_pretrained(folder)


def bert(labels: Sequence[str], positions: int, seed: int = 12) -> Any:
    """Return a random BERT classifier of two layers and 16 dimensions; seed 12 gives all three labels at a threshold of .6."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    names = {"id2label": dict(enumerate(labels)), "label2id": {n: i for i, n in enumerate(labels)}}
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "initializer_range": 0.5}
    return BertForSequenceClassification(BertConfig(vocab_size=len(WORDS), max_position_embeddings=positions, **shape, **names)).eval()


def saved(made: Any, folder: Path, positions: int) -> Path:
    """Save a model with its tokenizer and return the directory."""
    made.save_pretrained(folder)
    tokenizer(folder, positions)
    return folder


def random_model(folder: Path, labels: Sequence[str] = ORDER, positions: int = 64, permuted: Sequence[int] | None = None) -> Path:
    """Save a random model; `permuted` says which output of the model in `ORDER` each of its outputs is."""
    import torch

    made = bert(labels, positions)
    if permuted is not None:
        with torch.no_grad():
            for parameter in (made.classifier.weight, made.classifier.bias):
                parameter.copy_(parameter[list(permuted)].clone())
    return saved(made, folder, positions)


def planted_model(folder: Path, positions: int = 128) -> Path:
    """Save a model that says entailment where the pair has the word `zebra`, contradiction where it has `yak`, else neutral.

    Tokens are vectors of their own: dimension 0 for `zebra`, 1 for `yak`, 2 for all others. Attention is even, so that the first
    token's sum of itself and the mean of all leaves dimension 0 or 1 above zero only where the word is; all else is switched off.
    """
    import torch

    made = bert(ORDER, positions)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
        for name, parameter in made.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.fill_(1.0)
        words = made.bert.embeddings.word_embeddings.weight
        words[:, 2] = 1.0
        for dimension, word in enumerate(("zebra", "yak")):
            words[WORDS.index(word)] = 0.0
            words[WORDS.index(word), dimension] = 1.0
        for layer in made.bert.encoder.layer[:1]:
            layer.attention.self.value.weight.copy_(torch.eye(16))
            layer.attention.output.dense.weight.copy_(torch.eye(16))
        _read_out(made, positions)
    return saved(made, folder, positions)


def _read_out(made: Any, positions: int) -> None:
    """Have the pooler pass what differs from a text without either word, and the classifier weigh it."""
    import torch

    def first(words: Sequence[str]) -> Any:
        ids = [WORDS.index(w) for w in words]
        return made.bert(input_ids=torch.tensor([ids])).last_hidden_state[0, 0]

    plain = first(["[CLS]", *["filler"] * (positions - 2), "[SEP]"])
    made.bert.pooler.dense.weight.zero_()
    for dimension, word in enumerate(("zebra", "yak")):
        found = first(["[CLS]", word, *["filler"] * (positions - 3), "[SEP]"])
        gain = 2.0 / float(found[dimension] - plain[dimension])  # the longest text has the word as its smallest share
        made.bert.pooler.dense.weight[dimension, dimension] = gain
        made.bert.pooler.dense.bias[dimension] = -gain * float(plain[dimension]) - 1.0  # tanh(-1) without the word, tanh(1) or more with it
    made.classifier.weight[2, 0] = made.classifier.weight[0, 1] = 10.0
