"""A matplotlib figure as an SVG element for the page: no ids to clash, no fonts and colours of its own, equal bytes for equal figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from markupsafe import Markup, escape

from rag.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Drawn in colours that nothing else uses, then named after the variables of the page's style, which differ in light and dark.
INK, MUTED, GRID, ACCENT, PAPER = "#010203", "#020304", "#030405", "#040506", "#050607"
_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)", ACCENT: "var(--accent)", PAPER: "var(--paper)"}
SIZE = 12.0
_ID = re.compile(r' id="([^"<>]*)"')
_REFERENCE = re.compile(r'(?:url\(#|href="#)([^")<>]*)')
_TAG = re.compile(r"<[^<>]*>")
_FLAT = re.compile(r' transform="rotate\(-0 [^"<>]*"')
_STYLE = re.compile(r' style="([^"<>]*)"')
_FONT = re.compile(rf"font-size: {SIZE:g}px; |font-family: [^;]*; ")


@contextmanager
def figure(wide: float, high: float) -> Iterator[Figure]:
    """Give a figure of a size in pixels under fixed settings, whatever the user's own are. Raises `MissingExtra` without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure as Empty
    except ImportError:
        raise MissingExtra("matplotlib", "report", "a report") from None
    with mpl.rc_context(), catch_warnings():
        simplefilter("ignore")  # a glyph that matplotlib's font lacks: the text is drawn by the reader's browser
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "spanwise", "font.size": SIZE, "text.parse_math": False, "axes.unicode_minus": True})
        mpl.rcParams.update(
            {"text.color": INK, "axes.edgecolor": MUTED, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "lines.scale_dashes": False}
        )
        yield Empty(figsize=(wide / 72, high / 72), dpi=72)


def element(drawn: Figure, name: str, says: str, classes: str = "", title: str = "") -> Markup:
    """Return the figure as `<svg role="img">` with `says` as its text alternative; `name` keeps its ids apart from other figures'.

    With a `title` the two are elements of the drawing, the title its name and `says` its description.
    """
    out = StringIO()
    drawn.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    wide, high = (round(v * 72) for v in drawn.get_size_inches())
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    label = f'aria-labelledby="{name}-title" aria-describedby="{name}-desc"' if title else f'aria-label="{escape(says)}"'
    head = f'<svg role="img" class="{escape(classes)}" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" {label}>'
    if title:
        head += f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(says)}</desc>'
    return Markup(head + _tidy(body, name) + "</svg>")  # noqa: S704  # matplotlib escapes the texts it writes


def _tidy(body: str, name: str) -> str:
    """Change tags only: a text may look like an attribute, and it keeps its characters."""
    used = {m[1] for tag in _TAG.findall(body) for m in _REFERENCE.finditer(tag)}

    def tag(found: re.Match[str]) -> str:
        text = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", found[0])
        text = _REFERENCE.sub(lambda m: m[0][: len(m[0]) - len(m[1])] + f"{name}-{m[1]}", text).replace(" xlink:href=", " href=")
        return _FLAT.sub("", _STYLE.sub(lambda m: f' style="{_style(m[1])}"', text))

    return re.sub(r"\s*\n\s*", "\n", _ungrouped(_TAG.sub(tag, body)))


def _ungrouped(body: str) -> str:
    """Leave out groups and definitions that say nothing: a matplotlib figure is mostly those."""
    said: list[bool] = []

    def keep(found: re.Match[str]) -> str:
        text = found[0]
        if text in ("<g/>", "<defs/>"):
            return ""
        if text == "<g>" or text.startswith("<g "):
            said.append(text != "<g>")
            return text if said[-1] else ""
        return "" if text == "</g>" and not said.pop() else text

    return _TAG.sub(keep, body)


def _style(text: str) -> str:
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return _FONT.sub("", text)
