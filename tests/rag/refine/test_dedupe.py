"""Near duplicates: Jaccard by hand, the better-ranked is kept, over documents too, and the step names what fell."""

from __future__ import annotations

import pytest

from rag.refine.dedupe import Dedupe, jaccard, shingles
from rag.types import Chunk, Hit, Query, Span

TEXTS = {
    "a.md": "The cat sat on the mat.",
    "b.md": "the CAT sat, on the mat",
    "c.md": "The cat sat on the red mat.",
    "d.md": "A dog ate.",
}

ID = "{}0000000-0000-5000-8000-000000000000"


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index(TEXTS) as index:
        yield index.reader(index.pipeline)


def hits(*names):
    return tuple(
        Hit(Chunk(ID.format(n), Span(f"{n}.md", 0, len(TEXTS[f"{n}.md"])), TEXTS[f"{n}.md"], TEXTS[f"{n}.md"]), -float(i), "x") for i, n in enumerate(names)
    )


def kept(reader, *names, **fields):
    return [h.chunk.id[0] for h in Dedupe(**fields).refine(hits(*names), Query("q"), reader).hits]


def test_shingles_and_jaccard_by_hand():
    """`the cat sat`, `cat sat on`, `sat on the`, `on the mat` against the same three and `on the red`, `the red mat`: 3 of 6."""
    a, c = shingles(TEXTS["a.md"], 3), shingles(TEXTS["c.md"], 3)
    assert len(a) == 4
    assert jaccard(a, c) == 3 / 6
    assert shingles("Two words", 3) == {("two", "words")}
    assert jaccard(shingles("...", 3), shingles("...", 3)) == 1
    assert jaccard(shingles("...", 3), shingles("!", 3)) == 0


def test_the_better_ranked_of_two_alike_is_kept_whatever_its_document(reader):
    assert kept(reader, "a", "d", "b") == ["a", "d"]
    assert kept(reader, "b", "d", "a") == ["b", "d"]


def test_similarity_is_reached_or_not(reader):
    assert kept(reader, "a", "c", similarity=0.5) == ["a"]
    assert kept(reader, "a", "c", similarity=0.51) == ["a", "c"]


def test_what_was_dropped_drops_nothing(reader):
    """c is like a, and would be like something that only resembles c."""
    assert kept(reader, "d", "a", "b", "c", similarity=0.5) == ["d", "a"]


def test_the_step_says_what_fell_for_what(reader):
    facts = Dedupe().refine(hits("d", "a", "b"), Query("q"), reader).step.facts
    assert (facts["dropped"], facts["dropped_ids"], facts["duplicate_of"]) == (1, [ID.format("b")], [ID.format("a")])


def test_embeddings_compare_meaning_as_the_model_has_it(lab, reader):
    """The stand-in encoder knows words alone: order and case are nothing to it. Cosine of a and c by its own rows."""
    rows = lab.runtime.embed("hashing-64", [TEXTS["a.md"], TEXTS["c.md"]])
    cosine = float(rows[0] @ rows[1])
    assert kept(reader, "a", "b", "c", by="embedding", similarity=cosine - 0.01, model="hashing-64") == ["a"]
    assert kept(reader, "a", "b", "c", by="embedding", similarity=cosine + 0.01, model="hashing-64") == ["a", "c"]


def test_words_need_no_model_and_the_limit_is_of_those_kept(reader):
    assert kept(reader, "a", "b", "d", "c", limit=2, model="no such model") == ["a", "d"]
    assert Dedupe(by="embedding", model="no such model").refine((), Query("q"), reader).hits == ()
