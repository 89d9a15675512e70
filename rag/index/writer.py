"""The process that writes a generation: it imports the engine and no model, so that a native crash ends it alone.

Run as `python -m rag.index.writer` with frames on standard input; answers are JSON lines on standard output. A full
disk kills it with SIGBUS, an optimisation holds its interpreter for minutes: neither touches the process that asked.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.errors import StoreError
from rag.index.batch import Rows
from rag.index.canaries import record
from rag.index.edge import EdgeEngine
from rag.index.edge_layout import segment_points
from rag.index.engine import Layout, Scope
from rag.index.faults import reached
from rag.index.files import copy_tree, digest_file, files, require_space, stamp, sync_tree, used
from rag.index.frames import batch, take, unpack
from rag.index.gate import Sparse
from rag.index.lock import hold
from rag.index.manifest import Manifest, write_json, write_manifest

_PDEATHSIG = 1
BEHIND = 1  # frames that wait while one is written
MANY = 5_000  # points; with fewer, reading them takes less than one more index takes to sync


class Job:
    """One generation in the making."""

    def __init__(self, path: Path, base: Path | None, layout: Layout, expected: int = 0) -> None:
        """Start from nothing, or from a copy of the shard of a sealed generation; about `expected` points it will hold."""
        self.path, self.layout, self.expected, self.written = path, layout, expected, 0
        self._threads, self._writing = ThreadPoolExecutor(1), deque[Future[None]]()
        self.held = hold(path)
        reached("child.begin")
        if base is None:
            require_space(path, 0, "a new index")
            self.engine = EdgeEngine.create(path / "shard", layout, expected)
        else:
            require_space(path, 2 * used(base), "copying the index and rewriting what changes")
            copy_tree(base / "shard", path / "shard")
            reached("child.copied")
            self.engine = EdgeEngine.patch(path / "shard", layout, expected)

    def lay_out(self, layout: Layout, expected: int) -> None:
        """Go on as a generation of about `expected` points is laid out: how many there will be was not known at first."""
        self.layout, self.expected = layout, expected
        self._settle()
        self.engine.close()
        self.engine = EdgeEngine.patch(self.path / "shard", layout, expected)

    def delete(self, documents: Sequence[tuple[str, str]]) -> None:
        """Delete all points of documents, given as tenant and id."""
        reached("child.delete")
        self._settle()
        for tenant, doc_id in documents:
            self.engine.delete(self.engine.points_of(tenant, doc_id))

    def write(self, header: Mapping[str, Any], blobs: Sequence[bytes]) -> None:
        """Write the points of a frame, while the next is taken: the engine lets go of the interpreter. What fails is raised by one of the next two calls."""
        reached("child.write")
        self._look(sum(map(len, blobs)))
        operation = self.engine.operation(batch(header, blobs))
        self._settle(BEHIND)
        self._writing.append(self._threads.submit(self.engine.apply, operation))
        before, self.written = self.written, self.written + len(header["ids"])
        size = segment_points(self.layout, self.expected)
        if self.written // size > before // size:
            self._settle()
            self.engine.rotate(self.expected)

    def _settle(self, behind: int = 0) -> None:
        """Wait until all frames but so many are written. Raises `StoreError` when one was not."""
        while len(self._writing) > behind:
            self._writing.popleft().result()

    def abandon(self) -> None:
        """Close what is not to be finished."""
        self._threads.shutdown(cancel_futures=True)
        self.engine.close()
        os.close(self.held)

    def reweigh(self, header: Mapping[str, Any], blobs: Sequence[bytes]) -> None:
        """Replace sparse vectors of points that stay."""
        reached("child.reweigh")
        self._settle()
        self._look(sum(map(len, blobs)))
        self.engine.reweigh(header["space"], _weights(header["ids"], unpack(header["lengths"], *blobs)))

    def _look(self, size: int) -> None:
        """Stop before the disk is full: the engine maps its files, and a map on a full disk is a SIGBUS."""
        require_space(self.path, 3 * size, "writing")

    def seal(self, manifest: Manifest, tenants: Mapping[str, int]) -> None:
        """Optimise, verify, and write the manifest last, everything on disk."""
        self._settle()
        self._threads.shutdown()
        require_space(self.path, used(self.path / "shard"), "optimising")
        reached("child.optimize")
        kind = {"kind": "keyword"} if manifest.points >= MANY else {}  # chunks are then counted without reading what the points hold
        self.engine.index_payload({**kind, **manifest.fields})
        self.engine.finish()
        reached("child.flush")
        engine = EdgeEngine.load(self.path / "shard", self.layout)
        _verify(engine, manifest, tenants)
        canaries = record(engine, self.layout)
        engine.close()
        reached("child.verify")
        found = files(self.path)
        with ThreadPoolExecutor(3) as pool:  # the disk is waited for while digests are computed, two at a time: whoever asked waits too
            synced = pool.submit(sync_tree, self.path)
            digests = dict(zip(found, pool.map(digest_file, found.values()), strict=True))
            synced.result()
        write_json(self.path / "stamps.json", {name: stamp(path) for name, path in found.items()})
        manifest = replace(manifest, files=digests, canaries=canaries)
        reached("child.manifest")
        write_manifest(self.path, manifest)
        os.close(self.held)


def _weights(ids: Sequence[str], rows: Rows) -> dict[str, Sparse | None]:
    return {i: Sparse(tuple(terms), tuple(values)) if terms else None for i, (terms, values) in zip(ids, rows.vectors(), strict=True)}


def _verify(engine: EdgeEngine, manifest: Manifest, tenants: Mapping[str, int]) -> None:
    """Raise `StoreError` when the shard does not hold the points that the document table says."""
    if (count := engine.count()) != manifest.points:
        raise StoreError(f"the new generation holds {count} points instead of {manifest.points}; nothing was changed, run the command again")
    for tenant, expected in tenants.items():
        found = engine.count("chunk", Scope(tenant or None))
        if found != expected:
            whose = f" of tenant {tenant!r}" if tenant else ""
            raise StoreError(f"the new generation holds {found} chunks{whose} instead of {expected}; nothing was changed, run the command again")


def _handle(job: Job | None, header: Mapping[str, Any], blobs: Sequence[bytes]) -> Job | None:
    do = header["do"]
    if do == "begin":
        if job is not None:
            job.abandon()
        layout = Layout(header["dense"], tuple(header["sparse"]), header["hnsw"], header["quantization"])
        made = Job(Path(header["path"]), Path(header["base"]) if header["base"] else None, layout, header["points"])
        if fields := header.get("fields"):
            made.engine.index_payload(fields)
        return made
    if job is None:
        raise StoreError(f"{do} before begin")
    if do == "layout":
        job.lay_out(replace(job.layout, hnsw=header["hnsw"], quantization=header["quantization"]), header["points"])
    elif do == "delete":
        job.delete(header["documents"])
    elif do == "write":
        job.write(header, blobs)
    elif do == "reweigh":
        job.reweigh(header, blobs)
    elif do == "seal":
        job.seal(Manifest(**header["manifest"]), header["tenants"])
        return None
    return job


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the one that started it, `parent`, dies, however it dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)


def main() -> int:
    """Handle frames until standard input ends."""
    die_with_parent(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who asked decides
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever native code prints must not pass for an answer
    gc.set_threshold(100_000)  # a frame makes thousands of containers, none of them in a cycle
    job: Job | None = None
    while (frame := take(sys.stdin.buffer)) is not None:
        header, blobs = frame
        try:
            job = _handle(job, header, blobs)
            answer: dict[str, Any] = {"done": header["do"], "points": job.written if job else 0}
        except StoreError as error:
            answer = {"error": str(error)}
        except OSError as error:
            answer = {"error": f"{error.filename or 'writing'}: {error.strerror}; check the disk and its free space"}
        json.dump(answer, out)
        out.write("\n")
        out.flush()
        if "error" in answer:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
