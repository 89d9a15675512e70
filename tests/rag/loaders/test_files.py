"""Reading one file: regular, within the limit, and at rest."""

import io
import os
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from rag.loaders.base import Limit, Unreadable
from rag.loaders.files import CHANGED, open_regular, read_whole


class Restless(io.FileIO):
    """A file that somebody else appends to after its first `changes` readings."""

    changes = 1

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, then append a byte to the file under the reader's hands."""
        data = super().read(-1 if size is None else size) or b""
        if Restless.changes:
            Restless.changes -= 1
            with open(str(self.name), "ab") as other:
                other.write(b"+")
        return data


def restless(path: Path, changes: int) -> BinaryIO:
    """A file that changes during its first readings."""
    Restless.changes = changes
    return cast(BinaryIO, Restless(str(path)))


def test_a_file_that_changes_once_is_read_again(tmp_path: Path) -> None:
    """The second reading, which is consistent, is what counts."""
    (tmp_path / "a.txt").write_bytes(b"abc")
    with restless(tmp_path / "a.txt", 1) as file:
        assert read_whole(file, Limit(1))[0] == b"abc+"


def test_a_file_that_keeps_changing_is_refused(tmp_path: Path) -> None:
    """Two inconsistent readings are enough."""
    (tmp_path / "a.txt").write_bytes(b"abc")
    with restless(tmp_path / "a.txt", 2) as file, pytest.raises(Unreadable, match=f"^{CHANGED}$"):
        read_whole(file, Limit(1))


def test_bytes_and_time(tmp_path: Path) -> None:
    """The bytes are the file's, wherever it stood, and the time is its modification time in seconds."""
    (tmp_path / "a.txt").write_bytes(b"abc")
    os.utime(tmp_path / "a.txt", ns=(0, 1_500_000_000_250_000_000))
    with open_regular(tmp_path / "a.txt") as file:
        file.read(2)
        assert read_whole(file, Limit(1)) == (b"abc", 1_500_000_000.25)


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_the_limit_is_in_bytes(tmp_path: Path, size: int, fits: bool) -> None:
    """A file of exactly the limit is read."""
    (tmp_path / "a.txt").write_bytes(b"x" * size)
    with open_regular(tmp_path / "a.txt") as file:
        if fits:
            assert len(read_whole(file, Limit(0.001))[0]) == size
        else:
            with pytest.raises(Unreadable, match=r"^is 0\.1 MB, more than index\.max_document_mb \(0\.001\); raise it or split the file$"):
                read_whole(file, Limit(0.001))


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A FIFO does not make the reader wait, and a link put in a file's place is not followed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    with pytest.raises(Unreadable, match=r"^not a regular file$"):
        open_regular(tmp_path / "pipe")
    with pytest.raises(Unreadable, match=r"^not a regular file$"):
        open_regular(tmp_path)
    with pytest.raises(Unreadable, match="symbolic links"):
        open_regular(tmp_path / "link")
    with pytest.raises(Unreadable, match=r"^No such file or directory$"):
        open_regular(tmp_path / "none")
