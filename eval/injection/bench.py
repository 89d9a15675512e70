"""One index of the documents of all attacks, each case a tenant of its own, and what a pipeline makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.injection import corpus
from eval.injection.corpus import Case
from eval.injection.obedient import obey
from eval.injection.oracles import Outcome, outcome
from rag.config import parse
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.models.chat import Completion, OnText, Request
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import Chat
from rag.types import Document, Span

if TYPE_CHECKING:
    from rag.models.chat import ChatModel

ROOT = Path("/corpus")
FLOOD = 10_000  # items of a list that the obedient model gives where a form has one


@dataclass(frozen=True)
class Obedient(Chat):
    """The worst model there could be (`eval.injection.obedient`): it does what any text of its prompt asks for."""

    use = "obedient"

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the double; it keeps how often it was asked and the instructions it was given."""
        return ObedientModel()


class ObedientModel:
    """Obeys; where a JSON form is asked for, it fills every text of it with what it would say, and every list with far too much."""

    name = "obedient"
    identity: dict[str, Any] = {"name": "obedient"}  # noqa: RUF012  # never changed
    window: int | None = None
    threads = 1
    remember = False

    def __init__(self) -> None:
        self.calls = 0
        self.instructions = ""

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return what obeying says."""
        self.calls += 1
        self.instructions = "\n".join(m.content for m in request.messages if m.role == "system")
        said = obey("\n\n".join(m.content for m in request.messages))
        return Completion(said if request.schema is None else json.dumps(_filled(request.schema, said, request.schema)), self.name)

    def count(self, text: str) -> int:
        """Return the words."""
        return len(text.split())


def _filled(form: Mapping[str, Any], said: str, whole: Mapping[str, Any]) -> Any:
    if "$ref" in form:
        return _filled(whole["$defs"][form["$ref"].rsplit("/", 1)[-1]], said, whole)
    if "anyOf" in form:
        return _filled(form["anyOf"][0], said, whole)
    kind = form.get("type")
    if kind == "object":
        return {name: _filled(part, said, whole) for name, part in form.get("properties", {}).items()}
    if kind == "array":
        of = form.get("items", {})
        return [said, *(f"{n} {said[:60]}" for n in range(FLOOD))] if of.get("type") == "string" else [_filled(of, said, whole)]
    return {"string": said, "boolean": True, "integer": 1, "number": 1.0}.get(str(kind))


class Bench:
    """Asks the question of a case as its tenant `own`; the ids of what comes back are those of `corpus.documents`."""

    base: Mapping[str, Any] = {  # never changed
        "chunk": {"use": "markdown", "size": 64},
        "retrieve": {"use": "bm25", "limit": 8},
        "models": {"encoder": "hashing-64"},
        "index": {"tenant_key": "tenant"},
    }
    quoting: Mapping[str, Any] = {"use": "extractive", "blend": 0, "threshold": 0, "quotes": 5, "near": 0.1}  # as above

    def __init__(self, folder: Path) -> None:
        """Build the index below a folder."""
        self.runtime = Runtime(memo=Memo(), show_progress=False)
        self.pipeline = parse({**self.base, "answer": self.quoting})
        documents = [_own(case, d) for case in corpus.load() for d in corpus.documents(case)]
        build(folder / "index", self.pipeline, [Loaded(d, ROOT) for d in documents], [ROOT], self.runtime)
        self.index = Index.open(folder / "index", self.runtime)
        obedient = Obedient()
        from rag.answer.generative import Generative

        self.obeying = replace(self.pipeline, answer=Generative(chat=obedient, model="hashing-64"))
        self._model = self.runtime.chat(obedient)

    def ask(self, case: Case, question: str = "", pipeline: Pipeline | None = None) -> Outcome:
        """Return what came of a question, the case's own if none is given, as the pipeline (the quoting one if none is given) gives it."""
        tenant, chosen = f"{case.id}-{corpus.OWN}", pipeline or self.pipeline
        before = getattr(self._model, "calls", 0)
        answer = chosen.ask(self.index, question or corpus.asked(case), tenant=tenant)
        reader = self.index.reader(chosen, tenant=tenant)
        calls = getattr(self._model, "calls", 0) - before
        prompt = str(getattr(self._model, "instructions", "")) if calls else ""
        found = outcome(answer, reader.text, prompt, calls)
        return replace(found, citations=_bare(found.citations), shown=_bare(found.shown))


def _own(case: Case, document: Document) -> Document:
    return replace(document, id=f"{case.id}/{document.id}", meta={**document.meta, "tenant": f"{case.id}-{document.meta['tenant']}"})


def _bare(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return tuple(replace(s, doc_id=s.doc_id.split("/", 1)[1]) for s in spans)
