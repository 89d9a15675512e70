"""Which graph and which vectors: `python -m eval.bench.graph VECTORS.npy`: the engine alone, one setting of an index changed at a time, recall against all vectors.

`eval.bench.mixture` makes the file. The first 300 rows are the questions and are not indexed. Milliseconds are of a processor, so other work matters little.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import qdrant_edge as edge
import typer
from numpy.typing import NDArray

from eval.bench.measured import Result, Table, text, write
from rag.errors import ConfigError
from rag.index.files import used
from rag.models.encoder import Vectors
from rag.shell import note, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
QUESTIONS, LIMIT, TOP = 300, 50, 10
WIDTHS = (64, 128, 256)
_SPACE, _BATCH = "dense", 2048
_COLD = edge.Memory.Cold
QUANTIZED: dict[str, Any] = {
    "none": None,
    "int8": edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99, memory=_COLD),
    "turbo, 4 bits": edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=_COLD),
    "turbo, 2 bits": edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits2, memory=_COLD),
    "binary": edge.BinaryQuantizationConfig(memory=_COLD),
}


@dataclass(frozen=True)
class Setting:
    """How an index is built and searched: the links of a point, how many are looked at to choose them, how vectors are kept in short, how many of those are ranked in full."""

    m: int = 16
    ef_construct: int = 128
    quantized: str = "int8"
    oversampling: float = 2.0

    @property
    def built(self) -> tuple[int, int, str]:
        """What the files depend on."""
        return self.m, self.ef_construct, self.quantized


DEFAULT = Setting()
SETTINGS = (
    DEFAULT,
    *(replace(DEFAULT, oversampling=o) for o in (1.0, 3.0)),
    *(replace(DEFAULT, m=m) for m in (8, 32)),
    *(replace(DEFAULT, ef_construct=e) for e in (64, 256)),
    *(replace(DEFAULT, quantized=q) for q in QUANTIZED if q != DEFAULT.quantized),
)


def exact(rows: Vectors, asked: Vectors) -> NDArray[np.int64]:
    """Return for each question the numbers of its ten nearest rows, in no order."""
    return np.asarray(np.argpartition(-(asked @ rows.T), TOP - 1, axis=1)[:, :TOP], dtype=np.int64)


def build(folder: Path, rows: Vectors, setting: Setting) -> float:
    """Build an index in one segment and return the seconds of a processor that took; all threads count."""
    config = edge.EdgeConfig(
        vectors={_SPACE: edge.EdgeVectorParams(size=rows.shape[1], distance=edge.Distance.Dot, memory=_COLD, quantization_config=QUANTIZED[setting.quantized])},
        wal_enabled=False,
        hnsw_config=edge.HnswIndexConfig(m=setting.m, ef_construct=setting.ef_construct, full_scan_threshold=10, memory=_COLD),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1, max_segment_size=1 << 30),
    )
    start = time.process_time()
    shard = edge.EdgeShard.create(str(folder), config)
    for i in range(0, len(rows), _BATCH):
        points = [edge.Point(_name(i + n), {_SPACE: row}, {}) for n, row in enumerate(rows[i : i + _BATCH].tolist())]
        shard.update(edge.UpdateOperation.upsert_points(points))
    shard.optimize()
    shard.flush()
    shard.close()
    return time.process_time() - start


def searched(folder: Path, asked: Vectors, nearest: NDArray[np.int64], setting: Setting, width: int) -> tuple[float, float]:
    """Return recall of the ten nearest among fifty that were asked for, and milliseconds of a processor for a question: the second time each is asked."""
    quantized = None if setting.quantized == "none" else edge.QuantizationSearchParams(rescore=True, oversampling=setting.oversampling)
    params = edge.SearchParams(exact=False, hnsw_ef=width, quantization=quantized)
    shard = edge.EdgeShard.load(str(folder))
    requests = [
        edge.QueryRequest(limit=LIMIT, query=edge.Query.Nearest(v, using=_SPACE), params=params, with_payload=False, with_vector=False) for v in asked.tolist()
    ]
    found = [{str(r.id) for r in shard.query(q)[:TOP]} for q in requests]
    start = time.process_time()
    for q in requests:
        shard.query(q)
    spent = time.process_time() - start
    shard.close()
    kept = [len(f & set(map(_name, n))) / TOP for f, n in zip(found, nearest.tolist(), strict=True)]
    return float(np.mean(kept)), 1000 * spent / len(requests)


def _name(row: int) -> str:
    return str(uuid.UUID(int=row + 1))


def figures(rows: Vectors, asked: Vectors, settings: Sequence[Setting], place: Path) -> list[tuple[str | float | int, ...]]:
    """Return a row of the table for each setting; equal files are built once."""
    nearest, folders = exact(rows, asked), dict[tuple[int, int, str], tuple[Path, float]]()
    table: list[tuple[str | float | int, ...]] = []
    for s in settings:
        if s.built not in folders:
            folder = place / str(len(folders))
            folder.mkdir()
            folders[s.built] = folder, build(folder, rows, s)
        folder, seconds = folders[s.built]
        found = [searched(folder, asked, nearest, s, w) for w in WIDTHS]
        recall, spent = " / ".join(f"{r:.3f}" for r, _ in found), " / ".join(f"{ms:.2f}" for _, ms in found)
        short = "-" if s.quantized == "none" else f"{s.oversampling:g}"
        table.append((s.quantized, short, s.m, s.ef_construct, recall, spent, round(seconds, 1), round(used(folder) / len(rows))))
        note(f"{s}: recall {recall}, ms {spent}")
    return table


@app.command()
def main(
    vectors: Annotated[Path, typer.Argument(help="Unit vectors of a real model, as `eval.bench.mixture` writes them.")],
    count: Annotated[int, typer.Option(min=100, help="How many are indexed at most.")] = 50_000,
    out: Annotated[Path | None, typer.Option(help="Where the result is kept as JSON.")] = None,
) -> None:
    """Print the figures."""
    given = np.load(vectors).astype(np.float32)
    if len(given) < QUESTIONS + 100:
        raise ConfigError(f"{vectors}: holds {len(given)} vectors; {QUESTIONS} are the questions, and at least 100 have to be indexed")
    asked, rows = given[:QUESTIONS], given[QUESTIONS : QUESTIONS + count]
    with tempfile.TemporaryDirectory() as place:
        found = report(figures(rows, asked, SETTINGS, Path(place)), len(rows), " ".join(["python -m eval.bench.graph", *sys.argv[1:]]))
    if out is not None:
        write(out, found)
    sys.stdout.write(text(found))


def report(rows: Sequence[tuple[str | float | int, ...]], count: int, command: str) -> Result:
    """Return the table."""
    widths = " / ".join(map(str, WIDTHS))
    columns = ("searched", "times the limit ranked in full", "m", "ef_construct", f"recall@{TOP}, ef {widths}", f"ms of a processor, ef {widths}",
               "s of processors to build", "bytes a vector on disk")  # fmt: skip
    note = "The first row is what `rag index` does. One setting is changed at a time."
    head = f"{count:,} vectors of a real model in one segment, {QUESTIONS} questions, the {LIMIT} best asked for"
    return Result("Which graph, and which vectors", command, (Table(head, columns, tuple(rows), note),))


if __name__ == "__main__":
    sys.exit(run(app))
