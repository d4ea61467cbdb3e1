"""Draws the pictures of this folder, whose styles the course's stylists learn.

    python data/styles/draw.py [NAME ...] [--seed 0] [--folder data/styles]

Every picture is drawn at twice its size and brought down to 256 × 256. All marks are smaller than
26 pixels, what the patch critic sees at once, and cover the whole picture, so that a crop of 64
pixels tells the style. NumPy, SciPy and Pillow only; the same seed draws the same picture.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import cKDTree

SIZE = 256
N = (
    2 * SIZE
)  # side of the canvas; lengths below are in its pixels unless they are said to be in 0…1
Y, X = (np.mgrid[:N, :N] + 0.5) / N


def rgb(*codes: str) -> np.ndarray:
    """Colours from hex codes, ``(n, 3)`` in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes]) / 255.0


def ramp(colors: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The colours spread evenly over t = 0 … 1, in between mixed."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(t, stops, channel) for channel in colors.T], axis=-1)


def smooth(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step: 0 at ``low``, 1 at ``high``."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``a`` where the weight is 0, ``b`` where it is 1."""
    weight = weight if weight.ndim == np.ndim(a) else weight[..., None]
    return a + (b - a) * weight


def noise(rng: np.random.Generator, scale, octaves: int = 3) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1; ``scale`` in pixels, one number or (y, x)."""
    total = np.zeros((N, N))
    for octave in range(octaves):
        sigma = np.asarray(scale) / 2.0**octave
        layer = ndimage.gaussian_filter(rng.normal(size=(N, N)), sigma, mode="wrap")
        total += layer / layer.std() / 2.0**octave
    return total / total.std()


def wave(rng: np.random.Generator, base: float, height: float, turns: float) -> np.ndarray:
    """A hilly line y(x) in 0…1 as ``(1, N)``: three sines of falling height."""
    phases = rng.uniform(0, 2 * np.pi, 3)
    x = X[:1] * 2 * np.pi * turns
    hills = sum(np.sin(x * k + p) / k for k, p in zip((1, 2.3, 4.1), phases, strict=True))
    return base + height * hills


def brush_strokes(rng: np.random.Generator) -> np.ndarray:
    """A night of wind over wheat and a cypress: oil, in three layers of strokes along the flow."""
    far, near = wave(rng, 0.58, 0.025, 1.3), wave(rng, 0.68, 0.03, 0.8)
    moon = np.hypot(X - 0.73, Y - 0.2)
    color = ramp(rgb("0b1450", "16308f", "2c62c4", "6db4cf", "e8dca0"), Y / 0.6)
    color = mix(color, rgb("ffe9a0")[0], 0.75 * np.exp(-((moon / 0.13) ** 2)))
    rings = 0.5 + 0.5 * np.cos(moon * 2 * np.pi / 0.06)
    color = mix(color, rgb("fff3b8")[0], rings * np.exp(-((moon / 0.22) ** 2)) * 0.7)
    u, v = np.ones((N, N)), 0.35 * np.sin(7 * X + 3 * Y)
    swirls = [(0.73, 0.2, 0.2, 9), (0.42, 0.32, 0.15, -8), (0.12, 0.12, 0.11, 7),
              (0.93, 0.45, 0.1, -6), (0.43, 0.06, 0.07, 6)]  # fmt: skip
    for cx, cy, radius, speed in swirls:
        dx, dy = X - cx, Y - cy
        far_off = np.hypot(dx, dy)
        force = speed * np.exp(-((far_off / radius) ** 2)) / (far_off + 0.02)
        u, v = u - dy * force, v + dx * force
        if radius < 0.2:
            color = mix(color, rgb("f6f0c0")[0], np.exp(-((far_off / 0.035) ** 2)))
            ring = np.exp(-(((far_off - 0.6 * radius) / 0.02) ** 2))
            color = mix(color, rgb("9fd0e8")[0], 0.6 * ring)
    color = np.where((moon < 0.062)[..., None], rgb("ffcf2e")[0], color)
    hills, field = Y > far, Y > near
    color = np.where(
        hills[..., None], ramp(rgb("17406a", "1d6a6a", "2f8a5a"), (Y - far) * 9), color
    )
    rows = 0.5 + 0.5 * np.sin(70 * (X - 0.5) / (Y - 0.35))
    wheat = mix(
        ramp(rgb("f4c93a", "e39a1f", "b5591a"), (Y - near) * 3.2), rgb("6f7a22")[0], rows * 0.7
    )
    color = np.where(field[..., None], wheat, color)
    slope = np.gradient(far[0]) * N
    u, v = np.where(hills, 1, u), np.where(hills, slope[None, :], v)
    u, v = np.where(field, X - 0.5 + 0.1 * np.sin(20 * Y), u), np.where(field, Y - 0.35, v)
    flame = 0.085 * np.sqrt(np.clip((Y - 0.08) / 0.4, 0, 1)) * (0.85 + 0.25 * np.sin(26 * Y + 1))
    tree = np.abs(X - 0.235 - 0.012 * np.sin(16 * Y)) < flame * (Y < 0.9)
    bark = mix(rgb("06150f")[0], rgb("1f5236")[0], 0.5 + 0.5 * np.sin(90 * X + 14 * np.sin(9 * Y)))
    color = np.where(tree[..., None], bark, color)
    u, v = np.where(tree, 0.35 * np.sin(26 * Y + 9 * X), u), np.where(tree, -1, v)
    region = np.where(tree, 3, np.where(field, 2, np.where(hills, 1, 0)))
    accents = [rgb("f7e9a8", "8fc4e8", "0a0f3c", "4a7fe0"), rgb("0d2c48", "8fc27a"),
               rgb("fff0a0", "d1441c", "4a5a1a", "7a3412"), rgb("000a08", "4a7a3c", "b58a2a")]  # fmt: skip
    return paint(rng, color, np.arctan2(v, u), region, accents)


def paint(rng, color, angle, region, accents) -> np.ndarray:
    """Strokes of bristles along ``angle``, coarse to fine, lit from the upper left."""
    canvas, relief = Image.new("RGB", (N, N), (38, 26, 30)), Image.new("L", (N, N), 128)
    ink, bump = ImageDraw.Draw(canvas), ImageDraw.Draw(relief)
    steps = 8
    taper = np.sin(np.pi * np.linspace(0.12, 0.97, steps)) ** 0.6
    for count, width, length in ((900, 20, 70), (2600, 12, 46), (4200, 7, 30)):
        path = np.empty((count, steps, 2))
        path[:, 0] = rng.uniform(-0.05 * N, 1.05 * N, (count, 2))
        turn = rng.normal(0, 0.1, count)
        for k in range(1, steps):
            x, y = np.clip(path[:, k - 1].astype(int), 0, N - 1).T
            way = angle[y, x] + turn
            path[:, k] = path[:, k - 1] + length / steps * np.stack([np.cos(way), np.sin(way)], 1)
        along = np.gradient(path, axis=1)
        along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9
        across = np.stack([-along[..., 1], along[..., 0]], -1) * taper[:, None]
        x, y = np.clip(path[:, steps // 2].astype(int), 0, N - 1).T
        tint = color[y, x] * (1 + rng.normal(0, 0.2, (count, 1))) + rng.normal(0, 0.03, (count, 3))
        for i in np.flatnonzero(rng.random(count) < 0.16):
            choice = accents[region[y[i], x[i]]]
            tint[i] = mix(tint[i], choice[rng.integers(len(choice))], np.array(0.75))
        bristles = max(3, width // 3)
        for i in range(count):
            tones = rng.normal(0, 0.09, bristles)
            for b in range(bristles):
                place = path[i] + across[i] * ((b + 0.5) / bristles - 0.5) * width
                line = [tuple(point) for point in place]
                shade = np.clip(255 * tint[i] * (1 + tones[b]), 0, 255).astype(int)
                ink.line(line, tuple(shade), 4, "curve")
                bump.line(
                    line, int(np.clip(128 + 500 * tones[b] + 40 * (b == 0), 0, 255)), 4, "curve"
                )
    height = ndimage.gaussian_filter(np.asarray(relief) / 255.0, 0.9)
    light = -ndimage.sobel(height, 0) - ndimage.sobel(height, 1)
    return np.asarray(canvas) / 255.0 * (1 + 0.22 * np.clip(light, -1.2, 1.2)[..., None])


def relaxed(rng, count: int, weight: np.ndarray, rounds: int) -> np.ndarray:
    """Points (y, x) that lie evenly under ``weight``: Lloyd's rounds on a grid of half the size."""
    coarse = weight[::2, ::2]
    grid = np.argwhere(np.ones_like(coarse))
    mass = coarse.ravel()
    points = grid[rng.choice(len(grid), count, replace=False, p=mass / mass.sum())] + rng.random(
        (count, 2)
    )
    for _ in range(rounds):
        owner = cKDTree(points).query(grid)[1]
        total = np.bincount(owner, mass, count)
        sums = np.stack([np.bincount(owner, mass * grid[:, k], count) for k in (0, 1)], 1)
        points = np.where(total[:, None] > 0, sums / np.maximum(total, 1e-9)[:, None], points)
    return 2 * points + 0.5


def stained_glass(rng: np.random.Generator) -> np.ndarray:
    """Sunrise over mountains and water: rings of panes round the sun, dark leading."""
    sx, sy = 0.5, 0.4
    radius = np.hypot(X - sx, Y - sy)
    turn = np.arctan2(Y - sy, X - sx) / (2 * np.pi) % 1
    ring = np.floor(radius / 0.068).astype(int)
    sectors = np.array([1, 8, 14, 20, 20, 28, 28, 36, 36, 44, 44, 52])[np.minimum(ring, 11)]
    jitter = rng.uniform(0, 1, 12)[np.minimum(ring, 11)]
    sector = np.floor((turn + jitter) * sectors).astype(int) % sectors
    panes = ring * 100 + sector
    sky = rgb(
        "fff6c8",
        "ffd84a",
        "ffac1c",
        "f4701c",
        "d92f2a",
        "a81e5a",
        "6a2590",
        "3a34a8",
        "1f4fc0",
        "1a6fd0",
        "143a98",
        "0f2a78",
    )
    color = sky[np.minimum(ring, 11)]
    far, near, shore = (
        wave(rng, 0.5, 0.05, 1.0),
        wave(rng, 0.6, 0.04, 1.4),
        0.73 + 0.012 * np.sin(9 * X),
    )
    seeds = relaxed(rng, 300, np.ones((N, N)), 6)
    cells = cKDTree(seeds).query(np.argwhere(np.ones((N, N))))[1].reshape(N, N)
    for line, shades, code in (
        (far, rgb("5a2a8c", "7a3aa8", "3f2f98"), 10_000),
        (near, rgb("0f6a4a", "1d9460", "5ab04a", "0b4f55"), 20_000),
    ):
        inside = np.broadcast_to(Y > line, (N, N))
        pick = rng.integers(len(shades), size=len(seeds))
        color = np.where(inside[..., None], shades[pick][cells], color)
        panes = np.where(inside, code + cells, panes)
    bands = np.floor((Y - shore) / 0.058 + 0.25 * np.sin(14 * X + 5 * Y)).astype(int)
    parts = np.floor(X * 9 + 0.5 * (bands % 2) + 0.2 * np.sin(30 * Y)).astype(int)
    water = Y > shore
    shades = rgb("0d4fa8", "1577c8", "2fb0d8", "0b3a88", "7ad8e0")
    blue = shades[rng.integers(len(shades), size=400)][(bands * 20 + parts) % 400]
    middle = (parts + 0.5 - 0.5 * (bands % 2)) / 9
    glow = np.abs(middle - sx) < 0.07 + 0.02 * bands
    gold = rgb("ffc93a", "ff9a2a", "ffe28a")[rng.integers(3, size=400)][(bands * 20 + parts) % 400]
    color = np.where(water[..., None], np.where(glow[..., None], gold, blue), color)
    panes = np.where(water, 30_000 + bands * 100 + parts, panes)
    labels = np.unique(panes, return_inverse=True)[1].reshape(N, N)
    edges = (ndimage.maximum_filter(labels, 3) != labels) | (
        ndimage.minimum_filter(labels, 3) != labels
    )
    away = ndimage.distance_transform_edt(~edges)
    pane = rng.normal(0, 0.13, labels.max() + 1)[labels]
    streaks = 0.10 * noise(rng, (3, 14)) + 0.08 * noise(rng, 4)
    glass = color * (0.72 + 0.42 * smooth(away, 1, 16) + pane + streaks)[..., None]
    glass += 0.25 * smooth(away, 6, 20)[..., None] * np.maximum(streaks, 0)[..., None]
    lead = rgb("0c0a10")[0] + 0.20 * np.exp(-((away / 1.2) ** 2))[..., None] * rgb("8a90a8")[0]
    return mix(lead, glass, smooth(away, 2.8, 4.4))


def woodcut(rng: np.random.Generator) -> np.ndarray:
    """A red sun over a mountain and the sea: carved lines that follow the forms, two inks."""
    sx, sy = 0.62, 0.27
    sun = np.hypot(X - sx, Y - sy)
    warp = noise(rng, 40)
    ridge = np.where(
        X < 0.36, 0.2 + 0.95 * np.abs(X - 0.36) ** 1.1, 0.2 + 0.62 * np.abs(X - 0.36) ** 0.9
    )
    ridge = ridge + 0.012 * noise(rng, (30, 8))[N // 2][None, :]
    shore = 0.66 + 0.0 * X
    coast = wave(rng, 0.86, 0.03, 1.1)
    # One field of carved lines per region: phase, whose whole numbers are the lines, and tone.
    phase = sun * N / 10.5 + 0.25 * warp
    tone = 0.28 + 0.75 * smooth(sun, 0.12, 0.75)
    mountain = (Y > ridge) & (Y < shore)
    side = (X - 0.36) / (Y - 0.08)
    lit = smooth(side + 0.1 * warp, 0.16, -0.22)
    phase = np.where(mountain, (side * 0.45 + 0.12 * Y) * N / 11 + 0.3 * warp, phase)
    tone = np.where(mountain, 0.88 - 0.55 * lit, tone)
    snow = mountain & (Y < 0.33 + 0.05 * np.sin(40 * X) + 0.02 * warp)
    tone = np.where(snow, np.where(side > 0.02, 0.52, 0.12), tone)
    sea = (Y >= shore) & (Y < coast)
    swell = Y * N / 10 * (1.25 - 0.4 * Y) + 0.9 * np.sin(16 * X + 26 * Y) + 0.5 * warp
    phase = np.where(sea, swell, phase)
    path = np.exp(-(((X - sx) / (0.06 + 0.25 * (Y - shore))) ** 2))
    tone = np.where(sea, 0.72 - 0.5 * path + 0.08 * warp, tone)
    land = Y >= coast
    phase = np.where(land, X * N / 9 + 1.2 * np.sin(20 * Y + 9 * X) + 0.6 * warp, phase)
    tone = np.where(land, 0.86 + 0.06 * warp, tone)
    disc = sun < 0.115
    phase = np.where(disc, Y * N / 9 + 0.2 * warp, phase)
    tone = np.where(disc, 0.10, tone)
    gouge = 0.10 * noise(rng, (5, 5), 2) + 0.14 * noise(rng, 18, 1)
    lines = np.abs((phase % 1) * 2 - 1)  # 1 on a line, 0 half-way between two
    key = smooth(lines + gouge * 0.6, 1 - tone - 0.07, 1 - tone + 0.07)
    cross = np.abs(((X + Y) * N / 13 + 0.5 * warp) % 1 * 2 - 1)
    key = np.maximum(
        key, smooth(cross + gouge, 0.58, 0.7) * smooth(tone, 0.8, 0.95) * ~land * ~mountain
    )
    border = np.zeros((N, N), bool)
    for part in (mountain, sea, land, disc):
        border |= ndimage.binary_dilation(part, iterations=2) ^ ndimage.binary_erosion(
            part, iterations=2
        )
    key = np.maximum(key, ndimage.gaussian_filter(border.astype(float), 0.8))
    paper = rgb("f3e6c8")[0] * (1 + 0.02 * noise(rng, (2, 12)))[..., None]
    grain = 0.88 + 0.06 * noise(rng, (2, 20))
    second = (
        np.where(disc, 1.0, 0.0) + np.where(sea, 0.85 * (path > 0.35), 0) + np.where(land, 0.9, 0)
    )
    second = second + np.where(~mountain & ~sea & ~land & ~disc, 0.75 * smooth(sun, 0.32, 0.18), 0)
    blue = np.where(sea & (path <= 0.35), 0.75, 0) + np.where(mountain & ~snow, 0.55, 0)
    page = mix(paper, rgb("d9402a")[0], np.clip(second * grain, 0, 1))
    page = mix(page, rgb("6fa3a6")[0], np.clip(blue * grain, 0, 1))
    return mix(page, rgb("171a2e")[0], np.clip(key * (0.96 + 0.03 * noise(rng, 3)), 0, 1))


def stippling(rng: np.random.Generator) -> np.ndarray:
    """Fruit by lamp light: dots of ink, dense where it is dark."""
    tone = 0.2 + 0.58 * smooth(np.hypot(X - 0.1, Y - 0.05), 0.0, 0.8)
    table = Y > 0.62
    tone = np.where(
        table,
        0.12
        + 0.25 * smooth(Y, 0.62, 1.05)
        + 0.42 * (np.sin(34 * X / (Y - 0.2)) * np.sin(52 * np.abs(Y - 0.4) ** 0.5) > 0),
        tone,
    )
    hue = np.where(table, 1, 0)
    fruits = [
        (0.62, 0.47, 0.17, 2),
        (0.36, 0.55, 0.19, 3),
        (0.78, 0.68, 0.12, 3),
        (0.56, 0.74, 0.13, 2),
        (0.17, 0.74, 0.10, 2),
    ]
    for cx, cy, radius, ink in fruits:
        shadow = np.exp(
            -(
                ((X - cx - 0.8 * radius) / (1.5 * radius)) ** 2
                + ((Y - cy - 0.85 * radius) / (0.4 * radius)) ** 2
            )
        )
        tone = np.where(table, np.maximum(tone, 0.98 * shadow), tone)
        u, v = (X - cx) / radius, (Y - cy) / radius
        inside = u * u + v * v < 1
        depth = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
        light = np.clip(-0.55 * u - 0.55 * v + 0.63 * depth, 0, 1)
        shade = (
            1.0
            - 0.86 * light**0.8
            + 0.08 * np.sin(14 * np.arctan2(u, v + 0.8))
            - 0.25 * smooth(u + v, 1.0, 1.4)
        )
        stem = np.exp(-((u**2 + (v + 0.78) ** 2) / 0.02)) * 0.8
        tone = np.where(inside, np.clip(shade + stem, 0.02, 1), tone)
        hue = np.where(inside, ink, hue)
    tone = np.clip(tone, 0.04, 1)
    points = relaxed(rng, 5600, 0.05 + tone**1.5, 16)
    inks = [rgb("1b2350", "2a3f86", "10142e"), rgb("5a2a1a", "8a4a22", "23203a"),
            rgb("8a1414", "c02a1c", "2a1030"), rgb("1f4a2a", "b07a12", "16243a")]  # fmt: skip
    paper = np.broadcast_to(255 * rgb("f6ead0")[0], (N, N, 3)) + 2.5 * noise(rng, 2)[..., None]
    lights = rgb("3f62b8", "c98a4a", "f0862a", "e8bb2c")
    image = Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for y, x in points:
        row, column = min(int(y), N - 1), min(int(x), N - 1)
        dark = tone[row, column]
        ink = inks[hue[row, column]][
            rng.choice(3, p=(0.45, 0.4, 0.15) if dark < 0.7 else (0.4, 0.1, 0.5))
        ]
        if rng.random() > dark * 1.5:
            ink = lights[hue[row, column]]
        r = 2.2 + 0.9 * dark + rng.normal(0, 0.2)
        pen.ellipse((x - r, y - r, x + r, y + r), tuple((255 * ink).astype(int)))
    return np.asarray(image) / 255.0


def marbling(rng: np.random.Generator) -> np.ndarray:
    """Marbled paper: drops of colour on water, drawn through by combs (after Lu et al. 2012)."""
    inks = rgb("101c46", "f6ead2", "b81f2c", "14787e", "e6a52e", "62b8b2")
    x, y = X * N, Y * N
    # Combs, last first: each shifts the paint along its teeth, less the farther off.
    x = x + 10 * np.sin(2 * np.pi * y / 150 + 0.8) + 5 * np.sin(2 * np.pi * y / 61)
    for angle, gap, shift, sharp in ((90, 34, 46, 6.0), (0, 60, 60, 10.0), (90, 64, 70, 12.0)):
        dx, dy = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        across = -dy * x + dx * y
        tooth = np.floor(across / gap)
        off = np.abs(across - (tooth + 0.5) * gap)
        pull = (
            shift
            * sharp
            / (off + sharp)
            * (1 if angle == 90 and gap < 40 else np.where(tooth % 2, -1, 1))
        )
        x, y = x - dx * pull, y - dy * pull
    ink = np.full((N, N), -1)
    grid = np.stack(np.meshgrid(np.arange(11), np.arange(11)), -1).reshape(-1, 2)
    places = (grid + rng.uniform(-0.45, 0.45, grid.shape)) * 0.17 * N - 0.35 * N
    order = np.concatenate([rng.permutation(len(grid)) for _ in range(4)])
    places = places[order]
    sets = np.array([(1, 0, 3), (2, 1, 0), (4, 0, 1), (3, 1, 5), (2, 4, 0), (1, 5, 0)])
    colors = sets[
        rng.integers(len(sets), size=len(grid))[order], np.arange(len(order)) // len(grid) % 3
    ]
    sizes = rng.uniform(22, 36, len(colors))
    for (cx, cy), size, color in zip(places[::-1], sizes[::-1], colors[::-1], strict=True):
        square = (x - cx) ** 2 + (y - cy) ** 2
        ink = np.where((ink < 0) & (square < size**2), color, ink)
        squeeze = np.sqrt(np.clip(1 - size**2 / np.maximum(square, 1e-9), 0, 1))
        x, y = cx + (x - cx) * squeeze, cy + (y - cy) * squeeze
    color = inks[ink]
    edges = ndimage.maximum_filter(ink, 3) != ndimage.minimum_filter(ink, 3)
    color = mix(color, rgb("1a1428")[0], 0.35 * ndimage.gaussian_filter(edges.astype(float), 1.0))
    return color * (1 + 0.03 * noise(rng, 2) + 0.03 * noise(rng, 25))[..., None]


def halftone(rng: np.random.Generator) -> np.ndarray:
    """Pop art: a burst over the sea in four screens of dots, with black contours."""
    cx, cy = 0.54, 0.42
    radius, turn = np.hypot(X - cx, Y - cy), np.arctan2(Y - cy, X - cx)
    spikes = np.abs((turn / (2 * np.pi) * 15) % 1 * 2 - 1)
    reach = 0.19 + 0.15 * spikes * (1 + 0.25 * np.sin(3 * turn + 1))
    rays = np.sin(turn * 16 + 0.4) > 0
    white = np.ones((N, N, 3))
    cyan, magenta, yellow = (np.zeros((N, N)) for _ in range(3))
    cyan += np.where(
        rays, 0.75 - 0.5 * smooth(radius, 0.25, 0.8), 0.16 + 0.25 * smooth(radius, 0.3, 0.9)
    )
    magenta += np.where(rays, 0.0, 0.45 * smooth(radius, 0.9, 0.25))
    regions = np.where(rays, 1, 0)
    for scale, inks in ((1.0, (0, 0.95, 0.9)), (0.72, (0, 0.45, 1)), (0.45, (0, 0.05, 0.75))):
        inside = radius < reach * scale
        fade = 0.6 + 0.4 * smooth(radius / reach / scale, 0.1, 1.0)
        cyan, magenta, yellow = (
            np.where(inside, i * (fade if i < 1 else 1), old)
            for i, old in zip(inks, (cyan, magenta, yellow), strict=True)
        )
        regions = np.where(inside, 2 + int(scale * 10), regions)
    for number, (base, height) in enumerate(((0.72, 0.045), (0.82, 0.05), (0.92, 0.045))):
        crest = (
            base
            + height * np.abs(np.sin(np.pi * (X * (3.5 - 0.5 * number) + 0.37 * number))) ** 0.7
            - height
        )
        inside = Y > crest
        depth = smooth(Y - crest, 0.0, 0.15)
        foam = Y - crest < 0.022
        cyan = np.where(inside, np.where(foam, 0.05, 0.35 + 0.6 * depth), cyan)
        magenta = np.where(inside, np.where(foam, 0, 0.12 * number + 0.35 * depth), magenta)
        yellow = np.where(inside, 0.0, yellow)
        regions = np.where(inside, 40 + 2 * number + foam, regions)
    page = white * rgb("fbf4e2")[0]
    for cover, ink, angle in ((yellow, "ffd400", 0), (magenta, "e4156b", 75), (cyan, "0091d0", 15)):
        a, gap = np.deg2rad(angle), 13.0
        u, v = (X * np.cos(a) + Y * np.sin(a)) * N / gap, (Y * np.cos(a) - X * np.sin(a)) * N / gap
        off = np.hypot(u % 1 - 0.5, v % 1 - 0.5)
        dot = smooth(np.sqrt(cover / np.pi) * 1.12 - off, -0.05, 0.05) * (cover > 0.02)
        page = page * mix(np.ones(3), rgb(ink)[0], dot)
    edges = ndimage.maximum_filter(regions, 3) != ndimage.minimum_filter(regions, 3)
    edges &= ~((regions <= 1) & (ndimage.maximum_filter(regions, 7) <= 1))
    away = ndimage.distance_transform_edt(~edges)
    thick = 2.6 + 1.2 * noise(rng, 30, 1) * 0.5
    return mix(page, rgb("14121a")[0], smooth(thick - away, -0.7, 0.7))


def mosaic(rng: np.random.Generator) -> np.ndarray:
    """A fish under the sun in stone and gold: tiles laid along the contours, dark joints."""
    sun = np.hypot(X - 0.74, Y - 0.2)
    waves = Y - 0.4 - 0.025 * np.sin(2 * np.pi * 2.2 * X)
    color = ramp(rgb("f2cf62", "d9a52e", "b87f1e"), smooth(sun, 0.1, 0.7))
    beams = np.sin(np.arctan2(Y - 0.2, X - 0.74) * 11) > 0.1
    color = np.where(
        beams[..., None], mix(color, rgb("b5481c")[0], smooth(sun, 1.1, 0.1) * 0.95), color
    )
    rim = np.abs(sun - 0.155) < 0.022
    color = np.where(rim[..., None], rgb("a8281c")[0], color)
    color = np.where((sun < 0.133)[..., None], rgb("fff0b0")[0], color)
    stripe = np.floor(waves / 0.052).astype(int)
    sea = rgb(
        "e8efe0",
        "3fa7b0",
        "146a86",
        "0e4468",
        "1d8a96",
        "0c3558",
        "2b9aa6",
        "0a2c50",
        "146a86",
        "0c3558",
        "1d8a96",
        "0e4468",
    )
    color = np.where((waves > 0)[..., None], sea[np.clip(stripe, 0, 11)], color)
    flow = np.where(waves > 0, waves, sun)
    u, v = (X - 0.43) / 0.3, (Y - 0.665) / 0.15
    body = np.hypot(u, v * (1 + 0.25 * u))
    tail = (
        (X > 0.68)
        & (X < 0.88)
        & (np.abs(Y - 0.665) < 0.02 + 0.6 * (X - 0.68) * (1.2 - 1.6 * np.abs(X - 0.78)))
    )
    fin = (Y < 0.56) & (Y > 0.47 + 0.5 * np.abs(X - 0.46)) & (X < 0.56)
    fish = (body < 1) | tail | fin
    scales = np.floor(body * 5).astype(int) % 2
    coral = mix(rgb("f08a3c")[0], rgb("c2361f")[0], smooth(v, -0.6, 0.8))
    coral = mix(coral, rgb("ffd98a")[0], 0.55 * scales * (u > -0.5))
    coral = np.where(((u < -0.45) & (u > -0.52))[..., None], rgb("5a1418")[0], coral)
    coral = np.where((tail | fin)[..., None] & ~(body < 1)[..., None], rgb("e8b23c")[0], coral)
    color = np.where(fish[..., None], coral, color)
    inside = ndimage.distance_transform_edt(fish) - ndimage.distance_transform_edt(~fish)
    color = np.where((np.abs(inside + 7) < 8)[..., None], rgb("1a0f1c")[0], color)
    eye = np.hypot(X - 0.225, Y - 0.645)
    color = np.where((eye < 0.045)[..., None], rgb("fff6dc")[0], color)
    color = np.where((eye < 0.02)[..., None], rgb("140c14")[0], color)
    flow = np.where(inside > -40, inside / N, flow)
    flow = ndimage.gaussian_filter(flow, 5)
    angle = np.arctan2(ndimage.sobel(flow, 0), ndimage.sobel(flow, 1))
    # Tiles: Lloyd's rounds with a square's distance turned along the contours (Hausner 2001).
    points = relaxed(rng, 950, np.ones((N, N)), 3)
    grid = np.argwhere(np.ones((N // 2, N // 2))) * 2.0 + 0.5
    for _ in range(10):
        owner, _, _ = tiles(points, grid, angle)
        total = np.bincount(owner, minlength=len(points))[:, None]
        sums = np.stack([np.bincount(owner, grid[:, k], len(points)) for k in (0, 1)], 1)
        points = np.where(total > 0, sums / np.maximum(total, 1), points)
    owner, first, second = tiles(points, np.argwhere(np.ones((N, N))) + 0.0, angle)
    owner, joint = owner.reshape(N, N), (second - first).reshape(N, N)
    row, column = np.clip(points.astype(int), 0, N - 1).T
    tint = color[row, column] * (1 + rng.normal(0, 0.16, (len(points), 1))) + rng.normal(
        0, 0.025, (len(points), 3)
    )
    tilt = rng.normal(0, 0.012, (2, len(points)))
    gleam = tilt[0][owner] * (Y * N - points[owner, 0]) + tilt[1][owner] * (
        X * N - points[owner, 1]
    )
    face = tint[owner] * (1.04 + gleam + 0.05 * noise(rng, 1.5))[..., None]
    edge = smooth(joint, 2.0, 7.0)
    return mix(
        rgb("2a2124")[0] * np.ones((N, N, 1)),
        face * (0.75 + 0.3 * edge)[..., None],
        smooth(joint, 1.6, 3.4),
    )


def tiles(points, grid, angle):
    """Nearest tile of each grid point (y, x), its distance, and that of the next nearest."""
    near = cKDTree(points).query(grid, 8)[1]
    row, column = np.clip(points.astype(int), 0, N - 1).T
    turn = angle[row, column][near]
    dy, dx = np.moveaxis(grid[:, None] - points[near], -1, 0)
    c, s = np.cos(turn), np.sin(turn)
    far = np.maximum(np.abs(c * dx + s * dy), np.abs(c * dy - s * dx))
    order = np.argsort(far, 1)
    ranked = np.take_along_axis(far, order, 1)
    return near[np.arange(len(grid)), order[:, 0]], ranked[:, 0], ranked[:, 1]


STYLES = {
    style.__name__: style
    for style in (brush_strokes, halftone, marbling, mosaic, stained_glass, stippling, woodcut)
}


def draw(name: str, seed: int = 0) -> Image.Image:
    """The picture of that name, 256 × 256."""
    canvas = np.clip(STYLES[name](np.random.default_rng(seed)), 0, 1)
    small = canvas.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    return Image.fromarray(np.rint(small * 255).astype(np.uint8))


def main() -> None:
    """Draw the named pictures, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STYLES)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    unknown = set(arguments.names).difference(STYLES)
    if unknown:
        parser.error(f"unknown names {sorted(unknown)}; known: {', '.join(STYLES)}")
    for name in arguments.names or STYLES:
        path = arguments.folder / f"{name}.jpg"
        draw(name, arguments.seed).save(path, quality=95, subsampling=0, optimize=True)
        print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
