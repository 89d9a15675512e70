"""The JSON Schema of a configuration, for editors; and the table of parts behind `rag stages`."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from rag.pipeline import Pipeline
from rag.registry import parts
from rag.stages import BOUNDS, REGISTERED, Stage

_JSON = {int: "integer", float: "number", str: "string", bool: "boolean"}
_BOUND = dict(zip(BOUNDS, ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"), strict=True))


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every valid configuration satisfies."""
    definitions: dict[str, Any] = {}
    for base in REGISTERED:
        found = parts(base.kind)
        definitions[base.kind] = {
            "anyOf": [{"enum": [u for u, c in found.items() if not _required(c)]}] + [{"$ref": f"#/$defs/{base.kind}.{u}"} for u in found]
        }
        for use, cls in found.items():
            definitions[f"{base.kind}.{use}"] = _object(cls, use)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "spanwise pipeline", **_object(Pipeline), "$defs": definitions}


def stages(bases: Sequence[type[Stage]] = REGISTERED) -> list[dict[str, Any]]:
    """Return one row per registered part of these kinds: `kind, use, summary, fields: [{name, type, default}]`."""
    rows = []
    for base in bases:
        for use, cls in parts(base.kind).items():
            hints = get_type_hints(cls)
            table = [{"name": f.name, "type": spell(hints[f.name]), **_default(f)} for f in fields(cls)]  # type: ignore[arg-type]  # parts are dataclasses
            rows.append({"kind": base.kind, "use": use, "summary": (cls.__doc__ or "").strip().split("\n")[0], "fields": table})
    return rows


def stage_text(row: Mapping[str, Any]) -> str:
    """Return a row of `stages` in three lines."""
    fields = ", ".join(f"{f['name']}: {f['type']}" + ("" if f.get("required") else f" = {f.get('default')}") for f in row["fields"])
    return f"{row['kind']}: {row['use']}\n    {row['summary']}\n    {fields or 'no fields'}"


def _required(cls: type[Any]) -> list[str]:
    return [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]


def _default(f: Any) -> dict[str, Any]:
    if f.default is MISSING:
        if f.default_factory is MISSING:
            return {"required": True}
        return {"default": _shown(f.default_factory())}
    return {"default": _shown(f.default)}


def _shown(value: Any) -> Any:
    return value.use if isinstance(value, Stage) else value


def _object(cls: type[Any], use: str | None = None) -> dict[str, Any]:
    hints = get_type_hints(cls)
    properties: dict[str, Any] = {"use": {"const": use}} if use else {}
    for f in fields(cls):
        properties[f.name] = {**_type(hints[f.name]), **{_BOUND[k]: v for k, v in f.metadata.get("limits", {}).items()}}
    about = {"description": (cls.__doc__ or "").strip().split("\n")[0]}
    return {"type": "object", **about, "properties": properties, "required": (["use"] if use else []) + _required(cls), "additionalProperties": False}


def _type(hint: Any) -> dict[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if a is type(None) else _type(a) for a in args]}
    if origin is tuple:
        return {"type": "array", "items": _type(args[0])}
    if origin is Literal:
        return {"enum": list(args)}
    if isinstance(hint, type) and issubclass(hint, Stage):
        return {"$ref": f"#/$defs/{hint.kind}"}
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint)
    return {"type": _JSON[hint]}


def spell(hint: Any) -> str:
    """Return a type as a reader of `rag stages` or of an error is told of it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " | ".join("none" if a is type(None) else spell(a) for a in args)
    if origin is tuple:
        return f"list of {spell(args[0])}s"
    if origin is Literal:
        return " | ".join(map(str, args))
    if isinstance(hint, type) and issubclass(hint, Stage):
        return f"{hint.kind} stage"
    return {int: "whole number", float: "number", str: "text", bool: "true | false"}.get(hint, str(hint))
