"""Ids of checks on pytest's command line: `pytest rag-gate::ndcg@10` runs one check, `pytest rag-gate` all, and no file is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import pytest

NODE = "rag-gate"


@dataclass(frozen=True)
class Asked:
    """What the command line asks for: `checks` by name, `all` of them by the node; `others` is false where only nodes of tests are named."""

    checks: tuple[str, ...] = ()
    all: bool = False
    others: bool = True

    def chosen(self, there: Sequence[str]) -> tuple[str, ...]:
        """Return the checks to run. Those named by id are run; without any named, all, unless every argument is the id of a test."""
        return tuple(there) if self.all or (self.others and not self.checks) else tuple(n for n in there if n in self.checks)

    def unknown(self, there: Sequence[str]) -> list[str]:
        """Return the names that no check has."""
        return [n for n in self.checks if n not in there]


def taken(config: pytest.Config) -> Asked:
    """Take the ids of checks out of what pytest will look for as files, and return what they ask for.

    pytest shows ids relative to where it was started, so `../rag-gate::x` is one too; a file or folder of that name is left to pytest.
    """
    own = [a for a in config.args if _is_check(a, config.invocation_params.dir)]
    rest = [a for a in config.args if a not in own]
    config.args[:] = rest
    names = [name for _, _, name in (a.partition("::") for a in own)]
    others = not (own or rest) or any("::" not in a for a in rest)
    return Asked(tuple(n for n in names if n), "" in names, others)


def _is_check(argument: str, folder: Path) -> bool:
    place, _, _ = argument.partition("::")
    return PurePath(place).name == NODE and not (folder / place).exists()
