"""Attention without padding: the three ways give what attention text by text gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rag.models import attention
from rag.models.attention import attend, equal, padded

LENGTHS = [5, 5, 3, 3, 3, 1, 9]


def reference(joined: torch.Tensor, lengths: list[int], heads: int) -> torch.Tensor:
    """Return softmax(q k) v per text and head, the textbook way, in float64."""
    rows = []
    for part in joined.double().split(lengths):
        query, key, value = (x.view(len(part), heads, -1).transpose(0, 1) for x in part.chunk(3, dim=1))
        rows.append((torch.softmax(query @ key.transpose(1, 2), -1) @ value).transpose(0, 1).reshape(len(part), -1))
    return torch.cat(rows)


def joined(tokens: int) -> torch.Tensor:
    return torch.randn(tokens, 24, generator=torch.Generator().manual_seed(tokens))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=9))
def test_texts_see_themselves_alone(lengths: list[int]) -> None:
    given = joined(sum(lengths))
    wanted = reference(given, lengths, 2)
    assert torch.allclose(attend(given, lengths, 2).double(), wanted, atol=1e-6)
    assert torch.allclose(padded(given, lengths, 2).double(), wanted, atol=1e-6)  # as on an accelerator
    half = given.bfloat16()
    assert torch.allclose(attend(half, lengths, 2).double(), reference(half, lengths, 2), atol=0.03)


@pytest.mark.parametrize("most", [1, 60, 10**9])
def test_how_many_are_computed_at_once_changes_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_SCORES", most)
    given = joined(sum(LENGTHS))
    assert torch.allclose(attend(given, LENGTHS, 2).double(), reference(given, LENGTHS, 2), atol=1e-6)


def test_runs_are_of_one_length_and_cover_all_rows_in_order() -> None:
    rows = torch.arange(sum(LENGTHS))
    parts = list(equal(rows, LENGTHS))
    assert [(length, count) for _, length, count in parts] == [(5, 2), (3, 3), (1, 1), (9, 1)]
    assert torch.equal(torch.cat([p for p, _, _ in parts]), rows)


def test_rows_behind_the_last_text_give_zeros() -> None:
    given = joined(sum(LENGTHS) + 3)
    found = attend(given, LENGTHS, 2)
    assert torch.equal(found[:-3], attend(given[:-3], LENGTHS, 2))
    assert not found[-3:].any()


@pytest.mark.parametrize("size", [0.01, 1.0, 40.0])
def test_scores_of_any_size_give_weights_that_add_up_to_one(size: float) -> None:
    """At 40 most exponentials lie beyond the format's range: the softmax takes their place, which finds the same highest."""
    given = joined(sum(LENGTHS))
    given[:, :16] *= size  # queries and keys
    half = given.bfloat16()
    found = attend(half, LENGTHS, 2)
    assert torch.allclose(found.double(), reference(half, LENGTHS, 2), atol=0.05)
    half[:, 16:] = 1  # values: whatever the weights are, their mean is one
    assert torch.allclose(attend(half, LENGTHS, 2).float(), torch.ones(len(half), 8), atol=0.01)


def test_bare_exponentials_and_the_softmax_give_the_same_to_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    half = joined(sum(LENGTHS)).bfloat16()
    bare = attend(half, LENGTHS, 2)
    monkeypatch.setattr(attention, "_RANGE", (1.0, 0.0))  # no sum is within it
    assert torch.allclose(bare.float(), attend(half, LENGTHS, 2).float(), atol=0.02)


def test_what_is_not_a_number_stays_so_and_in_its_row() -> None:
    given = joined(9).bfloat16()
    given[4, 0] = float("nan")  # a query: its own row alone
    found = attend(given, [9], 2)
    assert found[4, :4].isnan().all()
    assert found[[0, 1, 2, 3, 5, 6, 7, 8]].isfinite().all()


def test_a_long_text_in_bfloat16_goes_the_way_that_holds_no_table_of_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many scores torch's own attention is used, which gives the same."""
    given = joined(9).bfloat16()
    called = []
    own = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", lambda *a, **k: called.append(1) or own(*a, **k))
    attend(given, [9], 2)
    assert not called
    monkeypatch.setattr(attention, "_MOST", 2 * 9 * 9 - 1)
    assert torch.allclose(attend(given, [9], 2).double(), reference(given, [9], 2), atol=0.03)
    assert called
