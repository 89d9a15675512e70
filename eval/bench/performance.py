"""`python -m eval.bench.performance`: write docs/performance.md and its curves from the results that are committed in eval/bench/results."""

from __future__ import annotations

import sys
from pathlib import Path

from eval.bench.measured import Curve, Result, fitted, read, text

ROOT = Path(__file__).parents[2]
RESULTS, PAGE, DRAWN = ROOT / "eval" / "bench" / "results", ROOT / "docs" / "performance.md", ROOT / "docs" / "performance"
ORDER = ("peers-search", "peers-index", "peers-embed", "grid", "scale", "graph", "latency", "overhead", "cold", "encoder", "indexing", "judge")
HEAD = """# Performance

Measured on two cores with the commands below, each of which prints its table, and writes it as JSON with `--out`. This page is made from the committed
results (`eval/bench/results/*.json`) by `python -m eval.bench.performance`; a test holds the two together. Ratios to other projects are of one run
on one machine, on the same inputs and, where something is embedded, the same MiniLM weights; `make bench-peers` installs them apart.
"""


def page(results: dict[str, Result]) -> str:
    """Return the Markdown of results by name."""
    names = [*(n for n in ORDER if n in results), *sorted(set(results) - set(ORDER))]
    parts = [HEAD, _machines(results)]
    for name in names:
        parts.append(text(results[name]))
        parts += [f"![{c.title}](performance/{name}-{i}.svg)\n" for i, c in enumerate(results[name].curves)]
    return "\n".join(parts)


def _machines(results: dict[str, Result]) -> str:
    """Return a line for each distinct machine and set of versions that results come from."""
    seen: dict[str, list[str]] = {}
    for name, result in results.items():
        m = result.machine
        packages = ", ".join(f"{p} {v}" for p, v in m["packages"].items())
        line = f"{m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB; {m['system']}; Python {m['python']}; {packages}"
        seen.setdefault(line, []).append(name)
    return "\n".join(f"- {', '.join(sorted(names))}: {line}" for line, names in sorted(seen.items())) + "\n"


def draw(curve: Curve) -> bytes:
    """Return a curve as SVG on two logarithmic axes, each series with the line that was fitted; the same bytes for the same points."""
    import io

    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "spanwise", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7.2, 3.8), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for marker, (name, points) in zip("osD^vP*X" * 4, curve.series.items(), strict=False):
            x, y = zip(*points, strict=True)
            label = f"{name} (power {curve.exponents[name]:.2f})" if name in curve.exponents else name
            (line,) = axes.plot(x, y, marker, label=label)
            if name in curve.exponents:
                axes.plot(x, [fitted(points) * v ** curve.exponents[name] for v in x], color=line.get_color(), linewidth=1)
        axes.set(xscale="log", yscale="log", xlabel=curve.x, ylabel=curve.y, title=curve.title)
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend(frameon=False)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def main() -> int:
    """Write the page and its drawings; those of results that are gone are removed."""
    results = {p.stem: read(p) for p in sorted(RESULTS.glob("*.json"))}
    DRAWN.mkdir(exist_ok=True)
    for old in DRAWN.glob("*.svg"):
        old.unlink()
    for name, result in results.items():
        for i, curve in enumerate(result.curves):
            (DRAWN / f"{name}-{i}.svg").write_bytes(draw(curve))
    PAGE.write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
