"""The commands `rag-eval import` and `rag-eval export`: question sets, rankings and answers in the forms of other programs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval.app import Json, app
from rag.errors import ConfigError
from rag.shell import emit

if TYPE_CHECKING:
    from eval.formats.base import Bundle, Documents

CorpusFolder = Annotated[Path | None, typer.Option("--corpus", help="The corpus that the questions are about: evidence is checked against it.")]


@app.command("import")
def import_command(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="beir, csv, jsonl, ragas, squad or trec.")],
    files: Annotated[list[Path], typer.Argument(help="The files, or for beir the folder.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Question file to write.")] = None,
    corpus: CorpusFolder = None,
    corpus_out: Annotated[Path | None, typer.Option(help="Folder to write the documents of the file to.")] = None,
    answers_out: Annotated[Path | None, typer.Option(help="Folder to write answers and rankings to, a file per system, for `rag-eval score`.")] = None,
    as_json: Json = False,
) -> None:
    """Read another program's questions, documents, answers or rankings; says what could not be kept."""
    from eval.formats import find

    if output is None and corpus_out is None and answers_out is None:
        raise ConfigError("nothing is to be written; give -o, --corpus-out or --answers-out")
    documents = _documents(corpus)
    bundle = find(form).read(files, documents)
    known = documents if documents is not None else {d.id: d for d in bundle.documents} or None
    written, lost = _written(bundle, known, (output, corpus_out, answers_out))
    body = {
        "format": form, "questions": len(bundle.questions), "documents": len(bundle.documents), "checked": known is not None,
        "answers": {name: len(rows) for name, rows in bundle.answers.items()}, "files": [str(f) for f in written], "lost": dict(lost),
    }  # fmt: skip
    emit(body, as_json, lambda: "\n".join(_told(body)))


def _written(bundle: Bundle, known: Documents | None, outs: tuple[Path | None, Path | None, Path | None]) -> tuple[list[Path], dict[str, int]]:
    """Write what there is to where it was asked for; what is not asked for is counted."""
    from eval.formats.base import document_rows, write_rows

    questions, corpus, answers = outs
    lost, files = bundle.lost.copy(), list[Path]()
    for option, out, there in (
        ("-o", questions, len(bundle.questions)),
        ("--corpus-out", corpus, len(bundle.documents)),
        ("--answers-out", answers, len(bundle.answers)),
    ):
        what = {"-o": "questions", "--corpus-out": "documents", "--answers-out": "files of answers"}[option]
        if out is None:
            lost.add(f"{what} (give {option} to write them)", there)
        elif not there:
            raise ConfigError(f"{option}: the file holds no {what}; leave {option} out")
    if questions is not None:
        rows = [q.row() for q in bundle.questions]
        if known is not None:
            _check(rows, known, questions.name)
        files.append(write_rows(questions, rows))
    if corpus is not None:
        files.append(write_rows(corpus / "corpus.jsonl", document_rows(bundle.documents)))
    if answers is not None:
        files += [write_rows(answers / f"{name}.jsonl", list(rows)) for name, rows in bundle.answers.items()]
    return files, dict(lost)


def _check(rows: Sequence[Mapping[str, Any]], documents: Documents, name: str) -> None:
    """Raise the `QuestionError` that a run would."""
    from eval.formats.base import write_rows
    from eval.questions import load_questions

    with tempfile.TemporaryDirectory() as folder:
        load_questions(write_rows(Path(folder) / name, rows), documents)


def _documents(corpus: Path | None) -> Documents | None:
    from eval.task import read_corpus
    from rag.loaders.limits import Limits
    from rag.types import Document

    if corpus is None:
        return None
    read, failed = read_corpus(corpus, Limits())
    return {f.doc_id: Document(f.doc_id, "") for f in failed} | {d.id: d for d in read}


@app.command("export")
def export_command(
    source: Annotated[Path, typer.Argument(help="The folder of a run, a question file, or a BEIR folder.")],
    to: Annotated[str, typer.Option("--to", help="beir, csv, jsonl, ragas, squad or trec.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write; for beir, trec and the jsonl of a run a folder.")],
    corpus: CorpusFolder = None,
    as_json: Json = False,
) -> None:
    """Write questions, answers and rankings in another program's form; says what could not be kept."""
    from eval.formats import Lost, find
    from eval.formats.source import load_source

    form = find(to)
    beir = source if corpus is None and (source / "corpus.jsonl").is_file() else corpus
    documents = _documents(beir)
    bundle = load_source(source, documents)
    lost = Lost(bundle.lost)
    files = form.write(bundle, documents, output, lost)
    body = {
        "format": to, "questions": len(bundle.questions), "documents": len(documents or ()), "checked": documents is not None,
        "answers": {name: len(rows) for name, rows in bundle.answers.items()}, "files": [str(f) for f in files], "lost": dict(lost),
    }  # fmt: skip
    emit(body, as_json, lambda: "\n".join(_told(body)))


def _told(body: Mapping[str, Any]) -> list[str]:
    counts = [f"{body['questions']} questions"] + [f"{body['documents']} documents"] * bool(body["documents"])
    counts += [f"{n} rows of {name}" for name, n in body["answers"].items()]
    lines = [f"wrote {', '.join(body['files'])}: {', '.join(counts)}"]
    lines += ["not checked: give --corpus to have the evidence looked up"] * (not body["checked"] and bool(body["questions"]))
    return lines + [f"not kept: {n} {what}" for what, n in body["lost"].items()]
