"""Reference answers and the evidence they should follow from."""

from eval.doctor import support
from eval.doctor.findings import Severity
from eval.judges.base import Claim, Judge, Judgement, Label, Missing, Why

TEXTS = {
    "a.md": "The fee for heavy parcels is five euros. Customers abroad receive their refund within thirty days by bank transfer.",
    "b.md": "Quokkas sleep through the day and wander at night.",
}
FEE, REFUND = ("a.md", "The fee for heavy parcels is five euros."), ("a.md", "Customers abroad receive their refund within thirty days by bank transfer.")


def found(subject_of, row, answers, evidence=FEE, question="What applies?"):
    return support.check(subject_of(TEXTS, [row("q", question, evidence, answers=answers)])).findings


def test_an_answer_in_the_words_of_its_evidence_is_fine(subject_of, row):
    assert found(subject_of, row, ["Heavy parcels have a fee of five euros."]) == []


def test_one_supported_answer_of_several_is_enough(subject_of, row):
    assert found(subject_of, row, ["Wombats dig burrows underground.", "A fee of 5 euros for heavy parcels."]) == []


def test_a_number_from_nowhere_is_noted(subject_of, row):
    (one,) = found(subject_of, row, ["The fee for heavy parcels is 7 euros."])
    assert (one.severity, one.facts["lacking"]) == (Severity.NOTE, ["7"])


def test_a_number_of_the_question_is_no_number_from_nowhere(subject_of, row):
    assert found(subject_of, row, ["For 7 heavy parcels the fee is five euros."], question="What about 7?") == []


def test_an_answer_that_another_passage_holds_is_a_warning(subject_of, row):
    (one,) = found(subject_of, row, ["Customers abroad receive a refund by bank transfer within thirty days."])
    assert one.severity is Severity.WARNING
    assert one.facts["other"]["doc"] == "a.md"
    assert one.facts["other"]["text"].startswith("Customers abroad")


def test_an_answer_in_quite_other_words_is_noted(subject_of, row):
    (one,) = found(subject_of, row, ["Wombats dig burrows underground."])
    assert (one.severity, one.facts["share"]) == (Severity.NOTE, 0.0)


def test_a_bare_yes_cannot_be_looked_for(subject_of, row):
    assert found(subject_of, row, ["Yes."]) == []


def test_what_was_looked_at_is_counted(subject_of, row):
    rows = [row("q", "What?", FEE, answers=["five euros"]), row("r", "Which?", FEE), row("u", "Who?")]
    assert support.check(subject_of(TEXTS, rows)).figures == {"checked": 1, "without_answer": 1}


class Says(Judge):
    """Gives every claim one label, or fails."""

    @property
    def identity(self):
        return {"use": "says"}

    def __init__(self, verdict):
        self.verdict = verdict

    def claims(self, text, question=""):
        return (Claim(text),)

    def support(self, claims, contexts, question):
        return tuple(self.verdict for _ in claims)


def judged(subject_of, row, verdict):
    subject = subject_of(TEXTS, [row("q", "What?", FEE, answers=["Wombats dig burrows."])])
    subject.__dict__["judge"] = Says(verdict)
    return [(f.severity, f.message) for f in support.check(subject).findings]


def test_another_judge_decides_by_its_verdicts(subject_of, row):
    assert judged(subject_of, row, Judgement(Label.SUPPORTED)) == []
    ((severity, message),) = judged(subject_of, row, Judgement(Label.CONTRADICTED, rationale="it says five"))
    assert severity is Severity.WARNING
    assert message == "the evidence does not support the answer (contradicted): 'Wombats dig burrows.', it says five"


def test_a_judge_that_fails_is_told_and_decides_nothing(subject_of, row):
    ((severity, message),) = judged(subject_of, row, Missing(Why.TIMED_OUT, "60 s"))
    assert severity is Severity.NOTE
    assert "timed_out: 60 s" in message
