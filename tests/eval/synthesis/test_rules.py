"""Questions by rule: sections, sentences that stand alone, gaps and headings."""

import pytest

from eval.doctor.shelf import Shelf
from eval.synthesis.cloze import cloze
from eval.synthesis.heading import heading
from eval.synthesis.plain import plain, stands_alone
from eval.synthesis.sections import sections
from rag.types import Document


def cut(text, id="a-file_name.md", **more):
    return sections(Document(id, text, **more))


LONG = "A sentence of some length fills this section with enough characters to be asked about at all. "


def test_a_section_is_what_stands_under_one_heading():
    found = cut(f"# Title\n\n{LONG}\n\n## One\n\n{LONG}\n\n### Deep\n\n{LONG}\n\n## Two\n\n{LONG}")
    assert [(s.title, s.headings) for s in found] == [("Title", ()), ("Title", ("One",)), ("Title", ("One", "Deep")), ("Title", ("Two",))]
    assert all(s.text == LONG.strip() for s in found)


def test_short_sections_are_left_out_and_long_ones_cut_at_a_block():
    found = cut("# T\n\n## Short\n\nToo short.\n\n## Long\n\n" + "\n\n".join([(LONG * 5).strip()] * 5))
    (section,) = found
    assert section.headings == ("Long",)
    assert section.text == "\n\n".join([(LONG * 5).strip()] * 3)


@pytest.mark.parametrize(
    ("text", "more", "title"),
    [
        (f"# Only\n\n{LONG}", {}, "Only"),
        (f"# The `Only` *class*\n\n{LONG}", {}, "The Only class"),
        (f"# One\n\n{LONG}\n\n# Two", {}, "a file name"),
        (LONG, {}, "a file name"),
        (f"# Only\n\n{LONG}", {"title": "Given"}, "Given"),
    ],
)
def test_a_document_is_called_by_its_title(text, more, title):
    assert cut(text, **more)[0].title == title


def test_front_matter_is_no_section():
    text = f"---\n{LONG}\n---\n\n"
    assert cut(text, body=len(text)) == []


def test_plain_text_has_no_marks():
    assert plain("**Bold** and `code`\nwith [a link](http://x.y/z) and snake_case") == "Bold and code with a link and snake_case"


@pytest.mark.parametrize(
    ("sentence", "fine"),
    [
        ("The carrier collects every oversized box from customers on Tuesdays.", True),
        ("This carrier collects every oversized box from customers on Tuesdays.", False),
        ("The carrier that it names collects every oversized box on Tuesdays.", False),
        ("The carrier collects every box mentioned above on all Tuesdays.", False),
        ("The carrier collects every oversized box from customers on", False),
        ("Too short to be asked.", False),
        ("The total cost of all parcels is a = b + c euros.", False),
        ("The carrier collects boxes. Another one brings them to all customers.", False),
        ('The carrier calls every oversized box "bulky on all days.', False),
    ],
)
def test_sentences_that_stand_alone(sentence, fine):
    assert stands_alone(sentence) is fine


def gaps(text, title="Title", others=()):
    document = Document("a.md", f"# {title}\n\n{text}\n\n{LONG}")
    shelf = Shelf({"a.md": document} | {f"{i}": Document(f"{i}", t) for i, t in enumerate(others)})
    return [
        (d.text.partition('gap: "')[2].removesuffix('"?'), d.answers[0], document.text[d.evidence[0].start : d.evidence[0].end])
        for s in sections(document)
        for d in cloze(s, shelf.frequency)
    ]


def test_the_rarest_name_or_number_is_left_out_and_the_sentence_is_evidence():
    text = "The carrier **Postwurm** collects oversized boxes from customers in Norway on Tuesdays."
    found = gaps(text, others=["Norway and Tuesdays.", "Norway", "Postwurm, Norway, Tuesdays, collects"])
    assert found == [("The carrier ____ collects oversized boxes from customers in Norway on Tuesdays", "Postwurm", text)]


def test_names_of_several_words_are_one():
    found = gaps("The small quokka lives on Rottnest Island in the far west of the country.", others=["west country"])
    assert found[0][:2] == ("The small quokka lives on ____ in the far west of the country", "Rottnest Island")


def test_numbers_with_units_keep_the_unit():
    assert gaps("The yearly surcharge for each heavy parcel is about 17.5 kg or less.")[0][:2] == (
        "The yearly surcharge for each heavy parcel is about ____ kg or less",
        "17.5",
    )


def test_scales_are_part_of_the_number():
    assert gaps("The yearly surcharge for all heavy parcels is about 17 million euros or less.")[0][1] == "17 million"
    assert gaps("The largest model of the whole family has 65B parameters in each of several layers.")[0][1] == "65B"


@pytest.mark.parametrize(
    "text",
    [
        "The carrier collects every oversized box from customers on some days.",  # nothing to leave out
        "The carrier collects 3 oversized boxes from every customer on some days.",  # too easily guessed
        "The carrier Title collects every oversized box from customers on some days.",  # named in the question
        "The carrier Postwurm collects boxes, and Postwurm brings oversized boxes back.",  # stands there twice
        "The rate for every customer of the carrier lies around 5e-6 per box.",  # part of an expression
        "The carrier Postwurm will have been there for you and them.",  # too few words to tell it by
        "> The carrier Postwurm collects every oversized box from customers at home.",  # a quotation
    ],
)
def test_what_makes_no_gap(text):
    assert gaps(text) == []


def asked(head, above="", title="Parcels"):
    text = f"# {title}\n\n" + (f"## {above}\n\n### {head}\n\n" if above else f"## {head}\n\n") + LONG
    return [d.text for s in cut(text) for d in heading(s)]


@pytest.mark.parametrize(
    ("head", "question"),
    [
        ("When to use OCR", 'What does "Parcels" say about when to use OCR?'),
        ("The KL leash", 'What does "Parcels" say about the KL leash?'),
        ("Choosing r and alpha", 'What does "Parcels" say about choosing r and alpha?'),
        ("Keep provenance", 'What does "Parcels" say about "Keep provenance"?'),
        ("Is it worth it?", 'What does "Parcels" say to the question "Is it worth it"?'),
        ('The "old" `way`', "What does \"Parcels\" say about the 'old' way?"),
    ],
)
def test_headings_become_questions(head, question):
    assert asked(head) == [question]


def test_the_heading_above_is_named():
    assert asked("Limits", above="Chunking") == ['What does "Parcels" say about "Limits", under "Chunking"?']


@pytest.mark.parametrize("head", ["Introduction", "A worked example", "See also", "Parcels", "1.", "References:"])
def test_headings_that_name_no_subject_are_left_out(head):
    assert asked(head) == []


def test_the_evidence_of_a_heading_is_its_section():
    document = Document("a.md", f"# T\n\n## Fees\n\n{LONG}")
    (draft,) = [d for s in sections(document) for d in heading(s)]
    assert document.text[draft.evidence[0].start : draft.evidence[0].end] == LONG.strip()
    assert draft.answers == ()
