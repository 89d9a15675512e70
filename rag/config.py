"""The one door for configuration files: YAML in, a checked `Pipeline` value out."""

from __future__ import annotations

import math
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from rag import strict_yaml
from rag.errors import ConfigError
from rag.pipeline import Pipeline
from rag.registry import did_you_mean, find
from rag.stages import Stage

MAX_BYTES = 256 * 1024


def read_yaml(path: Path) -> Any:
    """Return the plain data of one YAML file; raises `ConfigError` that names the file and the line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: {len(data)} bytes is no configuration (limit {MAX_BYTES})")
    try:
        return strict_yaml.parse(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def load(path: str | Path) -> Pipeline:
    """Return the pipeline that a YAML file says.

    Raises `ConfigError` with the file, the path inside it, what was found and what is allowed.
    """
    data = read_yaml(Path(path))
    try:
        return parse(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(data: Any) -> Pipeline:
    """Return the pipeline that plain data (of YAML or JSON) says; raises `ConfigError`."""
    if not isinstance(data, dict):
        raise ConfigError(f"a configuration is a mapping with chunk: and retrieve:, not {_kind(data)}")
    return cast(Pipeline, _fill(Pipeline, data, ""))


def dump(pipeline: Pipeline) -> dict[str, Any]:
    """Return the plain data of a pipeline, every field written out: `parse(dump(p)) == p`."""
    return cast(dict[str, Any], _plain(pipeline))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {"use": value.use, **body} if isinstance(value, Stage) else body
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value


def _fill(cls: type[Any], data: dict[str, Any], path: str) -> Any:
    known: dict[str, Field[Any]] = {f.name: f for f in fields(cls) if f.init}
    for name in data:
        if name not in known:
            allowed = ", ".join(known) or "no fields"
            raise ConfigError(f"{_at(path, name)}: unknown field{did_you_mean(name, list(known))}; allowed: {allowed}")
    hints = get_type_hints(cls)
    values = {}
    for name, f in known.items():
        if name in data:
            values[name] = _read(hints[name], data[name], _at(path, name))
        elif f.default is MISSING and f.default_factory is MISSING:
            raise ConfigError(f"{_at(path, name)}: required and missing")
    try:
        return cls(**values)
    except ValueError as error:
        raise ConfigError(f"{path or 'configuration'}: {error}") from None


def _read(hint: Any, data: Any, path: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if data is None and type(None) in args:
            return None
        return _read_union([a for a in args if a is not type(None)], data, path)
    if origin is tuple:
        return _read_tuple(args[0], data, path)
    if origin is Literal:
        if data not in args or isinstance(data, bool):
            raise ConfigError(f"{path}: {data!r} is not allowed{did_you_mean(str(data), [str(a) for a in args])}; choose: {', '.join(map(str, args))}")
        return data
    if isinstance(hint, type) and issubclass(hint, Stage):
        return _read_stage(hint, data, path)
    if is_dataclass(hint):
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: expected a mapping, found {_kind(data)}")
        return _fill(cast(type[Any], hint), data, path)
    return _read_scalar(hint, data, path)


def _read_union(hints: list[Any], data: Any, path: str) -> Any:
    error: ConfigError | None = None
    for hint in hints:
        try:
            return _read(hint, data, path)
        except ConfigError as e:
            error = e
    raise error or ConfigError(f"{path}: nothing is allowed here")


def _read_tuple(item: Any, data: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise ConfigError(f"{path}: expected a list, found {_kind(data)}; write [ ... ]")
    return tuple(_read(item, d, f"{path}[{i}]") for i, d in enumerate(data))


def _read_stage(base: type[Stage], data: Any, path: str) -> Stage:
    if isinstance(data, str):
        data = {"use": data}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected the name of a {base.kind} stage or a mapping with use:, found {_kind(data)}")
    if not isinstance(data.get("use"), str):
        raise ConfigError(f"{path}.use: required; name a {base.kind} stage (see `rag stages`)")
    cls = find(base.kind, data["use"], path)
    return cast(Stage, _fill(cls, {k: v for k, v in data.items() if k != "use"}, path))


def _read_scalar(hint: Any, data: Any, path: str) -> Any:
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if hint is float and isinstance(data, float) and math.isnan(data):
        raise ConfigError(f"{path}: NaN is not a number to configure with")
    if type(data) is hint:
        return data
    name = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(hint, str(hint))
    raise ConfigError(f"{path}: expected {name}, found {_kind(data)}")


def _kind(data: Any) -> str:
    if data is None:
        return "nothing"
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    base = names.get(type(data), type(data).__name__)
    return f"{base} {data!r}" if isinstance(data, (str, int, float, bool)) and len(repr(data)) < 60 else base


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
