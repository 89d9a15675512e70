"""The language of `--where`: what each form says, that writing and reading are inverse, and that wrong text is told where."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.errors import FilterError
from rag.filter_text import parse, read, write
from rag.filters import MAX_BYTES, ORDERS, And, Condition, Not, Or


def eq(key, value):
    return Condition(key, "=", (value,))


A, B, C = eq("a", "1"), eq("b", "2"), eq("c", "3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1", A), ("a=1", A), (" a =1 ", A), ('"a" = "1"', A), ("a != 1", Not(A)), ("not a = 1", Not(A)), ("NOT a=1", Not(A)),
        *((f"n {op} 2.5", Condition("n", op, ("2.5",))) for op in ORDERS),
        ("n>=2026-01-31", Condition("n", ">=", ("2026-01-31",))), ("@modified < 2026-01-31T10:00:00Z", Condition("@modified", "<", ("2026-01-31T10:00:00Z",))),
        ("k in (a, b)", Condition("k", "in", ("a", "b"))), ("k in [a]", Condition("k", "in", ("a",))), ('k in (two words, "c, d")', Condition("k", "in", ("two words", "c, d"))),
        ("k not in (a)", Not(Condition("k", "in", ("a",)))), ("exists k", Condition("k", "exists")), ("k exists", Condition("k", "exists")),
        ("not exists k", Not(Condition("k", "exists"))),
        ("a=1 and b=2 and c=3", And((A, B, C))), ("a=1 or b=2 and c=3", Or((A, And((B, C))))), ("(a=1 or b=2) and c=3", And((Or((A, B)), C))),
        ("not a=1 and b=2", And((Not(A), B))), ("not (a=1 and b=2)", Not(And((A, B)))), ("not not a = 1", Not(Not(A))), ("((a=1))", A),
        ("(a=1 and b=2) and c=3", And((And((A, B)), C))),
        ("k = two   words", eq("k", "two   words")), ("k = two words and a = 1", And((eq("k", "two words"), A))), ('k = "a and b"', eq("k", "a and b")), ('k = ""', eq("k", "")),
        ('k = "say \\"hi\\" \\\\ \\n"', eq("k", 'say "hi" \\ n')), ("a.b-c/d:e = x", eq("a.b-c/d:e", "x")), ("größe = 3", eq("größe", "3")),
        ('"two words" = v', eq("two words", "v")),
        ('"and" = 1', eq("and", "1")), ('"" = 1', eq("", "1")), ("@doc = x.md", eq("@doc", "x.md")), ('"@doc" = x', eq("@@doc", "x")), ("@@doc = x", eq("@@doc", "x")),
        ('"@@x" = y', eq("@@@x", "y")),
        ("k = be not in love", eq("k", "be not in love")), ("k = hi!", eq("k", "hi!")), ("a=1 AND b=2", And((A, B))), ("(a=1)and(b=2)", And((A, B))), ("k != a and b", None),
    ],
)  # fmt: skip
def test_what_a_text_says(text, expected):
    if expected is None:
        with pytest.raises(FilterError):
            parse(text)
    else:
        assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("team=red", "team", "red"), (" team=red ", "team", "red"), ("k=two words", "k", "two words"), ("k=", "k", ""), ("k=a=b", "k", "a=b"),
        ("url=http://x?a=b&c=(d)", "url", "http://x?a=b&c=(d)"),
        ("two words=v", "two words", "v"), ("k=a <b>, c", "k", "a <b>, c"), ("k=don't", "k", "don't"), ('k=5" disk', "k", '5" disk'), ("not=3", "not", "3"),
        ("k=sand or", "k", None), ("k=band", "k", "band"),
    ],
)  # fmt: skip
def test_the_plain_form_takes_the_value_as_it_stands(text, key, value):
    """As it was before there was a language; only `and` and `or` as words end it."""
    if value is None:
        with pytest.raises(FilterError):
            parse(text)
    else:
        assert parse(text) == eq(key, value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "position 1: expected a metadata key"), ("   ", "found the end"),
        ("team", "position 5: expected one of = != < <= > >= in exists after the key 'team', found the end"),
        ("=red", "position 1: expected a metadata key"), ("a =", "position 4: expected a value"), ("a = 1 b = 2", "position 9: expected and, or, or the end"),
        ("a = 1 and", "position 10: expected a metadata key"),
        ("a == 1", "position 4: expected a value"), ("(a = 1", "or the ) of position 1, found the end"), ("a = 1)", "position 6: expected and, or"),
        ("k in a", "expected a list"), ("k in ()", "expected a value"),
        ("k in (a b", "expected , or )"), ("k in (a]", "expected , or )"), ("k in [a)", "expected , or ]"), ('k = "open', "position 5: this quotation mark is never closed"),
        ("k ! 3", "position 3: expected one of = !="),
        ("exists", "position 7: expected a metadata key"), ("not", "position 4: expected"), ("k < x", "needs a number"),
        ("title=War and Peace", "in exists after the key 'Peace'"), ("and = 1", "expected a metadata key"),
        ("a=1 and (" * 5 + "a=1" + ")" * 5 + " or k = (", "expected a value"), ("(" * 9 + "a=1" + ")" * 9, "nested more than 8 deep"),
        ("(" * 8000, "nested more than 8 deep"), ("not " * 4000 + "a=1", "nested more"),
        (" and ".join(["a=1"] * 65), "more than 64 conditions"), (f"k in ({','.join('v' * 1001)})", "more than 1000 values"),
        ("k=" + "x" * MAX_BYTES, "more than 16384 bytes"), ("k=" + "é" * 8192, "bytes"),
        ("@docs = 1", "unknown key '@docs'"), ("k = \udcff", "surrogate"), ("@modified = 3", "cannot be asked for by ="),
    ],
)  # fmt: skip
def test_wrong_text_is_one_line_that_says_where_and_what_was_expected(text, said):
    with pytest.raises(FilterError) as error:
        parse(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


KEYS = st.text(max_size=6) | st.sampled_from(["and", "Or", "not", "in", "exists", "a.b", "two words", "@doc", "@x", "@@", '"', "\\", "ключ", "_"])
TEXTS = st.text(max_size=8) | st.sampled_from(["and", "or", "a b", "(", ")", "=", "", '5"', "\\", "x,y", "2026-01-31", "-3.5"])
BOUNDS = st.integers(-(2**52), 2**52).map(str) | st.floats(-1e9, 1e9).map(str) | st.dates().map(str)
KEY = KEYS.map(lambda k: f"@{k}" if k.startswith("@") else k)
CONDITIONS = (
    st.builds(eq, KEY, TEXTS)
    | st.builds(lambda k, v: Condition(k, "in", tuple(v)), KEY | st.just("@doc"), st.lists(TEXTS, min_size=1, max_size=4))
    | st.builds(lambda k: Condition(k, "exists"), KEY | st.just("@modified"))
    | st.builds(lambda k, o, b: Condition(k, o, (b,)), KEY | st.just("@modified"), st.sampled_from(sorted(ORDERS)), BOUNDS)
)


def groups(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | inner.map(Not)


def depth(found):
    return 1 + (0 if isinstance(found, Condition) else depth(found.of) if isinstance(found, Not) else max(map(depth, found.of)))


FILTERS = st.recursive(CONDITIONS, groups, max_leaves=8).filter(lambda f: depth(f) <= 8)


@given(FILTERS)
@example(Not(Not(Not(Not(Not(Not(Not(A))))))))
@example(Or((And((Or((And((Or((And((Or((A, B)), C)), C)), C)), C)), C)), C)))
def test_what_is_written_is_read_as_the_same_filter(found):
    assert parse(write(found)) == found


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["a", "=", "and", "or", "not", "in", "exists", "(", ")", "[", ",", '"', "\\", " ", "!", "<", "1", "2026-01-31"]), max_size=20
    ).map(" ".join)
)
def test_any_text_is_a_filter_that_can_be_written_again_or_a_filter_error(text):
    try:
        found = parse(text)
    except FilterError as error:
        assert "\n" not in str(error).replace(repr(text), "")
        return
    assert parse(write(found)) == found


@pytest.mark.parametrize(
    "text",
    [" " * 16_000, " " * 16_000 + "!", '"' + "\\" * 16_000, "a" * 16_000, "a " * 8000, "k = " + "a " * 8000, "\\" * 16_000 + '"', "=" * 16_000, '"" ' * 5000],
)
def test_no_text_takes_more_than_a_moment(text):
    """Each would take minutes if any part of the reading were quadratic with a backtracking expression."""
    try:
        assert parse(text)
    except FilterError as error:
        assert str(error)


def test_read_joins_what_it_is_given():
    assert read(None) is read(()) is read([]) is None
    assert read("a=1") == read(A) == read([A]) == read(["a=1"]) == A
    assert read(["a=1 and b=2", C]) == And((A, B, C))
    with pytest.raises(FilterError, match="more than 64"):
        read([" or ".join(["a=1"] * 40)] * 2)
    with pytest.raises(FilterError, match="found int"):
        read([3])
