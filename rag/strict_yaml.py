"""YAML as this project reads it: plain data only, without aliases, repeated keys or deep nesting."""

from __future__ import annotations

from typing import Any

import yaml

from rag.errors import ConfigError

MAX_DEPTH = 32
# What PyYAML raises on bad input: an explicit tag on an unfit value (`!!bool x`, `!!int ""`, `!!timestamp x`) is a
# bare KeyError, IndexError or AttributeError, and a number in base 60 can overflow.
_BROKEN = (yaml.YAMLError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)


class _Strict(yaml.SafeLoader):
    """`yaml.safe_load` that also refuses aliases, repeated keys and deep nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave the parser untyped
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{_line(event)}: YAML aliases (*{event.anchor}) are not allowed; write the value out")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConfigError(f"{_line(event)}: nested more than {MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ConfigError(f"{_line(key_node)}: key {key!r} is not text; quote it")
            if key in seen:
                raise ConfigError(f"{_line(key_node)}: key {key!r} is there twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _line(at: Any) -> str:
    return f"line {at.start_mark.line + 1}"


def parse(data: bytes | str) -> Any:
    """Return the plain data of one YAML document; raises `ConfigError` that names the line."""
    try:
        return yaml.load(data, Loader=_Strict)  # noqa: S506  # _Strict is a SafeLoader
    except _BROKEN as error:
        raise ConfigError(_told(error)) from None


def _told(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        if error.encoding == "unicode":
            return f"not valid YAML (character U+{error.character:04X} at offset {error.position} is not allowed)"
        return f"not UTF-8 text ({error.reason} at byte {error.position})"
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}not valid YAML ({' '.join(str(getattr(error, 'problem', None) or error).split())})"
