"""Whether a configuration fits an index: one model, never two, and the same cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import StoreError
from rag.index.spaces import space_name
from rag.stages import DenseSpace, Space

if TYPE_CHECKING:
    from rag.index.manifest import Manifest, Quantization
    from rag.index.prepare import Recipe
    from rag.pipeline import Pipeline
    from rag.runtime import Runtime

OTHER = "use `rag migrate INDEX -c CONFIG` or index into another directory"

QUANTIZED = 5_000  # chunks; with fewer, comparing the vectors themselves takes less than half a millisecond


def graph(recipe: Recipe, chunks: int) -> bool:
    """Whether vectors get a graph: as `index.search` says, by the number of chunks when that is `auto`."""
    options = recipe.pipeline.index
    large = options.search == "hnsw" or (options.search == "auto" and chunks >= options.exact_below)
    return large and any(isinstance(s, DenseSpace) for s in recipe.spaces)


def quantization(recipe: Recipe, chunks: int) -> Quantization:
    """Return what vectors are first compared in: one byte a number under a graph or from `QUANTIZED` chunks on, unless the configuration says otherwise."""
    options = recipe.pipeline.index
    if options.quantization == "none" or options.search == "exact" or not any(isinstance(s, DenseSpace) for s in recipe.spaces):
        return "none"
    return "scalar" if options.quantization == "scalar" or chunks >= QUANTIZED or graph(recipe, chunks) else "none"


def laid_out(manifest: Manifest, recipe: Recipe) -> bool:
    """Whether an index that did not change is laid out as asked; with `quantization: auto` an older one stays as it is until it changes."""
    n = manifest.chunks
    left = recipe.pipeline.index.quantization == "auto" or manifest.quantization == quantization(recipe, n)
    return left and manifest.hnsw == graph(recipe, n)


def check_fit(path: Path | str, manifest: Manifest, pipeline: Pipeline, wanted: Sequence[Space], runtime: Runtime) -> None:
    """Raise `StoreError` with both names when documents would be cut or embedded otherwise than those that are there."""
    if manifest.chunk_key != pipeline.chunk_key:
        from rag.config import dump

        built, asked = manifest.config["chunk"], dump(pipeline)["chunk"]
        raise StoreError(f"{path} was cut by chunk: {_said(built)}, the configuration says {_said(asked)}; {OTHER}")
    if set(manifest.spaces) != {space_name(s) for s in wanted}:
        has, needs = ", ".join(str(s["spec"]) for s in manifest.spaces.values()), ", ".join(map(repr, wanted))
        raise StoreError(f"{path} holds the vector spaces {has or 'none'}, the configuration's retrieve: needs {needs or 'none'}; {OTHER}")
    if manifest.tenant_key != pipeline.index.tenant_key:
        raise StoreError(f"{path} was built with index.tenant_key {manifest.tenant_key!r}, the configuration says {pipeline.index.tenant_key!r}; {OTHER}")
    for space in wanted:
        if isinstance(space, DenseSpace):
            check_identity(path, manifest.spaces[space_name(space)]["identity"], runtime.encoder(space.model).identity)
    if _plain(manifest.chunker) != _plain(runtime.identities(pipeline.chunk)):
        raise StoreError(f"{path} was cut with another version of the model or tokenizer that chunk: names; {OTHER}")


def check_identity(path: Path | str, built: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise `StoreError` with both names when vectors of one model would meet vectors of another."""
    wrong = [k for k in sorted({*built, *asked} - {"precision"}) if built.get(k) != asked.get(k)]  # precisions may meet: see `native_precision`
    if wrong:
        differs = ", ".join(f"{k} {built.get(k)!r} against {asked.get(k)!r}" for k in wrong)
        raise StoreError(f"{path} was embedded with {built['name']}, the configuration asks for {asked['name']} ({differs}); use the same model, or {OTHER}")


def _said(stage: Mapping[str, Any]) -> str:
    """Return a stage as a configuration in YAML says it, in one line."""
    return "{" + ", ".join(f"{k}: {_said(v) if isinstance(v, Mapping) else v}" for k, v in sorted(stage.items(), key=lambda i: (i[0] != "use", i[0]))) + "}"


def _plain(identities: Sequence[Any]) -> list[Any]:
    """Return model identities without the precision they were computed in."""
    return [{k: v for k, v in i.items() if k != "precision"} if isinstance(i, dict) else i for i in identities]
