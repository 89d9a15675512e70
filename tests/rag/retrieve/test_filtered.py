"""A filtered retriever is the one within over fewer documents: its filter and that of the query both hold, and a wrong one is told early."""

from __future__ import annotations

import pytest

from rag.errors import ConfigError
from rag.retrieve.bm25 import Bm25
from rag.retrieve.filtered import Filtered
from rag.types import Document

DOCUMENTS = [Document(f"{n:02}.md", "common words " * (1 + n % 3), {"lang": ("en", "de")[n % 2], "n": n}) for n in range(30)]
LEGS = {"use": "rrf", "of": ["bm25", "dense", "rank_bm25"]}


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(DOCUMENTS, lab.pipeline(LEGS)) as opened:
        yield opened


def ids(lab, index, retrieve, **more):
    return [h.chunk.span.doc_id for h in lab.pipeline(retrieve).search(index, "common words", **more)[0]]


@pytest.mark.parametrize("over", ["bm25", "dense", "rank_bm25", LEGS])
def test_it_finds_what_the_query_filtered_alike_finds(lab, index, over):
    own = {"use": "filtered", "over": over, "where": "lang = en and n >= 4"}
    found = ids(lab, index, own)
    assert sorted(found) == [f"{n:02}.md" for n in range(4, 30, 2)]
    assert found == ids(lab, index, over, where="lang = en and n >= 4")
    assert sorted(ids(lab, index, own, where=["n < 9", "not n = 6"])) == ["04.md", "08.md"]


def test_the_index_filters_before_the_limit(lab, index):
    """Dropping hits afterwards would leave fewer than asked for."""
    assert len(ids(lab, index, {"use": "filtered", "over": {"use": "bm25", "limit": 3}, "where": "n in (7, 8, 9)"})) == 3
    assert len(ids(lab, index, {"use": "filtered", "over": "bm25", "where": "exists n", "limit": 2})) == 2


def test_the_trace_says_the_filter_and_its_unknown_keys(lab, index):
    _, steps = lab.pipeline({"use": "filtered", "over": "bm25", "where": "lan=en or exists n"}).search(index, "common")
    assert (steps[0].facts["where"], steps[0].facts["unknown_fields"]) == ("lan = en or exists n", ["lan"])
    assert steps[0].steps[0].use == "bm25"


def test_a_filter_that_cannot_be_read_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="position 7: expected a value"):
        Filtered(over=Bm25(), where="lang =")


def test_in_a_configuration_that_is_an_error_with_the_path(lab):
    with pytest.raises(ConfigError, match=r"^retrieve: position 1: expected a metadata key"):
        lab.pipeline({"use": "filtered", "over": "bm25", "where": ""})
