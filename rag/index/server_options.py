"""Where a Qdrant server is and how a collection on it is laid out: options, and the URL they are written as."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias
from urllib.parse import SplitResult, parse_qsl, urlsplit

from rag.errors import StoreError

Quantization: TypeAlias = Literal["none", "scalar", "binary"]
KEY_VARIABLE = "QDRANT_API_KEY"
INSECURE_VARIABLE = "RAG_INSECURE"
FORM = "http(s)://HOST[:PORT]/COLLECTION[?option=value&...]"
PORT = 6333
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
_KEY = re.compile(r"[\x21-\x7e]{1,8192}")
_QUANTIZATIONS = ("none", "scalar", "binary")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """One collection on one server or cluster. It holds no key: `api_key` reads it from the environment.

    `url` is scheme, host and port. `timeout` is in seconds and holds for one request; `retries` is how often a request
    is repeated. `shard_number`, `replication_factor`, `write_consistency_factor`, `on_disk` and `quantization` take effect
    when the collection is made; `quantization`, `rescore` and `oversampling` also when it is searched.
    """

    url: str
    collection: str
    shard_number: int = 1
    replication_factor: int = 1
    write_consistency_factor: int = 1
    on_disk: bool = False
    quantization: Quantization = "none"
    rescore: bool = True
    oversampling: float = 2.0
    prefer_grpc: bool = False
    grpc_port: int = 6334
    timeout: int = 30
    retries: int = 4

    def __post_init__(self) -> None:
        """Raise `StoreError` for a value that cannot be meant."""
        parts = _split(self.url)
        if parts.path not in ("", "/") or parts.query:
            raise StoreError(f"the URL of a server is http(s)://HOST[:PORT], got one with a path or a query for {parts.hostname}")
        object.__setattr__(self, "url", _base(parts))
        if not _NAME.fullmatch(self.collection):
            raise StoreError(f"{self.url}: {self.collection!r} is no collection name: letters, digits, '.', '_' and '-', a letter or digit first")
        if self.quantization not in _QUANTIZATIONS:
            raise StoreError(f"{self.address}: quantization must be one of {', '.join(_QUANTIZATIONS)}, got {self.quantization!r}")
        for name, low, high in (
            ("shard_number", 1, 10_000),
            ("replication_factor", 1, 100),
            ("write_consistency_factor", 1, self.replication_factor),
            ("oversampling", 1, 100),
            ("grpc_port", 1, 65_535),
            ("timeout", 1, 3600),
            ("retries", 0, 20),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise StoreError(f"{self.address}: {name} must be from {low} to {high}, got {value}")

    @property
    def address(self) -> str:
        """The collection as a URL, to be shown to people."""
        return f"{self.url}/{self.collection}"

    @property
    def loopback(self) -> bool:
        """Whether requests stay on this machine."""
        return _loopback(urlsplit(self.url).hostname or "")

    def api_key(self) -> str | None:
        """Return the key from the environment. Raises `StoreError` rather than let it travel in the clear."""
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None
        if not _KEY.fullmatch(key):
            raise StoreError(f"{KEY_VARIABLE} holds characters that no key has (blanks, control or non-ASCII ones); set it again")
        if self.url.startswith("http:") and not self.loopback and os.environ.get(INSECURE_VARIABLE) != "1":
            raise StoreError(f"{self.address}: a key would travel unencrypted; use https, or unset {KEY_VARIABLE}, or set {INSECURE_VARIABLE}=1 to accept it")
        return key


def is_server(index: str) -> bool:
    """Whether an INDEX argument names a server rather than a directory."""
    return re.match(r"https?:", index, re.IGNORECASE) is not None


def parse_url(index: str) -> ServerOptions:
    """Return the options that an INDEX URL says. Raises `StoreError` naming what is wrong, never repeating a secret."""
    parts = _split(index)
    base = _base(parts)
    collection = parts.path.removeprefix("/").removesuffix("/")
    if not collection or "/" in collection:
        raise StoreError(f"{base}: the URL must name one collection after the host: {FORM}")
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), max_num_fields=50)
    except ValueError:
        raise StoreError(f"{base}/{collection}: the options are not option=value, joined by '&': {FORM}") from None
    given: dict[str, object] = {}
    for name, text in pairs:
        if name in given:
            raise StoreError(f"{base}/{collection}: option {name!r} is given twice")
        given[name] = _option(f"{base}/{collection}", name, text)
    return ServerOptions(base, collection, **given)  # type: ignore[arg-type]  # _option made each the type of its field


def _split(url: str) -> SplitResult:
    """Return the parts of a URL that has no credentials and nothing unexpected. Errors repeat nothing that could be secret."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise StoreError(f"the URL of a server holds blanks, control or non-ASCII characters: {FORM}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise StoreError(f"the URL of a server has no valid host and port: {FORM}") from None
    if "@" in parts.netloc:
        raise StoreError(f"the URL of {host} holds credentials, which would end up in logs and reports; set {KEY_VARIABLE} instead")
    if parts.scheme not in ("http", "https"):
        raise StoreError(f"a server's URL begins with http:// or https://, not {parts.scheme!r}: {FORM}")
    if not host or not (_HOST.fullmatch(host) or _address(host)):
        raise StoreError(f"the URL of a server has no valid host and port: {FORM}")
    if "#" in url:
        raise StoreError(f"the URL of {host} ends in a fragment ('#...'), which means nothing here: {FORM}")
    return parts


def _base(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or PORT}"


def _address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _loopback(host: str) -> bool:
    return host == "localhost" or (_address(host) and ipaddress.ip_address(host).is_loopback)


def _option(address: str, name: str, text: str) -> object:
    types = {f.name: f.type for f in fields(ServerOptions) if f.name not in ("url", "collection")}
    if "key" in name.lower() or "token" in name.lower():
        raise StoreError(f"{address}: a key does not go into the URL, which ends up in logs and reports; set {KEY_VARIABLE} instead")
    if name not in types:
        near = difflib.get_close_matches(name, types, 1)
        raise StoreError(f"{address}: no option {name[:40]!r}{f', did you mean {near[0]!r}?' if near else ''}; there are {', '.join(types)}")
    if types[name] == "bool":
        if text not in ("true", "false"):
            raise StoreError(f"{address}: {name} must be true or false, got {text[:40]!r}")
        return text == "true"
    if types[name] in ("int", "float"):
        return _number(address, name, text, int if types[name] == "int" else float)
    return text


def _number(address: str, name: str, text: str, kind: Callable[[str], float]) -> float:
    if not re.fullmatch(r"[0-9]{1,9}" if kind is int else r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise StoreError(f"{address}: {name} must be a {'whole ' if kind is int else ''}number, got {text[:40]!r}")
    return kind(text)
