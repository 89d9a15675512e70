"""The door to a corpus: everything named is a document, a failure with a reason, or counted as ignored."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docx
import pytest

from rag.errors import CorpusError
from rag.loaders import remote
from rag.loaders.base import Whole, formats
from rag.loaders.corpus import Failed, Loaded, Summary, read
from rag.loaders.stream import WINDOW, close_all


def test_a_folder_of_every_kind(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Ids are POSIX paths relative to the folder, in sorted order; the summary counts the rest."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("b")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "c.jsonl").write_text('{"id": "j", "text": "c"}')
    (tmp_path / "d.html").write_text("<p>d")
    (tmp_path / "empty.md").write_text("")
    (tmp_path / "x.png").write_bytes(b"\x89PNG")
    found = load(tmp_path)
    assert {id: d.text for id, d in found.documents.items()} == {"a.txt": "a", "j": "c", "d.html": "d", "sub/b.md": "b"}
    assert list(found.documents) == ["a.txt", "j", "d.html", "sub/b.md"]
    assert found.failed == {"empty.md": "no text"}
    assert found.summary == Summary(documents=4, failed=1, ignored=Counter({".png": 1}))
    assert set(found.roots) == {tmp_path}


def test_a_missing_path_is_an_error_at_once(tmp_path: Path) -> None:
    """Before anything is read, and even behind a path that is there; the message says what to check."""
    (tmp_path / "a.md").write_text("a")
    with pytest.raises(CorpusError, match=r"none: no such file or folder; check the path"):
        read([tmp_path, tmp_path / "none"], 1)
    (tmp_path / "gone").symlink_to("nowhere")
    with pytest.raises(CorpusError, match="no such file or folder"):
        read([tmp_path / "gone"], 1)
    with pytest.raises(CorpusError, match="no corpus is named"):
        read([], 1)
    with pytest.raises(CorpusError, match="cannot be read"):
        read([Path("a\0b")], 1)


def test_reading_is_lazy(tmp_path: Path) -> None:
    """A file is opened when its turn is near, not before: beyond those read ahead, what it holds then is what counts."""
    for i in range(100):
        (tmp_path / f"{i:03}.md").write_text("old")
    stream = read([tmp_path], 1)
    assert isinstance(next(stream), Loaded)
    for i in range(100):
        (tmp_path / f"{i:03}.md").write_text("new")
    texts = [item.document.text for item in stream if isinstance(item, Loaded)]
    assert len(texts) == 99
    assert texts[WINDOW:] == ["new"] * (99 - WINDOW)


def test_a_file_that_vanishes_is_a_failure(tmp_path: Path) -> None:
    """Deleted between listing and reading: the system's reason."""
    for i in range(WINDOW + 1):
        (tmp_path / f"{i:03}.md").write_text("x")
    last = tmp_path / f"{WINDOW:03}.md"
    stream = read([tmp_path], 1)
    next(stream)
    last.unlink()
    assert list(stream)[-1] == Failed(last.name, "No such file or directory", tmp_path, str(last))


def test_the_first_of_two_documents_with_one_id_wins(tmp_path: Path) -> None:
    """Across roots and within a file; the later one says where the first is."""
    for name, text in (("one", "first"), ("two", "second")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(text)
    lines = tmp_path / "l.jsonl"
    lines.write_text('{"id": "x", "text": "1"}\n{"id": "x", "text": "2"}\n{"id": "a.md", "text": "3"}\n')
    found = list(read([tmp_path / "one", tmp_path / "two", lines], 1))
    assert [(i.document.id, i.document.text) for i in found if isinstance(i, Loaded)] == [("a.md", "first"), ("x", "1")]
    assert [i for i in found if isinstance(i, Failed)] == [
        Failed("a.md", f"duplicate id, first in {tmp_path / 'one' / 'a.md'}", tmp_path / "two", str(tmp_path / "two" / "a.md")),
        Failed("x", f"duplicate id, first in {lines}#1", lines, str(lines)),
        Failed("a.md", f"duplicate id, first in {tmp_path / 'one' / 'a.md'}", lines, str(lines)),
    ]


def test_a_failed_document_does_not_take_its_id(tmp_path: Path, load: Callable[..., Any]) -> None:
    """A blank file in one root does not keep its namesake in another from loading."""
    lines = tmp_path / "l.jsonl"
    lines.write_text('{"id": "x", "text": ""}\n')
    (tmp_path / "m.jsonl").write_text('{"id": "x", "text": "here"}\n')
    assert load(lines, tmp_path / "m.jsonl").documents["x"].text == "here"


@pytest.mark.parametrize(
    ("id", "shown", "reason"),
    [
        ("x" * 513, "x" * 511 + "\u2026", "id is 513 characters long, more than 512"),
        ("a\\u0000b", "a\\x00b", "id has the control character U+0000 at character 1"),
        ("a\\nb", "a\\nb", "id has the control character U+000A at character 1"),
        ("\\ud800", "\\ud800", "id has the lone surrogate (not valid Unicode) U+D800 at character 0"),
        (" ", " ", "id is empty"),
    ],
)
def test_unfit_ids_are_failures_that_can_be_shown(tmp_path: Path, load: Callable[..., Any], id: str, shown: str, reason: str) -> None:
    """An id that no log, file or index could hold is refused, and shown escaped."""
    (tmp_path / "a.jsonl").write_text(f'{{"id": "{id}", "text": "x"}}')
    found = load(tmp_path)
    assert found.documents == {}
    assert found.failed == {shown: reason}
    next(iter(found.failed)).encode()


def test_natural_ids_are_kept_as_they_are(tmp_path: Path, load: Callable[..., Any]) -> None:
    """512 characters, quotes, slashes, spaces and other scripts are fine."""
    ids = ["x" * 512, "https://example.org/a?b=c#d", '\u6587\u66f8 "1"', "../up", "a\u200bb"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"id": id, "text": "x"}) + "\n" for id in ids))
    assert list(load(tmp_path).documents) == ids


def test_file_names_that_are_not_utf8_are_failures(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Such a name comes from the system with lone surrogates; the file is named, escaped."""
    with open(os.fsencode(tmp_path) + b"/caf\xe9.md", "wb") as file:
        file.write(b"x")
    found = load(tmp_path)
    assert found.failed == {"caf\\udce9.md": "id has the lone surrogate (not valid Unicode) U+DCE9 at character 3"}


def test_a_file_over_the_limit_is_not_read(tmp_path: Path, load: Callable[..., Any]) -> None:
    """A sparse file of 50 GB fails at once with the setting to raise."""
    with (tmp_path / "big.md").open("wb") as file:
        file.truncate(50_000_000_000)
    assert load(tmp_path, max_mb=32.0).failed == {"big.md": "is 50000 MB, more than index.max_document_mb (32); raise it or split the file"}


def test_text_counts_against_the_limit_too(tmp_path: Path, load: Callable[..., Any]) -> None:
    """A packed file is small and its text is not: 1.1 million characters are over 1 MB."""
    document = docx.Document()
    for _ in range(11):
        document.add_paragraph("x" * 100_000)
    document.save(str(tmp_path / "a.docx"))
    assert (tmp_path / "a.docx").stat().st_size < 100_000
    assert load(tmp_path).failed == {"a.docx": "its text is 1.2 MB, more than index.max_document_mb (1); raise it or split the file"}
    assert len(load(tmp_path, max_mb=2.0).documents["a.docx"].text) == 1_100_020


@pytest.mark.parametrize("key", ["text", "title"])
def test_text_that_no_file_could_hold_is_a_failure(tmp_path: Path, load: Callable[..., Any], key: str) -> None:
    """Half a surrogate pair, which a JSON escape can make."""
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "x", "text": "fine", key: "\ud800"}))
    assert load(tmp_path).failed == {"x": "half a surrogate pair (U+D800)"}


def test_an_empty_file_of_any_format_has_no_text(tmp_path: Path, load: Callable[..., Any]) -> None:
    """The reason is the same for all, and not what some parser says of it; an empty JSON Lines file holds no documents, a table has a header."""
    for suffix in formats():
        (tmp_path / f"a{suffix}").touch()
    found = load(tmp_path)
    assert found.documents == {}
    tables = {f"a{suffix}#1": "no header row that names the columns" for suffix in (".csv", ".tsv")}
    assert found.failed == {f"a{suffix}": "no text" for suffix, reader in formats().items() if isinstance(reader, Whole)} | tables


def test_a_file_whose_size_is_not_what_it_holds_is_refused(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Files of the kernel say 0 bytes and hold more: that is a file that changes. The named link is followed, being named."""
    link = tmp_path / "version.txt"
    link.symlink_to("/proc/version")
    assert load(link).failed == {"version.txt": "changed while it was read; index again when it is at rest"}


def test_a_named_fifo_is_a_failure(tmp_path: Path, load: Callable[..., Any]) -> None:
    """The reader does not wait for a writer."""
    os.mkfifo(tmp_path / "pipe.md")
    assert load(tmp_path / "pipe.md").failed == {"pipe.md": "not a regular file"}


def test_what_a_parser_raises_is_one_line(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Damaged PDF: the kind of error and its first words, and the other documents load."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 garbage" * 10)
    (tmp_path / "b.md").write_text("b")
    found = load(tmp_path)
    assert list(found.documents) == ["b.md"]
    assert found.failed["a.pdf"].startswith("not readable as .pdf (Pdf")
    assert "\n" not in found.failed["a.pdf"]


def test_a_missing_library_is_a_reason(tmp_path: Path, load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats whose extra is not installed fail with what to install; the others load."""
    close_all()
    monkeypatch.setattr(remote, "COMMAND", ("-c", "import sys; sys.modules['pypdf'] = None; from rag.loaders.worker import main; main()"))
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (tmp_path / "b.md").write_text("b")
    found = load(tmp_path)
    assert found.failed == {"a.pdf": "reading .pdf files needs the package 'pypdf': pip install 'spanwise[pdf]'"}
    assert list(found.documents) == ["b.md"]
    close_all()


@contextmanager
def powerless() -> Iterator[None]:
    """A block in which this process is nobody where it was root, so that permissions count."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_what_may_not_be_read_is_a_failure(load: Callable[..., Any]) -> None:
    """A file and a folder without permission are named with the system's reason; a root without it is an error."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        (root / "a.md").write_text("x")
        load(root)  # starts the worker, before permissions are dropped
        root.chmod(0o755)
        for name in ("a.md", "b.md", "closed/c.md"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text("x")
        (root / "b.md").chmod(0)
        (root / "closed").chmod(0)
        with powerless():
            found = load(root)
            with pytest.raises(CorpusError, match=r"cannot be read \(Permission denied\); check the path and its permissions"):
                read([root / "closed"], 1)
        (root / "closed").chmod(0o755)
    assert list(found.documents) == ["a.md"]
    assert found.failed == {"b.md": "Permission denied", "closed": "Permission denied"}
    assert found.sources == {"b.md": str(root / "b.md"), "closed": str(root / "closed")}
