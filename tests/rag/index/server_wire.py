"""A stand-in for a Qdrant server: qdrant-client's in-memory engine behind real HTTP, so that requests and answers travel as JSON.

It is not Qdrant: what it stores and finds is what the in-memory mode does. What it adds is the wire.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models


class Wire:
    """Runs in a thread until `stop`; one request at a time. It wants `key` when there is one, and fails from request `broken_after` on."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.asked = 0
        self.broken_after: int | None = None
        self.client, self.lock = QdrantClient(":memory:"), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.wire = self  # type: ignore[attr-defined]  # how a handler finds what it serves
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.client.close()

    def answer(self, method: str, path: str, text: bytes) -> Any:
        """Return the `result` of a request."""
        parts = [unquote(p) for p in path.strip("/").split("/")]
        if parts == ["aliases"]:
            return self.client.get_aliases()
        if parts == ["collections", "aliases"]:
            return self.client.update_collection_aliases(_read(models.ChangeAliasesOperation, text).actions)
        if parts == ["collections"]:
            return self.client.get_collections()
        name, rest = parts[1], "/".join(parts[2:])
        if method == "DELETE" and rest.startswith("index/"):
            return self.client.delete_payload_index(name, rest.removeprefix("index/"))
        return _ACTIONS[f"{method} {rest}".strip()](self.client, name, text)


def _read(kind: Any, text: bytes) -> Any:
    return TypeAdapter(kind).validate_json(text)


def _make(c: QdrantClient, name: str, text: bytes) -> bool:
    asked = _read(models.CreateCollection, text)
    return c.create_collection(name, vectors_config=asked.vectors, sparse_vectors_config=asked.sparse_vectors)


def _info(c: QdrantClient, name: str, text: bytes) -> Any:
    if not c.collection_exists(name):
        raise LookupError(name)
    return c.get_collection(name)


def _count(c: QdrantClient, name: str, text: bytes) -> Any:
    return c.count(name, _read(models.CountRequest, text).filter)


def _retrieve(c: QdrantClient, name: str, text: bytes) -> Any:
    asked = _read(models.PointRequest, text)
    return c.retrieve(name, asked.ids, with_payload=asked.with_payload, with_vectors=asked.with_vector)


def _scroll(c: QdrantClient, name: str, text: bytes) -> Any:
    asked = _read(models.ScrollRequest, text)
    points, offset = c.scroll(name, asked.filter, asked.limit, offset=asked.offset, with_payload=asked.with_payload, with_vectors=asked.with_vector)
    return models.ScrollResult(points=points, next_page_offset=offset)


def _query(c: QdrantClient, name: str, text: bytes) -> Any:
    asked = _read(models.QueryRequest, text)
    return c.query_points(
        name, asked.query, asked.using, query_filter=asked.filter, search_params=asked.params, limit=asked.limit, with_payload=asked.with_payload
    )


def _delete_vectors(c: QdrantClient, name: str, text: bytes) -> Any:
    asked = _read(models.DeleteVectors, text)
    return c.delete_vectors(name, asked.vector, models.PointIdsList(points=asked.points))


_ACTIONS: dict[str, Callable[[QdrantClient, str, bytes], Any]] = {
    "PUT": _make,
    "GET": _info,
    "DELETE": lambda c, name, _: c.delete_collection(name),
    "GET exists": lambda c, name, _: models.CollectionExistence(exists=c.collection_exists(name)),
    "PUT points": lambda c, name, text: c.upsert(name, _read(models.PointsList, text).points),
    "POST points": _retrieve,
    "POST points/delete": lambda c, name, text: c.delete(name, _read(models.PointIdsList, text)),
    "POST points/count": _count,
    "POST points/scroll": _scroll,
    "POST points/query": _query,
    "PUT points/vectors": lambda c, name, text: c.update_vectors(name, _read(models.UpdateVectors, text).points),
    "POST points/vectors/delete": _delete_vectors,
    "PUT index": lambda c, name, text: c.create_payload_index(name, _read(models.CreateFieldIndex, text).field_name, models.PayloadSchemaType.KEYWORD),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        wire: Wire = self.server.wire  # type: ignore[attr-defined]  # put there by Wire
        text, path = self.rfile.read(int(self.headers.get("Content-Length") or 0)), self.path.split("?")[0]
        if path == "/":
            self._reply(200, {"title": "an in-memory engine behind HTTP", "version": "1.20.0"})
            return
        wire.asked += 1
        if wire.key is not None and self.headers.get("api-key") != wire.key:
            self._reply(401, {"status": {"error": f"wrong key {self.headers.get('api-key')}"}})
            return
        if wire.broken_after is not None and wire.asked > wire.broken_after:
            self._reply(503, {"status": {"error": "it stopped"}})
            return
        try:
            with wire.lock, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there are no indexes and no parameters is what this is
                result = TypeAdapter(Any).dump_python(wire.answer(self.command, path, text), mode="json")
        except LookupError as error:
            self._reply(404, {"status": {"error": f"Not found: {error}"}})
        except ValueError as error:
            self._reply(400, {"status": {"error": str(error)}})
        else:
            self._reply(200, {"result": result, "status": "ok", "time": 0.0})

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # names that http.server looks for

    def _reply(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
