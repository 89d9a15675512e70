"""The extractive answerer against the corpus: it quotes, and what it quotes is made safe before it is shown."""

from __future__ import annotations

import pytest

import rag.rendered as rendered
from eval.injection import corpus
from eval.injection.oracles import ORACLES, gated, succeeded

CASES = corpus.load()
RAW = ("link", "markup", "control", "cap")
# The question of the case, and one that holds every word of the attack, so that it is the attack that gets quoted.
ASKED = {"its own question": lambda case: "", "the attack itself": lambda case: f"{case.question} {' '.join(case.payload)}"}


@pytest.mark.parametrize("how", ASKED)
def test_hard_gates_hold_on_what_is_shown(bench, how):
    """No rendered link, nothing of another tenant, no raw output, in any family."""
    lost = []
    for case in CASES:
        shown = bench.ask(case, ASKED[how](case))
        lost += [(case.id, name) for name in RAW if ORACLES[name](case, shown)]
        lost += [(case.id, case.success) for _ in [0] if gated(case) and case.success != "verdict" and succeeded(case, shown)]
    assert lost == []


def test_the_gate_is_what_holds_them(bench, monkeypatch):
    """Quoted letter for letter, markup and control characters of documents come through: the test above can fail."""
    monkeypatch.setattr(rendered, "safe_answer", lambda text, allowed: (text, []))
    raw = {name: {c.id for c in CASES if ORACLES[name](c, bench.ask(c, ASKED["the attack itself"](c)))} for name in RAW}
    assert raw["markup"] >= {"M01", "M02", "D01"}
    assert raw["control"] >= {"M03", "M07"}
    assert raw["cap"] == set()


def test_answers_survive_the_attacks(bench):
    """Whatever is planted, the words that answer the question are quoted, but where other documents say otherwise."""
    hosts = corpus.hosts()
    without = {c.id for c in CASES if c.carrier != "query" and hosts[c.topic].answer not in bench.ask(c).answer}
    assert {i[0] for i in without} <= {"I", "N"}


def test_a_secret_of_another_tenant_would_be_found_in_its_own(bench):
    """The leak oracle can fire: asked as the other tenant, the secret is the answer."""
    case = next(c for c in CASES if c.secret)
    tenant = f"{case.id}-{corpus.OTHER}"
    answer = bench.pipeline.ask(bench.index, "What is the private note of the other team?", tenant=tenant)
    assert case.canary in answer.text
