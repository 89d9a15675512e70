"""A connection to a Qdrant server: the key goes to that server alone, and into no text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qdrant_client import QdrantClient

from rag.index.server_call import Caller
from rag.index.server_options import ServerOptions


def connect(options: ServerOptions) -> tuple[QdrantClient, Caller]:
    """Return a client and what runs its requests. Nothing is sent yet; raises `StoreError` when the key may not be."""
    key = options.api_key()
    # As a header, since the client warns about `api_key` over http even where that was checked and allowed.
    # On this machine no proxy is asked: one named in the environment would be shown the key.
    more: dict[str, Any] = {"trust_env": False} if options.loopback else {}
    client = QdrantClient(
        url=options.url,
        headers={"api-key": key} if key else None,
        prefer_grpc=options.prefer_grpc,
        grpc_port=options.grpc_port,
        grpc_options={"grpc.enable_http_proxy": 0} if options.loopback else None,
        timeout=options.timeout,
        check_compatibility=False,  # a thread of its own that warns; `check_version` asks before anything else is
        **more,
    )
    return client, Caller(options.address, options.retries, _hider(key))


def _hider(key: str | None) -> Callable[[str], str]:
    """Return what removes the key from a text, should a server or proxy have repeated it."""
    return (lambda text: text.replace(key, "***")) if key else str
