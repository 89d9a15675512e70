"""CSV and TSV: each row is a document or a failure of its own; nothing in a cell is more than data."""

import csv
import io
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.base import Limit, Parsed, Unreadable
from rag.loaders.table import parse, parse_tabs


def rows(data: bytes, mb: float = 1.0, tabs: bool = False) -> dict[int, Parsed | str]:
    """Row number to document or reason."""
    found = (parse_tabs if tabs else parse)(io.BytesIO(data), Limit(mb))
    return {n: str(f) if isinstance(f, Unreadable) else f for n, f in found}


def test_the_columns_of_a_document_and_of_its_metadata() -> None:
    """A worked example: types, an empty cell, a cell over two lines, a blank line."""
    data = b'id,title,text,year,rate,live,when,zip\r\n7,T,"Hello, ""you""\r\nthere",2024,0.5,TRUE,2024-03-01,01234\r\n\r\nx,,Bye,,-1.5e3,no,,\r\n'
    assert rows(data) == {
        2: Parsed('Hello, "you"\r\nthere', {"year": 2024, "rate": 0.5, "live": True, "when": "2024-03-01", "zip": "01234"}, "T", id="7"),
        4: Parsed("Bye", {"rate": -1500.0, "live": "no"}, id="x"),
    }


def test_without_a_text_column_the_text_is_the_other_columns() -> None:
    """One line for each that has a value; they are metadata as well. `_id` is the id where both are given."""
    assert rows(b"_id,id,title,name,price\n1,9,Chair,Red chair,12.50\n2,,,Table,\n") == {
        2: Parsed("id: 9\nname: Red chair\nprice: 12.50", {"id": 9, "name": "Red chair", "price": 12.5}, "Chair", id="1"),
        3: Parsed("name: Table", {"name": "Table"}, id="2"),
    }


def test_rows_without_an_id_column_and_with_an_empty_id() -> None:
    """The first are left to the caller to name; the second are refused by it."""
    assert rows(b"text\na\n") == {2: Parsed("a")}
    assert rows(b"id,text\n,a\n") == {2: Parsed("a", id="")}


def test_tabs_part_the_cells_of_a_tsv() -> None:
    """Commas in it are text."""
    assert rows(b"id\ttext\n1\ta,b\n", tabs=True) == {2: Parsed("a,b", id="1")}


@pytest.mark.parametrize("cell", ["=1+1", '=HYPERLINK("http://169.254.169.254","x")', "@SUM(A1)", "+1", "-1+1", "|cmd", "'quoted'", '5" disk'])
def test_formulas_and_quotes_are_data(cell: str) -> None:
    """They come through as they are."""
    out = io.StringIO()
    csv.writer(out).writerows([["text", "note"], [cell, cell]])
    assert rows(out.getvalue().encode()) == {2: Parsed(cell, {"note": cell})}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1", "row 3: 1 cells, the header has 2"),
        (b"1,a,b", "row 3: 3 cells, the header has 2"),
        (b"1,a\0b", "row 3: binary (it has a NUL)"),
        (b"1,caf\xe9", "row 3: not UTF-8 (byte 0xe9); convert the file, for example with iconv"),
        (b'1,"a"b', "row 3: not valid CSV (',' expected after '\"')"),
        (b"1, ", "row 3: no text"),
    ],
)
def test_a_bad_row_is_a_failure_and_the_others_load(row: bytes, reason: str) -> None:
    """One bad row costs one document, and says which row it is."""
    assert rows(b"id,text\n0,good\n" + row + b"\n2,good\n") == {2: Parsed("good", id="0"), 3: reason, 4: Parsed("good", id="2")}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no header row that names the columns"),
        (b"\n", "row 1: no header row that names the columns"),
        (b"a,text,a\n1,2,3\n", "row 1: two columns are named 'a'"),
        (b"a, a\n1,2\n", "row 1: two columns are named 'a'"),
        (b"a,,b\n1,2,3\n", "row 1: column 2 has no name"),
        (b"id;text\n1;a\n", "row 1: one column 'id;text'; part cells with commas in .csv, with tabs in .tsv"),
        (b"a,text\n\n\n", "no row after the header"),
        (b"text,b" + b"x" * 200 + b"\n1,2\n", "row 1: the name of column 2 is 201 characters long, more than 200"),
        (b"a,b\0\n1,2\n", "row 1: binary (it has a NUL)"),
        (b"caf\xe9,b\n1,2\n", "row 1: not UTF-8 (byte 0xe9); convert the file, for example with iconv"),
        (b"a" + b",a" * 1000 + b"\n", "row 1: 1001 columns, more than 1000"),
    ],
)
def test_a_file_without_a_usable_header_is_one_failure(data: bytes, reason: str) -> None:
    """Its rows would mean nothing."""
    assert rows(data) == {1: reason}


@pytest.mark.parametrize("data", [b"text\ngood\n" + b"x" * 2000, b'text\ngood\n"' + b"a\nb\n" * 600, b"text\ngood\n" + b"a," * 1000])
def test_a_row_over_the_limit_ends_the_file(data: bytes) -> None:
    """A cell, an unclosed quote or a row of many cells: where the next row begins cannot be known, and that is said."""
    reason = "row 3: the row is at least 0.1 MB, more than index.max_document_mb (0.001); raise it or split the file; no row after it is read"
    assert rows(data + b"\nmore\n", 0.001) == {2: Parsed("good"), 3: reason}


def test_an_unclosed_quote_is_a_failure() -> None:
    """Also in the last row."""
    assert rows(b'text\ngood\n"bad\n') == {2: Parsed("good"), 3: "row 3: not valid CSV (unexpected end of data)"}


def test_a_million_columns_fail_at_once() -> None:
    """The header is refused."""
    data = b",".join(b"%d" % i for i in range(10**6))
    assert rows(data, 32) == {1: "row 1: 1000000 columns, more than 1000"}


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_those_of_text(codec: str) -> None:
    """UTF-8 with or without a mark, UTF-16 with one."""
    assert rows("id,text\n1,caf\u00e9 \U0001f600\n".encode(codec)) == {2: Parsed("caf\u00e9 \U0001f600", id="1")}


def test_damaged_utf16_ends_the_file() -> None:
    """Half a character cannot be read past; decoding runs ahead of the rows, so the place is not exact."""
    data = "text\n".encode("utf-16") + "good\n".encode("utf-16-le") * 9000 + b"\x00\xd8\x0a\x00"
    found = rows(data)
    last = max(found)
    assert 2000 < last <= 9002
    assert found.pop(last) == f"row {last}: not UTF-16 in it or soon after it; convert the file, for example with iconv; no row after it is read"
    assert set(map(str, found.values())) == {str(Parsed("good"))}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12), ("-3", -3), ("007", "007"), ("+5", "+5"), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", "9223372036854775808"),
        ("1.50", 1.5), ("1e5", "1e5"), ("1.0e999", "1.0e999"), ("nan", "nan"), ("False", False), ("\u0661", "\u0661"), ("1_000", "1_000"), (" 7 ", 7),
    ],
)  # fmt: skip
def test_the_types_of_cells(cell: str, value: object) -> None:
    """What is spelt as a number is one; what would lose digits is text."""
    (found,) = rows(f"text,v\nx,{cell}\n".encode()).values()
    assert isinstance(found, Parsed)
    assert found.meta == {"v": value}
    assert type(found.meta["v"]) is type(value)


@settings(deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2), max_size=5), st.booleans())
def test_what_csv_writes_is_read_back(cells: list[list[str]], tabs: bool) -> None:
    """Every text that is not blank survives, and each row gives exactly one result."""
    out = io.StringIO()
    csv.writer(out, delimiter="\t" if tabs else ",").writerows([["text", "title"], *cells])
    found = rows(out.getvalue().encode(), tabs=tabs)
    assert list(found) == (list(range(2, len(cells) + 2)) or [1])
    for (text, title), row in zip(cells, found.values(), strict=bool(cells)):
        expected = (text, title if title.strip() else "") if text.strip() else (title, "")
        assert row == (f"row {row_of(row)}: no text" if not expected[0].strip() else Parsed(expected[0], {}, expected[1]))


def row_of(row: Parsed | str) -> int:
    """The number in a reason."""
    return int(str(row).split()[1].rstrip(":"))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200).map(lambda b: b"text,a\n" + b))
def test_any_bytes_are_rows_or_reasons(data: bytes) -> None:
    """Nothing is raised, and reasons are one line that names the row."""
    for number, found in rows(data).items():
        assert isinstance(found, Parsed) or found == "no row after the header" or (found.startswith(f"row {number}: ") and "\n" not in found)


def test_a_table_streams(tmp_path: Path) -> None:
    """20 MB of rows take less than 2 MB at any time."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n" + b"".join(b"%d,%s\n" % (i, b"x" * 10_000) for i in range(2000)))
    file: BinaryIO
    with path.open("rb") as file:
        tracemalloc.start()
        count = sum(isinstance(found, Parsed) for _, found in parse(file, Limit(1)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 2000
    assert peak < 2_000_000
