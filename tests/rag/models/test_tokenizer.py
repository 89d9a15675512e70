"""Token counts and offsets without torch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.models.files import BUNDLED, digest, locate
from rag.models.tokenizer import Tokenizer

MINILM = Tokenizer(BUNDLED)


def test_counts_by_worked_example() -> None:
    # The WordPiece of BERT: em ##bed ##ding ##s dog !; special tokens are [CLS] and [SEP].
    assert MINILM.offsets("Embeddings dog!") == [(0, 2), (2, 5), (5, 9), (9, 10), (11, 14), (14, 15)]
    assert MINILM.count("Embeddings dog!") == 6
    assert MINILM.counts(["Embeddings dog!", ""]) == [6, 0]
    assert MINILM.counts(["Embeddings dog!", ""], special=True) == [8, 2]


def test_nothing_is_truncated_or_padded() -> None:
    assert MINILM.count("dog " * 2000) == 2000
    assert MINILM.counts(["dog " * 2000, "dog"]) == [2000, 1]


def test_no_texts_have_no_counts() -> None:
    assert MINILM.counts([]) == []
    assert MINILM.offsets("") == []


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_offsets_are_characters_of_the_text_in_order(text: str) -> None:
    found = MINILM.offsets(text)
    assert all(0 <= a < b <= len(text) for a, b in found)
    assert [a for a, _ in found] == sorted(a for a, _ in found)
    assert MINILM.counts([text]) == [MINILM.count(text)]


def test_offsets_count_characters_not_bytes() -> None:
    assert MINILM.offsets("🙂🙂 dog")[-1] == (3, 6)
    assert MINILM.offsets("é dog")[-1] == (2, 5)


def test_it_is_known_by_the_digest_of_its_model(tiny: Path) -> None:
    assert MINILM.identity == digest(locate(BUNDLED))
    assert Tokenizer(str(tiny)).counts(["fox ab"], special=True) == [5]  # [CLS] fox a ##b [SEP]


def test_a_directory_without_a_tokenizer_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no tokenizer\.json; save the model with a fast tokenizer, or choose another chunk\.tokenizer"):
        Tokenizer(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\xff\xfe", b'{"model": {"type": "BPE"}}'])
def test_a_damaged_tokenizer_is_told_in_one_line(tiny: Path, tmp_path: Path, content: bytes) -> None:
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    (other / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"tokenizer\.json is no tokenizer \(.*\); download the model again") as caught:
        Tokenizer(str(other))
    assert len(str(caught.value).splitlines()) == 1


WORDS = [
    "a",
    "B",
    "e\u0301",
    " ",
    "\n",
    "\t",
    "\x0b",
    "\x1c",
    "\x85",
    "\u00a0",
    "\u200b",
    "[CLS]",
    "[MASK] ",
    "##x",
    "\u4e2d",
    "\u00df",
    "\x00",
    "don't",
    "x" * 101,
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_counting_word_by_word_is_counting_the_text(text: str) -> None:
    assert MINILM.count(text) == len(MINILM._fast.encode(text, add_special_tokens=False).ids)
    assert MINILM.counts([text], special=True) == [len(MINILM._fast.encode(text).ids)]


def test_what_is_not_kept_is_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.models.tokenizer.MOST_WORDS", 2)
    small = Tokenizer(BUNDLED)
    assert [small.count(t) for t in ("dog", "Embeddings dog cat", "Embeddings dog !", "dog")] == [1, 6, 6, 1]


def _altered(folder: Path, change: Callable[[dict[str, Any]], None]) -> Tokenizer:
    """Return the tokenizer of MiniLM with its description changed."""
    data = json.loads((locate(BUNDLED) / "tokenizer.json").read_text(encoding="utf-8"))
    change(data)
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    return Tokenizer(str(folder))


def test_a_token_across_white_space_is_one_token(tmp_path: Path) -> None:
    whole = {"id": 1, "content": "new york", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    found = _altered(tmp_path, lambda data: data["added_tokens"].append(whole))
    assert (found.count("in new york city"), MINILM.count("in new york city")) == (3, 4)


def test_a_tokenizer_that_keeps_white_space_counts_it(tmp_path: Path) -> None:
    def spaced(data: dict[str, Any]) -> None:
        data["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": False}

    assert _altered(tmp_path, spaced).count("dog dog") == 3


def test_a_long_word_is_counted_and_not_kept() -> None:
    """Text without spaces would fill the memory with words that never come again."""
    tokenizer = Tokenizer(BUNDLED)
    long = "a1" * 300
    assert tokenizer.counts([f"{long} cat", long]) == [len(tokenizer._fast.encode(t, add_special_tokens=False).ids) for t in (f"{long} cat", long)]
    assert "cat" in tokenizer._words
    assert long not in tokenizer._words
