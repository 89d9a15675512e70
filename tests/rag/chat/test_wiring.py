"""Every part that asks a chat model gets something usable of the stand-in, and every shipped configuration with a chat model can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.config import dump, load, parse, read_yaml
from rag.index.store import Index
from rag.registry import parts
from rag.stages import KINDS

ROOT = Path(__file__).parents[3]
TEXTS = {
    "a.md": "The red fox lives in the wood. It sleeps by day.",
    "b.md": "A grey wolf lives on the hill. It sleeps by night.",
    "c.md": "Owls hunt at night.",
}
BM25 = {"use": "bm25", "limit": 10}
ASKING: dict[str, dict[str, Any]] = {
    "hyde": {"retrieve": {"use": "hyde", "over": {"use": "rrf", "of": [BM25, "dense"]}, "n": 2}},
    "multi_query": {"retrieve": {"use": "multi_query", "over": BM25}},
    "decompose": {"retrieve": {"use": "decompose", "over": BM25}},
    "step_back": {"retrieve": {"use": "step_back", "over": BM25}},
    "generative": {"answer": "generative"},
    "generative json": {"answer": {"use": "generative", "prompt": "answer_json", "format": "json"}},
    "self_check": {"answer": {"use": "self_check", "over": "generative", "by": "chat"}},
    "contextual": {"chunk": {"use": "contextual", "over": "sentence", "by": "chat"}},
    "propositions": {"chunk": {"use": "propositions", "over": "sentence", "by": "chat"}},
}


def test_no_part_that_asks_is_left_out() -> None:
    asking = {use for kind in KINDS for use, cls in parts(kind.kind).items() for f in cls.__dataclass_fields__.values() if f.metadata.get("model") == "chat"}
    assert asking == {name.split()[0] for name in ASKING}


@pytest.mark.parametrize("name", ASKING)
def test_a_part_works_with_the_stand_in(lab: Any, name: str) -> None:
    more = ASKING[name]
    pipeline = lab.pipeline(
        more.get("retrieve", BM25), more.get("chunk", "whole"), answer=more.get("answer", "extractive"), models={"encoder": "hashing-64", "chat": "parrot"}
    )
    lab.runtime.work.completions = 0
    with lab.index(TEXTS, pipeline) as index:
        answer = pipeline.ask(index, "Where does the fox live?")
        hits, steps = pipeline.search(index, "Where does the fox live?")
    assert lab.runtime.work.completions > 0
    assert hits[0].chunk.span.doc_id == "a.md"
    assert answer.text
    if name.startswith("generative"):
        assert not answer.abstained
        assert any(c.doc_id == "a.md" for c in answer.citations)
        assert not answer.flags
    if "retrieve" in more:
        assert "parrot" in str(steps)


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "endpoint").glob("*.yaml")), ids=lambda p: p.stem)
def test_configurations_that_need_an_endpoint_can_be_read(path: Path) -> None:
    """They are not run by `make demo`, so that this is where a typing error in one shows."""
    assert parse(dump(load(path))) == load(path)
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_the_shipped_stand_in_answers(lab: Any, tmp_path: Path) -> None:
    data = read_yaml(ROOT / "configs" / "endpoint" / "parrot.yaml")
    pipeline = parse({**data, "models": {**data["models"], "encoder": "hashing-64"}})  # no weights are read
    lab.build(tmp_path / "index", pipeline, TEXTS)
    with Index.open(tmp_path / "index", lab.runtime) as index:
        assert "[1]" in pipeline.ask(index, "Where does the fox live?").text
