"""A collection on a Qdrant server: how it is made for a layout, and whether one that is there has that layout."""

from __future__ import annotations

from typing import Any

from qdrant_client import QdrantClient, models

from rag.errors import StoreError
from rag.index.engine import Layout
from rag.index.manifest import REBUILD
from rag.index.server_options import ServerOptions

OLDEST = (1, 19)  # the first server that counts idf within a corpus filter; older ones would ignore it in silence
_FIELD = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
    "datetime": models.PayloadSchemaType.DATETIME,
}


def check_version(client: QdrantClient, address: str) -> None:
    """Raise `StoreError` when what answers is older than the oldest server that scores as this code expects."""
    version = client.info().version
    numbers = version.removeprefix("v").split(".")
    if len(numbers) < 2 or not all(n.isdecimal() for n in numbers[:2]):
        raise StoreError(f"{address}: the server says it is version {version[:40]!r}; it must be Qdrant {OLDEST[0]}.{OLDEST[1]} or later")
    if (int(numbers[0]), int(numbers[1])) < OLDEST:
        raise StoreError(
            f"{address}: the server is Qdrant {version[:40]}, which cannot count idf within a scope; upgrade it to {OLDEST[0]}.{OLDEST[1]} or later"
        )


def make(client: QdrantClient, options: ServerOptions, layout: Layout) -> None:
    """Make the collection unless one of that name is there; whether it is ours is for `check_layout` to say."""
    if client.collection_exists(options.collection):
        return
    keywords = models.SparseIndexParams(on_disk=options.on_disk)
    client.create_collection(
        options.collection,
        vectors_config={n: models.VectorParams(size=d, distance=models.Distance.DOT, on_disk=options.on_disk) for n, d in layout.dense.items()},
        sparse_vectors_config={n: models.SparseVectorParams(index=keywords, modifier=models.Modifier.IDF) for n in layout.sparse},
        shard_number=options.shard_number,
        replication_factor=options.replication_factor,
        write_consistency_factor=options.write_consistency_factor,
        hnsw_config=models.HnswConfigDiff(m=16 if layout.hnsw else 0, ef_construct=128),
        quantization_config=_quantization(options),
    )


def check_layout(info: models.CollectionInfo, layout: Layout, address: str) -> None:
    """Raise `StoreError` when a collection has other vector spaces than the layout, or is damaged."""
    if info.status == models.CollectionStatus.RED:
        raise StoreError(f"{address}: the server reports the collection as damaged; look at its log, then {REBUILD}")
    expected = {n: f"{d} dimensions, Dot" for n, d in layout.dense.items()} | dict.fromkeys(layout.sparse, "sparse, idf")
    found = spaces(info)
    for name in sorted(expected | found):
        if expected.get(name) != found.get(name):
            raise StoreError(
                f"{address}: vector space {name!r} is {found.get(name, 'absent')} on the server and {expected.get(name, 'absent')} in this configuration; "
                f"name another collection, or {REBUILD}"
            )


def spaces(info: models.CollectionInfo) -> dict[str, str]:
    """Return what each vector space of a collection is, in words."""
    dense: Any = info.config.params.vectors or {}
    if isinstance(dense, models.VectorParams):
        dense = {"": dense}
    sparse = info.config.params.sparse_vectors or {}
    found = {n: f"{p.size} dimensions, {p.distance.value}" for n, p in dense.items()}
    return found | {n: f"sparse, {p.modifier.value if p.modifier else 'none'}" for n, p in sparse.items()}


def field_schema(name: str, kind: str) -> Any:
    """Return the payload index of a key; the tenant's also groups the points of a tenant on disk."""
    if kind not in _FIELD:
        raise StoreError(f"no payload index of kind {kind!r}; there are {', '.join(_FIELD)}")
    if name == "tenant":
        return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return _FIELD[kind]


def dense_params(options: ServerOptions, layout: Layout, limit: int, exact: bool) -> models.SearchParams:
    """Return how a dense space is searched. Exact search reads the vectors themselves, never quantized ones."""
    if exact or not (layout.hnsw or options.quantization != "none"):
        return models.SearchParams(exact=True, quantization=models.QuantizationSearchParams(ignore=True))
    quantized = models.QuantizationSearchParams(rescore=options.rescore, oversampling=options.oversampling) if options.quantization != "none" else None
    return models.SearchParams(exact=False, hnsw_ef=max(128, limit), quantization=quantized)


def sparse_params(corpus: models.Filter | None) -> models.SearchParams:
    """Return how a sparse space is searched: idf is counted over the corpus, and never over deleted points."""
    return models.SearchParams(exact=True, idf=models.IdfCorpusParams(corpus=corpus or models.Filter()))


def _quantization(options: ServerOptions) -> Any:
    if options.quantization == "scalar":
        return models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True))
    if options.quantization == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None
