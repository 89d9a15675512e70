"""The runtime: each distinct text is encoded once, ever, and what was done is counted."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk.fixed import Fixed
from rag.chunk.semantic import Semantic
from rag.errors import ConfigError, ModelError
from rag.fingerprint import key
from rag.memo import Memo
from rag.models.encoder import Vectors
from rag.models.hashing import HashingEncoder
from rag.refine.mmr import Mmr
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.runtime import Runtime, Work

NAME = "hashing-16"


class Recorder(HashingEncoder):
    """The hashing encoder, which also records what it is asked for and can be interrupted after some calls."""

    def __init__(self, calls: int = 10**9) -> None:
        super().__init__(16)
        self.texts: list[str] = []
        self.left = calls

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode, or raise `KeyboardInterrupt` when no calls are left."""
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.texts += texts
        return super().encode(texts)


def _runtime(memo: Memo | None = None, encoder: Recorder | None = None) -> tuple[Runtime, Recorder]:
    runtime, encoder = Runtime(Memo() if memo is None else memo, show_progress=False), encoder or Recorder()
    runtime._encoders[NAME] = encoder
    return runtime, encoder


def test_each_distinct_text_is_encoded_once_and_the_order_is_kept() -> None:
    runtime, encoder = _runtime()
    texts = ["b two", "a", "b two", "c three words", "a"]
    rows = runtime.embed(NAME, texts)
    assert np.array_equal(rows, HashingEncoder(16).encode(texts))
    assert sorted(encoder.texts) == ["a", "b two", "c three words"]
    assert runtime.work.encodes == 3
    runtime.embed(NAME, [*texts, "new"])
    assert runtime.work == Work(encodes=4)
    assert encoder.texts[3:] == ["new"]


@given(st.lists(st.text(max_size=4), max_size=12))
@settings(deadline=None)
def test_rows_belong_to_their_texts_and_have_unit_norm(texts: list[str]) -> None:
    rows = _runtime()[0].embed(NAME, texts)
    assert rows.dtype == np.float32
    assert len(rows) == len(texts)
    if texts:
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
        assert np.array_equal(rows, HashingEncoder(16).encode(texts))


def test_no_texts_are_no_work() -> None:
    runtime, encoder = _runtime()
    assert runtime.embed(NAME, []).shape == (0, 0)
    assert (encoder.texts, runtime.work.encodes, len(runtime.memo)) == ([], 0, 0)


def test_the_prefix_is_encoded_and_is_part_of_the_key() -> None:
    runtime, encoder = _runtime()
    plain, prefixed = runtime.embed(NAME, ["fox"]), runtime.embed(NAME, ["fox"], prefix="query: ")
    assert encoder.texts == ["fox", "query: fox"]
    assert not np.array_equal(plain, prefixed)
    assert np.array_equal(prefixed, HashingEncoder(16).encode(["query: fox"]))


def test_another_runtime_on_the_same_file_encodes_nothing(tmp_path: Path) -> None:
    first, _ = _runtime(Memo(tmp_path / "m"))
    rows = first.embed(NAME, ["one", "two"])
    second, encoder = _runtime(Memo(tmp_path / "m"))
    assert np.array_equal(second.embed(NAME, ["two", "one"]), rows[::-1])
    assert (encoder.texts, second.work.encodes) == ([], 0)


def test_models_do_not_share_rows() -> None:
    runtime = Runtime(Memo(), show_progress=False)
    assert runtime.embed("hashing-16", ["fox"]).shape == (1, 16)
    assert runtime.embed("hashing-32", ["fox"]).shape == (1, 32)
    assert runtime.work.encodes == 2


def test_an_interruption_keeps_the_slices_that_were_finished() -> None:
    memo, texts = Memo(), [f"text {i}" for i in range(1300)]  # three slices of at most 512
    runtime, _ = _runtime(memo, Recorder(calls=2))
    with pytest.raises(KeyboardInterrupt):
        runtime.embed(NAME, texts)
    assert runtime.work.encodes == len(memo) == 1024
    again, encoder = _runtime(memo)
    assert np.array_equal(again.embed(NAME, texts), HashingEncoder(16).encode(texts))
    assert len(encoder.texts) == again.work.encodes == 1300 - 1024


@pytest.mark.parametrize("damage", [b"", b"\x01", bytes(8), bytes(64), b"\xff" * 64, np.ones(15, dtype=np.float32).tobytes()])
def test_a_damaged_row_is_encoded_again(damage: bytes) -> None:
    runtime, encoder = _runtime()
    rows = runtime.embed(NAME, ["one", "two"])
    kept = [k for (k,) in runtime.memo._db.execute("SELECT key FROM memo")]
    runtime.memo.put_many({kept[0]: damage})
    assert np.array_equal(runtime.embed(NAME, ["one", "two"]), rows)
    assert len(encoder.texts) == 3
    assert np.array_equal(runtime.embed(NAME, ["one", "two"]), rows)
    assert len(encoder.texts) == 3


def test_a_runtime_without_memory_works_anew_with_the_same_models() -> None:
    runtime, encoder = _runtime()
    runtime.embed(NAME, ["one"])
    fresh = runtime.unmemoised()
    fresh.embed(NAME, ["one"])
    assert encoder.texts == ["one", "one"]
    assert (runtime.work.encodes, fresh.work.encodes, len(runtime.memo)) == (1, 1, 1)
    fresh.forget()
    assert len(fresh.memo) == 0


def test_a_shared_memo_is_not_forgotten(tmp_path: Path) -> None:
    runtime, _ = _runtime(Memo(tmp_path / "m"))
    runtime.embed(NAME, ["one"])
    with pytest.raises(ValueError, match="rag memo --clear"):
        runtime.forget()
    assert len(runtime.memo) == 1


def test_without_a_memo_the_shared_one_is_opened_at_first_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    runtime = Runtime(show_progress=False)
    assert not (tmp_path / "cache").exists()
    runtime.embed("hashing-8", ["fox"])
    assert (tmp_path / "cache" / "memo.sqlite").is_file()


def test_identities_name_every_model_below_a_stage() -> None:
    runtime = Runtime(Memo(), show_progress=False)
    own, other = runtime.encoder("hashing-8").identity, runtime.encoder("hashing-16").identity
    assert runtime.identities(Rrf(of=(Bm25(), Dense(model="hashing-8"), Rrf(of=(Dense(model="hashing-16"),))))) == [own, other]
    assert runtime.identities((Mmr(model="hashing-8"), Bm25())) == [own]
    assert runtime.identities(Dense()) == []
    assert runtime.identities(Fixed()) == [runtime.tokenizer("all-MiniLM-L6-v2").identity]
    assert len(runtime.identities(Semantic(model="hashing-8"))) == 2


def test_hashing_without_a_dimension_and_unknown_precisions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="write for example hashing-64"):
        Runtime(Memo()).encoder("hashing-0")
    monkeypatch.setenv("RAG_PRECISION", "half")
    with pytest.raises(ConfigError, match="RAG_PRECISION: 'half' is not allowed; choose: auto, float32, bfloat16"):
        Runtime(Memo())


def test_precision_is_part_of_the_key() -> None:
    """Vectors of two precisions are never mistaken for one another in the memo, an index key or a lock."""
    found = [Runtime(Memo(), p).encoder("all-MiniLM-L6-v2").identity for p in ("float32", "bfloat16")]
    assert [i["precision"] for i in found] == ["float32", "bfloat16"]
    assert key(found[0]) != key(found[1])


def test_progress_is_drawn_on_standard_error_only_when_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(Runtime(Memo(), show_progress=False).track(range(5), "count", 5)) == list(range(5))
    assert capfd.readouterr() == ("", "")
    assert list(Runtime(Memo(), show_progress=True).track(range(5), "count", 5)) == list(range(5))
    out, _ = capfd.readouterr()
    assert out == ""


def test_a_still_bar_has_no_thread_that_draws_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is timed inside shares the processor with nothing of ours."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    runtime, before = Runtime(Memo(), show_progress=True), threading.active_count()
    assert [threading.active_count() for _ in runtime.track(range(3), "count", 3, still=True)] == [before] * 3
    assert max(threading.active_count() for _ in runtime.track(range(3), "count", 3)) > before
