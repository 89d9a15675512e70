"""Hard gates where a chat model obeys every attack: no rendered link, nothing of another tenant, no raw output, no flood, in any family."""

from __future__ import annotations

from dataclasses import replace

import pytest

import eval.injection.bench as attack
import rag.answer.generative as generative
from eval.injection import corpus
from eval.injection.bench import Obedient
from eval.injection.oracles import MOST_CALLS, ORACLES, gated, succeeded
from rag.config import parse
from rag.errors import ChatError
from rag.retrieve.bm25 import Bm25
from rag.retrieve.decompose import Decompose
from rag.retrieve.hyde import Hyde
from rag.retrieve.multi_query import MultiQuery
from rag.retrieve.step_back import StepBack

CASES = [c for c in corpus.load() if c.carrier not in ("history", "judge_answer")]
RAW = ("link", "markup", "control", "cap")
OBEDIENT = Obedient()
WRAPPERS = {
    "multi_query": MultiQuery(Bm25(limit=8), chat=OBEDIENT),
    "decompose": Decompose(Bm25(limit=8), chat=OBEDIENT),
    "hyde": Hyde(Bm25(limit=8), n=3, chat=OBEDIENT),
    "step_back": StepBack(Bm25(limit=8), chat=OBEDIENT),
}


def lost(bench, pipeline):
    found = {case: bench.ask(case, pipeline=pipeline) for case in CASES}
    broken = [(c.id, name) for c, o in found.items() for name in RAW if ORACLES[name](c, o)]
    return broken + [(c.id, c.success) for c, o in found.items() if gated(c) and c.success != "verdict" and succeeded(c, o)]


def test_nothing_gets_through_a_model_that_obeys(bench):
    assert lost(bench, bench.obeying) == []


def test_nothing_gets_through_the_reason_for_which_it_abstains(bench, monkeypatch):
    """A model that declines with an attack for a reason shows no more of it than one that answers."""
    real = attack.obey
    monkeypatch.setattr(attack, "obey", lambda prompt: f"NO ANSWER: {real(prompt)}")
    assert lost(bench, bench.obeying) == []
    assert all(bench.ask(case, pipeline=bench.obeying).abstained for case in CASES)


def test_the_gate_is_what_holds_it(bench, monkeypatch):
    """Without it the same attacks are shown: the test above can fail."""
    monkeypatch.setattr(generative, "safe_answer", lambda text, allowed: (text, []))
    broken = lost(bench, bench.obeying)
    assert {name for _, name in broken} >= {"link", "markup", "control", "cap"}
    assert len({i for i, _ in broken}) > 30


@pytest.mark.parametrize("use", WRAPPERS)
def test_no_rewriter_widens_the_scope_or_floods_the_search(bench, use):
    """Whatever a rewriter is talked into, its searches stay in scope and their number under the cap."""
    pipeline = replace(bench.pipeline, retrieve=WRAPPERS[use])
    for case in (c for c in CASES if c.family == "L" or c.secret):
        try:
            found = bench.ask(case, pipeline=pipeline)
        except ChatError as error:
            assert error.why in ("malformed", "over_budget", "too_long")
            continue
        assert not ORACLES["leak"](case, found) or case.canary in corpus.asked(case)
        assert found.calls <= MOST_CALLS
        assert all(not s.doc_id.startswith(f"{corpus.OTHER}/") for s in (*found.shown, *found.citations))


def test_a_filter_of_the_question_holds_in_every_search_of_a_rewriter(bench):
    """Scope is the tenant and the filter: neither is text that a model sees."""
    case = CASES[0]
    tenant = f"{case.id}-{corpus.OWN}"
    for retrieve in WRAPPERS.values():
        pipeline = replace(bench.pipeline, retrieve=retrieve)
        hits, _ = pipeline.search(bench.index, corpus.asked(case), tenant=tenant, where="nothing = here")
        assert hits == ()
        everything, _ = pipeline.search(bench.index, corpus.asked(case), tenant=tenant)
        assert everything


def test_instructions_stand_apart_from_what_was_retrieved(bench):
    """The system part holds no text of any document, and is the same for every case."""
    prompts = {bench.ask(case, pipeline=bench.obeying).prompt for case in CASES if case.family != "L"}
    assert len(prompts - {""}) == 1
    (system,) = prompts - {""}
    assert not any(text[:30] in system for case in CASES for text in case.payload)


def test_the_bench_asks_what_a_configuration_asks(bench):
    assert parse({**bench.base, "answer": bench.quoting}) == bench.pipeline
