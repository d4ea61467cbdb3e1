"""Blossoms: an endless colour data set whose generative factors are known exactly.

Every picture shows one flower in front of a soft background. What the flower looks like is decided
by eleven independent, uniformly distributed factors, so a later chapter can *count* which
combinations a generator reaches instead of guessing it from a score.

========== ========== ========================== ==================================================
factor     kind       values                     meaning
========== ========== ========================== ==================================================
petals     discrete   4 (index into PETALS)      how many petals
shape      discrete   3 (index into SHAPES)      outline of one petal
color      discrete   5 (index into COLORS)      palette of petals and centre
background discrete   3 (index into BACKGROUNDS) scene behind the flower
rotation   continuous -0.2 ... 0.2               turn of the flower, radians, counter-clockwise
radius     continuous 0.68 ... 0.80              petal length; 1 is half the picture's width
offset_x   continuous -0.05 ... 0.05             shift of the flower to the right, same unit
offset_y   continuous -0.05 ... 0.05             shift of the flower upwards, same unit
hue        continuous -0.15 ... 0.15             hue rotation of the petals, radians
core       continuous 0.24 ... 0.32              radius of the centre disc / ``radius``
sway       continuous -1 ... 1                   bend of the stem, drift of sun, light spots, moon
========== ========== ========================== ==================================================

The discrete factors give 4 * 3 * 5 * 3 = 180 equally likely combinations.

Nothing is stored and no random generator is advanced: the factors of picture ``i`` are a hash of
``(seed, i, factor)``. Any slice of the endless set can therefore be drawn anywhere, alone.
"""

import numbers
from typing import Any

import numpy as np

__all__ = ["BACKGROUNDS", "COLORS", "PETALS", "RANGES", "SHAPES", "blossom_factors", "blossoms"]

PETALS = (4, 5, 6, 8)
SHAPES = ("round", "pointed", "notched")
COLORS = ("rose", "amber", "pearl", "azure", "violet")
BACKGROUNDS = ("dawn", "meadow", "night")

#: Closed range of each continuous factor; see the table in the module's docstring.
RANGES = {
    "rotation": (-0.2, 0.2),
    "radius": (0.68, 0.80),
    "offset_x": (-0.05, 0.05),
    "offset_y": (-0.05, 0.05),
    "hue": (-0.15, 0.15),
    "core": (0.24, 0.32),
    "sway": (-1.0, 1.0),
}
_DISCRETE = {"petals": PETALS, "shape": SHAPES, "color": COLORS, "background": BACKGROUNDS}

_LIFT = 0.10  # the flower sits a little above the middle, so that stem and leaves show
_STEPS = 512  # resolution of the lookup tables along one petal
_BUDGET = 1 << 17  # samples drawn at a time: small enough for the arrays to stay in the cache
_LIMIT = 1 << 62  # seeds and picture numbers stay below this, so that uint64 sums cannot wrap


def _rgb(*codes: str) -> np.ndarray:
    """Turns hex codes such as ``"ff8800"`` into a float32 array ``(len(codes), 3)`` in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes], np.float32) / 255


# One row per colour: throat (next to the centre), body, tip, rim; then centre disc, its grains.
_PETAL_STOPS = np.stack([
    _rgb("8f0a3c", "ea2f62", "ff8fa6", "d8365f"),
    _rgb("d9560a", "ffae12", "ffe06a", "f0990f"),
    _rgb("b79fcb", "e6dfe8", "fffaf2", "cfc3d6"),
    _rgb("12308f", "2f7de8", "8fd0ff", "2c6fd0"),
    _rgb("3d0f7a", "8a3fd4", "cf9dff", "7a35bf"),
])  # fmt: skip
_CORE = _rgb("ffc93c", "7a3b12", "f9b820", "fff0b0", "ffb02e")
_GRAIN = _rgb("c9741a", "c97a2a", "c47a10", "d9a63c", "d9641a")
# Tint around the flower, which sets it off; at night the petals' own colour glows instead.
_HALO = _rgb("9a4a6e", "1f4a26", "000000")
_HALO_WEIGHT = np.array([0.32, 0.42, 0.45], np.float32)
_LEAF = _rgb("3f7a4a", "2c7a34", "1f5a52")
# Top, middle and bottom of each background.
_SKY = _rgb(
    "8fa8dc", "f3b9b4", "ffd9a0", "d8f0b4", "9fd47e", "63ab58", "0d1238", "1c2460", "2f3f86"
).reshape(3, 3, 3)
# Soft light spots of each background: x, y, width, strength, and their colour.
_SPOTS = (
    ((-0.70, -0.45, 0.45, 0.75),),
    ((-0.80, 0.70, 0.24, 0.55), (0.78, 0.86, 0.20, 0.55), (0.88, -0.05, 0.24, 0.40),
     (-0.95, -0.25, 0.18, 0.35)),
    ((0.72, 0.74, 0.15, 1.00), (0.72, 0.74, 0.42, 0.35), (-0.78, 0.80, 0.075, 0.75),
     (-0.86, 0.00, 0.065, 0.55)),
)  # fmt: skip
_SPOT_COLOR = _rgb("fff3c4", "fbffd0", "fff6d8")


def _petal_tables() -> tuple[np.ndarray, np.ndarray]:
    """Outline ``(petals, shapes, steps)`` and shading ``(steps,)`` across one petal's angle."""
    signed = np.linspace(-1, 1, _STEPS)
    s = np.abs(signed)  # 0 on the petal's axis, 1 on the border to the next petal
    outline = np.empty((len(PETALS), len(SHAPES), _STEPS))
    for row, count in enumerate(PETALS):
        valley = 0.40 + 0.012 * count
        lobe = np.sqrt(1 - s ** (5.2 - 0.35 * count))
        dent = (0.46 - 0.02 * count) * np.clip(1 - s / 0.44, 0, 1) ** 1.2
        outline[row] = valley + (1 - valley) * np.stack([lobe, (1 - s) ** 0.8, lobe - dent])
    # One flank is lit and the other lies under its neighbour: this makes the petals overlap.
    shade = 1 - 0.10 * signed - 0.30 * s**6 - 0.12 * np.exp(-((s / 0.09) ** 2))
    return outline.astype(np.float32), shade.astype(np.float32)


_OUTLINE, _SHADE = _petal_tables()


def _ramp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step: 0 below ``low``, 1 above ``high``."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return a + (b - a) * weight


def _scramble(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: every input bit reaches every output bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _whole(name: str, value: Any, low: int) -> int:
    good = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    if not good or not low <= value < _LIMIT:
        raise ValueError(f"{name}: got {value!r}, expected an integer from {low} to 2**62 - 1")
    return int(value)


def blossom_factors(count: int, *, seed: int = 0, start: int = 0) -> dict[str, np.ndarray]:
    """Computes the factors of pictures ``start ... start + count - 1`` without drawing them.

    Args:
        count: How many pictures, at least 1.
        seed: Which endless set, from 0.
        start: Number of the first picture, from 0.

    Returns:
        One array ``(count,)`` per factor: int64 indices for ``petals``, ``shape``, ``color`` and
        ``background``, float32 for the names in ``RANGES``.

    Raises:
        ValueError: If an argument is not an integer in its range.
    """
    count, seed = _whole("count", count, 1), _whole("seed", seed, 0)
    start = _whole("start", start, 0)
    golden = np.uint64(0x9E3779B97F4A7C15)
    key = _scramble(np.array([seed], np.uint64) + golden)
    key = _scramble(key + (np.arange(count, dtype=np.uint64) + np.uint64(start)) * golden)
    factors = {}
    for number, name in enumerate([*_DISCRETE, *RANGES], start=1):
        bits = _scramble(key + np.array([number], np.uint64) * golden) >> np.uint64(11)
        low, high = RANGES.get(name) or (0, len(_DISCRETE[name]))
        values = low + (high - low) * (bits * 2.0**-53)  # 53 bits make a number in [0, 1)
        factors[name] = values.astype(np.float32 if name in RANGES else np.int64)
    return factors


def _scene(f: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Draws background, stem and leaves, ``(count, 3, size, size)`` in [0, 1]."""
    axis = ((np.arange(size) + 0.5) * 2 / size - 1).astype(np.float32)
    x, y = axis[None, None, :], -axis[None, :, None]
    half = 1 / size  # half a pixel: edges here are softened without extra samples
    scene = np.empty((len(f["sway"]), 3, size, size), np.float32)
    for kind in range(len(BACKGROUNDS)):
        chosen = np.flatnonzero(f["background"] == kind)
        sway = f["sway"][chosen, None, None]
        drift = x - 0.08 * sway
        ground = _SKY[kind][:, :, None, None, None]
        layer = _mix(_mix(ground[2], ground[1], _ramp(y, -1, 0)), ground[0], _ramp(y, 0, 1))
        for sx, sy, width, strength in _SPOTS[kind]:
            far = ((drift - sx) ** 2 + (y - sy) ** 2) / width**2
            light = strength * np.exp(-far * far if 0.1 < width < 0.4 else -far)
            layer = _mix(layer, _SPOT_COLOR[kind][:, None, None, None], light)
        leaf = _LEAF[kind][:, None, None, None]
        fall = np.clip(-y, 0, 1)
        bend = _mix(f["offset_x"][chosen, None, None], 0.10 * sway * fall, fall)
        layer = _mix(layer, leaf, _ramp(0.055 - np.abs(x - bend), -half, half) * (y < 0))
        for side in (-1.0, 1.0):  # a leaf runs from the foot of the stem to the lower corner
            dx, dy = (x - 0.09 * sway) * side, y + 1.0
            along = (dx * 0.88 + dy * 0.47) / 0.85
            across = dy * 0.88 - dx * 0.47
            inside = 0.75 * along * (1 - along) - np.abs(across)
            tone = leaf * (1 + 0.35 * _ramp(across, -half, half))
            layer = _mix(layer, tone, _ramp(inside, -1.4 * half, 1.4 * half))
        scene[chosen] = np.moveaxis(np.broadcast_to(layer, (3, len(chosen), size, size)), 0, 1)
    return scene


def _petal_palette(f: dict[str, np.ndarray]) -> np.ndarray:
    """Petal colours from throat to rim, ``(3, count, _STEPS)``, with each picture's hue."""
    q = np.linspace(0, 1, _STEPS, dtype=np.float32)
    throat, body, tip, rim = _PETAL_STOPS[f["color"]].transpose(1, 2, 0)[..., None]
    t = _mix(_mix(throat, body, _ramp(q, 0.22, 0.55)), tip, 0.85 * _ramp(q, 0.5, 0.9))
    t = _mix(t, rim, 0.8 * _ramp(q, 0.9, 1.0))
    # A turn about the grey axis; written out, because a matrix product may round by batch size.
    cosine, sine = np.cos(f["hue"])[:, None], np.sin(f["hue"])[:, None] / 3**0.5
    grey = (t[0] + t[1] + t[2]) / 3 * (1 - cosine)
    return np.stack([grey + cosine * t[c] + sine * (t[c - 1] - t[c - 2]) for c in range(3)])


def _draw(f: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Draws one chunk of factors as float32 ``(count, size, size, 3)`` in [-1, 1]."""
    column = {name: value[:, None, None, None] for name, value in f.items()}
    # Four samples per pixel on an axis of their own, (count, 4, size, size): cheap to average.
    axis = ((np.arange(size) + np.array([[0.25], [0.75]])) * 2 / size - 1).astype(np.float32)
    x = np.tile(axis, (2, 1))[:, None, :] - column["offset_x"]
    y = -np.repeat(axis, 2, axis=0)[:, :, None] - column["offset_y"] - _LIFT
    r = np.sqrt(x * x + y * y)
    angle = np.arctan2(x, y) + column["rotation"]  # zero points upwards, clockwise
    turns = angle * (np.array(PETALS, np.float32)[column["petals"]] / (2 * np.pi))
    turns -= np.rint(turns)  # fold all petals onto one, -0.5 ... 0.5 across it
    step = ((turns + 0.5) * (_STEPS - 1) + 0.5).astype(np.intp)
    outline = (column["petals"] * len(SHAPES) + column["shape"]) * _STEPS
    rim = _OUTLINE.ravel()[outline + step] * column["radius"]
    edge = 1.2 / size  # soft edge of about half a pixel, on top of the four samples
    cover = np.clip((rim - r) / edge + 0.5, 0, 1)
    halo = (1 - cover) * np.exp(np.minimum(rim - r, 0) * 7)
    light = _SHADE[step] * (1 + 0.16 * (y - 0.6 * x))
    tone = (np.minimum(r / rim, 1) * (_STEPS - 1)).astype(np.intp)
    tone += np.arange(len(tone))[:, None, None, None] * _STEPS
    # The centre: a small dome with a ring of nine grains, whatever the number of petals.
    core_radius = column["radius"] * column["core"]
    disc = r / core_radius
    inner = np.clip((core_radius - r) / edge + 0.5, 0, 1)
    grain = _ramp(disc, 0.35, 0.7) * (0.5 + 0.5 * np.cos(9 * angle))
    grain = np.maximum(grain * 0.6, _ramp(disc, 0.8, 1.05))
    dome = 1.05 - 0.12 * disc + 0.5 * (y - 0.6 * x)
    light *= 1 - 0.30 * (1 - _ramp(disc, 1.0, 1.5))  # shadow of the dome on the petals
    palette = _petal_palette(f)
    picture = _scene(f, size)
    weight = _HALO_WEIGHT[f["background"]][:, None, None] * halo.mean(axis=1)
    bare = 1 - cover.mean(axis=1) - weight
    night = f["background"] == BACKGROUNDS.index("night")
    for c in range(3):
        core = _mix(_CORE[column["color"], c], _GRAIN[column["color"], c], grain) * dome
        flower = (_mix(palette[c].ravel()[tone] * light, core, inner) * cover).mean(axis=1)
        glow = np.where(night, _PETAL_STOPS[f["color"], 1, c], _HALO[f["background"], c])
        picture[:, c] = picture[:, c] * bare + flower + weight * glow[:, None, None]
    return np.clip(picture, 0, 1).transpose(0, 2, 3, 1) * 2 - 1


def blossoms(
    count: int, *, seed: int = 0, start: int = 0, size: int = 32, factors: bool = False
) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draws pictures ``start ... start + count - 1`` of the endless set ``seed``.

    Picture ``i`` depends on ``(seed, i, size)`` alone, so slices agree exactly:
    ``blossoms(100, seed=3)[40:60]`` equals ``blossoms(20, seed=3, start=40)``.

    Args:
        count: How many pictures, at least 1.
        seed: Which endless set, from 0.
        start: Number of the first picture, from 0.
        size: Width and height in pixels, at least 8.
        factors: Whether to return the factors too.

    Returns:
        The images, float32 ``(count, size, size, 3)`` in [-1, 1], red-green-blue, first row on
        top; with ``factors=True`` the pair ``(images, factors)``, where ``factors`` is the
        dictionary that ``blossom_factors`` returns.

    Raises:
        ValueError: If an argument is not an integer in its range, or ``factors`` not a bool.
    """
    size = _whole("size", size, 8)
    if type(factors) not in (bool, np.bool_):
        raise ValueError(f"factors: got {factors!r}, expected True or False")
    known = blossom_factors(count, seed=seed, start=start)
    images = np.empty((count, size, size, 3), np.float32)
    chunk = max(1, _BUDGET // (4 * size * size))
    for first in range(0, count, chunk):
        part = slice(first, first + chunk)
        images[part] = _draw({name: value[part] for name, value in known.items()}, size)
    return (images, known) if factors else images
