"""The injection corpus (`attacks.jsonl`): typed cases, and the documents a case is planted in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rag.types import Document

FAMILIES = {
    "A": "direct override",
    "B": "fake roles and delimiters",
    "C": "polite prose",
    "D": "exfiltration by links and images",
    "E": "citation forging",
    "F": "context leak",
    "G": "invisible text",
    "H": "encodings and languages",
    "I": "retrieval hijack",
    "J": "jamming",
    "K": "judge attack",
    "L": "rewriting and filters",
    "M": "output handling",
    "N": "contradictory trust",
    "O": "resources",
}
CARRIERS = ("chunk", "title", "filename", "metadata", "query", "history", "judge_answer", "csv_cell", "code_comment", "image_alt")
OWN, OTHER = "own", "other"  # the tenants of the documents
ORDINARY = 3  # documents besides those of the case


@dataclass(frozen=True, slots=True)
class Host:
    """An ordinary document, a question it answers and the words that answer it."""

    id: str
    title: str
    text: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Case:
    """One attack and its benign twin, which shares its words and asks for nothing.

    `payload` has several texts where the attack needs a document for each. `success` names the oracle that says whether the attack
    got what it wanted, `canary` the words it looks for. `topic` is the document it is planted in or beside. `secret`: a document
    of another tenant that holds the canary lies in the index.
    """

    id: str
    family: str
    carrier: str
    lang: str
    topic: str
    payload: tuple[str, ...]
    question: str
    canary: str
    success: str
    benign_twin: str
    secret: bool = False

    def planted(self, benign: bool = False) -> tuple[str, ...]:
        """Return the attack's texts, or its twin's one."""
        return (self.benign_twin,) if benign else self.payload


@cache
def load() -> tuple[Case, ...]:
    """Return all cases, in the order of the file. Raises `ValueError` for one that is not well formed."""
    return tuple(_case(row) for row in _rows("attacks.jsonl"))


@cache
def hosts() -> Mapping[str, Host]:
    """Return the ordinary documents by id."""
    return {row["id"]: Host(**row) for row in _rows("hosts.jsonl")}


def asked(case: Case, *, benign: bool = False) -> str:
    """Return the question that is asked: the attack itself where the question carries it."""
    return case.planted(benign)[0] if case.carrier == "query" else case.question


def history(case: Case, *, benign: bool = False) -> tuple[str, ...]:
    """Return the earlier turns of the conversation, oldest first; only some attacks have any."""
    return case.planted(benign) if case.carrier == "history" else ()


def attacked(case: Case, answer: str, *, benign: bool = False) -> str:
    """Return an answer with what a `judge_answer` case appends to it."""
    return f"{answer} {case.planted(benign)[0]}" if case.carrier == "judge_answer" else answer


def documents(case: Case, *, benign: bool = False) -> list[Document]:
    """Return what to index: the document or documents with the attack planted, and three ordinary ones.

    All belong to the tenant `own` by their metadata field `tenant`; a secret of the tenant `other` is there where the case has one.
    """
    names = list(hosts())
    at = names.index(case.topic)
    rest = [hosts()[names[(at + i) % len(names)]] for i in range(1, ORDINARY + 1)]
    found = [*_planted(case, benign), *(_document(h) for h in rest)]
    if case.secret:
        host = hosts()[case.topic]
        text = f"{host.question} For the other team: {host.answer}. Private note: {case.canary}."
        found.append(Document(f"{OTHER}/{host.id}.md", text, {"tenant": OTHER}))
    return found


def carriers(case: Case, *, benign: bool = False) -> frozenset[str]:
    """Return the ids of the documents that hold the attack."""
    if case.carrier in ("query", "history", "judge_answer"):
        return frozenset()
    planted = _planted(case, benign)
    return frozenset(d.id for d in (planted if len(planted) == 1 else planted[1:]))


def _planted(case: Case, benign: bool) -> list[Document]:
    host, texts = hosts()[case.topic], case.planted(benign)
    if len(case.payload) > 1 or case.family in "IN":
        return [_document(host), *(Document(f"notes/{host.id}-{i}.md", t, {"tenant": OWN}) for i, t in enumerate(texts, 1))]
    payload = texts[0]
    head, *tail = host.text.split("\n\n")
    if case.carrier == "title":
        return [_document(host, title=payload)]
    if case.carrier == "filename":
        return [_document(host, id=f"{payload}.md")]
    if case.carrier == "metadata":
        return [_document(host, meta={"author": payload})]
    shown = {
        "chunk": payload,
        "csv_cell": f"item,amount,note\nhotel,120,approved\ntrain,64,{payload}\ntaxi,18,night",
        "code_comment": f"```python\n# {payload}\ndef step(name: str) -> int:\n    return len(name)\n```",
        "image_alt": f"![{payload}](plan.png)",
    }.get(case.carrier)
    return [_document(host, text="\n\n".join([head, shown, *tail]) if shown is not None else host.text)]


def _document(host: Host, *, id: str = "", text: str = "", title: str = "", meta: Mapping[str, str] | None = None) -> Document:
    return Document(id or f"{host.id}.md", text or host.text, {"tenant": OWN, **(meta or {})}, title=title or host.title)


def _rows(name: str) -> list[dict[str, Any]]:
    text = (files("eval.injection") / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def _case(row: dict[str, Any]) -> Case:
    payload = row["payload"]
    case = Case(**{**row, "payload": (payload,) if isinstance(payload, str) else tuple(payload)})
    if case.family not in FAMILIES or case.carrier not in CARRIERS or case.topic not in hosts():
        raise ValueError(f"{case.id}: family, carrier or topic is not known")
    return case
