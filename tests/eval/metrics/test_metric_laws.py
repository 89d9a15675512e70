"""Laws that hold for every metric, and those that hold for the shares of verdicts, on random answers and sources."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.judges.base import Asked
from eval.metrics import metrics, parse
from eval.questions import Question
from eval.score import REASONS, Result
from rag.types import Span

CUTS = {"k": "@3", "k/low-high": "@3/0-30", "beta": "@0.5", "NAME": "@conciseness"}
FROM_FILES = {"rubric"}  # what stands behind its @ is a file
EVERY = [parse(f"{use}{CUTS[cls.cut] if cls.cut else ''}") for use, cls in metrics().items() if use not in FROM_FILES]
WORDS = ["a", "b", "Ada", "Bo", "no", "9"]
text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
sources = st.lists(text, max_size=4).map(tuple)
documents = st.lists(st.sampled_from("xyz"), max_size=4)


@st.composite
def cases(draw):
    """A question and a result of it, abstentions and unanswerable questions included."""
    answerable = draw(st.booleans())
    found = draw(documents)
    grades = draw(st.dictionaries(st.sampled_from("xyz"), st.integers(1, 3))) if answerable else {}
    evidence = tuple(Span(d, 0, 5) for d in grades)
    question = Question("q", draw(text), evidence, tuple(draw(st.lists(text, max_size=2))) if answerable else (), (), answerable, grades)
    result = Result(
        "q", tuple((Span(d, 0, 5), 1.0) for d in found), tuple(Span(d, 2, 9) for d in dict.fromkeys(found)), draw(sources),
        draw(st.integers(0, 9)), draw(st.one_of(st.just(""), text, text.map(lambda t: f"{t} [1]. A [2][9]."))), draw(st.sampled_from(["", "", "", "unsure"])),
        latency_ms=draw(st.none() | st.floats(0, 9)), ages=draw(st.dictionaries(st.sampled_from("xyz"), st.floats(0, 99))),
        held=draw(st.none() | st.just(tuple(draw(st.booleans()) for _ in evidence))), spent=draw(st.none() | st.just({"cost": 0.5, "prompt_tokens": 3.0})),
    )  # fmt: skip
    return question, result


@settings(deadline=None, max_examples=150)
@given(case=cases(), cosine=st.floats(-1, 1), writes=st.booleans())
def test_a_score_is_in_range_or_says_why_not(judge, case, cosine, writes):
    """Whatever the case, for every metric: one score under its own name, a value within the declared range or one of the reasons."""
    questions = (Asked("a"), Asked("b", noncommittal=True), Asked("no")) if writes else None
    for metric in EVERY:
        score = metric.score(*case, judge(cosine=cosine, questions=questions))
        low, high = metric.range
        assert (score.question, score.metric) == ("q", metric.name)
        if score.value is None:
            assert score.reason.partition("(")[0] in REASONS, metric.name
        else:
            assert low <= score.value, metric.name
            assert high is None or score.value <= high, metric.name


@settings(deadline=None, max_examples=150)
@given(case=cases())
def test_a_judge_that_fails_gives_no_value(judge, case):
    """Every judgement of this judge is missing. What has a value then is 0 by definition, and nobody was asked."""
    calls = []

    class Broken(judge):
        def _missing(self):
            calls.append(1)
            return super()._missing()

        def _verdict(self, text, contexts):
            return self._missing()

        def claims(self, text, question=""):
            return self._missing()

        def similarity(self, a, b):
            return self._missing()

        def asked(self, answer, contexts, n):
            return self._missing()

        def entities(self, text):
            return self._missing()

        def relevance(self, question, contexts):
            return tuple(self._missing() for _ in contexts)

    for metric in EVERY:
        calls.clear()
        score = metric.score(*case, Broken())
        if metric.needs_judge and score.value is not None:
            assert (score.value, calls) == (0.0, []), metric.name


def value(name, judge, answer, shown, reference="a b"):
    """The value of a metric."""
    return parse(name).score(Question("q", "what", answers=(reference,)), Result("q", sources=shown, answer=answer), judge()).value


@pytest.mark.parametrize("name", ["faithfulness", "factual_precision"])
@settings(deadline=None)
@given(answer=text, shown=sources)
def test_one_more_supported_claim_never_lowers_precision(judge, name, answer, shown):
    """`a` is in the reference and in the sources."""
    assert value(name, judge, f"{answer} a", (*shown, "a")) >= value(name, judge, answer, (*shown, "a"))


@pytest.mark.parametrize("name", ["faithfulness", "context_recall", "context_entity_recall"])
@settings(deadline=None)
@given(answer=text, shown=sources, more=text)
def test_one_more_source_never_lowers_what_is_found(judge, name, answer, shown, more):
    """For a judge that finds in more what it finds in less."""
    assert value(name, judge, answer, (*shown, more), "a Ada") >= value(name, judge, answer, shown, "a Ada")


@pytest.mark.parametrize(
    "name", ["faithfulness", "factual_precision", "factual_recall", "factual_correctness", "noise_sensitivity", "noise_sensitivity_irrelevant"]
)
@settings(deadline=None)
@given(answer=text, shown=sources.filter(len), random=st.randoms())
def test_the_order_of_claims_plays_no_part(judge, name, answer, shown, random):
    """Shares are blind to order."""
    mixed = " ".join(random.sample(answer.split(), len(answer.split())))
    assert value(name, judge, mixed, shown) == pytest.approx(value(name, judge, answer, shown))


@pytest.mark.parametrize(
    "name", ["faithfulness", "context_recall", "context_relevance", "context_entity_recall", "noise_sensitivity", "noise_sensitivity_irrelevant"]
)
@settings(deadline=None)
@given(answer=text, shown=sources.filter(len), random=st.randoms())
def test_the_order_of_sources_plays_no_part(judge, name, answer, shown, random):
    """Only `context_precision` and `context_utilization` read it."""
    mixed = tuple(random.sample(shown, len(shown)))
    assert value(name, judge, answer, mixed, "a Ada") == pytest.approx(value(name, judge, answer, shown, "a Ada"))


@settings(deadline=None)
@given(answer=text, shown=sources)
def test_misled_by_a_relevant_or_an_irrelevant_source_exclude_each_other(judge, answer, shown):
    """Each wrong claim counts for one of the two at most; those for neither are right or from nowhere."""
    found = [value(f"noise_sensitivity{mode}", judge, answer, (*shown, "a")) for mode in ("", "_irrelevant")]
    assert sum(found) <= 1 - value("factual_precision", judge, answer, shown) + 1e-9
