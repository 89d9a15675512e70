"""Where ragas 0.4.3 gives a number or NaN for what was never judged, or divides by something else, ours differs on purpose: "ragas does X, we do Y".

Both sides get the same replies of the same chat model, letter for letter, wherever a reply is what makes the difference.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest

from eval.judges._ragas_llm import Port, ragas_llm
from eval.judges.ragas import Ragas
from eval.metrics import parse
from eval.questions import Question
from eval.score import Result, Score
from rag.memo import Memo
from rag.runtime import Runtime

from .ragas_chat import Ruled, fixed, statements, verdicts
from .ragas_script import ANSWER, QUESTION, REFERENCE, Script, ScriptEmbedding, ScriptJudge, ScriptLLM, asked_and_answered, collections, theirs

ENCODER = "hashing-64"
CONTEXTS = ("one", "two")
GIVEN = {"user_input": QUESTION, "response": ANSWER, "reference": REFERENCE, "retrieved_contexts": list(CONTEXTS)}


class Both:
    """One chat model behind ragas' metric and behind ours."""

    def __init__(self, **replies: Any) -> None:
        self.runtime, self.chat = Runtime(memo=Memo(), show_progress=False), Ruled(fixed(**replies))

    def ragas(self, make: str, *fields: str, **options: Any) -> float:
        """Return what ragas says."""
        made = getattr(collections, make)(llm=ragas_llm(Port(self.runtime, self.chat)), **options)
        return theirs(made, **{name: GIVEN[name] for name in fields})

    def ours(self, metric: str, contexts: tuple[str, ...] = CONTEXTS) -> Score:
        """Return what we say, by the judge `ragas`."""
        judge = Ragas(chat=self.chat, encoder=ENCODER).open((), self.runtime)
        return parse(metric).score(*asked_and_answered(contexts), judge)


FAITHFULNESS = ("Faithfulness", "user_input", "response", "retrieved_contexts")
RECALL = ("ContextRecall", "user_input", "retrieved_contexts", "reference")


def test_of_three_claims_with_one_verdict_ragas_scores_one_and_we_say_that_verdicts_are_missing():
    both = Both(StatementGeneratorOutput=statements("a", "b", "c"), NLIStatementOutput=verdicts(("a", 1)))
    assert both.ragas(*FAITHFULNESS) == 1.0
    assert both.ours("faithfulness").why == "judge_failed(count_mismatch): 1 verdicts for 3 claims"


def test_of_two_claims_with_four_verdicts_ragas_divides_by_four_and_we_say_that_there_are_too_many():
    both = Both(StatementGeneratorOutput=statements("a", "b"), NLIStatementOutput=verdicts(("a", 1), ("b", 0), ("c", 1), ("d", 1)))
    assert both.ragas(*FAITHFULNESS) == 0.75
    assert both.ours("faithfulness").why == "judge_failed(count_mismatch): 4 verdicts for 2 claims"


@pytest.mark.parametrize("verdict", [2, -1])
def test_a_verdict_that_is_neither_0_nor_1_is_faithful_to_ragas_and_out_of_range_to_us(verdict):
    both = Both(StatementGeneratorOutput=statements("a"), NLIStatementOutput=verdicts(("a", verdict)))
    assert both.ragas(*FAITHFULNESS) == 1.0
    assert both.ours("faithfulness").why == f"judge_failed(out_of_range): the verdict is {verdict}; 0 or 1 was asked for"


@pytest.mark.parametrize(("attributed", "recall"), [((2, 1), 1.5), ((-1, 1), 0.0)])
def test_ragas_adds_raw_verdicts_up_so_that_recall_can_be_1_5_and_we_take_none_out_of_range(attributed, recall):
    rows = [{"statement": s, "reason": "r", "attributed": v} for s, v in zip("ab", attributed, strict=True)]
    out = verdicts(*zip("ab", attributed, strict=True))
    both = Both(ContextRecallOutput={"classifications": rows}, StatementGeneratorOutput=statements("a", "b"), NLIStatementOutput=out)
    assert both.ragas(*RECALL) == recall
    assert both.ours("context_recall").reason == "judge_failed(out_of_range)"


def test_ragas_weighs_a_context_by_its_raw_verdict_so_that_precision_can_be_1_83_and_we_take_none_out_of_range():
    script = Script({REFERENCE: ["a"]}, {("a", "one"): True, ("a", "two"): True}, raw={("one", REFERENCE): 2, ("two", REFERENCE): 1})
    precision = collections.ContextPrecision(llm=ScriptLLM(script))
    assert theirs(precision, user_input=QUESTION, reference=REFERENCE, retrieved_contexts=list(CONTEXTS)) == pytest.approx(11 / 6)
    both = Both(StatementGeneratorOutput=statements("a"), NLIStatementOutput=verdicts(("a", 2)))
    assert both.ours("context_precision").reason == "judge_failed(out_of_range)"


def test_of_an_answer_without_claims_ragas_says_nan_and_we_say_why_there_is_no_score():
    both = Both(StatementGeneratorOutput=statements())
    assert math.isnan(both.ragas(*FAITHFULNESS))
    assert both.ours("faithfulness").why == "judge_failed(no_claims): the answer makes no claim"


def test_of_an_empty_list_of_verdicts_ragas_says_nan_and_we_say_why():
    both = Both(StatementGeneratorOutput=statements("a"), NLIStatementOutput=verdicts())
    assert math.isnan(both.ragas(*FAITHFULNESS))
    assert both.ours("faithfulness").reason == "judge_failed(count_mismatch)"


def test_of_a_reference_without_claims_ragas_says_nan_and_we_say_that_recall_does_not_apply():
    both = Both(ContextRecallOutput={"classifications": []}, StatementGeneratorOutput=statements())
    assert math.isnan(both.ragas(*RECALL))
    assert both.ours("context_recall").reason == "not_applicable"


def test_without_a_context_ragas_raises_and_recall_is_0_for_us_without_asking():
    both = Both()
    with pytest.raises(ValueError, match="retrieved_contexts"):
        theirs(collections.ContextRecall(llm=ragas_llm(Port(both.runtime, both.chat))), **{n: GIVEN[n] for n in RECALL[1:]} | {"retrieved_contexts": []})
    assert both.ours("context_recall", contexts=()).value == 0.0
    assert both.chat.asked == []


def test_ragas_takes_factual_recall_over_true_claims_of_the_answer_and_we_over_claims_of_the_reference():
    """Five true claims of the answer cover one of two claims of the reference: 5 / (5 + 1) for ragas, 1 / 2 for us."""
    said, wanted = [f"said {i}" for i in range(5)], ["wanted 0", "wanted 1"]
    holds = {(s, REFERENCE): True for s in said} | {("wanted 0", ANSWER): True, ("wanted 1", ANSWER): False}
    script = Script({ANSWER: said, REFERENCE: wanted}, holds)
    for mode, name, ragas, ours in (("recall", "factual_recall", 0.83, 0.5), ("f1", "factual_correctness", 0.91, 2 / 3)):
        made = collections.FactualCorrectness(llm=ScriptLLM(script), mode=mode)
        assert theirs(made, response=ANSWER, reference=REFERENCE) == ragas
        assert parse(name).score(*asked_and_answered(), ScriptJudge(script)).value == ours


def test_ragas_rounds_factual_precision_to_two_decimals_and_we_do_not():
    script = Script({ANSWER: ["a", "b", "c"]}, {("a", REFERENCE): True, ("b", REFERENCE): False, ("c", REFERENCE): False})
    assert theirs(collections.FactualCorrectness(llm=ScriptLLM(script), mode="precision"), response=ANSWER, reference=REFERENCE) == 0.33
    assert parse("factual_precision").score(*asked_and_answered(), ScriptJudge(script)).value == 1 / 3


def test_of_an_answer_without_claims_factual_precision_is_0_for_ragas_and_missing_with_the_reason_for_us():
    script = Script({ANSWER: [], REFERENCE: ["a"]})
    assert theirs(collections.FactualCorrectness(llm=ScriptLLM(script), mode="precision"), response=ANSWER, reference=REFERENCE) == 0.0
    assert parse("factual_precision").score(*asked_and_answered(), ScriptJudge(script)).why == "judge_failed(no_claims): the answer makes no claim"


def _entities(wanted: list[str], found: list[str]) -> tuple[float, Score]:
    script = Script(entities={REFERENCE: wanted, "context": found})
    ragas = theirs(collections.ContextEntityRecall(llm=ScriptLLM(script)), reference=REFERENCE, retrieved_contexts=["context"])
    return ragas, parse("context_entity_recall").score(*asked_and_answered(("context",)), ScriptJudge(script))


def test_paris_is_not_Paris_to_ragas_and_is_to_us():
    ragas, ours = _entities(["paris"], ["Paris"])
    assert (ragas, ours.value) == (0.0, 1.0)


def test_of_a_reference_without_entities_ragas_says_0_and_we_say_that_entity_recall_does_not_apply():
    ragas, ours = _entities([], ["Paris"])
    assert ragas == 0.0
    assert ours.why == "not_applicable: the reference answer names no entity"


def test_all_entities_found_are_a_little_less_than_1_for_ragas_and_1_for_us():
    ragas, ours = _entities(["Paris"], ["Paris"])
    assert ragas == 1 / (1 + 1e-8) < 1
    assert ours.value == 1.0


def test_perfect_precision_is_a_little_less_than_1_for_ragas_and_1_for_us():
    script = Script({REFERENCE: ["a"]}, {("a", "one"): True, ("a", "two"): False})
    made = collections.ContextPrecision(llm=ScriptLLM(script))
    assert theirs(made, user_input=QUESTION, reference=REFERENCE, retrieved_contexts=list(CONTEXTS)) == 1 / (1 + 1e-10) < 1
    assert parse("context_precision").score(*asked_and_answered(CONTEXTS), ScriptJudge(script)).value == 1.0


def test_an_answer_that_says_nothing_is_factually_perfect_to_ragas_and_worth_0_to_us():
    """At a cosine of .6: .75 * 1 + .25 * .6 for ragas, .25 * .6 for us."""
    vectors = {ANSWER: np.array([1.0, 0.0]), REFERENCE: np.array([0.6, 0.8])}
    script = Script({ANSWER: [], REFERENCE: ["a"]}, {("a", ANSWER): False}, vectors=vectors)
    made = collections.AnswerCorrectness(llm=ScriptLLM(script), embeddings=ScriptEmbedding(script))
    assert theirs(made, user_input=QUESTION, response=ANSWER, reference=REFERENCE) == pytest.approx(0.9)
    assert parse("answer_correctness").score(*asked_and_answered(), ScriptJudge(script)).value == pytest.approx(0.15)


def test_a_refusal_is_nan_to_ragas_and_a_reason_of_its_own_to_us():
    """The statement generator finds nothing to state in "I cannot answer that"."""
    both = Both(StatementGeneratorOutput=statements())
    assert math.isnan(both.ragas(*FAITHFULNESS))
    judge = Ragas(chat=both.chat, encoder=ENCODER).open((), both.runtime)
    declined = Result("q", sources=CONTEXTS, answer="I cannot answer that", abstained="too little support")
    assert parse("faithfulness").score(Question("q", QUESTION, answers=(REFERENCE,)), declined, judge).why == "abstained"
    assert parse("faithfulness").score(Question("q", QUESTION, answerable=False), declined, judge).reason == "not_applicable"


@pytest.mark.parametrize("name", ["semantic_similarity", "answer_relevancy"])
def test_opposite_vectors_are_minus_1_to_ragas_and_0_to_us(name):
    vectors = {ANSWER: np.array([1.0]), REFERENCE: np.array([-1.0]), QUESTION: np.array([-1.0]), "asked": np.array([1.0])}
    script = Script(asked=[("asked", False)] * 3, vectors=vectors)
    embeddings = ScriptEmbedding(script)
    if name == "semantic_similarity":
        ragas = theirs(collections.SemanticSimilarity(embeddings=embeddings), reference=REFERENCE, response=ANSWER)
    else:
        ragas = theirs(collections.AnswerRelevancy(llm=ScriptLLM(script), embeddings=embeddings), user_input=QUESTION, response=ANSWER)
    assert ragas == -1.0
    assert parse(name).score(*asked_and_answered(), ScriptJudge(script)).value == 0.0


def test_when_no_question_comes_back_relevancy_is_0_to_ragas_and_the_judges_failure_to_us():
    both = Both(AnswerRelevanceOutput={"question": "", "noncommittal": 0})
    script = Script(vectors={QUESTION: np.array([1.0])})
    assert both.ragas("AnswerRelevancy", "user_input", "response", embeddings=ScriptEmbedding(script)) == 0.0
    assert both.ours("answer_relevancy").why == "judge_failed(malformed): question 1 of 3 is blank"


def test_a_dropped_verdict_breaks_the_arrays_of_ragas_noise_sensitivity_and_is_a_reason_to_us():
    def one_short(form: str, asked: dict[str, Any]) -> Any:
        rows = [(s, 1) for s in asked.get("statements", ())]
        return statements("a", "b") if form == "StatementGeneratorOutput" else verdicts(*rows[: -1 if asked["context"] == "two" else None])

    both = Both()
    object.__setattr__(both.chat, "reply", one_short)
    with pytest.raises(ValueError, match="inhomogeneous"):
        both.ragas("NoiseSensitivity", "user_input", "response", "reference", "retrieved_contexts")
    assert both.ours("noise_sensitivity").reason == "judge_failed(count_mismatch)"


def test_of_one_failed_rating_of_two_ragas_takes_the_other_alone_and_we_take_none():
    def second_fails(form: str, asked: dict[str, Any]) -> Any:
        return "refused" if len(chat.asked) > 1 else {"rating": 2}

    chat, runtime = Ruled(second_fails), Runtime(memo=Memo(), show_progress=False)
    judge = Ragas(chat=chat, encoder=ENCODER).open((), runtime)
    assert parse("context_relevance").score(*asked_and_answered(("one",)), judge).why == "judge_failed(refused): by the rule"
    chat.asked.clear()
    relevance = collections.ContextRelevance(llm=ragas_llm(Port(Runtime(memo=Memo(), show_progress=False), chat)))
    assert theirs(relevance, user_input=QUESTION, retrieved_contexts=["one"]) == 1.0


def test_when_nothing_can_be_rated_ragas_says_nan_after_ten_calls_and_we_say_why_after_one():
    both = Both(ContextRelevanceOutput="refused")
    assert math.isnan(both.ragas("ContextRelevance", "user_input", "retrieved_contexts"))
    assert len(both.chat.asked) == 10
    both.chat.asked.clear()
    assert both.ours("context_relevance", contexts=("one",)).reason == "judge_failed(refused)"
    assert len(both.chat.asked) == 1


def test_a_reply_cut_off_loses_the_whole_batch_of_ragas_and_one_score_of_ours():
    both = Both(StatementGeneratorOutput="truncated")
    made = collections.Faithfulness(llm=ragas_llm(Port(both.runtime, both.chat)))
    row = {name: GIVEN[name] for name in FAITHFULNESS[1:]}
    with pytest.raises(Exception, match="by the rule"):
        asyncio.run(made.abatch_score([row, row]))
    assert both.ours("faithfulness").why == "judge_failed(truncated): by the rule"


def test_case_articles_and_punctuation_are_no_match_to_ragas_and_are_to_us():
    assert theirs(collections.ExactMatch(), reference="Paris", response="the Paris.") == 0.0
    assert parse("exact_match").score(*asked_and_answered((), "the Paris.", "Paris"), None).value == 1.0
