"""Counts of what must never happen, made by commands of their own: the file that `rag-eval gate --counts` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rag.errors import ConfigError, StoreError
from rag.fingerprint import key
from rag.index.manifest import write_json

FORMAT = 1
NAME = re.compile(r"[a-z][a-z0-9_]*")
SHOWN = 20  # trials that went wrong which a file names
OF_A_RUN = ("corpus", "questions", "config", "models", "prompts", "package")  # keys of `ran_on` that are held against the lock of a run
COUNTING = ("tenants.py", "counts.py")  # files of this package that count; `eval.injection` is a whole package
KNOWN = (*OF_A_RUN, "code", "tenants")  # `code` is held against `code()`, `tenants` says where those came from


@dataclass(frozen=True)
class Count:
    """How often something went wrong in how many trials.

    `made_by` is the command and its package; `ran_on` names what it ran on by digest, under keys of `KNOWN`: the gate refuses a count
    whose value is not that of the run. `failed` names the first trials that went wrong, `note` says what stands beside the trials.
    """

    name: str
    failures: int
    trials: int
    made_by: str
    ran_on: Mapping[str, str]
    failed: tuple[str, ...] = ()
    note: str = ""


def counted(name: str, command: str, failed: Sequence[str], trials: int, ran_on: Mapping[str, str], note: str = "") -> Count:
    """Return the count of trials, of which those in `failed` went wrong, made by a command of this package as its code is now."""
    made_by, tied = f"{command}, spanwise {version('spanwise')}", {**ran_on, "package": version("spanwise"), "code": code()}
    return Count(name, len(failed), trials, made_by, tied, tuple(failed[:SHOWN]), note)


@cache
def code() -> str:
    """Return the digest of what counts and what is counted on: code, prompts and attacks. A version stays the same while they change."""
    own = [files("eval") / name for name in COUNTING]
    return key("code", sorted(_sources(files("rag"))), sorted(_sources(files("eval.injection"))), [f.read_text(encoding="utf-8") for f in own])


def _sources(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{above}{entry.name}/")
        elif entry.name.endswith((".py", ".md", ".jsonl")):
            yield above + entry.name, entry.read_text(encoding="utf-8")


def write_count(file: Path, count: Count) -> None:
    """Write a count. Raises `StoreError` when it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"format": FORMAT, **asdict(count)})
    except OSError as error:
        raise StoreError(f"{file}: the count cannot be written ({error.strerror}); give another path") from None


def read_counts(files: Sequence[Path]) -> tuple[Count, ...]:
    """Return the counts of files. Raises `ConfigError` for one that is missing or wrong, and for two of the same name."""
    found: dict[str, Path] = {}
    counts = []
    for file in files:
        count = _read(file)
        if count.name in found:
            raise ConfigError(f"{file}: {found[count.name]} counts {count.name} too; give one of them")
        found[count.name] = file
        counts.append(count)
    return tuple(counts)


def _read(file: Path) -> Count:
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise ConfigError(f"{file}: a count of format {body['format']!r}, this program reads {FORMAT}; make it again")
        name, failures, trials, made_by, ran_on = (body[k] for k in ("name", "failures", "trials", "made_by", "ran_on"))
        failed, note = tuple(str(f) for f in body.get("failed", ())), str(body.get("note", ""))
    except OSError as error:
        raise ConfigError(f"{file}: the count cannot be read ({error.strerror}); docs/ci.md says what makes one") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{file}: this is no count; it needs format, name, failures, trials, made_by and ran_on (docs/ci.md)") from None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(f"{file}: name: {name!r} is not made of small letters, digits and _")
    if type(failures) is not int or type(trials) is not int or not 0 <= failures <= trials or trials < 1:
        raise ConfigError(f"{file}: failures {failures!r} of {trials!r} trials is no count; both are whole numbers, and nothing was tried without trials")
    if not isinstance(made_by, str) or not made_by.strip():
        raise ConfigError(f"{file}: made_by: say which command made the count")
    if not isinstance(ran_on, dict) or not ran_on or not all(isinstance(v, str) and v for v in ran_on.values()):
        raise ConfigError(f"{file}: ran_on: name what was counted on by its digest, such as {{corpus: ...}}")
    if unknown := [k for k in ran_on if k not in KNOWN]:
        raise ConfigError(f"{file}: ran_on: {unknown[0]!r} is nothing that a run could be held to; known: {', '.join(KNOWN)}")
    return Count(name, failures, trials, made_by, dict(ran_on), failed, note)
