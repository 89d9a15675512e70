"""Documents sent to the writer while others are read: the index is the one that is made when all were read first."""

from __future__ import annotations

import os
import signal
from dataclasses import asdict

import pytest

from rag.errors import StoreError
from rag.index import ahead, child, commit, fit, scan
from rag.index.engine import Scope
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

COUNT = 60


def documents():
    """Short texts first, then long ones: average lengths cross many steps on the way."""
    return [Document(f"d{n:02d}", " ".join(["cat", "dog", f"w{n}"] * (1 + n // 4)), {"team": f"t{n % 2}", "n": n}) for n in range(COUNT)]


@pytest.fixture
def small(monkeypatch):
    """Windows of four chunks, of which the first is sent after eight; every document is prepared as it comes."""
    monkeypatch.setattr(scan, "TOGETHER", 1)
    monkeypatch.setattr(ahead, "FIRST", 8)
    monkeypatch.setattr(ahead, "WINDOW", 4)
    monkeypatch.setattr(commit, "WINDOW", 4)


def held(path, pipeline, lab):
    """Return all that an index says, as far as it does not tell when it was made."""
    with Index.open(path, lab.runtime) as index:
        scopes = ("t0", "t1") if index.manifest.tenant_key else (None,)
        points = sorted(p for kind in ("chunk", "page") for p in index.engine.scroll(kind, Scope()))
        found = {(t, q): [(h.chunk.id, h.score) for h in pipeline.search(index, q, tenant=t)[0]] for t in scopes for q in ("cat", "dog w3", "w59 cat")}
        manifest = {k: v for k, v in asdict(index.manifest).items() if k not in ("files", "seal")}
        return points, found, manifest, [{**asdict(r), "indexed": None} for r in index.table.rows()]


def both(lab, monkeypatch, pipeline, given):
    """Build with documents sent while others are read, and with none; return what each says and how many points were written."""
    made = []
    for first in (8, 10**9):
        monkeypatch.setattr(ahead, "FIRST", first)
        runtime, path = Runtime(memo=Memo(), show_progress=False), lab.folder()
        lab.build(path, pipeline, given, runtime=runtime)
        made.append((held(path, pipeline, lab), runtime.work.writes))
    return made


@pytest.mark.parametrize("together", [1, 7])
@pytest.mark.parametrize("index", [{}, {"tenant_key": "team"}, {"search": "exact"}, {"search": "hnsw"}, {"duplicates": "drop", "duplicate_similarity": 0.5}])
def test_the_index_is_the_same(lab, monkeypatch, small, index, together):
    monkeypatch.setattr(scan, "TOGETHER", together)
    given = [*documents(), Document("same", documents()[0].text, {"team": "t0", "n": 1})]
    pipeline = lab.pipeline(index=index, retrieve={"use": "rrf", "of": ["bm25", "dense", {"use": "bm25", "k1": 2.0}]})
    (streamed, more), (whole, writes) = both(lab, monkeypatch, pipeline, given)
    assert streamed == whole
    assert (more > writes) == ("duplicates" not in index)  # chunks that were weighed by another average were weighed anew, where any was sent so early


def test_what_was_sent_by_the_right_average_is_not_weighed_anew(lab, monkeypatch, small):
    given = [Document(f"d{n:02d}", f"cat dog w{n}") for n in range(COUNT)]
    (streamed, writes), (whole, same) = both(lab, monkeypatch, lab.pipeline(), given)
    assert streamed == whole
    assert writes == same == 2 * COUNT


def test_a_layout_that_only_the_whole_asks_for_is_taken_up(lab, monkeypatch, small):
    monkeypatch.setattr(fit, "QUANTIZED", 30)
    monkeypatch.setattr(ahead, "LIKELY", 8)
    (streamed, _), (whole, _) = both(lab, monkeypatch, lab.pipeline(), documents())
    assert streamed == whole
    assert streamed[2]["quantization"] == "scalar"
    monkeypatch.setattr(ahead, "FIRST", 8)
    path = lab.folder()
    lab.build(path, lab.pipeline(), documents())
    assert list(path.glob("gen-*/shard/**/quantized.data"))


def test_a_layout_that_the_whole_does_not_ask_for_is_given_up(lab, monkeypatch, small):
    """What is sent early is laid out as `LIKELY` chunks ask for: quantized, which so few are not."""
    monkeypatch.setattr(fit, "QUANTIZED", ahead.LIKELY)
    path = lab.folder()
    lab.build(path, lab.pipeline(), documents())
    with Index.open(path, lab.runtime) as index:
        assert index.manifest.quantization == "none"
    assert not list(path.glob("gen-*/shard/**/quantized.data"))


def test_no_more_is_sent_than_one_segment_holds(lab, monkeypatch, small):
    monkeypatch.setattr(ahead, "SEGMENT", 30)
    (streamed, _), (whole, _) = both(lab, monkeypatch, lab.pipeline(), documents())
    assert streamed == whole
    monkeypatch.setattr(ahead, "FIRST", 8)
    runtime, written = Runtime(memo=Memo(), show_progress=False), []

    def corpus():
        for item in lab.loaded(documents()):
            written.append(runtime.work.writes)
            yield item

    lab.build(lab.folder(), lab.pipeline(), corpus(), runtime=runtime)
    assert written[-1] == 24  # three windows of eight points; a fourth would reach thirty


def test_documents_are_sent_before_the_last_is_read(lab, small):
    """Each document comes with a page, so that twelve of them are 24 points."""
    runtime, path = Runtime(memo=Memo(), show_progress=False), lab.folder()
    written = []

    def corpus():
        for item in lab.loaded(documents()):
            written.append(runtime.work.writes)
            yield item

    lab.build(path, lab.pipeline(), corpus(), runtime=runtime)
    assert written[8] == 8 * 2
    assert written[-1] == 56 * 2
    written.clear()
    lab.build(path, lab.pipeline(), corpus(), rebuild=False)
    assert written == [written[0]] * COUNT  # nothing changed, nothing was written


def test_a_corpus_that_fails_half_way_leaves_nothing_and_ends_the_writer(lab, small):
    path = lab.folder()

    def corpus():
        yield from lab.loaded(documents())[:40]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.build(path, lab.pipeline(), corpus())
    assert {p.name for p in path.iterdir()} <= {"lock"}
    assert not child._spare
    assert lab.build(path, lab.pipeline(), documents()).added == COUNT


def test_a_writer_that_dies_while_documents_are_read_is_one_clear_line(lab, small, monkeypatch):
    path = lab.folder()
    lent = []
    monkeypatch.setattr(ahead, "Writing", lambda: lent.append(child.Writing()) or lent[-1])

    def corpus():
        for n, item in enumerate(lab.loaded(documents())):
            if n == 20:
                os.kill(lent[0]._child._process.pid, signal.SIGKILL)
                lent[0]._child._process.wait()
            yield item

    with pytest.raises(StoreError, match=r"ended with SIGKILL.*run the command again"):
        lab.build(path, lab.pipeline(), corpus())
    assert {p.name for p in path.iterdir()} <= {"lock"}
    assert lab.build(path, lab.pipeline(), documents()).added == COUNT


def test_seconds_of_a_stage_leave_out_those_of_the_stages_within_it(lab, small):
    report = lab.build(lab.folder(), lab.pipeline(), documents())
    assert set(report.seconds) == {"read and chunk", "embed", "write", "optimize and seal"}
    assert all(s > 0 for s in report.seconds.values())
