"""What a model reads of a text: its tokens with the special ones, cut at the model's limit."""

from __future__ import annotations

from collections.abc import Sequence

from rag.models.tokenizer import Tokenizer

Input = tuple[list[int], list[bool]]


def inputs(tokenizer: Tokenizer, texts: Sequence[str], limit: int) -> list[Input]:
    """Return for each text its tokens, at most `limit`, and which of them are special; what is cut off lies before the last special ones."""
    found = tokenizer._fast.encode_batch_fast(list(texts), add_special_tokens=True)
    return [cut(e.ids, [m == 1 for m in e.special_tokens_mask], limit) for e in found]


def cut(ids: list[int], special: list[bool], limit: int) -> Input:
    """Return at most `limit` tokens, the special ones at the end among them."""
    if len(ids) <= limit:
        return ids, special
    last = next((n for n, s in enumerate(reversed(special)) if not s), 0)
    return ids[: limit - last] + ids[len(ids) - last :], special[: limit - last] + special[len(special) - last :]
