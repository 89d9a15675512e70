"""Legs side by side find what they find one after the other, and leave nothing running."""

from __future__ import annotations

import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from rag.chunk.whole import Whole
from rag.errors import StoreError
from rag.index import reader as reader_module
from rag.index.audit import AuditLog
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.pipeline import Pipeline
from rag.retrieve import _together
from rag.retrieve._together import ranked
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.runtime import Runtime
from rag.stages import Retriever
from rag.types import Document, Feedback, Query, Ranking, Step

LEGS = (Dense(model="hashing-64", limit=5), Bm25(limit=5), Bm25(limit=3, k1=2.0))
TEXTS = [f"{a} {b} {c} clock" for a in ("red", "blue", "green") for b in ("ship", "house") for c in ("of stone", "of wood", "of glass")]


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(reader_module, "MANY", 1)


@pytest.fixture
def index(tmp_path):
    folder = tmp_path
    pipeline = Pipeline(Whole(), Rrf(LEGS))
    runtime = Runtime(Memo(), show_progress=False)
    build(folder / "index", pipeline, (Loaded(Document(f"{n:02d}", t), folder) for n, t in enumerate(TEXTS)), [folder], runtime)
    with Index.open(folder / "index", runtime) as opened:
        yield opened


@dataclass(frozen=True)
class Noted(Bm25):
    """Says which thread it was asked in."""

    limit: int = 7

    def rank(self, query, reader):
        """Return a name in the place of an id."""
        return Ranking(((threading.current_thread().name, 1.0),), Step("retrieve", "noted", 0.0))


@dataclass(frozen=True)
class Slow(Bm25):
    """Takes a while, and says that it was begun and that it ended."""

    limit: int = 7
    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def rank(self, query, reader):
        """Return a name in the place of an id."""
        self.begun.append(1)
        time.sleep(0.3)
        self.ended.append(1)
        return Ranking((("slow", 1.0),), Step("retrieve", "slow", 0.0))


@dataclass(frozen=True)
class Failing(Retriever):
    """Raises."""

    def rank(self, query, reader):
        """Raise."""
        raise StoreError("the index failed")


@pytest.mark.parametrize("text", ["red ship", "wooden houses of stone", "clock", "", "nothing of it"])
@pytest.mark.parametrize("legs", [LEGS, LEGS[::-1], LEGS[:1], LEGS[1:]])
def test_the_rankings_are_those_of_one_after_the_other_in_the_order_of_the_legs(index, legs, text):
    reader = index.reader(index.pipeline)
    assert reader.takes_threads
    found = ranked(legs, Query(text), reader)
    assert [r.scored for r in found] == [leg.rank(Query(text), reader).scored for leg in legs]


def test_keyword_legs_are_asked_in_a_thread_of_their_own_only_beside_others(index):
    reader, own = index.reader(index.pipeline), threading.current_thread().name
    beside = ranked((Noted(), LEGS[0]), Query("red"), reader)[0].scored[0][0]
    assert beside.startswith("keyword-leg") or beside == own  # where no thread was free in time
    assert ranked((Noted(), Noted()), Query("red"), reader)[0].scored[0][0] == own


def test_of_few_chunks_and_where_vectors_are_quantized_everything_is_done_in_order(index, monkeypatch):
    assert not index.reader(index.pipeline, exact=False).takes_threads
    monkeypatch.setattr(reader_module, "MANY", len(TEXTS) + 1)
    with Index.open(index.path, index.runtime) as again:
        assert not again.reader(index.pipeline).takes_threads


def test_where_searches_are_kept_everything_is_done_in_order(index, tmp_path):
    with Index.open(index.path, index.runtime, memo=True) as kept:
        reader = kept.reader(index.pipeline)
        assert not reader.takes_threads
        assert ranked((Noted(), LEGS[0]), Query("red"), reader)[0].scored[0][0] == threading.current_thread().name


def test_with_an_audit_log_or_feedback_everything_is_done_in_order(index, tmp_path):
    own = threading.current_thread().name
    with Index.open(index.path, index.runtime, audit=AuditLog(tmp_path / "audit.jsonl")) as watched:
        reader = watched.reader(index.pipeline)
        assert not reader.takes_threads
        assert ranked((Noted(), LEGS[0]), Query("red"), reader)[0].scored[0][0] == own
    chunk = index.pipeline.search(index, "red")[0][0].chunk.id
    fed = Query("red", feedback=Feedback(((chunk, 1.0),), 3, 0.5, 0.5))
    assert ranked((Noted(), LEGS[0]), fed, index.reader(index.pipeline))[0].scored[0][0] == own


def test_a_search_that_fails_waits_for_the_legs_that_were_begun(index):
    slow = Slow()
    with pytest.raises(StoreError, match="the index failed"):
        ranked((slow, Failing()), Query("red"), index.reader(index.pipeline))
    assert len(slow.begun) == len(slow.ended)  # either never begun or at its end


def test_where_no_thread_can_be_had_legs_are_asked_by_the_caller(index, monkeypatch):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(_together, "_pool", lambda: pool)
    found = ranked(LEGS, Query("red ship"), index.reader(index.pipeline))
    assert [r.scored for r in found] == [leg.rank(Query("red ship"), index.reader(index.pipeline)).scored for leg in LEGS]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_was_forked_has_threads_of_its_own(index):
    reader = index.reader(index.pipeline)
    ranked(LEGS, Query("red"), reader)
    before = _together._pool()
    assert _together._pool() is before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of a fork beside threads, which is what this is about
        child = os.fork()
    if not child:
        os._exit(0 if _together._pool() is not before else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("legs", [(Bm25(), Failing()), (Failing(), Bm25())])
def test_a_leg_that_fails_fails_the_search(index, legs):
    with pytest.raises(StoreError, match="the index failed"):
        ranked(legs, Query("red"), index.reader(index.pipeline))


def test_what_a_keyword_leg_raises_in_its_thread_reaches_the_caller(index):
    """The index has no space of Bm25 with this k1."""
    with pytest.raises(StoreError):
        ranked((Bm25(k1=1.9), LEGS[0]), Query("red"), index.reader(index.pipeline))
