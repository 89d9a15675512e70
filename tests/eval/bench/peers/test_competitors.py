"""Who takes part: ours always, each once, each with a script."""

from pathlib import Path

import pytest

from eval.bench.peers import scripts
from eval.bench.peers.competitors import DEFAULTS, ENTRIES, OURS, chosen
from rag.errors import ConfigError


@pytest.mark.parametrize("work", ["search", "index", "embed"])
def test_every_work_has_us_first_and_each_framework(work):
    names = [e.name for e in chosen(work)]
    assert names[0] == OURS
    assert {"LangChain", "LlamaIndex", "Haystack"} < set(names)


def test_names_choose_and_ours_stays():
    assert [e.name for e in chosen("index", ["Haystack"])] == [OURS, "Haystack"]
    with pytest.raises(ConfigError, match="did you mean 'Haystack'"):
        chosen("index", ["Haystac"])


def test_searches_are_made_at_the_defaults_too():
    """They compare vectors of one byte a number first; the same in everything else."""
    (exact, *_), defaults = chosen("search"), next(e for e in chosen("search") if e.name == DEFAULTS)
    assert (exact.name, exact.options["search"]) == (OURS, "exact")
    assert defaults.options == {k: v for k, v in exact.options.items() if k != "search"}


def test_names_are_unique_and_scripts_there():
    assert len({e.name for e in ENTRIES}) == len(ENTRIES)
    folder = Path(scripts.__file__).parent
    assert all((folder / f"{e.module}.py").is_file() for e in ENTRIES)


def test_only_peers_and_their_encoder_run_in_the_other_environment():
    assert {e.name for e in ENTRIES if e.peers} == {e.name for e in ENTRIES if e.role == "peer"} | {"sentence-transformers"}
