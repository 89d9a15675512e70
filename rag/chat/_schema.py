"""How a model without a switch for it is asked for JSON: the schema at the end of the prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rag.models.chat import Message


def with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return the messages with the schema and what to do with it at the end of the last one, so that the start stays the same."""
    asked = f"\n\nReply with one JSON object that fits this JSON Schema, and nothing else:\n{json.dumps(bare(schema), ensure_ascii=False)}"
    *before, last = messages
    return (*before, replace(last, content=last.content + asked))


def bare(schema: Any) -> Any:
    """Return a schema without the titles and defaults that its Python class adds."""
    if isinstance(schema, Mapping):
        return {
            k: ({n: bare(p) for n, p in v.items()} if k in ("properties", "$defs") else bare(v)) for k, v in schema.items() if k not in ("title", "default")
        }
    return [bare(v) for v in schema] if isinstance(schema, list) else schema


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema as strict modes want it: every property required and no other allowed."""
    found: dict[str, Any] = _strict(bare(schema))
    return found


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(v) for v in schema]
    if not isinstance(schema, dict):
        return schema
    found = {k: ({n: _strict(p) for n, p in v.items()} if k in ("properties", "$defs") else _strict(v)) for k, v in schema.items()}
    if isinstance(found.get("properties"), dict):
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found
