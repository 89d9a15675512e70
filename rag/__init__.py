"""spanwise: retrieval-augmented generation whose every configuration can prove how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.config import load
    from rag.index.store import Index
    from rag.pipeline import Pipeline
    from rag.runtime import Runtime

__all__ = ["Index", "Pipeline", "Runtime", "load"]
_HOMES = {"load": "rag.config", "Index": "rag.index.store", "Pipeline": "rag.pipeline", "Runtime": "rag.runtime"}


def __getattr__(name: str) -> Any:
    """Import public names at first use: `import rag` alone stays light, and `rag.config` never clashes with `load`."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
