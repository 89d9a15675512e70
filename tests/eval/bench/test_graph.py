"""The benchmark of graphs: what it calls the default is the default, and its recall is against all vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.bench.graph import DEFAULT, SETTINGS, Setting, build, exact, figures, main, report, searched
from eval.bench.measured import text
from rag.errors import ConfigError
from rag.index.edge_layout import config, dense_params
from rag.index.engine import Layout
from rag.models.encoder import Vectors


def _unit(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, 16)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_the_first_setting_is_what_an_index_is_built_and_searched_with() -> None:
    layout = Layout({"dense": 16}, (), hnsw=True, quantization="scalar")
    own, params = config(layout, 1), dense_params(layout, 50, exact=False)
    assert SETTINGS[0] == DEFAULT
    assert own.hnsw_config is not None
    assert (own.hnsw_config.m, own.hnsw_config.ef_construct) == (DEFAULT.m, DEFAULT.ef_construct)
    assert params.quantization is not None
    assert params.quantization.oversampling == DEFAULT.oversampling


def test_all_other_settings_differ_from_it_in_one_respect() -> None:
    for other in SETTINGS[1:]:
        assert sum(getattr(other, n) != getattr(DEFAULT, n) for n in ("m", "ef_construct", "quantized", "oversampling")) == 1


def test_the_exact_nearest_are_those_of_the_largest_products() -> None:
    rows, asked = _unit(200, 0), _unit(3, 1)
    for found, question in zip(exact(rows, asked), asked, strict=True):
        assert set(found.tolist()) == set(sorted(range(200), key=lambda i: -float(rows[i] @ question))[:10])


def test_a_graph_with_room_for_every_point_finds_all_and_one_of_another_collection_nothing(tmp_path: Path) -> None:
    rows, asked = _unit(300, 0), _unit(20, 1)
    (tmp_path / "i").mkdir()
    setting = Setting(quantized="none")
    assert build(tmp_path / "i", rows, setting) > 0
    recall, spent = searched(tmp_path / "i", asked, exact(rows, asked), setting, 1024)
    assert recall == 1.0
    assert spent > 0
    assert searched(tmp_path / "i", asked, exact(rows, asked) + 1000, setting, 1024)[0] == 0.0


def test_a_row_for_each_setting_whose_recall_is_printed_by_width(tmp_path: Path) -> None:
    rows, asked = _unit(300, 0), _unit(20, 1)
    found = figures(rows, asked, (DEFAULT, Setting(oversampling=3.0), Setting(quantized="none")), tmp_path)
    assert [r[:4] for r in found] == [("int8", "2", 16, 128), ("int8", "3", 16, 128), ("none", "-", 16, 128)]
    assert len(list(tmp_path.iterdir())) == 2  # oversampling needs no files of its own
    assert "| none | - | 16 | 128 | 1.000 / 1.000 / 1.000 |" in text(report(found, 300, "command"))


def test_too_few_vectors_are_refused_with_how_many_are_needed(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", _unit(310, 0))
    with pytest.raises(ConfigError, match=r"v\.npy: holds 310 vectors; 300 are the questions, and at least 100"):
        main(tmp_path / "v.npy")
