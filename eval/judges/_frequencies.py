"""How rare a term is in a corpus, so that a rare word weighs more than a common one."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

from eval.judges.words import read


@dataclass(frozen=True)
class Frequencies:
    """In how many of `texts` texts each term or number occurs. Numbers stand under `#`, which no term begins with."""

    texts: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[str], language: str = "english") -> Frequencies:
        """Count the terms and numbers of texts (documents of a corpus)."""
        counts: Counter[str] = Counter()
        total = 0
        for text in texts:
            total += 1
            counts.update(read(text, 0, len(text), language).units)
        return cls(total, dict(counts))

    def weight(self, unit: str) -> float:
        """Return BM25's idf, `ln(1 + (N - n + .5) / (n + .5))`, always positive."""
        n = self.counts.get(unit, 0)
        return log(1 + (self.texts - n + 0.5) / (n + 0.5))

    @property
    def digest(self) -> str:
        """Digest of the whole table (128 bits, hex)."""
        table = json.dumps([self.texts, sorted(self.counts.items())], ensure_ascii=False)
        return hashlib.blake2b(table.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
