"""Random changes of images: the law of each, and what training makes of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import LossWeights, augment, penalties

SEED = (3, 4)


def images(count=8, size=16, channels=3, seed=0):
    shape = (count, size, size, channels)
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32))


# ---------------------------------------------------------------- each change


def test_shifts_are_even_over_an_eighth_of_the_sides():
    """One bright pixel per image: where it goes is uniform over 5 × 5 places."""
    spot = np.full((5000, 16, 16, 1), -1.0, np.float32)
    spot[:, 8, 5] = 1.0
    moved = augment.shift(tf.constant(spot), SEED).numpy()
    assert (moved == 1.0).sum() == 5000
    _, rows, columns, _ = np.nonzero(moved == 1.0)
    counts = np.zeros((5, 5))
    np.add.at(counts, (rows - 6, columns - 3), 1)
    chi_square = ((counts - 200) ** 2 / 200).sum()
    assert chi_square < 51  # 24 degrees of freedom, p = 0.001


def test_a_shift_repeats_the_border_and_moves_images_whole():
    plain = images(200)
    moved = augment.shift(plain, SEED).numpy()
    padded = np.pad(plain, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    found = set()
    for before, after in zip(padded, moved, strict=True):
        places = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if np.array_equal(before[i : i + 16, j : j + 16], after)
        ]
        assert len(places) == 1
        found |= set(places)
    assert len(found) == 25


def test_colours_change_by_the_law_of_the_paper():
    plain = images(4000, size=4).numpy()
    changed = augment.color(tf.constant(plain), SEED).numpy()

    def means(x):
        return x.mean((1, 2, 3))

    brightness = means(changed) - means(plain)  # the other two keep an image's mean
    grey, grey_changed = (x.mean(3) - means(x)[:, None, None] for x in (plain, changed))
    contrast = (grey * grey_changed).sum((1, 2)) / (grey**2).sum((1, 2))
    hue, hue_changed = (x - x.mean(3, keepdims=True) for x in (plain, changed))
    both = (hue * hue_changed).sum((1, 2, 3)) / (hue**2).sum((1, 2, 3))
    for found, least, most in (
        (brightness, -0.5, 0.5),
        (contrast, 0.5, 1.5),
        (both / contrast, 0.0, 2.0),
    ):
        assert found.min() == pytest.approx(least, abs=0.01 * (most - least))
        assert found.max() == pytest.approx(most, abs=0.01 * (most - least))
        assert found.mean() == pytest.approx((least + most) / 2, abs=0.03 * (most - least))
        assert found.std() == pytest.approx((most - least) / 12**0.5, rel=0.05)
    pairs = np.corrcoef([brightness, contrast, both / contrast])
    assert np.abs(pairs - np.eye(3)).max() < 0.06  # drawn each for itself


def test_a_flip_mirrors_half_of_the_images():
    plain = images(1000, size=4).numpy()
    changed = augment.flip(tf.constant(plain), SEED).numpy()
    same = (changed == plain).all((1, 2, 3))
    mirrored = (changed == plain[:, :, ::-1]).all((1, 2, 3))
    assert (same ^ mirrored).all()
    assert 0.45 < mirrored.mean() < 0.55


def test_cutout_takes_a_square_of_half_the_sides():
    changed = augment.cutout(tf.ones((3000, 8, 8, 2)), SEED).numpy()
    gone = changed == 0.0
    assert (changed[~gone] == 1.0).all()
    assert (gone[..., 0] == gone[..., 1]).all()
    rows, columns = gone[..., 0].any(2), gone[..., 0].any(1)
    np.testing.assert_array_equal(gone[..., 0], rows[:, :, None] & columns[:, None, :])
    sides = rows.sum(1)
    assert sides.max() == 4
    whole = rows[sides == 4]
    assert (np.diff(np.flatnonzero(whole[0])) == 1).all()
    # The centre is anywhere from 0 to 8: of nine places, five leave the square whole.
    assert (sides == 4).mean() == pytest.approx(5 / 9, abs=0.03)
    assert sides.min() == 2
    assert abs(np.corrcoef(rows.sum(1), columns.sum(1))[0, 1]) < 0.06


@pytest.mark.parametrize("name", augment.CHANGES)
def test_changes_are_seeded_differ_by_image_and_pass_gradients(name):
    change = augment.get(name)
    plain = tf.repeat(images(1), 64, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(plain)
        changed = change(plain, SEED)
        total = tf.reduce_sum(changed**2)
    gradient = tape.gradient(total, plain).numpy()
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).sum((1, 2, 3)) > 1).all()
    np.testing.assert_array_equal(change(plain, SEED), changed)
    assert np.abs(change(plain, (3, 5)) - changed).max() > 0.01
    assert len(np.unique(changed.numpy().reshape(64, -1), axis=0)) > 1
    assert changed.dtype == tf.float32
    assert change(tf.cast(plain, tf.float64), SEED).dtype == tf.float64


def test_names_are_made_one_after_the_other_and_none_changes_nothing():
    plain = images()
    folded = [tf.random.fold_in(SEED, i) for i in range(2)]
    expected = augment.color(augment.shift(plain, folded[0]), folded[1])
    np.testing.assert_array_equal(augment.get(("shift", "color"))(plain, SEED), expected)
    assert augment.get(None)(plain, SEED) is plain
    own = lambda x, seed: -x  # noqa: E731
    assert augment.get(own) is own


@pytest.mark.parametrize("wrong", ["zoom", ("shift", "zoom"), 3, ["shift", 1]])
def test_unknown_names_list_the_known_ones(wrong, toy_gan):
    with pytest.raises(ValueError, match="unknown augment.*color, cutout, flip, shift"):
        toy_gan().compile(augment=wrong)


def test_names_are_for_images(toy_gan, points):
    gan = toy_gan()
    gan.compile(augment="shift", n_critic=1)
    with pytest.raises(ValueError, match=r"augment='shift' is for images; got.*\(.*, 2\)"):
        gan.fit(points, batch_size=16, verbose=0)


# ---------------------------------------------------------------- in training


def test_both_players_see_all_images_changed_and_the_penalty_too(toy_gan, points):
    """With x → x + 10 as the change, scores, penalty and slope are those of D(x + 10)."""
    seeds, seen = [], []

    def far(samples, seed):
        seeds.append(tuple(np.asarray(seed)))
        return samples + 10.0

    def spy(discriminator, real, fake, seed=None):
        seen.append((real.numpy(), fake.numpy()))
        return penalties.get("wgan_gp")(discriminator, real, fake, seed)

    runs = []
    for change in (far, None):
        gan = toy_gan()
        if change is None:  # the same by hand: D takes x and adds 10 itself
            first = gan.discriminator.layers[0]
            first.bias.assign_add(10.0 * tf.reduce_sum(first.kernel, 0))
        gan.compile(
            penalty=spy if change else "wgan_gp",
            weights=LossWeights(lambda_4=2.0),
            g_optimizer=keras.optimizers.SGD(0.01),
            d_optimizer=keras.optimizers.SGD(0.0),
            n_critic=2,
            augment=change,
        )
        gan.reset_metrics()
        runs.append((gan, gan.train_step(tf.constant(points))))
    for name in ("d_loss", "critic_gap", "penalty", "slope"):
        assert float(runs[0][1][name]) == pytest.approx(float(runs[1][1][name]), rel=1e-3)
    np.testing.assert_array_equal(seen[0][0], points[:32] + 10.0)
    latents = tf.random.stateless_normal([64, 3], [0, 0])
    np.testing.assert_allclose(seen[0][1], toy_gan().generator(latents)[:32] + 10.0, rtol=1e-5)
    # real and fake, in two updates of the discriminator and one of the generator: all fresh
    assert len(seeds) == len(set(seeds)) == 6
    draws = {tuple(np.asarray(gan.step_seed(i))) for i in range(4)}
    assert not draws & set(seeds)


def test_the_generators_gradient_passes_through_the_change(toy_gan, points):
    """With x → −x the fakes are pushed the other way."""
    moves = []
    for change in (None, lambda x, seed: -x):
        gan = toy_gan()
        for layer in gan.discriminator.layers:  # a linear critic, D(x) = x·1
            layer.activation = keras.activations.linear
            layer.kernel.assign(tf.ones_like(layer.kernel))
        start = [w.numpy() for w in gan.generator.weights]
        gan.compile(
            penalty=None,
            g_optimizer=keras.optimizers.SGD(1.0),
            d_optimizer=keras.optimizers.SGD(0.0),
            n_critic=1,
            augment=change,
        )
        gan.train_step(tf.constant(points))
        moves.append([w.numpy() - s for w, s in zip(gan.generator.weights, start, strict=True)])
    for plain, turned in zip(*moves, strict=True):
        np.testing.assert_allclose(turned, -plain, rtol=1e-5)
        assert np.abs(plain).max() > 1e-3


def test_augmented_training_runs_is_saved_and_resumes(image_gan, tmp_path):
    gan = image_gan(width=2)
    changes = ["shift", "color", "cutout"]
    gan.compile(loss="relativistic", penalty="r1_r2", n_critic=1, augment=changes)
    real = images(4, size=32)
    history = gan.fit(real.numpy(), batch_size=4, verbose=0).history
    assert all(np.isfinite(series).all() for series in history.values())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert list(loaded.augment) == changes
    for model in (gan, loaded):
        model.train_step(real)
    for a, b in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    gan.compile(augment=lambda x, seed: x)
    with pytest.raises(ValueError, match="of your own.*shift"):
        gan.save(tmp_path / "own.keras")
    gan.compile(augment=augment.shift)
    gan.save(tmp_path / "named.keras")
    assert keras.saving.load_model(tmp_path / "named.keras").augment == "shift"
