"""What both command lines share: errors in one line, JSON on standard output, everything else on standard error."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click
import typer

from rag.errors import RagError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def run(app: typer.Typer) -> int:
    """Run a command line and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, stream=sys.stderr)
    try:
        result = app(arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        return _fail("interrupted; run the same command again to go on from here", debug, 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RagError as error:
        return _fail(str(error), debug, 1)
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {error}; run again with --debug and report it", debug, 1)


def _fail(text: str, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    line = clean(" ".join(text.split()))
    sys.stderr.write(f"error: {line}\n")
    return code


def clean(text: str) -> str:
    """Return text that a terminal shows and does not obey: control and direction characters become a mark."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode("utf-8"))


def emit(value: Any, as_json: bool, text: Callable[[], str]) -> None:
    """Write a result to standard output: one JSON object, or readable text."""
    if as_json:
        out = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode("utf-8")
    else:
        out = clean(text())
    sys.stdout.write(out + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(clean(text) + "\n")
