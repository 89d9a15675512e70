"""What both command lines share: errors in one line, JSON on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer

from rag.errors import RagError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MOST = 2000  # characters of an error line
# What wrong usage raises. Newer versions of typer bring their own copy of click, so click's class would not be it.
_USAGE: type[Any] = typer.BadParameter.__mro__[1]


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what Ctrl-C ends ends, and everything that is held is let go."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Raise `Terminated` where SIGTERM comes while the block runs; only the first thread can be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise Terminated

    former, hook = signal.signal(signal.SIGTERM, stop), sys.unraisablehook

    def again(lost: Any) -> None:
        """Send a signal once more that came where Python drops exceptions, as in a callback of the import system."""
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            hook(lost)
            return
        number = signal.SIGTERM if isinstance(lost.exc_value, Terminated) else signal.SIGINT
        timer = threading.Timer(0.01, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGTERM, former)


def run(app: typer.Typer) -> int:
    """Run a command line and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, stream=sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        command = typer.main.get_command(app)  # called in parts: `app()` itself swallows interrupts and broken pipes
        with _terminable(), command.make_context(_called(Path(sys.argv[0])), arguments) as context:
            result = command.invoke(context)
        return result if isinstance(result, int) else 0
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort) as stop:
        how, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
        return _fail(f"{how}; run the same command again to go on from here", debug, code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RagError as error:
        return _fail(str(error), debug, 1)
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}; check the path, its permissions and the space left", debug, 1)
    except Exception as error:
        if isinstance(error, _USAGE):
            return _misused(error, debug)
        return _fail(f"unexpected {type(error).__name__}: {error}; run again with --debug and report it", debug, 1)


def _called(script: Path) -> str:
    """Return what a person typed to start this: the script, or Python with the module."""
    return f"python -m {script.parent.name}" if script.name == "__main__.py" else script.name


def _misused(error: Any, debug: bool) -> int:
    """Say what is wrong with the arguments; a command that is called without any has shown its help already."""
    message = error.format_message().strip().rstrip(".")
    where = f"; see `{error.ctx.command_path} --help`" if error.ctx is not None else ""
    return _fail(f"{message}{where}", debug, 2) if message else 2


def _fail(text: str, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    line = clean(" ".join(text.split()))
    sys.stderr.write(f"error: {line if len(line) <= _MOST else line[:_MOST] + ' ...'}\n")
    return code


def clean(text: str) -> str:
    """Return text that a terminal shows and does not obey: control and direction characters become a mark."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode("utf-8"))


def emit(value: Any, as_json: bool, text: Callable[[], str]) -> None:
    """Write a result to standard output: one JSON object, with control and direction characters escaped, or readable text."""
    if as_json:
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode("utf-8")
        out = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)
    else:
        out = clean(text())
    sys.stdout.write(out + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(clean(text) + "\n")


def leave(code: int) -> NoReturn:
    """End the process; what still comes in while it goes changes nothing any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)
