"""Requirements on the sections of a page that say what to make of a run: what they show, of which runs they say that they cannot."""

from __future__ import annotations

import json
import re

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import eval.report.sections as module
from eval.report.sections import MOST_PANELS, heads, sections
from eval.report.source import read_source
from eval.report.view import View
from eval.report.words import count, listed, number, visible
from eval.summary import FEW_CLUSTERS
from rag.runtime import Runtime

BEST = [1.0] * 50
WORST = [0.0] * 50
MIXED = [1.0, 0.0] * 25
METRICS = ("recall@5", "ndcg@10", "span_recall", "span_iou", "context_recall")


def shown(view):
    """Return the partial as the page includes it."""
    loader = FileSystemLoader(module.__file__.rpartition("/")[0])
    env = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=visible)
    env.filters |= {"number": number, "listed": listed}
    env.globals |= {"count": count, "few_clusters": FEW_CLUSTERS}
    return env.get_template("sections.html.j2").render(first=view.first, leader=view.leader, **sections(view))


@pytest.fixture
def three(make_run):
    return View(
        *make_run(
            {"alpha": {"recall@5": BEST, "span_iou": MIXED}, "beta": {"recall@5": BEST, "span_iou": BEST}, "gamma": {"recall@5": WORST, "span_iou": MIXED}}
        )
    )


def test_tables_hold_what_the_plots_show(three, parse_page):
    seen = parse_page(shown(three))
    gaps = seen.table("p adjusted within the metric")
    assert gaps[0] == ["compared with", "recall@5", "span_iou"]
    minus = "\N{MINUS SIGN}0.500"  # each cluster has one question that alpha fails of its two: no interval to speak of
    assert gaps[1] == ["beta", "0.000 0.000 to 0.000 p 1.000", f"{minus} {minus} to {minus} p <0.001"]
    assert gaps[2][1] == "+1.000 +1.000 to +1.000 p <0.001"
    pairs = seen.table("row minus column")
    assert [row[0] for row in pairs] == ["configuration", "alpha", "beta", "gamma"]
    assert pairs[1][1:] == ["", "0.000 = 1.000", "+1.000 \N{BLACK UP-POINTING TRIANGLE}better, <0.001"]
    assert pairs[3][1:] == ["\N{MINUS SIGN}1.000 \N{BLACK DOWN-POINTING TRIANGLE}worse, <0.001"] * 2 + [""]
    slices = seen.table("by tag and configuration")
    assert slices[1] == ["all questions n = 50, 25 clusters", "1.000", "1.000 0.000", "0.000 \N{MINUS SIGN}1.000"]
    assert "2 pairs of 3 can be told apart" in seen.text
    assert "once all 2 comparisons are counted (Holm)" in seen.text


def test_readers_of_every_kind_are_served(three, parse_page):
    seen = parse_page(shown(three))
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    referred = {part for _, attrs in seen.tags for key in ("aria-labelledby", "aria-describedby") for part in attrs.get(key, "").split()}
    assert referred <= set(ids)
    assert all(svg["role"] == "img" and svg["aria-labelledby"] and svg["aria-describedby"] for svg in seen.named("svg"))
    tables = len(seen.named("table"))
    assert tables == len(seen.named("caption")) == sum("scroll" in d.get("class", "").split() and d.get("tabindex") == "0" for d in seen.named("div"))
    assert all(th.get("scope") in ("row", "col", "rowgroup") for th in seen.named("th"))


def test_colours_of_the_heat_map_differ_in_light_and_dark_and_are_kept_in_print(three):
    text = shown(three)
    assert len(re.findall(r"--gain: (#\w{6}); --loss: (#\w{6})", text)) == 3  # light, dark, print
    assert "prefers-color-scheme: dark" in text
    assert "print-color-adjust: exact" in text


def test_at_most_four_metrics_are_drawn_the_first_for_wide_and_narrow_pages(make_run, parse_page):
    values = {name: dict.fromkeys(METRICS, row) for name, row in (("a", BEST), ("b", MIXED))}
    view = View(*make_run(values))
    assert [p.metric for p in sections(view)["panels_of_differences"]] == list(METRICS[:MOST_PANELS])
    assert len(parse_page(shown(view)).named("svg")) == MOST_PANELS + 1


def test_replayed_run_shows_the_waterfalls_of_the_two_best_and_all_in_the_table(place, parse_page):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    view = View(summary, place / "run", read_source(summary, place / "run", place / "docs", Runtime(show_progress=False)))
    seen = parse_page(shown(view))
    table = seen.table("Questions by the first stage")
    assert table[0] == ["configuration", "questions", "corpus", "chunk", "search", "fusion", "refiners", "pack", "answer", "score", "right"]
    assert {row[0]: row[4] for row in table[1:]} == {"fine": "0", "search": "1", "pack": "0"}
    assert len([t for t in seen.tables if "answerable questions by the first stage" in t]) == 2
    assert "not told apart" not in seen.text


def test_run_without_its_corpus_says_in_one_line_what_is_not_told_apart_and_why(place, parse_page):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    seen = parse_page(shown(View(summary, place / "run")))
    assert "Search, fusion and refiners are not told apart: no corpus was given" in seen.text
    table = seen.table("Questions by the first stage")
    assert "search, fusion, refiners" in table[0]
    other = read_source(summary, place / "run", place / "nowhere", Runtime(show_progress=False))
    assert "are not told apart: " in parse_page(shown(View(summary, place / "run", other))).text


def test_poor_runs_say_what_they_lack(make_run, parse_page):
    one = parse_page(shown(View(*make_run({"only": {"recall@5": MIXED}}, where="one"))))
    assert "There is nothing to compare: no other configuration has a value" in one.text
    assert one.table("by tag and configuration")[0] == ["questions", "only"]
    none = parse_page(shown(View(*make_run({n: {"faithfulness": ["abstained"] * 50} for n in "ab"}, where="none"))))
    assert "There is nothing to compare." in none.text
    assert "The questions have no tags, or no score." in none.text
    assert "no answer to an answerable question with evidence is kept" in none.text
    assert not none.named("svg")
    plain = parse_page(shown(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": MIXED}}, kinds=(), where="plain"))))
    assert "The questions have no tags, or no score." in plain.text


def test_thirty_configurations_with_long_names_stay_small_and_say_what_is_left_out(make_run, parse_page):
    values = {f"sweep-{'x' * 30}-chunk{i:03}-{'y' * 30}": {m: [float(q >= i) for q in range(50)] for m in METRICS} for i in range(30)}
    text = shown(View(*make_run(values, kinds=tuple(f"tag{i}" for i in range(45)))))
    seen = parse_page(text)
    assert len(text.encode()) < 250_000
    assert "Only the best 15 are here; 15 configurations are left out." in seen.text
    assert "Only the best 15 configurations are here; 15 others are left out. 5 smaller tags are left out." in seen.text
    assert "Only the best 24 are drawn; the table has all." in seen.text
    assert "Only the best 15 configurations by recall@5 are in it." in seen.text
    assert len(seen.table("p adjusted within the metric")) == 30


def test_names_of_a_run_are_shown_and_never_obeyed(make_run, parse_page):
    names = ("<script>alert(1)</b>".replace("/", "\N{DIVISION SLASH}"), 'x" onload="alert(1)', "{{ 7*7 }}")
    values = {n: {"recall@5": row} for n, row in zip(names, (BEST, MIXED, WORST), strict=True)}
    seen = parse_page(shown(View(*make_run(values, kinds=("<b>bold</b>", "'\"><i>")))))
    assert not {"script", "b", "i"} & {tag for tag, _ in seen.tags}
    assert not any(key.startswith("on") for _, attrs in seen.tags for key in attrs)
    assert all(name in seen.text for name in (*names, "<b>bold</b>"))


def test_heads_of_columns_stay_apart_and_short_ones_stay_what_they_are():
    alike = [f"{'a' * 30}{x}{'b' * 30}" for x in "12"]
    found = heads(["plain", *alike])
    assert found["plain"] == "plain"
    assert len(set(found.values())) == 3
    assert all(len(text) <= 30 for text in found.values())


def test_same_run_is_the_same_bytes(three):
    assert shown(three) == shown(View(three.summary, three.folder))
