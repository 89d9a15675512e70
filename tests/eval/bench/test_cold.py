"""The cold-start benchmark: what a process took, that a failure is one, and which packages it imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eval.bench.cold import BIGGEST, imports, once, row


def test_a_process_is_timed_on_the_clock_and_on_the_processor() -> None:
    wall, busy = once([sys.executable, "-c", "import time; time.sleep(0.2)"], os.environ)
    assert wall >= 0.2
    assert 0 < busy < wall


def test_a_process_that_fails_is_no_figure() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        once([sys.executable, "-c", "raise SystemExit(3)"], os.environ)


def test_imports_are_summed_by_package_the_largest_first(tmp_path: Path) -> None:
    for module, seconds in (("whole/__init__", 0.4), ("whole/part", 0.4), ("single", 0.6)):
        (tmp_path / module).parent.mkdir(exist_ok=True)
        (tmp_path / f"{module}.py").write_text(f"import time\ntime.sleep({seconds})\n", encoding="utf-8")
    found = imports([sys.executable, "-c", "import single, whole.part"], {**os.environ, "PYTHONPATH": str(tmp_path)})
    assert list(found)[:2] == ["whole", "single"]
    assert found["whole"] >= 800
    assert len(found) == BIGGEST


def test_the_first_run_does_not_count() -> None:
    commands = [[sys.executable, "-c", f"import time; time.sleep({s})"] for s in (0.4, 0, 0)]
    found = row("nothing", commands, os.environ)
    assert (found["what"], found["n"]) == ("nothing", 2)
    assert found["min"] <= found["median"] <= found["max"]
