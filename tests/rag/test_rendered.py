"""What an answer may show: no address that no citation names, no image, no markup, no control character, no end of text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.rendered import LIMIT, NO_IMAGE, NO_LINK, kinds, safe_answer

BITS = st.sampled_from(
    [
        "[", "]", "(", ")", "![", "](", "]:", "][", "<", ">", "<a ", "</", "<!--", "<img src=", "<br>", "<scr", "ipt>", "://", "https", "http",
        "hxxp", "//", ":", "/", "\\", "%3A%2F%2F",
        "evil.test", "www.", "?q=", "javascript:", "data:text/html,", "&#58;", "&colon;", "&#x2f;", "&", "&lt;", "#", "\n", " ",
        "\x1b[31m", "\x1b", "\r", "\u200b", "\u202e", "a", "1", "[1]",
        "https://ok.test/a_(b)", "https://ok.test", '"', "'", ".", "mailto:", "x@y.z", "\uff1a\uff0f\uff0f", "`", "\u2039",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(BITS, max_size=14).map("".join), st.text(max_size=60))
CITED = ["See [the guide](https://ok.test/a_(b)), or https://ok.test."]


def safe(text, cited=()):
    return safe_answer(text, cited)[0]


@settings(max_examples=600)
@given(TEXTS)
@example("<scr<br>ipt>alert(1)</script>")
@example("![a![b](https://x.test)](https://y.test)")
@example("ht\u200btps://evil.test")
@example("https&#58;//evil.test")
@example("https://evil.test(https://evil.test")
@example("[a]: <br>https://evil.test")
def test_without_a_citation_nothing_is_left_that_renders(text):
    shown = safe(text)
    assert "://" not in shown
    assert "](" not in shown
    assert not re.search(r"<[A-Za-z/!?]", shown)
    assert not set(shown) & set("\x1b\r\u200b\u202e\x00")
    assert not re.search(r"javascript:[^\s<>\"`{}|\u2039\u203a\[\]]", shown, re.IGNORECASE)
    assert not re.search(r"^ {0,3}\[[^\[\]\n]+\]:", shown, re.MULTILINE)
    decoded = html.unescape(shown)
    assert "://" not in decoded
    assert "](" not in decoded


@settings(max_examples=600)
@given(TEXTS, st.sampled_from([(), CITED]))
@example("https://ok.test<br>x", CITED)
@example("[x](https://ok.test)y", CITED)
def test_safe_twice_is_safe_once(text, cited):
    once = safe(text, cited)
    assert safe(once, cited) == once


@given(st.lists(BITS, max_size=14).map("".join))
def test_only_addresses_that_a_citation_names_are_left(text):
    found = re.findall(r"[a-z][a-z0-9+.-]*://[^\s<>\"`{}|\u2039\u203a\[\]]*", safe(text, CITED))
    assert {u.rstrip(").,;:!?'*_~") for u in found} <= {"https://ok.test/a_(b", "https://ok.test"}


@pytest.mark.parametrize(
    ("text", "shown", "removed"),
    [
        ("Open from ten to six [1]. 3 < 4, a <- b, x[i] and [2][3].", "Open from ten to six [1]. 3 < 4, a <- b, x[i] and [2][3].", {}),
        ("See [the guide](https://evil.test/?q=secret).", f"See the guide {NO_LINK} .", {"link": 1}),
        ("See [the guide](guide.md).", "See the guide.", {"link": 1}),
        ("![x](https://evil.test/p.png?q=secret)", f"x {NO_IMAGE} ", {"image": 1}),
        ("[a][b]\n\n[b]: https://evil.test 'x'", f"[a][b]\n\n[b]  {NO_LINK} 'x'", {"definition": 1, "link": 1}),
        ("> [b]: evil.md", "> [b]  evil.md", {"definition": 1}),
        ("<https://evil.test/a> and <me@evil.test>", f"{NO_LINK} and me@evil.test", {"link": 1}),
        ("go to https://evil.test/a_(b), now.", f"go to {NO_LINK}, now.", {"link": 1}),
        ("www.evil.test/x and //evil.test/x", f"{NO_LINK} and {NO_LINK}", {"link": 2}),
        ("evil.test/p?d=secret but Node.js/Express and 1.5/2.0", f"{NO_LINK} but Node.js/Express and 1.5/2.0", {"link": 1}),
        ("JAVASCRIPT:alert(1) data:text/html;base64,PHM+", f"{NO_LINK} {NO_LINK}", {"link": 2}),
        ("JavaScript: The Good Parts. The data: two rows.", "JavaScript: The Good Parts. The data: two rows.", {}),
        ("https%3A%2F%2Fevil.test https:\\\\evil.test hxxp://evil.test", f"{NO_LINK} {NO_LINK} {NO_LINK}", {"link": 3}),
        ("&#104;ttps&colon;//evil.test", f"& #104;ttps& colon;{NO_LINK}", {"entity": 2, "link": 1}),
        ("Put it in a <div> as &lt;b&gt;.", "Put it in a \u2039div\u203a as &lt;b&gt;.", {"html": 1}),
        ("<img src=x onerror=alert(1)>a<br>b<!-- c -->", f"{NO_IMAGE} a\nb\u2039!-- c --\u203a", {"html": 1, "image": 1}),
        ("<script>alert(1)</script", "\u2039script\u203aalert(1)\u2039/script", {"html": 2}),
        ("\x1b]8;;https://evil.test\x07here\x1b]8;;\x07\rthere", "here\nthere", {"control": 1}),
        ("handlers[name](event)", "handlers[name] (event)", {}),
    ],
)
def test_what_is_shown_and_what_was_removed(text, shown, removed):
    found, gone = safe_answer(text)
    assert (found, kinds(gone)) == (shown, removed)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See [it](https://ok.test/a_(b)).", "See it (https://ok.test/a_(b)) ."),
        ("![it](https://ok.test)", "it (https://ok.test) "),  # never an image
        ("https://ok.test.", "https://ok.test."),
        ("https://ok.test/?q=secret", NO_LINK),  # a longer address is another one
        ("https://ok.test/a", NO_LINK),
        ("HTTPS://ok.test", NO_LINK),
    ],
)
def test_a_citation_names_an_address_or_it_does_not(text, shown):
    assert safe(text, CITED) == shown


def test_schemes_that_run_are_never_allowed():
    cited = ["[x](javascript:alert(1)) and data:text/html,x"]
    assert safe("[x](javascript:alert(1)) data:text/html,x", cited) == f"x {NO_LINK}  {NO_LINK}"


def test_a_long_answer_is_cut_between_words_and_says_so():
    shown, removed = safe_answer("word " * 10_000, limit=1000)
    assert len(shown) <= 1000
    assert shown.endswith("word\n[answer cut at 1000 characters]")
    assert removed[-1].kind == "length"
    assert removed[-1].length == 50_000 - len(shown.split("\n")[0])
    assert safe_answer(shown, limit=1000) == (shown, [])
    assert len(safe("a" * 3 * LIMIT)) <= LIMIT
    assert len(safe("//a.bc " * LIMIT)) <= LIMIT  # what replaces an address is longer than the address
    with pytest.raises(ValueError, match="at least 100"):
        safe_answer("a", limit=99)


@given(st.lists(BITS, min_size=30, max_size=60).map("".join), st.sampled_from([(), CITED]))
def test_a_cut_answer_is_safe_and_stays_as_it_is(text, cited):
    shown = safe_answer(text, cited, 100)[0]
    assert len(shown) <= 100
    assert safe_answer(shown, cited, 100)[0] == shown
