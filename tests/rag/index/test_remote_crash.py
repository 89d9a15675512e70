"""A build on a server that is cut off at any request leaves an index that opens and answers, and that the next build makes whole."""

from __future__ import annotations

import pytest

from rag.errors import StoreError
from rag.index.check import check
from rag.index.remote_build import STUCK
from rag.index.remote_table import PENDING, row_point
from rag.index.table import Facts

from .remote_lab import AGAIN, ROOT, STEP, Disk, Lab, document, pipeline, sound, texts

LONG = " ".join(f"w{n}" for n in range(40))
OTHER = ROOT.with_name("other")
TEAM = {"tenant_key": "team"}


def team(documents):
    return {i: document(i, text, team=of) for i, (text, of) in documents.items()}


BEFORE = team({"a": ("cat dog text", "red"), "b": ("horse new words here", "red"), "c": ("cat number3", "blue"), "d": ("dog", "red"), "e": (LONG[:90], "blue")})
# Updated, moved to another tenant, removed, renamed; and the average length crosses a step, so what stays is weighed anew.
AFTER = team(
    {
        "a": ("cat new text", "red"),
        "b": ("horse new words here", "blue"),
        "f": ("dog", "red"),
        "e": (LONG[:90], "blue"),
        "g": (LONG, "blue"),
        "h": (LONG + " cat", "red"),
    }
)
# And changed again before the build is repeated: some back to what it was, some to the third tenant.
THEN = {**BEFORE, **team({"b": ("horse again", "green"), "g": ("cat", "red"), "a": ("zebra", "blue")})}
TENANTS = ("red", "blue", "green")


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return Disk(tmp_path_factory.mktemp("disk"))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few documents at once, so that there are requests between them to be cut off at."""
    monkeypatch.setattr("rag.index.commit.WINDOW", 4)
    monkeypatch.setattr("rag.index.remote_write._TOGETHER", 2)


def holds(lab, pipe, allowed):
    """What is there opens, answers, and every document that is said to be whole has one of the allowed texts, cut and counted right."""
    with lab.opened() as index:
        assert [f for f in check(index)["faults"] if AGAIN not in f] == []
        held = texts(index)
        for i, text in held.items():
            assert text in [d[i].text for d in allowed if i in d], i
        for tenant in TENANTS:
            for hit in pipe.search(index, "cat w7 new horse", tenant=tenant)[0]:
                assert hit.chunk.text in held[hit.chunk.span.doc_id]


def cuts(begin, change):
    """Yield (number, lab) for every request that a change makes, each time cut off there."""
    for number in range(1, 400, STEP):
        lab = begin()
        with lab.failing(number) as cut:
            change(lab)
        if not cut:
            assert number > 20
            return
        yield number, lab
    raise AssertionError("there is no end to it")


@pytest.mark.parametrize("then", [AFTER, THEN], ids=["same", "changed"])
def test_an_update_cut_off_at_any_request_is_made_whole_by_the_next(disk, then):
    pipe = pipeline(**TEAM)

    def begin():
        lab = Lab()
        lab.build(pipe, BEFORE)
        return lab

    for _, lab in cuts(begin, lambda lab: lab.build(pipe, AFTER)):
        holds(lab, pipe, (BEFORE, AFTER))
        lab.build(pipe, then)
        disk.same(lab, pipe, then, tuple({d.meta["team"] for d in then.values()}))


def test_a_first_build_cut_off_at_any_request_is_gone_on_with(disk):
    pipe = pipeline(**TEAM)
    begun = 0
    for _, lab in cuts(Lab, lambda lab: lab.build(pipe, BEFORE)):
        if lab.server().live() is None:
            with pytest.raises(AssertionError), lab.opened():
                pass
        else:
            begun += 1
            holds(lab, pipe, (BEFORE,))
        lab.build(pipe, BEFORE)
        disk.same(lab, pipe, BEFORE, ("red", "blue"))
        live = lab.server().live()
        # One that was made but not yet marked cannot be told from somebody else's, and is empty.
        assert all(c == live or lab.client.count(c).count == 0 for c in lab.server().admin.collections())
        assert lab.server().left() == []
    assert begun > 10


@pytest.mark.parametrize("modes", [("report", "drop"), ("drop", "report")])
def test_a_switch_of_duplicates_cut_off_at_any_request_is_made_whole(disk, modes):
    docs = {"a": LONG, "b": LONG, "c": "cat dog", "d": "horse"}
    one, two = (pipeline(duplicates=m) for m in modes)

    def begin():
        lab = Lab()
        lab.build(one, docs)
        return lab

    for _, lab in cuts(begin, lambda lab: lab.build(two, docs)):
        lab.build(two, docs)
        disk.same(lab, two, docs)


def test_a_rebuild_cut_off_at_any_request_leaves_the_old_index_or_the_new(disk):
    pipe, docs, more = pipeline(), {"a": "cat dog", "b": "horse"}, {"a": "cat dog", "b": "horse new", "c": "zebra"}

    def begin():
        lab = Lab()
        lab.build(pipe, docs)
        return lab

    for _, lab in cuts(begin, lambda lab: lab.build(pipe, more, rebuild=True)):
        with lab.opened() as index:
            sound(index)
            assert texts(index) in (docs, more)
        lab.build(pipe, more, rebuild=True)
        disk.same(lab, pipe, more)
        assert lab.server().left() == []


def cut_while_pending(lab, pipe, documents, **options):
    """Cut a build off where documents are marked as being written."""
    for number in range(1, 100):
        with lab.failing(number) as cut:
            lab.build(pipe, documents, **options)
        assert cut
        with lab.opened() as index:
            if index.table.pending():
                return


def test_half_a_document_that_is_not_read_again_is_in_no_answer_and_is_reported_until_it_is(disk):
    pipe, lab = pipeline(), Lab()
    lab.build(pipe, {"a": "cat dog", "b": "horse"})
    lab.build(pipe, {"o": "zebra"}, root=OTHER, roots=[OTHER])
    cut_while_pending(lab, pipe, {"o": "zebra cat"}, root=OTHER, roots=[OTHER])
    for _ in range(2):
        report = lab.build(pipe, {"a": "cat dog", "b": "horse"})
        assert [(f.doc_id, f.reason) for f in report.failed] == [("o", STUCK)]
        assert report.documents == 2
        with lab.opened() as index:
            assert [f for f in check(index)["faults"] if "1 documents are being written" not in f] == []
            assert {h.chunk.span.doc_id for h in pipe.search(index, "cat zebra")[0]} <= {"a", "b"}
            assert index.engine.count("page") == 2
    assert str(OTHER) in lab.server().roots()
    report = lab.build(pipe, {"o": "zebra cat"}, root=OTHER, roots=[OTHER])
    assert report.failed == []
    with lab.opened() as index:
        sound(index)
        assert texts(index) == {"a": "cat dog", "b": "horse", "o": "zebra cat"}


def test_weights_are_right_though_the_average_length_goes_back_after_a_cut(disk):
    pipe = pipeline("bm25", chunk="whole")
    before = {f"{n}": f"cat dog {n}" for n in range(5)}
    longer = {**before, "x": LONG}

    def begin():
        lab = Lab()
        lab.build(pipe, before)
        return lab

    for _, lab in cuts(begin, lambda lab: lab.build(pipe, longer)):
        lab.build(pipe, before)
        disk.same(lab, pipe, before)


def test_a_migration_of_an_index_that_is_half_written_is_refused():
    pipe, lab = pipeline(), Lab()
    lab.build(pipe, {"a": "cat dog", "b": "horse"})
    cut_while_pending(lab, pipe, {"a": "cat cat", "b": "horse"})
    with pytest.raises(StoreError, match=r"1 documents are being written.*run `rag index` first"):
        lab.migrate(pipeline("bm25"))


def test_recency_passes_over_a_document_that_is_being_written():
    """It reads chunks to know their age: those of a document that is in no answer must not end the search."""
    lab, built, fresh = Lab(), pipeline("bm25"), pipeline({"use": "recency", "over": "bm25"})
    documents = {"a": "cat dog", "b": "cat horse"}
    lab.build(built, documents)
    with lab.opened() as index:
        index.engine.write([row_point(index.documents["a"], Facts(), {}, PENDING)])
    with lab.opened() as index:
        assert [h.chunk.span.doc_id for h in fresh.search(index, "cat")[0]] == ["b"]
