"""The registry of formats, and what every registered format must hold."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.base import ByLine, Format, Limit, Parsed, Unreadable, Whole, formats, suffix_of, whole


def test_the_formats_of_the_contract_are_registered() -> None:
    """Every suffix the contract names has a reader; JSON Lines and tables are read by line."""
    assert set(formats()) >= {".md", ".txt", ".html", ".pdf", ".docx", ".jsonl"}
    assert [suffix for suffix, found in formats().items() if isinstance(found, ByLine)] == [".csv", ".jsonl", ".tsv"]
    assert list(formats()) == sorted(formats())


def test_a_suffix_has_one_reader() -> None:
    """Taking a suffix that is taken is an error of the programmer."""
    formats()
    with pytest.raises(TypeError, match=r"two readers for \.txt"):
        whole(".txt")(lambda data, limit: Parsed(""))


@pytest.mark.parametrize(("name", "suffix"), [("a.MD", ".md"), ("a.tar.gz", ".gz"), ("a", ""), (".md", ""), ("a.", ""), ("d.x/a", "")])
def test_the_suffix_decides(name: str, suffix: str) -> None:
    """The last suffix, in lower case."""
    assert suffix_of(name) == suffix


@pytest.mark.parametrize(("mb", "size"), [(1, 1_000_000), (0.0015, 1500), (float("inf"), sys.maxsize)])
def test_a_megabyte_is_a_million_bytes(mb: float, size: int) -> None:
    """No limit at all can be said too."""
    assert Limit(mb).size == size


@pytest.mark.parametrize("size", [32_000_001, 32_099_999, 32_100_000])
def test_a_size_over_the_limit_never_reads_as_the_limit(size: int) -> None:
    """One byte over 32 MB is shown as 32.1 MB."""
    assert Limit(32.0).problem(size) == "is 32.1 MB, more than index.max_document_mb (32); raise it or split the file"
    assert Limit(32.0).problem(32_000_000) == ""


@pytest.mark.parametrize("found", [f for f in formats().values() if isinstance(f, Whole)], ids=[s for s, f in formats().items() if isinstance(f, Whole)])
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300) | st.text().map(str.encode) | st.binary().map(lambda b: b"%PDF-1.4\n" + b) | st.binary().map(lambda b: b"PK\x03\x04" + b))
def test_any_bytes_give_sound_text_or_an_exception(found: Format, data: bytes) -> None:
    """Text is non-blank, its body lies inside, and it can be stored; anything else is an exception that the corpus reports."""
    assert isinstance(found, Whole)
    try:
        parsed = found.parse(data, Limit(1))
    except Unreadable as error:
        assert str(error)
        assert "\n" not in str(error)
    except Exception as error:  # see rag.loaders.corpus: any exception is one failed document
        assert type(error).__module__ not in ("rag.errors", "builtins")
    else:
        assert parsed.text[parsed.body :].strip()
        parsed.text.encode()
