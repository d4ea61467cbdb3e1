"""Feature extractors: what they compute, that they stream, and what they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import data, features, metrics


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(-1, 1, (50, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def judge():
    """Some epochs are enough here; benchmarks/judge_digits.py takes all."""
    test = data.digits("test", labels=True)
    return features.trained(*data.digits("train", labels=True), held_out=test, epochs=12)


def test_pixels_are_means_of_fields(images):
    found = features.extract(features.pixels(size=4), images)
    expected = images.reshape(50, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(50, 48)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    grey = features.pixels((28, 28, 1), size=7)
    assert features.extract(grey, images[:, :28, :28, :1]).shape == (50, 49)


def test_random_filters_are_the_same_each_time(images):
    found = features.extract(features.random_filters(), images)
    assert found.shape == (50, 64)
    keras.utils.set_random_seed(99)
    np.testing.assert_array_equal(features.extract(features.random_filters(), images), found)
    other = features.extract(features.random_filters(seed=1), images)
    assert not np.allclose(other, found, atol=0.1)
    weights = features.random_filters().get_weights()
    assert weights[2].std() == pytest.approx(np.sqrt(2 / (25 * 32)), rel=0.05)


def test_random_filters_tell_blurred_images_from_sharp_ones():
    """More than they tell one half of the real images from the other."""
    sharp = data.digits("all")
    blurred = keras.layers.AveragePooling2D(3, 1, "same")(sharp).numpy()
    extractor = features.random_filters()
    first, second, soft = (
        features.extract(extractor, x) for x in (*np.split(sharp[1:], 2), blurred)
    )
    assert metrics.frechet_distance(first, soft) > 10 * metrics.frechet_distance(first, second)


@pytest.mark.parametrize("batch_size", [7, 50, 256])
def test_arrays_pipelines_and_generators_give_the_same(images, batch_size):
    extractor = features.random_filters()
    expected = extractor.predict(images, verbose=0)
    pipeline = tf.data.Dataset.from_tensor_slices(images).batch(batch_size)
    for source in (images, tf.constant(images), pipeline, (images[:20], images[20:])):
        found = features.extract(extractor, source, batch_size)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_batch_is_held_at_a_time(images):
    """The next batch is asked for only after the features of the last were given."""
    asked = []

    def batches():
        for i in range(5):
            asked.append(i)
            yield images[:4]

    moments = metrics.Moments()
    for i, found in enumerate(features.stream(features.pixels(size=2), batches())):
        assert asked == list(range(i + 1))
        moments.update(found)
    assert moments.count == 20
    sizes = [len(x) for x in features.stream(features.pixels(size=2), images, batch_size=20)]
    assert sizes == [20, 20, 10]


def test_the_trained_classifier_knows_held_out_digits(judge):
    assert judge.accuracy >= 0.97
    test, labels = data.digits("test", labels=True)
    probabilities = features.extract(judge.probabilities, test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == labels) == pytest.approx(judge.accuracy)
    assert features.extract(judge.features, test[:5]).shape == (5, 64)
    assert metrics.class_coverage(probabilities, 10).modes == 10


def test_trained_features_see_a_dropped_class(judge):
    train, labels = data.digits("train", labels=True)
    hidden = features.extract(judge.features, train)
    again = features.extract(judge.features, data.digits("test"))
    whole = metrics.frechet_distance(hidden, again)
    assert metrics.frechet_distance(hidden[labels != 3], again) > 1.5 * whole


def test_training_repeats_by_its_seed_and_needs_no_held_out_images():
    images, labels = (part[:64] for part in data.digits("test", labels=True))
    runs = [features.trained(images, labels, epochs=1, seed=seed) for seed in (0, 0, 1)]
    first, second, other = (run.probabilities.get_weights()[0] for run in runs)
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)
    assert np.isnan(runs[0].accuracy)


def test_training_takes_the_channels_and_classes_that_come():
    images, labels = (part[:64] for part in data.digits("test", labels=True))
    grey = features.trained(images[:, :28, :28, :1], labels % 2, epochs=1)
    assert grey.probabilities.input_shape == (None, 28, 28, 1)
    assert grey.probabilities.output_shape == (None, 2)


# ---------------------------------------------------------------- Inception


def test_inception_resizes_and_pools(monkeypatch, images):
    """With a stand-in for the network, which records what it is asked for."""

    def stand_in(include_top, weights, pooling):
        assert (include_top, weights, pooling) == (False, "some/file.h5", "avg")
        image = keras.Input((None, None, 3))
        return keras.Model(image, keras.layers.GlobalMaxPooling2D()(image))

    monkeypatch.setattr(keras.applications, "InceptionV3", stand_in)
    extractor = features.inception("some/file.h5")
    assert extractor.layers[1].output.shape == (None, 299, 299, 3)
    flat = np.broadcast_to(images[:4, :1, :1], (4, 32, 32, 3))
    np.testing.assert_allclose(features.extract(extractor, flat), flat[:, 0, 0], atol=1e-5)
    grey = features.inception("some/file.h5", shape=(28, 28, 1))
    found = features.extract(grey, flat[:, :28, :28, :1])
    np.testing.assert_allclose(found, np.repeat(flat[:, 0, 0, :1], 3, axis=1), atol=1e-5)


def test_inception_takes_a_file_of_weights(tmp_path, monkeypatch):
    """Keras's real network, 2,048 features; only the reading of the weights is stood in for."""
    file, read = tmp_path / "notop.h5", []
    file.touch()
    monkeypatch.setattr(keras.Model, "load_weights", lambda network, path: read.append(path))
    extractor = features.inception(file, shape=(75, 75, 3))
    assert extractor.output_shape == (None, 2048)
    assert [str(path) for path in read] == [str(file)]


def test_inception_without_weights_says_what_to_do(tmp_path, monkeypatch):
    missing = tmp_path / "nothing.h5"
    for path, named in ((missing, str(missing)), (None, "'imagenet'")):
        if path is None:

            def no_network(*args, **named):
                raise OSError("no route")

            monkeypatch.setattr(keras.applications, "InceptionV3", no_network)
        with pytest.raises(OSError, match="Inception-v3 has no weights") as error:
            features.inception(path)
        for word in (
            named,
            "https://storage.",
            "tf_kernels_notop.h5",
            "~/.keras/models",
            "trained",
        ):
            assert word in str(error.value)


# ---------------------------------------------------------------- bad input


def test_stream_names_bad_images(images):
    extractor = features.pixels()
    for bad, message in (
        (images * 127.5 + 127.5, r"^images must be images in \[-1, 1\]"),
        (images[:, :28], r"^images must have shape \(n, 32, 32, 3\)"),
        (images * np.nan, "^images must be finite"),
        ([(images, np.zeros(50))], "^images must hold samples only"),
    ):
        with pytest.raises(ValueError, match=message):
            features.extract(extractor, bad)
    with pytest.raises(ValueError, match="^batch_size must be"):
        features.extract(extractor, images, 0)


@pytest.mark.parametrize("size", [0, 5, 64])
def test_pixels_name_a_bad_size(size):
    with pytest.raises(ValueError, match="^size must"):
        features.pixels(size=size)


@pytest.mark.parametrize(
    "labels",
    [np.arange(49) % 5, np.arange(50) % 5 + 1, np.arange(50) % 5 * 2, np.arange(50)[:, None] % 5],
    ids=["too few", "from 1", "gaps", "shape"],
)
def test_trained_names_bad_labels(images, labels):
    with pytest.raises(ValueError, match="^labels must be 50 whole numbers"):
        features.trained(images, labels, epochs=1)


def test_trained_names_bad_images(images):
    with pytest.raises(ValueError, match="^images must be images"):
        features.trained(images * 100, np.zeros(50, int))
    with pytest.raises(ValueError, match="^epochs must be"):
        features.trained(images, np.arange(50) % 5, epochs=0)
