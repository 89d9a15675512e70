"""Laws that every registered chunker holds, on texts chosen to break it."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.blocks import blocks
from rag.chat.parrot import Parrot
from rag.chunk.contextual import Contextual
from rag.chunk.fixed import Fixed
from rag.chunk.markdown import Markdown
from rag.chunk.parent import Parent
from rag.chunk.propositions import Propositions
from rag.chunk.recursive import Recursive
from rag.chunk.semantic import Semantic
from rag.chunk.sentence import Sentence
from rag.memo import Memo
from rag.registry import parts
from rag.runtime import Runtime
from rag.stages import Chunker
from rag.types import Document, Piece

from .chats import Ruled, first_words, halves

# Small sizes, so that short texts meet every branch. A chunker that is not named here is tested with its defaults.
SMALL: dict[str, list[Chunker]] = {
    "fixed": [Fixed(size=8), Fixed(size=8, overlap=7), Fixed(size=8, overlap=3, unit="characters")],
    "recursive": [Recursive(size=8), Recursive(size=8, overlap=7), Recursive(size=9, overlap=4, unit="characters")],
    "sentence": [Sentence(size=8), Sentence(size=8, overlap_sentences=3, language="none"), Sentence(size=9, unit="characters")],
    "markdown": [Markdown(size=8), Markdown(size=8, max_block=8, merge=False), Markdown(size=9, unit="characters")],
    "semantic": [
        Semantic(size=12, min_size=3, model="hashing-64", percentile=50),
        Semantic(size=9, min_size=9, buffer=0, model="hashing-64", threshold="absolute", unit="characters"),
    ],
    "parent": [
        Parent(child=Fixed(size=5), parent=Markdown(size=20)),
        Parent(child=Sentence(size=8), parent=Fixed(size=30, overlap=20, unit="characters")),
        Parent(child=Parent(child=Fixed(size=3), parent=Fixed(size=6)), parent=Recursive(size=20)),
    ],
    "contextual": [
        Contextual(over=Markdown(size=8), header_tokens=4),
        Contextual(over=Sentence(size=8), by="chat", chat=Ruled(first_words), around=10),
        Contextual(over=Parent(child=Fixed(size=5), parent=Markdown(size=20)), by="chat", chat=Ruled(lambda s: ""), around=0),
    ],
    "propositions": [
        Propositions(over=Markdown(size=20), size=8),
        Propositions(over=Fixed(size=30, overlap=20, unit="characters"), size=9, unit="characters", language="none"),
        Propositions(over=Markdown(size=20), by="chat", chat=Ruled(halves), size=8),
        Propositions(over=Fixed(size=12, overlap=6), by="chat", chat=Parrot(), size=8),
    ],
}
FRAGMENTS = [
    "word", "Über", "naïve", "e\u0301a\u0302\u0323", "\u0301\u0301\u0301", "Привет", "日本語です。", "「次」", "한국어", "हिन्दी।", "שלום", "مرحبا؟", "ไทย",
    "👩\u200d👩\u200d👧", "👍🏽", "🇩🇪", "❤\ufe0f", "\u200d", "\x00", "\x0b", "\x1c", "\x85", "\u2028", "\u2029", "\ufeff", "\u00a0", "\u3000", "\ud800",
    " ", "  ", "\t", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\n \t\n", ".", ". ", "? ", "! ", "...", "Dr. ", "3.14", '"', "(", ")", "x" * 130, "ab" * 9,
    "\n# Top\n", "\n## Sub { #sub }\n", "\n###### Deep ######\n", "\n#\n", "\nTitle\n=====\n", "\nTitle\n---\n", "\n---\n", "\n* * *\n", "\n- item\n",
    "\n  1. one\n",    "\n```python\n", "\n```\n", "\n~~~\n", "\n| a | b |\n|---|---|\n| 1 | 2 |\n", "|", "\n> quote\n", "    code", "[UNK]", "<div>",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.sampled_from(["some ", "more ", "text. "])), max_size=40).map("".join)
)
RUNTIME = Runtime(memo=Memo(), show_progress=False)


def instances() -> list[Any]:
    """Return every registered chunker: the small ones of the table, else its defaults with a model that needs no weights."""
    found = []
    for use, cls in parts("chunk").items():
        required = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]  # every stage is a dataclass
        if use not in SMALL and required:
            found.append(pytest.param(None, id=f"{use}-needs-a-row-in-SMALL"))
        for i, chunker in enumerate(SMALL.get(use) or ([] if required else [_light(cls())])):
            found.append(pytest.param(chunker, id=f"{use}-{i}"))
    return found


def _light(chunker: Any) -> Any:
    models = {f.name: "hashing-64" for f in fields(chunker) if f.metadata.get("model") == "encoder"}
    return replace(chunker, **models)


def cut(chunker: Chunker, document: Document) -> list[Piece]:
    """Return all pieces, refusing to go on for ever; a model may make several statements of one character."""
    found = []
    most = (3 if getattr(chunker, "by", "") == "chat" else 1) * len(document.text) + 1
    for piece in chunker.chunk(document, RUNTIME):
        found.append(piece)
        assert len(found) <= most, "more pieces than characters"
    return found


def tokens_in(document: Document, pieces: list[Piece]) -> list[int]:
    """Count, the slow way, the tokens of the body that each piece touches."""
    text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in document.text[document.body :])
    offsets = [(document.body + a, document.body + b) for a, b in RUNTIME.tokenizer("all-MiniLM-L6-v2").offsets(text)]
    return [sum(a < p.end and b > p.start for a, b in offsets) for p in pieces]


def check(chunker: Chunker, document: Document) -> list[Piece]:
    """Hold the pieces of a document to the laws and return them."""
    text, pieces = document.text, cut(chunker, document)
    places = [(p.start, p.end, p.index_text or "") for p in pieces]
    assert places == sorted(set(places)), "in order of start, then end, none twice; several statements may be of one place"
    covered = [False] * len(text)
    for piece in pieces:
        assert document.body <= piece.start < piece.end <= len(text)
        cut_text = text[piece.start : piece.end]
        assert cut_text == cut_text.strip() != ""
        covered[piece.start : piece.end] = [True] * (piece.end - piece.start)
        assert all(isinstance(v, (str, int, float, bool)) for v in piece.meta.values())
        if piece.parent:
            assert document.body <= piece.parent[0] <= piece.start < piece.end <= piece.parent[1] <= len(text)
    missing = [c for i, c in enumerate(text) if i >= document.body and not covered[i] and not c.isspace()]
    assert not missing, f"in no piece: {missing}"
    assert all(p.index_text is None or p.index_text.strip() for p in pieces)
    assert places == [(p.start, p.end, p.index_text or "") for p in cut(chunker, document)], "the same every time"
    return pieces


@pytest.mark.parametrize("chunker", instances())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, share=st.sampled_from([0.0, 0.0, 0.3, 1.0]))
def test_pieces_are_ordered_trimmed_and_lose_nothing(chunker: Chunker | None, text: str, share: float) -> None:
    """Order, bounds, coverage of every non-blank character of the body, scalar metadata, determinism, termination."""
    assert chunker is not None, "add a small instance of this chunker to SMALL: it has required fields"
    check(chunker, Document("d", text, body=int(len(text) * share)))


SIZED = [c for name in ("fixed", "recursive", "sentence", "markdown", "semantic", "propositions") for c in SMALL[name] if getattr(c, "by", "") != "chat"]


@pytest.mark.parametrize("chunker", SIZED, ids=lambda c: f"{c.use}-{c.unit}")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS)
def test_no_piece_exceeds_its_size(chunker: Any, text: str) -> None:
    """Only a fence or table kept whole may; no character of these texts makes more than 8 tokens."""
    document = Document("d", text)
    pieces = cut(chunker, document)
    counts = [p.end - p.start for p in pieces] if chunker.unit == "characters" else tokens_in(document, pieces)
    whole = {(b.start, b.end) for b in blocks(text) if b.kind in ("fence", "table")} if chunker.use == "markdown" else set()
    for piece, count in zip(pieces, counts, strict=True):
        limit = chunker.size
        if (piece.start, piece.end) in whole:
            limit = chunker.max_block or 4 * chunker.size
        assert count <= limit, text[piece.start : piece.end]


@pytest.mark.parametrize("chunker", instances())
@pytest.mark.parametrize("text", ["", " ", "\n\n \t\r\n", "\u2028\u2029\x85\x1c"])
def test_a_blank_document_gives_nothing(chunker: Chunker, text: str) -> None:
    """Nothing to quote, nothing to index."""
    assert cut(chunker, Document("d", text)) == []


@pytest.mark.parametrize("chunker", instances())
@pytest.mark.parametrize("text", ["a", "。", "\x00", "\u0301", "#", "`", "|", "\ud800"])
def test_one_character_is_one_piece(chunker: Chunker, text: str) -> None:
    """Whatever the character, even one that no token covers; more than one piece only where a model makes statements of it."""
    places = [(p.start, p.end) for p in cut(chunker, Document("d", text))]
    assert (sorted(set(places)) if getattr(chunker, "by", "") == "chat" else places) == [(0, 1)]


@pytest.mark.parametrize("chunker", instances())
def test_front_matter_is_left_out(chunker: Chunker) -> None:
    """Text before `body` is in no piece, and offsets still refer to the whole text."""
    text = "---\ntitle: x\n---\nThe body begins here."
    pieces = check(chunker, Document("d", text, body=17))
    assert pieces[0].start == 17
    assert pieces[-1].end == len(text)


@pytest.mark.parametrize("chunker", instances())
@pytest.mark.parametrize(
    "text",
    ["x" * 5000, "word " * 1000, "\n" * 5000 + "x", "." * 5000, "a" + "\u0301" * 2000, "|" * 2000, "- \n" * 700,
     "#\n" * 700, "```\n" * 500, "(" * 2000, " \n" * 2000, "👩\u200d" * 700],
    ids=["one-word", "words", "newlines", "stops", "marks", "bars", "items", "headings", "fences", "brackets", "blank-lines", "joiners"],
)  # fmt: skip
def test_repetitive_text_is_cut_by_the_same_laws(chunker: Chunker, text: str) -> None:
    """Texts whose every position is the same case: loops must advance, and nothing may be lost."""
    check(chunker, Document("d", text))
