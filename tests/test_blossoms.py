"""Tests of the colour data set with known factors."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest

from gpat_lib.blossoms import (
    BACKGROUNDS,
    COLORS,
    PETALS,
    RANGES,
    SHAPES,
    blossom_factors,
    blossoms,
)

module = importlib.import_module("gpat_lib.blossoms")
SIZES = {
    "petals": len(PETALS),
    "shape": len(SHAPES),
    "color": len(COLORS),
    "background": len(BACKGROUNDS),
}
# Mean |difference| on the scale [-1, 1] when one factor goes from one end to the other.
VISIBLE = {
    "rotation": 0.02,
    "radius": 0.02,
    "offset_x": 0.02,
    "offset_y": 0.02,
    "hue": 0.02,
    "core": 0.01,
    "sway": 0.01,
}


@pytest.fixture(scope="module")
def many() -> dict[str, np.ndarray]:
    return blossom_factors(20_000, seed=11)


def test_same_arguments_give_the_same_images_and_other_seeds_do_not() -> None:
    assert np.array_equal(blossoms(20, seed=5), blossoms(20, seed=5))
    assert not np.array_equal(blossoms(20, seed=5), blossoms(20, seed=6))


@pytest.mark.parametrize(("first", "count"), [(40, 20), (0, 1), (31, 3), (99, 1), (7, 93)])
def test_a_slice_can_be_drawn_alone(first: int, count: int) -> None:
    whole, known = blossoms(100, seed=3, factors=True)
    part, also = blossoms(count, seed=3, start=first, factors=True)
    assert np.array_equal(whole[first : first + count], part)
    assert list(known) == list(also)
    for name in known:
        assert np.array_equal(known[name][first : first + count], also[name]), name


def test_numbers_far_out_still_work() -> None:
    far = blossoms(2, seed=2**62 - 1, start=2**62 - 2)
    assert np.isfinite(far).all()
    assert not np.array_equal(far[0], far[1])


@pytest.mark.parametrize("size", [8, 31, 32, 64])
def test_shape_type_and_range(size: int) -> None:
    images = blossoms(9, seed=1, size=size)
    assert images.shape == (9, size, size, 3)
    assert images.dtype == np.float32
    assert images.flags.c_contiguous
    assert images.min() >= -1
    assert images.max() <= 1
    assert images.std() > 0.3


def test_sizes_show_the_same_picture() -> None:
    small, large = blossoms(16, seed=4, size=32), blossoms(16, seed=4, size=64)
    pooled = large.reshape(16, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - pooled).mean() < 0.03


def test_factors_match_the_images_call_and_their_ranges(many: dict[str, np.ndarray]) -> None:
    _, known = blossoms(5, seed=11, factors=True)
    assert list(known) == [*SIZES, *RANGES]
    for name, values in many.items():
        assert np.array_equal(known[name], values[:5])
        if name in SIZES:
            assert values.dtype == np.int64
            assert set(np.unique(values)) == set(range(SIZES[name]))
        else:
            low, high = RANGES[name]
            assert values.dtype == np.float32
            assert low <= values.min() < values.max() <= high


def chi_square(cells: np.ndarray, kinds: int) -> float:
    """Deviation from equal counts, in standard deviations of the chi-square distribution."""
    expected = len(cells) / kinds
    statistic = ((np.bincount(cells, minlength=kinds) - expected) ** 2 / expected).sum()
    return (statistic - (kinds - 1)) / np.sqrt(2 * (kinds - 1))


def test_all_combinations_are_equally_likely(many: dict[str, np.ndarray]) -> None:
    cells = np.ravel_multi_index([many[name] for name in SIZES], list(SIZES.values()))
    assert np.prod(list(SIZES.values())) == 180
    assert abs(chi_square(cells, 180)) < 5


def test_every_pair_of_factors_is_independent(many: dict[str, np.ndarray]) -> None:
    cells = {name: many[name] for name in SIZES}
    for name, (low, high) in RANGES.items():
        cells[name] = np.minimum((many[name] - low) / (high - low) * 6, 5).astype(np.int64)
    for one, two in itertools.combinations(cells, 2):
        kinds = SIZES.get(one, 6) * SIZES.get(two, 6)
        joint = cells[one] * SIZES.get(two, 6) + cells[two]
        assert abs(chi_square(joint, kinds)) < 5, (one, two)


def test_neighbours_and_seeds_are_unrelated() -> None:
    one, two = blossom_factors(20_000, seed=0), blossom_factors(20_000, seed=1)
    for name in RANGES:
        assert abs(np.corrcoef(one[name][:-1], one[name][1:])[0, 1]) < 0.04, name
        assert abs(np.corrcoef(one[name], two[name])[0, 1]) < 0.04, name


@pytest.mark.parametrize("name", list(SIZES))
def test_every_step_of_a_discrete_factor_is_visible(name: str) -> None:
    known = blossom_factors(24, seed=8)
    drawn = [module._draw({**known, name: np.full(24, value)}, 32) for value in range(SIZES[name])]
    for one, two in itertools.combinations(drawn, 2):
        change = np.abs(one - two).mean(axis=(1, 2, 3))
        assert change.min() > 0.015


@pytest.mark.parametrize("name", list(RANGES))
def test_every_continuous_factor_is_visible(name: str) -> None:
    known = blossom_factors(24, seed=9)
    low, high = (
        module._draw({**known, name: np.full(24, end, np.float32)}, 32) for end in RANGES[name]
    )
    assert np.abs(high - low).mean() > VISIBLE[name]


def test_offsets_move_right_and_up() -> None:
    known = blossom_factors(12, seed=2)
    rows, columns = np.mgrid[0:32, 0:32]

    def middle(name: str, value: float) -> tuple[float, float]:
        # Two palettes of the same picture differ only where petals or the centre disc are.
        moved = {**known, name: np.full(12, value, np.float32)}
        moved["background"] = np.ones(12, np.int64)
        pair = [module._draw({**moved, "color": np.full(12, c)}, 32) for c in (1, 3)]
        mass = np.abs(pair[0] - pair[1]).sum(axis=(0, 3))
        return (mass * columns).sum() / mass.sum(), (mass * rows).sum() / mass.sum()

    assert middle("offset_x", 0.05)[0] - middle("offset_x", -0.05)[0] == pytest.approx(1.6, abs=0.2)
    assert middle("offset_y", 0.05)[1] - middle("offset_y", -0.05)[1] == pytest.approx(
        -1.6, abs=0.2
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("count", -1),
        ("count", 2.0),
        ("count", True),
        ("count", "8"),
        ("count", None),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", 2**62),
        ("start", -1),
        ("start", np.float32(3)),
        ("start", 2**62),
        ("size", 7),
        ("size", 32.0),
        ("factors", 1),
        ("factors", "yes"),
    ],
)
def test_bad_input_is_named(name: str, value: object) -> None:
    arguments = {"count": 2, name: value}
    with pytest.raises(ValueError, match=rf"^{name}: got .*, expected "):
        blossoms(**arguments)


def test_numpy_integers_are_welcome() -> None:
    assert np.array_equal(
        blossoms(np.int64(2), seed=np.int32(1), start=np.uint8(3), size=np.int16(16)),
        blossoms(2, seed=1, start=3, size=16),
    )
