"""Requirements on the question browser in a real browser: it sorts, filters, opens, keeps its state in the address, and obeys nothing it shows."""

from __future__ import annotations

import html
import json
import re

import pytest

from eval.report.browser import pack
from eval.report.page import page
from eval.report.source import NONE, read_source
from rag.runtime import Runtime

READY = """const until = async (test) => {
  for (let i = 0; !test(); i += 1) { if (i > 300) throw new Error(`waited in vain: ${test}`); await new Promise((done) => setTimeout(done, 20)); }
};"""
HELP = """
const $ = (id) => document.getElementById(id);
const all = (css) => [...document.querySelectorAll(css)];
const key = (name, at = document.activeElement) => at.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
const set = (id, value) => { $(id).value = value; $(id).dispatchEvent(new Event("input", {bubbles: true})); };
const links = () => all("#question-table tbody a");
const rows = () => all("#question-table tbody tr").map((r) => r.querySelector("strong").textContent);
"""


@pytest.fixture
def text(place):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    return page(summary, place / "run", read_source(summary, place / "run", place / "docs", Runtime(show_progress=False)))


def reported(dom):
    """Return what a tester's script wrote on the page."""
    return json.loads(html.unescape(re.search(r'<pre id="report">(.*?)</pre>', dom, re.DOTALL)[1]))


def asking(steps):
    """Return a script that waits for the page, takes the steps, and writes `report` on the page."""
    return f"""{READY} {HELP} (async () => {{ const report = {{}};
      try {{ await until(() => !$("browser").hidden); {steps} }} catch (error) {{ report.error = String(error.stack); }}
      const out = document.createElement("pre"); out.id = "report"; out.textContent = JSON.stringify(report); document.body.append(out); }})();"""


def plain(dom):
    """Return the words of a piece of markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", dom)).split())


def test_page_runs_under_its_own_policy_and_fills_the_table(text, visit):
    dom = visit(text)
    assert "4 of 4 questions shown; span_recall" in plain(dom) or "4 of 4 questions shown; recall@5" in plain(dom)
    table = dom.split('id="question-table"')[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 4
    assert table.count('scope="row"') == 4
    assert "<b>x</b>" not in table
    assert "What do falcon engines burn? <b>x</b>" in plain(table)


def test_address_holds_filters_order_and_configurations(text, visit):
    dom = visit(text, "#metric=span_recall&a=fine&b=search&is=A+better")
    assert "1 of 4 questions shown; span_recall: A better 1." in plain(dom)
    dom = visit(text, "#metric=span_recall&a=search&b=fine&stage=search&sort=question&dir=down")
    table = dom.split('id="question-table"')[1].split("</table>")[0]
    assert re.findall(r"<strong>(\w+)</strong>", table) == ["second"]
    assert 'aria-sort="descending"' in table


def test_hostile_documents_and_addresses_are_shown_and_never_run(text, visit):
    dom = visit(text, "#q=top&a=fine&b=search&tag=<img src=x onerror=document.title='owned'>")
    assert "<title>Evaluation of 3 configurations on 4 questions</title>" in dom
    assert "<img" not in dom.replace("&lt;img", "")
    article = dom.split('id="browser-question"')[1].split("</article>")[0]
    assert "<script" not in article
    assert "</script><img src=x onerror=document.title='owned'>" in html.unescape(article)


def test_open_question_marks_evidence_shown_and_cited_where_they_stand(text, visit):
    """The evidence is code points after an emoji that takes two units in the browser: a mark must not slip."""
    dom = visit(text, "#q=top&a=fine&b=search")
    article = dom.split('id="browser-question"')[1].split("</article>")[0]
    marked = [(kinds, plain(body)) for kinds, body in re.findall(r'<mark class="([^"]*)"[^>]*>(.*?)</mark>', article, re.DOTALL)]
    held = [body for kinds, body in marked if "evidence" in kinds.split() and body != "evidence"]
    assert held == ["[evidence, shown, cited: burn kerosene ]"] * 2
    assert "A: fine" in article
    assert "B: search" in article
    assert "Right answer" in article
    assert "Kerosene." in article


def test_evidence_that_was_lost_is_said_with_its_stage_and_place(text, visit):
    article = plain(visit(text, "#q=second&a=pack&b=search").split('id="browser-question"')[1].split("</article>")[0])
    assert "Lost at: pack . Points of span_recall lost: pack 100; left 0." in article
    assert "Evidence lost at pack: wing.md [7:22]" in article
    assert "Lost at: search . Points of span_recall lost: search 100; left 0." in article
    assert "[evidence: wings are light ]" in article


def test_keys_and_controls_do_what_they_say(text, visit):
    script = asking("""
      key("/", document.body); report.search = document.activeElement.id;
      set("browser-find", "HERONS"); report.found = rows(); report.said = $("browser-count").textContent;
      set("browser-find", "light wings"); report.by_answer = rows();
      set("browser-find", ""); set("browser-tag", "fact"); report.tagged = rows(); report.hash = location.hash;
      $("browser-reset").click(); report.reset = rows();
      set("browser-metric", "abstention_recall"); set("browser-why", "not_applicable"); report.missing = rows(); $("browser-reset").click();
      $("browser-find").focus(); key("ArrowDown"); report.first = document.activeElement.textContent; key("ArrowDown"); report.second = document.activeElement.textContent;
      key("ArrowUp"); report.up = document.activeElement.textContent;
      report.entries = [history.length]; set("browser-tag", "fact"); report.entries.push(history.length); links()[0].focus();
      document.activeElement.click(); await until(() => !$("browser-question").hidden);
      report.entries.push(history.length); report.opened = [location.hash, document.activeElement.id, $("browser-list").hidden];
      set("question-b", "pack"); report.other = all(".side h4").map((h) => h.textContent); report.kept = document.activeElement.id;
      key("Escape"); await until(() => $("browser-question").hidden);
      report.closed = [document.activeElement.textContent, $("browser-list").hidden];
      set("browser-tag", "");
      for (const n of [1, 2]) { all("#question-table thead button").find((b) => b.dataset.key === "tags").click(); }
      report.sorted = [rows(), all("[aria-sort]").map((h) => h.getAttribute("aria-sort")), document.activeElement.dataset.key];
    """)
    seen = reported(visit(text, "#metric=span_recall&a=fine&b=search", script))
    assert "error" not in seen, seen
    assert seen["search"] == "browser-find"
    assert seen["found"] == ["bird"]
    assert seen["said"].startswith("1 of 4 questions shown; span_recall: tie 1")
    assert seen["by_answer"] == ["second"]
    assert seen["tagged"] == ["top", "second"]
    assert "tag=fact" in seen["hash"]
    assert seen["reset"] == ["top", "second", "bird", "none"]
    assert seen["missing"] == ["top", "second", "bird"]
    assert (seen["first"][:3], seen["second"][:6], seen["up"][:3]) == ("top", "second", "top")
    assert "q=top" in seen["opened"][0]
    assert seen["opened"][1:] == ["question-title", True]
    assert seen["other"][1] == "B: pack"
    assert seen["kept"] == "question-b"
    assert (seen["closed"][0][:3], seen["closed"][1]) == ("top", False)
    assert [n - seen["entries"][0] for n in seen["entries"]] == [0, 0, 1]  # going back closes a question, and undoes no filter
    assert seen["sorted"] == [["bird", "none", "top", "second"], ["descending"], "tags"]


def test_marks_nest_overlap_and_touch_without_losing_or_doubling_a_character(text, visit):
    """The page's own functions on a made document: evidence 2 to 6, shown 4 to 9, cited 6 to 7; the text of 10 to 12 is not on the page."""
    script = text.split("<script>")[1].split("</script>")[0].replace("(() => {", "", 1).rsplit("})();", 1)[0].rsplit("start().catch", 1)[0]
    dom = visit(
        "<!DOCTYPE html><meta charset=utf-8><body><pre id=out></pre><script>" + script + """
      const points = Array.from("ab\\u{1F600}defghij"); const doc = { name: "d", length: 30, pieces: [{ from: 0, to: 10, points }] };
      const marks = [["evidence", 2, 6], ["shown", 4, 9], ["cited", 6, 7], ["cited", 20, 22]].map(([kind, from, to]) => ({ kind, from, to }));
      const said = parts(doc, marks, 1).map((p) => [p.from, p.to, p.kinds, p.text]);
      const holder = make("p", null, excerpt(doc, marks));
      holder.querySelectorAll(".off").forEach((x) => x.remove());
      document.getElementById("out").id = "report";
      document.getElementById("report").textContent = JSON.stringify({ said, text: holder.textContent });
    </script></body>"""
    )  # fmt: skip
    seen = reported(dom)
    assert seen["said"] == [
        [1, 2, "", "b"], [2, 4, "evidence", "\N{GRINNING FACE}d"], [4, 6, "evidence, shown", "ef"], [6, 7, "shown, cited", "g"], [7, 9, "shown", "hi"],
        [9, 10, "", "j"], [19, 20, "", None], [20, 22, "cited", None], [22, 23, "", None],
    ]  # fmt: skip
    assert seen["text"] == "ab\N{GRINNING FACE}defghij [… 20 characters left out, cited among them …] "


def test_packed_data_open_like_plain_data(text, visit):
    before, rest = text.split('<script type="application/json" id="browser-data">')
    block, after = rest.split("</script>", 1)
    packed = f'{before}<script type="text/plain" id="browser-data" data-packed="deflate">{pack(block)}</script>{after}'
    dom = visit(packed, "#q=second&a=pack&b=search")
    assert "Evidence lost at pack: wing.md [7:22]" in plain(dom)


def test_damaged_data_are_said_and_the_rest_of_the_page_stays(text, visit):
    dom = visit(re.sub(r'(id="browser-data">)\{', r"\1{{", text))
    assert re.search(r'<p id="browser-broken" class="warn">', dom)
    assert "Leaderboard" in dom


def test_without_a_corpus_places_are_shown_and_the_unknown_is_said(place, visit):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    dom = visit(page(summary, place / "run", NONE), "#q=second&a=pack&b=search")
    article = plain(dom.split('id="browser-question"')[1].split("</article>")[0])
    assert "wing.md evidence [7:22]" in article
    assert "Lost at" not in article
    assert "no text of the documents and no stages: no corpus was given" in plain(dom)
    dom = visit(page(summary, place / "run", NONE), "#q=nowhere")
    assert "There is no question nowhere in this table." in plain(dom)


def test_one_configuration_and_a_question_of_no_evidence_open_too(place, visit):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    alone = {**summary, "configs": {"fine": summary["configs"]["fine"]}}
    source = read_source(alone, place / "run", place / "docs", Runtime(show_progress=False))
    article = plain(visit(page(alone, place / "run", source), "#q=none").split('id="browser-question"')[1].split("</article>")[0])
    assert "Unanswerable: there is no evidence to lose." in article
    assert "B:" not in article
