"""A crash costs nothing, readers go on reading, and one builder at a time leaves what is not its own alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index import faults
from rag.index.lock import lock
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Span

A, B = Path("/corpus/a"), Path("/corpus/b")
THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


def raising(items, at, error):
    """Yield items and raise before item number `at`."""
    for n, item in enumerate(items):
        if n == at:
            raise error
        yield item
    raise error


class FailingEncoder:
    """A real encoder that fails at its n-th batch of texts."""

    def __init__(self, inner, error):
        self._inner, self._error = inner, error
        self.name, self.identity, self.max_tokens = inner.name, inner.identity, inner.max_tokens
        self.counts = inner.counts

    def encode(self, texts):
        raise self._error


def crash_in_corpus(at):
    def run(lab, path, pipeline, changed, runtime):
        lab.build(path, pipeline, raising(lab.loaded(changed), at, KeyboardInterrupt()), runtime=runtime)

    return run


def crash_in_encoder(lab, path, pipeline, changed, runtime):
    runtime._encoders["hashing-64"] = FailingEncoder(runtime.encoder("hashing-64"), KeyboardInterrupt())
    lab.build(path, pipeline, changed, runtime=runtime)


def crash_at(point):
    """Fail at a named point of the builder."""

    def run(lab, path, pipeline, changed, runtime):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(faults._reached, point, 0)
            patch.setenv(faults.VARIABLE, f"{point}:1:raise")
            lab.build(path, pipeline, changed, runtime=runtime)

    return run


CRASHES = {
    "corpus-0": crash_in_corpus(0), "corpus-2": crash_in_corpus(2), "encoder": crash_in_encoder, "table": crash_at("stage.table"), "spool": crash_at("spool.write"),
    "rename": crash_at("seal.rename"), "pointer": crash_at("pointer.temporary"),
}  # fmt: skip


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_before_the_pointer_swap_leaves_the_old_state_and_the_next_build_is_clean(lab, crash):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE)
    before = lab.live(path)
    changed = {**THREE, "a.md": "edited words entirely", "d.md": "brand new"}
    with pytest.raises((KeyboardInterrupt, RuntimeError)):
        CRASHES[crash](lab, path, pipeline, changed, Runtime(memo=Memo(), show_progress=False))
    assert lab.live(path) == before
    with Index.open(path, lab.runtime) as index:
        assert sorted(index.documents) == sorted(THREE)
        assert [h.chunk.span.doc_id for h in index.pipeline.search(index, "sat")[0]][:1] == ["a.md"]
    report = lab.build(path, pipeline, changed)
    assert lab.counts(report) == lab.expect(added=1, updated=1, unchanged=2)
    assert sorted(p.name for p in path.iterdir()) == ["CURRENT", lab.live(path), "lock"]
    assert sorted(lab.texts(path)) == ["a.md", "b.md", "c.md", "d.md"]


def test_a_crash_of_the_first_build_is_no_index_and_the_next_build_is_clean(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    with pytest.raises(RuntimeError, match="fault at pointer"):
        crash_at("pointer.temporary")(lab, path, pipeline, THREE, fresh)
    with pytest.raises(StoreError, match="CURRENT is missing; write gen-000001 into it, run `rag index` again"):
        Index.open(path)
    assert lab.counts(lab.build(path, pipeline, THREE, runtime=fresh)) == lab.expect(added=3)
    assert sorted(lab.texts(path)) == sorted(THREE)


def test_a_crash_after_the_pointer_swap_leaves_the_new_state_and_the_next_build_cleans_up(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE)
    with pytest.raises(RuntimeError, match="fault at collect"):
        crash_at("collect.old")(lab, path, pipeline, {"z.md": "new"}, fresh)
    assert lab.texts(path) == {"z.md": "new"}
    assert lab.counts(lab.build(path, pipeline, {"z.md": "new"})) == lab.expect(unchanged=1)
    assert sorted(p.name for p in path.iterdir()) == ["CURRENT", lab.live(path), "lock"]


def test_a_reader_that_is_open_goes_on_reading_its_own_state_while_a_build_replaces_it(lab):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE)
    with Index.open(path, lab.runtime) as index:
        lab.build(path, pipeline, {"z.md": "all else is gone"})
        assert [h.chunk.span.doc_id for h in pipeline.search(index, "cat sat")[0]][:1] == ["a.md"]
        assert index.reader(pipeline).text(Span("b.md", 0, 4)) == "dogs"
        assert sorted(index.documents) == sorted(THREE)
    assert sorted(lab.texts(path)) == ["z.md"]


def test_a_second_builder_is_refused_with_the_pid_of_the_first(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    before = lab.live(path)
    with lock(path), pytest.raises(StoreError, match=f"is being built by process {os.getpid()}"):
        lab.build(path, lab.pipeline(), {})
    assert lab.live(path) == before


def test_files_that_are_not_of_the_index_are_left_alone(lab):
    path = lab.folder()
    (path / "tmp-pictures").mkdir(parents=True)
    (path / "gen-x").mkdir()
    (path / "tmp-pictures" / "cat.png").write_text("cat")
    lab.build(path, lab.pipeline(), THREE)
    lab.build(path, lab.pipeline(), {"a.md": "x"})
    assert (path / "tmp-pictures" / "cat.png").read_text() == "cat"
    assert (path / "gen-x").is_dir()


def test_a_place_that_cannot_be_an_index_is_one_clear_error(lab, tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="cannot be made a directory"):
            lab.build(path, lab.pipeline(), THREE)
