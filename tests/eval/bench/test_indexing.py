"""The benchmark of indexing: its corpus is what its table says, and what it times is a build."""

from __future__ import annotations

from itertools import pairwise

from eval.bench.indexing import PARTS, WORDS, Run, changed, corpus, index, result, texts
from rag.chunk.recursive import Recursive
from rag.chunk.whole import Whole


def test_texts_are_the_same_every_time_of_as_many_words_as_said_and_as_uneven_as_language():
    made = texts(50)
    assert made == texts(50)
    assert made != texts(50, seed=1)
    assert {len(t.split()) for t in made} == {WORDS}
    words = " ".join(made).replace(".", "").split()
    first, tenth, hundredth = (words.count(w) for w in ("the", "for", "which"))
    assert all(a > 1.5 * b for a, b in pairwise((first, tenth, hundredth)))  # Zipf: ranks 1, 9 and 30


def test_what_is_timed_is_an_index_of_as_many_chunks_and_what_did_not_change_is_not_written(tmp_path):
    for parts, chunk in ((PARTS, Recursive(size=1000, unit="characters")), (1, Whole())):
        items = corpus(20, parts)
        assert len(items) == 20 // parts
        first = index(items, chunk, tmp_path / str(parts))
        assert (first.chunks, set(first.stages)) == (20, {"read and chunk", "embed", "write", "optimize and seal"})
        again = index(items, chunk, tmp_path / str(parts))
        assert (again.chunks, set(again.stages)) == (20, {"read and chunk"})
        other = index(changed(items), chunk, tmp_path / str(parts))
        assert (other.chunks, set(other.stages)) == (20, set(first.stages))
        assert first.wall > 0
        assert first.parent > 0


def test_builds_become_a_table_in_all_and_one_by_stage():
    runs = [Run(10, 2.0, {"write": 1.5}, 0.5, 0.4), Run(10, 4.0, {"write": 2.5}, 0.7, 0.6)]
    whole, stages = result([("new", runs)], "ten chunks", "python -m x").tables
    assert whole.rows == (("new", 10 / 3, "3.00 (2.00 to 4.00)", 0.6, 0.5),)
    assert stages.rows == (("new", "write", 2.0),)
