"""What a model reads of a text: what the tokenizer of transformers gives with truncation."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.models.inputs import cut, inputs
from rag.models.tokenizer import Tokenizer

TEXTS = ["fox", "", "  ", "dog fox " * 40, "fox [SEP] dog", "文字 🙂 naïve", "a\u0000b\ud7ffc"]


@pytest.mark.parametrize("limit", [3, 8, 24])
def test_tokens_are_those_of_transformers_cut_at_the_limit(tiny: Path, limit: int) -> None:
    from transformers import AutoTokenizer

    read = AutoTokenizer.from_pretrained(tiny)(TEXTS, truncation=True, max_length=limit, return_special_tokens_mask=True)
    found = inputs(Tokenizer(str(tiny)), TEXTS, limit)
    assert [ids for ids, _ in found] == read["input_ids"]
    assert [[int(s) for s in special] for _, special in found] == read["special_tokens_mask"]


def test_what_is_cut_off_lies_before_all_special_tokens_at_the_end() -> None:
    assert cut([1, 7, 8, 9, 2, 3], [True, False, False, False, True, True], 4) == ([1, 7, 2, 3], [True, False, True, True])
    assert cut([1, 7, 8], [True, False, False], 2) == ([1, 7], [True, False])
