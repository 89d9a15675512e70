"""Hostile files end as documents or as one plain reason each: no network, no writing, no more than their time and memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag.loaders import remote
from rag.loaders.base import formats
from rag.loaders.corpus import Failed, Loaded, read
from rag.loaders.limits import Limits
from rag.loaders.stream import close_all

from .hostile import docx, files, package, pages, pdf

LIMITS = Limits(1.0, parse_seconds=20, parse_memory_mb=512)
HOSTILE = files()
# What must have become text, because only its surroundings are hostile; whatever else does may.
READABLE = {
    "prev-loop.pdf", "launch.pdf", "objects.pdf", "slip.docx", "external.docx", "active.html", "data.html", "images.md", "front.md", "laughs.md", "python.md",
    "bidi.txt", "image.pdf", "nested.docx",
}  # fmt: skip
MUST_FAIL = {
    "bomb.docx", "encrypted.docx", "encrypted.pdf", "truncated.docx", "wrong-extension.pdf", "wrong-extension.docx", "wrong-extension.html", "deep.html",
    "deep-inline.html", "half.txt", "empty-zip.docx",
}  # fmt: skip


@contextmanager
def nothing_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A block with HOME, the working directory and the folder of temporary files in one place, which is empty afterwards."""
    place.mkdir()
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)  # read anew from TMPDIR: in /tmp stand those of other processes too
    monkeypatch.chdir(place)
    close_all()
    yield
    close_all()
    assert list(place.rglob("*")) == []


def test_the_hostile_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is a document or a failure of one line, and no secret or fetched text is in any."""
    root = tmp_path / "corpus"
    root.mkdir()
    for name, data in HOSTILE.items():
        (root / name).write_bytes(data)
    with nothing_written(tmp_path / "home", monkeypatch):
        found = list(read([root], LIMITS))
    loaded = {Path(i.document.source).name for i in found if isinstance(i, Loaded)}
    failed = {Path(i.source).name: i.reason for i in found if isinstance(i, Failed)}
    assert loaded | set(failed) == set(HOSTILE)
    assert loaded >= READABLE
    assert set(failed) >= MUST_FAIL
    for reason in failed.values():
        assert reason.isprintable()
        assert 0 < len(reason) < 400
        assert "what no parser may" not in reason
    for item in found:
        if isinstance(item, Loaded):
            assert "root:" not in item.document.text
            assert len(item.document.text) < 1_000_000


@pytest.mark.parametrize("character", ["a", '"', " ", "(", "<", "\n", "\\", "[", "&", "#", ",", "-", "`", "\x00"])
def test_a_megabyte_of_one_character_per_format(tmp_path: Path, character: str) -> None:
    """Every reader comes to an end within its limits, as it is and behind the first bytes of its format."""
    for suffix in formats():
        (tmp_path / f"a{suffix}").write_bytes(character.encode() * 999_990)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7\n" + character.encode() * 999_990)
    (tmp_path / "c.pdf").write_bytes(pdf(pages(character.encode() * 900_000)))
    (tmp_path / "d.jsonl").write_bytes(b'{"text": "' + character.encode() * 999_900)
    (tmp_path / "e.csv").write_bytes(b"text\n" + character.encode() * 999_900)
    (tmp_path / "f.html").write_bytes(b"<p a=" + character.encode() * 999_900)
    (tmp_path / "g.md").write_bytes(b"---\n" + character.encode() * 999_900 + b"\n---\n")
    seen = set()
    for item in read([tmp_path], Limits(1.0, parse_seconds=20, parse_memory_mb=512)):
        seen.add(Path(item.document.source if isinstance(item, Loaded) else item.source).name)
        assert isinstance(item, Loaded) or not item.reason.startswith(("took", "the parser")), item
    blank = {"a.jsonl"} if character in " \n" else set()  # blank lines hold nothing
    assert seen == {p.name for p in tmp_path.iterdir()} - blank


def test_a_sparse_file_of_one_long_line_takes_no_memory(tmp_path: Path, load: Callable[..., Any]) -> None:
    """100 MB of NUL in a JSON Lines and a CSV file: over the limit of a document, and passed over in small parts."""
    for name in ("a.jsonl", "b.csv", "c.txt"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(100_000_000)
    found = load(tmp_path, limits=Limits(1.0, parse_memory_mb=256))
    assert found.documents == {}
    assert list(found.failed) == ["a.jsonl#1", "b.csv#1", "c.txt"]
    assert all("more than index.max_document_mb (1)" in reason for reason in found.failed.values())


def test_names_that_trick_other_systems_are_names(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Reserved and misleading names load; a line feed in one is shown escaped and refused."""
    fine = ["C:\\x.md", "con.md", "CON.txt", "\u202egnp.md", "x" * 252 + ".md", "-rf.md", "~.md", "$(id).md", "a b'\"`.md"]
    for name in [*fine, "new\nline.md", "bell\a.md"]:
        (tmp_path / name).write_text("x")
    found = load(tmp_path)
    assert set(found.documents) == set(fine)
    assert found.failed == {
        "new\\nline.md": "id has the control character U+000A at character 3",
        "bell\\x07.md": "id has the control character U+0007 at character 4",
    }


def test_links_devices_and_pipes_are_never_read(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Out of the corpus, to a device, to itself, to a FIFO: each is a failure and none makes the reader wait."""
    root = tmp_path / "root"
    root.mkdir()
    os.mkfifo(root / "fifo.md")
    (root / "out.md").symlink_to("/etc/passwd")
    (root / "zero.md").symlink_to("/dev/zero")
    (root / "self.md").symlink_to("self.md")
    (root / "fd.md").symlink_to("/proc/self/fd/0")
    (root / "up").symlink_to("..")
    (root / "empty.md").touch()
    (root / "a.md").write_text("hello")
    found = load(root)
    assert list(found.documents) == ["a.md"]
    assert set(found.failed) == {"fifo.md", "out.md", "zero.md", "self.md", "fd.md", "up", "empty.md"}


def test_a_memory_limit_holds_for_a_bomb_that_no_check_knows(tmp_path: Path, load: Callable[..., Any]) -> None:
    """A PDF stream that unpacks to far more than the file, twice compressed: a failure, and the next file loads."""
    import zlib

    from .hostile import stream

    bomb = zlib.compress(zlib.compress(b"BT (x) Tj ET " * 30_000_000))
    (tmp_path / "a.pdf").write_bytes(pdf({**pages(), 4: stream(bomb, b"/Filter [/FlateDecode /FlateDecode]")}))
    (tmp_path / "b.md").write_text("b")
    found = load(tmp_path, limits=Limits(1.0, parse_seconds=20, parse_memory_mb=256))
    assert list(found.documents) == ["b.md"]
    assert list(found.failed) == ["a.pdf"]


def test_a_docx_with_ten_thousand_entries_is_refused(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Before any of them is unpacked."""
    (tmp_path / "a.docx").write_bytes(package({str(i): "" for i in range(10_001)}))
    assert "entries, more than 10000" in load(tmp_path, max_mb=2.0).failed["a.docx"]


def test_the_worker_cannot_write_in_native_code_either(tmp_path: Path) -> None:
    """The limit on the size of files holds below Python, for a program that the worker's guard has made harmless."""
    code = f"""
import os
from rag.loaders import guard
handle = os.open({str(tmp_path / "f")!r}, os.O_CREAT | os.O_WRONLY)
guard.harmless()
try: os.write(handle, b"x")
except OSError as error: raise SystemExit(0 if error.errno == 27 else 1)
raise SystemExit(2)
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=Path(remote.__file__).parents[2], check=False)
    assert found.returncode == 0


def test_a_folder_of_all_sorts_twice_gives_the_same(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Reading has no memory of what it read before: the hostile files leave nothing behind in the worker."""
    for name in ("xxe.docx", "laughs.docx", "xmp.pdf", "form-loop.pdf", "deep.jsonl"):
        (tmp_path / name).write_bytes(HOSTILE[name])
    (tmp_path / "z.docx").write_bytes(docx())
    first, second = load(tmp_path, limits=LIMITS), load(tmp_path, limits=LIMITS)
    assert first.failed == second.failed
    assert {i: d.digest for i, d in first.documents.items()} == {i: d.digest for i, d in second.documents.items()}
    assert first.documents["z.docx"].text == "hello"
