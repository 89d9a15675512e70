"""Vectors like those of a model, for as many texts as are wanted: `python -m eval.bench.mixture DATA... --out FILE.npy` embeds the sentences they are made of.

A vector is that of a real sentence, moved towards and away from others of its neighbourhood: the sentences are put into cells by the nearest of
some of them, and the move is a Gaussian mixture of the differences to six random members of the cell, its length uniform between .8 and 1.9 before the
sum is made a unit vector. That was fitted so that the distance to the tenth neighbour stays that of real sentences at 90,000 (.96 against .98); an
earlier version with shorter moves had near-duplicates that no corpus has. Questions are sentences that are in no mixture.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from rag.models.encoder import Vectors
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PER_CELL, MEMBERS, SHORTEST, LONGEST = 64, 6, 0.8, 1.9
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_BLOCK = 4096


class Mixture:
    """Made vectors for texts: equal texts have equal vectors, others do not."""

    def __init__(self, rows: Vectors, questions: int) -> None:
        """Take unit rows of a model in random order; the first `questions` are for `questions` alone. Raises `ValueError` when none is left."""
        if len(rows) <= questions:
            raise ValueError(f"{len(rows)} vectors are not enough to hold {questions} back for questions; embed more sentences")
        self.questions, self._rows = rows[:questions], rows[questions:]
        centres = self._rows[:: min(PER_CELL, len(self._rows))]
        blocks = range(0, len(self._rows), _BLOCK)
        self._cell = np.concatenate([(self._rows[i : i + _BLOCK] @ centres.T).argmax(axis=1) for i in blocks])
        self._order = np.argsort(self._cell, kind="stable")
        self._start = np.searchsorted(self._cell[self._order], np.arange(len(centres)))
        self._size = np.bincount(self._cell, minlength=len(centres))

    def of(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text."""
        parts = [self._block(texts[i : i + _BLOCK]) for i in range(0, len(texts), _BLOCK)]
        return np.concatenate(parts) if parts else np.empty((0, self._rows.shape[1]), dtype=np.float32)

    def _block(self, texts: Sequence[str]) -> Vectors:
        dice = uniform(texts, 2 + 3 * MEMBERS)
        own = (dice[:, 0] * len(self._rows)).astype(np.int64)
        cell = self._cell[own]
        move = np.zeros((len(texts), self._rows.shape[1]), dtype=np.float32)
        for first, second, third in np.split(dice[:, 2:].T, MEMBERS):
            other = self._order[self._start[cell] + (first * self._size[cell]).astype(np.int64)]
            weight = np.sqrt(-2 * np.log(1 - second)) * np.cos(2 * np.pi * third)  # Box and Muller
            move += weight.astype(np.float32)[:, None] * (self._rows[other] - self._rows[own])
        length = SHORTEST + (LONGEST - SHORTEST) * dice[:, 1]
        norm = np.maximum(np.linalg.norm(move, axis=1), 1e-6)  # all six were the sentence itself
        found = self._rows[own] + move * (length / norm).astype(np.float32)[:, None]
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def uniform(texts: Sequence[str], count: int) -> NDArray[np.float64]:
    """Return `count` numbers from 0 to below 1 for each text, by its digest (splitmix64: Steele, Lea and Flood 2014)."""
    digests = b"".join(hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts)
    with np.errstate(over="ignore"):
        z = np.frombuffer(digests, dtype="<u8")[:, None] + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((z ^ (z >> np.uint64(31))) >> np.uint64(11), dtype=np.float64) * 2.0**-53


def sentences(text: str) -> list[str]:
    """Return the sentences and paragraphs of 30 to 400 characters."""
    parts = (" ".join(p.split()) for p in _SENTENCE.split(text))
    return [p for p in parts if 30 <= len(p) <= 400]


@app.command()
def main(
    data: Annotated[list[Path], typer.Argument(help="Folders of documents, as `rag index` takes them.")],
    out: Annotated[Path, typer.Option(help="Where the vectors go, as float32 rows.")],
    most: Annotated[int, typer.Option(help="How many sentences at most.")] = 100_000,
) -> None:
    """Embed distinct sentences with the bundled model, in random order."""
    from rag import Runtime
    from rag.loaders.corpus import Loaded, read
    from rag.memo import Memo
    from rag.models.files import BUNDLED

    documents = (i.document.text for i in read([p.resolve() for p in data], 100) if isinstance(i, Loaded))
    found = sorted({s for text in documents for s in sentences(text)})
    chosen = [found[i] for i in np.random.default_rng(0).permutation(len(found))[:most]]
    np.save(out, Runtime(Memo()).embed(BUNDLED, chosen))
    sys.stdout.write(f"{len(chosen)} of {len(found)} sentences\n")


if __name__ == "__main__":
    sys.exit(run(app))
