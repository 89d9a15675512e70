"""Unanswerable questions that the corpus may answer."""

from dataclasses import dataclass

import pytest

from eval.doctor import unanswerable
from eval.doctor.answerability import best_passage, counts
from eval.doctor.findings import Severity
from eval.judges.base import Judge, Missing, Why

TEXTS = {
    "fee.md": "Returning a heavy parcel costs five euros. Glass is wrapped twice before shipping.",
    "cache.md": "A prefix cache keeps keys and values of earlier tokens for later requests.",
    "other.md": "Quokkas sleep through the day and wander at night.",
}


@pytest.mark.parametrize(
    ("text", "asks"),
    [("How many euros?", True), ("What share is kept?", True), ("By how much?", True), ("Which cache keeps it?", False), ("How is it kept?", False)],
)
def test_questions_for_a_number_are_told_from_others(text, asks):
    assert counts(text) is asks


NO_IDEA = [{"id": f"n{i}", "text": f"Who invented soap number {i}?", "evidence": [], "answerable": False} for i in range(4)]


def test_a_passage_with_the_words_and_a_number_is_a_suspect(subject_of, row):
    subject = subject_of(TEXTS, [row("u", "How many euros costs returning a heavy parcel?"), *NO_IDEA])
    (found,) = unanswerable.check(subject).findings
    assert (found.severity, found.facts["doc"], found.facts["by"], found.facts["distractor"]) == (Severity.WARNING, "fee.md", "words", False)
    assert TEXTS["fee.md"][found.facts["start"] : found.facts["end"]] == "Returning a heavy parcel costs five euros."


def test_where_more_than_a_fifth_are_suspects_each_is_only_noted(subject_of, row):
    checked = unanswerable.check(subject_of(TEXTS, [row("u", "How many euros costs returning a heavy parcel?"), *NO_IDEA[:3]]))
    assert [f.severity for f in checked.findings] == [Severity.NOTE]
    assert checked.figures["suspected"] == 0.25


def test_without_a_new_number_there_is_no_answer_to_how_many(subject_of, row):
    subject = subject_of(TEXTS, [row("u", "How many earlier tokens keeps a prefix cache for later requests?")])
    assert unanswerable.check(subject).findings == []


def test_a_number_of_the_question_that_the_passage_lacks_clears_it(subject_of, row):
    assert unanswerable.check(subject_of(TEXTS, [row("u", "Does returning a heavy parcel of 40 kilograms cost euros?")])).findings == []


def test_a_distractor_that_was_named_is_only_noted(subject_of, row):
    more = {"distractors": [{"doc": "fee.md", "quote": "a heavy parcel costs five euros"}]}
    (found,) = unanswerable.check(subject_of(TEXTS, [row("u", "How many euros costs returning a heavy parcel?", **more)])).findings
    assert (found.severity, found.facts["distractor"]) == (Severity.NOTE, True)


def test_how_much_the_look_sees_is_measured_on_answerable_questions(subject_of, row):
    """Of two answerable questions one shares its words with its passage."""
    rows = [
        row("u", "Who invented soap?"),
        row("a", "Does returning a heavy parcel cost euros?", ("fee.md", "costs five euros")),
        row("b", "When do small marsupials rest?", ("other.md", "through the day")),
    ]
    figures = unanswerable.check(subject_of(TEXTS, rows)).figures
    assert figures == {"unanswerable": 1, "suspects": 0, "suspected": 0.0, "sensitivity": 0.5}


def test_without_unanswerable_questions_nothing_is_searched(subject_of, row):
    assert unanswerable.check(subject_of(TEXTS, [row("a", "Which fee?", ("fee.md", "five euros"))])).figures == {"unanswerable": 0}


@dataclass
class Grader(Judge):
    """Grades every passage that holds a word."""

    word: str
    failing: bool = False

    @property
    def identity(self):
        return {"use": "grader"}

    def claims(self, text, question=""):
        return ()

    def support(self, claims, contexts, question):
        return ()

    def relevance(self, question, contexts):
        if self.failing:
            return tuple(Missing(Why.TIMED_OUT) for _ in contexts)
        return tuple(1.0 if self.word in c else 0.1 for c in contexts)


def test_a_judge_that_grades_passages_decides(subject_of, row):
    subject = subject_of(TEXTS, [row("u", "What does a parcel cost?")])
    found = best_passage("What does a parcel cost?", subject.finder, subject.containment, Grader("euros"))
    assert (found.by, found.score, found.suspect, found.span.doc_id) == ("judge", 1.0, True, "fee.md")
    assert not best_passage("What does a parcel cost?", subject.finder, subject.containment, Grader("dollars")).suspect


def test_where_the_judge_has_no_grade_words_decide(subject_of, row):
    subject = subject_of(TEXTS, [row("u", "What does a parcel cost?")])
    assert best_passage("What does a parcel cost?", subject.finder, subject.containment, Grader("euros", failing=True)).by == "words"


def test_a_question_that_finds_nothing_has_no_passage(subject_of, row):
    subject = subject_of(TEXTS, [row("u", "xyzzy?")])
    assert best_passage("xyzzy?", subject.finder, subject.containment) is None
