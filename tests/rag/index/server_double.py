"""A double of a Qdrant server for tests: real HTTP on this machine, a dictionary of points, and faults on demand.

It is not Qdrant: it searches nothing (`query` gives points by id with made-up scores) and checks almost nothing. It is there
for what an engine in memory cannot show: what goes over the wire, and what happens when that goes wrong.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "docs"
Fault = Callable[["_Handler", Callable[[], Any]], None]


class Double:
    """Runs in a thread until `stop`. `seen` are (method, path, headers, body); `faults` are (pattern of a path, fault), each used once."""

    def __init__(self, version: str = "1.19.1") -> None:
        self.version = version
        self.points: dict[str, dict[str, Any]] = {}
        self.config: dict[str, Any] | None = None
        self.aliases: dict[str, str] = {}
        self.status = "completed"
        self.hidden: set[str] = set()  # points that reads leave out though they are there
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.faults: list[tuple[str, Fault]] = []
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.double = self  # type: ignore[attr-defined]  # how a handler finds what it serves
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def bodies(self, pattern: str) -> list[Any]:
        """Return the bodies of the requests whose `METHOD path` matches."""
        return [body for method, path, _, body in self.seen if re.search(pattern, f"{method} {path}")]

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Return the `result` of a request, None for what this double does not know."""
        c = f"/collections/{NAME}"
        match (method, path):
            case ("GET", p) if p == f"{c}/exists":
                return {"exists": self.config is not None}
            case ("PUT", p) if p == c:
                self.config = body
                return True
            case ("GET", p) if p == c and self.config is not None:
                return self._info(self.config)
            case ("PUT", p) if p == f"{c}/points":
                self.points |= {p["id"]: p for p in body["points"]}
            case ("POST", p) if p == f"{c}/points/delete":
                for i in body["points"]:
                    self.points.pop(i, None)
            case ("POST", p) if p == f"{c}/points/count":
                wanted = (body.get("filter") or {}).get("must", [{}])[0].get("has_id", list(self.points))
                return {"count": len(self.points.keys() & set(wanted))}
            case ("POST", p) if p == f"{c}/points":
                shown = [self.points[i] for i in body["ids"] if i in self.points and i not in self.hidden]
                return [{"id": r["id"], "payload": r["payload"], "vector": r["vector"]} for r in shown]
            case ("POST", p) if p == f"{c}/points/query":
                best = sorted(self.points)[: body["limit"]]
                return {"points": [{"id": i, "version": 0, "score": 1.0 / n} for n, i in enumerate(best, 1)]}
            case ("PUT" | "POST", p) if p in (f"{c}/points/vectors", f"{c}/points/vectors/delete", f"{c}/index"):
                pass
            case _:
                return None
        return {"operation_id": 1, "status": self.status}

    def _info(self, config: dict[str, Any]) -> dict[str, Any]:
        optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0, "flush_interval_sec": 5}
        params = {"vectors": config["vectors"], "sparse_vectors": config.get("sparse_vectors")}
        details = {"hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}, "optimizer_config": optimizer}
        state = {"status": "green", "optimizer_status": "ok", "segments_count": 1, "payload_schema": {}}
        return {**state, "config": {"params": params, "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0}, **details}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        double: Double = self.server.double  # type: ignore[attr-defined]  # put there by Double
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body, path = json.loads(text) if text else None, self.path.split("?")[0]
        double.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))

        def result() -> Any:
            return double.answer(self.command, path, body)

        for n, (pattern, fault) in enumerate(double.faults):
            if re.search(pattern, f"{self.command} {path}"):
                del double.faults[n]
                fault(self, result)
                return
        if path == "/":
            self.reply(200, {"title": "a double of qdrant", "version": double.version})
        elif (found := result()) is None:
            self.reply(404, {"status": {"error": "Not found"}, "time": 0})
        else:
            self.reply(200, {"result": found, "status": "ok", "time": 0})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # names that http.server looks for

    def reply(self, status: int, content: Any, headers: dict[str, str] | None = None, length: int | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(length or len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def refuse(status: int, message: str = "", headers: dict[str, str] | None = None) -> Fault:
    """Answer with an error as Qdrant words one."""
    return lambda handler, result: handler.reply(status, {"status": {"error": message}, "time": 0}, headers)


def garbage(content: bytes, status: int = 200) -> Fault:
    """Answer with something else."""
    return lambda handler, result: handler.reply(status, content)


def slow(handler: _Handler, result: Callable[[], Any]) -> None:
    """Answer only when the test is over."""
    handler.server.double.stopped.wait(30)  # type: ignore[attr-defined]  # put there by Double
    handler.close_connection = True


def cut(handler: _Handler, result: Callable[[], Any]) -> None:
    """Do what was asked, and lose the line in the middle of the answer."""
    result()
    handler.reply(200, b'{"result": {"operation_id": 1, "sta', length=4096)
    handler.close_connection = True


def hang_up(handler: _Handler, result: Callable[[], Any]) -> None:
    """Close the line without an answer."""
    handler.close_connection = True
