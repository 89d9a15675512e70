"""A grid of configurations: a base and, for each of some fields, the values to try, expanded to named pipelines."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from eval.budget import Budget
from eval.metrics import parse_all
from eval.sweep_names import combined, labels
from rag.config import load, parse, read_yaml
from rag.errors import ConfigError
from rag.fingerprint import canonical, key
from rag.pipeline import Pipeline
from rag.registry import did_you_mean

BASE = "base"
MOST = 256  # configurations of one grid
METRIC = "span_recall"
KEYS = ("base", "matrix", "metric", "margin", "confirm", "seed", "budget")
_PATH = re.compile(r"[A-Za-z_]\w*(\.(?:[A-Za-z_]\w*|\d{1,3}))*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")


@dataclass(frozen=True)
class Matrix:
    """What a sweep is asked to do: `fields` holds for each path the values to try by the word each has in names.

    `margin` is how much worse than the best counts as equal, `confirm` the share of questions kept for confirmation.
    """

    base: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, Any]]
    metric: str = METRIC
    margin: float = 0.0
    confirm: float = 0.5
    seed: int = 0
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True)
class Grid:
    """Pipelines by name, the base first, and the names of those that are the same as one before them: name -> the one that stands for it."""

    pipelines: Mapping[str, Pipeline]
    merged: Mapping[str, str]


def is_matrix(path: Path) -> bool:
    """Return whether a file is a matrix and not a configuration. Raises `ConfigError` when it cannot be read."""
    data = read_yaml(path)
    return isinstance(data, dict) and "matrix" in data


def read(path: Path) -> Matrix:
    """Return the matrix of a YAML file; a `base` that is a path is relative to the file. Raises `ConfigError` naming the file and the key."""
    data = read_yaml(path)
    try:
        if isinstance(data, dict) and isinstance(data.get("base"), str):
            load(path.parent / data["base"])  # so that an error in it names that file
            data = {**data, "base": read_yaml(path.parent / data["base"])}
        return made(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def made(data: Any) -> Matrix:
    """Return the matrix that plain data says; raises `ConfigError` naming the key."""
    if not isinstance(data, dict):
        raise ConfigError("a matrix is a mapping with base: and matrix:; see docs/sweep.md")
    for name in data:
        if name not in KEYS:
            raise ConfigError(f"{name}: unknown key{did_you_mean(str(name), list(KEYS))}; allowed: {', '.join(KEYS)}")
    for name in ("base", "matrix"):
        if not isinstance(data.get(name), dict):
            raise ConfigError(f"{name}: required, and a mapping; write for example {_EXAMPLE[name]}")
    metric = data.get("metric", METRIC)
    if not isinstance(metric, str):
        raise ConfigError(f"metric: expected the name of one metric, found {metric!r}")
    parse_all([metric])
    seed = data.get("seed", 0)
    if type(seed) is not int or seed < 0:
        raise ConfigError(f"seed: expected a whole number of at least 0, found {seed!r}")
    margin, confirm = _number(data, "margin", 0.0, 0.0, None), _number(data, "confirm", 0.5, 0.1, 0.9)
    fields = {path: _values(path, values) for path, values in data["matrix"].items()}
    return Matrix(data["base"], fields, metric, margin, confirm, seed, Budget.read(data.get("budget", {})))


_EXAMPLE = {"base": "base: configs/hybrid.yaml", "matrix": "matrix: {chunk.size: [100, 200]}"}


def _number(data: Mapping[str, Any], name: str, default: float, low: float, high: float | None) -> float:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= (high if high is not None else float("inf")):
        raise ConfigError(f"{name}: expected a number of at least {low:g}{f' and at most {high:g}' if high is not None else ''}, found {value!r}")
    return float(value)


def _values(path: str, values: Any) -> dict[str, Any]:
    """Return the values to try at a path by their words."""
    if not _PATH.fullmatch(path):
        raise ConfigError(f"matrix.{path}: not the path of a field; write names and numbers joined by dots, as in retrieve.of.0.limit")
    if isinstance(values, list) and values:
        return dict(zip(labels(values), values, strict=True))
    if isinstance(values, dict) and values:
        for word in values:
            if not _WORD.fullmatch(word) or [w.lower() for w in values].count(word.lower()) > 1:
                raise ConfigError(f"matrix.{path}.{word}: a name of a value is unique, and of letters, digits and . _ + - only")
        return dict(values)
    raise ConfigError(f"matrix.{path}: expected a list of values to try, or a mapping of a name to a value")


def combinations(matrix: Matrix) -> list[tuple[str, dict[str, Any]]]:
    """Return every combination as (name, value by path), the last field changing fastest. Raises `ConfigError` for too many."""
    if (count := prod(len(v) for v in matrix.fields.values())) > MOST:
        raise ConfigError(f"matrix: {count} combinations are more than {MOST}; leave values out, or sweep some fields first")
    if not matrix.fields:
        return []
    rows = itertools.product(*(v.items() for v in matrix.fields.values()))
    return [(combined(zip(matrix.fields, [word for word, _ in row], strict=True)), dict(zip(matrix.fields, [v for _, v in row], strict=True))) for row in rows]


def expand(matrix: Matrix) -> Grid:
    """Return every configuration of the grid, each checked. Raises `ConfigError` that names the combination and the key."""
    found: dict[str, Pipeline] = {}
    stands: dict[str, str] = {}
    merged: dict[str, str] = {}
    for name, values in [(BASE, {}), *combinations(matrix)]:
        data = copy.deepcopy(dict(matrix.base))
        try:
            for path, value in values.items():
                _set(data, path, value)
            pipeline = parse(data)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
        work = content(pipeline)
        if work in stands:
            merged[name] = stands[work]
        else:
            stands[work] = name
            found[name] = pipeline
    return Grid(found, merged)


def content(pipeline: Pipeline) -> str:
    """Return the key of what a pipeline does: equal for two that differ only in defaults written out, or in what changes no result."""
    stages = (pipeline.chunk, pipeline.retrieve, pipeline.refine, pipeline.pack, pipeline.answer)
    return key("configuration", [canonical(s) for s in stages], canonical(pipeline.index))


def _set(data: Any, path: str, value: Any) -> None:
    """Put a value at a path; a part that is written as a bare name, or left out, becomes a mapping. Raises `ConfigError`."""
    at, names = data, path.split(".")
    for i, name in enumerate(names):
        here, last = ".".join(names[: i + 1]), i == len(names) - 1
        where: Any = name
        if isinstance(at, list):
            if not name.isdecimal() or int(name) >= len(at):
                raise ConfigError(f"{here}: the base has {len(at)} item{'s' * (len(at) != 1)} there; write its number from 0, or the whole list as a value")
            where = int(name)
        elif not isinstance(at, dict):
            raise ConfigError(f"{here}: there is no field in {at!r}; give the whole part as a value")
        if last:
            at[where] = copy.deepcopy(value)
            return
        if isinstance(at, dict) and at.get(where) is None:
            at[where] = dict(_DEFAULTS.get(here, {}))
        if isinstance(at[where], str):
            at[where] = {"use": at[where]}
        at = at[where]


_DEFAULTS = {"pack": {"use": "budget"}, "answer": {"use": "extractive"}}  # the parts that a configuration may leave out
