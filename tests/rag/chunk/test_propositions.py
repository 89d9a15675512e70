"""Statements to search, each tied to the text it comes from and to the piece that is read in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.chunk.fixed import Fixed
from rag.chunk.markdown import Markdown
from rag.chunk.propositions import Propositions
from rag.chunk.whole import Whole
from rag.config import dump, parse
from rag.errors import ChatError, ConfigError
from rag.index.check import check
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document, Piece

from .chats import Ruled, halves, shown

TEXT = "# Pumps\n\n## Model A\n\nIt weighs 3 kg. It costs 90 euros.\n\n## Model B\n\nIt weighs 5 kg."
SECTIONS = Markdown(size=60, merge=False, unit="characters")


def cut(chunker: Propositions, text: str, runtime: Runtime) -> list[Piece]:
    """Return the pieces of a document."""
    return list(chunker.chunk(Document("pumps.md", text), runtime))


def said(pieces: list[Piece], text: str = TEXT) -> list[tuple[str, str | None, object]]:
    """Return of every piece its cut, what is indexed instead, and where its statement is from."""
    return [(text[p.start : p.end], p.index_text, p.meta.get("statement_from")) for p in pieces]


def stating(*statements: tuple[str, str]) -> Ruled:
    """Return a model that makes these statements, with their quotes, of the passage about Model A, and none of others."""
    reply = json.dumps({"statements": [{"statement": s, "quote": q} for s, q in statements]})
    return Ruled(lambda sources: reply if "Model A" in sources["passage"] else '{"statements": []}')


KEPT_B = ("## Model B\n\nIt weighs 5 kg.", "Pumps\n## Model B\n\nIt weighs 5 kg.", "text")


def test_each_sentence_is_indexed_behind_its_headings_and_read_in_its_piece(runtime: Runtime) -> None:
    """Headings that the sentence begins with are not said twice."""
    found = cut(Propositions(SECTIONS), TEXT, runtime)
    assert said(found) == [
        ("# Pumps\n\n## Model A\n\nIt weighs 3 kg.", None, None),
        ("It costs 90 euros.", "Pumps > Model A\nIt costs 90 euros.", None),
        ("## Model B\n\nIt weighs 5 kg.", "Pumps\n## Model B\n\nIt weighs 5 kg.", None),
    ]
    assert [p.parent for p in found] == [(0, 55), (0, 55), (57, 84)]
    assert [p.meta["heading"] for p in found] == ["Pumps > Model A", "Pumps > Model A", "Pumps > Model B"]


def test_a_row_is_indexed_behind_headings_and_the_header_of_its_table(runtime: Runtime) -> None:
    """The second row does not say itself what its numbers are."""
    text = "# Pumps\n\n| model | kg |\n|---|---|\n| A | 3 |\n| B | 5 |"
    assert said(cut(Propositions(Whole()), text, runtime), text)[-1] == ("| B | 5 |", "Pumps\n| model | kg |\n| B | 5 |", None)


def test_a_sentence_of_two_overlapping_pieces_is_one_statement(runtime: Runtime) -> None:
    """The first of them is its parent; where a piece cuts a sentence, both parts are statements. In order of their start."""
    over = Fixed(size=20, overlap=10, unit="characters")
    found = cut(Propositions(over, size=20, unit="characters"), "aaaaa. Bbbbb. Ccccc. Ddddd.", runtime)
    text = "aaaaa. Bbbbb. Ccccc. Ddddd."
    assert [(text[p.start : p.end], p.parent) for p in found] == [
        ("aaaaa.", (0, 20)), ("Bbbbb.", (0, 20)), ("bb.", (10, 27)), ("Ccccc.", (0, 20)), ("Ddddd.", (10, 27)),
    ]  # fmt: skip


def test_a_statement_stands_for_the_sentence_that_its_quote_is_in(runtime: Runtime) -> None:
    """What no statement stands for is kept as itself; a second statement of one sentence is a piece of its own."""
    chat = stating(("The Model A pump costs 90 EUR.", "costs\n 90 euros"), ("Model A is cheap.", "It costs 90 euros."))
    assert said(cut(Propositions(SECTIONS, by="chat", chat=chat), TEXT, runtime)) == [
        ("# Pumps\n\n## Model A\n\nIt weighs 3 kg.", None, "text"),
        ("It costs 90 euros.", "Model A is cheap.", "quote"),
        ("It costs 90 euros.", "The Model A pump costs 90 EUR.", "quote"),
        KEPT_B,
    ]


def test_a_statement_whose_quote_is_nowhere_is_tied_by_its_terms_or_to_the_whole_piece(runtime: Runtime) -> None:
    """No statement is dropped, and one that is only known to be from the piece leaves all its sentences as they are."""
    chat = stating(("It costs euros.", "price: ninety"), ("Something else entirely.", "nowhere"))
    assert said(cut(Propositions(SECTIONS, by="chat", chat=chat), TEXT, runtime)) == [
        ("# Pumps\n\n## Model A\n\nIt weighs 3 kg.", None, "text"),
        ("# Pumps\n\n## Model A\n\nIt weighs 3 kg. It costs 90 euros.", "Something else entirely.", "passage"),
        ("It costs 90 euros.", "It costs euros.", "terms"),
        KEPT_B,
    ]


def test_a_statement_over_two_sentences_has_both(runtime: Runtime) -> None:
    """Its quote runs from one into the next; nothing is left to keep."""
    found = cut(Propositions(SECTIONS, by="chat", chat=stating(("All of it.", "3 kg. It costs"))), TEXT, runtime)
    assert said(found) == [("# Pumps\n\n## Model A\n\nIt weighs 3 kg. It costs 90 euros.", "All of it.", "quote"), KEPT_B]


def test_statements_are_clean_lines_and_none_is_there_twice(runtime: Runtime) -> None:
    """Hidden characters and white space go; a blank statement says nothing; 128 tokens are kept of a long one."""
    chat = stating(("A\u200b  b\n\nc.", "It costs"), ("A b c.", "It costs"), (" \u200b", "It costs"), ("word " * 200, "It weighs"))
    found = cut(Propositions(SECTIONS, by="chat", chat=chat), TEXT, runtime)
    assert [p.index_text for p in found][:2] == [" ".join(["word"] * 128), "A b c."]
    assert len(found) == 3


@pytest.mark.parametrize("reply", ["", "no JSON", '{"statements": [7]}', '{"statements": []}', "{}", "refused", "truncated"])
def test_without_usable_statements_the_sentences_are_kept(runtime: Runtime, reply: str) -> None:
    """As `by: sentences` cuts them, which the metadata says."""
    found = cut(Propositions(SECTIONS, by="chat", chat=Ruled(lambda s: reply)), TEXT, runtime)
    plain = cut(Propositions(SECTIONS), TEXT, runtime)
    assert [(p.start, p.end, p.parent, p.index_text) for p in found] == [(p.start, p.end, p.parent, p.index_text) for p in plain]
    assert {p.meta["statement_from"] for p in found} == {"text"}


def test_a_reply_without_the_form_is_asked_for_once_more(runtime: Runtime) -> None:
    """With what is wrong with it; the second is taken."""
    replies = iter(["no JSON", '{"statements": [{"statement": "Mended.", "quote": "costs 90"}]}'])
    chat = Ruled(lambda s: next(replies))
    found = cut(Propositions(Whole(), by="chat", chat=chat), TEXT, runtime)
    assert "Mended." in [p.index_text for p in found]
    assert len(chat.asked) == 2
    assert "cannot be used" in chat.asked[1].messages[-1].content


@pytest.mark.parametrize("why", ["unreachable", "over_budget", "not_recorded"])
def test_a_model_that_is_not_there_ends_the_build(runtime: Runtime, why: str) -> None:
    """An index without statements would not be what was asked for."""
    with pytest.raises(ChatError, match="by the rule"):
        cut(Propositions(SECTIONS, by="chat", chat=Ruled(lambda s: why)), TEXT, runtime)


def test_the_model_is_shown_the_piece_and_its_place(runtime: Runtime) -> None:
    """Nothing else, so that an edit asks again only for the piece it is in; a reply has to have a form."""
    chat, memo = Ruled(halves), Memo()
    first, second = Runtime(memo=memo, show_progress=False), Runtime(memo=memo, show_progress=False)
    cut(Propositions(SECTIONS, by="chat", chat=chat), TEXT, first)
    assert [shown(r) for r in sorted(chat.asked, key=lambda r: r.subject)][1] == {
        "title and headings": "pumps > Pumps > Model B", "passage": "## Model B\n\nIt weighs 5 kg.",
    }  # fmt: skip
    assert all(r.schema is not None and "statements" in r.schema["properties"] for r in chat.asked)
    cut(Propositions(SECTIONS, by="chat", chat=chat), TEXT.replace("5 kg", "7 kg"), second)
    assert (first.work.completions, second.work.completions) == (2, 1)


def test_only_by_chat_needs_a_chat_model_and_only_then_is_it_part_of_the_index() -> None:
    """Another model for the answers is no reason to cut documents anew."""
    models = {"chat": {"use": "recorded", "path": "a.jsonl"}}
    data = {"chunk": {"use": "propositions", "over": "markdown"}, "retrieve": "bm25"}
    assert parse(data).chunk_key == parse({**data, "models": models}).chunk_key
    with pytest.raises(ConfigError, match="propositions asks a chat model and none is named"):
        parse({**data, "chunk": {**data["chunk"], "by": "chat"}})
    asking = parse({**data, "chunk": {**data["chunk"], "by": "chat"}, "models": models})
    assert parse(dump(asking)) == asking
    with pytest.raises(ConfigError, match="language 'klingon' is not known"):
        parse({**data, "chunk": {**data["chunk"], "language": "klingon"}})


def test_statements_are_searched_and_their_pieces_shown_once(lab, tmp_path: Path) -> None:
    """Two statements of one sentence are two chunks with one span; hits are widened to their piece, and an edit is taken over."""
    recorded = tmp_path / "statements.jsonl"
    reply = {"statements": [{"statement": "Okapi one.", "quote": "90 euros"}, {"statement": "Okapi two.", "quote": "90 euros"}]}
    row = {"task": "propositions", "subject": "pumps.md [0:55]", "text": json.dumps(reply)}
    other = {"task": "propositions", "subject": "pumps.md [57:84]", "text": '{"statements": []}'}
    recorded.write_text("\n".join(map(json.dumps, [row, other])), encoding="utf-8")
    chunk = {"use": "propositions", "by": "chat", "over": {"use": "markdown", "size": 60, "merge": False, "unit": "characters"}}
    models = {"encoder": "hashing-64", "chat": {"use": "recorded", "path": str(recorded)}}
    pipeline = lab.pipeline("bm25", chunk, models=models, refine=["parents"])
    path = lab.folder()
    lab.build(path, pipeline, [Document("pumps.md", TEXT, title="Catalogue")])
    with Index.open(path, lab.runtime) as index:
        found, _ = lab.pipeline("bm25", chunk, models=models).search(index, "okapi")
        assert [h.chunk.text for h in found] == ["It costs 90 euros."] * 2
        assert sorted(h.chunk.index_text for h in found) == ["Catalogue Okapi one.", "Catalogue Okapi two."]
        hits, _ = pipeline.search(index, "okapi")
        assert [h.chunk.text for h in hits] == [TEXT[:55]]
        packed = lab.pipeline("bm25", chunk, models=models).ask(index, "okapi euros").context
        assert packed.text.count("It costs 90 euros.") == 1
        assert check(index)["faults"] == []
        assert index.manifest.chunks == 4
    edited = [Document("pumps.md", TEXT.replace("\n\n## Model B\n\nIt weighs 5 kg.", ""), title="Catalogue")]
    assert lab.counts(lab.build(path, pipeline, edited)) == lab.expect(updated=1)
    with Index.open(path, lab.runtime) as index:
        assert index.manifest.chunks == 3
        assert check(index)["faults"] == []
