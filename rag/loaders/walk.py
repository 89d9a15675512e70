"""Walking a folder: every entry becomes a file to read, a failure with its reason, or a count of what was ignored."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.errors import CorpusError
from rag.loaders.base import formats, suffix_of
from rag.loaders.beir import CORPUS, is_beir
from rag.loaders.files import NOT_REGULAR, os_reason
from rag.loaders.sidecar import ORPHAN, SUFFIXES, described

HIDDEN, NO_SUFFIX, FOLDER_LINK, BESIDE = "hidden", "no suffix", "link to a folder that is read where it is", "beside corpus.jsonl"
UNUSED = "metadata of an ignored file"
OUTSIDE = "a symbolic link that leads out of the corpus; copy the file in or name its folder too"
LOOP = f"{NOT_REGULAR} (a symbolic link that leads back to itself)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, or why it cannot be: its id (path relative to the root), where it is named, where its bytes are.

    `sidecar` is where the bytes of its metadata file are, `sidecar_name` what that is called.
    """

    id: str
    named: Path
    actual: Path
    problem: str = ""
    sidecar: Path | None = None
    sidecar_name: str = ""


def walk(root: Path, ignored: Counter[str], base: Path | None = None) -> Iterator[Entry]:
    """Yield the files of one named path in the order of their POSIX relative paths; count into `ignored` what is passed over.

    Hidden entries and suffixes without a reader are ignored. Links are followed to files inside the root only. Folders
    are listed one at a time, so that memory grows with the widest folder and not with the corpus. With a `base`, a
    folder above `root`, everything is as in walking `base`, and only what lies at or below `root` is yielded.
    """
    if base is not None and base != root:
        yield from _part(root, base, ignored)
    elif os.path.isdir(root):
        yield from _corpus_file(root, ignored) if is_beir(root) else _folder([(root, "")], root, ignored)
    elif not os.path.isfile(root):
        yield Entry(root.name, root, root, NOT_REGULAR)
    elif suffix_of(root.name) in formats():
        yield from _described(Entry(root.name, root, Path(os.path.realpath(root))), _beside(root), None)
    else:
        ignored[suffix_of(root.name) or NO_SUFFIX] += 1


def _corpus_file(root: Path, ignored: Counter[str]) -> Iterator[Entry]:
    with os.scandir(root) as entries:
        ignored.update(BESIDE for entry in entries if entry.name != CORPUS)
    path = root / CORPUS
    actual = Path(os.path.realpath(path))
    inside = actual.is_relative_to(os.path.realpath(root))
    yield Entry(CORPUS, path, actual, "" if inside else OUTSIDE)


def check_base(root: Path, base: Path) -> None:
    """Raise `CorpusError` when `root` cannot be read as a part of `base`."""
    if not root.is_relative_to(base):
        raise CorpusError(f"{root}: not below {base}, which it is to be read as a part of; name the folder itself")
    if base != root and is_beir(base):
        raise CorpusError(f"{root}: a part of {base}, which is a BEIR folder and is read as a whole; name the folder")


def _part(root: Path, base: Path, ignored: Counter[str]) -> Iterator[Entry]:
    """Yield what walking `base` yields at and below `root`."""
    below = root.relative_to(base)
    real = Path(os.path.realpath(base))
    if any(part.startswith(".") for part in below.parts):
        ignored[HIDDEN] += 1
    elif Path(os.path.realpath(root.parent)) != real / below.parent:  # a folder on the way is a link, which is not followed
        if Path(os.path.realpath(root.parent)).is_relative_to(real):
            ignored[FOLDER_LINK] += 1
        else:
            yield Entry(below.as_posix(), root, root, OUTSIDE)
    elif os.path.isdir(root) and not root.is_symlink():
        yield from _folder([(root, f"{below.as_posix()}/")], base, ignored)
    else:
        of = described(root.name)
        if of and os.path.lexists(root.parent / of):  # a metadata file stands for its file
            root, below = root.with_name(of), below.with_name(of)
        yield from _file(root, below.as_posix(), real, ignored, _beside(root))


def _beside(path: Path) -> list[str]:
    return [path.name + suffix for suffix in SUFFIXES if os.path.lexists(path.with_name(path.name + suffix))]


def _folder(waiting: list[tuple[Path, str]], root: Path, ignored: Counter[str]) -> Iterator[Entry]:
    """Yield the files below the folders that wait, a stack: the last is next."""
    real = Path(os.path.realpath(root))
    sidecars: dict[Path, list[str]] = {}
    while waiting:
        path, name = waiting.pop()
        if name and not name.endswith("/"):
            yield from _file(path, name, real, ignored, sidecars.pop(path, []))
            continue
        try:
            with os.scandir(path) as entries:
                found = [(path / e.name, name + e.name + "/" * e.is_dir(follow_symlinks=False)) for e in entries]
        except OSError as error:
            yield Entry(name.rstrip("/") or ".", path, path, os_reason(error))
            continue
        # Sorting folders with their slash makes the order that of whole paths: `a-b.md` before `a/c.md`.
        found.sort(key=lambda item: item[1], reverse=True)
        names = {p.name for p, n in found if not n.endswith("/")}
        for below in found:
            of = described(below[0].name)
            if below[0].name.startswith("."):
                ignored[HIDDEN] += 1
            elif of in names and not below[1].endswith("/"):
                sidecars.setdefault(path / of, []).append(below[0].name)
            else:
                waiting.append(below)


def _file(path: Path, name: str, real: Path, ignored: Counter[str], sidecars: list[str]) -> Iterator[Entry]:
    link = path.is_symlink()
    actual = Path(os.path.realpath(path)) if link else path
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield Entry(name, path, actual, _no_stat(error, link))
        return
    if link and stat.S_ISDIR(mode):
        yield from _folder_link(path, name, actual, real, ignored)
    elif described(path.name) and stat.S_ISREG(mode):
        yield Entry(name, path, actual, ORPHAN)
    elif not stat.S_ISREG(mode):
        yield Entry(name, path, actual, NOT_REGULAR)
    elif suffix_of(name) not in formats():
        ignored[suffix_of(name) or NO_SUFFIX] += 1
        if sidecars:
            ignored[UNUSED] += len(sidecars)
    elif link and not actual.is_relative_to(real):
        yield Entry(name, path, actual, OUTSIDE)
    else:
        yield from _described(Entry(name, path, actual), sidecars, real)


def _described(entry: Entry, sidecars: list[str], real: Path | None) -> Iterator[Entry]:
    """Yield the file with its metadata file, or with what is wrong about that; `real` is where it must lie, if anywhere."""
    if not sidecars:
        yield entry
        return
    name = sorted(sidecars)[0]
    actual = Path(os.path.realpath(entry.named.with_name(name)))
    problem = ""
    if len(sidecars) > 1:
        problem = f"has several metadata files ({', '.join(sorted(sidecars))}); keep one"
    elif real is not None and not actual.is_relative_to(real):
        problem = f"{name}: {OUTSIDE}"
    yield Entry(entry.id, entry.named, entry.actual, problem, actual, name)


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
