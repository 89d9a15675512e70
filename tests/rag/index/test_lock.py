"""One builder at a time, named by its process id, and a lock that dies with its holder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.lock import lock

HOLD = """
import sys, time
from pathlib import Path
from rag.index.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_refused_with_the_pid_of_the_first_and_may_try_again(tmp_path):
    with lock(tmp_path), pytest.raises(StoreError, match=rf"is being built by process {os.getpid()}; wait for it or stop it"), lock(tmp_path):
        pass
    with lock(tmp_path):
        pass


def test_the_lock_is_released_when_the_block_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        _ = 1 / 0
    with lock(tmp_path):
        pass


def test_a_killed_holder_leaves_no_lock_behind(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert child.stdout is not None
    with child.stdout as out:
        assert out.readline() == b"held\n"
        with pytest.raises(StoreError, match=rf"process {child.pid};"), lock(tmp_path):
            pass
        child.kill()
        child.wait()
    deadline = time.monotonic() + 10
    while True:
        try:
            with lock(tmp_path):
                break
        except StoreError:
            assert time.monotonic() < deadline
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(StoreError, match="cannot be written"), lock(tmp_path):
        pass
    with pytest.raises(StoreError, match="cannot be written"), lock(Path("/proc/no-such-place")):
        pass
