"""Requirements on the page of a run: it says what the summary says, to anyone, the same way each time, and obeys nothing it shows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import sys
from itertools import pairwise

import pytest

from eval.pairs import against
from eval.report.page import page
from rag.errors import MissingExtra, StoreError
from rag.index.manifest import write_json

BEST = [1.0] * 50
WORST = [0.0] * 50
MIXED = [1.0, 0.0] * 25
LATENCY = {"alpha": 250.0, "beta": 20.0, "gamma": 4000.0}


@pytest.fixture
def three(make_run):
    """alpha and beta are alike on the first metric, gamma is worse; beta lacks half of the faithfulness scores."""
    return make_run(
        {
            "alpha": {"recall@5": BEST, "span_iou": MIXED, "faithfulness": BEST, "map": MIXED},
            "beta": {"recall@5": BEST, "span_iou": BEST, "faithfulness": ["abstained", 1.0] * 25, "map": BEST},
            "gamma": {"recall@5": WORST, "span_iou": MIXED, "faithfulness": MIXED, "map": WORST},
        },
        LATENCY,
    )


def test_a_page_is_one_file_that_loads_nothing_and_runs_only_its_own_script(three, parse_page):
    text = page(*three)
    seen = parse_page(text)
    assert "://" not in text
    assert seen.named("script") == [{"type": "application/json", "id": "browser-data"}, {}]
    script = text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text
    assert not {"link", "img", "iframe", "object", "embed", "form", "base", "metadata"} & {tag for tag, _ in seen.tags}
    assert all(attrs["href"].startswith("#") for _, attrs in seen.tags if "href" in attrs)
    assert not any(key.startswith("on") or key == "src" for _, attrs in seen.tags for key in attrs)
    (policy,) = (m["content"] for m in seen.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'", policy
    )
    assert not re.findall(r"url\((?!#)", text)


def test_structure_serves_readers_of_every_kind(three, parse_page):
    text = page(*three)
    seen = parse_page(text)
    assert text.startswith("<!DOCTYPE html>\n")
    assert seen.named("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    tables = len(seen.named("table"))
    assert tables == len(seen.named("caption")) == len(seen.tables) > 4
    assert all(th.get("scope") in ("row", "col") for th in seen.named("th"))
    assert sum("scroll" in div.get("class", "") and div.get("tabindex") == "0" for div in seen.named("div")) == tables
    plots = seen.named("svg")
    assert len(plots) == 2 + 3 + 2 + 2  # wide, narrow, a panel for each of three metrics; differences on the first, wide and narrow, and on two more
    assert all(p["role"] == "img" and (len(p.get("aria-label", "")) > 20 or "aria-labelledby" in p) for p in plots)


def test_every_id_is_used_once_and_every_reference_meets_one(three, parse_page):
    text = page(*three)
    seen = parse_page(text)
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    asked = {attrs["href"][1:] for _, attrs in seen.tags if "href" in attrs} | set(re.findall(r"url\(#([^)]*)\)", text))
    asked |= {attrs["aria-labelledby"] for _, attrs in seen.tags if "aria-labelledby" in attrs}
    assert asked <= set(ids)


def test_title_says_what_was_measured(three, parse_page):
    text = parse_page(page(*three)).text
    for fact in ("3 configurations on 50 questions", "50, 1 of them unanswerable", "Documents25", "embedded, version 1", "9.8.7", "c0ffeec0ffee "):
        assert fact in text


def test_numbers_are_those_of_the_summary(three, parse_page):
    summary, folder = three
    text = page(summary, folder)
    seen = parse_page(text)
    rows = seen.table("Best recall@5 first")
    assert [r[0] for r in rows] == ["configuration", "alpha", "beta", "gamma"]
    assert [h.split("1")[0] for h in rows[0][1:4]] == ["recall@5", "span_iou", "faithfulness"]
    for row in rows[1:]:
        entry = summary["configs"][row[0]]
        for cell, metric in zip(row[1:4], ("recall@5", "span_iou", "faithfulness"), strict=True):
            figure = entry["metrics"][metric]
            few = "" if figure["covered"] else " \u26a0\ufe0e too few scored:"
            coverage = "" if figure["scored"] == figure["n"] else f"{few} {figure['scored']}/{figure['n']}"
            assert cell == f"{figure['mean']:.3f} {figure['low']:.3f}\N{EN DASH}{figure['high']:.3f}{coverage}"
        assert row[4].replace(",", "") == f"{entry['latency_ms']['total']['p50']:.0f}" or row[4] == "20.0"
        assert row[6] == "100"
    exact = [float(d["value"]) for d in seen.named("data")]
    means = [
        [summary["configs"][n]["metrics"][m]["mean"] for n in ("alpha", "beta", "gamma") for m in group]
        for group in (["recall@5", "span_iou", "faithfulness"], ["map"])
    ]
    assert exact == means[0] + means[1]


def test_missing_scores_are_said_beside_the_number_in_its_title_and_in_a_note(three, parse_page):
    seen = parse_page(page(*three))
    assert [td["title"] for td in seen.named("td") if "title" in td] == ["25 abstained"]
    assert "faithfulness: without a score: abstained (alpha 0, beta 25, gamma 0)." in seen.text
    assert "missing-1" in {li.get("id") for li in seen.named("li")}
    assert seen.table("Questions without a score")[1] == ["faithfulness", "abstained (alpha 0, beta 25, gamma 0)"]
    bounds = seen.table("Where the mean would lie")
    assert bounds[2] == ["beta", "0.500\N{EN DASH}1.000"]  # 25 ones and 25 missing: from 25/50 to 50/50
    assert bounds[1] == ["alpha", "full"]


def test_verdict_names_the_leader_those_tied_with_it_and_those_behind(three, parse_page):
    text = parse_page(page(*three)).text
    assert "alpha has the highest mean recall@5: 1.000 (95 % interval 1.000 to 1.000; 50 questions in 25 clusters)." in text
    assert "2 other configurations were compared with it, question by question; p is adjusted for these 2 comparisons (Holm)." in text
    assert "beta cannot be told from it: the 95 % interval of the difference includes 0. Of these 2, beta has the lowest median latency." in text
    assert "gamma is behind." in text


def test_paired_table_holds_what_the_paired_comparison_gives(three, parse_page):
    summary, folder = three
    rows = {r[0]: r for r in parse_page(page(summary, folder)).table("paired by question")[1:]}
    found = against(folder, "alpha", ["beta", "gamma"], "recall@5")
    assert rows["gamma"][1:9] == ["+1.000", "+1.000 to +1.000", "<0.001", "50", "0", "0", "50", "25"]
    assert found["gamma"]["p_adjusted"] < 0.001
    assert rows["beta"][1:9] == ["0.000", "0.000 to 0.000", f"{found['beta']['p_adjusted']:.3f}", "0", "0", "50", "50", "25"]
    assert (rows["beta"][-1], rows["gamma"][-1]) == ("cannot be told apart", "behind")


def test_difference_that_only_adjustment_puts_in_doubt_is_called_not_sure(make_run, parse_page):
    """6 wins of 50 against none: alone p = 2 / 2^6 = 0.031; counted twice it is 0.0625, while the interval stays above 0."""
    almost = [0.0] * 6 + [1.0] * 44
    text = parse_page(page(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": almost}, "c": {"recall@5": almost}}, clusters=50))).text
    assert "b and c are behind by the interval, but not surely once every comparison is counted" in text


def test_text_of_a_run_is_shown_and_never_obeyed(make_run, parse_page):
    name = "<script>alert(1)<\N{DIVISION SLASH}script>"
    other = 'x" onload="alert(1)" id="y" &amp; $a$ {{ 7*7 }}'
    values = {name: {"recall@5": BEST}, other: {"recall@5": MIXED}}
    summary, folder = make_run(values, {name: 5.0, other: 9.0}, kinds=("<b>bold</b>", "'\"><i>"), failed=[{"doc_id": "<img src=x>", "reason": "</ul><script>"}])
    summary["judge"]["use"] = "</title><script>"
    seen = parse_page(page(summary, folder))
    assert len(seen.named("script")) == 2
    assert not {"b", "i", "img"} & {tag for tag, _ in seen.tags}
    assert not any(key.startswith("on") for _, attrs in seen.tags for key in attrs)
    assert seen.text.count(name) >= 5
    assert seen.text.count(other) >= 5
    for text in ("<b>bold</b>", "'\"><i>", "<img src=x>: </ul><script>", "</title><script>"):
        assert text in seen.text


def test_characters_that_hide_or_turn_text_are_made_visible(make_run):
    name = "safe\N{RIGHT-TO-LEFT OVERRIDE}evil\x07\N{CJK UNIFIED IDEOGRAPH-4E2D}"
    text = page(*make_run({name: {"recall@5": BEST}}, {name: 5.0}))
    assert "safe\N{REPLACEMENT CHARACTER}evil\N{REPLACEMENT CHARACTER}\N{CJK UNIFIED IDEOGRAPH-4E2D}" in text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "\x07" not in text


def test_same_run_gives_the_same_bytes_in_another_folder_under_other_settings(three, tmp_path):
    import matplotlib as mpl

    summary, folder = three
    before = page(summary, folder)
    shutil.copytree(folder, tmp_path / "elsewhere")
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert page(summary, tmp_path / "elsewhere") == before
    assert str(folder) not in before


def test_one_configuration_is_described_and_compared_with_none(make_run, parse_page):
    seen = parse_page(page(*make_run({"only": {"recall@5": MIXED, "span_iou": BEST}}, {"only": 12.0})))
    assert "only has a mean recall@5: 0.500" in seen.text
    assert "It is the only configuration in this run, so it was compared with none." in seen.text
    assert "There is nothing to compare." in seen.text
    assert len(seen.named("svg")) == 4


def test_metric_that_was_never_scored_is_a_dash_and_does_not_lead(make_run, parse_page):
    never = ["judge_failed: no answer"] * 50
    seen = parse_page(page(*make_run({"a": {"recall@5": never, "span_iou": MIXED}, "b": {"recall@5": never, "span_iou": BEST}})))
    rows = seen.table("Best span_iou first")
    assert [r[:2] for r in rows[1:]] == [["b", "\N{EN DASH} 0/50"], ["a", "\N{EN DASH} 0/50"]]
    assert "b has the highest mean span_iou" in seen.text
    assert "recall@5: without a score: judge_failed (50 in every configuration)." in seen.text


def test_run_without_any_value_or_latency_is_a_page_that_says_so(make_run, parse_page):
    never = {"faithfulness": ["abstained"] * 50}
    seen = parse_page(page(*make_run({"a": never, "b": never})))
    assert "No metric has a value in this run" in seen.text
    assert "no configuration has both a latency and a value" in seen.text
    assert "Latency: not measured." in seen.text
    assert not seen.named("svg")


def test_configuration_without_value_or_latency_is_last_and_said_not_to_be_drawn(make_run, parse_page):
    values = {"a": {"recall@5": ["timed_out"] * 50}, "b": {"recall@5": MIXED}, "c": {"recall@5": WORST}}
    seen = parse_page(page(*make_run(values, {"a": 3.0, "b": 4.0})))
    assert [r[0] for r in seen.table("Best recall@5 first")[1:]] == ["b", "c", "a"]
    assert "Not compared, for want of values on the same questions: a." in seen.text
    assert "Not drawn, for want of a latency or a value: c and a." in seen.text


def test_metric_that_is_better_lower_is_led_by_the_lowest(make_run, parse_page):
    seen = parse_page(page(*make_run({"many": {"context_tokens": [900.0] * 50}, "few": {"context_tokens": [300.0] * 50}}, {"many": 5.0, "few": 5.0})))
    assert "few has the lowest mean context_tokens: 300 " in seen.text
    assert "many is behind." in seen.text
    assert seen.table("paired by question")[1][1:6] == ["\N{MINUS SIGN}600", "\N{MINUS SIGN}600 to \N{MINUS SIGN}600", "<0.001", "50", "0"]


def test_metric_that_is_not_installed_is_shown_and_not_compared(make_run, parse_page):
    summary, folder = make_run({"a": {"recall@5": BEST}, "b": {"recall@5": MIXED}}, {"a": 5.0, "b": 6.0})
    for entry in summary["configs"].values():
        entry["metrics"] = {"my_own<x>": entry["metrics"]["recall@5"]}
    seen = parse_page(page(summary, folder))
    assert "a has the highest mean my_own<x>: 1.000" in seen.text
    assert "No other configuration could be compared with it." in seen.text


def test_few_clusters_are_warned_of(make_run, parse_page):
    values = {"a": {"recall@5": BEST}, "b": {"recall@5": MIXED}}
    assert "rests on fewer than 20 clusters" in parse_page(page(*make_run(values, clusters=19, where="few"))).text
    assert "rests on fewer than 20 clusters" not in parse_page(page(*make_run(values, clusters=20, where="enough"))).text


def test_means_by_kind_are_those_of_its_questions(make_run, parse_page):
    """Kinds alternate, so MIXED is 1 on every easy and 0 on every hard question; b has no value for any hard one."""
    seen = parse_page(page(*make_run({"a": {"recall@5": MIXED}, "b": {"recall@5": [0.0, "abstained"] * 25}}, clusters=50)))
    assert seen.table("Mean recall@5 by question kind") == [
        ["configuration", "easy n = 25 25 clusters", "hard n = 25 25 clusters"],
        ["a", "1.000", "0.000"],
        ["b", "0.000", "\N{EN DASH} n = 0"],
    ]


def test_kind_with_few_clusters_is_marked(make_run, parse_page):
    rows = parse_page(page(*make_run({"a": {"recall@5": MIXED}}, clusters=25, kinds=("easy",) * 9 + ("rare",)))).table("by question kind")
    assert rows[0][1:] == ["easy n = 45 25 clusters", "rare n = 5 \N{WARNING SIGN}\N{VARIATION SELECTOR-15} only 5 clusters"]


def test_questions_without_tags_make_no_table_of_kinds(make_run, parse_page):
    assert "The questions have no tags" in parse_page(page(*make_run({"a": {"recall@5": MIXED}}, kinds=()))).text


def test_what_was_lost_is_counted_and_long_lists_are_cut(make_run, parse_page):
    failed = [{"doc_id": f"f{i}.pdf", "reason": "damaged"} for i in range(53)]
    summary, folder = make_run({"a": {"recall@5": MIXED}}, failed=failed)
    summary["configs"]["a"]["over_limit"] = {"MiniLM": 4}
    summary["configs"]["a"]["context"] = {"dropped": 1250, "cut": 2}
    seen = parse_page(page(summary, folder))
    assert "f49.pdf: damaged" in seen.text
    assert "f50.pdf" not in seen.text
    assert "and 3 more, in summary.json" in seen.text
    assert seen.table("did not fit the context")[1] == ["a", "7", "4 longer than MiniLM reads", "1,250", "25.0", "2", "0"]


@pytest.mark.parametrize("damage", ["a/scores.jsonl", "a/lock.json", "questions.jsonl"])
def test_missing_or_damaged_file_is_one_line_that_names_it(make_run, damage):
    summary, folder = make_run({"a": {"recall@5": MIXED}, "b": {"recall@5": BEST}})
    (folder / damage).write_text('{"half', encoding="utf-8")
    with pytest.raises(StoreError, match=re.escape(damage)):
        page(summary, folder)
    (folder / damage).unlink()
    with pytest.raises(StoreError, match=re.escape(damage.split("/")[-1])):
        page(summary, folder)


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_without_its_packages_a_report_names_the_extra(three, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"{package}.*spanwise\[report\]"):
        page(*three)


def test_forty_configurations_stay_below_600_kilobytes_and_say_what_is_not_drawn(make_run, parse_page, monkeypatch):
    metrics = ("recall@5", "span_recall", "span_iou", "context_recall", "faithfulness", "abstention_accuracy", "map", "mrr@10")
    values = {f"sweep-chunk{i:03}-{'x' * 40}": {m: [float((q * 7 + i) % 50 > i) for q in range(50)] for m in metrics} for i in range(40)}
    text = page(*make_run(values, {n: 10.0 + i for i, n in enumerate(values)}))
    assert len(text.encode()) < 600_000
    assert "Only the best 24 are drawn" in parse_page(text).text
    assert all(f"chunk{i:03}" in text for i in range(40))


def test_page_of_a_run_read_from_disk_equals_that_of_its_summary_in_memory(three):
    """`rag-eval report` reads `summary.json`, whose keys are sorted; the order of a mapping must not matter."""
    summary, folder = three
    write_json(folder / "summary.json", summary)
    assert page(json.loads((folder / "summary.json").read_text("utf-8")), folder) == page(summary, folder)


def test_points_too_close_for_names_are_numbered_by_their_place(make_run, parse_page):
    """Twelve configurations of nearly one value and one latency are drawn all the same, each under its rank."""
    names = [f"a_rather_long_configuration_name_{i:02}" for i in range(12)]
    values = {n: {"recall@5": [(i + q) % 12 / 12 for q in range(50)]} for i, n in enumerate(names)}
    seen = parse_page(page(*make_run(values, {n: 100.0 + 2 * i for i, n in enumerate(names)})))
    assert "a number is the configuration's place in the leaderboard" in seen.text
    assert "against median latency" in " ".join(str(t) for t in seen.named("svg"))


def test_what_is_replayed_from_recordings_is_said_beside_the_verdict_and_what_models_took_below_the_table(three, parse_page):
    summary, folder = three
    assert "recordings" not in parse_page(page(summary, folder)).text
    spent = {"completions": 100.0, "prompt_tokens": 4000.0, "completion_tokens": 1000.0, "cost": 0.5}
    configs = {**summary["configs"], "beta": {**summary["configs"]["beta"], "recorded": True, "chat": spent}}
    text = " ".join(parse_page(page({**summary, "configs": configs}, folder)).text.split())
    assert "beta: what a chat model would say is replayed from recordings." in text
    assert "Tokens of prompts and replies of chat models per question: beta 100 (cost 0.01)." in text
