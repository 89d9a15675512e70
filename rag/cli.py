"""The command `rag`: search, ask, stages, schema, memo; what keeps an index is in `rag.cli_index`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag import cli_index
from rag.app import Config, IndexPath, Json, Record, Tenant, Where, app, place
from rag.shell import emit, leave, note, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.filters import Filter
    from rag.index.reader import Reader
    from rag.index.store import Index
    from rag.pipeline import Pipeline
    from rag.types import Step


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    index: IndexPath,
    config: Config = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many hits to print.")] = 10,
    where: Where = None,
    tenant: Tenant = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Show what the retrieve and refine stages find."""
    from rag.index.audit import asking
    from rag.output import hit_text, hits_json, trace_json

    only = conditions(where)
    found, pipeline = _open(index, config, record)
    with found, asking(query):
        hits, steps = pipeline.search(found, query, where=only, tenant=tenant)
        unknown = _unknown(steps, found.reader(pipeline, tenant=tenant))
    hits = hits[:k]
    body = {"query": query, "hits": hits_json(hits), "trace": trace_json(steps), **({"unknown_fields": unknown} if unknown else {})}
    emit(body, as_json, lambda: "\n\n".join(hit_text(i, h) for i, h in enumerate(hits, start=1)) or "nothing found")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    index: IndexPath,
    config: Config = None,
    where: Where = None,
    tenant: Tenant = None,
    cache: Annotated[bool, typer.Option("--cache", help="Give the kept answer if exactly this was asked of this state of the index.")] = False,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Answer a question from the indexed documents, with citations."""
    from rag.index.audit import asking
    from rag.output import answer_text, citations_json, flags_json, hits_json, trace_json

    only = conditions(where)
    found, pipeline = _open(index, config, record)
    with found, asking(question):
        answer = pipeline.ask(found, question, where=only, tenant=tenant, cache=cache)
        reader = found.reader(pipeline, tenant=tenant)
        cited = citations_json(answer.citations, reader)
        unknown = _unknown(answer.trace, reader)
    body = {
        "query": question, "answer": answer.text, "abstained": bool(answer.abstained), "why": answer.abstained, "citations": cited,
        "flags": flags_json(answer.flags), "context": answer.context.text, "hits": hits_json(answer.ranking), "trace": trace_json(answer.trace),
        **({"unknown_fields": unknown} if unknown else {}),
    }  # fmt: skip
    emit(body, as_json, lambda: answer_text(answer.text, answer.abstained, cited, answer.flags))


@app.command("stages")
def stages_command(as_json: Json = False) -> None:
    """List every part a configuration can use, with its fields."""
    from rag.schema import stage_text, stages

    rows = stages()
    emit({"stages": rows}, as_json, lambda: "\n".join(stage_text(r) for r in rows))


@app.command("schema")
def schema_command(as_json: Json = False) -> None:
    """Print the JSON Schema of a configuration."""
    import json

    from rag.schema import schema

    emit(schema(), as_json, lambda: json.dumps(schema(), indent=2))


@app.command()
def memo(clear: Annotated[bool, typer.Option(help="Forget every kept result.")] = False, as_json: Json = False) -> None:
    """Say where kept results lie and how large they are; or empty them."""
    import shutil

    from rag.memo import CAP, Memo, cache_dir

    kept = Memo(cache_dir() / "memo.sqlite")
    if clear:
        kept.clear()
        for folder in (cache_dir() / "indexes").glob("[0-9a-f]" * 32):  # named by content key: nobody else's
            shutil.rmtree(folder, ignore_errors=True)
    size = kept.size()
    body = {"path": str(cache_dir()), "entries": len(kept), "bytes": size, "cap": CAP}
    emit(body, as_json, lambda: f"{cache_dir()}: {len(kept)} entries, {size / 1e6:.1f} MB of at most {CAP / 1e9:.1f} GB")


def _open(index: str, config: Path | None, record: Path | None = None) -> tuple[Index, Pipeline]:
    from rag.config import load
    from rag.index.audit import from_environment
    from rag.index.store import Index
    from rag.runtime import Runtime

    pipeline = load(config) if config else None
    found = Index.open(place(index), Runtime(record=record), audit=from_environment())
    return found, pipeline or found.pipeline


def conditions(where: Sequence[str] | None) -> Filter | None:
    """Return texts as one filter, joined by and. Raises `typer.BadParameter` (wrong usage) for what cannot be read."""
    from rag.errors import FilterError
    from rag.filter_text import read

    try:
        return read(where)
    except FilterError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None


def _unknown(steps: Sequence[Step], reader: Reader) -> list[str]:
    """Return the filters' keys that nothing in scope has, and say so: an empty result has a reason then."""
    from rag.output import unknown_fields, unknown_note

    found = unknown_fields(steps)
    if found:
        note(unknown_note(found, reader))
    return found


def main() -> None:
    """Entry point of the command."""
    leave(run(app))


__all__ = ["app", "cli_index", "main"]
