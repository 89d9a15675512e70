"""The words of ASCII texts in arrays: each distinct one is read once, and found again in a few operations of numpy a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rag.kept import LONGEST

SHORT = 16  # characters of a word that two numbers of 64 bits hold: it is compared whole, so that no two are taken for one
FEW = 3000  # characters in which a dictionary finds the words sooner than arrays do
_PROBES = 8  # slots a word may lie in: whoever writes texts that crowd into them is served from a dictionary
_BITS, _BLOCK = 16, 8192
_TOGETHER = 1024  # short words that are given slots at once
_FOLD = bytes(ord(chr(c).lower()) if c < 128 and (chr(c).isalnum() or c == 95) else 0 for c in range(256))
_ONE, _TWO = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_MASK = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(SHORT + 1)], dtype=np.uint64)
_MASK_TWO = np.array([(1 << 8 * max(0, n - 8)) - 1 for n in range(SHORT + 1)], dtype=np.uint64)

Numbers = NDArray[np.uint64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Runs:
    """A text in lower case, and where its runs of letters, digits and `_` start and end."""

    data: bytes
    starts: Places
    ends: Places

    @property
    def longest(self) -> int:
        """Characters of the longest run."""
        return int((self.ends - self.starts).max()) if len(self.starts) else 0


def runs(text: str) -> Runs:
    """Return the runs of an ASCII text. Its characters lie one further in `data`. Raises `UnicodeEncodeError` for another."""
    data = b"\0" + text.encode("ascii").translate(_FOLD) + bytes(SHORT)
    inside = np.frombuffer(data, dtype=np.uint8) != 0
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    return Runs(data, edges[::2], edges[1::2])


class Words:
    """A number for every word, for any thread. It holds `most` at most, and is emptied when it is full: frequent ones come back at once."""

    def __init__(self, make: Callable[[str], int], most: int) -> None:
        """Take what makes the number of a word, of 64 bits; equal words must give equal numbers."""
        self._make, self._most, self._lock = make, most, Lock()
        self.clear()

    def clear(self) -> None:
        """Forget every word."""
        self._apart: dict[bytes, int] = {}  # long ones, and those that no slot is left for
        self._fresh: dict[bytes, int] = {}  # short ones that get slots together: it takes a while, however few they are
        self._count = 0
        self._room(_BITS)

    def _room(self, bits: int) -> None:
        """Make empty slots: each holds a word in two numbers, and its own."""
        self._bits = bits
        self._slots = np.zeros((3, (1 << bits) + _PROBES), dtype=np.uint64)

    def __len__(self) -> int:
        return self._count + len(self._apart) + len(self._fresh)

    def numbers(self, found: Runs) -> Numbers:
        """Return the numbers of the words of a text in order, repeats included."""
        values = np.empty(len(found.starts), dtype=np.uint64)
        for at in range(0, len(values), _BLOCK):
            with self._lock:  # slots move while words are added
                self._look(found.data, found.starts[at : at + _BLOCK], found.ends[at : at + _BLOCK], values[at : at + _BLOCK])
        return values

    def _look(self, data: bytes, starts: Places, ends: Places, values: Numbers) -> None:
        sizes = np.minimum(ends - starts, SHORT)
        eights: Numbers = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
        halves = np.stack([eights[starts] & _MASK[sizes], eights[starts + 8] & _MASK_TWO[sizes]])
        slot, (ones, twos, kept) = self._slot(halves), self._slots
        values[:] = kept[slot]
        left = np.flatnonzero((ones[slot] != halves[0]) | (twos[slot] != halves[1]) | (ends - starts > SHORT))
        for step in range(1, _PROBES):
            if not len(left):
                return
            near = slot[left] + step
            missed = (ones[near] != halves[0, left]) | (twos[near] != halves[1, left])
            values[left] = kept[near]
            left = left[missed | (ends[left] - starts[left] > SHORT)]
        words = [data[a:b] for a, b in zip(starts[left].tolist(), ends[left].tolist(), strict=True)]
        values[left] = self._made(words)

    def _slot(self, halves: Numbers) -> Places:
        """Return the first of the slots that each word may lie in; `halves` are the two numbers it is held as."""
        scattered: Numbers = (halves[0] + halves[1] * np.uint64(_TWO)) * np.uint64(_ONE)
        return (scattered >> np.uint64(64 - self._bits)).astype(np.int64)

    def _made(self, words: Sequence[bytes]) -> list[int]:
        """Return the numbers of words that lie in no slot, and keep those that were not known."""
        found = []
        for word in words:
            number = self._fresh.get(word, self._apart.get(word))
            if number is None:
                number = self._make(word.decode("ascii"))
                if len(self) >= self._most:
                    self.clear()
                if len(word) <= LONGEST:
                    (self._fresh if len(word) <= SHORT else self._apart)[word] = number
            found.append(number)
        if len(self._fresh) >= _TOGETHER:
            fresh, self._fresh = self._fresh, {}
            data = b"".join(word.ljust(SHORT, b"\0") for word in fresh)
            self._hold(np.frombuffer(data, dtype="<u8").reshape(-1, 2).T, np.array(list(fresh.values()), dtype=np.uint64))
        return found

    def _hold(self, halves: Numbers, numbers: Numbers) -> None:
        """Put short words into slots, those for which none is left into the dictionary."""
        if 2 * (self._count + len(numbers)) > 1 << self._bits:
            old = self._slots[:, self._slots[0] != 0]
            self._room(max(self._bits, (2 * (self._count + len(numbers))).bit_length()))
            self._count = 0
            self._hold(old[:2], old[2])
        slot = self._slot(halves)
        for step in range(_PROBES):
            free = np.flatnonzero(self._slots[0, slot + step] == 0)
            won = free[np.unique(slot[free], return_index=True)[1]]  # one word to a slot
            self._slots[:2, slot[won] + step], self._slots[2, slot[won] + step] = halves[:, won], numbers[won]
            self._count += len(won)
            left = np.delete(np.arange(len(slot)), won)
            slot, halves, numbers = slot[left], halves[:, left], numbers[left]
            if not len(left):
                return
        for one, two, number in zip(*halves.tolist(), numbers.tolist(), strict=True):
            self._apart[(one | two << 64).to_bytes(SHORT, "little").rstrip(b"\0")] = number
