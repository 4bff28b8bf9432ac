"""The sixteen kinds of objects and their eight colours.

A kind is a list of parts from back to front. Its frame is about [-100, 100] on both
axes with y down; `outline` centres it and scales it to the disc, so only proportions matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from seewhy.testbed.raster import COS, ONE, SIN, Outline, Point, Ring, arc, ellipse, outline

RGB = tuple[int, int, int]

COLOURS: MappingProxyType[str, RGB] = MappingProxyType(
    {
        "red": (222, 32, 38),
        "orange": (250, 140, 16),
        "yellow": (248, 216, 24),
        "green": (34, 158, 62),
        "blue": (30, 92, 222),
        "purple": (134, 50, 186),
        "pink": (250, 128, 186),
        "brown": (116, 66, 32),
    }
)

DARK: RGB = (44, 40, 50)
PALE: RGB = (250, 246, 234)


@dataclass(frozen=True)
class Part:
    """One area of a kind: a shade and the rings that bound it, even-odd."""

    shade: str
    """One of "colour", "darker", "lighter", "dark" and "pale"."""
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class Kind:
    """Parts from back to front, and their outline, one layer a part."""

    parts: tuple[Part, ...]
    outline: Outline


def shaded(shade: str, colour: RGB) -> RGB:
    """Return a part's colour within an object of this colour.

    >>> shaded("darker", (100, 200, 0)), shaded("lighter", (100, 200, 0))
    ((74, 148, 0), (154, 219, 89))
    """
    if shade == "colour":
        return colour
    if shade == "dark":
        return DARK
    if shade == "pale":
        return PALE
    keep, add = {"darker": (74, 0), "lighter": (65, 35 * 255)}[shade]
    red, green, blue = ((channel * keep + add) // 100 for channel in colour)
    return red, green, blue


def _part(shade: str, *rings: Ring) -> Part:
    return Part(shade, rings)


def _box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _mirror(*points: Point) -> list[Point]:
    """A ring of these points down the right side and their mirror images back up the left."""
    return [*points, *((-x, y) for x, y in reversed(points))]


def _polar(angle: int, radius: float) -> Point:
    return arc(0, 0, radius, radius, angle, angle)[0]


def _star() -> list[Point]:
    return [_polar(36 * i - 90, 48 if i % 2 else 100) for i in range(10)]


def _heart() -> list[Point]:
    """x = 16 sin^3 t, y = -(13 cos t - 5 cos 2t - 2 cos 3t - cos 4t), in steps of 10 degrees."""

    def point(t: int) -> Point:
        wave = sum(c * int(COS[k * t % 360]) for k, c in ((1, 13), (2, -5), (3, -2), (4, -1)))
        return 6 * 16 * int(SIN[t]) ** 3 / ONE**3, -6 * wave / ONE

    return [point(t) for t in range(0, 360, 10)]


def _petal(angle: int) -> list[Point]:
    x, y = _polar(angle, 62)
    return ellipse(round(x), round(y), 37, 37)


def _wedge(angle: int) -> list[Point]:
    """A sixth of the ball, with its corner above and left of the centre."""
    return [(-18, -26), *arc(0, 0, 98, 98, angle, angle + 60)]


PARTS: dict[str, tuple[Part, ...]] = {
    "house": (
        _part("darker", _box(34, -86, 58, -30)),
        _part("colour", _box(-70, -16, 70, 84)),
        _part("darker", [(-96, -8), (0, -92), (96, -8)]),
        _part("dark", _box(-50, 18, -10, 84)),
        _part("pale", _box(14, 14, 54, 50)),
    ),
    "tree": (
        _part("dark", _box(-15, 50, 15, 98)),
        _part("darker", _mirror((0, -22), (86, 62))),
        _part("colour", _mirror((0, -60), (72, 22))),
        _part("lighter", _mirror((0, -98), (54, -22))),
    ),
    "fish": (
        _part("darker", [(24, 4), (98, -60), (86, 4), (98, 68)]),
        _part("darker", [(-44, -40), (-2, -80), (40, -26)]),
        _part("colour", ellipse(-22, 4, 78, 58)),
        _part("lighter", [(-10, 4), *arc(8, 18, 26, 20, 300, 420)]),
        _part("pale", ellipse(-60, -10, 16, 16)),
        _part("dark", ellipse(-62, -10, 9, 9)),
    ),
    "car": (
        _part("colour", [(-66, 2), (-42, -52), (34, -52), (66, 2)]),
        _part(
            "colour",
            [
                *arc(-82, 14, 18, 18, 180, 270),
                *arc(78, 18, 22, 22, 270, 360),
                (100, 50),
                (-100, 50),
            ],
        ),
        _part("darker", _box(-100, 34, 100, 50)),
        _part("pale", [(-48, -2), (-32, -38), (-8, -38), (-8, -2)]),
        _part("pale", [(4, -2), (4, -38), (27, -38), (48, -2)]),
        _part("dark", ellipse(-54, 50, 27, 27)),
        _part("dark", ellipse(54, 50, 27, 27)),
        _part("pale", ellipse(-54, 50, 10, 10)),
        _part("pale", ellipse(54, 50, 10, 10)),
    ),
    "cup": (
        _part("darker", ellipse(50, 4, 46, 42), ellipse(50, 4, 24, 21)),
        _part(
            "colour",
            [
                (-80, -66),
                (52, -66),
                (42, 40),
                *arc(18, 46, 24, 32, 0, 90),
                *arc(-46, 46, 24, 32, 90, 180),
                (-70, 40),
            ],
        ),
        _part("lighter", ellipse(-14, -66, 66, 20)),
        _part("dark", ellipse(-14, -64, 52, 12)),
    ),
    "star": (
        _part("colour", _star()),
        *(
            _part("lighter", [(0, 0), _polar(72 * i - 126, 48), _polar(72 * i - 90, 100)])
            for i in range(5)
        ),
    ),
    "boat": (
        _part("dark", _box(-6, -98, 5, 44)),
        _part("lighter", [(5, -92), (5, 30), (84, 30)]),
        _part("darker", [(-10, -76), (-10, 30), (-74, 30)]),
        _part("colour", [(-98, 38), (98, 38), (64, 90), (-58, 90)]),
    ),
    "flower": (
        *(_part("colour", _petal(60 * i)) for i in range(6)),
        _part("darker", ellipse(0, 0, 46, 46)),
        _part("pale", ellipse(0, 0, 32, 32)),
    ),
    "key": (
        _part("colour", _box(-20, -15, 100, 15)),
        _part("darker", _box(44, 10, 64, 46)),
        _part("darker", _box(80, 10, 100, 56)),
        _part("colour", ellipse(-50, 0, 52, 52), ellipse(-54, 0, 22, 22)),
    ),
    "moon": (
        _part("colour", [*arc(0, 0, 96, 96, 50, 310), *arc(58, 0, 74, 74, 268, 92)]),
        _part("darker", ellipse(-64, -10, 14, 14)),
        _part("darker", ellipse(-38, 48, 11, 11)),
        _part("lighter", ellipse(-44, -50, 9, 9)),
    ),
    "heart": (
        _part("colour", _heart()),
        _part("lighter", ellipse(-48, -34, 20, 16)),
    ),
    "mushroom": (
        _part(
            "lighter",
            [(-26, 0), (26, 0), *arc(14, 78, 24, 16, 0, 90), *arc(-14, 78, 24, 16, 90, 180)],
        ),
        _part("colour", [*arc(0, 4, 94, 92, 180, 360), *arc(0, 4, 94, 24, 0, 180)]),
        _part("pale", ellipse(-6, -54, 22, 18)),
        _part("pale", ellipse(-56, -20, 15, 15)),
        _part("pale", ellipse(46, -22, 18, 16)),
    ),
    "umbrella": (
        _part("dark", _box(-6, -98, 6, 78)),
        _part("dark", [*arc(18, 74, 24, 24, 180, 0), *arc(18, 74, 11, 11, 0, 180)]),
        _part(
            "colour",
            [
                *arc(0, 6, 98, 90, 180, 360),
                *arc(65, 6, 33, 18, 360, 180),
                *arc(0, 6, 32, 18, 360, 180),
                *arc(-65, 6, 33, 18, 360, 180),
            ],
        ),
        _part("lighter", [*arc(0, 6, 34, 90, 180, 360), *arc(0, 6, 34, 18, 360, 180)]),
    ),
    "ball": (
        _part("colour", ellipse(0, 0, 98, 98)),
        _part("lighter", _wedge(20)),
        _part("lighter", _wedge(140)),
        _part("lighter", _wedge(260)),
        _part("pale", ellipse(-18, -26, 18, 18)),
    ),
    "kite": (
        _part("dark", [(-4, 40), (4, 40), (18, 72), (2, 98), (-8, 98), (6, 72)]),
        _part("colour", [(0, -98), (70, -30), (0, -30)]),
        _part("lighter", [(0, -98), (0, -30), (-70, -30)]),
        _part("darker", [(0, -30), (70, -30), (0, 52)]),
        _part("colour", [(-70, -30), (0, -30), (0, 52)]),
        _part("colour", [(12, 74), (-14, 58), (-14, 86), (12, 72), (38, 58), (38, 86)]),
    ),
    "bottle": (
        _part(
            "colour",
            [
                (20, -72),
                (20, -48),
                *arc(26, -6, 26, 30, 270, 360),
                *arc(38, 84, 14, 14, 0, 90),
                *arc(-38, 84, 14, 14, 90, 180),
                *arc(-26, -6, 26, 30, 180, 270),
                (-20, -48),
                (-20, -72),
            ],
        ),
        _part("dark", _box(-24, -98, 24, -72)),
        _part("pale", _box(-36, 14, 36, 64)),
        _part("lighter", _box(-40, -8, -28, 8)),
    ),
}

KINDS: MappingProxyType[str, Kind] = MappingProxyType(
    {name: Kind(parts, outline([part.rings for part in parts])) for name, parts in PARTS.items()}
)

HELD_OUT_PAIRS: frozenset[tuple[str, str]] = frozenset(
    (kind, colour)
    for k, kind in enumerate(PARTS)
    for c, colour in enumerate(COLOURS)
    if (3 * k + c) % 8 == 0
)
"""The (kind, colour) pairs that no picture of "train" or "heldout" shows: one colour a kind."""
