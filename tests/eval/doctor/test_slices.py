"""Sets and slices too small to speak."""

from eval.doctor import slices
from eval.doctor.findings import Severity


def checked(subject_of, row, documents, per, tags=(), unanswerable=20):
    texts = {f"{i}.md": " ".join(f"word{i}{j}" for j in range(per)) for i in range(documents)}
    rows = [row(f"q{i}-{j}", "What?", (f"{i}.md", f"word{i}{j}"), tags=list(tags)) for i in range(documents) for j in range(per)]
    rows += [row(f"u{i}", "Who?", tags=list(tags)) for i in range(unanswerable)]
    return slices.check(subject_of(texts, rows))


def test_a_set_from_few_documents_is_an_error(subject_of, row):
    (found,) = checked(subject_of, row, 19, 2, unanswerable=0).findings[:1]
    assert (found.severity, found.facts) == (Severity.ERROR, {"clusters": 19})


def test_enough_documents_with_few_questions_is_a_warning(subject_of, row):
    found = checked(subject_of, row, 25, 1, unanswerable=0).findings
    assert [(f.severity, f.facts) for f in found] == [(Severity.WARNING, {"questions": 25}), (Severity.NOTE, {"unanswerable": 0})]


def test_a_good_set_has_no_finding(subject_of, row):
    assert checked(subject_of, row, 20, 2).findings == []


def test_a_slice_below_either_bound_is_noted(subject_of, row):
    texts = {f"{i}.md": f"word{i} more{i}" for i in range(40)}
    rows = [row(f"q{i}", "What?", (f"{i}.md", f"word{i}"), tags=["few"] * (i < 19) + ["many"] * (i >= 5)) for i in range(40)]
    rows += [row(f"u{i}", "Who?") for i in range(20)]
    check = slices.check(subject_of(texts, rows))
    assert [(f.severity, f.facts) for f in check.findings] == [(Severity.NOTE, {"tag": "few", "questions": 19, "clusters": 19})]
    assert check.figures["slices"]["many"] == {"questions": 35, "clusters": 35}
    assert (check.figures["questions"], check.figures["answerable"], check.figures["clusters"]) == (60, 40, 60)


def test_a_tag_that_all_questions_have_is_no_slice(subject_of, row):
    assert [f for f in checked(subject_of, row, 5, 1, tags=["all"], unanswerable=0).findings if f.facts.get("tag")] == []


def test_a_document_with_too_many_questions_is_named(subject_of, row):
    texts = {f"{i}.md": " ".join(f"word{i}x{j}y" for j in range(12)) for i in range(40)}
    rows = [row(f"q{i}", "What?", (f"{i}.md", f"word{i}x0y")) for i in range(40)] + [row(f"r{j}", "What?", ("0.md", f"word0x{j}y")) for j in range(11)]
    (found,) = [f for f in slices.check(subject_of(texts, rows)).findings if "doc" in f.facts]
    assert found.facts == {"doc": "0.md", "questions": 12}
