"""Duplicates: what a signature estimates, what is found with which probability, and that neither order nor crowds change it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from base64 import b64encode
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from rag.index.duplicates import CROWD, HASHES, Candidate, Duplicate, Work, band_rows, find, miss_probability, similarity, sketches

PAST = "It was the best of times, it was the worst of times, it was the age of wisdom"


def sketch(text):
    """The signature of one text."""
    return sketches([text])[0]


def words(seed: int, n: int) -> list[str]:
    return [f"w{x}" for x in random.Random(seed).sample(range(10**6), n)]


def jaccard(a: list[str], b: list[str]) -> float:
    """The oracle: the sets of five words in a row, compared as they are."""
    one, two = ({tuple(t[i : i + 5]) for i in range(len(t) - 4)} for t in (a, b))
    return len(one & two) / len(one | two)


def altered(text: list[str], places: int) -> list[str]:
    """Replace words far apart: each takes five shingles with it."""
    step = len(text) // (places + 1)
    return [f"new{i}" if i % step == 0 and 0 < i <= places * step else w for i, w in enumerate(text)]


def candidate(id: str, text: str, tenant: str = "") -> Candidate:
    return Candidate(id, tenant, text, sketch(text), len(text))


def signed(id: str, data: np.ndarray, tenant: str = "") -> Candidate:
    return Candidate(id, tenant, id, b64encode(data.tobytes()).decode(), 1000)


def test_a_signature_is_256_ascii_characters_for_every_text():
    for text in ("", "   ", "a", "?!", PAST, PAST * 300, "\ud800", "\u4eca\u5929", "\x00"):
        assert len(sketch(text)) == 256
        assert sketch(text).isascii()


@given(st.lists(st.lists(st.sampled_from(["cat", "dog", "Caf\u00e9", "?!", "w", "x" * 70]), max_size=300).map(" ".join), max_size=12))
def test_signatures_made_together_are_those_made_one_by_one(texts):
    """No run of words goes over the end of a text."""
    assert sketches(texts) == [sketch(t) for t in texts]


def test_a_signature_is_the_same_in_another_process():
    """Kept signatures must still fit tomorrow: this one was written by version 2."""
    code = f"from rag.index.duplicates import sketches; import sys; sys.stdout.write(sketches([{PAST!r}])[0])"
    env = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": "."}
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    assert made == sketch(PAST)
    assert made.startswith("+kjL3npEGVuveDphzpyAnMvl")


def test_case_punctuation_space_and_how_accents_are_written_do_not_count():
    assert sketch("Caf\u00e9 a la  CARTE, please!\n") == sketch("cafe\u0301 a la carte please")


def test_short_texts_are_told_apart_and_found_equal():
    """Fewer words than a shingle has: the text is one shingle. Without words, every other character counts as one."""
    texts = ["", "a", "b", "a b", "b a", "a a", "?!", "!?", "a b c d", "a b c d e", "\u4eca\u5929", "\u5929\u4eca"]
    for i, one in enumerate(texts):
        for j, two in enumerate(texts):
            assert (similarity(sketch(one), sketch(two)) > 0.5) == (i == j), (one, two)


def test_chinese_counts_by_characters():
    text = "".join(chr(0x4E00 + 7 * i) for i in range(300))
    other = text[:150] + "\u9999" + text[151:]
    assert similarity(sketch(text), sketch(other)) == pytest.approx(291 / 301, abs=0.06)  # 296 shingles each, 5 of them lost: 291 of 301


@pytest.mark.parametrize("places", [1, 4, 10, 20, 60])
def test_the_estimate_is_unbiased_and_as_exact_as_the_formula_says(places):
    """Over 200 pairs the mean error lies within four standard errors of zero, and the spread is that of a binomial count."""
    pairs = [(t := words(seed, 500), altered(t, places)) for seed in range(200)]
    truth = jaccard(*pairs[0])
    assert truth == (496 - 5 * places) / (496 + 5 * places)
    errors = np.array([similarity(sketch(" ".join(a)), sketch(" ".join(b))) - truth for a, b in pairs])
    p = truth + (1 - truth) / 256
    spread = sqrt(p * (1 - p) / HASHES) / (1 - 1 / 256)
    assert abs(errors.mean()) < 4 * spread / sqrt(200)
    assert 0.8 < errors.std() / spread < 1.25  # 200 draws: the spread is known to 5 %


def test_unlike_texts_have_similarity_zero_after_correction():
    """Bytes agree by chance once in 256; the raw count would say .004."""
    found = [similarity(sketch(" ".join(words(s, 300))), sketch(" ".join(words(s + 1000, 300)))) for s in range(200)]
    assert np.mean(found) < 0.003  # only what lies above zero is left: E max(0, n / 192 - 1 / 256) = .0018
    assert max(found) < 0.05


def test_the_probability_of_a_miss_is_the_one_worked_out_by_the_binomial_law():
    """At .9 a band has 12 bytes; 174 of 192 bytes must agree, for (173 / 192 - 1 / 256) / (255 / 256) = .8996."""
    assert band_rows(0.9) == 12
    for j in (0.85, 0.9, 0.95, 0.99):
        p = j + (1 - j) / 256
        assert miss_probability(j) == pytest.approx(min(1.0, binom.cdf(172, HASHES, p) + (1 - p**12) ** 16), abs=1e-12)
    assert miss_probability(0.95) < 0.002
    assert miss_probability(1.0) == 0.0


@pytest.mark.parametrize(("threshold", "similar"), [(0.3, 0.45), (0.5, 0.65), (0.7, 0.8), (0.8, 0.88), (0.9, 0.95), (0.95, 0.985)])
def test_pairs_somewhat_above_the_threshold_are_missed_less_than_once_in_a_hundred(threshold, similar):
    assert miss_probability(similar, threshold) < 0.01


def test_of_a_thousand_pairs_at_similarity_95_no_more_are_missed_than_the_bound_allows():
    """394 words, two replaced: 10 of 390 shingles lost, J = 380 / 400; the bound of 1.6 misses in a thousand makes seven a case of one in 700."""
    rows = []
    for n in range(1000):
        text = words(n, 394)
        other = altered(text, 2)
        assert jaccard(text, other) == 380 / 400
        rows += [candidate(f"{n}a", " ".join(text)), candidate(f"{n}b", " ".join(other))]
    found = find(rows)
    assert all(d.of == f"{i[:-1]}a" and i.endswith("b") and not d.exact for i, d in found.items())
    assert len(found) >= 994


def test_equal_texts_are_exact_and_equal_signatures_alone_are_not():
    rows = [candidate("b", PAST), candidate("c", PAST), candidate("a", PAST.upper())]
    assert find(rows) == {"b": Duplicate("a", 1.0, False), "c": Duplicate("a", 1.0, False)}
    assert find(rows[:2]) == {"c": Duplicate("b", 1.0, True)}


def test_without_a_signature_equal_texts_are_still_found():
    rows = [Candidate(i, "", "digest", "", 5) for i in "zxy"]
    assert find(rows) == {"y": Duplicate("x", 1.0, True), "z": Duplicate("x", 1.0, True)}


def test_tenants_never_meet():
    rows = [candidate("a", PAST, "one"), candidate("b", PAST, "two"), candidate("c", PAST.upper(), "two")]
    assert find(rows) == {"c": Duplicate("b", 1.0, False)}


def test_there_are_no_chains():
    """b is near a and c is near b, but c is not near a: c stays."""
    base = np.zeros(HASHES, dtype=np.uint8)
    near, far = base.copy(), base.copy()
    near[:15], far[:30] = 1, 1
    assert find([signed("a", base), signed("b", near), signed("c", far)]) == {"b": Duplicate("a", pytest.approx((177 / 192 - 1 / 256) * 256 / 255), False)}


def test_the_most_similar_of_those_kept_stands_for_a_duplicate_and_of_equals_the_smallest_id():
    base = np.zeros(HASHES, dtype=np.uint8)
    left, right = base.copy(), base.copy()
    left[::16], right[8::16] = 1, 1  # 12 bytes each: 24 apart, so both are kept, and 12 from the base
    closer = base.copy()
    closer[8::32] = 1
    assert find([signed("b", left), signed("a", right), signed("c", base), signed("d", closer)]).keys() == {"c", "d"}
    assert find([signed("b", left), signed("a", right), signed("c", base)])["c"].of == "a"
    assert find([signed("a", left), signed("b", right), signed("d", closer)])["d"].of == "b"


def test_a_text_repeated_over_and_over_is_no_duplicate_of_the_text():
    rows = [candidate("a", PAST), candidate("b", f"{PAST} " * 50)]
    assert find(rows) == {}


@st.composite
def collections(draw) -> list[Candidate]:
    """Draw signatures around few centres, so that groups, borders and chains all occur."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    centres = rng.integers(0, 256, (draw(st.integers(1, 3)), HASHES), dtype=np.uint8)
    rows = []
    for n in range(draw(st.integers(0, 40))):
        data = centres[rng.integers(len(centres))].copy()
        data[rng.random(HASHES) < rng.choice([0, 0.02, 0.05, 0.1])] = rng.integers(256)
        rows.append(Candidate(f"{n}", str(rng.integers(2)), data.tobytes().hex(), b64encode(data.tobytes()).decode(), int(rng.choice([100, 100, 100, 400]))))
    return rows


@given(collections(), st.randoms(use_true_random=False), st.sampled_from([0.5, 0.9, 1.0]))
def test_the_order_of_the_input_changes_nothing_and_the_laws_hold(rows, rnd, threshold):
    found = find(rows, threshold)
    shuffled = rows.copy()
    rnd.shuffle(shuffled)
    assert find(shuffled, threshold) == found
    by_id = {r.id: r for r in rows}
    for id, duplicate in found.items():
        one, other = by_id[id], by_id[duplicate.of]
        assert duplicate.of not in found
        assert duplicate.of < id
        assert one.tenant == other.tenant
        assert duplicate.exact == (one.text_digest == other.text_digest and one.length == other.length)
        assert duplicate.similarity == similarity(one.sketch, other.sketch) >= threshold


def test_twenty_thousand_documents_need_about_one_comparison_per_pair_there_is():
    """Comparing all would be 200 million; here no two share a band by chance, so only the thousand copies are compared."""
    rng = np.random.default_rng(5)
    data = rng.integers(0, 256, (20_000, HASHES), dtype=np.uint8)
    data[19_000:] = data[:1000]
    data[19_000:, ::40] ^= 1  # 5 bytes of 192
    work = Work()
    found = find((signed(f"{n:05d}", row) for n, row in enumerate(data)), work=work)
    assert {i: d.of for i, d in found.items()} == {f"{n + 19_000:05d}": f"{n:05d}" for n in range(1000)}
    assert work.compared <= 1010


def test_a_crowd_of_like_documents_costs_no_more_than_its_buckets_hold():
    """5,000 forms that share 81 % of their text: three pairs in four share a band, and yet copies are found among few comparisons."""
    rng = np.random.default_rng(6)
    form = rng.integers(0, 256, HASHES, dtype=np.uint8)
    data = np.where(rng.random((5000, HASHES)) < 0.9, form, rng.integers(0, 256, (5000, HASHES), dtype=np.uint8))  # .9^2 = .81 between two
    data[4900:] = data[:100]
    data[4900:, 7] ^= 1
    work = Work()
    found = find((signed(f"{n:04d}", row) for n, row in enumerate(data)), work=work)
    alone = [n for n in range(100) if f"{n:04d}" not in found]
    assert len(alone) > 95  # by chance a form may itself be near another
    assert [n for n in alone if f"{n + 4900:04d}" not in found] == []
    assert work.compared <= 5000 * CROWD * 4  # all pairs: 12.5 million


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01, float("nan")])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(ValueError, match=r"must lie in \(0, 1\]"):
        find([], threshold)


def test_ids_that_come_twice_and_signatures_of_another_size_are_refused():
    with pytest.raises(ValueError, match="same id"):
        find([candidate("a", "x"), candidate("a", "y")])
    with pytest.raises(ValueError, match="holds 192 bytes, this one 3"):
        find([Candidate("a", "", "d", "AAAA", 1)])
    with pytest.raises(ValueError, match="base64"):
        find([Candidate("a", "", "d", "not a signature", 1)])
