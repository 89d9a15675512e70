"""The worker: what a document does to it costs that document, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import CorpusError
from rag.loaders import remote
from rag.loaders.base import ByLine, Whole, formats
from rag.loaders.corpus import Failed, Loaded, read
from rag.loaders.limits import Limits
from rag.loaders.stream import WINDOW, close_all

ROOT = Path(__file__).parents[3]
SHORT = Limits(1, parse_seconds=1, parse_memory_mb=300)
ODD = f"import runpy; runpy.run_path({str(Path(__file__).parent / 'odd_formats.py')!r}); from rag.loaders.worker import main; main()"


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker that knows the formats of `odd_formats`, started anew."""
    close_all()
    monkeypatch.setattr(remote, "COMMAND", ("-c", ODD))
    monkeypatch.setitem(formats(), ".odd", Whole(lambda data, limit: pytest.fail("parsed in this process")))
    monkeypatch.setitem(formats(), ".odds", ByLine(lambda file, limit: pytest.fail("parsed in this process")))
    yield
    close_all()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("sleep", "took longer than 1 s (index.parse_seconds); raise it or split the file"),
        ("spin", "took longer than 1 s (index.parse_seconds); raise it or split the file"),
        ("eat", "needs more than 300 MB (index.parse_memory_mb); raise it or split the file"),
        ("segv", "the parser crashed (signal 11)"),
        ("abort", "the parser crashed (signal 6)"),
        ("exit", "the parser ended by itself (status 3)"),
        ("terminated", "the parser crashed (signal 15)"),
        ("connect", "its parser tried what no parser may: socket.getaddrinfo"),
        ("resolve", "its parser tried what no parser may: socket.getaddrinfo"),
        ("url", "its parser tried what no parser may: urllib.Request"),
        ("run", "its parser tried what no parser may: subprocess.Popen"),
        ("system", "its parser tried what no parser may: os.system"),
        ("fork", "its parser tried what no parser may: os.fork"),
        ("write", "its parser tried what no parser may: open '/tmp/spanwise-must-not-exist' for writing"),
        ("quietly", "its parser tried what no parser may: open '/tmp/spanwise-must-not-exist' for writing"),
        ("read", "its parser tried what no parser may: open '/etc/passwd'"),
        ("remove", "its parser tried what no parser may: os.remove"),
    ],
)
def test_a_document_that_does_harm_fails_alone(tmp_path: Path, load: Callable[..., Any], odd: None, act: str, reason: str) -> None:
    """Before, beside and after it the others load, and the one at fault is named."""
    for name, text in (("a.odd", "a"), ("b.odd", act), ("c.odd", "c"), ("d.md", "d")):
        (tmp_path / name).write_text(text)
    found = load(tmp_path, limits=SHORT)
    assert found.failed == {"b.odd": reason}
    assert list(found.documents) == ["a.odd", "c.odd", "d.md"]
    assert not Path("/tmp/spanwise-must-not-exist").exists()


def test_a_parser_may_print(tmp_path: Path, load: Callable[..., Any], odd: None, capfd: pytest.CaptureFixture[str]) -> None:
    """What it says reaches nobody, and does not disturb the replies."""
    (tmp_path / "a.odd").write_text("print")
    assert list(load(tmp_path).documents) == ["a.odd"]
    assert capfd.readouterr() == ("", "")


def test_what_an_earlier_document_did_to_the_worker_is_not_blamed_on_a_later_one(tmp_path: Path, load: Callable[..., Any], odd: None) -> None:
    """A crash in a worker that has read others is tried once more in a new one."""
    for name, text in (("a.odd", "a"), ("b.odd", "harmed"), ("c.odd", "harmed")):
        (tmp_path / name).write_text(text)
    assert list(load(tmp_path).documents) == ["a.odd", "b.odd", "c.odd"]


def test_lines_before_the_one_at_fault_stay(tmp_path: Path, load: Callable[..., Any], odd: None) -> None:
    """The file is then named with the place; each line has the time for itself."""
    (tmp_path / "a.odds").write_text("one\ntwo\n")
    (tmp_path / "b.odds").write_text("one\n" + "x" * 70_000 + "\nsegv\nfour\n")
    (tmp_path / "c.odd").write_text("c")
    found = load(tmp_path, limits=SHORT)
    assert list(found.documents) == ["a.odds#1", "a.odds#2", "b.odds#1", "b.odds#2", "c.odd"]
    assert found.failed == {"b.odds": "the parser crashed (signal 11); nothing after line 2 is read"}
    assert found.sources == {"b.odds": str(tmp_path / "b.odds")}


def test_more_documents_than_are_asked_for_at_once_survive_a_crash(tmp_path: Path, load: Callable[..., Any], odd: None) -> None:
    """Every third of 100 ends the worker; order and blame stay right."""
    names = [f"{i:03}.odd" for i in range(3 * WINDOW)]
    for i, name in enumerate(names):
        (tmp_path / name).write_text("exit" if i % 16 == 5 else "fine")
    found = load(tmp_path)
    assert list(found.failed) == names[5::16]
    assert list(found.documents) == [n for i, n in enumerate(names) if i % 16 != 5]


def test_time_that_the_reader_of_the_stream_takes_does_not_count(tmp_path: Path) -> None:
    """The limit is on parsing alone: a slow consumer loses nothing."""
    lines = tmp_path / "a.jsonl"
    lines.write_text(('{"text": "' + "x" * 100_000 + '"}\n') * 20)
    stream = read([lines], Limits(1, parse_seconds=0.5))
    next(stream)
    time.sleep(1.2)
    assert sum(isinstance(item, Loaded) for item in stream) == 19


def test_two_corpora_can_be_read_at_once(tmp_path: Path) -> None:
    """Streams in turns do not mix, and one that is given up leaves nothing behind."""
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(5):
            (tmp_path / name / f"{i}.md").write_text(f"{name}{i}")
    one, two = (read([tmp_path / name], 1) for name in "ab")
    pairs = list(zip(one, two, strict=True))
    assert [(x.document.text, y.document.text) for x, y in pairs if isinstance(x, Loaded) and isinstance(y, Loaded)] == [(f"a{i}", f"b{i}") for i in range(5)]
    given_up = read([tmp_path / "a"], 1)
    next(given_up)
    del given_up
    assert len(list(read([tmp_path / "b"], 1))) == 5


def test_a_worker_is_used_again_and_replaced_when_somebody_ended_it(tmp_path: Path) -> None:
    """The same process reads the next corpus; killed while it waits, another takes over and no document is blamed."""
    (tmp_path / "a.md").write_text("a")
    first = _pid_after(tmp_path)
    assert _pid_after(tmp_path) == first
    os.kill(first, signal.SIGKILL)
    assert _pid_after(tmp_path) != first


def _pid_after(folder: Path) -> int:
    assert [type(item) for item in read([folder], 1)] == [Loaded]
    worker = remote.SPARE.take()
    remote.SPARE.give(worker)
    return worker._process.pid


@pytest.mark.parametrize("command", [("-c", "raise SystemExit('no such thing')"), ("-m", "rag.loaders.none")])
def test_a_worker_that_cannot_start_is_an_error_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    """That is nothing wrong with a document."""
    close_all()
    monkeypatch.setattr(remote, "COMMAND", command)
    (tmp_path / "a.md").write_text("a")
    with pytest.raises(CorpusError, match=r"did not start \(python -m rag.loaders.worker ended with 1: .*(no such thing|rag\.loaders\.none)"):
        list(read([tmp_path], 1))


def test_an_interpreter_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is shown."""
    close_all()
    monkeypatch.setattr(sys, "executable", "/none/python")
    (tmp_path / "a.md").write_text("a")
    with pytest.raises(CorpusError, match=r"no process for reading documents could be started .*No such file"):
        list(read([tmp_path], 1))


SCRIPT = """
import os, sys, time
from pathlib import Path
from rag.loaders.corpus import read
from rag.loaders.stream import _OPEN
stream = read([Path(sys.argv[1])], 1)
next(stream)
print(next(iter(_OPEN))._worker._process.pid, flush=True)
if sys.argv[2] == "exit":
    raise SystemExit
time.sleep(60)
"""


@pytest.mark.parametrize("ending", ["exit", "kill", "interrupt"])
def test_the_worker_ends_with_its_parent_and_quietly(tmp_path: Path, ending: str) -> None:
    """At the exit of the interpreter with a stream half read, at SIGKILL, and at Ctrl-C, whose only words are Python's own."""
    for i in range(3):
        (tmp_path / f"{i}.md").write_text("x")
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT, str(tmp_path), ending]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if ending != "exit":
            os.killpg(parent.pid, signal.SIGKILL if ending == "kill" else signal.SIGINT)
        errors = parent.communicate(timeout=60)[1]
    for _ in range(100):
        if not _alive(pid):
            break
        time.sleep(0.1)
    assert not _alive(pid)
    assert "Warning" not in errors
    assert errors.count("Traceback") == (ending == "interrupt")


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for (a zombie) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_worker_imports_the_loaders_only(tmp_path: Path) -> None:
    """No numpy, no torch, no engine: it starts at once and its memory is the documents'."""
    code = "import sys, rag.loaders.worker; from rag.loaders.base import formats; formats(); print(*sorted({m.split('.')[0] for m in sys.modules}))"
    found = subprocess.run([sys.executable, "-P", "-c", code], cwd="/", env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "qdrant_edge", "transformers", "tokenizers", "pypdf", "docx", "lxml", "typer"} & set(found.stdout.split())


def test_no_secret_reaches_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment it gets what starting Python takes."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "OPENAI_API_KEY" not in remote._environment()


def test_modules_are_not_taken_from_the_working_directory(tmp_path: Path) -> None:
    """A `yaml.py` in the folder that is indexed is not run."""
    (tmp_path / "yaml.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    (tmp_path / "a.md").write_text("a")
    code = f"import sys; sys.path.append({str(ROOT)!r}); from pathlib import Path; from rag.loaders.corpus import read; print(len(list(read([Path('.')], 1))))"
    found = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout == "1\n"
    assert not (tmp_path / "run").exists()


def test_a_failed_file_has_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the corpus is named by a relative one; a document's source is spelt the same way."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").touch()
    first, second = read([Path()], 1)
    assert isinstance(first, Loaded)
    assert isinstance(second, Failed)
    assert (first.document.source, second.source) == (str(tmp_path / "a.md"), str(tmp_path / "b.md"))
