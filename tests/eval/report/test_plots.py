"""Requirements on plots: names that never lie on each other, texts that stay what they are, a Pareto set by its definition."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from eval.report.labels import Box, place, width
from eval.report.plots import names, pareto
from eval.report.svg import ACCENT, element, figure
from eval.report.words import columns, digits, listed, milliseconds, number, probability, short, span

AREA = Box(0, 0, 900, 400)
SPOTS = st.tuples(st.floats(100, 800), st.floats(20, 380))


def test_pareto_set_is_what_no_other_beats():
    """b is slower and worse than a; c is slower and better; d is as fast as c and worse; e equals a and so neither beats the other."""
    spots = {"a": (10.0, 0.5), "b": (20.0, 0.4), "c": (30.0, 0.9), "d": (30.0, 0.6), "e": (10.0, 0.5)}
    assert pareto(spots, up=True) == ("a", "e", "c")
    assert pareto(spots, up=False) == ("a", "e", "b")
    assert pareto({}, up=True) == ()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SPOTS, st.text("abc_", min_size=1, max_size=22)), min_size=1, max_size=14))
def test_placed_names_meet_neither_each_other_nor_a_point_nor_the_edge(given_points):
    spots, texts = [p for p, _ in given_points], [t for _, t in given_points]
    walls = [Box(x - 2, y - 15, x + 2, y + 15) for x, y in spots]
    labels = place(texts, spots, walls, [], AREA, 12.0)
    assert labels is None or [label.text for label in labels] == texts
    for i, label in enumerate(labels or []):
        assert label.box.within(AREA)
        assert label.box.right - label.box.left >= width(label.text, 12.0) - 1e-6
        assert not any(label.box.meets(other.box) for other in labels[:i])
        assert not any(label.box.meets(wall) for wall in walls)


def test_names_of_points_on_one_spot_are_all_placed():
    spots = [(450.0, 200.0)] * 6
    labels = place([f"name{i}" for i in range(6)], spots, [Box(448, 150, 452, 250)], [], AREA, 12.0)
    assert labels is not None
    assert len({label.box for label in labels}) == 6


def test_names_without_room_are_refused_rather_than_written_over_each_other():
    assert place(["a name"] * 9, [(30.0, 20.0)] * 9, [], [], Box(0, 0, 80, 40), 12.0) is None


def test_name_that_looks_like_markup_stays_text_in_a_plot():
    tricky = '<script> id="a" style="x" $y$ url(#b)'
    with figure(100, 50) as fig:
        fig.text(0.5, 0.5, tricky, color=ACCENT)
        drawn = element(fig, "p", 'says "<b>"')
    assert '&lt;script&gt; id="a" style="x" $y$ url(#b)</text>' in drawn
    assert 'aria-label="says &#34;&lt;b&gt;&#34;"' in drawn
    assert "fill: var(--accent)" in drawn
    assert "<script" not in drawn


def test_names_are_cut_in_the_middle_and_stay_apart():
    assert short("short") == "short"
    assert short("a" * 30 + "b" * 30) == "a" * 10 + "\N{HORIZONTAL ELLIPSIS}" + "b" * 11
    assert short("two\nlines") == "two lines"
    alike = ["a" * 20 + x + "b" * 20 for x in "12"]
    assert len(set(names(alike).values())) == 2
    assert names(["plain"]) == {"plain": "plain"}


@given(st.text(max_size=60))
def test_cut_name_fits_its_columns(name):
    assert columns(short(name, 22)) <= 22


def test_figures_in_words():
    assert number(-0.0001, 3, sign=True) == "0.000"
    assert number(-1234.5, 1) == "\N{MINUS SIGN}1,234.5"
    assert number(None) == "\N{EN DASH}"
    assert span(0.1, 0.25, 2) == "0.10\N{EN DASH}0.25"
    assert span(-0.1, 0.25, 2) == "\N{MINUS SIGN}0.10 to 0.25"
    assert [milliseconds(v) for v in (1234.6, 20.81, 0.876, None)] == ["1,235", "20.8", "0.88", "\N{EN DASH}"]
    assert [probability(p) for p in (0.0004, 0.05, None)] == ["<0.001", "0.050", "\N{EN DASH}"]
    assert [digits(v) for v in ([0.015, 0.017], [0.7, None], [1968.0], [])] == [4, 3, 0, 3]
    assert listed(["a"]) == "a"
    assert listed([*"abcdefgh"]) == "a, b, c, d, e, f and 2 others"
