"""What the tests of synthesis share: a small corpus, and a chat model that says what a function tells it to."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from rag.chat._sources import shown
from rag.errors import ChatError
from rag.memo import Memo
from rag.models.chat import Completion, Usage
from rag.runtime import Runtime
from rag.stages import Chat

TEXTS = {
    "parcels.md": (
        "# Parcels\n\nThis page is about parcels.\n\n## Fees for heavy parcels\n\n"
        "The surcharge for parcels heavier than twenty kilograms is 17 euros per item. The carrier Postwurm collects every "
        "oversized box from the customer on Tuesdays only.\n\n## Returns\n\n"
        "Customers may return undamaged goods within 30 days of delivery, and the Zollamt refunds import duties on request.\n"
    ),
    "customs.md": (
        "# Customs\n\n## Duties\n\nThe Zollamt charges import duties on goods worth more than 150 euros, and private gifts up to 45 euros "
        "stay free of any duty.\n\n## Forms\n\nEvery shipment to Norway needs the form CN23 in three copies, signed by the sender.\n"
    ),
    "animals.md": (
        "# Animals\n\n## Quokkas\n\nA grown quokka weighs about 3.5 kilograms and lives on Rottnest Island near the city of Perth.\n\n"
        "## Wombats\n\nThe wombat digs burrows with its claws and can run at 40 kilometres per hour for a short time.\n"
    ),
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Every test has a cache of its own."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def corpus(tmp_path):
    """Return the folder of the corpus."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def runtime():
    """Return a runtime that keeps to itself."""
    return Runtime(Memo(), show_progress=False)


@dataclass
class ScriptedModel:
    """Replies with what `say` returns for a request: an object as JSON, a text as it is, a reason as a failure."""

    say: Callable
    asked: list = field(default_factory=list)
    name: str = "scripted"
    window: int | None = None
    threads: int = 2
    remember: bool = True

    @property
    def identity(self):
        return {"name": self.name}

    def complete(self, request, on_text=None):
        self.asked.append(request)
        said = self.say(request)
        if isinstance(said, ChatError):
            raise said
        return Completion(said if isinstance(said, str) else json.dumps(said), self.name, Usage(10, 5))

    def count(self, text):
        return len(text.split())


@dataclass(frozen=True)
class Scripted(Chat):
    """Names one scripted model."""

    model: ScriptedModel = field(hash=False, compare=False, default=None)

    def open(self, runtime):
        return self.model


@pytest.fixture
def scripted():
    """Return a chat model that says what a function tells it to; `.model.asked` are its requests."""
    return lambda say: Scripted(ScriptedModel(say))


@pytest.fixture
def passage_of():
    """Return what a request shows, by the name of the source."""
    return lambda request: {s.name: s.text for s in shown(request)}
