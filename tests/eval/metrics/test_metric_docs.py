"""docs/metrics.md says of every metric what the metric says of itself."""

from pathlib import Path

from eval.metrics import DEFAULT_METRICS, metrics, parse

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def rows():
    """The cells of the one table, by name."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(row) == 7 for row in cells)
    return {row[0].removesuffix(" *").strip("`"): row for row in cells}


def test_every_metric_is_in_the_table_and_nothing_else():
    """By its spelling."""
    assert sorted(rows()) == sorted(cls.spelling() for cls in metrics().values())


def test_the_table_is_right():
    """Direction, range, need of a judge and languages are those of the class; an aspect has its direction from the aspect."""
    for cls in metrics().values():
        _, what, direction, span, judge, languages, source = rows()[cls.spelling()]
        assert direction == ("by aspect" if cls.use == "aspect" else "higher" if cls.higher_is_better else "lower"), cls.use
        assert span == ("0 to 1" if cls.range == (0.0, 1.0) else "from 0"), cls.use
        assert judge == ("yes" if cls.needs_judge else "no"), cls.use
        assert languages == (", ".join(cls.languages) if cls.languages else "any"), cls.use
        assert what, cls.use
        assert source, cls.use


def test_the_defaults_are_marked():
    """Exactly those."""
    assert {name for name, row in rows().items() if row[0].endswith(" *")} == {type(parse(name)).spelling() for name in DEFAULT_METRICS}


def test_what_can_be_corrected_is_named():
    """In the last paragraph."""
    text = PAGE.read_text(encoding="utf-8").split("## Which means")[1].split(": plain shares")[0]
    assert {word.strip("`,") for word in text.split() if word.startswith("`")} == {use for use, cls in metrics().items() if cls.correctable}
