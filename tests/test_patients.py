"""The clinic's patients: each is ill in the way its symptom says, and the chapter's cure is well.

Cures are read from the solutions of chapter 14, so what a reader finds there is what is tested.
"""

import re

import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import losses, patients
from tools import notebooks

CHAPTER = notebooks.read(notebooks.ROOT / "chapters" / "14_debugging_clinic.ipynb")
EXERCISES = notebooks.exercises(CHAPTER)
SOURCES = "\n".join(cell.source for cell in notebooks.code_cells(CHAPTER))


def cures():
    """The patients as the exercises' solutions define them."""
    names = {"np": np, "tf": tf}
    for exercise in EXERCISES:
        exec(exercise.code[0], names)
    return {name: names[name] for name in patients.PATIENTS}


CURES = cures()


def linear(slope, shape):
    """A critic with the same gradient in every value."""
    size = np.prod(shape)
    return lambda x: slope / np.sqrt(size) * tf.reduce_sum(x, list(range(1, len(x.shape))))


def batch(count, *shape):
    return tf.random.stateless_normal((count, *shape), seed=[0, 1])


# Each symptom: does a function have it?


def nan_where_the_critic_is_flat(penalty):
    k, samples = tf.Variable(0.0), batch(4, 8, 8, 3)
    with tf.GradientTape() as tape:
        value = penalty(lambda x: k * linear(1.0, (8, 8, 3))(x), samples, samples)
    assert np.isfinite(value)
    return bool(np.isnan(tape.gradient(value, k)))


def dearer_in_larger_batches(penalty):
    costs = [
        float(penalty(linear(1.0, (4, 4, 1)), batch(n, 4, 4, 1), batch(n, 4, 4, 1)))
        for n in (1, 2, 64)
    ]
    assert costs[0] == pytest.approx(0, abs=1e-5)
    return np.allclose(costs, [(1 - 1 / n) ** 2 for n in (1, 2, 64)], atol=1e-4)


def dear_on_images_alone(penalty):
    points, images = batch(5, 2), batch(5, 8, 8, 3)
    assert float(penalty(linear(1.0, (2,)), points, points)) == pytest.approx(0, abs=1e-5)
    cost = float(penalty(linear(1.0, (8, 8, 3)), images, images))
    return cost == pytest.approx((1 - 24**-0.5) ** 2, abs=1e-3)


def grain_between_black_and_white(penalty):
    seen = []

    def critic(x):
        seen.append(x.numpy())
        return linear(1.0, (8, 8, 1))(x)

    penalty(critic, -tf.ones((16, 8, 8, 1)), tf.ones((16, 8, 8, 1)))
    return bool(np.ptp(seen[0], axis=(1, 2, 3)).max() > 0.5)


def silent_where_the_judge_is_sure(loss):
    fake = tf.constant([[-30.0]])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        value = loss(tf.zeros((1, 1)), fake)
    return float(tape.gradient(value, fake)[0, 0]) > -1e-3


def more_than_log_2(loss):
    logits = batch(5, 1)
    return float(loss(logits, logits)) > np.log(2) + 0.01


def one_batch_for_ever(noise):
    many = noise(2000)
    assert abs(float(tf.reduce_mean(many))) < 0.1
    assert abs(float(tf.math.reduce_std(many)) - 1) < 0.1
    return np.array_equal(many, noise(2000))


def worse_judge(step):
    generator, discriminator = tf.Variable([[1.0]]), tf.Variable([[2.0]])
    real, noise = tf.constant([[1.0]]), tf.constant([[-1.0], [-2.0]])
    fake = noise @ generator  # judged before and after, whatever becomes of the generator

    def l_d():
        return losses.get("minimax").discriminator(real @ discriminator, fake @ discriminator)

    before = float(l_d())
    step(lambda z: z @ generator, lambda x: x @ discriminator, noise, 0.1)
    return float(l_d()) > before + 1e-3


def jumps(step):
    (average,) = step([np.zeros(1)], [np.ones(1)], 0.999)
    return average[0] > 0.9


def labels_of_others(shuffle):
    images, labels = shuffle(np.arange(50)[:, None], np.arange(50), 3)
    assert sorted(labels) == list(range(50))
    return not np.array_equal(images[:, 0], labels)


SYMPTOMS = {
    "turns_to_nan": nan_where_the_critic_is_flat,
    "too_steep": dearer_in_larger_batches,
    "fine_on_points": dear_on_images_alone,
    "no_even_grey": grain_between_black_and_white,
    "gives_up": silent_where_the_judge_is_sure,
    "never_even": more_than_log_2,
    "few_pictures": one_batch_for_ever,
    "spoils_the_judge": worse_judge,
    "restless": jumps,
    "any_digit": labels_of_others,
}


def test_there_are_ten_and_the_chapter_shows_all():
    assert list(SYMPTOMS) == list(patients.PATIENTS)
    assert len(patients.PATIENTS) == 10
    answers = "\n".join(exercise.answers[0].source for exercise in EXERCISES)
    asked = re.findall(r"^def (\w+)", answers, re.MULTILINE)
    assert [name for name in asked if name in patients.PATIENTS] == list(patients.PATIENTS)
    hints = "\n".join(exercise.text.split("{dropdown} Hint")[1] for exercise in EXERCISES[:-1])
    assert re.findall(r"^- `(\w+)`:", hints, re.MULTILINE) == list(patients.PATIENTS)[:-1]
    shown = re.findall(r"getsource\(patients\.(\w+)\)", SOURCES)
    assert shown == list(patients.PATIENTS)


@pytest.mark.parametrize("name", patients.PATIENTS)
def test_a_patient_has_its_symptom_and_the_cure_has_not(name):
    assert SYMPTOMS[name](patients.PATIENTS[name])
    assert not SYMPTOMS[name](CURES[name])


@pytest.mark.parametrize("name", patients.PATIENTS)
def test_the_check_tells_patient_and_cure_apart(name):
    ill, well = patients.check(name, patients.PATIENTS[name]), patients.check(name, CURES[name])
    assert len(ill.findings) == 1
    assert not {"raises", "formula"} & set(ill.names)
    assert well.healthy, well
    assert str(well) == f"{name}: healthy."


def guard_outside(critic, real, fake):
    x = real + tf.random.uniform([real.shape[0], 1, 1, 1]) * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    norms = tf.sqrt(tf.reduce_sum(tape.gradient(scores, x) ** 2, axis=[1, 2, 3])) + 1e-12
    return tf.reduce_mean((norms - 1) ** 2)


def uphill(generator, discriminator, noise, rate):
    with tf.GradientTape() as tape:
        fake = generator(noise)
        own = tape.watched_variables()
        loss = tf.reduce_mean(discriminator(fake))
    for variable, gradient in zip(own, tape.gradient(loss, own), strict=True):
        variable.assign_sub(rate * gradient)


HALF_CURED = [
    ("turns_to_nan", guard_outside),
    ("few_pictures", lambda count: tf.random.stateless_normal((count, 2), seed=[1, 2])),
    ("few_pictures", lambda count: tf.random.normal((2, count))),
    ("spoils_the_judge", lambda generator, discriminator, noise, rate: None),
    ("spoils_the_judge", uphill),
    ("restless", lambda average, weights, rho: average),
    ("restless", lambda average, weights, rho: weights),
    ("restless", lambda average, weights, rho: [rho * a for a in average]),
    ("any_digit", lambda images, labels, seed: (images, labels)),
    ("any_digit", lambda images, labels, seed: (images[::-1][:10], labels[::-1][:10])),
    ("gives_up", lambda real, fake: tf.reduce_mean(fake)),
    ("never_even", lambda real, fake: tf.reduce_mean(tf.math.softplus(real - fake))),
]


@pytest.mark.parametrize(("name", "version"), HALF_CURED)
def test_half_a_cure_is_not_healthy(name, version):
    assert not patients.check(name, version).healthy


def test_a_version_that_stops_is_told_so():
    for name in patients.PATIENTS:
        report = patients.check(name, lambda: None)
        assert report.names[0] == "raises"
        assert "TypeError" in str(report)


def test_an_unknown_patient_is_named():
    with pytest.raises(ValueError, match=r"unknown patient 'nobody'; known: any_digit"):
        patients.check("nobody", print)
