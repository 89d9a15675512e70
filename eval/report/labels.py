"""Places the names of points in a plot so that no two texts, and no text and a point, lie on each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eval.report.words import columns

EM = 0.62  # of the font size: wider than the mean character of any common sans-serif font, since the page chooses the font
RADII = (11, 16, 24, 36, 50, 66, 84, 104, 126, 150, 180, 215, 255, 300, 350, 410, 480)
ANGLES = (0, 180, 30, -30, 150, -150, 60, -60, 120, -120, 90, -90, 15, -15, 165, -165, 45, -45, 135, -135)

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Return whether the two share an inner point."""
        return self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top

    def within(self, other: Box) -> bool:
        """Return whether this lies in the other."""
        return self.left >= other.left and self.right <= other.right and self.bottom >= other.bottom and self.top <= other.top

    def touches(self, point: Point) -> bool:
        """Return whether the point lies in this, or on its edge."""
        return self.left <= point[0] <= self.right and self.bottom <= point[1] <= self.top

    def crossed(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Return whether a segment passes through, looked at every two pixels."""
        steps = max(1, int(math.hypot(x1 - x0, y1 - y0) / 2))
        spots = ((x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps) for i in range(steps + 1))
        return any(self.left < x < self.right and self.bottom < y < self.top for x, y in spots)


@dataclass(frozen=True)
class Label:
    """Where a text goes; `line` is whether it is far enough from its point to need one that joins them."""

    text: str
    box: Box
    point: Point
    line: bool

    @property
    def end(self) -> Point:
        """The spot of the box that is nearest the point: where a joining line ends."""
        x, y = self.point
        return min(max(x, self.box.left), self.box.right), min(max(y, self.box.bottom), self.box.top)


def width(text: str, size: float) -> float:
    """Return an upper estimate of the width of a line of text in a sans-serif font of `size` pixels."""
    return size * EM * columns(text)


def place(
    texts: Sequence[str], points: Sequence[Point], walls: Sequence[Box], paths: Sequence[tuple[Point, Point]], area: Box, size: float
) -> list[Label] | None:
    """Return a label per text near its point, inside `area`, off the `walls`, the `paths`, the points and each other.

    Greedy, crowded points last; None where a text found no place, so that the caller can give more room.
    """
    dots = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    order = sorted(range(len(texts)), key=lambda i: (sum(math.dist(points[i], p) < 60 for p in points), i))
    placed: dict[int, Label] = {}
    for i in order:
        crossed = [w for w in walls if not w.touches(points[i])]
        others = [*walls, *dots[:i], *dots[i + 1 :], *(label.box for label in placed.values())]
        options = (o for o in _options(texts[i], points[i], size) if o.box.within(area) and not any(o.box.meets(b) for b in others))
        found = next((o for o in options if _clear(o, list(placed.values()), paths, crossed)), None)
        if found is None:
            return None
        placed[i] = found
    return [placed[i] for i in range(len(texts))]


def _clear(option: Label, placed: Sequence[Label], paths: Sequence[tuple[Point, Point]], walls: Sequence[Box]) -> bool:
    """Return whether no path and no joining line, the option's or one that is there, runs through a text, nor its own through a wall."""
    if any(option.box.crossed(*a, *b) for a, b in paths):
        return False
    if option.line and any(b.crossed(*option.point, *option.end) for b in (*walls, *(p.box for p in placed))):
        return False
    return not any(p.line and option.box.crossed(*p.point, *p.end) for p in placed)


def _options(text: str, point: Point, size: float) -> list[Label]:
    wide, high = width(text, size), size * 1.25
    found = []
    for radius in RADII:
        for angle in ANGLES:
            across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            x, y = point[0] + radius * across, point[1] + radius * up
            left = x if across > 0.2 else x - wide if across < -0.2 else x - wide / 2
            bottom = y - high / 2 + up * high / 2
            found.append(Label(text, Box(left, bottom, left + wide, bottom + high), point, radius > 24))
    return found
