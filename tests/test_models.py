"""The networks, layer by layer, and the bounds on a discriminator's weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gpat_lib import GPAT, data, models, penalties


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_generator_at_width_64_layer_by_layer():
    generator = models.dcgan_generator()
    w, latent_dim, channels = 64, 100, 3
    expected = [  # layer, output shape, parameters
        ("Dense", (128 * w,), latent_dim * 128 * w),
        ("BatchNormalization", (128 * w,), 4 * 128 * w),
        ("LeakyReLU", (128 * w,), 0),
        ("Reshape", (4, 4, 8 * w), 0),
        ("Conv2DTranspose", (4, 4, 4 * w), 25 * 8 * w * 4 * w),
        ("BatchNormalization", (4, 4, 4 * w), 4 * 4 * w),
        ("LeakyReLU", (4, 4, 4 * w), 0),
        ("Conv2DTranspose", (8, 8, 2 * w), 25 * 4 * w * 2 * w),
        ("BatchNormalization", (8, 8, 2 * w), 4 * 2 * w),
        ("LeakyReLU", (8, 8, 2 * w), 0),
        ("Conv2DTranspose", (16, 16, w), 25 * 2 * w * w),
        ("BatchNormalization", (16, 16, w), 4 * w),
        ("LeakyReLU", (16, 16, w), 0),
        ("Conv2DTranspose", (32, 32, channels), 25 * w * channels + channels),
    ]
    found = [
        (kind, tuple(layer.output.shape[1:]), layer.count_params())
        for kind, layer in zip(kinds(generator), generator.layers, strict=True)
    ]
    assert found == expected
    assert generator.count_params() == sum(row[2] for row in expected) == 5_159_363
    assert generator.input_shape == (None, latent_dim)
    ups = [layer for layer in generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert [up.strides for up in ups] == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert {up.kernel_size for up in ups} == {(5, 5)}
    assert [up.use_bias for up in ups] == [False, False, False, True]
    assert ups[-1].activation is keras.activations.tanh


def test_discriminator_at_width_64_layer_by_layer():
    discriminator = models.dcgan_discriminator()
    w = 64
    expected = [
        ("Conv2D", (16, 16, w), 25 * 3 * w + w),
        ("LeakyReLU", (16, 16, w), 0),
        ("Dropout", (16, 16, w), 0),
        ("Conv2D", (8, 8, 2 * w), 25 * w * 2 * w + 2 * w),
        ("LeakyReLU", (8, 8, 2 * w), 0),
        ("Dropout", (8, 8, 2 * w), 0),
        ("Flatten", (8 * 8 * 2 * w,), 0),
        ("Dense", (1,), 8 * 8 * 2 * w + 1),
    ]
    found = [
        (kind, tuple(layer.output.shape[1:]), layer.count_params())
        for kind, layer in zip(kinds(discriminator), discriminator.layers, strict=True)
    ]
    assert found == expected
    assert discriminator.count_params() == sum(row[2] for row in expected) == 217_985
    assert discriminator.input_shape == (None, 32, 32, 3)
    downs = [layer for layer in discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert {(down.kernel_size, down.strides) for down in downs} == {((5, 5), (2, 2))}
    drops = [layer.rate for layer in discriminator.layers if isinstance(layer, layers.Dropout)]
    assert drops == [0.3, 0.3]


def test_a_deeper_discriminator_with_a_hidden_layer():
    """Each convolution halves the sides and doubles the filters; the hidden layer comes last."""
    discriminator = models.dcgan_discriminator(width=3, depth=3, hidden=7)
    downs = [layer for layer in discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert [layer.output.shape[1:] for layer in downs] == [(16, 16, 3), (8, 8, 6), (4, 4, 12)]
    dense = [layer for layer in discriminator.layers if isinstance(layer, layers.Dense)]
    assert [layer.units for layer in dense] == [7, 1]
    assert isinstance(discriminator.layers[-2], layers.LeakyReLU)
    with_bounds = models.dcgan_discriminator(width=3, hidden=7, clip=0.1)
    assert (
        sum(
            isinstance(x.kernel_constraint, models.ClipWeights)
            for x in with_bounds.layers
            if isinstance(x, layers.Conv2D | layers.Dense)
        )
        == 4
    )
    for name, value in (("depth", 0), ("hidden", -1), ("depth", 1.5)):
        with pytest.raises(ValueError, match=f"{name} must be a whole number"):
            models.dcgan_discriminator(**{name: value})


@pytest.mark.parametrize("build", [models.dcgan_generator, models.dcgan_discriminator])
def test_leaky_relu_has_the_slope_of_the_source_material(build):
    slopes = [
        layer.negative_slope
        for layer in build(width=4).layers
        if isinstance(layer, layers.LeakyReLU)
    ]
    assert slopes
    np.testing.assert_allclose(slopes, 0.3, rtol=1e-6)


def test_no_batch_normalisation_in_the_discriminator():
    """Each sample's score depends on that sample alone."""
    discriminator = models.dcgan_discriminator(width=4, dropout=0.0)
    images = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    together = discriminator(images, training=True).numpy()
    changed = images.copy()
    changed[1:] = 0.5
    np.testing.assert_allclose(discriminator(changed, training=True)[0], together[0], rtol=1e-5)


def test_images_fill_the_range_of_tanh_and_logits_are_unbounded():
    generator = models.dcgan_generator(6, width=4)
    discriminator = models.dcgan_discriminator(width=4)
    noise = np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32)
    for weight in generator.layers[-1].weights:
        weight.assign(weight * 1e3 + 1.0)
    images = generator(noise, training=False).numpy()
    assert images.shape == (16, 32, 32, 3)
    assert -1.0 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1.0
    logits = discriminator(1e3 * images).numpy()
    assert logits.shape == (16, 1)
    assert np.ptp(logits) > 2.0
    assert discriminator.layers[-1].activation is keras.activations.linear


@pytest.mark.parametrize(("width", "channels", "latent_dim"), [(4, 1, 1), (7, 3, 10)])
def test_narrower_networks(width, channels, latent_dim):
    generator = models.dcgan_generator(latent_dim, width, channels)
    assert generator.output_shape == (None, 32, 32, channels)
    assert generator.layers[0].units == 128 * width
    discriminator = models.dcgan_discriminator((32, 32, channels), width)
    assert discriminator.layers[0].filters == width
    assert discriminator.layers[3].filters == 2 * width
    assert discriminator.output_shape == (None, 1)


@pytest.mark.parametrize("size", [(28, 28, 1), (17, 33, 3)])
def test_the_discriminator_takes_other_sizes(size):
    assert models.dcgan_discriminator(size, width=2)(np.zeros((2, *size))).shape == (2, 1)


def test_outputs_are_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator = models.dcgan_generator(3, width=2)
        discriminator = models.dcgan_discriminator(width=2)
    finally:
        keras.config.set_dtype_policy("float32")
    assert generator.layers[4].compute_dtype == "bfloat16"
    images = generator(np.zeros((2, 3)))
    assert images.dtype == discriminator(images).dtype == "float32"


# ---------------------------------------------------------------- points


def test_point_networks_layer_by_layer():
    generator = models.mlp_generator(latent_dim=5, width=7, depth=2, output_dim=3)
    discriminator = models.mlp_discriminator(input_dim=3, width=7, depth=2)
    cases = ((generator, [5, 7, 7, 3], "relu"), (discriminator, [3, 7, 7, 1], "leaky_relu"))
    for model, sizes, bend in cases:
        assert model.input_shape == (None, sizes[0])
        assert [layer.units for layer in model.layers] == sizes[1:]
        assert kinds(model) == ["Dense"] * 3
        counts = [(a + 1) * b for a, b in zip(sizes, sizes[1:], strict=False)]
        assert [layer.count_params() for layer in model.layers] == counts
        assert [layer.activation.__name__ for layer in model.layers] == [bend, bend, "linear"]
    for build in (models.mlp_generator, models.mlp_discriminator):
        assert [layer.units for layer in build().layers[:-1]] == [128] * 3
        assert build().input_shape == (None, 2)
    assert models.mlp_generator().output_shape == (None, 2)


# ---------------------------------------------------------------- spectral norm and clipping


def small(kind, **limits):
    if kind == "mlp":
        return models.mlp_discriminator(width=12, depth=2, **limits)
    return models.dcgan_discriminator((8, 8, 3), width=3, dropout=0.0, **limits)


def inputs(model, count=16, seed=0):
    shape = (count, *model.input_shape[1:])
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, shape), tf.float32)


def norms(model):
    """The largest singular value of each kernel, as a matrix with one column per output."""
    kernels = [w.numpy() for w in model.trainable_weights if w.name == "kernel"]
    return np.array([np.linalg.norm(k.reshape(-1, k.shape[-1]), 2) for k in kernels])


def train(model, steps, rate):
    """Pushes logits up, which drives weights out of every bound."""
    optimizer = keras.optimizers.Adam(rate)
    x = inputs(model)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)


KINDS = pytest.mark.parametrize("kind", ["mlp", "dcgan"])
LIMITS = pytest.mark.parametrize("limits", [{"spectral_norm": True}, {"clip": 0.02}])


@KINDS
def test_spectral_norm_brings_every_kernel_to_norm_one(kind):
    keras.utils.set_random_seed(1)
    model = small(kind, spectral_norm=True)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(5.0 * layer.kernel)
    assert norms(model).min() > 3.0
    for _ in range(25):
        model(inputs(model), training=True)
    np.testing.assert_allclose(norms(model), 1.0, atol=0.01)
    train(model, 5, rate=0.01)
    model(inputs(model), training=True)
    np.testing.assert_allclose(norms(model), 1.0, atol=0.1)


def test_a_spectrally_normalised_discriminator_has_slopes_of_at_most_one():
    keras.utils.set_random_seed(0)
    free, bound = small("mlp"), small("mlp", spectral_norm=True)
    for model in (free, bound):
        train(model, 25, rate=0.05)
        model(inputs(model), training=True)
    points = 3.0 * inputs(bound, 200, seed=4)
    assert penalties.gradient_norm(free, points).numpy().max() > 3.0
    assert 0.2 < penalties.gradient_norm(bound, points).numpy().max() < 1.02


@KINDS
def test_penalties_see_the_normalised_function(kind):
    """Called with training=False, the scores are those of the training call before."""
    model = small(kind, spectral_norm=True)
    before = model(inputs(model), training=False).numpy()
    trained = model(inputs(model), training=True).numpy()
    kernels = norms(model)
    seen = model(inputs(model), training=False).numpy()
    np.testing.assert_array_equal(seen, trained)
    assert abs(seen - before).max() > 1e-3
    np.testing.assert_array_equal(norms(model), kernels)  # looking changes nothing


def test_a_penalty_differentiates_through_spectral_norm():
    """The penalty's gradient for the kernels against central differences, in float64."""
    keras.config.set_dtype_policy("float64")
    try:
        keras.utils.set_random_seed(2)
        model = keras.Sequential(
            [
                keras.Input((2,), dtype="float64"),
                layers.SpectralNormalization(layers.Dense(6, "softplus")),
                layers.SpectralNormalization(layers.Dense(1)),
            ]
        )
    finally:
        keras.config.set_dtype_policy("float32")
    rng = np.random.default_rng(0)
    real, fake = tf.constant(rng.normal(size=(5, 2))), tf.constant(rng.normal(size=(5, 2)))
    model(real, training=True)

    def penalty():
        score = lambda x: model(x, training=False)  # noqa: E731
        return penalties.get("wgan_gp")(score, real, fake, seed=3)

    kernels = [layer.kernel for layer in model.layers]
    with tf.GradientTape() as tape:
        value = penalty()
    for kernel, gradient in zip(kernels, tape.gradient(value, kernels), strict=True):
        direction = rng.normal(size=kernel.shape)
        start, h = kernel.numpy(), 1e-5
        ends = []
        for sign in (1, -1):
            kernel.assign(start + sign * h * direction)
            ends.append(float(penalty()))
        kernel.assign(start)
        slope = (ends[0] - ends[1]) / (2 * h)
        assert abs(slope) > 1e-3
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-6)


@KINDS
def test_clipped_weights_stay_within_the_limit_after_every_update(kind):
    model, free = small(kind, clip=0.02), small(kind)
    train(model, 5, rate=0.02)
    train(free, 5, rate=0.02)
    for weight in model.trainable_weights:
        assert abs(weight.numpy()).max() <= np.float32(0.02)
    assert {w.name for w in model.trainable_weights} == {"kernel", "bias"}
    at_the_limit = {w.name for w in model.trainable_weights if abs(w.numpy()).max() > 0.0199}
    assert at_the_limit == {"kernel", "bias"}
    assert min(abs(w.numpy()).max() for w in free.trainable_weights[:4]) > 0.03


def test_clipping_cuts_and_changes_nothing_else():
    values = np.array([-2.0, -0.5, -0.1, 0.0, 0.3, 0.5, 7.0])
    clipped = models.ClipWeights(0.5)(tf.constant(values))
    np.testing.assert_array_equal(clipped, [-0.5, -0.5, -0.1, 0.0, 0.3, 0.5, 0.5])
    assert models.ClipWeights().limit == 0.01
    for limit in (0, -1, float("inf"), "0.01", None):
        with pytest.raises(ValueError, match="^limit must be"):
            models.ClipWeights(limit)


@KINDS
@LIMITS
def test_a_limited_discriminator_survives_its_file(kind, limits, tmp_path):
    """Scores are the same, and training goes on within the limit."""
    model = small(kind, **limits)
    train(model, 3, rate=0.01)
    model.save(tmp_path / "d.keras")
    again = keras.saving.load_model(tmp_path / "d.keras")
    np.testing.assert_array_equal(again(inputs(again)), model(inputs(model)))
    for weight, copy in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(weight, copy)
    train(again, 5, rate=0.05)
    if "clip" in limits:
        largest = max(abs(w.numpy()).max() for w in again.trainable_weights)
        assert largest == np.float32(0.02)
    else:
        again(inputs(again), training=True)
        assert norms(again).max() < 1.1


@LIMITS
def test_a_gan_trains_with_a_limited_discriminator(limits):
    gan = GPAT(models.mlp_generator(width=4), small("mlp", **limits), latent_dim=2)
    gan.compile(penalty="wgan_gp", n_critic=2, run_eagerly=True)
    start = gan.discriminator.trainable_weights[0].numpy()
    history = gan.fit(data.point_stream("ring", 16), steps_per_epoch=2, verbose=0)
    assert np.isfinite(history.history["penalty"]).all()
    assert abs(gan.discriminator.trainable_weights[0].numpy() - start).max() > 1e-3


@KINDS
def test_without_a_limit_nothing_is_wrapped_or_constrained(kind):
    plain, normal = small(kind), small(kind, spectral_norm=True)
    assert "SpectralNormalization" not in kinds(plain)
    assert all(weight.constraint is None for weight in plain.weights)
    with_kernel = [layer for layer in plain.layers if layer.weights]
    assert kinds(normal).count("SpectralNormalization") == len(with_kernel) == 3
    shapes = [weight.shape for weight in plain.trainable_weights]
    assert [weight.shape for weight in normal.trainable_weights] == shapes


@KINDS
def test_spectral_norm_keeps_float32_weights_under_mixed_precision(kind):
    """Left to the policy, Keras's wrapper rounds the stored kernels and returns bfloat16."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small(kind, spectral_norm=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(inputs(model), training=True).dtype == tf.float32
    wrapped = [layer.layer for layer in model.layers if hasattr(layer, "kernel")]
    assert [w.compute_dtype for w in wrapped] == ["bfloat16", "bfloat16", "float32"]
    for layer in wrapped:
        kernel = layer.kernel.numpy()
        rounded = tf.cast(tf.cast(kernel, tf.bfloat16), tf.float32).numpy()
        assert abs(kernel - rounded).max() > 0


@pytest.mark.parametrize("build", [models.mlp_discriminator, models.dcgan_discriminator])
def test_both_limits_at_once_are_refused(build):
    message = r"^at most one of spectral_norm and clip.*spectral_norm=True and clip=0\.01"
    with pytest.raises(ValueError, match=message):
        build(spectral_norm=True, clip=0.01)
    for clip in (0, -0.1, float("nan"), "0.01", True):
        with pytest.raises(ValueError, match="^clip must be"):
            build(clip=clip)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (models.mlp_generator, ["latent_dim", "width", "depth", "output_dim"]),
        (models.mlp_discriminator, ["input_dim", "width", "depth"]),
    ],
)
@pytest.mark.parametrize("value", [0, 1.5, True, None, "2"])
def test_point_networks_name_a_bad_argument(build, names, value):
    for name in names:
        with pytest.raises(ValueError, match=f"^{name} must be a whole number >= 1"):
            build(**{name: value})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("latent_dim", 0),
        ("latent_dim", 2.5),
        ("latent_dim", "100"),
        ("width", 0),
        ("width", -4),
        ("width", True),
        ("channels", 0),
        ("channels", None),
    ],
)
def test_generator_names_a_bad_argument(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be a whole number"):
        models.dcgan_generator(**{argument: value})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("image_shape", (32, 32)),
        ("image_shape", (32, 32, 3, 1)),
        ("image_shape", (32, 0, 3)),
        ("image_shape", (32.0, 32, 3)),
        ("image_shape", 32),
        ("width", 0),
        ("dropout", -0.1),
        ("dropout", 1.0),
        ("dropout", float("nan")),
        ("dropout", "0.3"),
    ],
)
def test_discriminator_names_a_bad_argument(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        models.dcgan_discriminator(**{argument: value})


def stock(model):
    """The same network with Keras's own LeakyReLU."""
    twin = keras.models.clone_model(
        model,
        clone_function=lambda layer: (
            layers.LeakyReLU(layer.negative_slope)
            if isinstance(layer, layers.LeakyReLU)
            else layer.__class__.from_config(layer.get_config())
        ),
    )
    twin.set_weights(model.get_weights())
    return twin


def penalty_gradient(discriminator, images):
    with tf.GradientTape() as tape:
        value = penalties.get("r1")(discriminator, images, images)
    # Shifting the features by a bias does not change a slope, but where they bend.
    kernels = [x for x in discriminator.trainable_variables if x.name == "kernel"]
    return tape.gradient(value, kernels)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_leaky_relu_equals_keras_with_its_derivatives(slope, dtype):
    x = tf.constant([-1e4, -2.0, -0.0, 0.0, 1e-3, 5.0, 1e4], dtype)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch(x)
            ours = models.leaky_relu(x * x * x, slope)
            theirs = tf.nn.leaky_relu(x * x * x, slope)
        first, wanted = inner.gradient(ours, x), inner.gradient(theirs, x)
    close = {"rtol": 1e-2 if dtype == "bfloat16" else 1e-6}
    second, wanted_second = outer.gradient(first, x), outer.gradient(wanted, x)
    for a, b in ((ours, theirs), (first, wanted), (second, wanted_second)):
        assert a.dtype == dtype
        np.testing.assert_allclose(tf.cast(a, "float64"), tf.cast(b, "float64"), **close)


def test_a_penalty_through_our_leaky_relu_is_the_same_and_takes_fewer_convolutions():
    keras.utils.set_random_seed(0)
    discriminator = models.dcgan_discriminator(width=4, depth=3, hidden=5)
    twin = stock(discriminator)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
    pairs = zip(
        penalty_gradient(discriminator, images), penalty_gradient(twin, images), strict=True
    )
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-7)

    def convolutions(model):
        graph = tf.function(lambda: penalty_gradient(model, images)).get_concrete_function().graph
        return sum(node.type.startswith("Conv2D") for node in graph.get_operations())

    assert convolutions(discriminator) < convolutions(twin)


def test_discriminators_are_saved_with_their_own_activation(tmp_path):
    for discriminator in (models.dcgan_discriminator(width=2), models.mlp_discriminator(width=3)):
        discriminator.save(tmp_path / "critic.keras")
        loaded = keras.saving.load_model(tmp_path / "critic.keras")
        x = np.random.default_rng(0).normal(size=(3, *discriminator.input_shape[1:]))
        np.testing.assert_array_equal(loaded(x), discriminator(x))


# ---------------------------------------------------------------- classes


def of_class(model, x, k):
    return model([x, np.full(len(x), k)]).numpy()


PAIRS = {
    "dcgan": (models.dcgan_generator, models.dcgan_discriminator),
    "resnet": (models.resnet_generator, models.resnet_discriminator),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_a_conditional_discriminator_scores_by_projection(kind, tmp_path):
    """a(h) + ⟨e(y), h⟩: scores of class k, less those of class 0, are ⟨e(k) − e(0), h⟩."""
    keras.utils.set_random_seed(0)
    discriminator = PAIRS[kind][1](width=2, num_classes=4)
    assert [tuple(x.shape) for x in discriminator.inputs] == [(None, 32, 32, 3), (None,)]
    x = np.random.default_rng(0).uniform(-1, 1, (5, 32, 32, 3)).astype(np.float32)
    (stack,) = [layer for layer in discriminator.layers if isinstance(layer, keras.Sequential)]
    features = stack(x).numpy()
    assert len(features.shape) == 2
    dense = [layer for layer in discriminator.layers if isinstance(layer, layers.Dense)]
    a, e = sorted(dense, key=lambda layer: layer.units)
    assert (a.units, a.use_bias, e.units, e.use_bias) == (1, True, 4, False)
    for k in range(4):
        expected = features @ a.kernel + a.bias + features @ e.kernel[:, k : k + 1]
        np.testing.assert_allclose(of_class(discriminator, x, k), expected, rtol=1e-4, atol=1e-5)
    discriminator.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    np.testing.assert_array_equal(of_class(loaded, x, 3), of_class(discriminator, x, 3))


@pytest.mark.parametrize("kind", PAIRS)
def test_a_conditional_generator_joins_an_embedding_to_the_noise(kind):
    keras.utils.set_random_seed(0)
    generator = PAIRS[kind][0](latent_dim=6, width=2, num_classes=5)
    assert [tuple(x.shape) for x in generator.inputs] == [(None, 6), (None,)]
    (stack,) = [layer for layer in generator.layers if isinstance(layer, keras.Sequential)]
    (embedding,) = [layer for layer in generator.layers if isinstance(layer, layers.Dense)]
    assert embedding.kernel.shape == (5, 6)
    assert 0.6 < embedding.kernel.numpy().std() < 1.5  # as spread as the noise
    noise = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    for k in (0, 4):
        row = np.repeat(embedding.kernel[k : k + 1], 3, 0)
        expected = stack(np.concatenate([noise, row], 1))
        np.testing.assert_allclose(of_class(generator, noise, k), expected, rtol=1e-4, atol=1e-6)
    twin = keras.models.clone_model(generator)  # as GPAT does for its average
    twin.set_weights(generator.get_weights())
    np.testing.assert_array_equal(of_class(twin, noise, 1), of_class(generator, noise, 1))


@LIMITS
def test_bounds_hold_for_the_classes_too(limits):
    keras.utils.set_random_seed(0)
    model = models.dcgan_discriminator((8, 8, 1), width=2, num_classes=3, **limits)
    x, y = np.ones((4, 8, 8, 1), np.float32), np.arange(4) % 3
    optimizer = keras.optimizers.Adam(0.05)
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model([x, y], training=True))
        trained = model.trainable_variables
        optimizer.apply(tape.gradient(loss, trained), trained)
    if "clip" in limits:
        assert max(np.abs(w.numpy()).max() for w in trained) <= np.float32(0.02)
    else:
        assert kinds(model).count("SpectralNormalization") == 2
        for _ in range(20):
            model([x, y], training=True)
        np.testing.assert_allclose(norms(model), 1.0, atol=0.01)


@pytest.mark.parametrize("build", [build for pair in PAIRS.values() for build in pair])
@pytest.mark.parametrize("wrong", [1, 0, 2.0, True, "10"])
def test_a_bad_number_of_classes_is_named(build, wrong):
    with pytest.raises(ValueError, match="^num_classes must be a whole number >= 2"):
        build(width=1, num_classes=wrong)


# ---------------------------------------------------------------- residual networks


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 1), (8, 2)])
def test_residual_networks_fit_each_other(size, channels):
    generator = models.resnet_generator(5, width=3, channels=channels, size=size)
    discriminator = models.resnet_discriminator((size, size, channels), width=3)
    noise = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    images = generator(noise).numpy()
    assert images.shape == (4, size, size, channels)
    assert np.abs(images).max() <= 1
    assert np.ptp(images, axis=0).max() > 0.01  # noise matters from the start
    assert discriminator(images).shape == (4, 1)
    convolutions = [x for x in generator._flatten_layers() if isinstance(x, layers.Conv2D)]
    features = {tuple(x.output.shape[1:]) for x in convolutions if x.kernel_size == (1, 1)}
    halvings = int(np.log2(size)) - 2
    assert features == {(size >> k, size >> k, 3 * min(2**k, 4)) for k in range(halvings)}
    for model in (generator, discriminator):
        assert not any(
            isinstance(x, layers.BatchNormalization | layers.Dropout)
            for x in model._flatten_layers()
        )
    downs = [x for x in discriminator.layers if isinstance(x, layers.AveragePooling2D)]
    assert len(downs) == halvings
    assert downs[-1].output.shape[1:3] == (4, 4)


def test_a_mapping_network_stands_between_the_noise_and_the_places(tmp_path):
    keras.utils.set_random_seed(0)
    generator = models.resnet_generator(5, width=2, size=8, mapping=(7, 6))
    first, bend, second, _, places, reshape = generator.layers[:6]
    assert [x.units for x in (first, second, places)] == [7, 6, 4 * 4 * 8]
    assert isinstance(reshape, layers.Reshape)
    noise = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    product = first(noise).numpy()
    np.testing.assert_allclose(bend(product), np.where(product > 0, product, 0.2 * product))
    generator.save(tmp_path / "g.keras")
    again = keras.saving.load_model(tmp_path / "g.keras")
    np.testing.assert_array_equal(again(noise), generator(noise))
    assert "gpat_lib" not in generator.to_json(), "its file must load without the library"
    conditional = models.resnet_generator(5, width=2, size=8, num_classes=3, mapping=(7,))
    assert conditional([noise, np.arange(4) % 3]).shape == (4, 8, 8, 3)


def test_residual_blocks_begin_as_what_passes_by_and_learn():
    """The second convolution begins at zero; the penalty's gradient reaches it and the first."""
    keras.utils.set_random_seed(0)
    model = models.resnet_discriminator((16, 16, 1), width=2)
    blocks = [x for x in model.layers if isinstance(x, keras.Model)]
    assert len(blocks) == 3
    x = np.random.default_rng(0).normal(size=(4, 16, 16, 2)).astype(np.float32)
    np.testing.assert_array_equal(blocks[0](x), x)
    first, second = [y for y in blocks[0].layers if isinstance(y, layers.Conv2D)]
    assert not second.kernel.numpy().any()
    second.kernel.assign(0.1 * tf.ones_like(second.kernel))
    bend = lambda x: np.where(x > 0, x, 0.2 * x)  # noqa: E731
    expected = x + second(bend(first(bend(x)).numpy()))
    np.testing.assert_allclose(blocks[0](x), expected, rtol=1e-4, atol=1e-5)
    images = tf.constant(x[..., :1])
    gradients = penalty_gradient(model, images)
    assert all(np.isfinite(g).all() for g in gradients)
    assert np.abs(gradients[1]).max() > 0
    assert np.abs(gradients[2]).max() > 0


def test_residual_discriminator_takes_other_sizes():
    for shape in ((28, 28, 1), (17, 33, 3), (4, 4, 1)):
        assert models.resnet_discriminator(shape, width=1)(np.zeros((2, *shape))).shape == (2, 1)


def test_a_residual_gan_trains_with_a_penalty_and_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    gan = GPAT(
        models.resnet_generator(3, 2, 1, 8, num_classes=2),
        models.resnet_discriminator((8, 8, 1), 2, num_classes=2),
        latent_dim=3,
    )
    gan.compile("relativistic", "r1_r2", n_critic=1, run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype(np.float32)
    history = gan.fit(images, np.arange(8) % 2, batch_size=4, verbose=0).history
    assert all(np.isfinite(series).all() for series in history.values())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(loaded.generate(3, seed=0), gan.generate(3, seed=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 48}, "^size must be a power of 2; got 48"),
        ({"size": 4}, "^size must be a whole number >= 8"),
        ({"width": 0}, "^width must be"),
        ({"channels": 0}, "^channels must be"),
        ({"latent_dim": 1.5}, "^latent_dim must be"),
        ({"mapping": 256}, "^mapping must be a row of whole numbers; got 256"),
        ({"mapping": (8, 0)}, "^mapping must be a whole number >= 1"),
    ],
)
def test_residual_networks_name_a_bad_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.resnet_generator(**arguments)
    with pytest.raises(ValueError, match="^image_shape must be"):
        models.resnet_discriminator((32, 32))
    with pytest.raises(ValueError, match="^width must be"):
        models.resnet_discriminator(width=-1)
