"""Threads of one core each: every item once, in order, errors raised, and torch elsewhere as it was."""

from __future__ import annotations

import threading

import pytest
import torch

from rag.models.workers import Workers


def test_results_come_in_the_order_of_the_items() -> None:
    for workers in (Workers(), Workers(one=True)):
        assert workers.map(lambda n: n * n, range(20)) == [n * n for n in range(20)]
        assert workers.map(lambda n: n, []) == []


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        Workers().map(lambda n: 1 // n, [1, 1, 0])


def test_a_lone_item_is_computed_by_either_way_and_its_error_reaches_the_caller() -> None:
    for workers in (Workers(), Workers(one=True)):
        assert [workers.lone(lambda n: n * n, 7, 1) for _ in range(20)] == [49] * 20
        for _ in range(20):
            with pytest.raises(ZeroDivisionError):
                workers.lone(lambda n: 1 // n, 0, 1)


def test_a_lone_item_is_computed_on_all_cores_here_or_on_one_elsewhere() -> None:
    workers, here = Workers(), threading.get_ident()
    seen = {workers.lone(lambda _: (threading.get_ident() == here, torch.get_num_threads()), 0, 1) for _ in range(20)}
    cores = torch.get_num_threads()
    assert seen == ({(True, cores), (False, 1)} if cores > 1 else {(True, 1)})


def test_a_worker_uses_one_core_and_other_threads_all() -> None:
    before = torch.get_num_threads()
    workers, seen = Workers(), []
    if before > 1:
        assert set(workers.map(lambda n: torch.get_num_threads(), range(20))) == {1}
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [torch.get_num_threads()] == [before]
