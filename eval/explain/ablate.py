"""A pipeline with one part left out, or with a stand-in that does as little as can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from rag.config import dump, parse
from rag.errors import ConfigError
from rag.pipeline import Pipeline

NO_BUDGET = 1_000_000  # tokens: more than any list of hits has
What = Literal["chunk", "retriever", "leg", "fusion", "refine", "pack"]


@dataclass(frozen=True)
class Ablation:
    """What was changed, in words, and the pipeline that is left. Of `what` fusion, each variant is one leg alone."""

    name: str
    change: str
    what: What
    pipeline: Pipeline


def ablations(pipeline: Pipeline) -> list[Ablation]:
    """Return the variants of a pipeline that differ from it in one part, each once.

    Every refiner is left out; every retriever around another gives way to it; a fusion gives way to each leg alone, and with three
    legs or more to the fusion of the others; chunks give way to whole documents, and a limited context to all that was found.
    """
    data = dump(pipeline)
    found: dict[Pipeline, Ablation] = {}
    for name, change, what, body in (*_chunk(data), *_retrieve(data), *_refine(data), *_pack(data)):
        try:
            left = parse(body)
        except ConfigError:
            continue  # what is left cannot stand alone
        if left != pipeline:
            found.setdefault(left, Ablation(name, change, what, left))
    return list(found.values())


Variant = tuple[str, str, What, dict[str, Any]]


def _chunk(data: dict[str, Any]) -> Iterator[Variant]:
    chunk = data["chunk"]
    if chunk["use"] != "whole":
        yield "whole documents", f"whole documents instead of chunk {chunk['use']}", "chunk", {**data, "chunk": {"use": "whole"}}
    if "over" in chunk:
        yield f"without {chunk['use']}", f"chunk {chunk['over']['use']} without {chunk['use']}", "chunk", {**data, "chunk": chunk["over"]}


def _retrieve(data: dict[str, Any]) -> Iterator[Variant]:
    node = data["retrieve"]
    path: list[str] = []  # names of the retrievers around this one
    while True:
        for name, change, what, inner in _node(node):
            yield name, change, what, {**data, "retrieve": _wrapped(data["retrieve"], len(path), inner)}
        if "over" not in node:
            return
        path.append(node["use"])
        node = node["over"]


def _wrapped(outer: dict[str, Any], depth: int, inner: dict[str, Any]) -> dict[str, Any]:
    """Return a retriever with another in place of the one that lies `depth` retrievers within."""
    return inner if not depth else {**outer, "over": _wrapped(outer["over"], depth - 1, inner)}


def _node(node: dict[str, Any]) -> Iterator[Variant]:
    use = node["use"]
    if "over" in node:
        yield f"without {use}", f"without {use}", "retriever", node["over"]
    if "otherwise" in node:
        yield f"without {use}", f"{node['otherwise']['use']} for every question, without {use}", "retriever", node["otherwise"]
    legs = node.get("of")
    if not isinstance(legs, list) or len(legs) < 2:
        return
    names = _numbered([leg["use"] for leg in legs])
    for leg, name in zip(legs, names, strict=True):
        yield f"only {name}", f"only {name} instead of {use}", "fusion", leg
    if len(legs) > 2:
        for i, name in enumerate(names):
            weights = [w for j, w in enumerate(node.get("weights", ())) if j != i]
            yield f"without {name}", f"{use} without {name}", "leg", {**node, "of": [*legs[:i], *legs[i + 1 :]], "weights": weights}


def _numbered(names: list[str]) -> list[str]:
    total, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if total[name] == 1 else f"{name} {seen[name]}")
    return found


def _refine(data: dict[str, Any]) -> Iterator[Variant]:
    refiners = data["refine"]
    for i, name in enumerate(_numbered([r["use"] for r in refiners])):
        yield f"without {name}", f"without refine {name}", "refine", {**data, "refine": [*refiners[:i], *refiners[i + 1 :]]}


def _pack(data: dict[str, Any]) -> Iterator[Variant]:
    pack = data["pack"]
    if "tokens" in pack:
        free = {"tokens": NO_BUDGET, **({"window": None} if "window" in pack else {})}
        yield "without budget", f"pack {pack['use']} without its budget", "pack", {**data, "pack": {**pack, **free}}
