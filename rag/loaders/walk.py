"""Walking a folder: every entry becomes a file to read, a failure with its reason, or a count of what was ignored."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.loaders.base import formats, suffix_of
from rag.loaders.beir import CORPUS, is_beir
from rag.loaders.files import NOT_REGULAR, os_reason

HIDDEN, NO_SUFFIX, FOLDER_LINK, BESIDE = "hidden", "no suffix", "link to a folder that is read where it is", "beside corpus.jsonl"
OUTSIDE = "a symbolic link that leads out of the corpus; copy the file in or name its folder too"
LOOP = f"{NOT_REGULAR} (a symbolic link that leads back to itself)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, or why it cannot be: its id (path relative to the root), where it is named, where its bytes are."""

    id: str
    named: Path
    actual: Path
    problem: str = ""


def walk(root: Path, ignored: Counter[str]) -> Iterator[Entry]:
    """Yield the files of one named path in the order of their POSIX relative paths; count into `ignored` what is passed over.

    Hidden entries and suffixes without a reader are ignored. Links are followed to files inside the root only. Folders
    are listed one at a time, so that memory grows with the widest folder and not with the corpus.
    """
    if os.path.isdir(root):
        yield from _corpus_file(root, ignored) if is_beir(root) else _folder(root, ignored)
    elif not os.path.isfile(root):
        yield Entry(root.name, root, root, NOT_REGULAR)
    elif suffix_of(root.name) in formats():
        yield Entry(root.name, root, Path(os.path.realpath(root)))
    else:
        ignored[suffix_of(root.name) or NO_SUFFIX] += 1


def _corpus_file(root: Path, ignored: Counter[str]) -> Iterator[Entry]:
    with os.scandir(root) as entries:
        ignored.update(BESIDE for entry in entries if entry.name != CORPUS)
    path = root / CORPUS
    actual = Path(os.path.realpath(path))
    inside = actual.is_relative_to(os.path.realpath(root))
    yield Entry(CORPUS, path, actual, "" if inside else OUTSIDE)


def _folder(root: Path, ignored: Counter[str]) -> Iterator[Entry]:
    real = Path(os.path.realpath(root))
    waiting = [(root, "")]  # a stack: the last is next
    while waiting:
        path, name = waiting.pop()
        if name and not name.endswith("/"):
            yield from _file(path, name, real, ignored)
            continue
        try:
            with os.scandir(path) as entries:
                found = [(path / e.name, name + e.name + "/" * e.is_dir(follow_symlinks=False)) for e in entries]
        except OSError as error:
            yield Entry(name.rstrip("/") or ".", path, path, os_reason(error))
            continue
        # Sorting folders with their slash makes the order that of whole paths: `a-b.md` before `a/c.md`.
        found.sort(key=lambda item: item[1], reverse=True)
        for below in found:
            if below[0].name.startswith("."):
                ignored[HIDDEN] += 1
            else:
                waiting.append(below)


def _file(path: Path, name: str, real: Path, ignored: Counter[str]) -> Iterator[Entry]:
    link = path.is_symlink()
    actual = Path(os.path.realpath(path)) if link else path
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield Entry(name, path, actual, _no_stat(error, link))
        return
    if link and stat.S_ISDIR(mode):
        yield from _folder_link(path, name, actual, real, ignored)
    elif not stat.S_ISREG(mode):
        yield Entry(name, path, actual, NOT_REGULAR)
    elif suffix_of(name) not in formats():
        ignored[suffix_of(name) or NO_SUFFIX] += 1
    elif link and not actual.is_relative_to(real):
        yield Entry(name, path, actual, OUTSIDE)
    else:
        yield Entry(name, path, actual)


def _no_stat(error: OSError, link: bool) -> str:
    if error.errno == errno.ELOOP:
        return LOOP
    return "a symbolic link to nothing" if link and error.errno == errno.ENOENT else os_reason(error)


def _folder_link(path: Path, name: str, actual: Path, real: Path, ignored: Counter[str]) -> Iterator[Entry]:
    """A link to a folder of the same root is not followed: its files are read where they are, and loops cannot arise."""
    if not actual.is_relative_to(real):
        yield Entry(name, path, actual, OUTSIDE)
    elif Path(os.path.realpath(path.parent)).is_relative_to(actual):
        yield Entry(name, path, actual, LOOP)
    elif any(part.startswith(".") for part in actual.relative_to(real).parts):
        yield Entry(name, path, actual, "a symbolic link to a hidden folder, which is not read")
    else:
        ignored[FOLDER_LINK] += 1
