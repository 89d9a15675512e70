"""The JSON Schema accepts every configuration that loads, and refuses what an editor should underline."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rag.config import dump, load, parse
from rag.errors import ConfigError
from rag.registry import parts
from rag.schema import schema, stages
from rag.stages import REGISTERED

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("configs/*.yaml"), *ROOT.glob("eval/bench/*/*.yaml")])
VALIDATOR = Draft202012Validator(schema())
VALID: dict[str, Any] = {
    "chunk": {"use": "fixed", "size": 8},
    "retrieve": {"use": "rrf", "of": ["bm25", {"use": "dense", "limit": 3}]},
    "pack": {"use": "budget", "tokens": 99},
}


def test_it_is_valid_json_schema_and_plain_json() -> None:
    Draft202012Validator.check_schema(schema())
    assert json.loads(json.dumps(schema(), allow_nan=False)) == schema()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_it_accepts_what_is_shipped_as_written_and_as_dumped(path: Path) -> None:
    assert not list(VALIDATOR.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8"))))
    assert not list(VALIDATOR.iter_errors(dump(load(path))))


def _changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return the valid configuration with one place set (or removed, for `...`)."""
    found = copy.deepcopy(VALID)
    at: Any = found
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return found


WRONG: list[tuple[tuple[Any, ...], Any]] = [
    (("chunks",), "whole"),
    (("chunk", "sizes"), 3),
    (("retrieve", "of", 1, "limmit"), 3),
    (("index",), {"exact": 3}),
    (("models",), {"embedder": "x"}),
    (("chunk",), ...),
    (("retrieve", "of"), ...),
    (("chunk", "use"), ...),
    (("chunk",), "fixd"),
    (("retrieve",), "rrf"),  # needs `of`, so a bare name is not enough
    (("chunk", "size"), "3"),
    (("chunk", "size"), 0),
    (("chunk", "size"), 2.5),
    (("chunk", "size"), True),
    (("chunk", "unit"), "words"),
    (("chunk",), None),
    (("retrieve", "of"), "bm25"),
    (("retrieve", "k"), -1),
    (("pack", "share"), 0),
    (("pack", "window"), 3),
    (("refine",), "mmr"),
    (("index",), {"exact_below": -1}),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_it_refuses_what_the_configuration_refuses(path: tuple[Any, ...], value: Any) -> None:
    wrong = _changed(path, value)
    assert not VALIDATOR.is_valid(wrong)
    with pytest.raises(ConfigError):
        parse(wrong)


def test_the_configuration_that_those_are_changes_of_is_accepted() -> None:
    assert VALIDATOR.is_valid(VALID)
    assert VALIDATOR.is_valid(_changed(("pack", "window"), None))
    parse(VALID)


values = st.one_of(st.none(), st.booleans(), st.integers(-2, 300), st.floats(-1, 2), st.sampled_from(["whole", "bm25", "tokens", "ends", "x"]))
places = st.sampled_from(
    [(k,) for k in VALID] + [("chunk", "size"), ("chunk", "overlap"), ("retrieve", "k"), ("retrieve", "of", 1, "limit"), ("pack", "share"), ("pack", "order")]
)


@given(places, values)
@settings(max_examples=300, deadline=None)
def test_whatever_loads_satisfies_it(place: tuple[Any, ...], value: Any) -> None:
    found = _changed(place, value)
    try:
        parse(found)
    except ConfigError:
        return
    assert VALIDATOR.is_valid(found)


def test_the_table_holds_every_part_with_every_field() -> None:
    rows = stages()
    assert [(r["kind"], r["use"]) for r in rows] == [(k.kind, use) for k in REGISTERED for use in parts(k.kind)]
    assert all(r["summary"] for r in rows)
    json.dumps(rows, allow_nan=False)
    rrf = next(r for r in rows if r["use"] == "rrf")
    assert rrf["fields"] == [
        {"name": "of", "type": "list of retrieve stages", "required": True},
        {"name": "k", "type": "number", "default": 60.0},
        {"name": "weights", "type": "list of numbers", "default": ()},
        {"name": "limit", "type": "whole number", "default": 100},
    ]
    budget = next(r for r in rows if r["use"] == "budget")
    assert {f["name"]: f["type"] for f in budget["fields"]} == {
        "tokens": "whole number", "limit": "whole number", "order": "score | ends | document", "window": "whole number | none", "share": "number", "tokenizer": "text",
    }  # fmt: skip
