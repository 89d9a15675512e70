"""The writer process as seen from the one that builds: frames go out, answers come in, every way to die is one clear line."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import rag
from rag.errors import StoreError
from rag.index.engine import Layout
from rag.index.frames import parts
from rag.index.manifest import REBUILD

_ROOT = Path(rag.__file__).parents[1]
_PIPE = 1024**2  # bytes that the process may be sent before it reads them
_DISK = ("SIGBUS", "SIGSEGV")
AHEAD = 8  # frames that wait to be sent: about a window of chunks, so that the next is embedded while this one is written
_spare: list[Child] = []


class Child:
    """One writer process. It is kept for the next generation: starting one takes a third of a second."""

    def __init__(self) -> None:
        """Start the process."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-P", "-m", "rag.index.writer", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        if sys.platform == "linux":
            with suppress(OSError):  # there is a limit for all of a user's; a pipe holds 64 kB otherwise, a sixth of a frame
                fcntl.fcntl(cast(BinaryIO, self._process.stdin), fcntl.F_SETPIPE_SZ, _PIPE)
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._frames: queue.Queue[list[bytes] | None] = queue.Queue(AHEAD)
        self._broken = False
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._listen, self._speak)]
        for thread in self._threads:
            thread.start()
        self.owner, self._open = os.getpid(), 0

    def _listen(self) -> None:
        for line in cast(BinaryIO, self._process.stdout):
            with suppress(ValueError):
                self._answers.put(json.loads(line))
        self._answers.put(None)

    def _speak(self) -> None:
        """Send what waits; what cannot be sent any more is dropped, so that nobody waits for room in vain."""
        stream = cast(BinaryIO, self._process.stdin)
        while (frame := self._frames.get()) is not None:
            if not self._broken:
                try:
                    stream.writelines(frame)
                    if self._frames.empty():
                        stream.flush()
                except (OSError, ValueError):  # the process is gone, or the stream was closed
                    self._broken = True

    @property
    def alive(self) -> bool:
        """Whether it can be used by this process."""
        return self._process.poll() is None and self.owner == os.getpid()

    def order(self, do: str, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Send a frame `do` as soon as there is room for it. Raises `StoreError` with the process's own words when it has failed."""
        self._collect(wait=False)
        if self._broken:
            raise self._failed()
        frame = parts({"do": do, **header}, blobs)
        self._open += 1
        self._frames.put(frame)

    def begin(self, path: Path, base: Path | None, layout: Layout, points: int = 0, fields: Mapping[str, str] | None = None) -> None:
        """Have a generation of about `points` started at `path`, from a copy of `base` where it is given.

        What is in `fields` is indexed as points come, for less than it takes to read them all again before they are sealed.
        """
        there = {"path": str(path.absolute()), "base": None if base is None else str(base.absolute())}  # the process may have been started elsewhere
        collection = {"dense": dict(layout.dense), "sparse": layout.sparse, "hnsw": layout.hnsw, "quantization": layout.quantization}
        self.order("begin", {**there, **collection, "points": points, "fields": dict(fields or {})})

    def finish(self) -> None:
        """Wait until everything that was sent is done. Raises `StoreError` when it failed."""
        while self._open:
            self._collect(wait=True)

    def _collect(self, wait: bool) -> None:
        while self._open:
            try:
                answer = self._answers.get(block=wait)
            except queue.Empty:
                return
            if answer is None:
                raise self._dead()
            self._open -= 1
            if "error" in answer:
                raise StoreError(answer["error"])
            wait = False

    def _failed(self) -> StoreError:
        """Return why the process reads no more: its own words where it had time for them."""
        try:
            while self._open:
                self._collect(wait=True)
        except StoreError as error:
            return error
        return self._dead()

    def _dead(self) -> StoreError:
        code = self._process.wait()
        if code == -signal.SIGINT:  # Ctrl-C reached both processes, and this one may have lost it (see `rag.shell`)
            raise KeyboardInterrupt
        if code < 0:
            name = signal.Signals(-code).name
            why = "the disk is full, or a file of the index is damaged" if name in _DISK else "it was killed, perhaps for memory"
            return StoreError(f"the process that writes the index ended with {name}: {why}; the index is as it was, run the command again")
        self._log.seek(0)
        last = (self._log.read().decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1][:300]
        return StoreError(f"the process that writes the index failed ({last}); the index is as it was, run the command again, or {REBUILD}")

    def stop(self) -> None:
        """End the process at once."""
        if self.owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()
        if self._threads[1].is_alive():
            self._frames.put(None)
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            with suppress(OSError):
                cast(BinaryIO, stream).close()


class Writing:
    """`with Writing() as child:` lends a writer process; one that failed or was interrupted is ended.

    Only the main thread keeps one for later: the kernel ends a process when the thread that started it does.
    """

    def __enter__(self) -> Child:
        while _spare and threading.current_thread() is threading.main_thread():
            child = _spare.pop()
            if child.alive:
                self._child = child
                return child
            child.stop()
        self._child = Child()
        return self._child

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not _spare and threading.current_thread() is threading.main_thread():
            _spare.append(self._child)
        else:
            self._child.stop()


def release() -> None:
    """End the writer process that is kept for the next build."""
    while _spare:
        _spare.pop().stop()


atexit.register(release)
