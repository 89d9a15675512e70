"""The embedded judge: what it calls a claim, when tokens, words, numbers and polarity support it, and what it names as evidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.judges._frequencies import Frequencies
from eval.judges.base import Claim, Label
from eval.judges.embedded import Embedded, EmbeddedJudge
from rag.memo import Memo
from rag.models.hashing import HashingEncoder
from rag.runtime import Runtime

ENCODER = HashingEncoder()
EVEN = Frequencies(0, {})  # every word weighs the same


def judge(frequencies=EVEN, threshold=0.5, encoder=ENCODER):
    """A judge over the hashing encoder, to which only equal words are alike."""
    return EmbeddedJudge(frequencies, encoder.encode, encoder.token_vectors, encoder.identity, threshold=threshold)


def verdict(claim, *contexts, of=None):
    """The one verdict on a claim."""
    (found,) = (of or judge()).support([Claim(claim, 0, len(claim))], contexts, "")
    return found


def test_claims_are_sentences_with_content_and_without_marks():
    """Marks go, offsets point into the answer, sentences of stop words and marks alone are no claims."""
    answer = "Shards split an index [1]. It is so. [2] Replicas copy it [2, 3]."
    claims = judge().claims(answer)
    assert [c.text for c in claims] == ["Shards split an index", "Replicas copy it"]
    assert answer[claims[0].start : claims[0].end] == "Shards split an index"
    assert judge().claims("") == judge().claims(" [1] ") == ()


def test_a_number_alone_is_a_claim():
    """Short reference answers are often a number: there or not there."""
    assert [c.text for c in judge().claims("42")] == ["42"]
    assert verdict("42", "The answer is 42.").label is Label.SUPPORTED
    assert verdict("42", "The answer is 43.").label is Label.NOT_FOUND


@pytest.mark.parametrize(
    ("claim", "context", "label"),
    [
        ("The cache stores prefixes of prompts.", "The cache of a server stores the prefixes of prompts.", Label.SUPPORTED),
        ("The cache stores prefixes.", "Bananas are yellow.", Label.NOT_FOUND),
        ("The limit is 30 days.", "The limit is 90 days.", Label.CONTRADICTED),
        ("The limit is five days.", "The limit is 5.0 days.", Label.SUPPORTED),
        ("The window has room for 1,000 tokens.", "The window has room for 1k tokens.", Label.SUPPORTED),
        ("The novel was written in the 1940s.", "The novel was written in 1943.", Label.SUPPORTED),
        ("The novel was written in 1940.", "The novel was written in 1943.", Label.CONTRADICTED),
        ("The cache is safe.", "The cache is not safe.", Label.CONTRADICTED),
        ("The cache is never safe.", "The cache is safe.", Label.CONTRADICTED),
        ("The cache of prompts is not safe.", "The cache of prompts is never safe.", Label.SUPPORTED),
        ("The cache is safe.", "The cache is never not safe.", Label.SUPPORTED),
        ("The cache is safe.", "The cache is safe; nobody minds large bananas.", Label.SUPPORTED),
    ],
)
def test_words_numbers_and_polarity(claim, context, label):
    """Likeness alone does not make support: a missing number or a flipped negation is a contradiction."""
    assert verdict(claim, context).label is label


def test_a_negation_of_what_the_passage_does_not_speak_of_is_not_found():
    """The passage says nothing of bananas, so that it neither bears the claim out nor contradicts it; "only" may bear it out."""
    claim = "The cache of the server stores prefixes of long prompts, bananas do not."
    found = verdict(claim, "The cache of the server stores prefixes of long prompts and more.")
    assert (found.label, found.rationale) == (Label.NOT_FOUND, "it denies something, and the passage does not")
    assert verdict(claim, "Only the cache of the server stores prefixes of long prompts.").label is Label.SUPPORTED


def test_a_missing_number_far_from_any_passage_is_not_found():
    """A contradiction needs the rest of the claim to be there."""
    found = verdict("The warranty limit is 30 days everywhere.", "Bananas apply.")
    assert found.label is Label.NOT_FOUND
    assert "30" in found.rationale


@pytest.mark.parametrize(
    ("claim", "label"),
    [
        ("You have a month to send an item back.", Label.SUPPORTED),
        ("Customers may return goods for thirty days.", Label.SUPPORTED),
        ("Customers may return goods for 60 days.", Label.CONTRADICTED),
        ("Customers may not return goods within 30 days.", Label.CONTRADICTED),
        ("The shop was founded by two brothers in Ghent.", Label.NOT_FOUND),
    ],
)
def test_the_bundled_encoder_knows_a_paraphrase(claim, label):
    """Other words for the same are supported, another number and a negation are not, and neither is what is not there."""
    context = "Our shop ships every day. Goods can be returned by customers within 30 days of purchase. Postage is free."
    opened = Embedded().open([], Runtime(Memo(), show_progress=False))
    assert verdict(claim, context, of=opened).label is label


def test_a_veto_puts_the_score_under_the_threshold_and_keeps_the_order():
    """What is contradicted scores below what is supported, at any threshold; the nearer of two vetoed claims still scores higher."""
    for threshold in (0.1, 0.5, 0.9):
        assert verdict("The cache is safe.", "The cache is not safe.", of=judge(threshold=threshold)).score < threshold
    near, far = (verdict(c, "The limit is 90 days.") for c in ("The limit is 30 days.", "Bananas ripen within 30 days."))
    assert near.score > far.score


def test_the_threshold_decides_by_the_confidence():
    """The same claim is supported at its confidence and not above it."""
    claim, context = "alpha beta gamma delta epsilon", "alpha beta gamma delta and others"
    found = verdict(claim, context)
    assert found.score == found.confidence
    assert verdict(claim, context, of=judge(threshold=found.confidence)).label is Label.SUPPORTED
    assert verdict(claim, context, of=judge(threshold=found.confidence + 0.01)).label is Label.NOT_FOUND


def test_more_of_a_claim_met_is_more_support():
    """Each further word that the context has raises the score."""
    contexts = ["alpha.", "alpha beta.", "alpha beta gamma.", "alpha beta gamma delta."]
    scores = [verdict("alpha beta gamma delta epsilon", c).score for c in contexts]
    assert scores == sorted(set(scores))


def test_the_evidence_is_the_nearest_sentence_with_the_neighbour_that_completes_it():
    """Two neighbouring sentences hold the claim; the others and the other context are left out."""
    context = "Nothing here yet. Shards split an index. Replicas copy shards. Bananas are yellow."
    found = verdict("Shards split an index and replicas copy shards.", "Bananas are yellow.", context)
    (evidence,) = found.evidence
    assert (evidence.context, context[evidence.start : evidence.end]) == (1, "Shards split an index. Replicas copy shards.")


def test_a_number_is_asked_for_where_the_rest_stands():
    """A number of another passage of a long context does not stand for the one that the nearest passage contradicts."""
    context = "The limit is 90 days. Bananas are yellow. The office has 30 chairs."
    assert verdict("The limit is 30 days.", context).label is Label.CONTRADICTED
    assert verdict("The limit is 90 days, they say.", context).label is Label.SUPPORTED


def test_no_context_is_not_found():
    """Nothing shown, or nothing in it: no evidence, score 0."""
    for contexts in ((), ("",), (" \n",)):
        found = verdict("The cache is safe.", *contexts)
        assert (found.label, found.score, found.confidence, found.evidence) == (Label.NOT_FOUND, 0.0, 0.0, ())


def test_a_quote_is_supported_as_whole_words_only():
    """Letter for letter, whatever its white space and last stop; `3 days` is not quoted from `13 days` or `3.5 days`."""
    found = verdict("Shards split an index.", "They say: shards. Shards  split\nan index, often.")
    assert (found.label, found.rationale, found.score) == (Label.SUPPORTED, "quoted", 1.0)
    assert [(e.start, e.end) for e in found.evidence] == [(18, 40)]
    for context in ("The limit is 30 days", "The limit is 3.5 days", "The limit is 3,000"):
        assert verdict("The limit is 3", context).rationale != "quoted"


def test_similarity_is_the_cosine_without_marks():
    """The same text is 1; citation marks do not matter."""
    assert judge().similarity("alpha beta", "alpha beta [1]") == pytest.approx(1.0, abs=1e-6)
    assert judge().similarity("alpha", "beta") < 0.9


def test_relevance_is_the_mean_of_cosine_and_words_held():
    """A context that repeats the question has 1; half of its words, all alike, add a quarter to half the cosine."""
    grades = judge().relevance("alpha beta", ["alpha beta", "alpha", "gamma"])
    cosine = ENCODER.encode(["alpha beta"])[0] @ ENCODER.encode(["alpha"])[0]
    assert grades[:2] == pytest.approx((1.0, cosine / 2 + 0.25), abs=1e-6)
    assert grades[2] < grades[1]
    assert judge().relevance("alpha", []) == ()


def test_identity_names_everything_that_can_change_a_verdict():
    """Another table, threshold or encoder is another judge; the same ones are the same. A certificate does not speak of the table."""
    same = [judge(Frequencies.of(["alpha beta", "beta"])).identity for _ in range(2)]
    assert same[0] == same[1]
    others = [judge(), judge(threshold=0.4), judge(Frequencies.of(["alpha"])), judge(encoder=HashingEncoder(32))]
    identities = [j.identity for j in others]
    assert all(a != b for i, a in enumerate(identities) for b in identities[:i])
    assert others[0].certified_as == others[2].certified_as
    assert others[0].certified_as != others[1].certified_as


def test_a_specification_opens_with_the_models_of_the_runtime():
    """The encoder by name, the threshold as given; what is encoded is counted, in one go for all claims of a call."""
    runtime = Runtime(memo=Memo(), show_progress=False)
    opened = Embedded(encoder="hashing-64", threshold=0.4).open([], runtime)
    assert opened.identity["threshold"] == 0.4
    opened.support([Claim("Shards split an index."), Claim("Replicas copy it.")], ["An index is split by shards. Bananas."], "")
    assert runtime.work.encodes == 4
    opened.support([Claim("Shards split an index.")], ["An index is split by shards. Bananas."], "")
    assert runtime.work.encodes == 4


TEXTS = st.text(max_size=80) | st.lists(st.sampled_from("The cache is not safe . 30 5% limit BM25 alpha\nBeta [1] \ud800 \u4e2d".split(" ")), max_size=14).map(
    " ".join
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, max_size=3))
def test_any_text_is_judged(answers, contexts):
    """One verdict per claim for any text, score and confidence within 0 and 1, evidence inside its context; twice the same."""
    found = judge()
    claims = [c for answer in answers for c in found.claims(answer)]
    verdicts = found.support(claims, contexts, "")
    assert len(verdicts) == len(claims)
    assert verdicts == judge().support(claims, contexts, "")
    for v in verdicts:
        assert 0 <= v.score <= 1
        assert 0 <= v.confidence <= 1
        assert all(0 <= e.start < e.end <= len(contexts[e.context]) for e in v.evidence)
    assert all(0 <= g <= 1 for g in found.relevance(answers[0], contexts))


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(TEXTS, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_contexts_changes_nothing(answer, contexts, rng):
    """Labels, scores and reasons are those of the set of contexts."""
    claims = judge().claims(answer)
    first, second = (judge().support(claims, c, "") for c in (contexts, rng.sample(contexts, len(contexts))))
    assert [(v.label, v.score, v.rationale) for v in first] == [(v.label, v.score, v.rationale) for v in second]


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.lists(st.sampled_from("the cache limit 30 5% not alpha beta".split()), max_size=9).map(" ".join), min_size=1, max_size=4))
def test_one_more_context_takes_no_support_away_unless_it_speaks_against_it(answer, contexts):
    """While all sentences are read, what was supported stays so, unless the one that is nearer now is negated on one side only."""
    claims = judge().claims(answer)
    for fewer, more in zip(judge().support(claims, contexts[:-1], ""), judge().support(claims, contexts, ""), strict=True):
        if not more.rationale.startswith(("negated", "it denies")):
            assert more.score >= fewer.score - 1e-4


def test_a_context_with_none_of_its_words_takes_no_support_away():
    """However many there are: the sentences that hold the claim's words are read first."""
    claim, context = "The cache of a server stores prefixes.", "The cache stores the prefixes."
    others = [f"Bananas and {fruit} ripen." for fruit in ("kiwis", "plums", "figs", "pears", "limes", "dates")]
    assert verdict(claim, *others, context).score >= verdict(claim, context).score


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["alpha", "beta", "gamma", "safe", "limit", "30", "5%", "not", "never", "bm25", "shard"]), min_size=2, max_size=9))
def test_a_quotation_supports_itself(words):
    """Whatever its negations and numbers, a sentence found word for word is supported."""
    sentence = " ".join(words) + "."
    claims = judge().claims(sentence)
    assert all(v.label is Label.SUPPORTED for v in judge().support(claims, ["Before it. " + sentence], ""))


def test_a_mark_ends_a_claim_and_a_quote_is_supported():
    """Two quoted fragments without full stops are two claims, each supported for being there letter for letter."""
    context = "Settings:\n\n| k1 | 1.2 |\n\nNo claims are made without evidence."
    found = judge().claims("| k1 | 1.2 | [1] No claims are made without evidence. [1]")
    assert [c.text for c in found] == ["| k1 | 1.2 |", "No claims are made without evidence."]
    assert [v.label for v in judge().support(found, [context], "q")] == [Label.SUPPORTED, Label.SUPPORTED]


def test_frequencies_count_texts_not_occurrences():
    """`beta` twice in one text counts once; numbers are counted under one spelling."""
    frequencies = Frequencies.of(["beta beta 1,000", "beta 1000", "gamma"])
    assert (frequencies.texts, frequencies.counts) == (3, {"beta": 2, "#1000": 2, "gamma": 1})


def test_a_rare_word_weighs_more():
    """BM25's idf: `alpha` in all 100 texts, `zeta` in one: ln(1 + .5/100.5) against ln(1 + 99.5/1.5)."""
    frequencies = Frequencies(100, {"alpha": 100, "zeta": 1})
    assert frequencies.weight("alpha") == pytest.approx(np.log(1 + 0.5 / 100.5))
    assert frequencies.weight("zeta") == pytest.approx(np.log(1 + 99.5 / 1.5))
    assert verdict("alpha zeta", "zeta", of=judge(frequencies)).score > verdict("alpha zeta", "alpha", of=judge(frequencies)).score
