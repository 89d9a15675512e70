"""The one door for configuration files: YAML in, a checked `Pipeline` value out."""

from __future__ import annotations

import math
import re
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from rag.errors import ConfigError
from rag.pipeline import Pipeline
from rag.registry import did_you_mean, find, parts
from rag.stages import Stage

MAX_BYTES = 256 * 1024
MAX_NUMBER = 2**53
MAX_SHOWN = 60  # characters of a wrong value that a message repeats


def read_yaml(path: Path) -> Any:
    """Return the plain data of one YAML file; raises `ConfigError` that names the file and the line."""
    from rag import strict_yaml  # here, since an index says its configuration in JSON

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); check the path") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: more than {MAX_BYTES} bytes are no configuration; check the path")
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


def part(base: type[Stage], data: Any, path: str) -> Stage:
    """Return the part of a kind that plain data says: a name, or a mapping with `use:`. `path` is its place, for messages. Raises `ConfigError`."""
    return _read_stage(base, data, path)


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
            raise ConfigError(f"{_at(path, name)}: unknown field{did_you_mean(str(name), list(known))}; allowed: {allowed}")
    hints = get_type_hints(cls)
    values = {}
    for name, f in known.items():
        if name in data:
            values[name] = _read(hints[name], data[name], _at(path, name))
        elif f.default is MISSING and f.default_factory is MISSING:
            from rag.schema import spell

            raise ConfigError(f"{_at(path, name)}: required and missing; expected: {spell(hints[name])}")
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
            near = did_you_mean(data, [str(a) for a in args]) if isinstance(data, str) else ""
            raise ConfigError(f"{path}: {_kind(data)} is not allowed{near}; choose: {', '.join(map(str, args))}")
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
        found = _kind(data["use"]) if "use" in data else "no use:"
        raise ConfigError(f"{path}: expected use: with the name of a {base.kind} stage, found {found}; there are: {', '.join(parts(base.kind))}")
    cls = find(base.kind, data["use"], path)
    return cast(Stage, _fill(cls, {k: v for k, v in data.items() if k != "use"}, path))


def _read_scalar(hint: Any, data: Any, path: str) -> Any:
    if isinstance(data, int) and abs(data) > MAX_NUMBER:
        raise ConfigError(f"{path}: a number beyond {MAX_NUMBER} is too large")
    if isinstance(data, float) and not math.isfinite(data):
        raise ConfigError(f"{path}: expected a finite number, found {data}")
    if hint is float and type(data) is int:
        return float(data)
    if type(data) is hint:
        return data
    name = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(hint, str(hint))
    raise ConfigError(f"{path}: expected {name}, found {_kind(data)}")


def _kind(data: Any) -> str:
    if data is None:
        return "nothing"
    names = {dict: "a mapping", list: "a list", str: "text", int: "the whole number", float: "the number"}
    base = names.get(type(data), f"a {type(data).__name__}")
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, int) and abs(data) > MAX_NUMBER:
        return "a number too large"
    return f"{base} {_short(data)}" if isinstance(data, (str, int, float)) else base


def _short(data: object) -> str:
    text = repr(data)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _at(path: str, name: object) -> str:
    shown = str(name) if re.fullmatch(r"[\w-]{1,60}", str(name)) else _short(name)
    return f"{path}.{shown}" if path else shown
