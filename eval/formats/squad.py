"""SQuAD 1.1 and 2.0 files (Rajpurkar et al. 2016, 2018): articles of paragraphs with questions whose answers are spans."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.formats.base import Asked, Bundle, Documents, Lost, cut, need, one_file, text_of
from rag.errors import QuestionError
from rag.index.manifest import write_bytes
from rag.types import Document

_BETWEEN = "\n\n"


def read(files: Sequence[Path], documents: Documents | None) -> Bundle:
    """Return the questions and the articles of a file: an article is a document, its paragraphs parted by blank lines.

    The first answer with a place is the evidence, since those of other annotators are alternatives to it and not more to be found; every
    distinct answer stays a reference answer. Plausible answers of unanswerable questions are distractors. Raises `QuestionError`.
    """
    file = one_file(files, "a SQuAD file")
    lost, seen = Lost(), set[str]()
    found: list[Asked] = []
    articles: list[Document] = []
    try:
        data = json.loads(text_of(file))["data"]
        for article in data:
            id = _fresh(str(article.get("title") or "article"), seen)
            text, at = "", 0
            for paragraph in article["paragraphs"]:
                text += _BETWEEN * bool(text)
                at = len(text)
                text += paragraph["context"]
                found += [_asked(qa, id, at, paragraph["context"], lost) for qa in paragraph["qas"]]
            articles.append(Document(id, text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise QuestionError(f'{file} is no SQuAD file ({type(error).__name__}: {error}); it holds {{"data": [{{"title", "paragraphs": [...]}}]}}') from None
    return Bundle(tuple(_unique(found, file)), {}, tuple(articles), lost)


def _fresh(title: str, seen: set[str]) -> str:
    """Return a title that no other article has."""
    name, n = title, 1
    while name in seen:
        n += 1
        name = f"{title} ({n})"
    seen.add(name)
    return name


def _unique(found: Sequence[Asked], file: Path) -> Sequence[Asked]:
    seen = set[str]()
    for q in found:
        if q.id in seen:
            raise QuestionError(f"{file}: the question id {q.id!r} is there twice; give every question an id of its own")
        seen.add(q.id)
    return found


def _asked(qa: Mapping[str, Any], doc: str, at: int, context: str, lost: Lost) -> Asked:
    id, text = str(qa["id"]), str(qa["question"]).strip()
    if not text:
        raise QuestionError(f"question {id!r} has no text; write one, or remove it")
    if qa.get("is_impossible"):
        places = [p for a in qa.get("plausible_answers", ()) if (p := _place(a, doc, at, context, lost))]
        return Asked(id, text, answerable=False, distractors=tuple({p["start"]: p for p in places}.values()))
    places = [p for a in qa["answers"] if (p := _place(a, doc, at, context, lost))]
    lost.add(
        "other places of an answer: the first is the evidence", len({(p["start"], p["end"]) for p in places[1:]} - {(p["start"], p["end"]) for p in places[:1]})
    )
    lost.add("answerable questions whose answers have no place: they are kept without evidence", not places)
    return Asked(id, text, tuple(places[:1]), tuple(dict.fromkeys(a["text"] for a in qa["answers"] if a["text"].strip())))


def _place(answer: Mapping[str, Any], doc: str, at: int, context: str, lost: Lost) -> dict[str, Any] | None:
    """Return where an answer is; one that is not where it should be is looked for, and taken when it is in one place only."""
    text, start = answer["text"], answer["answer_start"]
    if not text.strip():
        lost.add("blank answers")
        return None
    if start < 0 or context[start : start + len(text)] != text:
        start = context.find(text)
        if start < 0 or context.find(text, start + 1) >= 0:
            lost.add("answers that are not at their answer_start, nor at one other place: they have no place")
            return None
        lost.add("answers that were not at their answer_start and were found elsewhere: their place was corrected")
    return {"doc": doc, "start": at + start, "end": at + start + len(text)}


def write(bundle: Bundle, documents: Documents | None, out: Path, lost: Lost) -> list[Path]:
    """Write a SQuAD 2.0 file in which every document with a question is an article of one paragraph. Raises `ConfigError` without a corpus."""
    known = need(documents, "SQuAD files hold the documents")
    by_doc: dict[str, list[dict[str, Any]]] = {}
    for q in bundle.questions:
        doc = next((e["doc"] for e in (*q.evidence, *q.distractors)), None)
        if doc is None:
            lost.add("questions without a place in a document: SQuAD asks about a paragraph")
        else:
            by_doc.setdefault(doc, []).append(_qa(q, doc, known, lost))
        lost.add("tags", len(q.tags))
    lost.add("answers of systems: this form holds questions", sum(map(len, bundle.answers.values())))
    lost.add("documents that no question is about", len(known) - len(by_doc))
    data = [{"title": doc, "paragraphs": [{"context": known[doc].text, "qas": qas}]} for doc, qas in by_doc.items()]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, (json.dumps({"version": "v2.0", "data": data}, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
    return [out]


def _qa(q: Asked, doc: str, known: Documents, lost: Lost) -> dict[str, Any]:
    own = [e for e in q.evidence if e["doc"] == doc]
    lost.add("evidence in a further document: SQuAD asks about one paragraph", len(q.evidence) - len(own))
    lost.add("further evidence of a question: to SQuAD it is another answer, not more to be found", max(0, len(own) - 1))
    answers = list(_answers(own, known))
    lost.add("reference answers that are not the words of the evidence", len(set(q.answers) - {a["text"] for a in answers}))
    body = {"id": q.id, "question": q.text, "answers": answers, "is_impossible": not q.answerable}
    return body if q.answerable else {**body, "plausible_answers": list(_answers([d for d in q.distractors if d["doc"] == doc], known))}


def _answers(places: Sequence[Mapping[str, Any]], known: Documents) -> Iterator[dict[str, Any]]:
    for place in places:
        text = cut(place, known) or ""
        start = place["start"] if "start" in place else known[place["doc"]].text.find(text)
        yield {"text": text, "answer_start": start}
