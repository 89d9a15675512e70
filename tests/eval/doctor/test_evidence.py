"""Evidence that is found and still doubtful."""

from eval.doctor import evidence
from eval.doctor.findings import Severity

FEE = "The fee is five euros for each parcel."
TEXTS = {"a.md": f"First things first. {FEE} Nothing else.", "b.md": f"A copy: {FEE}", "c.md": "Keys are held by caches. Elsewhere keys are held by caches."}


def test_offsets_that_cut_words_get_the_whole_words_suggested(subject_of, row):
    (found,) = evidence.check(subject_of(TEXTS, [row("q", "Which?", ("c.md", (2, 11)))])).findings
    assert (found.severity, found.line, found.facts["widened"]) == (Severity.WARNING, 1, [0, 13])


def test_a_passage_that_stands_in_another_document_too(subject_of, row):
    (found,) = evidence.check(subject_of(TEXTS, [row("q", "Which fee?", ("a.md", FEE))])).findings
    assert found.facts["others"] == [{"doc": "b.md", "start": 8, "end": 45}]
    assert "'b.md'" in found.message


def test_a_copy_that_is_named_as_evidence_is_fine(subject_of, row):
    assert evidence.check(subject_of(TEXTS, [row("q", "Which fee?", ("a.md", FEE), ("b.md", FEE))])).findings == []


def test_words_that_stand_twice_in_their_document(subject_of, row):
    (found,) = evidence.check(subject_of(TEXTS, [row("q", "Who?", ("c.md", "Keys are held by caches."))])).findings
    assert found.facts["places"] == [[0, 23], [35, 58]]


def test_overlapping_spans_are_noted(subject_of, row):
    found = evidence.check(subject_of(TEXTS, [row("q", "Which?", ("a.md", (0, 18)), ("a.md", (6, 19)))])).findings
    assert [(f.severity, f.facts) for f in found] == [(Severity.NOTE, {"doc": "a.md"})]


def test_whole_documents_as_in_beir_are_not_looked_at(subject_of, row):
    texts = {"a": "The same words here.", "b": "The same words here."}
    checked = evidence.check(subject_of(texts, [row("q", "Which?", ("a", (0, 20)))]))
    assert checked.findings == []
    assert checked.figures == {"spans": 1, "median_characters": None}
