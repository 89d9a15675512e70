"""The cold-start benchmark: what a process took, that a failure is one, and which packages it imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from eval.bench.cold import imports, once, row


def test_a_process_is_timed_on_the_clock_and_on_the_processor() -> None:
    wall, busy = once([sys.executable, "-c", "import time; time.sleep(0.2)"], os.environ)
    assert wall >= 0.2
    assert 0 < busy < wall


def test_a_process_that_fails_is_no_figure() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        once([sys.executable, "-c", "raise SystemExit(3)"], os.environ)


def test_imports_are_summed_by_package_the_largest_first() -> None:
    found = imports([sys.executable, "-c", "import json, email.message"], os.environ)
    assert {"json", "email"} <= found.keys()
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_the_first_run_does_not_count() -> None:
    commands = [[sys.executable, "-c", f"import time; time.sleep({s})"] for s in (0.4, 0, 0)]
    found = row("nothing", commands, os.environ)
    assert (found["what"], found["n"]) == ("nothing", 2)
    assert found["min"] <= found["median"] <= found["max"]
