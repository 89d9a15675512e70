"""The check of citations: marks, quotes, numbers and support, on texts where the right verdict can be seen."""

from __future__ import annotations

import pytest

from rag.answer._check import Rules, _plain, check, locate
from rag.answer._claims import claims
from rag.types import Span

TEXTS = {
    "cats.md": "Cats sleep sixteen hours a day. They hunt at night, and eat 1,200 mice a year.",
    "dogs.md": "Dogs bark loudly.\nA dog\u2019s \u201cwet  nose\u201d is cold \u2014 always.",
}
RULES = Rules(0.5, "english", "hashing-256")


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index(TEXTS) as index:
        yield index.reader(index.pipeline)


@pytest.fixture
def checked(reader, source):
    hits = [source(TEXTS, "cats.md"), source(TEXTS, "dogs.md")]
    return lambda text, rules=RULES: check(claims(text), hits, rules, reader)


def kinds(found):
    return [f.kind for f in found.flags]


def test_a_claim_that_its_source_makes_is_cited_to_the_sentence_that_makes_it(checked):
    found = checked("Cats sleep sixteen hours a day [1].")
    assert found.citations == (Span("cats.md", 0, 31),)
    assert found.support == (1.0,)
    assert found.flags == ()


def test_a_mark_without_a_source_is_flagged_and_cites_nothing(checked):
    text = "Dogs bark loudly [3]. Dogs bark loudly [0]."
    found = checked(text)
    assert kinds(found) == ["no_source", "no_source"]
    assert [text[f.start : f.end] for f in found.flags] == ["[3]", "[0]"]
    assert found.citations == ()


def test_a_claim_without_a_mark_is_flagged(checked):
    assert kinds(checked("Dogs bark loudly.")) == ["uncited"]


def test_a_claim_about_something_else_is_unsupported(checked):
    found = checked("Parrots imitate human speech perfectly [2].")
    assert kinds(found) == ["unsupported"]
    assert found.support[0] < 0.5
    assert found.citations[0].doc_id == "dogs.md"


def test_a_number_that_no_cited_source_has_is_unsupported_however_alike_the_rest(checked):
    found = checked("They hunt at night, and eat 1,300 mice a year [1].")
    assert kinds(found) == ["unsupported"]
    assert "1,300" in found.flags[0].note


def test_a_number_may_be_written_otherwise(checked):
    assert kinds(checked("They hunt at night, and eat 1200 mice a year [1].")) == []


def test_the_best_of_several_sources_supports(checked):
    found = checked("Dogs bark loudly [1][2].")
    assert kinds(found) == []
    assert Span("dogs.md", 0, 17) in found.citations


def test_a_quote_is_cited_exactly_and_a_wrong_one_flagged(checked):
    right = checked('It says "sleep sixteen hours a day" there [1].')
    assert right.citations == (Span("cats.md", 5, 30),)
    assert "bad_quote" not in kinds(right)
    assert "bad_quote" in kinds(checked('It says "sleep sixty hours a day" there [1].'))
    assert "bad_quote" in kinds(checked('It says "sleep sixteen hours a day" there [2].'))


def test_the_threshold_decides(checked):
    text = "Loud dogs bark [2]."
    support = checked(text).support[0]
    assert kinds(checked(text, Rules(support - 0.01, "english", "hashing-256"))) == []
    assert kinds(checked(text, Rules(support + 0.01, "english", "hashing-256"))) == ["unsupported"]


@pytest.mark.parametrize("quote", ['A dog\'s "wet nose" is cold - always', "a DOG\u2019s  \u201cwet\nnose\u201d", "is cold \u2014 always."])
def test_quotes_are_found_whatever_their_spaces_dashes_and_quotation_marks(source, quote):
    hit = source(TEXTS, "dogs.md", 5)
    span = locate(quote, hit)
    assert span is not None
    assert TEXTS["dogs.md"][span.start : span.end].split()[-1].strip('.\u201d"') == quote.split()[-1].strip('.\u201d"')


@pytest.mark.parametrize("quote", ["", " . ", "bark loudly. A cat"])
def test_what_is_not_there_is_not_found(source, quote):
    assert locate(quote, source(TEXTS, "dogs.md")) is None


def test_a_quote_is_found_although_the_source_has_hidden_characters(source):
    texts = {"a.md": "Cats sl\u00adeep six\u200bteen\r\nhours \x1b[31ma\x1b[0m day."}
    span = locate("sleep sixteen hours a day", source(texts, "a.md"))
    assert texts["a.md"][span.start : span.end] == "sl\u00adeep six\u200bteen\r\nhours \x1b[31ma\x1b[0m day"


def test_every_source_that_is_named_is_cited_also_where_one_holds_a_quote(checked):
    found = checked('It says "sleep sixteen hours a day" there [1][2].')
    assert [s.doc_id for s in found.citations] == ["cats.md", "dogs.md"]


@pytest.mark.parametrize(
    ("one", "other", "same"), [("2.50", "2.5", True), ("1,200", "1200", True), ("2.0.20", "2.0.2", False), ("10", "1", False), ("3.0", "3", True)]
)
def test_when_two_numbers_are_the_same(one, other, same):
    assert (_plain(one) == _plain(other)) == same
