"""Legs side by side find what they find one after the other, and leave nothing running."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from rag.chunk.whole import Whole
from rag.errors import StoreError
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.pipeline import Pipeline
from rag.retrieve._together import ranked
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.runtime import Runtime
from rag.stages import Retriever
from rag.types import Document, Query, Ranking, Step

LEGS = (Dense(model="hashing-64", limit=5), Bm25(limit=5), Bm25(limit=3, k1=2.0))
TEXTS = [f"{a} {b} {c} clock" for a in ("red", "blue", "green") for b in ("ship", "house") for c in ("of stone", "of wood", "of glass")]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
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


def test_where_searches_are_kept_everything_is_done_in_order(index, tmp_path):
    with Index.open(index.path, index.runtime, memo=True) as kept:
        reader = kept.reader(index.pipeline)
        assert not reader.takes_threads
        assert ranked((Noted(), LEGS[0]), Query("red"), reader)[0].scored[0][0] == threading.current_thread().name


@pytest.mark.parametrize("legs", [(Bm25(), Failing()), (Failing(), Bm25())])
def test_a_leg_that_fails_fails_the_search(index, legs):
    with pytest.raises(StoreError, match="the index failed"):
        ranked(legs, Query("red"), index.reader(index.pipeline))


def test_what_a_keyword_leg_raises_in_its_thread_reaches_the_caller(index):
    """The index has no space of Bm25 with this k1."""
    with pytest.raises(StoreError):
        ranked((Bm25(k1=1.9), LEGS[0]), Query("red"), index.reader(index.pipeline))
