"""Token counts and offsets without torch."""

from __future__ import annotations

import shutil
from pathlib import Path

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
