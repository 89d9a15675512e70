"""What is kept and why something is not."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.doctor.shelf import Shelf
from eval.synthesis.collect import Collection
from eval.synthesis.drafts import Draft, name_of, once, row, written
from eval.synthesis.filters import refusal
from eval.synthesis.marks import CLOZE, HARD, SINGLE, UNANSWERABLE
from eval.synthesis.pairs import pairs
from eval.synthesis.sections import sections
from eval.synthesis.turns import parts, turns
from rag.types import Document, Span

TEXT = "The surcharge for parcels heavier than twenty kilograms is 17 euros. Postwurm collects on Tuesdays. Postwurm collects on Tuesdays."
DOCS = {"a": Document("a", TEXT)}
FEE = Span("a", 0, 68)


def why(text, answer="It is 17 euros.", evidence=(FEE,), kind=SINGLE):
    return refusal(Draft(kind, "a", text, (answer,) if answer is not None else (), evidence), DOCS)


def test_a_good_question_is_kept():
    assert why("What must somebody pay who sends a very weighty box?") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("What is it?", "too short"),
        ("What " + "very " * 50 + "long?", "too long"),
        ("Tell me what one pays for a weighty box.", "no question mark"),
        ("What does this passage say about weighty boxes?", "not self-contained"),
        ("Which price is mentioned above for weighty boxes?", "not self-contained"),
        ("What is paid according to the given text for boxes?", "not self-contained"),
        ("What do they have to pay for it?", "not self-contained"),
        ("Who pays the surcharge for parcels heavier than twenty stones?", "copied from its evidence"),
        ("Heavier parcels than twenty kilograms have which surcharge in euros?", "copied from its evidence"),
    ],
)
def test_bad_questions_have_a_reason(text, reason):
    assert why(text) == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no answer"),
        (None, "no answer"),
        ("Wombats dig burrows.", "answer not in its evidence"),
        ("It is 18 euros.", "answer not in its evidence"),
        ("A weighty box.", "answer in the question"),
        ("Yes.", ""),
    ],
)
def test_bad_answers_have_a_reason(answer, reason):
    assert why("What must somebody pay who sends a weighty box?", answer) == reason


def test_evidence_that_stands_twice_is_refused_for_every_kind():
    again = (Span("a", 69, 99),)
    assert TEXT[69:99] == "Postwurm collects on Tuesdays."
    assert why("Which weekday does the carrier come by?", "Tuesdays", again) == "evidence stands more than once"
    assert why('According to "a", who collects on Tuesdays?', "Postwurm", again, CLOZE) == "evidence stands more than once"


def test_questions_by_rule_may_repeat_their_evidence():
    assert why('According to "a", what fills the gap: "The surcharge for parcels heavier than twenty kilograms is ____ euros"?', "17", kind=CLOZE) == ""


def test_unanswerable_questions_need_no_answer_but_may_not_copy_either():
    assert why("Which insurer covers a very weighty box at sea?", None, (), UNANSWERABLE) == ""
    draft = Draft(UNANSWERABLE, "a", "Who made the surcharge for parcels heavier than twenty kilograms?", (), (), (FEE,))
    assert refusal(draft, DOCS) == "copied from its evidence"


class Found:
    """Finds documents in a fixed order."""

    def __init__(self, *names):
        self.names = names

    def documents(self, text):
        return list(self.names)


def test_repeated_and_nearly_repeated_questions_are_counted():
    collection = Collection(DOCS, Shelf(DOCS), Found("a"), "english")
    texts = [
        "Which price has a weighty box abroad?",
        "WHICH price has a weighty box abroad?",
        "Which price have weighty boxes abroad?",
        "Who comes on which weekday for boxes?",
    ]
    spans = [Span("a", 0, 30 + i) for i in range(4)]
    added = [collection.add(Draft(CLOZE, "a", t, (), (s,))) for t, s in zip(texts, spans, strict=True)]
    assert added == [True, False, False, True]
    assert collection.refused == Counter({(CLOZE, "duplicate"): 1, (CLOZE, "near duplicate"): 1})


def test_two_questions_of_one_kind_about_one_place_are_one():
    collection = Collection(DOCS, Shelf(DOCS), Found("a"), "english")
    assert collection.add(Draft(CLOZE, "a", "Which price has a weighty box?", (), (FEE,)))
    assert not collection.add(Draft(CLOZE, "a", "Who comes on some weekday then?", (), (FEE,)))


def test_evidence_that_another_document_has_too_is_refused_unless_both_are_named():
    texts = {"a": Document("a", "Postwurm collects boxes on Tuesdays."), "b": Document("b", "As we said: postwurm collects boxes on Tuesdays!")}
    a, b = Span("a", 0, 36), Span("b", 12, 48)
    collection = Collection(texts, Shelf(texts), Found("a", "b"), "english")
    assert not collection.add(Draft(CLOZE, "a", "Which day has the carrier chosen for pickups?", (), (a,)))
    assert collection.refused == Counter({(CLOZE, "evidence stands in another document too"): 1})
    assert collection.add(Draft(CLOZE, "a", "Which day has the carrier chosen for pickups?", (), (a, b)))


def test_a_question_whose_document_no_search_finds_is_hard():
    others = [f"other{i}" for i in range(10)]
    for names, hard in ((["a"], False), ([*others[:9], "a"], False), ([*others, "a"], True)):
        collection = Collection(DOCS, Shelf(DOCS), Found(*names), "english")
        collection.add(Draft(CLOZE, "a", "Which price has a weighty box?", (), (FEE,)))
        assert collection.kept[0].hard is hard
        assert (HARD in row(collection.kept[0], DOCS)["tags"]) is hard


def test_rows_hold_quotes_where_they_are_unique_and_places_otherwise():
    assert written(FEE, DOCS) == {"doc": "a", "quote": TEXT[:68]}
    assert written(Span("a", 69, 99), DOCS) == {"doc": "a", "start": 69, "end": 99}
    assert once("aaa", "aa") is False


def test_ids_depend_on_text_and_place_alone():
    assert name_of("x", (FEE,)) == name_of("x", (FEE,))
    assert len({name_of("x", (FEE,)), name_of("y", (FEE,)), name_of("x", ()), name_of("x", (Span("a", 0, 67),))}) == 4


@given(st.integers(0, 60), st.dictionaries(st.sampled_from("abcd"), st.integers(1, 5), min_size=1))
def test_parts_add_up_and_are_within_one_of_their_share(total, shares):
    found = parts(total, shares)
    assert sum(found.values()) == total
    assert all(abs(found[k] - total * v / sum(shares.values())) < 1 for k, v in shares.items())


def test_every_document_has_its_turn_before_any_has_a_second():
    items = {d: [f"{d}{i}" for i in range(3)] for d in "abcd"} | {"e": ["e0"]}
    order = list(turns(items, 3, "cloze"))
    assert len(set(order)) == 13
    assert {x[0] for x in order[:5]} == set("abcde")
    assert order == list(turns(dict(reversed(items.items())), 3, "cloze"))
    assert order != list(turns(items, 4, "cloze"))
    assert list(turns({}, 0, "cloze")) == []


def test_kinds_begin_with_different_documents():
    items = {d: [d] for d in "abcdef"}
    first, second = list(turns(items, 0, "cloze"))[:2], list(turns(items, 0, "heading", after=2))[:4]
    assert set(first) | set(second) == set("abcdef")


def test_pairs_share_a_rare_word_in_two_documents():
    texts = {
        "a": "The Zollamt refunds import duties on goods that customers of the shop send back within thirty days.",
        "b": "Private gifts stay free of any duty, says the Zollamt, as long as they are worth less than a hundred.",
        "c": "Quokkas sleep through the whole day and wander at night, which nobody in the shop has ever seen yet.",
    }
    documents = {i: Document(i, t) for i, t in texts.items()}
    found = pairs([s for d in documents.values() for s in sections(d)], Shelf(documents))
    assert next((p.a.document.id, p.b.document.id, p.term) for own in found.values() for p in own) == ("a", "b", "Zollamt")
    assert ("a", "b") in {(p.a.document.id, p.b.document.id) for p in found["a"]}
    assert len({(p.a.place, p.b.place) for own in found.values() for p in own}) == sum(map(len, found.values()))
