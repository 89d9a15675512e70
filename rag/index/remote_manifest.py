"""The manifest of an index on a server: points that are written whole before those of the manifest before go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rag.errors import StoreError
from rag.index.engine import Engine, Scope
from rag.index.gate import PointRecord
from rag.index.ids import point_id
from rag.index.manifest import REBUILD, SCHEMA, Manifest

KIND = "manifest"
_PART = 200_000  # characters of a manifest in one point


def write_manifest(engine: Engine, manifest: Manifest) -> None:
    """Put a manifest in the place of the one that is there; cut off at any moment, one of both can be read."""
    sealed = manifest.sealed()
    text = json.dumps(asdict(sealed))
    parts = [text[i : i + _PART] for i in range(0, len(text), _PART)]
    held = {i: int(p["number"]) for i, p in engine.scroll(KIND, Scope())}
    number = max(held.values(), default=0) + 1
    own = {"kind": KIND, "number": number, "seal": sealed.seal, "parts": len(parts)}
    engine.write([PointRecord(point_id("", "", KIND, number, sealed.seal, n), {}, {}, {**own, "part": n, "body": p}) for n, p in enumerate(parts)])
    engine.delete(sorted(held))


def read_manifest(engine: Engine, where: str) -> Manifest:
    """Return the manifest of an index on a server. Raises `StoreError` when there is none or it is damaged."""
    found: dict[tuple[int, str], dict[int, Mapping[str, Any]]] = {}
    for _, payload in engine.scroll(KIND, Scope()):
        found.setdefault((int(payload["number"]), payload["seal"]), {})[int(payload["part"])] = payload
    whole = [parts for _, parts in sorted(found.items()) if len(parts) == next(iter(parts.values()))["parts"]]
    if not whole:
        raise StoreError(f"{where}: the collection holds no manifest of an index; it was not built by `rag index`, or {REBUILD}")
    try:
        data = json.loads("".join(whole[-1][n]["body"] for n in sorted(whole[-1])))
        if data["schema"] != SCHEMA:
            raise StoreError(f"{where}: written with schema {data['schema']}, this version reads {SCHEMA}; {REBUILD}, or use the version that wrote it")
        manifest = Manifest(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{where}: the manifest is damaged ({type(error).__name__}); {REBUILD}") from None
    if manifest != manifest.sealed():
        raise StoreError(f"{where}: the manifest is not what was sealed; {REBUILD}")
    return manifest
