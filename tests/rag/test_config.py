"""The door for configuration: what is right loads as the value built by hand, what is wrong is one line that says how."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from rag.answer.extractive import Extractive
from rag.chunk.markdown import Markdown
from rag.chunk.parent import Parent
from rag.chunk.sentence import Sentence
from rag.chunk.whole import Whole
from rag.config import dump, load, parse
from rag.errors import ConfigError
from rag.pack.budget import Budget
from rag.pipeline import IndexOptions, Models, Pipeline
from rag.refine.parents import Parents
from rag.registry import parts
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.weighted import Weighted

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("configs/*.yaml"), *ROOT.glob("eval/bench/*/*.yaml")])
VALID = "chunk: whole\nretrieve: bm25\n"


def _refused(tmp_path: Path, data: str | bytes) -> str:
    """Return the message a file is refused with, which must be one line that begins with its path."""
    path = tmp_path / "pipeline.yaml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(ConfigError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert len(text.splitlines()) == 1
    assert text.isprintable()
    assert len(text) < 1200
    return text.removeprefix(f"{path}: ")


def test_configurations_are_shipped() -> None:
    assert len([p for p in SHIPPED if p.parent.name == "configs"]) >= 8


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_shipped_configuration_loads_and_survives_dump_json_and_yaml(path: Path) -> None:
    pipeline = load(path)
    for again in (parse(dump(pipeline)), parse(json.loads(json.dumps(dump(pipeline)))), parse(yaml.safe_load(yaml.safe_dump(dump(pipeline))))):
        assert again == pipeline
        assert again.chunk_key == pipeline.chunk_key


def test_a_file_is_the_value_built_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("""# Comments are allowed.
chunk: {use: parent, child: {use: sentence, size: 64}, parent: markdown}
retrieve:
  use: weighted
  normalize: z_score
  of: [{use: bm25, limit: 80, k1: 2}, dense]
  weights: [1, 0.5]
refine: [{use: parents, limit: 10}]
pack: {use: budget, tokens: 800, order: ends, window: 4096}
answer: {use: extractive, blend: 0}
index: {search: exact, tenant_key: team}
models: {encoder: hashing-64}
""")
    assert load(path) == Pipeline(
        chunk=Parent(child=Sentence(size=64), parent=Markdown()),
        retrieve=Weighted(of=(Bm25(limit=80, k1=2.0), Dense(model="hashing-64")), normalize="z_score", weights=(1.0, 0.5)),
        refine=(Parents(limit=10),),
        pack=Budget(tokens=800, order="ends", window=4096),
        answer=Extractive(blend=0.0, model="hashing-64"),
        index=IndexOptions(search="exact", tenant_key="team"),
        models=Models("hashing-64"),
    )
    assert load(str(path)) == load(path)


def test_what_is_left_out_has_the_documented_defaults() -> None:
    assert parse({"chunk": "whole", "retrieve": "bm25"}) == Pipeline(Whole(), Bm25(), (), Budget(), Extractive(), IndexOptions(), Models())


def test_a_bare_name_is_a_mapping_with_use() -> None:
    assert parse({"chunk": "whole", "retrieve": "bm25"}) == parse({"chunk": {"use": "whole"}, "retrieve": {"use": "bm25"}})


def test_the_model_named_once_reaches_every_stage_that_names_none() -> None:
    of = [{"use": "rrf", "of": ["dense"]}, {"use": "dense", "model": "mine"}]
    pipeline = parse({"chunk": "semantic", "retrieve": {"use": "rrf", "of": of}, "refine": ["mmr"], "models": {"encoder": "hashing-8"}})
    assert pipeline.chunk.model == "hashing-8"  # type: ignore[attr-defined]  # the stages named above have these fields
    assert pipeline.retrieve.of[0].of[0].model == "hashing-8"  # type: ignore[attr-defined]
    assert pipeline.retrieve.of[1].model == "mine"  # type: ignore[attr-defined]
    assert pipeline.refine[0].model == "hashing-8"  # type: ignore[attr-defined]
    assert pipeline.answer.model == "hashing-8"  # type: ignore[attr-defined]


def test_a_whole_number_is_a_number() -> None:
    assert parse({"chunk": "whole", "retrieve": {"use": "bm25", "k1": 2}}).retrieve == Bm25(k1=2.0)


def _names(kind: str) -> str:
    return ", ".join(parts(kind))


MESSAGES: list[tuple[str, str]] = [
    ("", "a configuration is a mapping with chunk: and retrieve:, not nothing"),
    ("# only a comment\n", "a configuration is a mapping with chunk: and retrieve:, not nothing"),
    ("- chunk\n- retrieve\n", "a configuration is a mapping with chunk: and retrieve:, not a list"),
    ("hello", "a configuration is a mapping with chunk: and retrieve:, not text 'hello'"),
    ("chunk: whole\n", "retrieve: required and missing; expected: retrieve stage"),
    ("chunk: whole\nretrieve: rrf\n", "retrieve.of: required and missing; expected: list of retrieve stages"),
    (VALID + "retreive: bm25\n", "retreive: unknown field, did you mean 'retrieve'?; allowed: chunk, retrieve, refine, pack, answer, index, models"),
    ("chunk: whle\nretrieve: bm25\n", f"chunk: no chunk stage is called 'whle', did you mean 'whole'?; there are: {_names('chunk')}"),
    ("chunk: {use: whole, size: 3}\nretrieve: bm25\n", "chunk.size: unknown field; allowed: no fields"),
    ("chunk: {size: 3}\nretrieve: bm25\n", f"chunk: expected use: with the name of a chunk stage, found no use:; there are: {_names('chunk')}"),
    ("chunk: {use: 3}\nretrieve: bm25\n", f"chunk: expected use: with the name of a chunk stage, found the whole number 3; there are: {_names('chunk')}"),
    ("chunk: [whole]\nretrieve: bm25\n", "chunk: expected the name of a chunk stage or a mapping with use:, found a list"),
    ("chunk:\nretrieve: bm25\n", "chunk: expected the name of a chunk stage or a mapping with use:, found nothing"),
    ("chunk: whole\nretrieve: {use: bm25, limt: 3}\n", "retrieve.limt: unknown field, did you mean 'limit'?; allowed: limit, k1, b, language"),
    ("chunk: whole\nretrieve: {use: rrf, of: [bm25, {use: dense, limit: ten}]}\n", "retrieve.of[1].limit: expected a whole number, found text 'ten'"),
    ("chunk: whole\nretrieve: {use: bm25, limit: 2.5}\n", "retrieve.limit: expected a whole number, found the number 2.5"),
    ("chunk: whole\nretrieve: {use: bm25, limit: true}\n", "retrieve.limit: expected a whole number, found true"),
    ("chunk: whole\nretrieve: {use: bm25, k1: yes}\n", "retrieve.k1: expected a number, found true"),
    ("chunk: whole\nretrieve: {use: bm25, language: 5}\n", "retrieve.language: expected text, found the whole number 5"),
    ("chunk: whole\nretrieve: {use: bm25, language: 2001-01-01}\n", "retrieve.language: expected text, found a date"),
    ("chunk: whole\nretrieve: {use: bm25, limit: 0}\n", "retrieve: limit must be at least 1, not 0"),
    ("chunk: whole\nretrieve: {use: bm25, k1: 0}\n", "retrieve: k1 must be more than 0, not 0.0"),
    ("chunk: whole\nretrieve: {use: bm25, b: 1.5}\n", "retrieve: b must be at most 1, not 1.5"),
    ("chunk: whole\nretrieve: {use: bm25, k1: .nan}\n", "retrieve.k1: expected a finite number, found nan"),
    ("chunk: whole\nretrieve: {use: rrf, of: [bm25], k: .inf}\n", "retrieve.k: expected a finite number, found inf"),
    ("chunk: whole\nretrieve: {use: rrf, of: [bm25], weights: [.inf]}\n", "retrieve.weights[0]: expected a finite number, found inf"),
    ("chunk: whole\nretrieve: {use: bm25, limit: 100000000000000000000}\n", "retrieve.limit: a number beyond 9007199254740992 is too large"),
    ("chunk: {use: fixed, size: 10, overlap: 10}\nretrieve: bm25\n", "chunk: overlap must be less than size (10), not 10"),
    ("chunk: whole\nretrieve: {use: rrf, of: []}\n", "retrieve: of: needs at least one retriever"),
    ("chunk: whole\nretrieve: {use: rrf, of: bm25}\n", "retrieve.of: expected a list, found text 'bm25'; write [ ... ]"),
    ("chunk: whole\nretrieve: {use: rrf, of: [bm25], weights: [1, 2]}\n", "retrieve: weights: 2 for 1 retrievers; give one each or none"),
    (VALID + "pack: {use: budget, order: end}\n", "pack.order: text 'end' is not allowed, did you mean 'ends'?; choose: score, ends, document"),
    (VALID + "pack: {use: budget, order: 1}\n", "pack.order: the whole number 1 is not allowed; choose: score, ends, document"),
    (VALID + "refine: mmr\n", "refine: expected a list, found text 'mmr'; write [ ... ]"),
    (VALID + "refine: [mmr, {use: mmr, balance: 2}]\n", "refine[1]: balance must be at most 1, not 2.0"),
    (VALID + "index: fast\n", "index: expected a mapping, found text 'fast'"),
    (
        VALID + "index: {exact_bellow: 1}\n",
        "index.exact_bellow: unknown field, did you mean 'exact_below'?; allowed: search, exact_below, quantization, tenant_key, "
        "max_document_mb, duplicates, duplicate_similarity, parse_seconds, parse_memory_mb, modified_key",
    ),
    (VALID + "index: {exact_below: -1}\n", "index: exact_below must be at least 0, not -1"),
    (VALID + "index: {max_document_mb: 0}\n", "index: max_document_mb must be more than 0, not 0.0"),
    (VALID + "index: {tenant_key: ' '}\n", "index: tenant_key must not be blank; leave it out for an index without tenants"),
    (VALID + "models: {encoder: [a]}\n", "models.encoder: expected text, found a list"),
    (VALID + '"a\\nb": 1\n', "'a\\nb': unknown field; allowed: chunk, retrieve, refine, pack, answer, index, models"),
    (VALID + "chunk: fixed\n", "line 3: key 'chunk' is there twice; keep one"),
    ("chunk: &it whole\nretrieve: *it\n", "line 2: YAML aliases (*it) are not allowed; write the value out"),
    ("1: 2\n", "line 1: key 1 is not text; quote it"),
    ("chunk: " + "[" * 40 + "]" * 40, "line 1: nested more than 32 deep"),
    ("a: 1\n---\nb: 2\n", "line 2: not valid YAML (but found another document)"),
    ("chunk: [\n", "line 2: not valid YAML (expected the node content, but found '<stream end>')"),
    (
        "chunk: !!python/object:os.system {}\n",
        "line 1: not valid YAML (could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system')",
    ),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES)
def test_what_is_wrong_is_said_in_one_line_with_place_found_and_allowed(tmp_path: Path, text: str, message: str) -> None:
    assert _refused(tmp_path, text) == message


def test_an_unknown_language_lists_the_choices(tmp_path: Path) -> None:
    said = _refused(tmp_path, "chunk: whole\nretrieve: {use: bm25, language: englisch}\n")
    assert said.startswith("retrieve: language 'englisch' is not known, did you mean 'english'?; choose: arabic, basque, ")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"chunk: caf\xe9\n", "not UTF-8 text (invalid continuation byte at byte 10)"),
        (b"\xff\xfe", "a configuration is a mapping with chunk: and retrieve:, not nothing"),  # UTF-16, and empty
        (b"chunk: \x00\n", "not valid YAML (character U+0000 at offset 7 is not allowed)"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8 text (invalid start byte at byte 0)"),
    ],
)
def test_bytes_that_are_no_text_are_told_with_their_place(tmp_path: Path, data: bytes, message: str) -> None:
    assert _refused(tmp_path, data) == message


def test_other_dangerous_or_strange_tags_are_refused(tmp_path: Path) -> None:
    for tag in ("!!python/name:os.system", "!!python/object/apply:os.system [id]", "!!binary x", "!!int ''", "!!set {a}", "!!omap [a: 1]", "!mine 3"):
        _refused(tmp_path, f"chunk: {tag}\nretrieve: bm25\n")
    _refused(tmp_path, "<<: {chunk: whole}\nretrieve: bm25\n")


def test_numbers_too_large_to_print_are_refused_everywhere(tmp_path: Path) -> None:
    huge = "0x" + "f" * 5000  # beyond what Python turns into decimal text
    for text in (
        f"chunk: {huge}\nretrieve: bm25\n",
        f"chunk: whole\nretrieve: {{use: bm25, k1: {huge}}}\n",
        f"chunk: whole\nretrieve: {{use: bm25, limit: -{huge}}}\n",
    ):
        assert "too large" in _refused(tmp_path, text)
    assert "too large" in _refused(tmp_path, f"{VALID}pack: {{use: budget, order: {huge}}}\n")


def test_long_values_are_shortened(tmp_path: Path) -> None:
    long = "x" * 50_000
    for text in (f"chunk: {long}\nretrieve: bm25\n", f"{VALID}{long}: 1\n", f"{VALID}pack: {{use: budget, order: {long}}}\n", f"{VALID}models: {long}\n"):
        _refused(tmp_path, text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.yaml", "No such file or directory"), (tmp_path, "Is a directory"), (Path("a\0b"), "embedded null byte")):
        with pytest.raises(ConfigError, match=rf"cannot be read \({why}\); check the path$"):
            load(path)


def test_a_large_or_endless_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    assert _refused(tmp_path, b"#" * 300_000) == "more than 262144 bytes are no configuration; check the path"
    with pytest.raises(ConfigError, match="more than 262144 bytes"):
        load("/dev/zero")


def test_dump_writes_every_field() -> None:
    body = dump(parse({"chunk": "whole", "retrieve": "bm25"}))
    assert list(body) == ["chunk", "retrieve", "refine", "pack", "answer", "index", "models"]
    assert body["retrieve"] == {"use": "bm25", "limit": 100, "k1": 1.2, "b": 0.75, "language": "english"}
    assert re.fullmatch(r"[\x00-\x7f]*", json.dumps(body))
