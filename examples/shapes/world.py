"""The world itself: which scenes exist, how they are drawn, and how a picture names its scene.

A scene is a board of three by three cells with three to five coloured shapes on it. A scene
is recognised by a hash of its pixels, because the product re-encodes pictures but keeps pixels.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from PIL import Image

SHAPES = ("circle", "square", "triangle", "star")
COLOURS = ("red", "green", "blue", "yellow")
PLACES = (
    "top left",
    "top centre",
    "top right",
    "middle left",
    "centre",
    "middle right",
    "bottom left",
    "bottom centre",
    "bottom right",
)
CELL = 32
SIDE = 3 * CELL
FEWEST, MOST = 3, 5
# Layouts fall into 64 lanes; a split owns 16 of them, so that no two splits share a layout.
LANES = {"school": range(16), "train": range(16, 32), "audit": range(32, 48)}
LANES["exact"] = range(48, 64)

_PAPER = (246, 243, 236)
_LINE = (232, 227, 216)
_INK = {
    "red": (206, 61, 74),
    "green": (58, 145, 92),
    "blue": (44, 108, 190),
    "yellow": (236, 182, 36),
}
_REACH = 3
_RADIUS = 11.0
_FINE = 4


@dataclass(frozen=True)
class Thing:
    """One coloured shape: its cell (0 to 8, in reading order) and its shift in pixels."""

    cell: int
    shape: str
    colour: str
    right: int
    down: int

    @property
    def kind(self) -> tuple[str, str]:
        """Colour and shape."""
        return (self.colour, self.shape)

    @property
    def row(self) -> int:
        """Row on the board, 0 (top) to 2 (bottom)."""
        return self.cell // 3

    @property
    def column(self) -> int:
        """Column on the board, 0 (left) to 2 (right)."""
        return self.cell % 3


@dataclass(frozen=True)
class Scene:
    """A board with three to five things, in reading order."""

    things: tuple[Thing, ...]

    def shapes(self) -> Counter[str]:
        """How often every shape occurs."""
        return Counter(thing.shape for thing in self.things)

    def colours(self) -> Counter[str]:
        """How often every colour occurs."""
        return Counter(thing.colour for thing in self.things)

    def kinds(self) -> Counter[tuple[str, str]]:
        """How often every pair of colour and shape occurs."""
        return Counter(thing.kind for thing in self.things)

    def at(self, cell: int) -> Thing | None:
        """The thing in a cell (0 to 8), or None if the cell is empty."""
        return next((thing for thing in self.things if thing.cell == cell), None)

    def layout(self) -> str:
        """What lies where, without the shifts: two scenes of one layout have the same truths."""
        return " ".join(f"{thing.cell}{thing.colour}-{thing.shape}" for thing in self.things)


def scenes(split: str, seed: int) -> Iterator[Scene]:
    """Yield scenes of a split (`school`, `train`, `audit`, `exact`) without end or repetition.

    Splits never share a layout. Seeds that differ modulo 16 draw from different lanes of the
    split, so they never share a layout either.
    """
    lanes = LANES[split]
    only = None if split == "school" else lanes[seed % len(lanes)]
    random = Random(f"{split} {seed}")
    seen: set[str] = set()
    while True:
        things = _arranged(random)
        layout = " ".join(f"{cell}{colour}-{shape}" for cell, shape, colour, _, _ in things)
        lane = zlib.crc32(layout.encode()) % 64
        if layout in seen or (lane not in lanes if only is None else lane != only):
            continue
        seen.add(layout)
        yield Scene(tuple(Thing(*fields) for fields in things))


def draw(scene: Scene) -> Image.Image:
    """Draw a scene as an RGB picture of 96 by 96 pixels; the same scene gives the same pixels."""
    picture = _board().copy()
    for thing in scene.things:
        corner = (thing.column * CELL + thing.right, thing.row * CELL + thing.down)
        picture.paste(_INK[thing.colour], corner, _stencil(thing.shape))
    return picture


def pixel_hash(image: Image.Image) -> str:
    """SHA-256 (hex) over size and decoded RGB pixels: survives lossless re-encoding."""
    rgb = image.convert("RGB")
    digest = hashlib.sha256(f"{rgb.width}x{rgb.height}".encode())
    digest.update(rgb.tobytes())
    return digest.hexdigest()


def _arranged(random: Random) -> list[tuple[int, str, str, int, int]]:
    """The fields of a scene's things. Plain tuples: most arrangements fall into other lanes."""
    cells = sorted(random.sample(range(9), random.randint(FEWEST, MOST)))
    return [
        (
            cell,
            random.choice(SHAPES),
            random.choice(COLOURS),
            random.randint(-_REACH, _REACH),
            random.randint(-_REACH, _REACH),
        )
        for cell in cells
    ]


@cache
def _board() -> Image.Image:
    board = Image.new("RGB", (SIDE, SIDE), _PAPER)
    for edge in (CELL, 2 * CELL):
        board.paste(_LINE, (edge, 4, edge + 1, SIDE - 4))
        board.paste(_LINE, (4, edge, SIDE - 4, edge + 1))
    return board


@cache
def _stencil(shape: str) -> Image.Image:
    """Coverage of a cell by a shape, 0 to 255; sampled 4 by 4 times a pixel for smooth edges."""
    coverage = bytearray()
    for y in range(CELL):
        for x in range(CELL):
            hits = sum(
                _inside(shape, x + (i + 0.5) / _FINE - CELL / 2, y + (j + 0.5) / _FINE - CELL / 2)
                for i in range(_FINE)
                for j in range(_FINE)
            )
            coverage.append(hits * 255 // _FINE**2)
    return Image.frombytes("L", (CELL, CELL), bytes(coverage))


def _inside(shape: str, x: float, y: float) -> bool:
    """Whether a point (pixels from the middle of the cell, y down) lies in the shape."""
    if shape == "circle":
        return math.hypot(x, y) <= _RADIUS
    if shape == "square":
        return max(abs(x), abs(y)) <= 0.87 * _RADIUS
    if shape == "triangle":
        return -_RADIUS <= y <= 0.8 * _RADIUS and abs(x) <= (y + _RADIUS) * 0.62
    return _inside_star(x, y)


def _inside_star(x: float, y: float) -> bool:
    """A five-pointed star: fold the plane into half a spike and compare with its edge."""
    radius = math.hypot(x, y)
    angle = abs((math.atan2(x, -y) + math.pi / 5) % (2 * math.pi / 5) - math.pi / 5)
    tip, notch, turn = 1.15 * _RADIUS, 0.5 * _RADIUS, math.pi / 5
    edge = tip * notch * math.sin(turn)
    return radius * (notch * math.sin(turn - angle) + tip * math.sin(angle)) <= edge
