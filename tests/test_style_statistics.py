"""Style as statistics: closed forms, descent, and what each method leaves out of account."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import metrics, models, style_statistics


@pytest.fixture(scope="module")
def stripes() -> np.ndarray:
    """Slanted stripes in two colours, 32 × 32, soft at the edges."""
    y, x = np.mgrid[:32, :32]
    share = 0.5 + 0.5 * np.sin(0.9 * x + 0.5 * y)[..., None]
    return (share * [0.8, 0.4, -0.6] + (1 - share) * [-0.8, -0.6, 0.2]).astype(np.float32)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A bright disc on a dark ramp, 32 × 32."""
    y, x = np.mgrid[:32, :32] / 31 - 0.5
    grey = np.where(x**2 + y**2 < 0.09, 0.8, x - 0.3)
    return np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_gram_of_known_features():
    features = np.array([[[[1.0, 2.0], [3.0, 0.0]], [[0.0, -1.0], [2.0, 1.0]]]])
    np.testing.assert_allclose(style_statistics.gram(features)[0], [[3.5, 1.0], [1.0, 1.5]])


def test_gram_forgets_places_and_counts_each_image_by_itself():
    features = normal(2, 5, 4, 3)
    order = np.random.default_rng(1).permutation(20)
    shuffled = features.reshape(2, 20, 3)[:, order].reshape(2, 4, 5, 3)
    grams = style_statistics.gram(features)
    np.testing.assert_allclose(style_statistics.gram(shuffled), grams, atol=1e-6)
    np.testing.assert_allclose(style_statistics.gram(features[1:])[0], grams[1], atol=1e-6)


def test_random_filters_are_unit_seeded_and_padded_nowhere():
    extractor = style_statistics.random_filters(scales=2, filters=5, size=3, seed=4)
    for kernel in extractor.weights[:2]:
        np.testing.assert_allclose(np.sum(np.square(kernel), axis=(0, 1, 2)), 1.0, rtol=1e-5)
    images = normal(1, 20, 24, 3)
    first, second, luma = extractor(images)
    assert first.shape == (1, 18, 22, 5)
    assert second.shape == (1, 8, 10, 5)
    assert luma.shape == (1, 20, 24, 1)
    assert not extractor.trainable_weights
    again = style_statistics.random_filters(2, 5, 3, seed=4)(images)
    other = style_statistics.random_filters(2, 5, 3, seed=5)(images)
    np.testing.assert_array_equal(first, again[0])
    assert np.abs(first - other[0]).max() > 0.1


def test_the_content_of_random_filters_is_the_luma():
    luma = style_statistics.random_filters(1, 1)(np.full((1, 32, 32, 3), [1.0, -1.0, 0.5]))[-1]
    np.testing.assert_allclose(luma[0, 8:-8, 8:-8], 0.299 - 0.587 + 0.5 * 0.114, atol=1e-5)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_vgg19_is_kerass_network_on_bgr_less_the_mean(pooling, monkeypatch):
    keras.utils.set_random_seed(0)
    network = keras.applications.VGG19(include_top=False, weights=None)
    monkeypatch.setattr(keras.applications, "VGG19", lambda **_: network)
    extractor = style_statistics.vgg19(weights=None, pooling=pooling)
    images = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    maps = extractor(images)
    assert [each.shape[-1] for each in maps] == [64, 128, 256, 512, 512, 512]
    assert [each.shape[1] for each in maps] == [32, 16, 8, 4, 2, 4]
    prepared = keras.applications.vgg19.preprocess_input((images + 1) * 127.5)
    names = ("block1_conv1", "block2_conv1")
    theirs = keras.Model(network.input, [network.get_layer(name).output for name in names])
    first, second = theirs(prepared)
    np.testing.assert_allclose(maps[0], first, rtol=1e-4, atol=1e-3)
    assert np.allclose(maps[1], second, rtol=1e-4, atol=1e-3) is (pooling == "max")


def test_vgg19_without_weights_says_where_to_get_them(monkeypatch):
    def refuse(**_):
        raise OSError("no network")

    monkeypatch.setattr(keras.applications, "VGG19", refuse)
    with pytest.raises(OSError, match="no network.*vgg19_weights.*random_filters"):
        style_statistics.vgg19()
    with pytest.raises(ValueError, match="pooling 'sum'"):
        style_statistics.vgg19(pooling="sum")


def test_optimisation_runs_on_vgg19(stripes, photo):
    made = style_statistics.stylise_by_optimisation(
        photo, stripes, style_statistics.vgg19(weights=None), steps=1
    )
    assert made.shape == (32, 32, 3)
    assert np.isfinite(made).all()


def test_patch_loss_of_equal_images_and_of_any_order_of_patches():
    images = normal(1, 12, 12, 3)
    assert float(style_statistics.patch_loss(images, images, [0, 1], size=5)) == 0.0
    mirrored = images[:, ::-1].copy()
    assert float(style_statistics.patch_loss(images, mirrored, [0, 1], size=1)) < 1e-12
    assert float(style_statistics.patch_loss(images, mirrored, [0, 1], size=5)) > 1e-3


def test_patch_loss_of_a_shift_is_the_square_of_what_the_filters_sum_up():
    images = normal(1, 9, 9, 3)
    # On 1 × 1 patches a unit filter f answers a shift of all channels by 0.5 with 0.5 Σ f, whose
    # mean square over all directions of the sphere in three dimensions is 0.25.
    loss = style_statistics.patch_loss(images + 0.5, images, [0, 0], size=1, projections=4000)
    assert float(loss) == pytest.approx(0.25, rel=0.05)


def test_patch_loss_takes_quantiles_where_counts_differ():
    small = np.linspace(-1, 1, 9, dtype=np.float32).reshape(1, 3, 3, 1).repeat(3, axis=-1)
    large = np.repeat(np.repeat(small, 2, axis=1), 2, axis=2)  # every value four times
    assert float(style_statistics.patch_loss(large, small, [0, 0], size=1)) < 1e-12
    assert float(style_statistics.patch_loss(small, large, [0, 0], size=1)) < 1e-12


def test_patch_loss_draws_by_its_seed():
    a, b = normal(1, 12, 12, 3), normal(1, 12, 12, 3, seed=1) * 2
    first, again, other = (
        float(style_statistics.patch_loss(a, b, [0, i], step=2)) for i in (0, 0, 1)
    )
    assert first == again != other


def test_patch_loss_descends():
    image, style = tf.Variable(normal(1, 12, 12, 3)), tf.zeros((1, 12, 12, 3)) + 0.5
    before = float(style_statistics.patch_loss(image, style, [9, 9]))
    for i in range(30):
        with tf.GradientTape() as tape:
            loss = style_statistics.patch_loss(image, style, [0, i])
        image.assign_sub(40.0 * tape.gradient(loss, image))
    assert float(style_statistics.patch_loss(image, style, [9, 9])) < 0.1 * before


def test_a_synthesised_texture_has_the_styles_patches(stripes):
    made = style_statistics.synthesise_texture(stripes, (24, 40), steps=30, scales=2)
    noise = np.clip(normal(24, 40, 3) * 0.3, -1, 1)
    assert made.shape == (24, 40, 3)
    assert made.dtype == np.float32
    assert np.abs(made).max() <= 1
    before, after = (metrics.patch_distance(each, stripes) for each in (noise, made))
    assert after < 0.2 * before
    again = style_statistics.synthesise_texture(stripes, (24, 40), steps=30, scales=2)
    np.testing.assert_allclose(again, made, atol=1e-4)
    assert (
        np.abs(style_statistics.synthesise_texture(stripes, (24, 40), steps=1) - made).max() > 0.1
    )


def test_a_photograph_stays_in_a_texture_as_its_weight_says(stripes, photo):
    alike = [
        metrics.edge_similarity(
            style_statistics.synthesise_texture(
                stripes, content_image=photo, content_weight=weight, steps=30, scales=2
            ),
            photo,
        )
        for weight in (0.0, 0.3)
    ]
    assert alike[1] > alike[0] + 0.3


def test_optimisation_nears_the_style_and_weight_keeps_the_content(stripes, photo):
    extractor = style_statistics.random_filters(2, 16, 5)
    goal = style_statistics.gram(extractor(stripes[None])[0])

    def error(image):
        found = style_statistics.gram(extractor(image[None])[0])
        return float(tf.norm(found - goal) / tf.norm(goal))

    made = {
        weight: style_statistics.stylise_by_optimisation(
            photo, stripes, extractor, steps=25, content_weight=weight
        )
        for weight in (0.0, 0.01, 10.0)
    }
    alike = {w: metrics.edge_similarity(image, photo) for w, image in made.items()}
    assert error(made[0.0]) < 0.1 * error(photo)
    assert error(made[0.01]) < 0.5 * error(photo)
    assert error(made[0.0]) < error(made[0.01]) < error(made[10.0])
    assert alike[0.0] + 0.2 < alike[0.01] < alike[10.0]
    assert all(image.shape == photo.shape and np.abs(image).max() <= 1 for image in made.values())
    smooth = style_statistics.stylise_by_optimisation(
        photo, stripes, extractor, steps=25, tv_weight=1.0
    )
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.7 * np.abs(np.diff(made[0.01], axis=0)).mean()


@pytest.mark.parametrize("kind", ["patches", "gram"])
def test_a_network_learns_the_style(kind, stripes, photo):
    extractor = style_statistics.random_filters(2, 8, 5)
    generator = models.image_generator((4, 8), 0, noise_channels=1)
    inputs = np.concatenate([photo, normal(32, 32, 1)], axis=-1)[None]
    goals = [style_statistics.gram(each) for each in extractor(stripes[None])[:-1]]

    def error():
        images = generator(inputs)
        if kind == "patches":
            return metrics.patch_distance(np.asarray(images), stripes)
        grams = [style_statistics.gram(each) for each in extractor(images)[:-1]]
        return float(sum(tf.norm(a - b) / tf.norm(b) for a, b in zip(grams, goals, strict=True)))

    before = error()
    trained = style_statistics.train_feed_forward(
        stripes, [photo, photo], generator, extractor if kind == "gram" else None, steps=25,
        crop=32, batch_size=2, learning_rate=0.01, content_weight=0.01,
    )  # fmt: skip
    assert trained is generator
    assert error() < 0.8 * before


def test_training_repeats_and_weights_count(stripes, photo):
    judge = style_statistics.random_filters(1, 2, 3)

    def train(**options):
        generator = style_statistics.train_feed_forward(
            stripes, [photo], network(), judge, steps=20, crop=32, batch_size=1, **options
        )
        return np.concatenate([np.ravel(weight) for weight in generator.trainable_weights])

    def network():
        law = keras.initializers.GlorotNormal(1)
        convolution = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=law)
        return keras.Sequential([keras.Input((None, None, 3)), convolution])

    first = train()
    np.testing.assert_allclose(train(), first, atol=1e-5)
    for options in ({"seed": 1}, {"content_weight": 5.0}, {"tv_weight": 500.0}):
        assert np.abs(train(**options) - first).max() > 1e-3, options


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: style_statistics.gram(np.zeros((2, 3))), r"features.*\(2, 3\)"),
        (lambda s: style_statistics.random_filters(scales=0), "scales"),
        (lambda s: style_statistics.random_filters(filters=0.5), "filters"),
        (lambda s: style_statistics.synthesise_texture(s[:4]), "style_image.*16"),
        (lambda s: style_statistics.synthesise_texture(s, (8, 20)), "shape.*>= 16.*8"),
        (lambda s: style_statistics.synthesise_texture(s, content_weight=2.0), "content_weight"),
        (lambda s: style_statistics.synthesise_texture(s, steps=0), "steps"),
        (lambda s: style_statistics.stylise_by_optimisation("none.jpg", s), "content_image.*none"),
        (lambda s: style_statistics.stylise_by_optimisation(s, s * np.nan), "style_image"),
        (lambda s: style_statistics.stylise_by_optimisation(s, s, tv_weight=-1), "tv_weight"),
        (
            lambda s: style_statistics.stylise_by_optimisation(
                s, s[:20], style_statistics.random_filters(4, 2)
            ),
            "style_image is too small.*20 × 32",
        ),
        (lambda s: style_statistics.train_feed_forward(s, []), "content_images.*at least one"),
        (lambda s: style_statistics.train_feed_forward(s, "folder"), "content_images.*list"),
        (lambda s: style_statistics.train_feed_forward(s, [s], crop=64), "content_images.*64"),
        (lambda s: style_statistics.train_feed_forward(s, [s], crop=8), "crop"),
    ],
)
def test_bad_input_is_named(call, message, stripes):
    with pytest.raises(ValueError, match=message):
        call(stripes)
