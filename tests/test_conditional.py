"""GPAT with classes: labels on their way through a step, fit, generate and files; bad labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from test_training import assert_same, moved, sgd, values

from gpat_lib import GPAT, LossWeights, losses, models, optimizers, penalties
from gpat_lib.training import LOG_NAMES, Resume

CLASSES = 3


def on_labels(network_input, build, classes=CLASSES):
    """A network of points that sees its labels as three more numbers."""
    inputs, labels = keras.Input((network_input,)), keras.Input((), dtype="int32")
    rows = layers.CategoryEncoding(classes, output_mode="one_hot")(labels)
    return keras.Model([inputs, labels], build(layers.Concatenate()([inputs, rows])))


def make(seed=0, classes=(CLASSES, CLASSES)):
    keras.utils.set_random_seed(seed)
    return GPAT(
        on_labels(4, lambda x: layers.Dense(2)(layers.Dense(5, "tanh")(x)), classes[0]),
        on_labels(2, lambda x: layers.Dense(1)(layers.Dense(6, "softplus")(x)), classes[1]),
        latent_dim=4,
        seed=seed,
    )


@pytest.fixture
def gan():
    return make()


@pytest.fixture
def pairs():
    """48 points near (k, −k) with their class k."""
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.arange(48) % CLASSES)
    centres = np.stack([labels, -labels], axis=1)
    return (centres + rng.normal(0, 0.1, (48, 2))).astype(np.float32), labels


# ---------------------------------------------------------------- a step


@pytest.mark.parametrize(("loss", "penalty"), [("relativistic", "r1_r2"), ("hinge", "wgan_gp")])
def test_a_step_equals_the_loop_by_hand(gan, pairs, loss, penalty):
    """Every fake has the label of the real sample at its place, in all three places of a step."""
    samples, labels = pairs[0][:20], tf.constant(pairs[1][:20], tf.int32)
    generator, discriminator = (
        keras.models.clone_model(m) for m in (gan.generator, gan.discriminator)
    )
    generator.set_weights(gan.generator.get_weights())
    discriminator.set_weights(gan.discriminator.get_weights())
    cost = losses.get(loss)
    fakes = generator([tf.random.stateless_normal([20, 4], [0, 0]), labels])
    for i in range(2):
        part = slice(10 * i, 10 * i + 10)
        x, x_fake, y = tf.constant(samples[part]), fakes[part], labels[part]
        with tf.GradientTape() as tape:
            d_loss = cost.discriminator(discriminator([x, y]), discriminator([x_fake, y]))
            d_loss += 0.5 * penalties.get(penalty)(
                lambda points, y=y: discriminator([points, y]), x, x_fake, seed=[0, 2 + i]
            )
        trained = discriminator.trainable_variables
        sgd(0.1).apply(tape.gradient(d_loss, trained, unconnected_gradients="zero"), trained)
    with tf.GradientTape() as tape:
        x_fake = generator([tf.random.stateless_normal([10, 4], [0, 1]), y])
        g_loss = cost.generator(discriminator([x, y]), discriminator([x_fake, y]))
    trained = generator.trainable_variables
    sgd(0.1).apply(tape.gradient(g_loss, trained), trained)

    gan.compile(
        loss=loss,
        penalty=penalty,
        weights=LossWeights(lambda_4=0.5),
        g_optimizer=sgd(0.1),
        d_optimizer=sgd(0.1),
        n_critic=2,
    )
    before = values(gan.generator)
    gan.train_step((tf.constant(samples), labels))
    assert np.abs(moved(before, gan.generator)).max() > 1e-4
    assert_same(gan.discriminator, discriminator, rtol=0, atol=1e-6)
    assert_same(gan.generator, generator, rtol=0, atol=1e-6)


OPTIONS = {
    "lazy": {"penalty_every": 2, "n_critic": 3},
    "field": {"weights": LossWeights(lambda_2=0.5), "n_critic": 2},
    "consensus": {
        "weights": LossWeights(lambda_2=0.5),
        "generator_penalty": "consensus",
        "n_critic": 2,
    },
    "conjugate": {
        "g_optimizer": optimizers.ConjugateGradient(1e-2, "hybrid_fr_prp"),
        "d_optimizer": optimizers.ConjugateGradient(1e-2, "hybrid_fr_prp"),
        "n_critic": 1,
    },
    "competitive": {
        "g_optimizer": optimizers.CompetitiveGradient(0.05),
        "n_critic": 1,
    },
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_kind_of_training_takes_labels(gan, pairs, name):
    """And uses them: a generator's weights of a class move if that class is among the labels."""
    options = OPTIONS[name]
    samples, labels = (tf.constant(x[:24]) for x in (pairs[0], pairs[1].astype(np.int32)))
    start = gan.get_weights()
    ends = []
    for given in (labels, tf.zeros_like(labels), labels):
        gan.set_weights(start)
        copies = {
            key: value.from_config(value.get_config()) if "optimizer" in key else value
            for key, value in options.items()
        }
        gan.compile(**copies)
        gan.reset_metrics()
        logs = gan.train_step((samples, given))
        assert set(logs) == set(LOG_NAMES)
        assert all(np.isfinite(float(value)) for value in logs.values())
        ends.append(np.concatenate([w.ravel() for w in gan.get_weights()]))
        of_classes = np.abs(gan.generator.weights[0].numpy() - start[0])[4:].max(axis=1)
        np.testing.assert_array_equal(of_classes > 0, np.isin(np.arange(CLASSES), given))
    np.testing.assert_array_equal(ends[0], ends[2])
    assert np.abs(ends[0] - ends[1]).max() > 1e-5


def test_classes_are_learnt(pairs):
    """Points of class k lie near (k, −k): a generator asked for k makes them there."""
    gan = make(seed=1)
    gan.compile(
        "relativistic",
        "r1_r2",
        LossWeights(lambda_4=0.1),
        keras.optimizers.Adam(1e-2, 0.0, 0.9),
        keras.optimizers.Adam(1e-2, 0.0, 0.9),
        n_critic=1,
        ema=0.9,
        steps_per_execution=50,
    )
    stream = tf.data.Dataset.from_tensor_slices(pairs).shuffle(48, seed=0).repeat().batch(48)
    gan.fit(stream, steps_per_epoch=400, verbose=0)
    means = np.stack([gan.generate(200, labels=k, seed=0).mean(0) for k in range(CLASSES)])
    np.testing.assert_allclose(means, [[0, 0], [1, -1], [2, -2]], atol=0.35)


# ---------------------------------------------------------------- fit


def test_labels_stay_with_their_samples_in_every_order(gan, pairs):
    samples, labels = pairs
    gan.compile(n_critic=3)
    steps = list(gan._steps((samples, labels), 8))
    assert len(steps) == 2
    seen = np.concatenate([x for x, _ in steps]), np.concatenate([y for _, y in steps])
    assert seen[0].dtype == np.float32
    assert seen[1].dtype == np.int32
    assert not np.array_equal(seen[1], labels)
    order = [int(np.argmin(np.abs(samples - x).sum(1))) for x in seen[0]]
    assert sorted(order) == list(range(48))
    np.testing.assert_array_equal(seen[1], labels[order])


def test_fit_takes_a_pair_two_arguments_or_a_data_set(pairs):
    samples, labels = pairs[0], pairs[1].astype(np.uint8)

    def fitted(*x, eager=True, **options):
        gan = make()
        gan.compile(n_critic=2, run_eagerly=eager, steps_per_execution=1 if eager else 3)
        gan.fit(*x, **options, verbose=0)
        assert gan.g_optimizer.iterations == 3
        return gan

    pair, two = fitted((samples, labels), batch_size=8), fitted(samples, labels, batch_size=8)
    assert_same(pair, two)
    in_order = fitted(tf.data.Dataset.from_tensor_slices((samples, labels)).batch(8), eager=False)
    by_steps = make()
    by_steps.compile(n_critic=2)
    for i in range(0, 48, 16):
        by_steps.train_step((tf.constant(samples[i : i + 16]), tf.constant(labels[i : i + 16])))
    assert_same(in_order, by_steps, rtol=0, atol=1e-6)


def test_a_run_goes_on_from_its_file(pairs, tmp_path):
    def build():
        gan = make()
        gan.compile(n_critic=2, run_eagerly=True)
        return gan, tf.data.Dataset.from_tensor_slices(pairs).batch(12)

    (whole, batches), (first, _), (second, _) = build(), build(), build()
    whole.fit(batches, epochs=2, verbose=0)
    for gan, epochs in ((first, 1), (second, 2)):
        resume = Resume(tmp_path / "run.weights.h5")
        gan.fit(batches, epochs=epochs, verbose=0, callbacks=[resume])
    assert_same(second, whole)
    second.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert loaded.num_classes == CLASSES
    np.testing.assert_array_equal(
        loaded.generate(4, labels=2, seed=0), whole.generate(4, labels=2, seed=0)
    )
    for gan in (loaded, whole):
        gan.fit(batches, verbose=0)
    assert_same(loaded, whole)


# ---------------------------------------------------------------- generate


def test_generate_makes_the_classes_asked_for(gan):
    noise = gan.noise(7, seed=5)
    one = gan.generate(7, labels=1, seed=5, batch_size=3)
    np.testing.assert_allclose(one, gan.ema_generator([noise, np.full(7, 1)]), rtol=1e-5)
    each = np.array([0, 2, 1, 1, 0, 2, 2])
    mixed = gan.generate(latents=noise, labels=each, batch_size=2)
    np.testing.assert_allclose(mixed, gan([noise, each]), rtol=1e-5)
    np.testing.assert_allclose(mixed[each == 1], one[each == 1], rtol=1e-5)
    assert np.abs(mixed[each != 1] - one[each != 1]).min() > 1e-6
    assert isinstance(mixed, np.ndarray)


def test_classes_are_drawn_evenly_in_random_order(gan):
    seen = []
    gan.ema_generator = lambda inputs, training: seen.append(inputs) or inputs[0]
    for seed in (0, 0, 1, None):
        gan.generate(20, seed=seed)
    noise, labels = zip(*seen, strict=True)
    for some in labels:
        assert sorted(np.bincount(some)) == [6, 7, 7]
        assert sorted(np.bincount(some[:3])) == [1, 1, 1]
    np.testing.assert_array_equal(labels[0], labels[1])
    assert (labels[0] != labels[2]).any()
    assert (labels[0] != np.arange(20) % CLASSES).any()
    np.testing.assert_array_equal(noise[0], gan.noise(20, seed=0))  # as without classes


# ---------------------------------------------------------------- bad input


def test_bad_labels_are_named_before_training(gan, pairs):
    samples, labels = pairs
    data_set = tf.data.Dataset.from_tensor_slices
    gan.compile(n_critic=1)
    before = values(gan)
    for x, y, words in (
        (samples, None, r"x must be a pair \(samples, labels\).*3 classes; got a ndarray"),
        (data_set(samples).batch(8), None, "x must be a pair"),
        ((samples, labels, labels), None, "x must be a pair.*got a tuple"),
        (samples, labels.astype(np.float32), "labels must be whole numbers; got float32"),
        (samples, labels == 1, "labels must be whole numbers; got bool"),
        (samples, labels + 1, "labels must be from 0 to 2; got 1 to 3"),
        (samples, labels - 1, "labels must be from 0 to 2; got -1 to 1"),
        (samples, labels[:-1], r"labels must have shape \(48,\).*got \(47,\)"),
        (samples, np.eye(3, dtype=int)[labels], r"labels must have shape \(48,\).*got \(48, 3\)"),
        (data_set((samples, labels + 3)).batch(8), None, "labels must be from 0 to 2; got 3 to 5"),
        (samples[:, :1], labels, r"x must have shape \(n, 2\)"),
    ):
        with pytest.raises(ValueError, match=words):
            gan.fit(x, y, verbose=0)
    assert not moved(before, gan).any()


@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_a_label_out_of_range_in_a_later_batch_ends_training(gan, pairs, wrong):
    """One-hot rows would be zero for it: training would go on, and nobody know."""
    samples, labels = pairs
    labels = np.where(np.arange(48) == 30, wrong, labels)
    gan.compile(n_critic=1, run_eagerly=True)
    batches = tf.data.Dataset.from_tensor_slices((samples, labels)).batch(8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be >= 0 and < 3"):
        gan.fit(batches, verbose=0)


def test_labels_for_a_model_without_classes_are_refused(toy_gan, points):
    gan = toy_gan()
    gan.compile(n_critic=1)
    labels = np.zeros(64, int)
    with pytest.raises(ValueError, match="x must hold samples only; got a tuple"):
        gan.fit(points, labels, verbose=0)
    with pytest.raises(ValueError, match="labels=.*are for networks with num_classes"):
        gan.generate(3, labels=1)
    assert gan.num_classes is None


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (3, "labels must be from 0 to 2; got 3 to 3"),
        (-1, "labels must be from 0 to 2; got -1 to -1"),
        (1.0, "labels must be whole numbers; got float64"),
        ([0, 1], r"labels must have shape \(4,\), one per sample; got \(2,\)"),
    ],
)
def test_generate_names_bad_labels(gan, labels, words):
    with pytest.raises(ValueError, match=words):
        gan.generate(4, labels=labels)


def test_networks_that_disagree_about_classes_are_named():
    with pytest.raises(ValueError, match=r"num_classes.*\{3\}, \{4\}"):
        make(classes=(3, 4))
    plain = models.mlp_discriminator(input_dim=2, width=2, depth=1)
    with pytest.raises(ValueError, match=r"generator and discriminator must both.*\[2, 1\] inputs"):
        GPAT(make().generator, plain, 4)
    inputs, labels = keras.Input((2,)), keras.Input((1,))
    unknown = keras.Model([inputs, labels], layers.Dense(1)(layers.Concatenate()([inputs, labels])))
    with pytest.raises(ValueError, match="CategoryEncoding"):
        GPAT(make().generator, unknown, 4)
