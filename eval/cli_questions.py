"""The command `rag-eval questions`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.app import Json, Record, app
from rag.errors import ConfigError
from rag.shell import emit, note
from rag.stages import Chat


@app.command("questions")
def questions_command(  # noqa: PLR0913, PLR0917  # an option each
    corpus: Annotated[Path, typer.Argument(help="Folder of documents, or a BEIR folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON Lines file to write.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many questions.")] = 50,
    chat: Annotated[str | None, typer.Option("--chat", help="Chat model that writes them: a .yaml file, or YAML such as '{use: openai, model: NAME}'.")] = None,
    kinds: Annotated[str | None, typer.Option("--kinds", help="Names joined by commas: cloze, heading, chat:single, chat:multi, chat:unanswerable.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed takes other places and asks the chat model anew.")] = 0,
    review: Annotated[Path | None, typer.Option("--review", help="Markdown file to write for a person to keep, drop and mend.")] = None,
    apply: Annotated[Path | None, typer.Option("--apply", help="Edited review file to make the questions from, in place of making new ones.")] = None,
    language: Annotated[str, typer.Option("--language", help="Language of the corpus, for stems and sentences.")] = "english",
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Make questions from a corpus, marked as synthetic, or read reviewed ones back."""
    from eval.synthesis.files import check_review, check_target, write_rows, write_text
    from eval.synthesis.make import make
    from eval.synthesis.review import review as written
    from rag.runtime import Runtime
    from rag.text import analyzer

    analyzer(language)  # refuses a language that is not known before anything is read
    check_target(output)
    if apply is not None:
        if chat or kinds or review:
            raise ConfigError("--apply reads what a person reviewed and makes nothing; leave --chat, --kinds and --review out")
        body = _apply(corpus, apply, output)
        emit(body, as_json, lambda: f"wrote {body['questions']} reviewed questions to {output}: {body['dropped']} dropped, {body['edited']} edited")
        return
    if review is not None:
        check_review(review)
    wanted = [k.strip() for k in kinds.split(",") if k.strip()] if kinds else []
    made = make(corpus, number, _chat(chat) if chat else None, kinds=wanted, seed=seed, language=language, runtime=Runtime(record=record))
    if made.facts["stopped"]:
        note(f"stopped: {made.facts['stopped']}")
    if not made.rows:
        note(_refused(made.facts))
    write_rows(output, made.rows, made.documents)
    if review is not None:
        write_text(review, written(made.drafts, made.documents))
    body = {**made.facts, "output": str(output), "review": str(review) if review else None}
    emit(body, as_json, lambda: _text(body))


def _chat(text: str) -> Chat:
    """Return the chat model that a name, a `.yaml` file or one line of YAML says. Raises `ConfigError`."""
    from rag import strict_yaml
    from rag.config import part, read_yaml

    data: Any = text
    if text.endswith((".yaml", ".yml")):
        data = read_yaml(Path(text))
    elif text.lstrip().startswith("{"):
        data = strict_yaml.parse(text.encode("utf-8", "replace"))
    spec = part(Chat, data, "--chat")
    if not isinstance(spec, Chat):
        raise ConfigError(f"--chat: {text[:60]!r} is no chat model")
    return spec


def _apply(corpus: Path, review: Path, output: Path) -> dict[str, Any]:
    from eval.synthesis.files import write_rows
    from eval.synthesis.reviewed import read_review
    from eval.task import read_corpus
    from rag.loaders.limits import Limits

    documents = {d.id: d for d in read_corpus(corpus, Limits())[0]}
    found = read_review(review, documents)
    write_rows(output, found.rows, documents)
    return {"questions": len(found.rows), "dropped": found.dropped, "edited": found.edited, "output": str(output)}


def _text(body: Mapping[str, Any]) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in body["kinds"].items())
    short = f" of {body['wanted']} asked for" if body["questions"] < body["wanted"] else ""
    lines = [
        f"wrote {body['questions']} synthetic questions{short} ({kinds}) about {body['documents']} of {body['of_documents']} documents to {body['output']}"
    ]
    lines += [refused] if (refused := _refused(body)) else []
    lines.append(f"a keyword search ranks the evidence of {body['hard']} outside its first ten documents: tagged hard")
    if body["chat"]:
        cost = body["chat"]
        lines.append(
            f"chat: {cost['completions']} completions ({cost['remembered']} remembered), {cost['prompt_tokens']} + {cost['completion_tokens']} tokens, cost {cost['cost']}"
        )
    if body["review"]:
        lines.append(f"review them in {body['review']}, then: rag-eval questions CORPUS --apply {body['review']} -o REVIEWED.jsonl")
    return "\n".join(lines)


def _refused(body: Mapping[str, Any]) -> str:
    rows = [f"  {kind}: " + ", ".join(f"{n} {reason}" for reason, n in reasons.items()) for kind, reasons in body["rejected"].items()]
    return "\n".join(["rejected:", *rows]) if rows else ""
