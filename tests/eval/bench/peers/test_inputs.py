"""What competitors are given: the same each time, of the shapes that are said, and cut where passages end."""

from pathlib import Path

import numpy as np

from eval.bench.peers.inputs import PER_DOCUMENT, Inputs, generate, read, vocabulary, write
from rag.chunk.recursive import Recursive
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

REPOSITORY = Path(__file__).parents[4]
WORDS = [f"w{i}" for i in range(3000)]


def test_the_same_seed_makes_the_same_inputs_and_another_one_others():
    first, again, other = (generate(WORDS, ["a", "b"], 30, seed) for seed in (0, 0, 1))
    assert first[0] == again[0]
    assert all(np.array_equal(a, b) for a, b in zip(first[1:], again[1:], strict=True))
    assert first[0] != other[0]


def test_passages_have_120_words_and_vectors_length_one():
    passages, vectors, queries = generate(WORDS, ["a", "b"], 30)
    assert {len(p.split()) for p in passages} == {120}
    assert vectors.shape == (30, 384)
    assert queries.shape == (2, 384)
    assert np.allclose(np.linalg.norm(np.concatenate([vectors, queries]), axis=1), 1, atol=1e-5)


def test_frequent_words_are_frequent():
    """The first of 3,000 words has 1/2.7 of the sum of 1/(rank + 2.7), of the seven words in ten that are not a topic's: 3.8 in a hundred."""
    words = " ".join(generate(WORDS, [], 500)[0]).split()
    share = 0.7 / 2.7 / sum(1 / (rank + 2.7) for rank in range(3000))
    assert abs(words.count("w0") / len(words) - share) < 0.002  # 2 % of 60,000 draws are 3 standard deviations


def test_vocabulary_counts_lower_case_words_of_markdown(tmp_path):
    (tmp_path / "a.md").write_text("The cat, the Dog. 7 x", encoding="utf-8")
    (tmp_path / "b.txt").write_text("bird bird bird", encoding="utf-8")
    assert vocabulary(tmp_path) == ["the", "cat", "dog"]


def test_what_is_written_is_read(tmp_path):
    write(tmp_path, 25, "/weights", REPOSITORY)
    given = read(tmp_path)
    assert (len(given.passages), given.model, len(given.documents)) == (25, "/weights", 3)
    assert len(given.queries) == len(set(given.queries)) == len(given.query_vectors) > 200
    assert all(q == q.lower() and "?" not in q for q in given.queries)
    assert np.allclose(given.rows[given.passages[3]], given.vectors[3])


def test_documents_of_ten_are_cut_into_the_passages_again():
    """So that every competitor indexes the same chunks."""
    passages = generate(vocabulary(REPOSITORY / "data" / "handbook"), [], 40)[0]
    none = np.zeros((0, 384), dtype=np.float32)
    given = Inputs(passages, none, [], none, "")
    chunker = Recursive(size=given.largest, unit="characters")
    found = [t[p.start : p.end] for t in given.documents for p in chunker.chunk(Document("d", t), Runtime(Memo()))]
    assert found == passages
    assert len(given.documents) == len(passages) // PER_DOCUMENT
