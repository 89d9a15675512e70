"""Files of ragas' EvaluationDataset: read and written so that ragas and we have the same samples."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.formats import Asked, Bundle, Lost, find
from eval.formats.ragas import read_ragas, write_ragas
from eval.judges._ragas_package import load
from rag.errors import QuestionError
from rag.types import Document

from ..ragas_present import need_ragas

FULL = {
    "user_input": "Who wrote it, \"A\" or 'B'?",
    "retrieved_contexts": ["It's by\nB, they say", "", 'so "they" say'],
    "reference_contexts": ["B wrote it."],
    "response": "B, perhaps\u2028",
    "reference": "B",
}
ASKED = {"user_input": "And why?"}


@pytest.fixture
def dataset():
    """The class of ragas; in CI it has to be there."""
    need_ragas()
    return load("ragas.dataset_schema").EvaluationDataset


def test_what_ragas_writes_as_jsonl_is_read_as_ragas_has_it(dataset, tmp_path):
    made = dataset.from_list([FULL, ASKED, {**ASKED, "response": ""}])
    made.to_jsonl(tmp_path / "d.jsonl")
    assert read_ragas(tmp_path / "d.jsonl") == made.to_list() == [FULL, ASKED, {**ASKED, "response": ""}]


def test_what_ragas_writes_as_csv_is_read_as_ragas_has_it(dataset, tmp_path):
    """Rows with fewer fields have empty cells."""
    made = dataset.from_list([FULL, ASKED])
    made.to_csv(tmp_path / "d.csv")
    assert read_ragas(tmp_path / "d.csv") == made.to_list() == [FULL, ASKED]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_what_we_write_is_byte_for_byte_what_ragas_writes(dataset, tmp_path, suffix):
    rows = [FULL, {**FULL, "response": "A"}]
    write_ragas(rows, tmp_path / f"ours.{suffix}")
    getattr(dataset.from_list(rows), f"to_{suffix}")(tmp_path / f"theirs.{suffix}")
    assert (tmp_path / f"ours.{suffix}").read_bytes() == (tmp_path / f"theirs.{suffix}").read_bytes()


def test_ragas_reads_what_we_write(dataset, tmp_path):
    write_ragas([FULL, {**ASKED, "response": None}], tmp_path / "d.jsonl")
    assert dataset.from_jsonl(tmp_path / "d.jsonl").to_list() == [FULL, ASKED]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"user_input": TEXTS},
        optional={"response": TEXTS, "reference": TEXTS, "retrieved_contexts": st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
                  "reference_contexts": st.lists(TEXTS)},
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_any_rows_come_back_as_they_were_written(tmp_path_factory, suffix, rows):
    path = tmp_path_factory.mktemp("rows") / f"d.{suffix}"
    write_ragas(rows, path)
    assert read_ragas(path) == rows


def test_a_list_that_numpy_wrote_is_refused_and_not_joined_to_one_text(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("user_input,retrieved_contexts\nq,\"['a' 'b']\"\n", encoding="utf-8")
    with pytest.raises(QuestionError, match=r"d\.csv line 2: retrieved_contexts is .*write a list of strings"):
        read_ragas(path)


def test_a_list_as_json_is_a_list_too(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text('user_input,retrieved_contexts\nq,"[""a"", ""b""]"\n', encoding="utf-8")
    assert read_ragas(path) == [{"user_input": "q", "retrieved_contexts": ["a", "b"]}]


def test_other_fields_of_ragas_stay_for_the_reader_to_count(tmp_path):
    (tmp_path / "d.jsonl").write_text(json.dumps({**ASKED, "rubrics": {"1": "bad"}, "reference": None}) + "\n", encoding="utf-8")
    assert read_ragas(tmp_path / "d.jsonl") == [{**ASKED, "rubrics": {"1": "bad"}}]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"response": "a"}, "user_input is missing"),
        ({"user_input": [{"content": "hi", "type": "human"}]}, "user_input is a conversation"),
        ({"user_input": "q", "response": 3}, "response is 3; write a string"),
        ({"user_input": "q", "retrieved_contexts": "c"}, "retrieved_contexts is 'c'; write a list of strings"),
        ({"user_input": "q", "reference_contexts": [" "]}, "reference_contexts is .*; write a list of non-empty strings"),
    ],
)
def test_a_row_that_is_no_single_turn_sample_is_named_with_its_line(tmp_path, row, what):
    (tmp_path / "d.jsonl").write_text(json.dumps(ASKED) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(QuestionError, match=rf"^d\.jsonl line 2: {what}"):
        read_ragas(tmp_path / "d.jsonl")


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("d.json", "[]", "a ragas dataset is JSON Lines or CSV"),
        ("d.jsonl", "\n", "holds no samples"),
        ("d.csv", "user_input\n", "holds no samples"),
        ("d.csv", "question\nq\n", "there is no column user_input"),
        ("d.csv", "user_input,response\nq\n", r"line 2: 1 cells for 2 columns"),
        ("d.csv", 'user_input\n"q\n', "not valid CSV"),
    ],
)
def test_a_file_that_is_no_dataset_says_so(tmp_path, name, text, what):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(QuestionError, match=what):
        read_ragas(tmp_path / name)


def test_a_missing_file_is_one_line(tmp_path):
    for name in ("d.jsonl", "d.csv"):
        with pytest.raises(QuestionError, match="cannot be read"):
            read_ragas(tmp_path / name)


def test_another_suffix_is_not_written(tmp_path):
    with pytest.raises(QuestionError, match=r"\.xlsx: a ragas dataset is JSON Lines or CSV"):
        write_ragas([ASKED], tmp_path / "d.xlsx")
    assert list(tmp_path.iterdir()) == []


CORPUS = {"d": Document("d", "B wrote it. In May. In May."), "e": Document("e", "So they say.")}


def test_a_dataset_of_ragas_goes_through_our_forms_and_back(dataset, tmp_path):
    """Reference contexts become evidence where the corpus holds them once, white space aside; what is not kept is counted."""
    references = ["B  wrote\nit.", "In May.", "In June.", "B wrote it."]
    rows = [{**FULL, "reference_contexts": references, "retrieved_contexts": ["so they say", " "]}, {**ASKED, "query_style": "terse"}]
    dataset.from_list(rows).to_jsonl(tmp_path / "system.jsonl")
    bundle = find("ragas").read([tmp_path / "system.jsonl"], CORPUS)
    assert [q.row() for q in bundle.questions] == [
        {"id": "row-1", "text": FULL["user_input"], "evidence": [{"doc": "d", "start": 0, "end": 11}], "answers": ["B"], "tags": [], "answerable": True},
        {"id": "row-2", "text": "And why?", "evidence": [], "answers": [], "tags": [], "answerable": True},
    ]
    assert bundle.answers == {"system": ({"question": "row-1", "answer": FULL["response"], "contexts": ["so they say"]},)}
    assert bundle.lost == {
        "reference contexts that the corpus holds more than once": 1,
        "reference contexts that the corpus holds nowhere": 1,
        "reference contexts that repeat another of the same sample": 1,
        "blank retrieved contexts": 1,
        "values of query_style": 1,
    }
    find("ragas").write(bundle, CORPUS, tmp_path / "back.jsonl", Lost())
    kept = {**FULL, "reference_contexts": ["B wrote it."], "retrieved_contexts": ["so they say"]}
    assert dataset.from_jsonl(tmp_path / "back.jsonl").to_list() == [kept, ASKED]


def test_without_a_corpus_reference_contexts_are_counted_and_nothing_is_evidence(tmp_path):
    write_ragas([FULL], tmp_path / "d.jsonl")
    bundle = find("ragas").read([tmp_path / "d.jsonl"], None)
    assert bundle.questions[0].evidence == ()
    assert bundle.lost["reference contexts (give --corpus to find them in it)"] == 1


def test_what_a_sample_cannot_say_is_counted_on_the_way_out(tmp_path):
    here, there = {"doc_id": "e", "start": 0, "end": 2}, {"doc_id": "gone", "start": 0, "end": 2}
    asked = (Asked("q", "Who?", ({"doc": "d", "start": 0, "end": 11},), ("B", "he"), ("easy",)), Asked("u", "And?", answerable=False))
    answered = {"question": "q", "answer": "B", "contexts": [here, {"doc_id": "e", "text": "They"}, there], "citations": [here]}
    declined = {"question": "u", "answer": "", "contexts": [], "abstained": "too little"}
    lost = Lost()
    assert find("ragas").write(Bundle(asked, {"s": (answered, declined)}), CORPUS, tmp_path / "d.jsonl", lost) == [tmp_path / "d.jsonl"]
    assert read_ragas(tmp_path / "d.jsonl") == [
        {"user_input": "Who?", "retrieved_contexts": ["So", "They"], "reference_contexts": ["B wrote it."], "response": "B", "reference": "B"},
        {"user_input": "And?", "retrieved_contexts": [], "response": ""},
    ]
    assert lost == {
        "further reference answers: a sample has one": 1,
        "tags": 1,
        "unanswerable questions: a sample cannot say so": 1,
        "ids of questions: samples have none": 2,
        "rankings and citations of answers": 1,
        "marks that a system declined": 1,
        "contexts named by place (give --corpus to write the text)": 1,
    }


def test_several_systems_are_several_datasets(tmp_path):
    row = {"question": "q", "answer": "B", "contexts": ["c"]}
    bundle = Bundle((Asked("q", "Who?"),), {"one": (row,), "two": ()})
    files = find("ragas").write(bundle, None, tmp_path, Lost())
    assert [read_ragas(file) for file in files] == [
        [{"user_input": "Who?", "retrieved_contexts": ["c"], "response": "B"}],
        [{"user_input": "Who?"}],
    ]
