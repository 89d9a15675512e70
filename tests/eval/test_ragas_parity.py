"""Where ragas 0.4.3 is right, ours gives the same number for the same verdicts: whole metric against whole metric, 300 random cases each.

Verdicts are complete and in range; what becomes of others is in `test_ragas_differences.py`. ragas adds epsilons of up to 1e-8 to
denominators, hence the tolerance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import pytest

from eval.metrics import parse

from .ragas_present import may_skip
from .ragas_script import ANSWER, QUESTION, REFERENCE, Script, ScriptEmbedding, ScriptJudge, ScriptLLM, asked_and_answered, collections, theirs

CASES, TOLERANCE = 300, 2e-8


def test_it_is_the_ragas_that_is_meant():
    assert version("ragas") == "0.4.3"


@pytest.mark.parametrize(("environment", "installed", "skipped"), [({}, False, True), ({"RAG_REQUIRE_RAGAS": "1"}, False, False), ({}, True, False)])
def test_where_ragas_is_required_its_absence_is_no_excuse(environment, installed, skipped):
    assert may_skip(environment, installed) is skipped


@dataclass(frozen=True)
class Case:
    """One random script, with the contexts it speaks of."""

    script: Script
    contexts: tuple[str, ...]


def claimed(draw: random.Random, n: int | None = None, m: int | None = None) -> Case:
    """Return claims of answer and reference, with a verdict on each alone against each context, all contexts, and the other text."""
    said = [f"said {i}" for i in range(n or draw.randint(1, 6))]
    wanted = [f"wanted {i}" for i in range(m or draw.randint(1, 6))]
    contexts = tuple(f"context {i}" for i in range(draw.randint(1, 5)))
    texts = [*contexts, "\n".join(contexts), ANSWER, REFERENCE]
    odds = draw.choice((0.0, 0.2, 0.5, 0.8, 1.0))
    holds = {(claim, text): draw.random() < odds for claim in (*said, *wanted) for text in texts}
    vectors = {text: np.abs([draw.gauss(0, 1) for _ in range(8)]) for text in (ANSWER, REFERENCE, QUESTION)}  # no cosine below 0
    return Case(Script({ANSWER: said, REFERENCE: wanted}, holds, vectors=vectors), contexts)


def named(draw: random.Random) -> Case:
    """Return entities of reference and contexts, spelled alike where they are the same."""
    known = [f"entity {i}" for i in range(8)]
    contexts = tuple(f"context {i}" for i in range(draw.randint(1, 3)))
    wanted = draw.sample(known, draw.randint(1, 8))
    found = draw.choices(known, k=draw.randint(0, 8))  # repeats count once
    return Case(Script(entities={REFERENCE: wanted, "\n".join(contexts): found}), contexts)


def questioned(draw: random.Random) -> Case:
    """Return three questions that the answer would answer, some of them noncommittal."""
    odds = draw.choice((0.0, 0.5, 0.9, 1.0))
    asked = [(f"asked {i}", draw.random() < odds) for i in range(3)]
    vectors = {text: np.abs([draw.gauss(0, 1) for _ in range(8)]) for text in (QUESTION, *(q for q, _ in asked))}
    return Case(Script(asked=asked, vectors=vectors), ("context",))


def agreed(draw: random.Random, n: int, m: int) -> Case:
    """Return `n` claims of the answer and `m` of the reference, as many of the one supported as of the other.

    ragas counts the true claims of the answer where recall is over the reference: only so does it count the same.
    """
    case = claimed(draw, n, m)
    right = draw.randint(0, min(n, m))
    holds = dict(case.script.holds)
    for text, of in ((REFERENCE, ANSWER), (ANSWER, REFERENCE)):
        chosen = draw.sample(list(case.script.claims[of]), right)
        holds |= {(claim, text): claim in chosen for claim in case.script.claims[of]}
    return Case(Script(case.script.claims, holds), case.contexts)


# ragas rounds factual correctness to two decimals: these are cases of which every share, or F1 = 2 TP / (n + m), has no more.
EVEN = (1, 2, 4, 5, 10, 20, 25)


def _recalled(draw: random.Random) -> Case:
    return agreed(draw, draw.randint(1, 30), draw.choice(EVEN))


def _balanced(draw: random.Random) -> Case:
    both = 2 * draw.choice(EVEN)
    n = draw.randint(1, both - 1)
    return agreed(draw, n, both - n)


def _precise(draw: random.Random) -> Case:
    return claimed(draw, draw.choice(EVEN))


Drive = Callable[[Case], float]


def _llm(make: str, *fields: str, **options: object) -> Drive:
    """Return what drives a metric of ragas through a case; `fields` are those it takes."""

    def drive(case: Case) -> float:
        given = {"user_input": QUESTION, "response": ANSWER, "reference": REFERENCE, "retrieved_contexts": list(case.contexts)}
        made = getattr(collections, make)(llm=ScriptLLM(case.script), **options)
        return theirs(made, **{name: given[name] for name in fields})

    return drive


def _relevancy(case: Case) -> float:
    made = collections.AnswerRelevancy(llm=ScriptLLM(case.script), embeddings=ScriptEmbedding(case.script))
    return theirs(made, user_input=QUESTION, response=ANSWER)


def _correctness(case: Case) -> float:
    made = collections.AnswerCorrectness(llm=ScriptLLM(case.script), embeddings=ScriptEmbedding(case.script))
    return theirs(made, user_input=QUESTION, response=ANSWER, reference=REFERENCE)


def _similar(case: Case) -> float:
    return theirs(collections.SemanticSimilarity(embeddings=ScriptEmbedding(case.script)), reference=REFERENCE, response=ANSWER)


ALL = ("user_input", "response", "reference", "retrieved_contexts")
SHARED: list[tuple[str, Callable[[random.Random], Case], Drive]] = [
    ("faithfulness", claimed, _llm("Faithfulness", "user_input", "response", "retrieved_contexts")),
    ("context_recall", claimed, _llm("ContextRecall", "user_input", "retrieved_contexts", "reference")),
    ("context_precision", claimed, _llm("ContextPrecision", "user_input", "reference", "retrieved_contexts")),
    ("context_utilization", claimed, _llm("ContextUtilization", "user_input", "response", "retrieved_contexts")),
    ("context_entity_recall", named, _llm("ContextEntityRecall", "reference", "retrieved_contexts")),
    ("noise_sensitivity", claimed, _llm("NoiseSensitivity", *ALL)),
    ("noise_sensitivity_irrelevant", claimed, _llm("NoiseSensitivity", *ALL, mode="irrelevant")),
    ("answer_relevancy", questioned, _relevancy),
    ("answer_correctness", claimed, _correctness),
    ("semantic_similarity", claimed, _similar),
    ("factual_precision", _precise, _llm("FactualCorrectness", "response", "reference", mode="precision")),
    ("factual_recall", _recalled, _llm("FactualCorrectness", "response", "reference", mode="recall")),
    ("factual_correctness", _balanced, _llm("FactualCorrectness", "response", "reference")),
]


@pytest.mark.parametrize(("name", "make", "drive"), SHARED, ids=[name for name, _, _ in SHARED])
def test_ours_and_ragas_say_the_same_of_the_same_verdicts(name, make, drive):
    """At least 300 cases per metric, each with a value on both sides; the values differ from case to case, so that equality says something."""
    draw, metric, seen = random.Random(name), parse(name), set()
    for number in range(CASES):
        case = make(draw)
        ours = metric.score(*asked_and_answered(case.contexts), ScriptJudge(case.script))
        assert ours.value is not None, (number, ours.why)
        assert abs(ours.value - drive(case)) <= TOLERANCE, (number, case)
        seen.add(round(ours.value, 6))
    assert len(seen) >= 8


def _sentence(draw: random.Random) -> str:
    """Return words that ragas and we read alike: no citation mark, no run of white space."""
    words = ("The", "cats", "sat", "sitting", "on", "a", "mat,", "Mats!", "42", "naïve", "co-op", "running", "ran")
    return " ".join(draw.choices(words, k=draw.randint(1, 12)))


@pytest.mark.parametrize(("name", "made"), [("rouge_l", "RougeScore"), ("chrf", "CHRFScore")])
def test_ours_and_ragas_say_the_same_of_the_same_words(name, made):
    draw, metric, ragas, seen = random.Random(name), parse(name), getattr(collections, made)(), set()
    for _ in range(CASES):
        answer, reference = _sentence(draw), _sentence(draw)
        ours = metric.score(*asked_and_answered((), answer, reference), None).value
        assert abs(ours - theirs(ragas, reference=reference, response=answer)) <= TOLERANCE, (answer, reference)
        seen.add(round(ours, 6))
    assert len(seen) >= 8


def test_ours_and_ragas_find_the_same_exact_matches_among_normalised_texts():
    """ragas compares letter for letter, ours after the normalisation of SQuAD: on texts that it leaves alone they are one."""
    draw, metric, ragas, matches = random.Random(0), parse("exact_match"), collections.ExactMatch(), 0
    for _ in range(CASES):
        answer, reference = ("".join(draw.choices("xyz", k=draw.randint(1, 2))) for _ in range(2))
        ours = metric.score(*asked_and_answered((), answer, reference), None).value
        assert ours == theirs(ragas, reference=reference, response=answer)
        matches += ours == 1
    assert 0 < matches < CASES
