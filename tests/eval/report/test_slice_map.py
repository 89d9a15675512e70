"""Requirements on the heat map of slices: means of the slice, differences on shared questions, small slices apart, all cuts counted."""

from __future__ import annotations

from eval.report.slice_map import slice_map
from eval.report.view import View

BEST = [1.0] * 50
WORST = [0.0] * 50
MIXED = [1.0, 0.0] * 25  # 1 on every question of the first of two kinds
MINUS = "\N{MINUS SIGN}"


def rows(found):
    return {s.name: s for s in (*found.large, *found.small)}


def test_cells_are_means_of_the_slice_and_their_difference_from_the_leader(make_run):
    found = slice_map(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": MIXED}}, clusters=50)))
    assert found.columns == ("a", "b")
    assert [(s.name, s.n, s.clusters) for s in found.large] == [("all questions", 50, 50), ("easy", 25, 25), ("hard", 25, 25)]
    assert not found.small
    texts = {name: [(c.text, c.change, c.way) for c in s.cells] for name, s in rows(found).items()}
    assert texts["all questions"] == [("1.000", "", ""), ("0.500", f"{MINUS}0.500", "loss")]
    assert texts["easy"] == [("1.000", "", ""), ("1.000", "0.000", "")]
    assert texts["hard"] == [("1.000", "", ""), ("0.000", f"{MINUS}1.000", "loss")]
    assert rows(found)["hard"].cells[1].heat == 100
    assert rows(found)["all questions"].cells[1].heat == 71  # the root of a half
    assert found.most == "1.000"


def test_gain_over_the_leader_is_a_gain_also_where_lower_is_better(make_run):
    values = {"few": {"context_tokens": [300.0, 500.0] * 25}, "many": {"context_tokens": [200.0, 900.0] * 25}}
    cells = {name: s.cells[1] for name, s in rows(slice_map(View(*make_run(values, clusters=50)))).items()}
    assert (cells["easy"].change, cells["easy"].way) == (f"{MINUS}100", "gain")
    assert (cells["hard"].change, cells["hard"].way) == ("+400", "loss")


def test_every_tag_of_a_question_counts_and_one_that_all_have_is_no_slice(make_run, tmp_path):
    summary, folder = make_run({"a": {"recall@5": BEST}}, kinds=("easy", "hard"))
    path = folder / "questions.jsonl"
    path.write_text(
        path.read_text("utf-8").replace('"tags": ["easy"]', '"tags": ["easy", "x", "all"]').replace('"tags": ["hard"]', '"tags": ["hard", "all"]'), "utf-8"
    )
    assert {name: s.n for name, s in rows(slice_map(View(summary, folder))).items()} == {"all questions": 50, "easy": 25, "hard": 25, "x": 25}


def test_slice_of_fewer_than_twenty_clusters_stands_apart_and_sets_no_colours(make_run):
    """The one rare question in ten differs by 1, the others by nothing or 0.1: the scale is that of the slices one may decide by."""
    kinds = ("easy",) * 9 + ("rare",)
    other = [0.0 if i % 10 == 9 else 0.9 for i in range(50)]
    found = slice_map(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": other}}, kinds=kinds, clusters=50)))
    assert [s.name for s in found.large] == ["all questions", "easy"]
    assert [(s.name, s.n, s.clusters) for s in found.small] == [("rare", 5, 5)]
    assert found.most == "0.190"  # (45 * 0.1 + 5 * 1) / 50
    assert found.small[0].cells[1].heat == 100


def test_difference_is_on_shared_questions_and_says_how_many_where_values_are_missing(make_run):
    """b has no value for the 30 questions that a fails; on the 20 that both have they are equal, whatever their means."""
    a = [0.0] * 30 + [1.0] * 20
    b = ["abstained"] * 30 + [1.0] * 20
    c = [0.0] * 50
    found = slice_map(View(*make_run({"a": {"recall@5": a}, "b": {"recall@5": b}, "c": {"recall@5": c}}, clusters=50)))
    assert found.columns == ("b", "a", "c")
    every = rows(found)["all questions"].cells
    assert [c.text for c in every] == ["1.000", "0.400", "0.000"]
    assert [c.change for c in every] == ["", "0.000", f"{MINUS}1.000"]
    assert [c.note for c in every] == ["n = 20", "20 shared", "20 shared"]
    assert [c.few for c in every] == [False, False, False]
    assert [c.few for c in rows(found)["easy"].cells] == [True, True, True]  # 10 of its 25 questions


def test_what_does_not_fit_is_counted(make_run):
    values = {f"c{i:02}": {"recall@5": [float(q >= i) for q in range(50)]} for i in range(18)}
    found = slice_map(View(*make_run(values, kinds=tuple(f"tag{i}" for i in range(45)))))
    assert (len(found.columns), found.columns_left_out) == (15, 3)
    assert (len(found.large) + len(found.small) - 1, found.tags_left_out) == (40, 5)


def test_without_tags_or_values_there_is_no_map(make_run):
    assert slice_map(View(*make_run({"a": {"recall@5": BEST}}, kinds=(), where="plain"))) is None
    assert slice_map(View(*make_run({"a": {"recall@5": ["abstained"] * 50}}, where="none"))) is None
    assert slice_map(View(*make_run({"a": {"recall@5": WORST}, "b": {"recall@5": WORST}}, where="flat"))).most == "0.000"
