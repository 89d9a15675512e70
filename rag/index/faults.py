"""Named points at which a test can make this process fail: `RAG_FAULT=<point>:<n>:<kind>` at the n-th time it is reached.

Kinds: `kill` (SIGKILL to this process), `exit`, `enospc`, `eio`, `raise`. Without the variable a point costs one lookup.
"""

from __future__ import annotations

import errno
import os
import signal

VARIABLE = "RAG_FAULT"
POINTS = (
    "scan.document", "spool.write", "stage.table", "child.begin", "child.copied", "child.delete", "child.write", "child.reweigh",
    "child.optimize", "child.flush", "child.verify", "child.manifest", "seal.rename", "pointer.temporary", "pointer.replace", "collect.old",
    "backup.file", "backup.replace", "restore.file", "restore.rename", "migrate.swap",
)  # fmt: skip
_reached: dict[str, int] = {}


def reached(point: str) -> None:
    """Fail here if the environment says so."""
    if VARIABLE not in os.environ:
        return
    name, _, rest = os.environ[VARIABLE].partition(":")
    number, _, kind = rest.partition(":")
    if name != point:
        return
    _reached[point] = _reached.get(point, 0) + 1
    if _reached[point] == int(number):
        _fail(point, kind)


def _fail(point: str, kind: str) -> None:
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "exit":
        os._exit(3)
    if kind in ("enospc", "eio"):
        code = errno.ENOSPC if kind == "enospc" else errno.EIO
        raise OSError(code, os.strerror(code), point)
    raise RuntimeError(f"fault at {point}")
