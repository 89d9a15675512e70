"""Ids met so far: each once, with its first number, whatever it is spelt with, and without memory that grows."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from rag.seen import Seen


@given(st.lists(st.tuples(st.text(max_size=4), st.integers(0, 2**40))))
def test_it_is_a_dictionary_that_keeps_the_first(pairs):
    seen, model = Seen(), {}
    for id_, number in pairs:
        assert seen.add(id_, number) == (id_ not in model)
        model.setdefault(id_, number)
    assert {i: seen.number(i) for i in model} == model
    assert (len(seen), sorted(seen)) == (len(model), sorted(model))
    assert ("never met" in seen) == ("never met" in model)
    seen.close()


@given(st.lists(st.tuples(st.sampled_from(["add", "note", "discard", "in", "len"]), st.sampled_from("abcd"))))
def test_what_is_noted_or_taken_out_is_so_at_once(calls):
    seen, model = Seen(), set()
    for call, id_ in calls:
        if call == "add":
            assert seen.add(id_) == (id_ not in model)
        elif call == "note":
            seen.note(id_)
        elif call == "discard":
            seen.discard(id_)
        elif call == "in":
            assert (id_ in seen) == (id_ in model)
        else:
            assert len(seen) == len(model)
        (model.discard if call == "discard" else model.add if call in ("add", "note") else len)(id_)
    assert sorted(seen) == sorted(model)
    seen.close()


def test_half_a_surrogate_pair_is_an_id_like_others():
    seen = Seen()
    assert seen.add("\ud800")
    assert "\ud800" in seen
    assert "\ud801" not in seen
    seen.close()


def test_memory_does_not_grow_with_the_ids():
    seen = Seen()
    tracemalloc.start()
    for n in range(20_000):
        seen.add(f"a/long/enough/path/to/be/noticed/{n}")
        seen.note(f"another/long/enough/path/to/be/noticed/{n}")
    assert tracemalloc.get_traced_memory()[0] < 1_000_000
    tracemalloc.stop()
    seen.close()
