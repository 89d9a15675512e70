"""Made vectors: the same for the same text, near a real one as its neighbours are, and never made of a question."""

from __future__ import annotations

import numpy as np
import pytest

from eval.bench.mixture import LONGEST, SHORTEST, Mixture, sentences, uniform


@pytest.fixture(scope="module")
def rows():
    """Eighty rows around each of ten far points."""
    dice = np.random.default_rng(0)
    made = np.repeat(np.eye(10, 24), 80, axis=0) + 0.1 * dice.standard_normal((800, 24))
    made = dice.permutation(made)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_a_text_has_one_unit_vector_wherever_it_stands(rows):
    mixture = Mixture(rows, 20)
    texts = [f"text {n}" for n in range(500)]
    found = mixture.of(texts)
    assert found.shape == (500, 24)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(500), abs=1e-5)
    assert np.array_equal(mixture.of(texts[::-1])[::-1], found)
    assert len(np.unique(found, axis=0)) == 500
    assert mixture.of([]).shape == (0, 24)


def test_a_vector_leaves_the_one_it_came_from_by_the_length_that_is_said(rows):
    """Before it is made a unit vector: the angle of a move of length r that is at most as long as its own base is at least asin of what is left of it."""
    mixture = Mixture(rows, 20)
    nearest = np.arccos(np.clip((mixture.of([str(n) for n in range(300)]) @ rows[20:].T).max(axis=1), -1, 1))
    assert nearest.max() <= np.pi / 2 + np.arcsin(min(1.0, LONGEST - 1))
    assert nearest.mean() > 0.2  # near-duplicates are no corpus
    assert SHORTEST < LONGEST


def test_questions_are_held_back(rows):
    mixture = Mixture(rows, 20)
    assert np.array_equal(mixture.questions, rows[:20])
    with pytest.raises(ValueError, match="800 vectors are not enough to hold 800 back for questions"):
        Mixture(rows, 800)


def test_numbers_are_uniform_and_those_of_splitmix64():
    found = uniform([f"t{n}" for n in range(5000)], 4)
    assert found.min() >= 0
    assert found.max() < 1
    assert found.mean(axis=0) == pytest.approx([0.5] * 4, abs=0.02)
    assert np.abs(np.corrcoef(found.T) - np.eye(4)).max() < 0.05

    def mixed(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        return z ^ (z >> 31)

    seed = int.from_bytes(__import__("hashlib").blake2b(b"t0", digest_size=8).digest(), "little")
    assert found[0].tolist() == [(mixed((seed + i * 0x9E3779B97F4A7C15) % 2**64) >> 11) / 2**53 for i in range(1, 5)]


def test_sentences_are_neither_words_nor_pages():
    text = "Short. This sentence has more than thirty characters.\n\nA paragraph\nof two lines, without a full stop at its end\n\n" + "x" * 401
    assert sentences(text) == ["This sentence has more than thirty characters.", "A paragraph of two lines, without a full stop at its end"]
