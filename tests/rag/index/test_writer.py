"""The writer process from within: frames are written while others come, and none is lost without a word."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest

from rag.errors import StoreError
from rag.index.engine import Layout
from rag.index.ids import point_id
from rag.index.writer import BEHIND, Job

LAYOUT = Layout({"d": 2}, ())


def frame(*numbers):
    payloads = [{"kind": "chunk", "doc": f"d{n}", "start": 0, "end": 1, "text": "x", "meta": {}} for n in numbers]
    vectors = np.array([[1.0, n] for n in numbers], dtype="<f4")
    return {"ids": [point_id("", f"d{n}") for n in numbers], "dense": ["d"], "sparse": {}}, [vectors.tobytes(), json.dumps(payloads).encode()]


@pytest.fixture
def job(tmp_path):
    made = Job(tmp_path, None, LAYOUT)
    yield made
    with suppress(StoreError):  # a test may have closed the engine
        made.abandon()


def test_what_follows_frames_sees_all_of_them(job):
    """A frame may still be on its way when the next order comes."""
    for n in range(20):
        job.write(*frame(2 * n, 2 * n + 1))
    assert job.written == 40
    job.delete([("", "d39"), ("", "d0")])
    assert job.engine.count() == 38
    job.write(*frame(0, 50))
    job.lay_out(LAYOUT, 100)
    assert job.engine.count() == 40


def test_a_frame_that_cannot_be_written_is_said_by_a_later_order(job):
    job.write(*frame(1, 2))
    job.delete([])  # the first is written
    job.engine.close()
    for n in range(BEHIND + 1):  # these are still waited for by nobody
        job.write(*frame(n))
    with pytest.raises(StoreError, match="the index engine failed while writing"):
        job.delete([])


ORDERS = {
    "delete": lambda job: job.delete([]),
    "layout": lambda job: job.lay_out(LAYOUT, 100),
    "reweigh": lambda job: job.reweigh({"space": "s", "ids": [], "lengths": []}, [b"", b""]),
    "seal": lambda job: job.seal(None, {}),
}


@pytest.mark.parametrize("order", ORDERS)
def test_no_order_goes_on_after_a_frame_that_was_not_written(job, order, monkeypatch):
    """The engine is sound again by then: only the frame itself is lost, and a generation without it must not come to be."""

    def full(_):
        raise StoreError("the disk was full")

    with monkeypatch.context() as patch:
        patch.setattr(job.engine, "apply", full)
        job.write(*frame(1))
        job._writing[0].exception()  # it has failed, and nobody was told
    with pytest.raises(StoreError, match="the disk was full"):
        ORDERS[order](job)
    assert not (job.path / "manifest.json").exists()


def test_a_frame_that_no_engine_may_see_is_refused_at_once(job):
    header, blobs = frame(1)
    with pytest.raises(StoreError, match="is not finite and non-zero"):
        job.write(header, [np.zeros(2, dtype="<f4").tobytes(), *blobs[1:]])
    job.write(*frame(1))
    job.delete([])
    assert job.engine.count() == 1
