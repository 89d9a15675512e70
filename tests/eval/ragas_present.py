"""Whether tests against ragas may be left out: where it is not installed, unless `RAG_REQUIRE_RAGAS=1` says that it has to be there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec

import pytest


def may_skip(environment: Mapping[str, str], installed: bool) -> bool:
    """Whether the tests may be left out: never where ragas is required."""
    return not installed and environment.get("RAG_REQUIRE_RAGAS") != "1"


def need_ragas(module: bool = False) -> None:
    """Skip the test, or the whole module, where that may be; else what imports ragas fails."""
    if may_skip(os.environ, find_spec("ragas") is not None):
        pytest.skip("ragas is not installed: pip install 'spanwise[ragas]'", allow_module_level=module)
