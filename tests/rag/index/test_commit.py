"""What goes to the writer: only what changed, and new weights only where an average length crossed a step."""

from __future__ import annotations

from itertools import islice, product

import pytest

from rag.filters import Condition
from rag.index.commit import WINDOW, averages
from rag.index.rows import DocumentRow, Facts
from rag.index.spaces import space_name
from rag.index.store import Index
from rag.index.table import NAME, DocumentTable
from rag.memo import Memo
from rag.runtime import Runtime
from rag.stages import DenseSpace, SparseSpace
from rag.types import Document

ENGLISH, STEEP, NONE = SparseSpace("english", 1.2, 0.75), SparseSpace("english", 2.0, 0.75), SparseSpace("none", 1.2, 0.75)
LONG = " ".join(f"filler{n}" for n in range(30))


def test_averages_are_those_of_each_space_and_tenant(tmp_path):
    with DocumentTable(tmp_path / NAME, writable=True) as table:
        for doc_id, tenant, terms in (
            ("a", "x", {"english": (2, 4), "none": (2, 8)}),
            ("b", "x", {"english": (1, 2)}),
            ("c", "y", {"english": (0, 0)}),
            ("d", "z", {}),
        ):
            table.put(DocumentRow(doc_id, "d", "/c", 1, 9, tenant=tenant), Facts(terms))
        found = averages(table.terms(), table.tenants(), (ENGLISH, DenseSpace("hashing-64"), STEEP, NONE))
    assert found == {
        space_name(ENGLISH): {"x": 2.0, "y": 1.0, "z": 1.0}, space_name(STEEP): {"x": 2.0, "y": 1.0, "z": 1.0}, space_name(NONE): {"x": 4.0, "y": 1.0, "z": 1.0},
    }  # fmt: skip


def team(name, texts):
    return [Document(f"{name}/{n}", text, {"team": name}) for n, text in enumerate(texts)]


def test_only_tenants_whose_average_crossed_a_step_are_weighed_anew(lab):
    """Writes are one page and one chunk for each document that came, and each chunk that got new weights."""
    pipeline, path = lab.pipeline("bm25", index={"tenant_key": "team"}), lab.folder()
    x, y = ["cat one", "cat two", "cat three"], ["dog one", "dog two", "dog three"]

    def build(x, y):
        runtime = Runtime(memo=Memo(), show_progress=False)
        lab.build(path, pipeline, [*team("x", x), *team("y", y)], runtime=runtime)
        return runtime.work.writes

    assert build(x, y) == 12
    assert build([*x, "cat four"], y) == 2  # the average of x stays 2
    assert build([*x, "cat four", LONG], y) == 2 + 4
    assert build([*x, "cat changed", LONG, "q r s t u v"], y) == 4 + 4  # those that came with the new average are not weighed twice
    with Index.open(path, lab.runtime) as index:
        assert index.reader(pipeline, tenant="y").average_length(pipeline.retrieve.space) == 2.0


def test_a_chunk_without_terms_is_written_kept_and_deleted(lab):
    pipeline, path = lab.pipeline("bm25"), lab.folder()
    lab.build(path, pipeline, {"a": "the the", "b": "cat dog"})
    lab.build(path, pipeline, {"a": "the the", "b": "cat dog", "c": LONG})
    with Index.open(path, lab.runtime) as index:
        assert [h.chunk.span.doc_id for h in pipeline.search(index, "cat the")[0]] == ["b"]
        assert len(list(index.reader(pipeline).all_chunks())) == 3
    assert lab.build(path, pipeline, {"b": "cat dog"}).deleted == 2
    assert lab.texts(path) == {"b": "cat dog"}


@pytest.mark.parametrize("retrieve", ["bm25", "dense"])
def test_chunks_of_more_than_one_window_all_arrive(lab, retrieve):
    path, pipeline = lab.folder(), lab.pipeline(retrieve, {"use": "fixed", "size": 1})
    words = ["".join(w) for w in islice(product("bcdfghjklmnpqrstvwxz", repeat=3), WINDOW + 300)]
    lab.build(path, pipeline, {"long": " ".join(words[:-5]), "short": " ".join(words[-5:])})
    with Index.open(path, lab.runtime) as index:
        chunks = sorted(index.reader(pipeline).all_chunks(), key=lambda c: (c.span.doc_id, c.span.start))
        assert len(chunks) > WINDOW
        assert "".join(c.text for c in chunks) == "".join(words)


def test_a_field_that_changes_its_kind_is_filtered_by_what_it_is_now(lab):
    path, pipeline = lab.folder(), lab.pipeline("bm25")
    for value, where in (
        ("x", Condition("k", "=", ("x",))),
        (5, Condition("k", ">", ("4",))),
        (0.5, Condition("k", "<", ("1",))),
        ("5", Condition("k", "=", ("5",))),
    ):
        lab.build(path, pipeline, [Document("a", "common", {"k": value}), Document("b", "common", {"other": 1})])
        with Index.open(path, lab.runtime) as index:
            assert [h.chunk.span.doc_id for h in pipeline.search(index, "common", where=where)[0]] == ["a"], value
