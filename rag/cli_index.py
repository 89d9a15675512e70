"""The commands that keep an index: index, check, backup, restore, migrate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.app import IndexPath, Json, app, directory, place
from rag.errors import ConfigError, MissingExtra, StoreError
from rag.shell import emit

if TYPE_CHECKING:
    from rag.index.store import Index
    from rag.pipeline import Pipeline

IndexArgument = Annotated[str, typer.Argument(help="Directory of the index, or http(s)://HOST:PORT/NAME on a Qdrant server.")]
Paths = Annotated[list[Path], typer.Argument(help="Folders, files or BEIR folders.")]
SHOWN = 10  # duplicates named in the readable report


@app.command("index")
def index_command(
    paths: Paths,
    index: IndexPath,
    config: Annotated[Path | None, typer.Option("-c", "--config", help="Configuration of the pipeline; default: the one the index has.")] = None,
    strict: Annotated[bool, typer.Option(help="Exit with 1 when a document failed.")] = False,
    allow_mass_delete: Annotated[bool, typer.Option(help="Let more than a fifth of the documents go.")] = False,
    rebuild: Annotated[bool, typer.Option(help="Build from nothing, whatever is there: for a damaged index.")] = False,
    as_json: Json = False,
) -> int:
    """Build an index, or bring it up to date with its documents; deletes only below the paths named."""
    from rag.index.place import bases_at, build_at, lost_at
    from rag.loaders.corpus import Summary, read
    from rag.loaders.limits import Limits
    from rag.runtime import Runtime

    where = place(index)
    pipeline = _pipeline(where, config)
    roots = [p.resolve() for p in paths]
    if rebuild and not allow_mass_delete and (lost := lost_at(where, roots)):  # a folder that was moved cannot be named: then they may go
        raise StoreError(f"{index}: holds documents of {', '.join(lost)} too, which a rebuild would lose; name these paths as well, or add --allow-mass-delete")
    summary = Summary()
    corpus = read(roots, Limits.from_options(pipeline.index), summary, {} if rebuild else bases_at(where, roots))
    report = build_at(where, pipeline, corpus, roots, Runtime(), allow_mass_delete, rebuild)
    body = {**report.as_dict(), "ignored": dict(summary.ignored)}
    emit(body, as_json, lambda: _index_text(body))
    return 1 if strict and report.failed else 0


def _pipeline(index: Path | str, config: Path | None) -> Pipeline:
    from rag.config import load, parse
    from rag.index.place import manifest_at

    if config is not None:
        return load(config)
    manifest = manifest_at(index)
    if manifest is None:
        raise ConfigError(f"{index}: there is no index yet whose configuration could be used; name one with -c CONFIG")
    return parse(dict(manifest.config))


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
    if body["spared"]:
        lines.append(f"{body['spared']} documents stay that lie in files or folders that could not be read")
    if repeats := body["duplicates"]:
        lines.append(f"{len(repeats)} documents repeat another" + (f", the first {SHOWN}:" if len(repeats) > SHOWN else ":"))
        lines += [f"  {d['doc_id']} repeats {d['of']} ({d['similarity']:.0%})" for d in repeats[:SHOWN]]
    lines += body["notes"]
    lines += [f"failed: {f['doc_id']}: {f['reason']}" for f in body["failed"]]
    return "\n".join(lines)


@app.command()
def check(index: IndexArgument, as_json: Json = False) -> int:
    """Verify that an index holds what its manifest says, file by file and text by text."""
    from rag.index.check import check as verify
    from rag.index.store import Index

    with Index.open(place(index)) as found:
        body = verify(found)
    faults = body["faults"]
    emit(body, as_json, lambda: "\n".join(faults) or f"sound: {body['documents']} documents, {body['chunks']} chunks, {body['points']} points")
    return 1 if faults else 0


@app.command()
def backup(index: IndexArgument, file: Annotated[Path, typer.Argument(help="File to write (gzipped tar).")], as_json: Json = False) -> None:
    """Copy an index to one file; an older file of that name is replaced once the new one is whole."""
    from rag.index.backup import backup as write

    body = write(directory(index), file)
    emit(body, as_json, lambda: f"{body['file']}: {body['bytes'] / 1e6:.1f} MB, {body['documents']} documents, {body['chunks']} chunks")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A backup.")], index: IndexArgument, as_json: Json = False) -> None:
    """Make an index of a backup, where there is none yet."""
    from rag.index.backup import restore as read

    body = read(file, directory(index))
    emit(body, as_json, lambda: f"{body['index']}: {body['documents']} documents, {body['chunks']} chunks")


@app.command()
def migrate(
    index: IndexArgument,
    config: Annotated[Path | None, typer.Option("-c", "--config", help="The new configuration.")] = None,
    questions: Annotated[Path | None, typer.Option(help="Questions to compare both on (JSON Lines or a BEIR folder).")] = None,
    swap: Annotated[bool, typer.Option(help="Have the new generation answer from now on.")] = False,
    drop: Annotated[bool, typer.Option(help="Remove the new generation that waits, and do nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Build an index anew with another model or chunker, beside the one that goes on answering, and swap when told to."""
    from rag.index.place import abandon_at, migrate_at
    from rag.runtime import Runtime

    where = place(index)
    if drop:
        abandon_at(where)
        emit({"dropped": True}, as_json, lambda: "no generation is waiting any more")
        return
    if config is None:
        raise typer.BadParameter("name the new configuration", param_hint="--config")
    body = migrate_at(where, _pipeline(where, config), Runtime(), _comparer(questions) if questions else None, swap).as_dict()
    emit(body, as_json, lambda: _migrate_text(body, index, config))


def _comparer(questions: Path) -> Callable[[Index, Index], dict[str, Any]]:
    """Return what compares two open indexes on a question file: `rag` does not import the harness, it looks it up."""
    from importlib.metadata import entry_points

    found = list(entry_points(group="rag.compare"))
    if not found:
        raise MissingExtra("spanwise", "all", "comparing on questions")
    compare = found[0].load()
    return lambda live, new: dict(compare(live, new, questions))


def _migrate_text(body: dict[str, Any], index: str, config: Path) -> str:
    live, new = body["live"], body["next"]
    lines = [f"{n}: {g['generation']}, {g['documents']} documents, {g['chunks']} chunks of {g['chunk']}" for n, g in (("live", live), ("new", new))]
    lines += _comparison_text(body["comparison"]) if body["comparison"] else []
    if body["swapped"]:
        lines.append("swapped: the new generation answers from now on")
    else:
        lines.append(f"not swapped: `rag migrate {index} -c {config} --swap` has the new one answer, `rag migrate {index} --drop` removes it")
    return "\n".join(lines)


def _comparison_text(body: dict[str, Any]) -> list[str]:
    skipped = ", ".join(f"{n} {why}" for why, n in body.get("skipped", {}).items())
    lines = [f"compared on {body['questions']} questions" + (f"; skipped: {skipped}" if skipped else "")]
    for name, m in body["metrics"].items():
        change = f"{m['live']:.3f} to {m['new']:.3f}, {m['delta']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]"
        lines.append(f"{name}: {change}, p {m['p_adjusted']:.3f}, {m['wins']} better, {m['losses']} worse of {m['n']}")
    return lines
