"""The memo as a plan sees it: what is in it can be read, and nothing on disk is made or changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from rag.memo import Memo, cache_dir

_PART = 500


class Peek(Memo):
    """A memo in memory in front of the file on disk, which is read and never written."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the file (default: the shared memo) if it is there."""
        super().__init__()
        path = path or cache_dir() / "memo.sqlite"
        self._disk: sqlite3.Connection | None = None
        if path.is_file():
            # With a log beside it another process has it open; without one SQLite would make one, unless it is told that nothing changes.
            mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
            with suppress(sqlite3.Error):  # unreadable is as good as empty: a run will say so
                self._disk = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True, check_same_thread=False)

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the values that are there, by key."""
        found = super().get_many(keys)
        rest = [k for k in keys if k not in found]
        if self._disk is None:
            return found
        for i in range(0, len(rest), _PART):
            part = rest[i : i + _PART]
            marks = ",".join("?" * len(part))
            with suppress(sqlite3.Error):
                found.update(self._disk.execute(f"SELECT key, value FROM memo WHERE key IN ({marks})", part))  # noqa: S608  # only question marks
        return found

    def known(self, keys: Sequence[str]) -> int:
        """Return how many of these keys are there."""
        return len(self.get_many(list(dict.fromkeys(keys))))

    def close(self) -> None:
        """Close both."""
        super().close()
        if self._disk is not None:
            self._disk.close()
