"""What a schema becomes on its way to a model."""

from __future__ import annotations

from pydantic import BaseModel, Field

from rag.chat._schema import bare, strict, with_schema
from rag.models.chat import Message


class Inner(BaseModel):
    """One."""

    title: str = ""
    default: int | None = None


class Outer(BaseModel):
    """All."""

    items: list[Inner] = Field(default_factory=list)


def test_titles_and_defaults_go_and_fields_of_these_names_stay() -> None:
    inner = {
        "description": "One.",
        "type": "object",
        "properties": {"title": {"type": "string"}, "default": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    }
    items = {"type": "array", "items": {"$ref": "#/$defs/Inner"}}
    assert bare(Outer.model_json_schema()) == {"$defs": {"Inner": inner}, "description": "All.", "type": "object", "properties": {"items": items}}


def test_strict_requires_every_field_at_every_depth_and_allows_no_other() -> None:
    found = strict(Outer.model_json_schema())
    assert (found["required"], found["additionalProperties"]) == (["items"], False)
    assert (found["$defs"]["Inner"]["required"], found["$defs"]["Inner"]["additionalProperties"]) == (["title", "default"], False)


def test_the_schema_stands_at_the_end_so_that_the_start_of_a_prompt_stays() -> None:
    messages = (Message("system", "s"), Message("user", "q"))
    found = with_schema(messages, {"type": "object", "title": "T"})
    assert found[0] == messages[0]
    assert found[1].role == "user"
    assert found[1].content.startswith("q\n\n")
    assert found[1].content.endswith('{"type": "object"}')
