"""The writer process: however it ends, the one that builds gets one clear line, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.child import Child, Writing, release
from rag.index.engine import Layout
from rag.index.faults import VARIABLE
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime

THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}
CHANGED = {**THREE, "a.md": "edited words entirely", "d.md": "brand new"}


def writers(parent=None):
    """Return the ids of the writer processes that a process has started and that are alive."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, ppid = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(ppid) == (parent or os.getpid()) and state != "Z" and b"rag.index.writer" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def gone(pid):
    """Wait until a process has ended; a child of ours is left to whoever started it."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
    except ChildProcessError:
        pass
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


class Encoder:
    """A real encoder that does something first whenever texts are encoded: the writer is at work then."""

    def __init__(self, inner, first):
        self._inner, self._first = inner, first
        self.name, self.identity, self.max_tokens, self.counts = inner.name, inner.identity, inner.max_tokens, inner.counts

    def encode(self, texts):
        self._first()
        return self._inner.encode(texts)


def doing(first):
    runtime = Runtime(memo=Memo(), show_progress=False)
    runtime._encoders["hashing-64"] = Encoder(runtime.encoder("hashing-64"), first)
    return runtime


@pytest.fixture
def built(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    return path


def assert_as_it_was(lab, path, live):
    assert lab.live(path) == live
    assert sorted(p.name for p in path.iterdir()) == sorted(["CURRENT", live, "lock"])
    with Index.open(path, lab.runtime) as index:
        assert sorted(index.documents) == sorted(THREE)
        assert [h.chunk.span.doc_id for h in index.pipeline.search(index, "sat")[0]][:1] == ["a.md"]
    assert lab.counts(lab.build(path, lab.pipeline(), CHANGED)) == lab.expect(added=1, updated=1, unchanged=2)
    assert lab.texts(path) == CHANGED


@pytest.mark.parametrize(("number", "why"), [(signal.SIGKILL, "SIGKILL: it was killed, perhaps for memory"), (signal.SIGBUS, "SIGBUS: the disk is full")])
def test_a_writer_that_is_killed_is_one_clear_error_and_the_index_is_as_it_was(lab, built, number, why):
    live = lab.live(built)

    def kill():
        for pid in writers():
            os.kill(pid, number)
            assert gone(pid)

    with pytest.raises(StoreError, match=f"^the process that writes the index ended with {why}.*; the index is as it was, run the command again$"):
        lab.build(built, lab.pipeline(), CHANGED, runtime=doing(kill))
    assert writers() == []
    assert_as_it_was(lab, built, live)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("child.write:1:exit", r"failed \(no reason given\); the index is as it was"),
        ("child.write:1:raise", r"failed \(RuntimeError: fault at child.write\); the index is as it was"),
        ("child.optimize:1:enospc", "^child.optimize: No space left on device; check the disk and its free space$"),
        ("child.manifest:1:kill", "ended with SIGKILL"),
    ],
)
def test_a_writer_that_fails_says_why_and_the_index_is_as_it_was(lab, built, monkeypatch, fault, why):
    live = lab.live(built)
    release()  # the one that is kept has not seen the variable
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, fault)
        with pytest.raises(StoreError, match=why) as error:
            lab.build(built, lab.pipeline(), CHANGED)
    assert "\n" not in str(error.value)
    assert writers() == []
    assert_as_it_was(lab, built, live)


def interrupt():
    raise KeyboardInterrupt


def test_an_interruption_while_reading_or_writing_leaves_no_folder_and_no_process(lab, built):
    live = lab.live(built)

    def corpus():
        yield from lab.loaded(dict(list(CHANGED.items())[:2]))
        raise KeyboardInterrupt

    release()
    for documents, runtime in ((corpus(), lab.runtime), (CHANGED, doing(interrupt))):
        with pytest.raises(KeyboardInterrupt):
            lab.build(built, lab.pipeline(), documents, runtime=runtime)
        assert writers() == []
        assert sorted(p.name for p in built.iterdir()) == sorted(["CURRENT", live, "lock"])
    assert_as_it_was(lab, built, live)


def test_the_writer_of_a_build_is_kept_for_the_next_and_a_dead_one_is_replaced(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline("bm25"), THREE)
    (first,) = writers()
    lab.build(path, lab.pipeline("bm25"), CHANGED)
    assert writers() == [first]
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    lab.build(path, lab.pipeline("bm25"), THREE)
    (second,) = writers()
    assert second != first
    assert lab.texts(path) == THREE
    release()
    assert writers() == []


def test_another_thread_uses_a_writer_of_its_own(lab):
    """The kernel ends a process with the thread that started it: one that was kept would die in the middle of another build."""
    release()
    seen = []

    def work():
        lab.build(lab.folder(), lab.pipeline("bm25"), THREE)
        seen.append(writers())

    with Writing():
        own = writers()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen == [own]
    assert writers() == own


DIES = """
import os, signal, sys
from pathlib import Path
from rag.index.child import Child
from rag.index.engine import Layout
child = Child()
child.begin(Path(sys.argv[1]), None, Layout({}, ("s",)))
child.finish()
print(child._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_ends_when_the_process_that_started_it_dies(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(tmp_path)], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert gone(int(done.stdout))


def test_a_writer_does_not_stay_when_its_parent_died_before_it_began():
    done = subprocess.run([sys.executable, "-m", "rag.index.writer", str(os.getpid() + 1)], input=b"", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    done = subprocess.run([sys.executable, "-m", "rag.index.writer", str(os.getpid())], input=b"", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.fixture
def child():
    made = Child()
    yield made
    made.stop()


def test_what_the_writer_says_is_heard_though_more_was_sent_meanwhile(child):

    def go_on():
        for _ in range(100_000):
            child.order("delete", {"documents": [["", "x" * 1000]]})

    with pytest.raises(StoreError, match=r"^delete before begin$"):
        go_on()
    assert child._process.wait(20) == 1


def test_a_death_before_the_last_frame_is_answered_is_a_clear_error(child, tmp_path):
    child.begin(tmp_path, None, Layout({}, ("s",)))
    child.finish()
    os.kill(child._process.pid, signal.SIGSTOP)
    child.order("write", {"ids": [], "dense": [], "sparse": {}}, [b"[]"])
    os.kill(child._process.pid, signal.SIGKILL)
    assert gone(child._process.pid)
    with pytest.raises(StoreError, match="ended with SIGKILL"):
        child.finish()


def test_stopping_twice_or_with_frames_unsent_is_no_error(child):
    child.order("delete", {"documents": []})
    child.stop()
    child.stop()
    assert not child.alive
