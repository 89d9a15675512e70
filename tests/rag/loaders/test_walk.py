"""Walking a folder: the order, what is passed over, and what leads astray."""

import os
import socket
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.walk import walk


def walked(root: Path) -> tuple[list[str], dict[str, str], Counter[str]]:
    """Ids in order, problems by id, and what was ignored."""
    ignored: Counter[str] = Counter()
    entries = list(walk(root, ignored))
    return [e.id for e in entries], {e.id: e.problem for e in entries if e.problem}, ignored


def write(root: Path, *names: str) -> None:
    """Small files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_files_come_in_the_order_of_their_relative_paths(tmp_path: Path) -> None:
    """`-` and `.` sort before `/`, `0` after it, as in sorting the whole paths."""
    names = ["a/b.md", "a-b.md", "a.md", "a0.md", "a/b/c.md", "A.md", "z.txt", "\u00e9.md"]
    write(tmp_path, *names)
    assert walked(tmp_path)[0] == sorted(names)
    assert sorted(names)[:3] == ["A.md", "a-b.md", "a.md"]


@settings(deadline=None, max_examples=50)
@given(st.sets(st.lists(st.text("ab-.0", min_size=1, max_size=2), min_size=1, max_size=3).map(tuple), max_size=8))
def test_any_tree_is_walked_in_order_and_completely(parts: set[tuple[str, ...]]) -> None:
    """Every file is an id or counted, in the sorted order of whole paths."""
    with tempfile.TemporaryDirectory() as folder:
        root, written = Path(folder), set()
        for names in parts:
            path = "/".join([*(f"d{name}" for name in names[:-1]), f"d{names[-1]}.md"])
            write(root, path)
            written.add(path)
        assert walked(root)[0] == sorted(written)


def test_what_is_ignored_is_counted(tmp_path: Path) -> None:
    """By suffix in lower case; hidden files and folders are one each, and are not looked into."""
    write(tmp_path, "a.md", "b.PNG", "c.png", "Makefile", ".hidden.md", ".git/x.md", ".git/y.md", "sub/d.rst")
    assert walked(tmp_path) == (["a.md"], {}, Counter({".png": 2, "no suffix": 1, "hidden": 2, ".rst": 1}))


def test_links_stay_inside_the_root(tmp_path: Path) -> None:
    """A file link inside the root is read under its own name; links out of it, to a file or a folder, are failures."""
    root = tmp_path / "root"
    write(tmp_path, "out/secret.md", "root/a.md", "root/.store/v1.md", "root/sub/x.md")
    (root / "in.md").symlink_to("a.md")
    (root / "hidden-target.md").symlink_to(".store/v1.md")
    (root / "leak.md").symlink_to("../out/secret.md")
    (root / "leakdir").symlink_to("../out")
    (root / "again").symlink_to("sub")
    (root / "stored").symlink_to(".store")
    (root / "picture.png").symlink_to("../out/secret.md")
    ids, problems, ignored = walked(root)
    out = "a symbolic link that leads out of the corpus; copy the file in or name its folder too"
    assert ids == ["a.md", "hidden-target.md", "in.md", "leak.md", "leakdir", "stored", "sub/x.md"]
    assert problems == {"leak.md": out, "leakdir": out, "stored": "a symbolic link to a hidden folder, which is not read"}
    assert ignored == {"hidden": 1, ".png": 1, "link to a folder that is read where it is": 1}


def test_links_that_loop_or_dangle(tmp_path: Path) -> None:
    """No loop is walked twice, and each is named."""
    write(tmp_path, "a/x.md", "b/y.md")
    (tmp_path / "a" / "self.md").symlink_to("self.md")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "other").symlink_to("../b")
    (tmp_path / "b" / "other").symlink_to("../a")
    (tmp_path / "gone.md").symlink_to("nowhere.md")
    loop = "not a regular file (a symbolic link that leads back to itself)"
    ids, problems, ignored = walked(tmp_path)
    assert ids == ["a/self.md", "a/up", "a/x.md", "b/y.md", "gone.md"]
    assert problems == {"a/self.md": loop, "a/up": loop, "gone.md": "a symbolic link to nothing"}
    assert ignored == {"link to a folder that is read where it is": 2}


def test_what_is_no_regular_file_is_a_failure(tmp_path: Path) -> None:
    """A FIFO, a socket and a link to a device are named, whatever their suffix."""
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "null.txt").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket may have 107 bytes only
        try:
            bound.bind("socket")
        finally:
            os.chdir(here)
        ids, problems, _ = walked(tmp_path)
    assert ids == ["null.txt", "pipe.md", "socket"]
    assert set(problems.values()) == {"not a regular file"}


def test_a_deep_tree_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    """1500 folders in each other are walked without recursion; 2 characters each stay below the limit of a path."""
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("x.md").write_text("x")
        ids, problems, _ignored = walked(tmp_path)
        Path("x.md").unlink()
        for _ in range(1500):  # pytest's own removal recurses
            os.chdir("..")
            os.rmdir("d")
    finally:
        os.chdir(here)
    assert (ids, problems) == (["d/" * 1500 + "x.md"], {})


def test_a_single_file_is_known_by_its_name(tmp_path: Path) -> None:
    """Its suffix still decides; a hidden one was meant, being named."""
    write(tmp_path, "sub/a.md", "sub/b.png", "sub/.c.md")
    assert walked(tmp_path / "sub" / "a.md")[0] == ["a.md"]
    assert walked(tmp_path / "sub" / ".c.md")[0] == [".c.md"]
    assert walked(tmp_path / "sub" / "b.png") == ([], {}, Counter({".png": 1}))
