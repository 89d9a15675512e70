"""Ids of points: a function of what the point is, the same in every index."""

from __future__ import annotations

import uuid

from rag.index.ids import point_id


def test_an_id_is_the_name_based_uuid_of_its_parts() -> None:
    """An index that was built before finds its points by these, so that they never change."""
    assert point_id("", "a.md", 0, 5) == str(uuid.uuid5(uuid.UUID("6e1a3f7c-52f1-5d0e-9d37-0f6c1a5b7e11"), "\0a.md\x000\x005"))


def test_tenant_document_and_place_each_make_another_id() -> None:
    assert len({point_id(*parts) for parts in (("", "a", 1), ("a", "", 1), ("", "a1"), ("t", "a", 1), ("", "a", 2), ("", "a", 1, 1))}) == 6
