"""A pipeline is a value: equal when its parameters are, and the same answer from the same index every time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from rag.chunk.fixed import Fixed
from rag.chunk.semantic import Semantic
from rag.chunk.whole import Whole
from rag.errors import ChatError
from rag.filters import And, Condition
from rag.index.reader import Reader
from rag.index.store import Index
from rag.memo import Memo
from rag.models.files import BUNDLED
from rag.pipeline import IndexOptions, Models, Pipeline
from rag.refine.mmr import Mmr
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.runtime import Runtime
from rag.stages import Answerer, Retriever
from rag.types import Answer, Context, Query, Ranking, Step

from .conftest import Lab

ROOT = Path(__file__).parents[2]
SEEN: list[Query] = []
TEXTS = {
    "fox": "The quick fox jumps over the lazy dog.",
    "cache": "A prefix cache keeps keys and values of a prompt.",
    "rank": "Rank fusion adds reciprocal ranks.",
}


@dataclass(frozen=True)
class Watching(Retriever):
    """Finds nothing and records what it is asked."""

    use: ClassVar[str] = "watching"

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Record the query."""
        SEEN.append(query)
        return Ranking((), Step("retrieve", self.use, 0.0))


def test_equal_parameters_are_equal_pipelines() -> None:
    a = Pipeline(Whole(), Rrf(of=(Bm25(), Dense())), (Mmr(),))
    assert a == Pipeline(Whole(), Rrf(of=(Bm25(), Dense())), (Mmr(),))
    assert hash(a) == hash(Pipeline(Whole(), Rrf(of=(Bm25(), Dense())), (Mmr(),)))
    assert a != Pipeline(Whole(), Rrf(of=(Dense(), Bm25())), (Mmr(),))
    with pytest.raises(FrozenInstanceError):
        a.chunk = Fixed()  # type: ignore[misc]  # that is what is tested


def test_lists_are_taken_for_tuples_and_their_stages_get_their_model_too() -> None:
    a = Pipeline(Whole(), Rrf(of=[Bm25(), Dense()]), [Mmr()])  # type: ignore[arg-type]  # that is what is tested
    assert a == Pipeline(Whole(), Rrf(of=(Bm25(), Dense())), (Mmr(),))
    assert a.refine == (Mmr(model=BUNDLED),)


def test_stages_that_name_no_model_get_the_named_one_and_others_keep_theirs() -> None:
    a = Pipeline(Semantic(), Rrf(of=(Dense(), Dense(model="mine"))), models=Models("hashing-8"))
    assert a.chunk == Semantic(model="hashing-8")
    assert a.retrieve == Rrf(of=(Dense(model="hashing-8"), Dense(model="mine")))
    assert replace(a) == a
    assert Pipeline(Whole(), Dense()).retrieve == Dense(model=BUNDLED)


def test_the_chunk_key_is_that_of_the_cut_alone() -> None:
    base = Pipeline(Fixed(), Bm25())
    assert base.chunk_key == Pipeline(Fixed(size=200), Dense(), (Mmr(),), index=IndexOptions(exact_below=1)).chunk_key
    assert base.chunk_key != Pipeline(Fixed(overlap=1), Bm25()).chunk_key
    assert Pipeline(Semantic(), Bm25()).chunk_key != Pipeline(Semantic(), Bm25(), models=Models("hashing-8")).chunk_key


def test_options_of_the_index_are_held_to_their_bounds() -> None:
    for wrong in ({"exact_below": -1}, {"max_document_mb": 0}, {"max_document_mb": float("nan")}, {"tenant_key": " "}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            IndexOptions(**wrong)


def test_search_runs_the_refiners_in_order_and_traces_each(lab: Lab) -> None:
    pipeline = lab.pipeline(refine=[{"use": "mmr", "limit": 2}, {"use": "parents", "limit": 1}])
    with lab.index(TEXTS, pipeline) as index:
        hits, steps = pipeline.search(index, "quick fox cache")
    assert [(s.stage, s.use) for s in steps] == [("retrieve", "rrf"), ("refine", "mmr"), ("refine", "parents")]
    assert [s.use for s in steps[0].steps] == ["bm25", "dense"]
    assert [s.facts["hits"] for s in steps] == [3, 2, 1]
    assert len(hits) == 1
    written = json.dumps([dict(s.facts) for top in steps for s in top.walk()])
    assert "lazy" not in written  # facts hold ids and numbers, no text


def test_ask_carries_ranking_context_and_the_trace_of_every_stage(lab: Lab) -> None:
    pipeline = lab.pipeline("bm25", answer={"use": "extractive", "blend": 0})
    with lab.index(TEXTS, pipeline) as index:
        answer = pipeline.ask(index, "What does a prefix cache keep?")
        assert answer.ranking == pipeline.search(index, "What does a prefix cache keep?")[0]
        assert answer == replace(pipeline.ask(index, "What does a prefix cache keep?"), trace=answer.trace)
    assert answer.abstained == ""
    assert [(c.doc_id, TEXTS[c.doc_id][c.start : c.end]) for c in answer.citations] == [("cache", TEXTS["cache"])]
    assert [s.stage for s in answer.trace] == ["retrieve", "pack", "answer"]
    assert all(s.ms >= 0 for s in answer.trace)
    assert answer.trace[1].facts == {"sources": 1, "tokens": answer.context.tokens, "dropped": 0, "cut": 0}


def test_a_stage_of_ones_own_works_unregistered_and_gets_text_and_conditions(lab: Lab) -> None:
    SEEN.clear()
    pipeline = replace(lab.pipeline("bm25"), retrieve=Watching())
    where = ["team=red", "year >= 2024"]
    with lab.index(TEXTS, lab.pipeline("bm25")) as index:
        assert pipeline.ask(index, "caf\u00e9 \ud800?", where=where).abstained
    assert [Query("caf\u00e9 \ufffd?", And((Condition("team", "=", ("red",)), Condition("year", ">=", ("2024",)))))] == SEEN  # a lone surrogate is no character


@pytest.mark.parametrize("text", ["", " \n", "the of", "🙂", "\udcff", "\x00", "x" * 1_000_000])
@pytest.mark.parametrize("retrieve", ["bm25", "dense", "rank_bm25", None])
def test_any_text_gives_an_answer_or_an_abstention_with_its_reason(lab: Lab, text: str, retrieve: str | None) -> None:
    pipeline = lab.pipeline(retrieve)
    with lab.index(TEXTS, pipeline) as index:
        answer = pipeline.ask(index, text)
    assert bool(answer.abstained) != bool(answer.citations)


def test_with_a_memo_a_search_is_done_once(lab: Lab) -> None:
    pipeline, runtime, path = lab.pipeline(), Runtime(Memo(), show_progress=False), lab.folder()
    lab.build(path, pipeline, TEXTS)
    with Index.open(path, runtime, memo=True) as index:
        first = pipeline.search(index, "quick fox")[0]
        done = runtime.work.as_dict()
        assert (done["searches"], done["encodes"]) == (2, 1)
        assert pipeline.search(index, "quick fox")[0] == first
        assert runtime.work.as_dict() == done
    with Index.open(path, runtime, memo=True) as index:
        assert pipeline.search(index, "quick fox")[0] == first
    assert runtime.work.as_dict() == done


def test_the_public_names_come_at_first_use_and_load_stays_a_function() -> None:
    code = """
import sys, rag, rag.cli
assert 'rag.config' not in sys.modules
import rag.loaders.corpus
from rag import Index, Pipeline, Runtime, load
assert load('configs/bm25.yaml') == Pipeline(**{k: getattr(load('configs/bm25.yaml'), k) for k in ('chunk', 'retrieve', 'pack', 'answer')})
assert Index.__name__ == 'Index' and Runtime.__name__ == 'Runtime' and sorted(rag.__all__) == ['Index', 'Pipeline', 'Runtime', 'load']
try: rag.nothing
except AttributeError as error: assert str(error) == "module 'rag' has no attribute 'nothing'"
else: raise SystemExit('no error')
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("blend", [0, 0.7])
def test_asked_together_questions_have_the_answers_they_have_alone(lab: Lab, blend: float) -> None:
    pipeline = lab.pipeline("bm25", answer={"use": "extractive", "blend": blend, "model": "hashing-64"})
    asked = ["What does a prefix cache keep?", "", "of the", "zebra", "What jumps over the dog?", "What does a prefix cache keep?"]
    with lab.index(TEXTS, pipeline) as index:
        together = list(pipeline.ask_all(index, asked))
        alone = [pipeline.ask(index, text) for text in asked]
    assert [replace(a, trace=()) for a in together if isinstance(a, Answer)] == [replace(a, trace=()) for a in alone]
    assert [[s.stage for s in a.trace] for a in together if isinstance(a, Answer)] == [["retrieve", "pack", "answer"]] * 6
    assert [bool(a.citations) for a in together if isinstance(a, Answer)] == [True, False, False, False, True, True]


@dataclass(frozen=True)
class Refusing(Answerer):
    """Answers, but not where the question says so."""

    use: ClassVar[str] = "refusing"

    def answer(self, query: Query, context: Context, reader: Reader) -> Answer:
        """Answer with nothing, or fail for the reason that is asked for."""
        if query.text.startswith("fail "):
            raise ChatError("no", why=query.text.split()[1])
        return Answer(query.text, "yes", (), context)


def test_of_questions_asked_together_one_that_fails_for_a_reason_of_its_own_fails_alone(lab: Lab) -> None:
    pipeline = replace(lab.pipeline("bm25"), answer=Refusing())
    with lab.index(TEXTS, lab.pipeline("bm25")) as index:
        found = list(pipeline.ask_all(index, ["a fox", "fail refused", "a dog"], placed=frozenset({"refused"})))
        assert [f.why if isinstance(f, ChatError) else f.text for f in found] == ["yes", "refused", "yes"]
        with pytest.raises(ChatError, match="no"):
            list(pipeline.ask_all(index, ["a fox", "fail timeout", "a dog"], placed=frozenset({"refused"})))
