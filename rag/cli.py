"""The command `rag`: index, search, ask, check, stages, schema, memo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.errors import StoreError
from rag.shell import emit, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.index.store import Index
    from rag.pipeline import Pipeline
    from rag.types import Condition, Hit, Step

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Index documents, search them, and answer questions with citations."
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Where = Annotated[list[str] | None, typer.Option("--where", help="key=value that the metadata must have; repeat for and.")]
Tenant = Annotated[str | None, typer.Option(help="Whose documents to read, on an index that keeps tenants apart.")]
IndexPath = Annotated[str, typer.Option("-i", "--index", help="Directory of the index.")]
Config = Annotated[Path | None, typer.Option("-c", "--config", help="Configuration; default: the one the index was built with.")]


@app.command("index")
def index_command(
    paths: Annotated[list[Path], typer.Argument(help="Folders, files or BEIR folders.")],
    config: Annotated[Path, typer.Option("-c", "--config", help="Configuration of the pipeline.")],
    index: IndexPath,
    strict: Annotated[bool, typer.Option(help="Exit with 1 when a document failed.")] = False,
    as_json: Json = False,
) -> int:
    """Build an index, or bring it up to date with its documents."""
    from rag.config import load
    from rag.index.build import build
    from rag.loaders.corpus import Summary, read
    from rag.runtime import Runtime

    pipeline = load(config)
    summary = Summary()
    roots = [p.resolve() for p in paths]
    report = build(_directory(index), pipeline, read(roots, pipeline.index.max_document_mb, summary), roots, Runtime())
    body = {**report.as_dict(), "ignored": dict(summary.ignored)}
    emit(body, as_json, lambda: _index_text(body))
    return 1 if strict and report.failed else 0


def _index_text(body: dict[str, Any]) -> str:
    counts = ", ".join(f"{body[k]} {k}" for k in ("added", "updated", "unchanged", "deleted"))
    lines = [f"{counts}, {len(body['failed'])} failed; {body['documents']} documents, {body['chunks']} chunks"]
    if body["seconds"]:
        lines.append("seconds: " + ", ".join(f"{k} {v:.2f}" for k, v in body["seconds"].items()))
    lines += [f"{n} chunks are longer than {name} reads; the rest of them is in no vector" for name, n in body["over_limit"].items()]
    if body["gap_characters"]:
        lines.append(f"{body['gap_characters']} characters are in no chunk (front matter)")
    if body["ignored"]:
        lines.append("ignored: " + ", ".join(f"{n} {suffix}" for suffix, n in sorted(body["ignored"].items())))
    lines += [f"failed: {f['doc_id']}: {f['reason']}" for f in body["failed"]]
    return "\n".join(lines)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    index: IndexPath,
    config: Config = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many hits to print.")] = 10,
    where: Where = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Show what the retrieve and refine stages find."""
    found, pipeline = _open(index, config)
    with found:
        hits, steps = pipeline.search(found, query, where=conditions(where), tenant=tenant)
    hits = hits[:k]
    body = {"query": query, "hits": hits_json(hits), "trace": trace_json(steps)}
    emit(body, as_json, lambda: "\n\n".join(_hit_text(i, h) for i, h in enumerate(hits, start=1)) or "nothing found")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    index: IndexPath,
    config: Config = None,
    where: Where = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Answer a question from the indexed documents, with citations."""
    found, pipeline = _open(index, config)
    with found:
        answer = pipeline.ask(found, question, where=conditions(where), tenant=tenant)
        reader = found.reader(pipeline, tenant=tenant)
        cited = [{"doc_id": s.doc_id, "start": s.start, "end": s.end, "text": reader.text(s)} for s in answer.citations]
    body = {
        "query": question, "answer": answer.text, "abstained": bool(answer.abstained), "why": answer.abstained, "citations": cited,
        "context": answer.context.text, "hits": hits_json(answer.ranking), "trace": trace_json(answer.trace),
    }  # fmt: skip
    emit(body, as_json, lambda: _answer_text(answer.text, answer.abstained, cited))


@app.command()
def check(index: Annotated[str, typer.Argument(help="Directory of the index.")], as_json: Json = False) -> int:
    """Verify that an index holds what its manifest says, text by text."""
    from rag.index.check import check as verify
    from rag.index.store import Index

    with Index.open(_directory(index)) as found:
        body = verify(found)
    faults = body["faults"]
    emit(body, as_json, lambda: "\n".join(faults) or f"sound: {body['documents']} documents, {body['chunks']} chunks, {body['points']} points")
    return 1 if faults else 0


@app.command("stages")
def stages_command(as_json: Json = False) -> None:
    """List every part a configuration can use, with its fields."""
    from rag.schema import stages

    rows = stages()
    emit({"stages": rows}, as_json, lambda: "\n".join(_stage_text(r) for r in rows))


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


def _directory(index: str) -> Path:
    if "://" in index:
        raise StoreError(f"{index}: only directories can be opened by this version, not servers")
    return Path(index)


def _open(index: str, config: Path | None) -> tuple[Index, Pipeline]:
    from rag.config import load
    from rag.index.store import Index

    pipeline = load(config) if config else None
    found = Index.open(_directory(index))
    return found, pipeline or found.pipeline


def conditions(where: Sequence[str] | None) -> tuple[Condition, ...]:
    """Return `key=value` texts as conditions. Raises `typer.BadParameter` (wrong usage) for any other text."""
    from rag.types import Condition

    found = []
    for text in where or ():
        name, sep, value = text.partition("=")
        if not sep or not name.strip():
            raise typer.BadParameter(f"{text!r} is no condition; write key=value", param_hint="--where")
        found.append(Condition(name.strip(), value.strip()))
    return tuple(found)


def hits_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return hits in the form of the contract."""
    rows = []
    for rank, h in enumerate(hits, start=1):
        span = h.chunk.span
        rows.append(
            {
                "rank": rank,
                "doc_id": span.doc_id,
                "start": span.start,
                "end": span.end,
                "score": h.score,
                "source": h.source,
                "text": h.chunk.text,
                "meta": dict(h.chunk.meta),
            }
        )
    return rows


def trace_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return steps in the form of the contract, sub-steps under `steps`."""
    rows = []
    for s in steps:
        below = {"steps": trace_json(s.steps)} if s.steps else {}
        rows.append({"stage": s.stage, "use": s.use, "ms": round(s.ms, 3), **s.facts, **below})
    return rows


def _hit_text(rank: int, hit: Hit) -> str:
    span = hit.chunk.span
    text = " ".join(hit.chunk.text.split())
    return f"{rank}. {span.doc_id} [{span.start}:{span.end}] {hit.source} {hit.score:.4f}\n   {text[:400]}{' ...' if len(text) > 400 else ''}"


def _answer_text(answer: str, abstained: str, cited: list[dict[str, Any]]) -> str:
    lines = [answer] + ([f"({abstained})"] if abstained else [])
    return "\n".join(lines + [f"  {c['doc_id']} [{c['start']}:{c['end']}]" for c in cited])


def _stage_text(row: dict[str, Any]) -> str:
    fields = ", ".join(f"{f['name']}: {f['type']}" + ("" if f.get("required") else f" = {f.get('default')}") for f in row["fields"])
    return f"{row['kind']}: {row['use']}\n    {row['summary']}\n    {fields or 'no fields'}"


def main() -> None:
    """Entry point of the command."""
    sys.exit(run(app))


__all__ = ["app", "main"]
