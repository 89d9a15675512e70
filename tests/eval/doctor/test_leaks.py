"""Questions copied from their evidence."""

from eval.doctor import leaks
from eval.doctor.findings import Severity

TEXTS = {"a.md": "A parcel heavier than twenty kilograms costs five euros more. Glass is wrapped twice."}
HEAVY = ("a.md", "A parcel heavier than twenty kilograms costs five euros more.")


def test_six_words_in_a_row_are_a_copy(subject_of, row):
    (found,) = leaks.check(subject_of(TEXTS, [row("q", "What costs a parcel heavier than twenty kilograms?", HEAVY)])).findings
    assert (found.severity, found.facts["run"], found.facts["words"]) == (Severity.WARNING, 6, "A parcel heavier than twenty kilograms")


def test_five_words_in_a_row_are_none(subject_of, row):
    assert leaks.check(subject_of(TEXTS, [row("q", "Which price has a parcel heavier than twenty stones?", HEAVY)])).findings == []


def test_all_content_words_in_another_order_are_a_note(subject_of, row):
    (found,) = leaks.check(subject_of(TEXTS, [row("q", "Which euros does the parcel of twenty kilograms cost?", HEAVY)])).findings
    assert found.severity is Severity.NOTE
    assert found.facts["overlap"] >= 0.9


def test_other_words_are_fine_and_counted(subject_of, row):
    checked = leaks.check(subject_of(TEXTS, [row("q", "What is the surcharge on big boxes?", HEAVY), row("u", "Who?")]))
    assert checked.findings == []
    assert checked.figures == {"compared": 1, "median_overlap": 0.0, "copied": 0}


def test_whole_documents_are_no_evidence_to_copy_from(subject_of, row):
    assert leaks.check(subject_of({"a": "one two three four five six seven"}, [row("q", "one two three four five six seven", ("a", (0, 33)))])).findings == []


def test_the_run_is_shown_as_the_evidence_spells_it():
    assert leaks.copied("does a CACHE, hold keys", "Well: a cache  hold\nkeys.") == (4, "a cache  hold\nkeys")
    assert leaks.copied("nothing", "alike") == (0, "")


def test_cloze_questions_are_copies_by_construction_and_left_out(subject_of, row):
    rows = [row("q", "What costs a parcel heavier than twenty kilograms?", HEAVY, tags=["synthetic", "cloze"])]
    assert leaks.check(subject_of(TEXTS, rows)).figures["compared"] == 0
