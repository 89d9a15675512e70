"""Whose turn it is to write to a collection on a server: that of the build that began last, since there is no lock to hold."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from rag.errors import StoreError
from rag.index.cut import point_id
from rag.index.engine import Engine
from rag.index.gate import PointRecord

MARK = point_id("", "", "build")  # a point that every collection made by a build has from its first moment


class Turn:
    """The turn of one build. It is taken with the first change, and lost to a build that takes it later."""

    def __init__(self, engine: Engine, where: str) -> None:
        """Note who had the turn last: to be done before the state that the build starts from is read."""
        self._engine, self._where = engine, where
        self._own: dict[str, Any] = {}
        self._last = self._held()

    def keep(self) -> None:
        """Take the turn, or say that it is still used; called before every few changes.

        Raises `StoreError` when another build has changed the index since this one looked at it.
        """
        self.check()
        self._own = {"kind": "build", "token": self._own.get("token") or token_hex(16), "changes": self._own.get("changes", 0) + 1}
        self._engine.write([PointRecord(MARK, {}, {}, self._own)])
        self._last = self._own

    def check(self) -> None:
        """Raise `StoreError` when another build has taken the turn, or uses it."""
        if self._held() != self._last:
            raise self.lost()

    def lost(self) -> StoreError:
        """Return the error that says so."""
        return StoreError(f"{self._where}: another build of this index runs or ran at the same time; wait until it is done, then run this one again")

    def _held(self) -> dict[str, Any]:
        return self._engine.payloads([MARK]).get(MARK, {})
