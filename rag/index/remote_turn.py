"""Whose turn it is to write to a collection on a server: there is no lock to hold, so every build leaves a mark of its own and looks for others."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from rag.errors import StoreError
from rag.index.engine import Engine, Scope
from rag.index.gate import PointRecord
from rag.index.ids import point_id

MARK = "build"  # the kind of these points: every collection made by a build has one from its first moment


class Turn:
    """The turn of one build. It is taken with the first change, and lost as soon as another build leaves a mark.

    Nobody writes to the mark of another, so of two builds at least the one that marks later sees the other.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        """Note the marks that are there: to be done before the state that the build starts from is read."""
        self._engine, self._where = engine, where
        self._id, self._changes = point_id("", "", MARK, token_hex(16)), 0
        self._seen = self._held()
        self._expected = self._seen

    def keep(self) -> None:
        """Take the turn, or say that it is still used; called before every few changes.

        Raises `StoreError` when another build has changed the index since this one looked at it.
        """
        self.check()
        self._changes += 1
        own = {"kind": MARK, "changes": self._changes}
        self._engine.write([PointRecord(self._id, {}, {}, own)])
        self._expected = {**self._seen, self._id: own}
        if self._changes == 1 and self._held() != self._expected:
            self._engine.delete([self._id])  # nothing was changed yet: the other one may go on
            raise self.lost()

    def check(self) -> None:
        """Raise `StoreError` when another build has taken the turn, or uses it."""
        if self._held() != self._expected:
            raise self.lost()

    def done(self) -> None:
        """Remove the marks of builds before this one."""
        self.check()
        self._engine.delete(sorted(self._seen))
        self._expected = {i: p for i, p in self._expected.items() if i not in self._seen}

    def lost(self) -> StoreError:
        """Return the error that says so."""
        return StoreError(f"{self._where}: another build of this index runs or ran at the same time; wait until it is done, then run this one again")

    def _held(self) -> dict[str, dict[str, Any]]:
        return dict(self._engine.scroll(MARK, Scope()))
