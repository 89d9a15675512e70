"""Shared fixtures; nothing a test does may reach the network."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
from hypothesis import settings

from rag.memo import Memo
from rag.runtime import Runtime

settings.register_profile("untimed", deadline=None)  # speed lives in benchmarks: a busy machine fails no test
settings.load_profile("untimed")


@pytest.fixture
def runtime() -> Runtime:
    """Return a runtime with its own memo in memory and its own counters."""
    return Runtime(memo=Memo(), show_progress=False)


@pytest.fixture(scope="session")
def shared_runtime() -> Runtime:
    """Return one runtime for the whole session: for hypothesis and for tests that read no counters."""
    return Runtime(memo=Memo(), show_progress=False)
