"""Documents to points: what a payload holds, which fields are indexed, and that one bad cut costs one document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag.index.collect import TEXT_IN_PAYLOAD, collect, cut_all
from rag.index.spaces import space_name
from rag.runtime import Runtime
from rag.stages import Chunker, SparseSpace
from rag.types import Document, Piece


@dataclass(frozen=True)
class BreaksOnX(Chunker):
    """Breaks its contract where the text begins with x."""

    use = "breaks_on_x"

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        yield Piece(0, len(document.text) + document.text.startswith("x"))


def gather(lab, documents, pipeline, spaces=None):
    pairs = [(d, "/corpus") for d in documents]
    cuts, failed = cut_all(pairs, pipeline, lab.runtime)
    return collect([p for p in pairs if p[0].id in cuts], cuts, pipeline, spaces or pipeline.retrieve.spaces(), lab.runtime), failed


def points(batch, vectors=None, size=1000):
    return [p for part in batch.points(vectors or {}, size) for p in part]


def test_a_chunker_that_breaks_its_contract_fails_that_document_alone(lab):
    pipeline = replace(lab.pipeline("bm25"), chunk=BreaksOnX())
    batch, failed = gather(lab, [Document("a", "good"), Document("b", "xbad"), Document("c", "fine")], pipeline)
    assert [r.id for r in batch.rows] == ["a", "c"]
    assert [(f.doc_id, f.reason) for f in failed] == [("b", "chunk 0 of 'b' is [0, 5) in a text of 4 characters")]


def test_a_payload_says_where_the_chunk_is_and_repeats_no_text_it_can_derive(lab):
    pipeline = lab.pipeline("bm25")
    batch, _ = gather(lab, [Document("a", " short ", {"t": True, "l": ("x", "y")}, "Title")], pipeline)
    page, chunk = points(batch)
    assert page.payload == {"kind": "page", "doc": "a", "page": 0, "text": " short "}
    assert chunk.payload == {"kind": "chunk", "doc": "a", "start": 1, "end": 6, "text": "short", "meta": {"t": "true", "l": ("x", "y")}}
    batch, _ = gather(lab, [Document("a", "x" * (TEXT_IN_PAYLOAD + 1))], pipeline)
    assert "text" not in points(batch)[-1].payload


def test_long_chunks_are_read_back_from_the_pages(lab):
    text = "\U0001f469 word " * 5000
    with lab.index([Document("a", text, title="T")], lab.pipeline("bm25")) as index:
        (chunk,) = index.reader(index.pipeline).all_chunks()
    assert chunk.text == text.strip()
    assert chunk.index_text == f"T {text.strip()}"


def test_spaces_of_one_language_share_term_counts_and_differ_in_weights(lab):
    spaces = (SparseSpace("english", 1.2, 0.75), SparseSpace("english", 2.0, 0.75), SparseSpace("none", 1.2, 0.75))
    batch, _ = gather(lab, [Document("a", "the cats and cats"), Document("b", "the the")], lab.pipeline("bm25"), spaces)
    assert sorted(batch.terms) == ["english", "none"]
    assert batch.averages == {space_name(spaces[0]): {"": 2.0}, space_name(spaces[1]): {"": 2.0}, space_name(spaces[2]): {"": 2 ** (25 / 16)}}  # mean 3
    a, b = (p for p in points(batch) if p.payload["kind"] == "chunk")
    assert set(a.sparse) == {space_name(s) for s in spaces}
    assert set(b.sparse) == {space_name(spaces[2])}  # stop words only: no English terms
    assert a.sparse[space_name(spaces[0])].values != a.sparse[space_name(spaces[1])].values


def test_average_lengths_are_those_of_each_tenant(lab):
    documents = [Document("a", "one cat", {"t": "x"}), Document("b", "two dogs here today", {"t": "y"}), Document("c", "the", {"t": "z"})]
    batch, _ = gather(lab, documents, lab.pipeline({"use": "bm25", "language": "none"}, index={"tenant_key": "t"}))
    assert list(batch.averages.values()) == [{"x": 2.0, "y": 4.0, "z": 1.0}]


def test_fields_of_one_type_are_indexed_up_to_a_limit(lab):
    documents = [
        Document("a", "x y", {"text": "t", "int": 1, "float": 0.5, "bool": True, "list": ("p",), "mixed": 1}),
        Document("b", "x y", {"mixed": "one"}),
    ]
    batch, _ = gather(lab, documents, lab.pipeline("bm25"))
    assert batch.payload_keys(99, tenants=False) == {
        "doc": "keyword", 'meta."bool"': "keyword", 'meta."float"': "float", 'meta."int"': "integer", 'meta."list"': "keyword", 'meta."text"': "keyword",
    }  # fmt: skip
    assert list(batch.payload_keys(2, tenants=True)) == ["doc", "tenant", 'meta."bool"', 'meta."float"']


def test_points_come_in_parts_pages_first_each_once(lab):
    batch, _ = gather(lab, [Document(f"{n}", "y " * (5000 * n + 1)) for n in range(4)], lab.pipeline("bm25", {"use": "fixed", "size": 900}))
    parts = list(batch.points({}, 3))
    assert all(len(p) <= 5 for p in parts)
    kinds = [p.payload["kind"] for part in parts for p in part]
    assert kinds == sorted(kinds, reverse=True)
    ids = [p.id for part in parts for p in part]
    assert len(set(ids)) == len(ids) == len(points(batch))


def test_rows_count_what_they_describe(lab):
    batch, _ = gather(
        lab,
        [Document("a", "---\n---\none two three four five six", {"team": "t1"}, body=8)],
        lab.pipeline("bm25", {"use": "fixed", "size": 3}, index={"tenant_key": "team"}),
    )
    (row,) = batch.rows
    assert (row.chunks, row.tenant, row.length, row.root, row.body) == (2, "t1", 35, "/corpus", 8)
    assert batch.gap_characters == 8
    assert batch.owner == [0, 0]
    assert all(p.payload["tenant"] == "t1" for p in points(batch))
