"""GPAT from image to image: contents on their way through a step, fit, generate and files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from test_training import assert_same, moved, sgd, values

from gpat_lib import GPAT, LossWeights, losses, models, optimizers, penalties
from gpat_lib.training import LOG_NAMES, SampleGrid


def images(count, side=12, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


def make(seed=0, noise_channels=2, **options):
    keras.utils.set_random_seed(seed)
    gan = GPAT(
        models.image_generator((3, 4), 1, noise_channels),
        models.patch_discriminator((3, 4)),
        latent_dim=None,
        seed=seed,
    )
    if options:
        gan.compile(**options)
    return gan


@pytest.fixture
def gan():
    return make()


# ---------------------------------------------------------------- a step


@pytest.mark.parametrize(
    ("loss", "penalty"), [("wasserstein", "wgan_gp"), ("non_saturating", "r1")]
)
def test_a_step_equals_the_loop_by_hand(gan, loss, penalty):
    """Contents carry noise per pixel; maps are averaged; the critic never sees the contents."""
    samples, contents = tf.constant(images(6)), tf.constant(images(6, seed=1))
    generator, critic = (keras.models.clone_model(m) for m in (gan.generator, gan.discriminator))
    generator.set_weights(gan.generator.get_weights())
    critic.set_weights(gan.discriminator.get_weights())

    def paint(photographs, stream):
        noise = tf.random.stateless_normal([len(photographs), 12, 12, 2], [0, stream])
        return generator(tf.concat([photographs, noise], axis=3))

    def judge(real, fake):
        real, fake = critic(real), critic(fake)
        if loss == "wasserstein":
            gap = tf.reduce_mean(fake) - tf.reduce_mean(real)
            return gap, -tf.reduce_mean(fake)
        cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)  # of every patch
        ones, zeros = tf.ones_like(real), tf.zeros_like(real)
        return cross_entropy(ones, real) + cross_entropy(zeros, fake), cross_entropy(ones, fake)

    def mean_score(x):
        return tf.reduce_mean(critic(x), axis=(1, 2, 3))

    fakes = paint(contents, 0)
    for i in range(2):
        part = slice(3 * i, 3 * i + 3)
        with tf.GradientTape() as tape:
            d_loss, _ = judge(samples[part], fakes[part])
            slope = penalties.get(penalty)(mean_score, samples[part], fakes[part], seed=[0, 2 + i])
            d_loss += 5.0 * slope
        trained = critic.trainable_variables
        sgd(0.1).apply(tape.gradient(d_loss, trained, unconnected_gradients="zero"), trained)
    with tf.GradientTape() as tape:
        made = paint(contents[3:], 1)
        kept = tf.reduce_mean((contents[3:] - made) ** 2)
        g_loss = judge(samples[3:], made)[1] + 7.0 * kept
    trained = generator.trainable_variables
    sgd(0.1).apply(tape.gradient(g_loss, trained), trained)

    gan.compile(
        loss=loss,
        penalty=penalty,
        weights=LossWeights(lambda_4=5),
        g_optimizer=sgd(0.1),
        d_optimizer=sgd(0.1),
        n_critic=2,
        content_loss=lambda given, stylised: tf.reduce_mean((given - stylised) ** 2),
        content_weight=7.0,
    )
    before = values(gan.generator), values(gan.discriminator)
    logs = gan.train_step((samples, contents))
    assert np.abs(moved(before[0], gan.generator)).max() > 1e-3
    assert np.abs(moved(before[1], gan.discriminator)).max() > 1e-3
    assert_same(gan.generator, generator, rtol=0, atol=2e-5)
    assert_same(gan.discriminator, critic, rtol=0, atol=2e-5)
    assert set(logs) == {*LOG_NAMES, "content"}
    assert float(logs["content"]) == pytest.approx(float(kept), rel=1e-4)
    assert float(logs["g_loss"]) == pytest.approx(float(g_loss), rel=1e-4)


def test_content_is_compared_before_images_are_changed_for_the_critic(gan):
    """Otherwise a random shift would count as a loss of content."""
    seen = []

    def keep(contents, made):
        seen.append((contents.numpy(), made.numpy()))
        return tf.reduce_mean(made)

    gan.compile(
        n_critic=1,
        augment=lambda x, seed: 0 * x,
        content_loss=keep,
        g_optimizer=sgd(0.0),
        d_optimizer=sgd(0.0),
    )
    contents = images(2, seed=1)
    noise = gan.step_noise(2, stream=1, given=contents)
    gan.train_step((tf.constant(images(2)), tf.constant(contents)))
    np.testing.assert_array_equal(seen[0][0], contents)
    made = gan.generator(tf.concat([contents, noise], axis=3))
    np.testing.assert_allclose(seen[0][1], made, atol=1e-5)


OPTIONS = {
    "lazy": {"penalty_every": 2, "n_critic": 2},
    "field": {"weights": LossWeights(lambda_2=0.5), "n_critic": 1},
    "relativistic": {"loss": "relativistic", "penalty": "r1_r2", "n_critic": 1},
    "without penalty": {"penalty": None, "n_critic": 1},
    "competitive": {"g_optimizer": optimizers.CompetitiveGradient(0.05), "n_critic": 1},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_kind_of_training_takes_contents(name):
    gan = make(**OPTIONS[name])
    before = values(gan.generator)
    logs = gan.train_step((tf.constant(images(2)), tf.constant(images(2, seed=1))))
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert np.abs(moved(before, gan.generator)).max() > 1e-5


# ---------------------------------------------------------------- the luma of the contents


def test_luma_content_is_the_squared_difference_of_means_over_four_pixels():
    contents = images(2, side=8).astype(np.float64)
    luma = contents @ [0.299, 0.587, 0.114]
    blocks = luma.reshape(2, 2, 4, 2, 4).mean(axis=(2, 4))
    found = losses.luma_content(contents, np.zeros_like(contents))
    assert float(found) == pytest.approx((blocks**2).mean())
    assert found.dtype == tf.float64
    odd = np.pad(contents, [(0, 0), (0, 3), (0, 1), (0, 0)], constant_values=5.0)
    assert float(losses.luma_content(odd, np.zeros_like(odd))) == pytest.approx(float(found))


def test_luma_content_leaves_strokes_and_colours_free():
    contents = images(1, side=16).astype(np.float64)
    strokes = contents + np.tile([[0.5, -0.5], [-0.5, 0.5]], (8, 8))[None, :, :, None]
    assert float(losses.luma_content(contents, strokes)) == pytest.approx(0, abs=1e-12)
    colours = contents + [0.587, -0.299, 0.0]
    assert float(losses.luma_content(contents, colours)) == pytest.approx(0, abs=1e-12)
    assert float(losses.luma_content(contents, contents + 0.5)) == pytest.approx(0.25)


def test_content_losses_are_found_by_name():
    assert losses.get_content("luma") is losses.luma_content
    assert losses.get_content(None) is None
    with pytest.raises(ValueError, match="unknown content_loss 'chroma'; known: luma"):
        losses.get_content("chroma")


# ---------------------------------------------------------------- fit and generate


def test_fit_takes_pairs_in_every_form(gan, tmp_path):
    gan.compile(n_critic=2, content_loss="luma")
    style, photographs = images(8), images(8, seed=1)
    grid = SampleGrid(tmp_path, contents=photographs[:2])
    history = gan.fit(style, photographs, batch_size=2, verbose=0, callbacks=[grid])
    assert history.history["content"][0] > 0
    assert Image.open(tmp_path / "epoch_0001.png").size > (24, 12)
    assert gan.g_optimizer.iterations == 2
    gan.fit((style, photographs), batch_size=4, verbose=0)
    pairs = tf.data.Dataset.from_tensor_slices((style, photographs)).batch(2).repeat()
    gan.fit(pairs, steps_per_epoch=2, verbose=0)
    assert gan.g_optimizer.iterations == 5


def test_generate_repaints_contents_of_any_size(gan):
    photographs = images(3, side=11)[:, :9]
    made = gan.generate(contents=photographs, seed=1)
    assert made.shape == (3, 9, 11, 3)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, gan.generate(contents=photographs, seed=1))
    assert np.abs(made - gan.generate(contents=photographs, seed=2)).max() > 1e-3
    noise = gan.noise(3, seed=1, contents=photographs)
    assert noise.shape == (3, 9, 11, 2)
    given = gan.generate(contents=photographs, latents=noise, batch_size=1)
    np.testing.assert_allclose(given, made, atol=1e-5)
    by_hand = gan.ema_generator(np.concatenate([photographs, noise], axis=3))
    np.testing.assert_allclose(by_hand, made, atol=1e-5)


def test_a_generator_may_do_without_noise():
    gan = make(noise_channels=0)
    made = gan.generate(contents=images(1))
    np.testing.assert_array_equal(made, gan.generate(contents=images(1)))


def test_files_bring_the_whole_model_back(tmp_path):
    gan = make(n_critic=1, content_loss="luma", content_weight=3.0)
    pair = tf.constant(images(2)), tf.constant(images(2, seed=1))
    gan.train_step(pair)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert (again.content_loss, again.content_weight) == (losses.luma_content, 3.0)
    assert again.latent_dim is None
    contents = images(1, seed=2)
    np.testing.assert_array_equal(
        again.generate(contents=contents, seed=0), gan.generate(contents=contents, seed=0)
    )
    for model in (gan, again):
        model.train_step(pair)
    assert_same(again.generator, gan.generator, rtol=0, atol=1e-6)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"x must be a pair \(samples, contents\).*image to image; got a ndarray"),
        ({"y": images(4, side=10)}, r"contents must have shape \(n, 12, 12, 3\); got \(4, 10"),
        ({"y": images(3)}, "contents must be 4, as the samples; got 3"),
        ({"y": images(4)[..., :1]}, r"contents must have shape \(n, 12, 12, 3\)"),
        ({"y": images(4) * 100}, r"contents must be images in \[-1, 1\]"),
        ({"y": np.full((4, 12, 12, 3), np.nan)}, "contents must be finite"),
        ({"y": np.full((4, 12, 12, 3), 7)}, "contents must be floats; got int64"),
    ],
)
def test_fit_names_bad_contents(gan, given, words):
    gan.compile(n_critic=1)
    with pytest.raises(ValueError, match=words):
        gan.fit(images(4), batch_size=2, verbose=0, **given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"count": 3}, "contents are for image-to-image models.*need them; got None"),
        ({"contents": images(2)[0]}, r"contents must have shape \(n, any, any, 3\); got \(12, 12"),
        ({"contents": images(2)[:0]}, "contents is empty"),
        ({"contents": images(2), "count": 3}, r"latents must have shape \(2, 12, 12, 2\)"),
        ({"contents": images(2), "latents": images(2)}, r"\(2, 12, 12, 2\); got \(2, 12, 12, 3\)"),
        ({"contents": images(2, side=2)}, "sides of more than 2 pixels"),
        ({"contents": images(2), "batch_size": 0}, "batch_size must be a whole number"),
    ],
)
def test_generate_names_bad_contents(gan, arguments, words):
    with pytest.raises(ValueError, match=words):
        gan.generate(**arguments)


def test_contents_for_a_model_that_starts_from_noise_are_refused(toy_gan):
    gan = toy_gan()
    with pytest.raises(ValueError, match="contents are for image-to-image .*latent_dim=3"):
        gan.generate(2, contents=images(2))
    with pytest.raises(ValueError, match="content_loss is for image-to-image.*latent_dim=3"):
        gan.compile(content_loss="luma")


def test_networks_that_do_not_go_from_image_to_image_are_named():
    critic = models.patch_discriminator((3,))
    layers = keras.layers
    grey = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(1, 1)])
    with pytest.raises(ValueError, match=r"generator must take images of 3.*makes \(None, None, 1"):
        GPAT(grey, critic, latent_dim=None)
    narrow = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(3, 1)])
    with pytest.raises(ValueError, match=r"takes \(None, None, 2\)"):
        GPAT(narrow, critic, latent_dim=None)
    with pytest.raises(ValueError, match=r"it takes \(100,\)"):
        GPAT(models.dcgan_generator(width=2), critic, latent_dim=None)
    with pytest.raises(ValueError, match="latent_dim must be what the generator takes"):
        GPAT(models.image_generator((3,), 0), critic)


def test_a_content_loss_does_not_fit_a_zero_sum_game(gan):
    with pytest.raises(ValueError, match="content_loss must be None with CompetitiveGradient"):
        gan.compile(
            n_critic=1, g_optimizer=optimizers.CompetitiveGradient(0.1), content_loss="luma"
        )


def test_a_content_loss_of_your_own_cannot_be_saved_whole(gan, tmp_path):
    gan.compile(n_critic=1, content_loss=lambda contents, made: tf.reduce_mean(made))
    with pytest.raises(ValueError, match=r"of your own cannot be saved whole.*luma"):
        gan.save(tmp_path / "gan.keras")
