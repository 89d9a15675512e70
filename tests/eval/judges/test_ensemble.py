"""The ensemble: votes, means and stacks worked by hand, members that fail, and what is taken from the first that can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judges.base import Claim, Evidence, Judge, Judgement, Label, Missing, Why
from eval.judges.embedded import Embedded
from eval.judges.ensemble import Ensemble, EnsembleJudge, _common
from eval.judges.make import make_judge
from eval.judges.spec import read_spec
from rag.errors import ConfigError
from rag.memo import Memo
from rag.models.chat import Usage
from rag.runtime import Runtime

from .planted import planted_model

YES, NO, ABSENT = Label.SUPPORTED, Label.CONTRADICTED, Label.NOT_FOUND
LATE = Missing(Why.TIMED_OUT, "after 60 s")


class Said(Judge):
    """A judge that says the same verdicts whatever it is asked, and can do what it is given a result for."""

    def __init__(self, *verdicts, use="said", threads=1, **results):
        self.verdicts, self.use, self.threads, self.results = verdicts, use, threads, results
        self.asked_of = []

    @property
    def identity(self):
        return {"use": self.use, "corpus": "x"}

    @property
    def certified_as(self):
        return {"use": self.use}

    def claims(self, text, question=""):
        return tuple(Claim(f"{self.use} {part}") for part in text.split("."))

    def support(self, claims, contexts, question):
        self.asked_of.append([c.text for c in claims])
        return self.verdicts

    def similarity(self, a, b):
        return self.results.get("similarity", super().similarity(a, b))

    def relevance(self, question, contexts):
        return self.results.get("relevance", super().relevance(question, contexts))


def verdict(label, score=None, at=0):
    return Judgement(label, score, evidence=(Evidence(0, at, at + 5),), usage=Usage(prompt=10))


def merged(*verdicts, **more):
    """The one verdict of an ensemble whose members said these."""
    spec = Ensemble(of=(Embedded(),) * len(verdicts), **more)
    (found,) = EnsembleJudge(spec, [Said(v) for v in verdicts]).support([Claim("a")], ["x"], "")
    return found


@pytest.mark.parametrize(
    ("votes", "label", "said"),
    [
        ((YES, YES, NO), YES, "2 of 3 say supported"),
        ((YES, NO, NO), NO, "2 of 3 say contradicted"),
        ((YES, ABSENT, ABSENT), ABSENT, "2 of 3 say not_found"),
        ((YES, NO), NO, "a tie, which is not support"),
        ((YES, ABSENT), ABSENT, "a tie, which is not support"),
        ((NO, ABSENT), NO, "a tie of contradicted and not_found, held to be the lower"),
        ((YES, NO, ABSENT), NO, "a tie of contradicted and not_found"),
        ((YES, YES, NO, ABSENT), NO, "a tie, which is not support"),
        ((YES, YES, ABSENT, ABSENT, NO), ABSENT, "2 of 5 say not_found"),
        ((YES, YES, YES, NO, ABSENT), YES, "3 of 5 say supported"),
    ],
)
def test_a_majority_needs_more_than_half_and_ties_are_the_lower_label(votes, label, said):
    found = merged(*(verdict(v) for v in votes))
    assert found.label is label
    assert said in found.rationale
    assert found.score == sum(v is YES for v in votes) / len(votes)
    assert found.confidence is None


def test_a_majority_goes_on_without_a_member_that_could_not_change_it_and_says_so():
    found = merged(verdict(YES), verdict(YES), LATE)
    assert (found.label, found.score) == (YES, 1.0)
    assert found.rationale == "2 of 2 say supported; without said 3 (timed_out: after 60 s)"


@pytest.mark.parametrize("votes", [(YES, ABSENT), (NO, ABSENT), (YES, NO), (ABSENT,), (YES,), ()])
def test_a_majority_that_a_missing_verdict_could_change_is_missing_for_its_reason(votes):
    found = merged(*(verdict(v) for v in votes), LATE, LATE)
    assert found == Missing(Why.TIMED_OUT, f"said {len(votes) + 1}: after 60 s")


@given(st.lists(st.sampled_from(list(Label)), min_size=1, max_size=5), st.lists(st.sampled_from(list(Label)), max_size=3))
def test_a_decided_majority_is_what_the_missing_members_could_not_have_changed(given_, absent):
    """Whatever they would have said."""
    if len(given_) + len(absent) < 2:
        return
    found = merged(*(verdict(v) for v in given_), *([LATE] * len(absent)))
    if isinstance(found, Judgement):
        assert merged(*(verdict(v) for v in [*given_, *absent])).label is found.label
    else:
        outcomes = {merged(*(verdict(v) for v in [*given_, *[one] * len(absent)])).label for one in Label}
        assert len(outcomes) > 1


def test_evidence_is_that_of_the_members_that_agree_and_usage_that_of_all():
    found = merged(verdict(YES, at=0), verdict(NO, at=10), verdict(YES, at=20), verdict(YES, at=0))
    assert found.evidence == (Evidence(0, 0, 5), Evidence(0, 20, 25))
    assert found.usage == Usage(prompt=40)


def test_a_mean_by_hand():
    """(.9 + .3) / 2 is .6; weighted 1 to 3 it is .45: below one half, and of those against one says contradicted."""
    found = merged(verdict(YES, 0.9), verdict(NO, 0.3), by="mean")
    assert (found.label, found.confidence) == (YES, None)
    assert found.score == pytest.approx(0.6)
    found = merged(verdict(YES, 0.9), verdict(NO, 0.3), by="mean", weights=(1, 3))
    assert found.label is NO
    assert found.score == pytest.approx(0.45)
    assert found.rationale == "mean 0.45 of said 1 0.90, said 2 0.30"
    assert merged(verdict(YES, 0.9), verdict(NO, 0.3), by="mean", threshold=0.61).label is NO
    assert merged(verdict(YES, 0.5), verdict(YES, 0.5), by="mean", threshold=0.6).label is ABSENT


def test_a_logistic_stack_by_hand():
    """1 / (1 + exp(-(-2 + 3 * .9 + 1 * .3))) = sigmoid(1) = .7311 is the confidence, with support even where no member gave any."""
    found = merged(verdict(ABSENT, 0.9), verdict(NO, 0.3), by="logistic", weights=(3, 1), bias=-2)
    assert found.label is YES
    assert found.score == found.confidence == pytest.approx(0.7310585786)
    assert found.evidence == ()
    assert merged(verdict(YES, 0.9), by="logistic", weights=(3,), bias=-3).confidence == pytest.approx(0.4255574832)


@pytest.mark.parametrize("rule", [{"by": "mean"}, {"by": "logistic", "weights": (1, 1)}])
def test_a_mean_and_a_stack_need_every_score(rule):
    assert merged(verdict(YES, 0.9), LATE, **rule) == Missing(Why.TIMED_OUT, "said 2: after 60 s")
    found = merged(verdict(YES, 0.9), verdict(YES), **rule)
    assert found.why is Why.NOT_APPLICABLE
    assert "said 2 gives no score" in found.detail


def test_every_member_judges_the_claims_of_the_first():
    first, second = Said(verdict(YES), verdict(NO), use="first"), Said(verdict(YES), verdict(NO), use="second")
    judge = EnsembleJudge(Ensemble(of=(Embedded(), Embedded())), [first, second])
    claims = judge.claims("one.two")
    assert [v.label for v in judge.support(claims, ["x"], "")] == [YES, NO]
    assert first.asked_of == second.asked_of == [["first one", "first two"]]


def test_a_member_with_too_few_verdicts_gives_none():
    """Verdicts are matched by number: one that is lost would move the others."""
    judge = EnsembleJudge(Ensemble(of=(Embedded(),) * 3), [Said(verdict(YES), verdict(NO)), Said(verdict(YES), verdict(NO)), Said(verdict(YES))])
    found = judge.support([Claim("a"), Claim("b")], ["x"], "")
    assert [v.label for v in found] == [YES, NO]
    assert all("without said 3 (count_mismatch: 1 verdicts for 2 claims)" in v.rationale for v in found)


def test_what_not_every_member_can_do_is_done_by_the_first_that_can():
    one, two, three = Said(), Said(similarity=0.5, relevance=(0.1, LATE)), Said(similarity=0.9, relevance=(0.2, 0.2))
    judge = EnsembleJudge(Ensemble(of=(Embedded(),) * 3), [one, two, three])
    assert judge.similarity("a", "b") == 0.5
    assert judge.relevance("q", ["x", "y"]) == (0.1, LATE)
    assert judge.entities("a").why is judge.asked("a", [], 1).why is judge.critique("c", {}, "q", "a", []).why is Why.NOT_APPLICABLE
    assert judge.prefer("q", "a", "b", ([], [])).why is Why.NOT_APPLICABLE
    assert EnsembleJudge(Ensemble(of=(Embedded(),) * 2), [one, one]).relevance("q", ["x"])[0].why is Why.NOT_APPLICABLE


def test_what_the_first_that_can_fails_to_do_is_not_made_up_by_another():
    judge = EnsembleJudge(Ensemble(of=(Embedded(),) * 2), [Said(similarity=LATE), Said(similarity=0.9)])
    assert judge.similarity("a", "b") == LATE


def test_identity_and_certificate_hold_those_of_the_members():
    spec = Ensemble(of=(Embedded(), Embedded()), by="logistic", weights=(1, 2), bias=0.5)
    judge = EnsembleJudge(spec, [Said(use="a", threads=4), Said(use="b", threads=2)])
    rule = {"use": "ensemble", "version": 1, "by": "logistic", "weights": [1.0, 2.0], "bias": 0.5, "threshold": 0.5}
    assert judge.identity == {**rule, "of": [{"use": "a", "corpus": "x"}, {"use": "b", "corpus": "x"}]}
    assert judge.certified_as == {**rule, "of": [{"use": "a"}, {"use": "b"}]}
    assert json.loads(json.dumps(judge.identity)) == judge.identity
    assert judge.threads == 2


def test_languages_are_those_that_every_member_reads():
    assert _common([None, None]) is None
    assert _common([None, ("english", "german"), ("german", "french")]) == ("german",)
    with pytest.raises(ConfigError, match="read no language in common"):
        _common([("english",), ("german",)])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("of: []", "of must name at least two judges"),
        ("of: [embedded]", "of must name at least two judges"),
        ("of: [embedded, embedded], weights: [1, 2]", "belong to by: mean or by: logistic"),
        ("of: [embedded, embedded], threshold: 0.6", "belong to by: mean or by: logistic"),
        ("of: [embedded, embedded], by: logistic", "weights must be 2 numbers, one per judge, not 0; eval.judges.stack.fit learns them"),
        ("of: [embedded, embedded], by: mean, weights: [1]", "weights must be 2 numbers"),
        ("of: [embedded, embedded], by: mean, weights: [1, -1]", "0 or more and not all 0"),
        ("of: [embedded, embedded], by: mean, weights: [0, 0]", "0 or more and not all 0"),
        ("of: [embedded, embedded], by: mean, bias: 1", "a mean has no bias"),
        ("of: [embedded, nobody]", r"judge.of\[1\]: no judge stage is called 'nobody'"),
    ],
)
def test_parameters_that_cannot_be_are_told(more, told):
    with pytest.raises(ConfigError, match=told):
        read_spec(f"{{use: ensemble, {more}}}")


def test_an_ensemble_as_a_user_writes_it_shares_what_its_members_remember(tmp_path: Path):
    """`embedded` and a planted `nli` agree on one claim and not on the other; the second time nothing is judged."""
    runtime = Runtime(Memo(), "float32", show_progress=False)
    nli = f"{{use: nli, model: '{planted_model(tmp_path / 'planted')}', encoder: hashing-64, window: 32, stride: 24}}"
    embedded = "{use: embedded, encoder: hashing-64}"
    judge = make_judge(f"{{use: ensemble, of: [{embedded}, {nli}]}}", [], runtime)
    claims = [Claim("the cat sat.", 0, 12), Claim("it rains often.", 0, 15)]
    contexts = ["a zebra and the cat sat."]
    found = judge.support(claims, contexts, "")
    assert [v.label for v in found] == [YES, ABSENT]
    assert found[0].evidence[0].context == 0
    done = runtime.work.judgements
    make_judge(nli, [], runtime).support(claims, contexts, "")
    make_judge(embedded, [], runtime).support(claims, contexts, "")
    judge.support(claims, contexts, "")
    assert runtime.work.judgements == done
    assert judge.support([Claim("Кошка сидит.")], contexts, "")[0].why is Why.UNREADABLE
    assert judge.similarity("the cat", "the cat") == pytest.approx(1.0)
