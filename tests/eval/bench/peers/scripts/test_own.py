"""This project as a competitor: it finds the passages that were given, by the numbers they were given with, in either form."""

import pytest

from eval.bench.peers.inputs import Inputs, generate, vocabulary
from eval.bench.peers.process import REPOSITORY
from eval.bench.peers.scripts.own import Own


@pytest.mark.parametrize("options", [{"together": True, "search": "exact"}, {"search": "exact"}])
def test_a_passage_is_found_by_its_words_and_vector_as_its_number(options, tmp_path):
    passages, vectors, _ = generate(vocabulary(REPOSITORY / "data" / "handbook"), [], 30)
    asked = [" ".join(passages[n].split()[:40]) for n in (3, 17, 29)]
    own = Own(Inputs(passages, vectors, asked, vectors[[3, 17, 29]], ""), tmp_path, options)
    said = own.index()
    assert said["chunks"] == 30
    assert set(said["parts"]) >= {"read and chunk", "embed", "write"}
    found = [own.numbers(own.search(text)) for text in asked]
    own.close()
    assert [f[0] for f in found] == [3, 17, 29]
    assert all(sorted(f) == list(range(30)) for f in found)
