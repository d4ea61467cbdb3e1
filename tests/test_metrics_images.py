"""Patch distance, SSIM and edges: closed forms, and what each can and cannot see."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import wasserstein_distance

from gpat_lib import metrics


@pytest.fixture
def image():
    """A smooth colour picture with some texture, 40 × 48."""
    noise = np.random.default_rng(0).normal(size=(40, 48, 3))
    smooth = ndimage.gaussian_filter(noise, (3, 3, 0), mode="wrap")
    return 0.8 * smooth / np.abs(smooth).max() + 0.1 * np.tanh(noise)


def unit_filters(size, seed=0):
    bank = np.random.default_rng(seed).standard_normal((3 * size * size, 64))
    return bank / np.linalg.norm(bank, axis=0)


# ---------------------------------------------------------------- patch distance


def test_equal_images_have_no_distance(image):
    assert metrics.patch_distance([image], [image]) == 0
    assert metrics.patch_distance(image, image[None]) == 0
    assert metrics.patch_distance([image], [image, image]) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_shift_of_brightness_moves_every_response_by_the_filters_sum(image, size):
    """All quantiles of filter w move by d·Σw, so the distance is d times the mean of |Σw|."""
    image = 0.5 * image
    expected = 0.25 * np.abs(unit_filters(size).sum(axis=0)).mean()
    assert metrics.patch_distance([image], [image + 0.25], size) == pytest.approx(expected, 1e-5)
    grey = np.zeros((size, size, 3))
    assert metrics.patch_distance([grey], [grey + 0.25], size) == pytest.approx(expected, 1e-5)


def test_a_channel_alone_counts_with_its_own_weights(image):
    red = 0.5 * image + [0.25, 0, 0]
    of_red = unit_filters(3).reshape(3, 3, 3, 64)[0].sum(axis=(0, 1))  # channels come first
    expected = 0.25 * np.abs(of_red).mean()
    assert metrics.patch_distance([0.5 * image], [red], 3) == pytest.approx(expected, 1e-5)


def test_it_is_the_mean_wasserstein_distance_of_the_responses(image):
    other = image[:30, ::-1] * 0.7 + 0.1
    bank = unit_filters(3).reshape(3, 3, 3, 64)
    expected = []
    for k in range(64):
        responses = [
            sum(ndimage.correlate(x[..., c], bank[c, ..., k])[1:-1, 1:-1] for c in range(3))
            for x in (image, other)
        ]
        expected.append(wasserstein_distance(*(r.ravel() for r in responses)))
    found = metrics.patch_distance([image], [other], 3)
    assert found == pytest.approx(np.mean(expected), rel=0.01)
    assert found == pytest.approx(metrics.patch_distance([other], [image], 3), rel=1e-9)


def test_quantiles_kept_for_later_give_the_same_distance(image):
    a, b = (metrics.patch_quantiles([x], 3) for x in (image, image[:20]))
    assert a.shape == (64, 1000)
    assert (np.diff(a) >= 0).all()
    assert np.abs(a - b).mean() == metrics.patch_distance([image], [image[:20]], 3)


def test_patches_count_wherever_they_lie(image):
    """A wrapped shift keeps most patches, and destroys what the other two measures see."""
    moved = np.roll(image, (13, 17), axis=(0, 1))
    tiled, other = np.tile(image, (2, 2, 1)), np.tile(moved, (2, 2, 1))  # seams count less
    assert metrics.patch_distance([tiled], [other]) < 0.02
    blurred = ndimage.gaussian_filter(tiled, (2, 2, 0))
    assert metrics.patch_distance([tiled], [blurred]) > 0.04
    assert metrics.structural_similarity(image, moved) < 0.3
    assert abs(metrics.edge_similarity(image, moved)) < 0.3


def test_images_of_several_sizes_are_one_set(image):
    parts = [image[:20], image[14:, :30]]
    one, two = (metrics.patch_distance([part], [-image]) for part in parts)
    both = metrics.patch_distance(parts, [-image])
    assert min(one, two) * 0.9 < both < max(one, two) * 1.1
    assert both != metrics.patch_distance(parts, [-image], seed=1)


def test_negatives_are_as_far_apart_also_when_the_sets_are_small_and_unequal(image):
    few, many = image[:2, :2], image[5:, 5:]
    distance = metrics.patch_distance([few], [many], size=1)
    assert metrics.patch_distance([-few], [-many], size=1) == pytest.approx(distance, rel=1e-6)


def test_memory_is_bounded_by_blocks_that_do_not_change_the_result(image, monkeypatch):
    whole = metrics.patch_distance([image], [-image])
    monkeypatch.setattr(metrics, "BLOCK", 1)
    assert metrics.patch_distance([image], [-image]) == pytest.approx(whole, rel=1e-6)


# ---------------------------------------------------------------- the photograph


def test_an_image_is_most_like_itself(image):
    assert metrics.structural_similarity(image, image) == pytest.approx(1)
    assert metrics.edge_similarity(image, image) == pytest.approx(1)


def test_ssim_of_even_images_is_its_luminance_term():
    """Without contrast: (2ab + c) / (a² + b² + c), c = (0.01 · 2)², and luma weights sum to 1."""
    a, b = np.full((9, 9, 3), 0.5), np.full((9, 9, 3), -0.25)
    c = 0.02**2
    expected = (2 * 0.5 * -0.25 + c) / (0.5**2 + 0.25**2 + c)
    assert metrics.structural_similarity(a, b) == pytest.approx(expected)
    green = np.zeros((9, 9, 3))
    green[..., 1] = 0.5
    expected = (2 * 0.5 * 0.587 * 0.5 + c) / (0.5**2 + (0.587 * 0.5) ** 2 + c)
    assert metrics.structural_similarity(a, green) == pytest.approx(expected)


def test_edges_know_neither_brightness_nor_contrast_nor_sign(image):
    assert metrics.edge_similarity(image, -0.5 * image + 0.2) == pytest.approx(1)


def test_edges_along_both_axes_count():
    step = np.zeros((24, 24, 3))
    step[:, 12:] = 1
    assert metrics.edge_similarity(step, step) == pytest.approx(1)
    assert metrics.edge_similarity(step, step.transpose(1, 0, 2)) < 0.3
    both = np.maximum(step, step.transpose(1, 0, 2))
    one = metrics.edge_similarity(both, step)
    assert one == pytest.approx(metrics.edge_similarity(both, step.transpose(1, 0, 2)))
    assert one > 0.3


def test_a_blur_hides_strokes(image):
    rough = np.clip(image + np.random.default_rng(1).normal(0, 0.2, image.shape), -1, 1)
    assert metrics.edge_similarity(image, rough) > metrics.edge_similarity(image, rough, 0) + 0.1


def test_without_edges_nothing_is_similar(image):
    assert metrics.edge_similarity(image, np.full_like(image, 0.3)) == 0


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([], "images_a must hold at least one image"),
        ([np.zeros((9, 9))], r"images_a must be RGB.*got \(9, 9\)"),
        ([np.zeros((9, 9, 4))], r"RGB.*got \(9, 9, 4\)"),
        ([np.zeros((9, 6, 3))], r"sides of at least 7 pixels; got \(9, 6, 3\)"),
        ([np.full((9, 9, 3), np.nan)], r"images_a must lie in \[-1, 1\].*NaN"),
        ([np.full((9, 9, 3), 255)], r"images_a must lie in \[-1, 1\]"),
    ],
)
def test_images_that_cannot_be_compared_are_named(images, words):
    with pytest.raises(ValueError, match=words):
        metrics.patch_distance(images, [np.zeros((9, 9, 3))])
    if images:
        with pytest.raises(ValueError, match=words.replace("images_a", "image_b")):
            metrics.edge_similarity(np.zeros((9, 9, 3)), images[0])


def test_images_of_two_sizes_cannot_be_compared_place_by_place(image):
    for measure in (metrics.structural_similarity, metrics.edge_similarity):
        with pytest.raises(ValueError, match=r"one size; got \(40, 48, 3\) and \(39, 48, 3\)"):
            measure(image, image[1:])
