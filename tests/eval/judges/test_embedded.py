"""The embedded judge: what it calls a claim, when words, numbers and polarity support it, and what it names as evidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.judges.base import Claim, Label
from eval.judges.embedded import EmbeddedJudge, Frequencies
from rag.models.hashing import HashingEncoder

ENCODER = HashingEncoder()
EVEN = Frequencies(0, {})  # every word weighs the same


def judge(frequencies=EVEN, threshold=0.6):
    """A judge over the hashing encoder."""
    return EmbeddedJudge(frequencies, ENCODER.encode, ENCODER.identity, threshold=threshold)


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
        ("The cache stores prefixes.", "Prefixes are stored in the cache.", Label.SUPPORTED),
        ("The cache stores prefixes.", "Bananas are yellow.", Label.NOT_FOUND),
        ("The limit is 30 days.", "The limit is 90 days.", Label.CONTRADICTED),
        ("The limit is five days.", "The limit is 5.0 days.", Label.SUPPORTED),
        ("The window holds 1,000 tokens.", "The window holds 1k tokens.", Label.SUPPORTED),
        ("The cache is safe.", "The cache is not safe.", Label.CONTRADICTED),
        ("The cache isn't safe.", "The cache is safe.", Label.CONTRADICTED),
        ("The cache is not safe.", "The cache was never safe.", Label.SUPPORTED),
        ("The cache is safe.", "The cache was never not safe.", Label.SUPPORTED),
        ("The cache is safe.", "The cache is safe; nobody minds large bananas.", Label.SUPPORTED),
        ("One shard is enough.", "A shard is enough.", Label.SUPPORTED),
    ],
)
def test_words_numbers_and_polarity(claim, context, label):
    """Words alone do not make support: a missing number or a flipped negation is a contradiction."""
    assert verdict(claim, context).label is label


def test_a_missing_number_with_few_words_is_not_found():
    """A contradiction needs the rest of the claim to be there."""
    found = verdict("The warranty limit is 30 days everywhere.", "The limit applies.")
    assert found.label is Label.NOT_FOUND
    assert "30" in found.why


def test_the_threshold_decides():
    """Three of five equal words are .6: supported at .6, not at .61."""
    claim, context = "alpha beta gamma delta epsilon", "alpha beta gamma"
    assert verdict(claim, context).label is Label.SUPPORTED
    assert verdict(claim, context).score == pytest.approx(0.6)
    assert verdict(claim, context, of=judge(threshold=0.61)).label is Label.NOT_FOUND


def test_rare_words_weigh_more():
    """`alpha` is in all 100 texts, `zeta` in one: ln(1 + .5/100.5) against ln(1 + 99.5/1.5)."""
    frequencies = Frequencies(100, {"alpha": 100, "zeta": 1})
    common, rare = np.log(1 + 0.5 / 100.5), np.log(1 + 99.5 / 1.5)
    assert verdict("alpha zeta", "zeta", of=judge(frequencies)).score == pytest.approx(rare / (common + rare))
    assert verdict("alpha zeta", "alpha", of=judge(frequencies)).label is Label.NOT_FOUND


def test_the_evidence_is_the_smallest_best_window():
    """Two neighbouring sentences hold the claim; the third and the other context are left out."""
    context = "Nothing here yet. Shards split an index. Replicas copy shards. Bananas are yellow."
    found = verdict("Shards split an index and replicas copy shards.", "Bananas are yellow.", context)
    (evidence,) = found.evidence
    assert (evidence.context, context[evidence.start : evidence.end]) == (1, "Shards split an index. Replicas copy shards.")


def test_a_window_has_at_most_three_sentences():
    """Words that stand further apart do not support a claim together."""
    assert verdict("alpha beta", "Alpha. Filler words. Beta.").label is Label.SUPPORTED
    assert verdict("alpha beta", "Alpha. Filler words. Filler words. Beta.").score == pytest.approx(1 / 2)


def test_no_context_is_not_found():
    """Nothing shown, or nothing in it: no evidence, score 0."""
    for contexts in ((), ("",), ("Bananas.",)):
        found = verdict("The cache is safe.", *contexts)
        assert (found.label, found.score, found.evidence) == (Label.NOT_FOUND, 0.0, ())


def test_a_veto_lowers_the_score_below_any_support():
    """Scores order claims as labels do."""
    assert verdict("The cache is safe.", "The cache is not safe.").score < 0.6


def test_similarity_is_the_cosine_without_marks():
    """The same text is 1; citation marks do not matter."""
    assert judge().similarity("alpha beta", "alpha beta [1]") == pytest.approx(1.0, abs=1e-6)
    assert judge().similarity("alpha", "beta") < 0.9


def test_identity_names_everything_that_can_change_a_verdict():
    """Another table, threshold or encoder is another judge; the same ones are the same."""
    same = [judge(Frequencies.of(["alpha beta", "beta"])).identity for _ in range(2)]
    assert same[0] == same[1]
    other = EmbeddedJudge(EVEN, ENCODER.encode, HashingEncoder(32).identity)
    identities = [judge().identity, judge(threshold=0.5).identity, judge(Frequencies.of(["alpha"])).identity, other.identity]
    assert all(a != b for i, a in enumerate(identities) for b in identities[:i])


def test_frequencies_count_texts_not_occurrences():
    """`beta` twice in one text counts once; numbers are counted under one spelling."""
    frequencies = Frequencies.of(["beta beta 1,000", "beta 1000", "gamma"])
    assert (frequencies.texts, frequencies.counts) == (3, {"beta": 2, "#1000": 2, "gamma": 1})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=3), st.lists(st.text(max_size=120), max_size=3))
def test_any_text_is_judged(answers, contexts):
    """One verdict per claim for any text, score within 0 and 1, evidence inside its context; twice the same."""
    found = judge()
    claims = [c for answer in answers for c in found.claims(answer)]
    verdicts = found.support(claims, contexts, "")
    assert len(verdicts) == len(claims)
    assert verdicts == found.support(claims, contexts, "")
    for v in verdicts:
        assert 0 <= v.score <= 1
        assert all(0 <= e.start < e.end <= len(contexts[e.context]) for e in v.evidence)


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
