"""The engine alone is asked for the same words whatever stands around them."""

import zlib

from eval.bench.peers.scripts.engine import terms


def test_words_are_counted_without_case_and_marks():
    assert terms("Cat, cat dog?") == ([zlib.crc32(b"cat"), zlib.crc32(b"dog")], [2.0, 1.0])
