"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

What a reference answers to the very same probe is what is expected.
"""

import functools
from pathlib import Path

import keras
from gpat_lib import models, practice
from keras import layers
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = ("sigmoid", "range", "dropout", "axis", "linear", "batch_norm")


def drawn(student):
    """What the notebook draws for this student, in its order."""
    rng = practice.variant(student, "01_architecture")
    stack = [
        (int(rng.integers(2, 7)), int(rng.integers(1, 4)))
        for _ in range(4)
    ]
    start, doublings = int(rng.integers(3, 7)), int(rng.integers(2, 4))
    width, channels = int(rng.integers(5, 9)), int(rng.choice([1, 3]))
    latent_dim, patient = (
        int(rng.integers(20, 61)),
        int(rng.integers(len(FAULTS))),
    )
    return stack, (start, doublings, width, channels, latent_dim), patient


# -------------------------------------------------------------------- references


def conv_size(size, kernel, stride, padding):
    """Places at which the kernel starts, every stride-th of them."""
    return len(
        range(0, size if padding == "same" else size - kernel + 1, stride)
    )


def transposed_size(size, kernel, stride, padding):
    """Copies of the kernel, stride apart; under "same" cut to a multiple of the input."""
    return (
        size * stride
        if padding == "same"
        else (size - 1) * stride + max(kernel, stride)
    )


def receptive_field(stack):
    """Backwards: n features of a layer need (n − 1)·stride + kernel of the one before."""
    return functools.reduce(
        lambda n, layer: (n - 1) * layer[1] + layer[0], reversed(stack), 1
    )


def parameters(layer):
    """What Keras counts, from the formulas of chapter 01."""
    kind, *numbers = layer
    if kind == "none":
        return 0, 0
    if kind == "norm":
        return 4 * numbers[0], 2 * numbers[0]
    if kind == "dense":
        numbers = [1, *numbers]
    k, n, m, bias = numbers
    total = k * k * n * m + bias * m
    return total, total


def variant_generator(start, doublings, width, channels, latent_dim):
    """The generator that a student's own numbers describe."""
    features = [2**k * width for k in reversed(range(doublings))]
    stack = [
        keras.Input((latent_dim,)),
        layers.Dense(start * start * 2 * features[0], use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.Reshape((start, start, 2 * features[0])),
    ]
    for filters in features:
        up = layers.Conv2DTranspose(
            filters, 5, strides=2, padding="same", use_bias=False
        )
        stack += [up, layers.BatchNormalization(), layers.LeakyReLU()]
    last = layers.Conv2DTranspose(
        channels, 5, strides=1, padding="same", activation="tanh"
    )
    return keras.Sequential([*stack, last])


def pair(latent_dim, width, channels):
    """The healthy pair of the diagnosis."""
    generator = keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(4 * 4 * 2 * width, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((4, 4, 2 * width)),
            layers.Conv2DTranspose(
                width, 5, strides=2, padding="same", use_bias=False
            ),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(
                channels, 5, strides=2, padding="same", activation="tanh"
            ),
        ]
    )
    return generator, models.dcgan_discriminator(
        (16, 16, channels), width, 0.3
    )


@functools.lru_cache(maxsize=8)
def expected_networks(seed):
    """What the library's networks answer."""
    names = {
        "build_generator": models.dcgan_generator,
        "build_discriminator": models.dcgan_discriminator,
        "prediction_loud": 1,
    }
    return PROBE.networks(names, seed)


@functools.lru_cache(maxsize=8)
def expected_variant(seed, numbers):
    """What the variant's generator answers."""
    model = variant_generator(*numbers)
    return PROBE.flat(
        {"generator": PROBE.generator(model, numbers[-1], seed)}
    )


@functools.lru_cache(maxsize=8)
def expected_diagnosis(seed):
    """What the healthy pair answers."""
    return PROBE.diagnosis({"fault": "", "repaired_pair": pair}, seed)


# -------------------------------------------------------------------- judges


def sizes(answers, seed, student):
    """Exact whole numbers."""
    reference = {
        f.__name__: f
        for f in (conv_size, transposed_size, receptive_field)
    }
    expected = PROBE.sizes({**reference, "prediction_field": 0}, seed)

    def right(key):
        return agree(answers, expected, key, rtol=0, atol=0)

    return [
        Check(
            right("conv_size_same"),
            1,
            "conv_size is wrong for padding same: think of sizes that the stride does not divide.",
        ),
        Check(
            right("conv_size_valid"),
            1,
            "conv_size is wrong for padding valid: the kernel must lie inside the map.",
        ),
        Check(
            right("transposed_size_same")
            and right("transposed_size_valid"),
            1,
            "transposed_size is wrong: compare with Keras, also for a kernel below the stride.",
        ),
        Check(
            right("fields"),
            1,
            "receptive_field is wrong for a stack: by how many pixels do neighbours lie apart "
            "when a layer's kernel is applied?",
        ),
        made(answers["prediction"], 1),
    ]


def count(answers, seed, student):
    """Pairs of whole numbers."""
    expected = PROBE.parameters(
        {"parameters": parameters, "prediction_growth": 0}, seed
    )

    def right(key):
        return agree(answers, expected, key, rtol=0, atol=0)

    return [
        Check(
            right("kernels"),
            1,
            "The weights of a Dense layer or a (transposed) convolution without bias are "
            "miscounted.",
        ),
        Check(
            right("biases"),
            1,
            "A layer with a bias is miscounted: how many numbers does a bias hold?",
        ),
        Check(
            right("norm") and right("none"),
            1,
            "Batch normalisation, or a layer without parameters, is miscounted: which of its "
            "numbers does training change?",
        ),
        made(answers["prediction"], 1),
    ]


def drawing(answers, expected):
    """Whether images agree in use, in training and with loud noise."""
    places = (f"generator/{key}" for key in ("images", "training", "loud"))
    return agree(answers, expected, *places, rtol=2e-3, atol=2e-3)


def shape_of(answers, expected, name):
    """Whether a network's weights have the shapes of the reference's."""
    return agree(answers, expected, f"{name}/shapes", rtol=0, atol=0)


def scoring(answers, expected):
    """Whether scores agree, also large ones."""
    return agree(
        answers, expected, "discriminator/scores", rtol=2e-3, atol=2e-3
    ) and agree(
        answers, expected, "discriminator/loud", rtol=2e-3, atol=2.0
    )


def spread(answers, expected):
    """Whether dropout is on in training, at its rate; 17 % for chance."""
    return agree(
        answers, expected, "discriminator/spread", rtol=0.17, atol=0
    )


def networks(answers, seed, student):
    """Shapes of the weights, then values with known weights."""
    expected = expected_networks(seed)
    return [
        Check(
            shape_of(answers, expected, "generator"),
            1,
            "The generator could not be built and called, or its weights are not those of the "
            "table: compare shapes, biases and numbers of features, at another width than 64.",
        ),
        Check(
            drawing(answers, expected),
            1.5,
            "With known weights the generator draws other images, in use, in training or with "
            "loud noise: look at the order of layers, the bends' slope, the last activation.",
        ),
        Check(
            shape_of(answers, expected, "discriminator"),
            1,
            "The discriminator could not be built and called, or its weights are not those of "
            "the table.",
        ),
        Check(
            scoring(answers, expected),
            1,
            "With known weights the discriminator scores otherwise, in use: look at padding, "
            "bends, Flatten, and at what is done to the last number.",
        ),
        Check(
            spread(answers, expected),
            1,
            "The spread of one image's scores in training is not that of dropout after both "
            "convolutions at the rate asked for.",
        ),
        made(answers["prediction"], 0.5),
    ]


def variant(answers, seed, student):
    """The student's own sizes."""
    _, numbers, _ = drawn(student)
    expected = expected_variant(seed, numbers)
    model = variant_generator(*numbers)
    latent = close(answers["latent_dim"], numbers[-1], 0, 0)
    return [
        Check(
            latent and shape_of(answers, expected, "generator"),
            1,
            "my_generator does not have the weights that your numbers ask for: START, "
            "DOUBLINGS, WIDTH, CHANNELS, LATENT_DIM.",
        ),
        Check(
            latent and drawing(answers, expected),
            1.5,
            "With known weights my_generator draws other images than the table's network.",
        ),
        Check(
            close(
                answers["total"], model.count_params(), rtol=0, atol=0.5
            ),
            1,
            "my_total is not the number of parameters of the network with your numbers.",
        ),
        made(answers["prediction"], 0.5),
    ]


def diagnosis(answers, seed, student):
    """The fault's name, and both networks healthy."""
    expected = expected_diagnosis(seed)
    _, _, patient = drawn(student)
    return [
        Check(
            str(answers["fault"]) == FAULTS[patient],
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            shape_of(answers, expected, "generator")
            and drawing(answers, expected),
            1.5,
            "The repaired generator is not yet the network that the description asks for.",
        ),
        Check(
            shape_of(answers, expected, "discriminator")
            and scoring(answers, expected)
            and spread(answers, expected),
            1.5,
            "The repaired discriminator is not yet the network that the description asks for.",
        ),
    ]


TASKS = {
    "sizes": Task(points=5, judge=sizes),
    "parameters": Task(points=4, judge=count),
    "networks": Task(points=6, judge=networks),
    "variant": Task(points=4, judge=variant),
    "diagnosis": Task(points=5, judge=diagnosis),
}
MANUAL = {"explain_batch_norm": 3, "explain_fault": 3}
SCRATCH = ("gpat_lib.models",)
