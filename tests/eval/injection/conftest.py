"""One index of the documents of all attacks for the whole session."""

from __future__ import annotations

import pytest

from eval.injection.bench import Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return the bench."""
    return Bench(tmp_path_factory.mktemp("injection"))
