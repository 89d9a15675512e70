"""The worker process seen from here: started when needed, kept for the next corpus, and told apart by how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from rag.errors import CorpusError
from rag.loaders.jobs import Job, Reply
from rag.loaders.limits import Limits
from rag.loaders.wire import BadFrame, Channel
from rag.loaders.worker import OUT_OF_MEMORY

COMMAND = ("-m", "rag.loaders.worker")
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")  # the rest may hold secrets
_GRACE = 30.0  # seconds beyond `parse_seconds` without a byte: the worker's own clock has failed
_TOO_LONG = (signal.SIGALRM, signal.SIGXCPU)
_FROM_OUTSIDE = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


class Died(Exception):
    """The worker ended, and its text is why in the words of a failed document.

    `slow`: it is the document, no other try is worth its time. `outside`: somebody ended it, and no document did.
    """

    def __init__(self, why: str, *, slow: bool = False, outside: bool = False) -> None:
        super().__init__(why)
        self.slow, self.outside = slow, outside


class Worker:
    """One worker process. Raises `CorpusError` when it cannot start."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        self._channel = Channel(here)
        self._ready = False
        self._limits = Limits()
        self.done = 0  # files it has read to the end
        try:
            command = [sys.executable, "-P", "-B", *COMMAND, str(os.getpid())]  # -P: no module is taken from the working directory
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                command, stdin=there.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", env=_environment(), start_new_session=True
            )
        except OSError as error:
            self._channel.close()
            raise CorpusError(f"no process for reading documents could be started ({error}); free memory or processes") from None
        finally:
            there.close()

    def limit(self, limits: Limits) -> None:
        """Set the limits of the jobs that follow. Raises `OSError` when the worker is gone."""
        self._limits = limits
        self._channel.most = int(min(1e9 + 32e6 * limits.max_document_mb, 1e18))
        self._channel.send({"limits": asdict(limits)})

    def ask(self, job: Job) -> None:
        """Send a job; its replies come after those of the jobs before. Raises `OSError` when the worker is gone."""
        files = [job.file.fileno(), *([job.sidecar_file.fileno()] if job.sidecar_file else [])]
        self._channel.send({"suffix": job.suffix, "sidecar": job.sidecar}, files=files)

    def reply(self) -> Reply:
        """Return the next reply, of the oldest job that has not had its last one. Raises `Died`, and `CorpusError` when it never started."""
        try:
            timeout = self._limits.parse_seconds + _GRACE
            frame = self._channel.receive(timeout)
            if frame and not self._ready:
                self._ready = True
                frame = self._channel.receive(timeout)
            if frame:
                reply = Reply.from_frame(*frame)
                self.done += reply.last
                return reply
        except TimeoutError:
            self.stop()
            raise Died(self._too_long(), slow=True) from None
        except (BadFrame, ValueError, KeyError, TypeError):
            self.stop()
            raise Died("the parser sent what is no document") from None
        raise self._ended()

    def stop(self) -> str:
        """End the process, if it has not ended, and return the last line it left on standard error."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._channel.close()
        errors = self._process.stderr
        if errors is None or errors.closed:
            return ""
        with errors:
            lines = errors.read(1 << 16).decode("utf-8", "replace").split("\n")
        return next((" ".join(line.split())[:300] for line in reversed(lines) if line.strip()), "")

    def forget(self) -> None:
        """Let go of a process that belongs to the parent of this process."""
        self._process.returncode = 0
        self._channel.close()
        if self._process.stderr:
            self._process.stderr.close()

    def _ended(self) -> Died | CorpusError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        said = self.stop()
        if not self._ready and -(code or 0) not in _FROM_OUTSIDE:
            return CorpusError(f"the process for reading documents did not start (python -m rag.loaders.worker ended with {code}: {said or 'no message'})")
        return self._cause(code)

    def _cause(self, code: int | None) -> Died:
        if code is not None and -code in _TOO_LONG:
            return Died(self._too_long(), slow=True)
        if code is not None and code < 0:
            return Died(f"the parser crashed (signal {-code})", outside=-code in _FROM_OUTSIDE)
        if code == OUT_OF_MEMORY:
            return Died(f"needs more than {self._limits.parse_memory_mb:g} MB (index.parse_memory_mb); raise it or split the file")
        return Died(f"the parser ended by itself (status {code})")

    def _too_long(self) -> str:
        return f"took longer than {self._limits.parse_seconds:g} s (index.parse_seconds); raise it or split the file"


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    places = [root, *(p for p in sys.path if Path(p).is_absolute() and p != root)]
    return {**{k: v for k, v in os.environ.items() if k in _KEPT}, "PYTHONPATH": os.pathsep.join(places)}


class Spare:
    """The worker that waits for the next corpus; there is at most one, and it ends with this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the garbage collector may close a stream, and so come back here, at any allocation
        self._worker: Worker | None = None

    def take(self) -> Worker:
        """Return the waiting worker, or a new one."""
        return self._swap(None) or Worker()

    def give(self, worker: Worker) -> None:
        """Keep a worker that owes no reply."""
        old = self._swap(worker)
        if old:
            old.stop()

    def close(self) -> None:
        """End the waiting worker; the next corpus starts another."""
        old = self._swap(None)
        if old:
            old.stop()

    def forget(self) -> None:
        """Let go of the worker in a process that was forked, where it is somebody else's."""
        self._lock = threading.RLock()
        old = self._swap(None)
        if old:
            old.forget()

    def _swap(self, worker: Worker | None) -> Worker | None:
        with self._lock:
            old, self._worker = self._worker, worker
            return old


SPARE = Spare()
