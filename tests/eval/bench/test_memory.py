"""Anonymous memory: what a process holds for itself is counted, pages of files are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from eval.bench.memory import Peak, anonymous, children

SIZE = 64 * 10**6
ROOT = Path(__file__).parents[3]


ALONE = """
import sys
from pathlib import Path
import numpy as np
from eval.bench.memory import anonymous

path, size = Path(sys.argv[1]), int(sys.argv[2])
before = anonymous()
assert before > 1
held = np.ones(size, dtype=np.uint8)
assert 60 < anonymous() - before < 70
np.save(path, held)
held = None
mapped = np.load(path, mmap_mode="r")
assert int(mapped.sum()) == size
assert anonymous() - before < 10
"""


def test_memory_of_its_own_is_counted_and_mapped_files_are_not(tmp_path):
    """In a process that does nothing else: here others' garbage may be let go of meanwhile."""
    subprocess.run([sys.executable, "-c", ALONE, str(tmp_path / "x.npy"), str(SIZE)], check=True, cwd=ROOT)


def test_a_process_that_is_gone_has_none():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert anonymous(process.pid) == 0


def test_the_most_of_this_process_and_of_those_it_started_is_kept():
    code = f"import sys; x = bytearray({SIZE}); print(flush=True); sys.stdin.read()"
    with Peak(seconds=60) as peak:
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            assert process.pid in children()
            peak.look()
            process.stdin.close()
        held = np.ones(SIZE, dtype=np.uint8)
        peak.look()
        del held
    assert peak.started > 60
    assert peak.own > 60
    assert process.pid not in children()
