"""Whether any tenant is shown what belongs to another: `python -m eval.tenants CONFIG --corpus DIR --questions FILE --counts FILE`.

Each question is asked under every tenant but its own, and each passage of its evidence is read there by its place: one trial, which
fails where anything of any other tenant comes back. Where the configuration names no `index.tenant_key`, documents are dealt to
tenants made up for it, and the count has a name of its own.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from eval.app import Corpus, Json, Questions
from eval.counts import Count, counted, write_count
from eval.questions import Question, load_questions
from eval.task import corpus_digest, questions_digest, read_corpus
from rag.config import dump, load
from rag.errors import ConfigError, StoreError
from rag.fingerprint import key
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.loaders.limits import Limits
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.shell import emit, run
from rag.types import Document

NAME, DEALT_NAME, COMMAND = "tenant_leaks", "dealt_tenant_leaks", "python -m eval.tenants"
DEALT, TENANTS = "dealt_tenant", 4
_ROOT = Path("corpus")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Leaks:
    """Trials (a question under all tenants that are not its own), those that showed something foreign, and the searches they took."""

    trials: int
    failed: tuple[str, ...]
    searches: int
    tenants: int


def owners(documents: Sequence[Document], tenant_key: str | None, tenants: int = TENANTS) -> dict[str, str]:
    """Return the tenant of every document: what its metadata says, or without a key one of so many, dealt by the digest of its id.

    Raises `ConfigError` where there are not two tenants: then there is nobody to leak to.
    """
    if tenant_key is None:
        found = {d.id: f"tenant{int(key('deal', d.id), 16) % tenants}" for d in documents}
    else:
        found = {d.id: str(d.meta[tenant_key]) for d in documents if isinstance(d.meta.get(tenant_key), str)}
    if len(set(found.values())) < 2:
        where = f"under {tenant_key!r} in the metadata of the documents" if tenant_key else "dealt"
        raise ConfigError(f"there are {len(set(found.values()))} tenants {where}; two are needed for one to see what is the other's")
    return found


def leaks(index: Index, pipeline: Pipeline, questions: Sequence[Question], owner: Mapping[str, str]) -> Leaks:
    """Ask every question under every tenant that owns none of its evidence. Raises `StoreError` where nothing was seen at all, so nothing could leak."""
    names, failed, trials, searches, rows = sorted(set(owner.values())), [], 0, 0, 0
    for question in index.runtime.track(questions, "ask other tenants", len(questions)):
        own = {owner[s.doc_id] for s in question.evidence if s.doc_id in owner}
        others = [t for t in names if t not in own]
        seen = {t: list(_seen(index, pipeline, question, t)) for t in others}
        trials, searches, rows = trials + bool(others), searches + len(others), rows + sum(map(len, seen.values()))
        if under := [t for t, documents in seen.items() if any(owner.get(d) != t for d in documents)]:
            failed.append(f"{question.id} under {', '.join(under)}")
    if not rows:
        raise StoreError("no question returned a row under any other tenant, so a leak could not have been seen; give other questions or fewer tenants")
    return Leaks(trials, tuple(failed), searches, len(names))


def _seen(index: Index, pipeline: Pipeline, question: Question, tenant: str) -> Iterator[str]:
    """Yield the document of each row that the tenant is shown: ranked, in the context, cited, or read at the place of the evidence."""
    answer = pipeline.ask(index, question.text, tenant=tenant)
    yield from (h.chunk.span.doc_id for h in answer.ranking)
    yield from (s.doc_id for s in (*answer.context.spans, *answer.citations))
    reader = index.reader(pipeline, tenant=tenant)
    for span in question.evidence:
        try:
            reader.text(span)
        except StoreError:
            continue  # as for a document that does not exist
        yield span.doc_id


def count(config: Path, corpus: Path, questions: Path, tenants: int = TENANTS, limit: int | None = None, runtime: Runtime | None = None) -> Count:
    """Build a scoped index of a corpus in a folder that is removed again, and return the count of leaks.

    Raises what reading, building and asking raise, and `ConfigError` or `StoreError` where nothing could have leaked.
    """
    runtime, given = runtime or Runtime(), load(config)
    documents, failed = read_corpus(corpus, Limits.from_options(given.index))
    known = {f.doc_id: Document(f.doc_id, "") for f in failed} | {d.id: d for d in documents}
    asked = load_questions(questions, known)[:limit]
    owner = owners(documents, given.index.tenant_key, tenants)
    pipeline = given if given.index.tenant_key else replace(given, index=replace(given.index, tenant_key=DEALT))
    scoped = documents if given.index.tenant_key else [replace(d, meta={**d.meta, DEALT: owner[d.id]}) for d in documents]
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), pipeline, [Loaded(d, _ROOT) for d in scoped], [_ROOT], runtime)
        with Index.open(Path(folder), runtime) as index:
            found = leaks(index, pipeline, asked, owner)
    plain = replace(given, index=replace(given.index, tenant_key=None))  # as it was evaluated: a run has no tenants
    name, of = (NAME, f"of {given.index.tenant_key}") if given.index.tenant_key else (DEALT_NAME, "dealt")
    ran_on = {"corpus": corpus_digest(documents), "questions": questions_digest(asked), "config": key(dump(plain)), "tenants": f"{found.tenants} {of}"}
    return counted(name, COMMAND, found.failed, found.trials, ran_on, f"{found.searches} searches, tenants: {found.tenants} {of}")


@app.command()
def main(
    config: Annotated[Path, typer.Argument(help="Configuration, with index.tenant_key where the documents have tenants.")],
    corpus: Corpus,
    questions: Questions,
    counts: Annotated[Path | None, typer.Option("--counts", help="File to write the count to, for `rag-eval gate --counts`.")] = None,
    tenants: Annotated[int, typer.Option(min=2, help="Without index.tenant_key: deal the documents to so many tenants.")] = TENANTS,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only the first so many questions.")] = None,
    as_json: Json = False,
) -> None:
    """Ask every question under every other tenant, and count where something of another came back."""
    found = count(config, corpus, questions, tenants, limit)
    if counts is not None:
        write_count(counts, found)
    body = {k: v for k, v in asdict(found).items() if k != "made_by"}
    line = f"{found.name}: {found.failures} of {found.trials} questions showed something foreign under another tenant ({found.note})"
    emit(body, as_json, lambda: "\n".join([line, *found.failed]))


if __name__ == "__main__":
    sys.exit(run(app))
