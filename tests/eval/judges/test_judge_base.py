"""The judge interface: a complete set of verdicts or none, and citation marks."""

import pytest

from eval.judges.base import Claim, Evidence, Judge, Judgement, Label, Missing, Why, ended, unmarked, verdicts
from eval.judges.make import make_judge
from eval.judges.memoised import MemoisedJudge
from eval.judges.spec import read_spec
from rag import Runtime
from rag.errors import ChatError, ConfigError
from rag.memo import Memo
from rag.models.chat import Usage
from rag.types import Document

CLAIM = Claim("a", 0, 1)
YES = Judgement(Label.SUPPORTED, 1.0)


class Fixed(Judge):
    """A judge that gives the same verdicts to whatever it is asked, and counts how often."""

    languages = ("english",)

    def __init__(self, *found):
        self.found, self.asked_for = found, 0

    @property
    def identity(self):
        """Its name."""
        return {"use": "fixed"}

    def claims(self, text, question=""):
        """Return the text as one claim."""
        return (Claim(text),)

    def support(self, claims, contexts, question):
        """Return them."""
        self.asked_for += 1
        return self.found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((YES, YES), (YES, YES)),
        ((YES,), Missing(Why.COUNT_MISMATCH, "1 verdicts for 2 claims")),
        ((YES, YES, YES), Missing(Why.COUNT_MISMATCH, "3 verdicts for 2 claims")),
        ((YES, Missing(Why.TIMED_OUT)), Missing(Why.TIMED_OUT)),
    ],
)
def test_verdicts_are_complete_or_missing(found, expected):
    """Never fewer, never more, never one invented."""
    assert verdicts(Fixed(*found), [CLAIM, CLAIM], ["c"], "q") == expected


def test_citation_marks_are_blanked_in_place():
    """Offsets stay; words in brackets and long numbers are no marks."""
    text = "One [1]. Two [2, 3][4]. [a] [12345]"
    assert unmarked(text) == "One    . Two          . [a] [12345]"
    assert len(unmarked(text)) == len(text)


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        ("timeout", Why.TIMED_OUT),
        ("over_budget", Why.OVER_BUDGET),
        ("server", Why.UNREACHABLE),
        ("unreachable", Why.UNREACHABLE),
        ("truncated", Why.TRUNCATED),
        ("refused", Why.REFUSED),
        ("malformed", Why.MALFORMED),
        ("too_long", Why.TOO_LONG),
        ("rejected", Why.ERROR),
        ("not_recorded", Why.ERROR),
    ],
)
def test_every_failure_of_a_chat_model_is_a_reason(why, expected):
    assert Missing.of(ChatError("it said\n no", why)) == Missing(expected, "it said no")


def test_what_a_judge_cannot_do_is_missing_with_its_name_and_no_exception():
    judge = Fixed()
    assert judge.similarity("a", "b") == Missing(Why.NOT_APPLICABLE, "the judge fixed compares no meanings")
    assert judge.relevance("q", ["a", "b"]) == (Missing(Why.NOT_APPLICABLE, "the judge fixed does not grade contexts"),) * 2
    found = [judge.asked("a", [], 3), judge.entities("a"), judge.critique("c", {0: "no"}, "q", "a", []), judge.prefer("q", "a", "b", ([], []))]
    assert {m.why for m in found} == {Why.NOT_APPLICABLE}


def test_verdicts_are_asked_for_once_and_failures_again():
    runtime = Runtime(Memo(), show_progress=False)
    judge = Fixed(YES)
    for _ in range(2):
        assert MemoisedJudge(judge, runtime).support([CLAIM], ["c"], "q") == (YES,)
    assert (judge.asked_for, runtime.work.judgements) == (1, 1)
    assert MemoisedJudge(judge, runtime).support([CLAIM], ["other"], "q") == (YES,)
    assert judge.asked_for == 2
    failing = Fixed(Missing(Why.TIMED_OUT))
    for times in (1, 2):
        assert MemoisedJudge(failing, runtime).support([CLAIM], ["third"], "q") == (Missing(Why.TIMED_OUT),)
        assert failing.asked_for == times


def test_a_text_in_a_script_that_the_judge_does_not_read_is_refused_with_the_reason():
    judge = MemoisedJudge(Fixed(YES), Runtime(Memo(), show_progress=False))
    refused = Missing(Why.UNREADABLE, "the judge fixed reads english only; this text is mostly in Cyrillic script")
    assert judge.claims("Привет мир") == refused
    assert judge.support([Claim("Привет мир")], ["c"], "q") == (refused,)


def test_a_judge_is_written_like_a_stage(tmp_path):
    assert read_spec("embedded") == read_spec("{use: embedded}")
    (tmp_path / "j.yaml").write_text("use: embedded\nencoder: hashing-64\n")
    spec = read_spec(str(tmp_path / "j.yaml"))
    assert spec.encoder == "hashing-64"
    judge = make_judge(spec, [Document("d", "Some text.")], Runtime(Memo(), show_progress=False))
    assert judge.identity["use"] == "embedded"
    assert "frequencies" not in judge.certified_as


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("embeded", "judge: no judge stage is called 'embeded', did you mean 'embedded'"),
        ("{use: embedded, encoder: 3}", "judge.encoder: expected text, found the whole number 3"),
        ("{use: [}", "not valid YAML"),
        ("missing.yaml", "missing.yaml: cannot be read"),
    ],
)
def test_a_judge_that_cannot_be_is_refused_with_its_place(text, message):
    with pytest.raises(ConfigError, match=message.replace("(", "\\(")):
        read_spec(text)


@pytest.mark.parametrize(
    ("text", "claims"),
    [("A [1]. B [2].", ["A", "B"]), ("One [1][2] two.", ["One", "two."]), ("No marks. Two.", ["No marks. Two."]), ("x [1, 2]! y", ["x", "y"])],
)
def test_a_mark_ends_a_claim_and_the_stop_behind_it_begins_none(text, claims):
    assert len(ended(text)) == len(text)
    assert [" ".join(part.split()) for part in ended(text).split("\n\n") if part.strip()] == claims


def test_what_was_asked_lately_is_not_asked_again_even_where_the_memo_has_lost_it():
    runtime = Runtime(Memo(), show_progress=False)
    fixed, failing = Fixed(YES), Fixed(Missing(Why.TIMED_OUT))
    judge, without = MemoisedJudge(fixed, runtime), MemoisedJudge(failing, runtime)
    for times in (1, 2, 3):
        assert judge.support([CLAIM], ["c"], "q") == (YES,)
        assert without.support([CLAIM], ["c", "d"], "q") == failing.found
        assert (fixed.asked_for, failing.asked_for) == (1, times)
        runtime.forget()
    assert judge.support([CLAIM], ["c"], "another question") == judge.support([CLAIM], ["d"], "q") == judge.support([Claim("b")], ["c"], "q") == (YES,)
    assert fixed.asked_for == 4


def test_a_verdict_comes_back_from_the_memo_as_it_was_given():
    runtime = Runtime(Memo(), show_progress=False)
    given = Judgement(Label.CONTRADICTED, 0.25, 0.5, (Evidence(1, 2, 3), Evidence(0, 4, 9)), "why", Usage(3, 2, 1, 0.5))
    for asked in (Fixed(given), Fixed()):  # the second gives nothing: what comes is from the memo
        assert MemoisedJudge(asked, runtime).support([CLAIM], ["c"], "q") == (given,)
