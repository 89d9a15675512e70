"""What the modules of the command `rag` share: the application and the options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.errors import StoreError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Index documents, search them, and answer questions with citations."
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="Which documents: key=value, year >= 2024 and lang in (en, de), @modified >= 2026-01-01; repeat for and."),
]
Tenant = Annotated[str | None, typer.Option(help="Whose documents to read, on an index that keeps tenants apart.")]
IndexPath = Annotated[str, typer.Option("-i", "--index", help="Directory of the index, or http(s)://HOST:PORT/NAME on a Qdrant server.")]
Record = Annotated[Path | None, typer.Option("--record", help="File that completions of chat models are added to, for the chat model `recorded`.")]
Config = Annotated[Path | None, typer.Option("-c", "--config", help="Configuration; default: the one the index was built with.")]


def place(index: str) -> Path | str:
    """Return where an index is: a directory, or the URL of a collection on a Qdrant server."""
    if ":" not in index:
        return Path(index)
    from rag.index.server_options import is_server

    return index if is_server(index) else directory(index)


def directory(index: str) -> Path:
    """Return the directory of an index. Raises `StoreError` for a URL."""
    if "://" in index:
        raise StoreError(
            f"{index.partition('?')[0]}: this works on a directory only; on a server use its own snapshots, and http(s)://HOST:PORT/NAME elsewhere"
        )
    return Path(index)
