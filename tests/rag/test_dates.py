"""Numbers and moments in text: what is one, and where it lies on the line of time."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.dates import NS, bound, iso, iso_seconds, moment, number

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0), ("-0.5", -0.5), ("1e3", 1000.0), (".5", 0.5), ("3.", 3.0), ("+2", 2.0), (str(2**53 - 1), 2**53 - 1.0),
        ("", None), (".", None), ("x", None), ("nan", None), ("inf", None), ("1e999", None), (str(2**53), None),
        ("1_000", None), (" 3", None), ("3 ", None), ("\uff13", None), ("0x10", None), ("9" * 100_000, None),
    ],
)  # fmt: skip
def test_number(text, value):
    assert number(text) == value


@given(
    st.datetimes(
        timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30)), datetime.timezone(-datetime.timedelta(hours=9))])
    )
)
def test_a_time_that_python_writes_is_read_as_the_same_moment(time):
    """The reference is the standard library, to the microsecond."""
    expected = (time - EPOCH) // datetime.timedelta(microseconds=1) * 1000
    assert moment(time.isoformat()) == expected
    if 1 < time.year < 9999:
        assert bound(time.isoformat()) == expected
        assert bound(iso(expected)) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0), ("1970-01-02T00:00:01Z", 86_401), ("1970-01-01 00:00", 0), ("1970-01-01T01:00+01:00", 0), ("1970-01-01T00:00:00-00:30", 1800),
        ("2024-02-29", 1_709_164_800), ("1969-12-31T23:59:59.5", -0.5), ("0001-01-01", -62_135_596_800),
    ],
)  # fmt: skip
def test_bound(text, seconds):
    assert bound(text) == seconds * NS


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-01", "20260131", "2026-1-31", "2026-02-30", "2026-13-01", " 2026-01-31", "2026-01-31T", "2026-01-31T10", "2026-01-31T24:00", "2026-W05-6",
     "2026-01-31t10:00:00z", "2026-01-31T10:00:00 Z", "2026-01-31T10:00:00+0200", "0000-01-01", "0001-01-01T00:00:00+01:00", "\uff19999-01-01", "12026-01-31"],
)  # fmt: skip
def test_a_bound_in_no_plain_form_is_none(text):
    assert bound(text) is None


@pytest.mark.parametrize("text", ["2026-1-31", " 2026-01-31", "2026-01-31 10:00:00 Z", "2026-01-31T10:00:00+02", "+2026-01-31"])
def test_text_in_metadata_may_be_looser_as_the_engine_is(text):
    assert moment(text) is not None


@pytest.mark.parametrize(
    "text", ["2026-01-31 ", "2026-01-31T10", "2026-01-31T10:00Z", "x", "12026-01-31", "2023-02-29", "+300000-01-01", "2026-01-31\x1c", "2" * 100_000]
)
def test_text_that_the_engine_takes_for_no_date_is_none(text):
    assert moment(text) is None


def test_a_leap_second_lies_between_its_neighbours():
    assert moment("2016-12-31T23:59:59.9Z") < moment("2016-12-31T23:59:60Z") < moment("2017-01-01T00:00:00Z")


def test_iso_of_seconds_drops_fractions_and_knows_no_year_beyond_9999():
    assert iso_seconds(0.9) == "1970-01-01T00:00:00Z"
    assert iso_seconds(-0.1) == "1969-12-31T23:59:59Z"
    assert iso(1_500_000_000) == "1970-01-01T00:00:01.5Z"
    assert [iso_seconds(None), iso_seconds(1e18), iso_seconds(-1e18)] == [None, None, None]
