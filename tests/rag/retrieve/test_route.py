"""Routing: the first rule that holds decides, the nearest example classifies, and the trace says which and why."""

from __future__ import annotations

import pytest

from rag.errors import ConfigError
from rag.filter_text import parse
from rag.retrieve._rules import When, has_identifier, identifier, quoted
from rag.retrieve.route import Branch, Route
from rag.types import Query


def route(when, leg, **more):
    return Route(tuple(Branch(When(**w), leg(f"{n}")) for n, w in enumerate(when, start=1)), leg("0"), model="hashing-64", **more)


RULES = [
    ({"longer_than": 3}, "one two three four", "one two three", "4 words"),
    ({"shorter_than": 3}, "one two", "one two three", "2 words"),
    ({"longer_than": 1, "shorter_than": 3}, "one two", "one", "2 words"),
    ({"contains": ["Step by step", "how"]}, "Show it step-by-step!", "Show it", "contains 'Step by step'"),
    ({"contains": ["how"]}, "So: HOW?", "showing", "contains 'how'"),
    ({"contains": ["C++"]}, "is c++ fast", "is c fast", "contains 'C++'"),
    ({"quoted": True}, 'who says "be brief"?', "who doesn't say that they're brief", "quoted"),
    ({"quoted": False}, "no marks", "a “mark” here", "not quoted"),
    ({"identifier": True}, "what is E1234?", "what is an error", "identifier"),
    ({"identifier": False}, "what is an error", "what is E1234?", "not identifier"),
    ({"identifier": True, "shorter_than": 4}, "what is E1234", "what is it about E1234", "3 words, identifier"),
]


@pytest.mark.parametrize(("when", "yes", "no", "why"), RULES)
def test_rules(reader, leg, when, yes, no, why):
    for text, number, reason in ((yes, 1, why), (no, 0, "otherwise")):
        found = route([when], leg).rank(Query(text), reader)
        assert (found.scored[0][0], found.step.facts["route"], found.step.facts["why"]) == (str(number), number, reason), text


def test_the_first_rule_that_holds_decides(reader, leg):
    spec = route([{"longer_than": 9}, {"contains": ["cat"]}, {"contains": ["cat", "dog"]}], leg)
    assert [spec.rank(Query(t), reader).step.facts["route"] for t in ("a cat", "a dog", "a bird")] == [2, 3, 0]


def test_examples_classify_by_the_nearest_of_all_routes(reader, leg):
    """With a hashing encoder, texts that share words are near: equal ones have cosine 1."""
    spec = route([{"like": ["cat mat", "cat log"], "at_least": 0.6}, {"like": ["dog sea bird"], "at_least": 0.6}], leg)
    found = {t: spec.rank(Query(t), reader).step.facts for t in ("dog sea bird", "cat log", "fish tree", "dog sea")}
    assert {t: f["route"] for t, f in found.items()} == {"dog sea bird": 2, "cat log": 1, "fish tree": 0, "dog sea": 2}
    assert found["cat log"]["why"] == "like 'cat log' (1.000)"


def test_a_nearer_example_of_a_later_route_beats_an_earlier_one_that_is_near_enough(reader, leg):
    spec = route([{"like": ["cat mat"], "at_least": 0}, {"like": ["cat log"], "at_least": 0}], leg)
    assert spec.rank(Query("cat log"), reader).step.facts["route"] == 2


def test_words_and_examples_must_both_hold(reader, leg):
    spec = route([{"like": ["cat mat"], "shorter_than": 2}], leg)
    assert spec.rank(Query("cat mat"), reader).step.facts["route"] == 0


def test_examples_are_embedded_once_ever_and_only_where_they_matter(lab, reader, leg):
    spec = route([{"contains": ["plain"]}, {"like": ["never seen example"]}], leg)
    before = lab.runtime.work.encodes
    spec.rank(Query("plain question"), reader)
    assert lab.runtime.work.encodes == before
    spec.rank(Query("first question"), reader)
    assert lab.runtime.work.encodes == before + 2
    spec.rank(Query("second question"), reader)
    assert lab.runtime.work.encodes == before + 3


def test_the_query_reaches_the_chosen_retriever_whole_and_no_other(reader, by_text):
    chosen, other = by_text({"q q": "ab"}), by_text({})
    query = Query("q q", parse("x = 1"), ("p",))
    found = Route((Branch(When(longer_than=1), chosen),), other, limit=1).rank(query, reader)
    assert (list(chosen.asked), list(other.asked), found.scored) == ([query], [], (("a", 2.0),))
    assert [s.use for s in found.step.walk()] == ["route", "by_text"]
    assert found.step.facts["chosen"] == "by_text"


@pytest.mark.parametrize("text", ["", " ", "\u2003"])
def test_a_blank_question_takes_no_route(reader, leg, text):
    assert route([{"shorter_than": 9}, {"like": ["x"]}], leg).rank(Query(text), reader).step.facts["route"] == 0


def test_models_reach_the_retrievers_of_the_routes_and_count_in_their_identities(lab, pets):
    row = {"use": "route", "routes": [{"when": {"contains": ["cat"]}, "retrieve": "dense"}], "otherwise": "bm25"}
    pipeline = lab.pipeline(row)
    assert pipeline.retrieve.routes[0].retrieve.model == "hashing-64"
    assert pipeline.retrieve.spaces() == lab.pipeline({"use": "rrf", "of": ["dense", "bm25"]}).retrieve.spaces()
    assert len(pipeline.search(pets, "cat")[0]) > len(pipeline.search(pets, "dog")[0]) > 0
    assert lab.runtime.identities(pipeline.retrieve) == [lab.runtime.encoder("hashing-64").identity] * 2
    assert lab.pipeline(row) == pipeline


def test_a_chat_model_that_a_route_lacks_is_missed(lab):
    row = {"use": "route", "routes": [{"when": {"contains": ["cat"]}, "retrieve": {"use": "hyde", "over": "dense"}}], "otherwise": "bm25"}
    with pytest.raises(ConfigError, match="hyde asks a chat model and none is named"):
        lab.pipeline(row)


@pytest.mark.parametrize(
    ("when", "message"),
    [({}, "when: needs a rule; choose: longer_than"), ({"at_least": 0.4}, "needs a rule"), ({"contains": ["?!"]}, "no blank text"), ({"like": [" "]}, "no blank text"),
     ({"longer_than": -1}, "longer_than must be at least 0"), ({"longer_then": 1}, r"routes\[0\].when.longer_then: unknown field, did you mean 'longer_than'")],
)  # fmt: skip
def test_a_rule_that_says_nothing_is_refused(lab, when, message):
    with pytest.raises(ConfigError, match=message):
        lab.pipeline({"use": "route", "routes": [{"when": when, "retrieve": "bm25"}], "otherwise": "bm25"})


def test_no_routes_are_refused(leg):
    with pytest.raises(ValueError, match="routes: needs at least one"):
        Route((), leg("a"))


IDENTIFIERS = [
    "E1234", "ERR_TIMEOUT", "max_tokens,", "(utf8)", "CVE-2024-12345", "v2.3.1", "3.11.2", "192.168.0.1", "os.path", "getUser()",
    "__init__", "std::vector", "--force", "#451", "$HOME", "3f9a2c", "0x1F", "12345", "`b2b`", "GPT-4's", "node.js",
]  # fmt: skip
WORDS = [
    "word", "Word", "UPPER", "2024", "3rd", "10am", "5GB", "0.5s", "3.14", "100%", "re-rank", "top-10", "don't",
    "e.g.", "i.e.", "U.S.", "and/or", "end.", "(x)", "...", "_", "#", "--", "日本語", "naïve", "24/7",
]  # fmt: skip


@pytest.mark.parametrize("word", IDENTIFIERS)
def test_identifiers(word):
    assert identifier(word)
    assert has_identifier(f"what is {word} for?")


@pytest.mark.parametrize("word", WORDS)
def test_words_that_are_no_identifiers(word):
    assert not identifier(word)


@pytest.mark.parametrize("text", ['say "a"', "say “a b”", "„so“", "„so”", "«so»", "`code`", '"" then "x"'])
def test_quotations(text):
    assert quoted(text)


@pytest.mark.parametrize("text", ["it's what's", '"', '""', '" "', '5" long', "“open", "”a“", "``"])
def test_no_quotations(text):
    assert not quoted(text)


@pytest.mark.parametrize(
    ("unit", "holds"), [('"', False), ("\u201c", False), ("a_", False), ("a ", False), ('a" "', False), ("\u201e \u201c", False), ('"a" E1 ', True)]
)
def test_rules_take_a_megabyte(unit, holds):
    """Most of these would not come back from a pattern that backtracks."""
    text = unit * 300_000
    assert quoted(text) == holds
    assert has_identifier(text) == (unit in ("a_", '"a" E1 '))
    assert When(contains=("a a a b",)).reasons(text) is None
