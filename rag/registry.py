"""Every part by kind and name: found by import, by `@register`, or by the entry-point group `rag.stages`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rag.errors import ConfigError
from rag.stages import REGISTERED, Stage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_PARTS: dict[str, dict[str, type[Stage]]] = {kind.kind: {} for kind in REGISTERED}
_HOMES = {kind.kind: f"rag.{kind.kind}" for kind in REGISTERED}
_BASES: list[type[Stage]] = list(REGISTERED)
_loaded: set[str] = set()
S = TypeVar("S", bound=Stage)


def extend(base: type[Stage], package: str) -> None:
    """Make another kind of parts known, whose modules lie in `package`: judges, for one, belong to the harness and not to `rag`."""
    if base.kind not in _PARTS:
        _PARTS[base.kind], _HOMES[base.kind] = {}, package
        _BASES.append(base)


def register(use: str) -> Callable[[type[S]], type[S]]:
    """Class decorator that makes a frozen dataclass known under `use` in its kind's folder of names.

    Raises `TypeError` when the class is not a stage or not a frozen dataclass, or the name is taken.
    """

    def add(cls: type[S]) -> type[S]:
        frozen = getattr(getattr(cls, "__dataclass_params__", None), "frozen", False)
        if not (issubclass(cls, tuple(_BASES)) and frozen):
            raise TypeError(f"{cls.__name__} must be a frozen dataclass derived from one of the five stages, from Chat or from JudgeSpec")
        known = _PARTS[cls.kind].get(use)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.kind} stage {use!r} is registered by {known.__module__} already")
        cls.use = use
        _PARTS[cls.kind][use] = cls
        return cls

    return add


def _load(source: str) -> None:
    if source in _loaded:
        return
    if source == "plugins":
        from importlib.metadata import entry_points  # 15 ms: only where a name is none of ours

        for point in entry_points(group="rag.stages"):
            _plug_in(point)
    else:
        package = importlib.import_module(_HOMES[source])
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    _loaded.add(source)  # last: what failed fails again


def _load_one(kind: str, use: str) -> None:
    """Import the module that a part of ours lies in, which is called as the part is; another name imports nothing."""
    home = f"{_HOMES[kind]}.{use}"
    if use.isidentifier() and not use.startswith("_") and importlib.util.find_spec(home) is not None:
        importlib.import_module(home)


def _plug_in(point: EntryPoint) -> None:
    try:
        point.load()
    except Exception as error:  # a plugin is foreign code and may raise anything while it is imported
        package = point.dist.name if point.dist else point.value
        raise ConfigError(f"plugin {point.name!r} of {package} cannot be loaded ({type(error).__name__}: {error}); repair or uninstall it") from error


def parts(kind: str) -> dict[str, type[Stage]]:
    """All registered parts of a kind (`chunk retrieve refine pack answer`, and `chat`), sorted by name, plugins included."""
    _load(kind)
    _load("plugins")
    return dict(sorted(_PARTS[kind].items()))


def find(kind: str, use: str, path: str) -> type[Stage]:
    """Return the part called `use`, importing no other of ours; raises `ConfigError` naming `path`, the near misses and every choice."""
    if use not in _PARTS[kind]:
        _load_one(kind, use)
    if use not in _PARTS[kind]:
        _load(kind)
    if use not in _PARTS[kind]:
        _load("plugins")
    if use in _PARTS[kind]:
        return _PARTS[kind][use]
    names = list(parts(kind))
    raise ConfigError(f"{path}: no {kind} stage is called {use[:60]!r}{did_you_mean(use, names)}; there are: {', '.join(names)}")


def did_you_mean(word: str, names: list[str]) -> str:
    """Return `, did you mean 'x'?` for the closest name, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word[:100], names, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""
