"""Finds documents that say the same, word for word or nearly, from one short signature per document.

A signature is the MinHash of a text's word 5-shingles (Broder 1997) with one byte kept of each of 192 minima: b-bit
minwise hashing, whose estimate is corrected for bytes that agree by chance (Li and Koenig 2010, "b-Bit Minwise
Hashing", theorem 1 for small sets: `P(agree) = J + (1 - J) / 2^b`). Case, punctuation and white space do not count, nor
how often a shingle occurs; two reports that differ in one figure are near duplicates, so show them, never drop them
unseen. Pairs are found by banding; a crowded bucket is divided by the next band, as in an LSH forest (Bawa 2005).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import comb

import numpy as np
from numpy.typing import NDArray

from rag.index.word_hashes import many_hashes

SKETCH_VERSION = 2  # goes up when a text gives another signature: signatures of two versions must not meet
SHINGLE = 5  # words
HASHES = 192  # one byte each; as base64 256 characters
CROWD = 64  # documents kept in a bucket before it is divided
_CHANCE = 1 / 256
_BLOCK = 128  # shingles hashed at once: 98 kB, which stay in the cache of a core

Words = NDArray[np.uint64]
Half = NDArray[np.uint32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One document: the digest and the length in characters of its text, and its `sketch` (empty: compared by digest alone)."""

    id: str
    tenant: str
    text_digest: str
    sketch: str
    length: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The document that stands for this one, the estimated Jaccard similarity to it, and whether the texts are equal."""

    of: str
    similarity: float
    exact: bool


@dataclass(slots=True)
class Work:
    """How many pairs of signatures were compared."""

    compared: int = 0


def _mix(x: Words) -> Words:
    """Return 64-bit numbers scattered by the bijection that ends MurmurHash3 (Appleby, public domain)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = (x ^ (x >> np.uint64(33))) * np.uint64(factor)
    return x ^ (x >> np.uint64(33))


_ODD = _mix(np.arange(1, HASHES + SHINGLE + 1, dtype=np.uint64)) | np.uint64(1)  # not from numpy's generators, which may change


_FACTOR = (_mix(np.arange(1, HASHES + 1, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
_TERM = (_mix(np.arange(1001, HASHES + 1001, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32)


def _shingles(texts: Sequence[str]) -> list[Half]:
    """Return a hash per run of five words of each text; of all words where there are fewer, of characters where there are no words."""
    found = many_hashes(texts)
    ends = list(accumulate(map(len, found)))
    if len(found) > 1:  # runs over the end of a text are left out below
        runs = _runs(np.concatenate(found), min(SHINGLE, ends[-1]))
        return [runs[end - len(h) : end - SHINGLE + 1] if len(h) >= SHINGLE else _runs(h, len(h)) for h, end in zip(found, ends, strict=True)]
    return [_runs(h, min(SHINGLE, len(h))) for h in found]


def _runs(hashes: Words, size: int) -> Half:
    runs = np.zeros(len(hashes) - size + 1, dtype=np.uint64)
    for place in range(size):
        runs += hashes[place : place + len(runs)] * _ODD[HASHES + place]
    return (runs >> np.uint64(32)).astype(np.uint32)  # multiply-shift (Dietzfelbinger 1997): the upper half is the scattered one


def sketches(texts: Sequence[str]) -> list[str]:
    """Return the signatures of texts, 256 ASCII characters each, in time linear in the texts; equal on every machine.

    Hashes are of 32 bits: processors multiply eight or sixteen at once.
    """
    lowest = np.full((len(texts), HASHES), 2**32 - 1, dtype=np.uint32)
    block, least = np.empty((_BLOCK, HASHES), dtype=np.uint32), np.empty(HASHES, dtype=np.uint32)
    for own, shingles in zip(lowest, _shingles(texts), strict=True):
        for at in range(0, len(shingles), _BLOCK):
            part = shingles[at : at + _BLOCK, None]
            rows = block[: len(part)]
            np.multiply(part, _FACTOR, out=rows)
            np.add(rows, _TERM, out=rows)
            np.minimum(own, np.minimum.reduce(rows, axis=0, out=least), out=own)
    kept = (((lowest ^ (lowest >> np.uint32(16))) * np.uint32(0x85EBCA6B)) >> np.uint32(24)).astype(np.uint8)
    return [binascii.b2a_base64(own.tobytes(), newline=False).decode("ascii") for own in kept]


def _decoded(signature: str) -> bytes:
    data = binascii.a2b_base64(signature, strict_mode=True)
    if len(data) != HASHES:
        raise ValueError(f"a signature holds {HASHES} bytes, this one {len(data)}; make it again with `sketches`")
    return data


def _estimate(agree: int) -> float:
    """Return the Jaccard similarity that so many agreeing bytes speak for."""
    return max(0.0, (agree / HASHES - _CHANCE) / (1 - _CHANCE))


def similarity(one: str, two: str) -> float:
    """Return the estimated Jaccard similarity of two texts from their signatures; its standard error is `sqrt(J (1 - J) / 192)`."""
    a, b = (np.frombuffer(_decoded(s), dtype=np.uint8) for s in (one, two))
    return _estimate(int(np.count_nonzero(a == b)))


def _agreeing(threshold: float) -> int:
    return next(n for n in range(HASHES + 1) if _estimate(n) >= threshold)


def _band_miss(jaccard: float, rows: int) -> float:
    return float((1 - (jaccard + (1 - jaccard) * _CHANCE) ** rows) ** (HASHES // rows))


def band_rows(threshold: float) -> int:
    """Return the bytes in a band: the most at which a pair at the threshold shares no band with probability at most .01."""
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold} must lie in (0, 1]")
    return max(r for r in range(1, HASHES + 1) if HASHES % r == 0 and (r == 1 or _band_miss(threshold, r) <= 0.01))


def miss_probability(jaccard: float, threshold: float = 0.9) -> float:
    """Return a bound on the probability that a pair of this true similarity is not found, buckets being undivided.

    It is missed when it shares no band, or when too few bytes agree: the lower tail of a binomial distribution.
    """
    p = jaccard + (1 - jaccard) * _CHANCE
    below = sum(comb(HASHES, n) * p**n * (1 - p) ** (HASHES - n) for n in range(_agreeing(threshold)))
    return min(1.0, below + _band_miss(jaccard, band_rows(threshold)))


def find(candidates: Iterable[Candidate], threshold: float = 0.9, work: Work | None = None) -> dict[str, Duplicate]:
    """Return the duplicates by id, each with the document that stands for it, which is never a duplicate itself.

    Documents are taken by ascending id within a tenant, and one is a duplicate of the most similar of those kept so far
    (of equals the smallest id), so the order of the input changes nothing. No text of more than twice the length stands
    for another: a set of shingles does not show repetition. `work` counts. Raises `ValueError` for an id that comes twice,
    a signature of another size, or a threshold outside (0, 1].
    """
    rows = sorted(candidates, key=lambda c: (c.tenant, c.id))
    if len({c.id for c in rows}) < len(rows):
        raise ValueError("two candidates have the same id")
    heads: dict[tuple[str, str, int], Candidate] = {}
    for row in rows:
        heads.setdefault((row.tenant, row.text_digest, row.length), row)
    near = _near([h for h in heads.values() if h.sketch], threshold, work or Work())
    found: dict[str, Duplicate] = {}
    for row in rows:
        head = heads[row.tenant, row.text_digest, row.length]
        if head.id in near:
            found[row.id] = near[head.id]
        elif head is not row:
            found[row.id] = Duplicate(head.id, 1.0, True)
    return found


def _near(rows: list[Candidate], threshold: float, work: Work) -> dict[str, Duplicate]:
    """Return the near duplicates among documents of unequal texts, sorted by tenant and id."""
    size, enough = band_rows(threshold), _agreeing(threshold)
    signatures = np.frombuffer(b"".join(_decoded(r.sketch) for r in rows), dtype=np.uint8).reshape(len(rows), HASHES)
    lengths = np.array([r.length for r in rows], dtype=np.int64)
    shared = _shared(signatures, [r.tenant for r in rows], size)
    forest = _Forest(signatures, size)
    found: dict[str, Duplicate] = {}
    for i in np.flatnonzero(shared.any(axis=1)).tolist():
        bands = np.flatnonzero(shared[i]).tolist()
        kept = np.array(sorted(forest.near(i, rows[i].tenant, bands)), dtype=np.int64)
        kept = kept[(2 * lengths[kept] >= lengths[i]) & (lengths[kept] <= 2 * lengths[i])]
        agree = np.count_nonzero(signatures[kept] == signatures[i], axis=1)
        work.compared += len(kept)
        if len(kept) and agree.max() >= enough:
            best = int(agree.argmax())  # the first of equals, which has the smallest id
            found[rows[i].id] = Duplicate(rows[kept[best]].id, _estimate(int(agree[best])), False)
        else:
            forest.keep(i, rows[i].tenant, bands)
    return found


def _shared(signatures: Bytes, tenants: list[str], size: int) -> NDArray[np.bool_]:
    """Return by document and band whether another document of the tenant may have the same band: most have none."""
    numbers = {t: n for n, t in enumerate(dict.fromkeys(tenants), start=1)}
    tenant = _mix(np.array([numbers[t] for t in tenants], dtype=np.uint64))
    shared = np.zeros((len(signatures), HASHES // size), dtype=np.bool_)
    for band in range(HASHES // size):
        keys = tenant ^ (signatures[:, band * size : (band + 1) * size].astype(np.uint64) * _ODD[:size]).sum(axis=1, dtype=np.uint64)
        _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shared[:, band] = counts[place] > 1
    return shared


class _Forest:
    """Kept documents by tenant and by the bytes from each band on; a bucket is None once it is divided by one more band."""

    def __init__(self, signatures: Bytes, size: int) -> None:
        self._signatures, self._size = signatures, size
        self._buckets: dict[tuple[str, int, bytes], list[int] | None] = {}

    def _leaf(self, i: int, tenant: str, band: int) -> tuple[str, int, bytes]:
        """Return the key of the undivided bucket that a document belongs to."""
        start, size = band * self._size, self._size
        around = self._signatures[i].tobytes() * 2
        while self._buckets.get(key := (tenant, band, around[start : start + size]), []) is None:
            size += self._size
        return key

    def near(self, i: int, tenant: str, bands: list[int]) -> set[int]:
        """Return the kept documents that share a bucket with a document."""
        return {k for band in bands for k in self._buckets.get(self._leaf(i, tenant, band)) or ()}

    def keep(self, i: int, tenant: str, bands: list[int]) -> None:
        """Add a document."""
        for band in bands:
            self._add(i, tenant, band)

    def _add(self, i: int, tenant: str, band: int) -> None:
        key = self._leaf(i, tenant, band)
        bucket = [*(self._buckets.get(key) or ()), i]
        if len(bucket) <= CROWD or len(key[2]) >= HASHES:
            self._buckets[key] = bucket
        else:
            self._buckets[key] = None
            for other in bucket:
                self._add(other, tenant, band)
