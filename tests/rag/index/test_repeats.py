"""Duplicates in an index: the same one is kept whatever came first, and what is dropped is taken up when it has to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.index.check import check
from rag.index.store import Index

TEXT = "the quick brown fox jumps over the lazy dog while seven wizards quietly brew a strong potion for their king"
COPIES = {"b.md": TEXT, "c.md": TEXT, "z.md": "something else entirely"}


def pipeline(lab, mode):
    return lab.pipeline(index={"duplicates": mode})


def state(lab, path):
    with Index.open(path, lab.runtime) as index:
        assert check(index)["faults"] == []
        rows = {i: replace(r, indexed=None) for i, r in index.documents.items()}
        chunks = sorted((c.id, c.text) for c in index.reader(index.pipeline).all_chunks())
        found = [(h.chunk.id, pytest.approx(h.score, abs=1e-6)) for h in index.pipeline.search(index, "quick wizards else")[0]]
        return index.manifest.content, index.manifest.points, rows, chunks, found


def owners(lab, path):
    with Index.open(path, lab.runtime) as index:
        return sorted({c.span.doc_id for c in index.reader(index.pipeline).all_chunks()})


STAGES = [
    (COPIES, ["b.md", "z.md"]),
    ({**COPIES, "a.md": TEXT}, ["a.md", "z.md"]),  # one with a smaller id comes: it is kept, and the one before dropped
    ({"c.md": TEXT, "z.md": "something else entirely"}, ["c.md", "z.md"]),  # the kept one goes: another is taken up from its stored text
    ({"c.md": TEXT, "d.md": TEXT, "z.md": TEXT}, ["c.md"]),
    ({"c.md": "now it differs", "d.md": TEXT, "z.md": TEXT}, ["c.md", "d.md"]),
]


@pytest.mark.parametrize("mode", ["drop", "drop_exact"])
def test_whatever_came_first_the_index_is_that_of_a_rebuild(lab, mode):
    path = lab.folder()
    for documents, expected in STAGES:
        lab.build(path, pipeline(lab, mode), documents)
        assert owners(lab, path) == expected
        fresh = lab.folder()
        lab.build(fresh, pipeline(lab, mode), dict(reversed(documents.items())))
        assert state(lab, path) == state(lab, fresh)


def test_switching_between_reporting_and_dropping_rewrites_only_what_it_must(lab, fresh):
    path = lab.folder()
    lab.build(path, pipeline(lab, "report"), COPIES)
    first = state(lab, path)
    lab.build(path, pipeline(lab, "drop"), COPIES, runtime=fresh)
    assert owners(lab, path) == ["b.md", "z.md"]
    assert {k: n for k, n in fresh.work.as_dict().items() if n} == {"writes": 1 + 2}  # a page, and weights: the average fell
    report = lab.build(path, pipeline(lab, "report"), COPIES)
    assert lab.counts(report) == lab.expect(unchanged=3)
    assert [(d["doc_id"], d["of"]) for d in report.duplicates] == [("c.md", "b.md")]
    assert state(lab, path) == first


def test_dropping_has_another_content_key_than_reporting(lab):
    """The key names searches in the memo: it must tell which chunks there are."""
    one, two = lab.folder(), lab.folder()
    lab.build(one, pipeline(lab, "report"), COPIES)
    lab.build(two, pipeline(lab, "drop"), COPIES)
    assert state(lab, one)[0] != state(lab, two)[0]


def test_a_dropped_document_can_still_be_read_whole(lab):
    path = lab.folder()
    lab.build(path, pipeline(lab, "drop"), COPIES)
    assert lab.texts(path) == COPIES
    with Index.open(path, lab.runtime) as index:
        row = index.documents["c.md"]
        assert (row.chunks, row.gaps, row.duplicate_of, row.similarity) == (0, 0, "b.md", 1.0)
