"""The grid's loop and run have to find the same before their times are compared."""

import pytest

from eval.bench.peers.grid import DEAREST, FIRST, INDEXES, beyond, check, rows
from eval.bench.peers.process import Failed


def test_the_same_means_are_the_same_work():
    check({"a": {"recall": 0.1 + 0.2}}, {"a": {"recall": 0.3}})


@pytest.mark.parametrize(("other", "says"), [({"a": {"recall": 0.31}}, "recall is 0.3"), ({"a": {}}, "other metrics"), ({}, "other metrics")])
def test_other_means_or_metrics_are_refused(other, says):
    with pytest.raises(Failed, match=says):
        check({"a": {"recall": 0.3}}, other)


def test_ways_are_held_against_the_loop_of_their_round():
    """100/10 and 200/10."""
    found = {
        r["name"]: r["ratio"]
        for r in rows({"naive loop": [100.0, 200.0], "first run": [10.0, 10.0], "second run": [1.0, 1.0], "second run, same process": [0.5, 0.5]}, {})
    }
    assert found["first run"] == {"median": 15.0, "low": 10.0, "high": 20.0}
    assert found["naive loop"]["median"] == 1.0


def test_what_a_grid_takes_beyond_its_indexes_is_counted_in_dearest_configurations():
    """(20 - 5) / 10 = 1.5 and (30 - 6) / 8 = 3: their median is 2.25."""
    assert beyond({FIRST: [20.0, 30.0], INDEXES: [5.0, 6.0], DEAREST: [10.0, 8.0]}) == 2.25
