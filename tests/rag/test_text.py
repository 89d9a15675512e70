"""Terms by worked example in several languages, and the laws of sentence ranges."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ConfigError
from rag.text import LANGUAGES, Analyzer, analyzer, check_language, encodable, sentences, term_id, trim
from rag.words import FEW


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("english", "The quick brown foxes were RUNNING; a fox runs.", ["quick", "brown", "fox", "run", "fox", "run"]),
        ("english", "GPT-4o's context_window of 128k, v3.14", ["gpt", "4o", "context_window", "128k", "v3", "14"]),
        ("english", "the of and is to", []),
        ("english", "  \n\t ?!… 🙂👍🏽", []),
        ("english", "", []),
        ("german", "Die Häuser stehen in den alten Straßen der Städte.", ["haus", "steh", "alt", "strass", "stadt"]),
        ("german", "der die das und ist nicht", []),
        ("french", "Les chevaux couraient", ["cheval", "cour"]),
        ("none", "The Foxes, the foxes", ["the", "foxes", "the", "foxes"]),
        ("english", "検索拡張生成", ["検索", "索拡", "拡張", "張生", "生成"]),
        ("english", "猫", ["猫"]),
        ("english", "안녕 세계", ["안녕", "세계"]),
        ("none", "カタカナ", ["カタ", "タカ", "カナ"]),
        ("english", "GPT模型running", ["gpt", "模型", "run"]),  # scripts do not mix in one term
        ("english", "2024年", ["2024", "年"]),
        ("nepali", "किताब", ["किताब"]),  # vowel signs belong to the word
        ("none", "caf\u00e9 cafe\u0301", ["caf\u00e9", "caf\u00e9"]),  # composed or not, it is one word
    ],
)
def test_terms(language: str, text: str, terms: list[str]) -> None:
    assert Analyzer(language).terms(text) == terms


@given(st.text(), st.sampled_from(["english", "german", "none"]))
@settings(max_examples=200, deadline=None)
def test_counts_are_those_of_the_terms_and_do_not_depend_on_what_was_seen_before(text: str, language: str) -> None:
    fresh = Analyzer(language).terms(text)
    assert analyzer(language).terms(text) == fresh
    counts: dict[int, int] = {}
    for term in fresh:
        counts[term_id(term)] = counts.get(term_id(term), 0) + 1
    assert analyzer(language).counts(text) == counts
    assert list(analyzer(language).counts(text)) == sorted(counts)


@given(st.text(), st.text())
@settings(max_examples=200, deadline=None)
def test_terms_of_texts_apart_are_the_terms_of_each(a: str, b: str) -> None:
    terms = analyzer("english").terms
    assert terms(f"{a}\n\n{b}") == terms(a) + terms(b)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_analyzer_and_sentences(language: str) -> None:
    assert Analyzer(language).terms("xylophon 7")
    assert sentences("Xylophon. Zebra.", language)


def test_an_unknown_language_is_told_with_the_choices() -> None:
    with pytest.raises(ValueError, match="language 'germam' is not known, did you mean 'german'\\?; choose: arabic, "):
        check_language("germam")
    with pytest.raises(ValueError, match="not known"):
        sentences("One.", "klingon")
    with pytest.raises(ConfigError, match="not known"):
        Analyzer("klingon")


def _cut(text: str, language: str = "english", **within: int) -> list[str]:
    return [text[a:b] for a, b in sentences(text, language, **within)]


def test_sentences_end_where_they_end() -> None:
    assert _cut("Dr. Smith paid $3.50 in the U.S. yesterday. He left!  Why? Nobody knows.") == [
        "Dr. Smith paid $3.50 in the U.S. yesterday.",
        "He left!",
        "Why?",
        "Nobody knows.",
    ]
    assert _cut("Das kostet z. B. 3,5 Euro. Gut.", "german") == ["Das kostet z. B. 3,5 Euro.", "Gut."]


def test_a_blank_line_ends_a_sentence_and_a_line_end_does_not() -> None:
    assert _cut("A heading\n\nFirst line\nsecond line. Third.") == ["A heading", "First line\nsecond line.", "Third."]
    assert _cut("One\r\n\r\nTwo") == ["One", "Two"]
    assert _cut("One\n \t\nTwo") == ["One", "Two"]


def test_sentences_within_a_range_have_offsets_of_the_whole_text() -> None:
    text = "Skip this. One here. Two here. Not this."
    assert sentences(text, start=11, end=30) == [(11, 20), (21, 30)]
    assert _cut(text, start=11, end=25) == ["One here.", "Two"]
    assert sentences(text, start=10, end=11) == []


def _check_laws(text: str, language: str) -> None:
    found = sentences(text, language)
    at = 0
    for start, end in found:
        assert at <= start < end <= len(text)
        assert text[at:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        at = end
    assert text[at:].strip() == ""


@given(st.text(), st.sampled_from(["english", "german", "spanish", "russian"]))
@settings(max_examples=300, deadline=None)
def test_sentences_are_ordered_disjoint_trimmed_and_hold_every_character(text: str, language: str) -> None:
    _check_laws(text, language)


@given(
    st.lists(
        st.sampled_from(
            [
                "Dr. ",
                "e.g. ",
                "A b. ",
                "\n",
                "\n\n",
                "\r\n",
                "\u2028",
                "\x85",
                "«x» ",
                '"Yes. ',
                "!",
                "。",
                "👩‍👩‍👧 ",
                "\u00a0",
                "3.14 ",
                "…",
                "e\u0301. ",
                "(a.) ",
            ]
        )
    )
)
@settings(max_examples=300, deadline=None)
def test_so_they_are_around_what_splitters_stumble_over(parts: list[str]) -> None:
    _check_laws("".join(parts), "english")


def test_so_they_are_in_a_long_paragraph_and_none_is_long() -> None:
    text = "The same words come again, and again. " * 200 + "x" * 5000 + " 文" * 3000
    _check_laws(text, "english")
    assert max(b - a for a, b in sentences(text)) <= 2000


def test_encodable_replaces_only_lone_surrogates_in_place() -> None:
    assert encodable("a\ud800b\udcff 🙂") == "a\ufffdb\ufffd 🙂"


@given(st.text(alphabet=" \n\ta\u00a0\u2003x"), st.integers(0, 9), st.integers(0, 9))
def test_trim_is_strip_with_offsets(text: str, start: int, length: int) -> None:
    start, end = min(start, len(text)), min(start + length, len(text))
    a, b = trim(text, start, end)
    assert text[a:b] == text[start:end].strip()
    assert start <= a <= b <= end


def test_a_tally_of_texts_is_what_each_counts_however_much_there_is_of_them() -> None:
    """Long ASCII texts are looked up in arrays, short ones and others in a dictionary."""
    words = [f"{stem}{'' if n % 3 else n}" for n in range(400) for stem in ("run", "running", "the", "Caf_", "x" * 17)]
    texts = [" ".join(words), "", "the of", "Runs, ran; RUNNING" * 300, "9 9 9"]
    other = [f"{texts[0]} caf\u00e9", *texts[1:]]
    for given_ in (texts, other, texts[1:3]):
        lengths, ids, times = Analyzer("english").tally(given_)
        found = [dict(zip(ids[b - n : b].tolist(), times[b - n : b].tolist(), strict=True)) for n, b in zip(lengths, accumulate(lengths), strict=True)]
        assert found == [dict(sorted(Counter(map(term_id, analyzer("english").terms(t))).items())) for t in given_]
    assert sum(map(len, texts)) >= FEW > sum(map(len, texts[1:3]))
