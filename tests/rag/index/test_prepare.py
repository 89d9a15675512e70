"""One document to what is written of it: what a payload holds, what its row counts, and that one bad cut costs one document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from rag.errors import StoreError
from rag.index.prepare import TEXT_IN_PAYLOAD, Recipe, index_text, prepare, prepare_all
from rag.runtime import Runtime
from rag.stages import Chunker, SparseSpace
from rag.types import Document, Piece


@dataclass(frozen=True)
class BreaksOnX(Chunker):
    """Breaks its contract where the text begins with x."""

    use = "breaks_on_x"

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        if document.text:
            yield Piece(0, len(document.text) + document.text.startswith("x"))


def made(lab, document, pipeline, spaces=None):
    return prepare(document, "/corpus", Recipe(pipeline, tuple(spaces or pipeline.retrieve.spaces()), lab.runtime, 9.0))


def test_a_chunker_that_breaks_its_contract_fails_that_document_alone(lab):
    pipeline = replace(lab.pipeline("bm25"), chunk=BreaksOnX())
    assert made(lab, Document("a", "good"), pipeline).row.chunks == 1
    with pytest.raises(ValueError, match=r"chunk 0 of 'b' is \[0, 5\) in a text of 4 characters"):
        made(lab, Document("b", "xbad"), pipeline)


def test_a_payload_says_where_the_chunk_is_and_repeats_no_text_it_can_derive(lab):
    pipeline = lab.pipeline("bm25")
    found = made(lab, Document("a", " short ", {"t": True, "l": ("x", "y")}, "Title"), pipeline)
    assert found.payloads == [{"kind": "chunk", "doc": "a", "start": 1, "end": 6, "text": "short", "meta": {"t": "true", "l": ("x", "y")}}]
    assert index_text(found.payloads[0], "Title", found.text) == "Title short"
    found = made(lab, Document("a", "x" * (TEXT_IN_PAYLOAD + 1)), pipeline)
    assert "text" not in found.payloads[0]
    assert index_text(found.payloads[0], "", found.text) == found.text


def test_tables_of_pages_stay_with_the_document(lab):
    """`page_starts` is as long as the document: a copy in each chunk would grow with the square of it."""
    found = made(lab, Document("a", "one two three four", {"page_starts": ("0", "9"), "k": 1}), lab.pipeline("bm25", {"use": "fixed", "size": 2}))
    assert [p["meta"]["k"] for p in found.payloads] == [1, 1]
    assert not any("page_starts" in p["meta"] for p in found.payloads)
    assert found.row.meta == {"page_starts": ("0", "9"), "k": 1}
    assert "page_starts" not in found.facts.fields


def test_long_chunks_are_read_back_from_the_pages(lab):
    text = "\U0001f469 word " * 5000
    with lab.index([Document("a", text, title="T")], lab.pipeline("bm25")) as index:
        (chunk,) = index.reader(index.pipeline).all_chunks()
    assert chunk.text == text.strip()
    assert chunk.index_text == f"T {text.strip()}"


def test_spaces_of_one_language_share_their_counts(lab):
    spaces = (SparseSpace("english", 1.2, 0.75), SparseSpace("english", 2.0, 0.75), SparseSpace("none", 1.2, 0.75))
    found = made(lab, Document("a", "the cats and cats"), lab.pipeline("bm25"), spaces)
    assert sorted(found.counts) == ["english", "none"]
    assert found.counts["english"].times.tolist() == [2]
    assert sorted(found.counts["none"].times.tolist()) == [1, 1, 2]
    assert found.facts.terms == {"english": (1, 2), "none": (1, 4)}


def test_a_chunk_without_terms_counts_as_none(lab):
    found = made(lab, Document("a", "the the"), lab.pipeline("bm25"))
    assert found.counts["english"].lengths == [0]
    assert found.facts.terms == {"english": (0, 0)}


def test_terms_of_chunks_lie_one_after_the_other(lab):
    found = made(lab, Document("a", "cat cat dog bird"), lab.pipeline("bm25", {"use": "fixed", "size": 3}))
    counts = found.counts["english"]
    assert counts.lengths == [2, 1]
    assert counts.times.tolist() in ([2, 1, 1], [1, 2, 1])


def test_fields_are_named_with_their_kind(lab):
    meta = {"text": "t", "int": 1, "float": 0.5, "bool": True, "list": ("p",)}
    found = made(lab, Document("a", "x y", meta), lab.pipeline("bm25"))
    assert found.facts.fields == {"text": "keyword", "int": "integer", "float": "float", "bool": "keyword", "list": "keyword"}


def test_a_row_counts_what_it_describes(lab):
    document = Document("a", "---\n---\none two three four five six", {"team": "t1"}, "Tt", body=8, source="/corpus/a", modified=3.0)
    found = made(lab, document, lab.pipeline("bm25", {"use": "fixed", "size": 3}, index={"tenant_key": "team"}))
    row = found.row
    assert (row.id, row.chunks, row.tenant, row.length, row.root, row.body, row.gaps) == ("a", 2, "t1", 35, "/corpus", 8, 8)
    assert (row.digest, row.title, row.source, row.modified, row.indexed, row.meta) == (document.digest, "Tt", "/corpus/a", 3.0, 9.0, {"team": "t1"})
    assert all((p["tenant"], p["modified"]) == ("t1", 3.0) for p in found.payloads)
    assert len(found.ids) == len(set(found.ids)) == 2


def test_chunks_longer_than_the_encoder_reads_are_counted_by_encoder(lab):
    found = made(lab, Document("a", "word " * 300), lab.pipeline("dense"))
    assert found.facts.over_limit == {"hashing-64 (256 tokens)": 1}
    assert made(lab, Document("a", "word " * 256), lab.pipeline("dense")).facts.over_limit == {}


def test_what_no_engine_stores_is_refused_before_anything_is_written(lab):
    with pytest.raises(StoreError, match="not finite"):
        made(lab, Document("a", "text", modified=float("inf")), lab.pipeline("bm25"))
    with pytest.raises(ValueError, match="no chunk came out"):
        made(lab, Document("a", " \n"), lab.pipeline("bm25"))


def test_documents_prepared_together_are_those_prepared_alone_and_one_that_fails_stands_for_itself(lab):
    """Texts in ASCII are read together: others between them must not shift their terms, nor do those that fail."""
    pipeline = replace(lab.pipeline("bm25"), chunk=BreaksOnX())
    recipe = Recipe(pipeline, (SparseSpace("english", 1.2, 0.75), SparseSpace("none", 1.2, 0.75)), lab.runtime, 9.0)
    texts = ["the cats and cats", "caf\u00e9 dog", "xbad", "the", "", "dog " * 900, "\u732b\u72ac", "a cat"]
    documents = [(Document(f"d{n}", t, {"n": n}, "T\u00e9" if n == 3 else "T"), "/c") for n, t in enumerate(texts)]
    together = prepare_all(documents, recipe)
    assert [type(m).__name__ for m in together] == ["Prepared", "Prepared", "ValueError", "Prepared", "ValueError", *["Prepared"] * 3]
    assert str(together[4]) == "no chunk came out of it (blank text)"
    for one, (document, root) in zip(together, documents, strict=True):
        if not isinstance(one, Exception):
            alone = prepare(document, root, recipe)
            assert (one.row, one.facts, one.text, one.ids, one.payloads) == (alone.row, alone.facts, alone.text, alone.ids, alone.payloads)
            for name in ("english", "none"):
                a, b = one.counts[name], alone.counts[name]
                assert (a.lengths, a.terms.tolist(), a.times.tolist()) == (b.lengths, b.terms.tolist(), b.times.tolist())
    assert prepare_all([], recipe) == []
