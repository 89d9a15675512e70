"""Numpy's matrix products keep to one thread while a judge works, and only then."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from eval.judges._frequencies import Frequencies
from eval.judges._threads import one_thread
from eval.judges.embedded import EmbeddedJudge
from eval.judges.memoised import MemoisedJudge
from rag.memo import Memo
from rag.models.hashing import HashingEncoder
from rag.runtime import Runtime


def threads() -> set[int]:
    """How many threads the libraries of matrix products may use."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two():
    """Begin with two, whatever the machine has."""
    assert np.ones((2, 2)).sum() == 4.0
    with threadpool_limits(2, user_api="blas"):
        yield


def test_one_thread_holds_for_the_block_however_it_ends():
    with one_thread():
        assert threads() == {1}
    assert threads() == {2}
    with pytest.raises(KeyboardInterrupt), one_thread():
        raise KeyboardInterrupt
    assert threads() == {2}


def test_the_embedded_judge_works_in_one_thread_also_behind_its_memo():
    """Its products are of one claim and a few sentences: a second thread gains nothing and waits at full speed for the next."""
    encoder = HashingEncoder()
    judge = EmbeddedJudge(Frequencies(0, {}), encoder.encode, encoder.token_vectors, encoder.identity)
    with judge.together():
        assert threads() == {1}
    with MemoisedJudge(judge, Runtime(Memo(), show_progress=False)).together():
        assert threads() == {1}
    assert threads() == {2}
