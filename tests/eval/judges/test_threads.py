"""One thread for numpy's products while any block wants it, and as many as before when the last has ended."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

from eval.judges._threads import one_thread


def threads() -> set[int]:
    """Return the threads of each BLAS library that is loaded."""
    import numpy as np

    assert np.ones((2, 2)) @ np.ones((2, 2)) is not None
    return {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}


def test_blocks_may_overlap_without_lying_within_each_other() -> None:
    """As those of two runs in two threads do: the first ends while the second goes on."""
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        assert 1 not in before
        first, second = one_thread(), one_thread()
        first.__enter__()
        second.__enter__()
        assert threads() == {1}
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == before


def test_an_error_lifts_the_limit_too() -> None:
    with threadpool_limits(2, user_api="blas"):
        try:
            with one_thread():
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        assert 1 not in threads()
