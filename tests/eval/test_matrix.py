"""A matrix expands to every combination, each checked and named once."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.budget import Budget
from eval.matrix import MOST, combinations, content, expand, is_matrix, made, read
from eval.sweep_names import MOST as LONGEST
from eval.sweep_names import combined, labels
from rag.config import parse
from rag.errors import ConfigError

ROOT = Path(__file__).parents[2]
PLAIN = {"chunk": "markdown", "retrieve": "bm25"}

values = st.lists(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.sampled_from(["bm25", "BM25", "bm25.1", "a b", "a/b", "../x", ""]),
        st.just([]),
        st.just({"use": "bm25"}),
    ),
    min_size=1,
    max_size=4,
)
fields = st.dictionaries(st.sampled_from(["chunk", "chunk.size", "retrieve", "pack.tokens", "refine.0.limit"]), values, max_size=4)


def matrix(fields: dict[str, Any], **more: Any) -> Any:
    return made({"base": PLAIN, "matrix": fields, **more})


@given(fields)
@settings(max_examples=150, deadline=None)
def test_the_combinations_are_the_cartesian_product(fields: dict[str, list[Any]]) -> None:
    found = [tuple(values.values()) for _, values in combinations(matrix(fields))]
    assert found == (list(product(*fields.values())) if fields else [])


@given(fields)
@settings(max_examples=150, deadline=None)
def test_names_are_unique_whatever_their_case_and_safe_as_folders(fields: dict[str, list[Any]]) -> None:
    names = [name for name, _ in combinations(matrix(fields))]
    assert len({n.lower() for n in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+,=~-]*", n) and len(n) <= LONGEST for n in names)


def test_names_say_path_and_value() -> None:
    found = expand(matrix({"chunk.size": [100, 200], "retrieve": {"words": "bm25", "both": {"use": "rrf", "of": ["bm25", "dense"]}}}))
    assert list(found.pipelines) == [
        "base",
        "chunk.size=100,retrieve=words",
        "chunk.size=100,retrieve=both",
        "chunk.size=200,retrieve=words",
        "chunk.size=200,retrieve=both",
    ]
    assert found.pipelines["chunk.size=100,retrieve=both"] == parse(
        {"chunk": {"use": "markdown", "size": 100}, "retrieve": {"use": "rrf", "of": ["bm25", "dense"]}}
    )


def test_a_long_name_is_cut_and_stays_apart_from_others() -> None:
    one, other = (combined([("path", "x" * 200), ("last", word)]) for word in ("a", "b"))
    assert len(one) == len(other) == LONGEST
    assert one != other


def test_values_of_one_word_are_told_apart_by_their_number() -> None:
    assert labels([{"use": "dense", "limit": 5}, {"use": "dense", "limit": 9}, "bm25"]) == ["dense.1", "dense.2", "bm25.3"]
    assert len(set(labels(["a", "a", "a.1"]))) == 3


def test_what_differs_only_in_defaults_written_out_is_one_configuration_and_is_reported() -> None:
    default = parse(PLAIN).retrieve.limit
    found = expand(matrix({"retrieve.limit": [default, default + 1], "pack": ["budget", {"use": "budget", "tokens": 2000}]}))
    assert set(found.pipelines) == {"base", f"retrieve.limit={default + 1},pack=budget.1"}
    assert found.merged == {
        f"retrieve.limit={default},pack=budget.1": "base",
        f"retrieve.limit={default},pack=budget.2": "base",
        f"retrieve.limit={default + 1},pack=budget.2": f"retrieve.limit={default + 1},pack=budget.1",
    }


def test_what_changes_no_result_makes_no_other_configuration_and_an_option_of_the_index_does() -> None:
    one = parse(PLAIN)
    assert content(one) == content(parse({**PLAIN, "models": {"chat": "parrot"}}))
    assert content(one) != content(parse({**PLAIN, "index": {"duplicates": "drop"}}))


def test_a_field_inside_a_list_and_a_part_that_is_left_out_can_be_set() -> None:
    base = {"chunk": "markdown", "retrieve": {"use": "rrf", "of": ["bm25", "dense"]}}
    found = expand(made({"base": base, "matrix": {"retrieve.of.0.limit": [7], "pack.tokens": [99], "answer.quotes": [2]}})).pipelines
    (name,) = set(found) - {"base"}
    assert (found[name].retrieve.of[0].limit, found[name].pack.tokens, found[name].answer.quotes) == (7, 99, 2)
    assert base["retrieve"] == {"use": "rrf", "of": ["bm25", "dense"]}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "a matrix is a mapping"),
        ({"base": PLAIN}, "matrix: required"),
        ({"matrix": {}}, "base: required"),
        ({"base": PLAIN, "matrix": {}, "metrik": "map"}, "metrik: unknown key, did you mean 'metric'"),
        ({"base": PLAIN, "matrix": {}, "metric": "spam_recall"}, "spam_recall"),
        ({"base": PLAIN, "matrix": {}, "metric": 3}, "metric: expected the name"),
        ({"base": PLAIN, "matrix": {}, "margin": -1}, "margin: expected a number of at least 0"),
        ({"base": PLAIN, "matrix": {}, "confirm": 1}, "confirm: expected a number of at least 0.1 and at most 0.9"),
        ({"base": PLAIN, "matrix": {}, "seed": True}, "seed: expected a whole number"),
        ({"base": PLAIN, "matrix": {}, "budget": {"cals": 1}}, "budget.cals: unknown key, did you mean 'calls'"),
        ({"base": PLAIN, "matrix": {}, "budget": {"calls": 1.5}}, "budget.calls: expected a whole number"),
        ({"base": PLAIN, "matrix": {"chunk..size": [1]}}, "matrix.chunk..size: not the path"),
        ({"base": PLAIN, "matrix": {"chunk.size": 1}}, "matrix.chunk.size: expected a list"),
        ({"base": PLAIN, "matrix": {"chunk.size": []}}, "matrix.chunk.size: expected a list"),
        ({"base": PLAIN, "matrix": {"chunk": {"a/b": "whole"}}}, "matrix.chunk.a/b: a name of a value"),
    ],
)
def test_a_matrix_that_is_none_is_refused_with_its_key(data: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        made(data)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"chunk.size": [100, -1]}, "chunk.size=-1: chunk: size must be"),
        ({"retrieve": ["bm25", "bm52"]}, "retrieve=bm52: retrieve: no retrieve stage is called 'bm52', did you mean 'bm25'"),
        ({"chunk.siez": [1]}, "chunk.siez=1: chunk.siez: unknown field, did you mean 'size'"),
        ({"refine.0.limit": [1]}, "refine.0.limit=1: refine: expected a list"),
        ({"retrieve.limit.x": [1]}, "retrieve.limit.x=1: "),
    ],
)
def test_every_combination_is_checked_before_anything_runs(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        expand(matrix(fields))


def test_too_many_combinations_are_refused_before_they_are_made() -> None:
    with pytest.raises(ConfigError, match=f"1000000 combinations are more than {MOST}"):
        expand(matrix({name: list(range(100)) for name in ("a", "b", "c")}))


def test_a_base_is_a_file_beside_the_matrix_or_written_inside(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("chunk: markdown\nretrieve: bm25\n")
    (tmp_path / "grid.yaml").write_text("base: one.yaml\nmatrix: {chunk.size: [50]}\nbudget: {calls: 3}\n")
    found = read(tmp_path / "grid.yaml")
    assert dict(found.base) == PLAIN
    assert found.budget == Budget(calls=3)
    assert is_matrix(tmp_path / "grid.yaml")
    assert not is_matrix(tmp_path / "one.yaml")
    (tmp_path / "one.yaml").write_text("chunk: markdown\n")
    with pytest.raises(ConfigError, match=r"grid.yaml: .*one.yaml: retrieve: required"):
        read(tmp_path / "grid.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "sweep").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_matrices_expand(path: Path) -> None:
    assert len(expand(read(path)).pipelines) > 1
