"""What both command lines promise the terminal: exit codes, one line per error, JSON alone on standard output, nothing it would obey."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ConfigError, MissingExtra
from rag.shell import clean, emit, note, run

ROOT = Path(__file__).parents[2]
UNFIT = {chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cc"} - {"\n", "\t"} | {"\u202e", "\u2066", "\u200f", "\u061c", "\u2028"}


def _run(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object], *arguments: str) -> int:
    """Run a command line of two commands, `do` and `other`."""
    app = typer.Typer(add_completion=False)

    @app.command("do")
    def command(n: int = typer.Option(1, min=1)) -> object:
        return do()

    @app.command("other")
    def other() -> None:
        return None

    monkeypatch.setattr(sys, "argv", ["tool", *(arguments or ("do",))])
    return run(app)


def _raise(error: BaseException) -> Callable[[], object]:
    def do() -> object:
        raise error

    return do


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("x.yaml: wrong"), 1, "x.yaml: wrong"),
        (MissingExtra("pypdf", "pdf", "PDF"), 1, "PDF needs the package 'pypdf': pip install 'spanwise[pdf]'"),
        (ConfigError("two\nlines \x1b[31m\u202e"), 1, "two lines \ufffd[31m\ufffd"),
        (ConfigError("lone \udcff"), 1, "lone ?"),
        (FileExistsError(17, "File exists", "/x/y"), 1, "/x/y: File exists; check the path, its permissions and the space left"),
        (OSError(28, "No space left on device"), 1, "input or output: No space left on device; check the path, its permissions and the space left"),
        (ZeroDivisionError("by zero"), 1, "unexpected ZeroDivisionError: by zero; run again with --debug and report it"),
        (RecursionError("deep"), 1, "unexpected RecursionError: deep; run again with --debug and report it"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command again to go on from here"),
        (typer.Abort(), 130, "interrupted; run the same command again to go on from here"),
        (typer.BadParameter("no good", param_hint="--where"), 2, "Invalid value for --where: no good"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert _run(monkeypatch, _raise(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.rstrip("\n").split("; see `")[0] == f"error: {line}"
    assert err.count("\n") == 1


def test_debug_shows_the_traceback_and_the_same_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, _raise(ZeroDivisionError("by zero")), "do", "--debug") == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):")
    assert err.endswith("error: unexpected ZeroDivisionError: by zero; run again with --debug and report it\n")


@pytest.mark.parametrize(("value", "code"), [(None, 0), (0, 0), (1, 1), (3, 3), ("text", 0)])
def test_what_a_command_returns_is_the_code(monkeypatch: pytest.MonkeyPatch, value: object, code: int) -> None:
    assert _run(monkeypatch, lambda: value) == code


def test_an_exit_is_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, _raise(typer.Exit(4))) == 4


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("do", "-n", "0"), "No such option: -n"),
        (("do", "--n", "0"), "Invalid value for '--n'"),
        (("do", "--n", "x"), "Invalid value for '--n'"),
        (("do", "extra"), "Got unexpected extra argument"),
        (("nothing",), "No such command 'nothing'"),
        (("do", "--\x1b[31m"), "No such option"),
    ],
)
def test_wrong_usage_is_one_line_code_2_and_names_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert _run(monkeypatch, lambda: None, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {line}")
    assert err.rstrip("\n").endswith("--help`")
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_help_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, lambda: None, "--help") == 0
    assert "Commands" in capsys.readouterr().out


def test_a_long_error_is_cut(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _run(monkeypatch, _raise(ConfigError("x" * 1_000_000)))
    assert len(capsys.readouterr().err) < 2100


@given(st.text(alphabet=st.characters()))
def test_clean_text_has_nothing_a_terminal_obeys_and_all_else_unchanged(text: str) -> None:
    found = clean(text)
    assert not UNFIT & set(found)
    assert clean(found) == found
    assert [a for a, b in zip(text, found, strict=True) if a not in UNFIT and not "\ud800" <= a <= "\udfff"] == [
        b for a, b in zip(text, found, strict=True) if a == b
    ]


@given(st.recursive(st.one_of(st.text(), st.integers(), st.none()), lambda inner: st.dictionaries(st.text(), inner, max_size=3), max_leaves=5))
def test_json_is_one_object_of_the_same_value_without_raw_controls(value: object) -> None:
    done: list[str] = []

    class Out:
        """Standard output that keeps what is written."""

        def write(self, text: str) -> None:
            done.append(text)

        def flush(self) -> None:
            """Nothing is held back."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", Out())
        emit({"value": value}, True, lambda: "")
    text = "".join(done)
    assert json.loads(text) == {"value": value}
    assert not UNFIT & set(text)
    assert text.count("\n") == 1


def test_json_replaces_what_is_no_character_and_refuses_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": "\udcff"}, True, lambda: "")
    assert json.loads(capsys.readouterr().out) == {"a": "?"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        emit({"a": float("nan")}, True, lambda: "")


def test_text_and_notes_are_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    emit({}, False, lambda: "a\x1b[2J\tb\nc\x9b")
    note("d\x07")
    assert capsys.readouterr() == ("a\ufffd[2J\tb\nc\ufffd\n", "d\ufffd\n")


def _script(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command in which `RAG` stands for the command `rag`."""
    names = {**os.environ, "PYTHONPATH": str(ROOT), "RAG": f"{sys.executable} -c 'from rag.cli import main; main()'", **environment}
    return subprocess.run(["bash", "-c", command.replace("RAG", names["RAG"])], capture_output=True, text=True, env=names, check=False, timeout=120)


def test_a_reader_that_stops_reading_is_no_error() -> None:
    done = _script('RAG stages | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"')
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line() -> None:
    done = _script("RAG schema --json >/dev/full")
    assert (done.returncode, done.stderr) == (1, "error: input or output: No space left on device; check the path, its permissions and the space left\n")


def test_json_is_utf8_whatever_the_terminal_is() -> None:
    done = _script("RAG search é -i /nowhere; RAG stages", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.stderr.startswith("error: /nowhere: there is no index")
    assert done.returncode == 0


def test_an_interrupt_that_python_drops_comes_again(monkeypatch, capsys):
    """In a callback of a weak reference, as the import system has them, an exception goes nowhere: the signal is sent once more."""
    import gc
    import time
    import weakref

    class Held:
        pass

    def interrupted(_):
        raise KeyboardInterrupt

    app = typer.Typer()

    @app.command()
    def work():
        held = Held()
        seen = weakref.ref(held, interrupted)
        del held
        gc.collect()
        assert seen() is None
        time.sleep(10)

    monkeypatch.setattr(sys, "argv", ["work"])
    start = time.monotonic()
    assert run(app) == 130
    assert time.monotonic() - start < 9
    assert capsys.readouterr().err == "error: interrupted; run the same command again to go on from here\n"
