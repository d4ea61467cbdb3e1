"""The penalty doctor: examines a penalty or a loss that you wrote, and names what is wrong.

A penalty is called with critics whose gradient is known in closed form, and which remember where
it was taken. So the value can be worked out for every known way of getting it wrong, and the one
that fits is the diagnosis. A loss is examined in the same way, on logits.

    >>> print(doctor.examine(my_penalty, "wgan_gp"))
    wgan_gp: 1 finding.
    - alpha_normal: α looks normal: mean 0.03, from -2.97 to 3.31; expected α uniform in [0, 1).
      Draw it with a generator of uniform numbers.

Values are worked out for the points that were really used, so chance plays no part in them. The
laws of random numbers are judged with margins that a healthy function leaves once in a million.
What two mistakes have in common has one name: R1 summed over the batch *is* R1 with a norm over
the batch. Batches are float32 in TensorFlow, float64 in NumPy; row i of real belongs to row i of
fake.
"""

import functools
import inspect
import itertools
import math
import re
import statistics
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from gpat_lib import _checks, penalties

# name | what is seen | what is expected | a hint; {} is a detail of the case.
_TABLE = """
raises | the function stopped with {} | a number | Does it take any batch size?
not_scalar | the result has shape {} | a scalar | Take the mean over the batch.
not_finite | the result is {} | a finite number | Look for a root or a logarithm.
changes_type | float32 gives {} | float32 | Give your own numbers the samples' dtype.
changes_input | the samples were changed in place | samples left alone
    | Write x = x + y, not x += y.
formula | the value is {} | {} | No mistake known here gives this. Work out one sample by hand.
wrong_sign | the sign is turned | the opposite sign | Which way does descent push the scores?
sum_over_batch | the value is a sum over the batch, and grows with it | a mean over the samples
    | Use reduce_mean in the last step.
factor_doubled | the value is twice the right one | the formula's factor | Is a ½ missing?
factor_halved | the value is half the right one | the formula's factor | Is there a ½ too many?
factor_wrong | the value is {} times the right one | the formula without a weight
    | λ multiplies it outside.
detached | the result has no gradient, so it trains nothing | a gradient
    | Look for stop_gradient, .numpy(), or a step outside the tape.
wrong_gradient | the value is right, its gradient is not | the gradient of the value
    | A part of the formula is detached.
dropout | the critic was called with training=True | training=False
    | With dropout on, every call has another critic's slope.
no_gradient | no gradient of the scores for the points was taken | the slope ‖∇ₓD(x)‖
    | Watch the points with a tape, then score them; in NumPy, call critic.gradient(x).
no_guard | on a critic of slope 0 the {} is not finite | a finite number
    | A root has no derivative at 0: add 1e-12 inside it. tf.norm has no such guard.
only_real | it looks at the real samples | a look {} | Where does α come in?
only_fake | it looks at the generated samples | a look {} | Where does α come in?
real_and_fake | it looks at real and at generated samples | a look {} | Which are meant?
between | it looks between real and fake | a look {} | Which points are meant?
beside_real | it looks beside the real samples | a look {} | Which points are meant?
elsewhere | it looks at points that are no samples and on no line from real[i] to fake[i]
    | a look {} | Print one: is it real + α (fake - real)?
alpha_normal | α looks normal: {} | α uniform in [0, 1)
    | Draw it with a generator of uniform numbers.
alpha_law | α is not uniform in [0, 1): {} | α uniform in [0, 1) | Check its lowest and highest.
alpha_per_pixel | α differs inside a sample, so points lie beside the line | one α per sample
    | Give α the shape (n, 1, ..., 1).
alpha_per_batch | all samples share one α | one α per sample | Give α the shape (n, 1, ..., 1).
alpha_fixed | α is the same in every call | a new α in every call
    | Draw it inside the function, and set no seed there.
no_alpha | the noise δ is not shortened by an α | x + αδ, one α per sample | Multiply δ by α.
noise_negative | the noise goes down to {} of ½ std | δ = ½ std · U[0, 1)
    | The paper's noise is normal, its authors' program uniform; the latter is meant here.
noise_scale | the noise goes up to {} of ½ std | δ = ½ std · U[0, 1) | Check the ½ and the std.
mean_before_gradient | slopes are divided by the batch size: a mean was differentiated
    | the gradient of each score | Differentiate the scores or their sum, not their mean.
wrong_variable | the slope is shortened by α or 1 - α | the gradient for the points x̂
    | Watch x̂ and differentiate for x̂, not for real or fake.
norm_wrong_axes | the norm runs over axes {} | all axes but the first
    | For images: height, width and channels.
norm_whole_batch | the norm runs over the whole batch | one norm per sample
    | Name the axes: all but the first.
no_norm | each value of the gradient is charged for itself | one norm per sample
    | Sum the squares over all axes but the first, then take the root.
mean_for_sum | the squares of the gradient are averaged | their sum | ‖g‖² = Σ g²: reduce_sum.
squared_norm | the slope is ‖g‖² | ‖g‖ | A root is missing, or a square too many.
norm_l1 | the slope is Σ |g| | √Σ g² | Square, sum, root.
mean_before_square | slopes are averaged before they are charged | a mean of the costs
    | Slopes 0 and 2 would pass for 1 and 1. Square first, average last.
two_sided | a slope s costs (s - 1)² | {} | Which slope is wanted?
one_sided | a slope s costs max(0, s - 1)² | {} | Which slope is wanted?
zero_centered | a slope s costs s² | {} | Which slope is wanted?
wrong_side | a slope s costs max(0, 1 - s)² | {} | It is steeper slopes that should cost.
no_square | a slope s costs {} | its square | Square it, per sample.
swapped | real and fake are swapped | (real_logits, fake_logits) | Look at arguments and labels.
missing_term | only the {} scores count | a term for real and one for fake | Add the other.
another_loss | this is the formula of {} | that of {} | Compare the two.
saturates | the gradient dies where the discriminator is sure: {} | {}
    | Nothing is learned there. Use softplus of the logits; no log(σ(D) + ε), no -softplus(D).
overflow | value or gradient is not finite at logits of ±{} | finite numbers
    | Use softplus, or cross-entropy of logits, instead of your own exp and log.
double_sigmoid | the logits go through a sigmoid too many | logits as they are | Remove it.
not_logits | the logits are taken for probabilities | logits | Set from_logits=True.
all_pairs | each real score is compared with every fake one | pairs
    | (n, 1) and (n,) broadcast to (n, n): give both one shape.
"""
_ROWS = re.sub(r"\n +", " ", _TABLE).strip().splitlines()
ILLNESSES = {name: texts for name, *texts in (row.split(" | ") for row in _ROWS)}
MISS = 1e-7  # the chance that a healthy law fails its test
MANY, FEW = 1024, 128  # samples for that test; few if each has a call of its own
NEAR = 1e-3  # what agrees so well is equal: float32 is good to 1e-6, the root's guard costs more

# How a part of a formula can be done: right under the key "", ill under "name" or "name|detail".
Part = dict[str, Callable[..., Any]]


@dataclass(frozen=True)
class Finding:
    """One illness.

    Attributes:
        name: A key of ``ILLNESSES``.
        seen: What was seen.
        expected: What was expected.
        hint: Where to look.
    """

    name: str
    seen: str
    expected: str
    hint: str

    def __str__(self) -> str:
        return f"{self.name}: {self.seen}; expected {self.expected}. {self.hint}"


@dataclass
class Report:
    """What an examination found; prints as short sentences.

    Attributes:
        subject: The penalty or loss that was meant.
        findings: What is wrong; empty if nothing is.
    """

    subject: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def names(self) -> list[str]:
        """The names of the findings."""
        return [finding.name for finding in self.findings]

    def __str__(self) -> str:
        if self.healthy:
            return f"{self.subject}: healthy."
        count = f"{len(self.findings)} finding{'s' * (len(self.findings) > 1)}"
        lines = [textwrap.fill(f"- {f}", 95, subsequent_indent="  ") for f in self.findings]
        return "\n".join([f"{self.subject}: {count}.", *lines])

    def _add(self, name: str, detail: Any = "", wish: str = "", player: str = "") -> None:
        seen, expected, hint = ILLNESSES[name]
        seen = (player and f"{player}: ") + seen.format(detail)
        self.findings.append(Finding(name, seen, expected.format(wish), hint))


class _Stopped(Exception):
    """The examined function raised; its error is the cause."""

    def __str__(self) -> str:
        return f"{type(self.__cause__).__name__}: {self.__cause__}".splitlines()[0]


def _call(
    function: Callable[..., Any], tensors: bool, given: list[Any], sources: list[Any]
) -> tuple[np.ndarray, str, list[np.ndarray]]:
    """Value, its type, and the gradients of its mean for tensors; zeros where it has none."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # nothing is compiled
    try:
        if not tensors:
            with np.errstate(all="ignore"):
                return np.asarray(function(*given), np.float64), "float32", []
        with tf.GradientTape() as tape:
            tape.watch(sources)
            value = tf.convert_to_tensor(function(*given))
            mean = tf.reduce_mean(value)
        gradients = [
            np.zeros(s.shape) if g is None else g.numpy()
            for s, g in zip(sources, tape.gradient(mean, sources), strict=True)
        ]
        return value.numpy().astype(np.float64), value.dtype.name, gradients
    except Exception as error:
        raise _Stopped from error
    finally:
        tf.config.run_functions_eagerly(before)


def _usable(add: Callable[..., None], shape: Any, dtype: str, values: np.ndarray) -> bool:
    """Name what is wrong with a result, whatever its formula; tell whether all are numbers."""
    if shape:
        add("not_scalar", shape)
    if dtype != "float32":
        add("changes_type", dtype)
    if not np.isfinite(values).all():
        add("not_finite", values[~np.isfinite(values)][0])
    return bool(np.isfinite(values).all())


def _identify(
    values: np.ndarray, cases: list[Any], parts: list[Part], formula: Callable[..., float]
) -> tuple[list[tuple[str, str]], Callable[..., float]] | None:
    """Find the fewest illnesses, two at most, that explain all values; a factor is one of them.

    Returns:
        The illnesses with their details, and the formula that has them, of case and scale.
    """
    ways, odd = [], None
    for names in itertools.product(*parts):
        ill = [(name.partition("|")[0], name.partition("|")[2]) for name in names if name]
        chosen = [part[name] for part, name in zip(parts, names, strict=True)]
        ways += [(len(ill) + free, free, ill, chosen) for free in (False, True)]
    for _, free, ill, chosen in sorted((w for w in ways if w[0] <= 2), key=lambda w: w[:2]):
        predicted = np.array([formula(chosen, case) for case in cases])
        ratio = float(values @ predicted / (predicted @ predicted or 1.0)) if free else 1.0
        if not ratio or not np.allclose(values, ratio * predicted, rtol=NEAR, atol=1e-5):
            continue
        explained = functools.partial(_scaled, ratio, formula, chosen)
        name = {2.0: "factor_doubled", 0.5: "factor_halved"}.get(round(ratio, 2))
        if not free:
            return ill, explained
        if name:
            return [*ill, (name, "")], explained
        # A norm over fewer axes makes an odd factor, too: look on for a better name.
        odd = odd or ([*ill, ("factor_wrong", f"{ratio:.3g}")], explained)
    return odd


def _scaled(ratio: float, formula: Callable[..., float], *case: Any) -> float:
    return ratio * formula(*case)


# ---------------------------------------------------------------- penalties


class Critic:
    """D(x) = ``Σ (w x + ½ c x² + a |x|)``: linear, quadratic or bent, each sample for itself.

    This is what a function for NumPy gets: ``critic(x)`` scores samples ``(n, ...)``, an array
    ``(n, 1)``, and ``critic.gradient(x)`` is the gradient of each score for its own sample, with
    the shape of ``x``. Both take ``training=False``, as Keras models do.
    """

    def __init__(self, weights: np.ndarray, curvature: float = 0.0, kink: float = 0.0) -> None:
        self._weights, self._curvature, self._kink = weights, curvature, kink
        self._noted: dict[bytes, np.ndarray] = {}  # where gradients were taken; each array once
        self._calls, self._trains = 0, False

    def __call__(self, x: Any, training: Any = False) -> Any:
        """The scores of the samples."""
        x = self._admit(np.asarray(x), training)
        terms = self._weights * x + self._curvature * x**2 / 2 + self._kink * np.abs(x)
        return _flat(terms).sum(axis=1, keepdims=True)

    def gradient(self, x: Any, training: Any = False) -> np.ndarray:
        """The gradient of each score for its own sample."""
        return self._exact(self._note(self._admit(np.asarray(x), training)))

    def _exact(self, x: np.ndarray) -> np.ndarray:
        return self._weights + self._curvature * x + self._kink * np.sign(x)

    def _admit(self, x: Any, training: Any) -> Any:
        self._trains = self._trains or bool(np.any(training))
        if tuple(x.shape[1:]) != self._weights.shape:
            wish = ", ".join(["n", *map(str, self._weights.shape)])
            raise ValueError(f"the critic takes samples ({wish}); got shape {tuple(x.shape)}")
        return x

    def _note(self, x: np.ndarray) -> np.ndarray:
        self._calls += 1
        self._noted.setdefault(x.tobytes(), np.array(x, np.float64))
        return x


class _TensorCritic(Critic):
    """The same for tensors, times a scale that stands for all weights.

    A gradient on its way back to the points passes ``watched``, and is noted there.
    """

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.scale = tf.constant(1.0)

    def __call__(self, x: Any, training: Any = False) -> tf.Tensor:
        points = self._admit(tf.convert_to_tensor(x), training)

        @tf.custom_gradient
        def watched(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            def backward(upstream: tf.Tensor) -> tf.Tensor:
                # As an operation, so that it also works inside a vectorised map.
                noted = tf.numpy_function(self._note, [points], points.dtype)
                noted.set_shape(points.shape)
                return upstream + 0 * tf.stop_gradient(noted)

            return tf.identity(x), backward

        x = watched(points)
        weights, scale = tf.cast(self._weights, x.dtype), tf.cast(self.scale, x.dtype)
        terms = weights * x + self._curvature * tf.square(x) / 2 + self._kink * tf.abs(x)
        return scale * tf.reduce_sum(terms, axis=list(range(1, len(x.shape))))[:, None]


_WHERE = {
    "between": "between real and fake",
    "only_real": "at the real samples",
    "only_fake": "at the generated samples",
    "real_and_fake": "at the real samples and at the generated ones",
    "beside_real": "beside the real samples",
}
_COSTS: dict[str, tuple[str, Callable[..., Any], Part]] = {  # and what they are without a square
    "two_sided": (
        "(s - 1)²",
        lambda s: (s - 1) ** 2,
        {"no_square||s - 1|": lambda s: abs(s - 1), "no_square|s - 1": lambda s: s - 1},
    ),
    "one_sided": (
        "max(0, s - 1)²",
        lambda s: np.maximum(0, s - 1) ** 2,
        {"no_square|max(0, s - 1)": lambda s: np.maximum(0, s - 1)},
    ),
    "zero_centered": ("s²", np.square, {"no_square|s": lambda s: s}),
}
_PENALTIES = {  # where you look, what a slope costs, the factor
    "wgan_gp": ("between", "two_sided", 1.0),
    "one_sided": ("between", "one_sided", 1.0),
    "zero_centered": ("between", "zero_centered", 1.0),
    "r1": ("only_real", "zero_centered", 0.5),
    "r2": ("only_fake", "zero_centered", 0.5),
    "r1_r2": ("real_and_fake", "zero_centered", 0.5),
    "dragan": ("beside_real", "two_sided", 1.0),
}


def _flat(samples: np.ndarray) -> np.ndarray:
    """Samples as rows."""
    return samples.reshape(len(samples), math.prod(samples.shape[1:]))


class _Look:
    """One call of a penalty: what it was given, where it looked, what came out."""

    def __init__(
        self,
        function: Callable[..., Any],
        tensors: bool,
        shape: tuple[int, ...],
        count: int,
        seed: int,
        *bends: float,
        slope: float = 0.0,
    ) -> None:
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=shape)
        weights *= slope / np.linalg.norm(weights)
        real = rng.normal(size=(count, *shape))
        far = rng.choice([-1.0, 1.0], real.shape) * rng.uniform(2, 3, real.shape)
        _flat(far)[:, 0] = 0  # a value that stays, whatever α
        self.real, self.fake = (a.astype(np.float32).astype(np.float64) for a in (real, real + far))
        self.critic = (_TensorCritic if tensors else Critic)(weights, *bends)
        samples = [
            tf.constant(a, tf.float32) if tensors else a.copy() for a in (self.real, self.fake)
        ]
        value, self.dtype, gradients = _call(
            functools.partial(function, seed=seed),
            tensors,
            [self.critic, *samples],
            [self.critic.scale] if isinstance(self.critic, _TensorCritic) else [],
        )
        self.shape, self.value = value.shape, float(value.mean())
        self.derivative = float(sum(gradients))
        self.kept = all(map(np.array_equal, samples, (self.real, self.fake)))
        calls = list(self.critic._noted.values()) or [self.real[:0]]
        self.rows = np.concatenate(calls)
        # Scores in the call that a row was part of: what a mean would divide its slope by.
        self.sizes = np.repeat([len(c) for c in calls], [len(c) for c in calls])

    @functools.cached_property
    def place(self) -> tuple[str, list[np.ndarray]]:
        """Where the rows lie, and which of them belong to one mean."""
        everything = [np.arange(len(self.rows))]
        rows, real, fake = map(_flat, (self.rows, self.real, self.fake))
        at_real, at_fake = (abs(rows[:, None] - a).max(-1) < NEAR for a in (real, fake))
        all_real, all_fake = at_real.any(0).all(), at_fake.any(0).all()
        if all_real and all_fake and len(rows) == 2 * len(real):
            return "real_and_fake", [np.flatnonzero(at.any(1)) for at in (at_real, at_fake)]
        if len(rows) != len(real):
            return "elsewhere", everything
        places = {
            "only_real": all_real,
            "only_fake": all_fake,
            "between": abs(rows - real)[:, 0].max() < NEAR,
            "beside_real": abs(rows - real).max() < 2.5,  # of their std; a stranger is farther away
            "elsewhere": True,
        }
        return next(place for place, here in places.items() if here), everything

    @functools.cached_property
    def alpha(self) -> np.ndarray:
        """(x̂ - x) / (x̃ - x) of each value but the one that stays."""
        rows, real, fake = (_flat(a)[:, 1:] for a in (self.rows, self.real, self.fake))
        return (rows - real) / (fake - real)

    @property
    def noise(self) -> np.ndarray:
        """(x̂ - x) / (½ std) of each value."""
        return _flat(self.rows - self.real) / (0.5 * self.real.std())


def examine(
    function: Callable[..., Any],
    penalty: str = "wgan_gp",
    framework: str = "tensorflow",
    sample_shape: tuple[int, ...] = (4, 3, 5),
) -> Report:
    """Examine a gradient penalty, and name what is wrong with it.

    Args:
        function: ``(critic, real, fake) -> scalar``, with or without an argument ``seed``, which
            gets another whole number in each call. ``real`` and ``fake`` are ``(n, *sample_shape)``
            with several n; ``critic`` gives scores ``(n, 1)``. For TensorFlow it is a function of
            tensors. For NumPy it is a ``Critic``, whose ``gradient(x)`` stands in for the tape;
            a detached gradient, and a guard that only derivatives need, cannot be seen then.
            A missing guard is named where it does harm: where a cost is flat at slope 0 (one-sided,
            zero-centred), TensorFlow's gradient of the root is 0, not NaN.
        penalty: What is meant, a name in ``penalties.PENALTIES``; unweighted, as there.
        framework: "tensorflow" or "numpy".
        sample_shape: Shape of a sample, two values at least. Give ``(2,)`` for a penalty that is
            written for points. The law of DRAGAN's α shows from 8 values on.

    Returns:
        A report. What the function raises is a finding, too.

    Raises:
        ValueError: If an argument is not one of these.
    """
    meant = _checks.member("penalty", penalty, _PENALTIES)
    tensors = _checks.member("framework", framework, {"tensorflow": True, "numpy": False})
    if not callable(function):
        raise ValueError(f"function must be callable; got {function!r}")
    if math.prod(_checks.whole("sample_shape", size) for size in sample_shape) < 2:
        raise ValueError(f"sample_shape must have two values at least; got {sample_shape}")
    report = Report(penalty)
    look = functools.partial(_Look, penalties.get(function), tensors, tuple(sample_shape))
    try:
        _examine(report, look, tuple(sample_shape), *meant)
    except _Stopped as error:
        report._add("raises", error)
    return report


def _examine(
    report: Report,
    look: Callable[..., _Look],
    shape: tuple[int, ...],
    place: str,
    cost: str,
    factor: float,
) -> None:
    few, more = 5, 7  # two sizes: what fits one batch by accident fails in the other
    looks = [
        look(few, 1, slope=0.5),
        look(more, 2, 0.3, slope=1.0),
        look(few, 3, 0.0, 2 / math.sqrt(math.prod(shape))),
        look(more, 4, 0.5, slope=3.0),
    ]
    first, values = looks[0], np.array([one.value for one in looks])
    if not first.kept:
        report._add("changes_input")
    if first.critic._trains:
        report._add("dropout")
    if not len(first.rows):
        report._add("no_gradient")
        return
    seen, _ = first.place
    if seen != place:
        report._add(seen, wish=_WHERE[place])
    elif place in ("between", "beside_real"):
        law = look(FEW if first.critic._calls > 2 else MANY, 5, slope=0.5)
        (_judge_alpha if place == "between" else _judge_noise)(report, looks, law)
    if not _usable(report._add, first.shape, first.dtype, values):
        return

    def value(chosen: list[Callable[..., Any]], one: _Look, scale: float = 1.0) -> float:
        gradient, norm, charge, mean = chosen
        exact = [(scale * one.critic._exact(one.rows[g]), one, g) for g in one.place[1]]
        return factor * sum(mean(charge, norm(gradient(*group))) for group in exact)

    match = _identify(values, looks, _penalty_parts(len(shape), seen, cost), value)
    derivatives = np.array([one.derivative for one in looks])
    tensors = isinstance(first.critic, _TensorCritic)
    for illness, detail in match[0] if match else []:
        report._add(illness, detail, wish=_COSTS[cost][0])
    if match is None:
        right = factor * len(first.place[1]) * _COSTS[cost][1](0.5)
        report._add("formula", f"{values[0]:.4g} where every slope is 0.5", f"{right:.4g}")
    if tensors and not derivatives.any():
        report._add("detached")
    elif tensors and match:
        up, down = (np.array([match[1](one, scale) for one in looks]) for scale in (1.001, 0.999))
        if not np.allclose(derivatives, (up - down) / 0.002, rtol=0.01, atol=NEAR):
            report._add("wrong_gradient")
    flat = look(few, 6)
    if not math.isfinite(flat.value + flat.derivative):
        report._add("no_guard", "gradient" if math.isfinite(flat.value) else "value")


def _penalty_parts(rank: int, place: str, cost: str) -> list[Part]:
    """The ways to do each step: the gradient, its norm, the cost of a slope, the mean."""

    def norm(axes: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
        return lambda g: np.sqrt(np.square(g).sum(axis=axes))

    right = tuple(range(1, rank + 1))
    subsets = [s for n in range(1, rank + 1) for s in itertools.combinations((0, *right), n)]
    gradients: Part = {
        "": lambda g, look, rows: g,
        "mean_before_gradient": lambda g, look, rows: (g.T / look.sizes[rows]).T,
    }
    if place == "between":
        gradients |= {
            "wrong_variable|α": lambda g, look, rows: (g.T * look.alpha.mean(1)).T,
            "wrong_variable|1 - α": lambda g, look, rows: (g.T * (1 - look.alpha.mean(1))).T,
        }
    norms: Part = {
        "": norm(right),
        "mean_for_sum": lambda g: np.sqrt(np.square(g).mean(axis=right)),
        "squared_norm": lambda g: np.square(g).sum(axis=right),
        "norm_l1": lambda g: abs(g).sum(axis=right),
        "norm_whole_batch": norm((0, *right)),
        "no_norm": abs,
        "no_norm|signed": lambda g: g,
    }
    norms |= {f"norm_wrong_axes|{axes}": norm(axes) for axes in subsets if axes != right}
    costs: Part = {"": _COSTS[cost][1], **_COSTS[cost][2]}
    costs |= {name: other for name, (_, other, _) in _COSTS.items() if name != cost}
    costs |= {"wrong_side": lambda s: np.maximum(0, 1 - s) ** 2}
    means: Part = {
        "": lambda charge, s: charge(s).mean(),
        "mean_before_square": lambda charge, s: charge(s.mean()),
        "sum_over_batch": lambda charge, s: charge(s).sum(),
        "wrong_sign": lambda charge, s: -charge(s).mean(),
    }
    return [gradients, norms, costs, means]


def _judge_alpha(report: Report, looks: list[_Look], law: _Look) -> None:
    """Is there one α per sample, new in each call, and uniform?"""
    alpha = law.alpha[:, 0]
    shared = np.ptp(alpha) < NEAR
    if np.ptp(law.alpha, axis=1).max() > NEAR:
        report._add("alpha_per_pixel")
    pairs = zip(looks[:2], looks[2:], strict=True)  # of equal batch size
    if all(np.allclose(a.alpha, b.alpha, rtol=0, atol=NEAR) for a, b in pairs):
        report._add("alpha_fixed")
    elif shared:
        report._add("alpha_per_batch")
    if shared:  # too few numbers to tell more of their law than where they lie
        alpha = np.array([one.alpha[0, 0] for one in [*looks, law]])
    low, high = alpha.min(), alpha.max()
    # Dvoretzky, Kiefer, Wolfowitz, Massart: P(distance > d) <= 2 exp(-2 n d²).
    margin = math.sqrt(math.log(2 / MISS) / (2 * len(alpha)))
    uniform = _distance(alpha, lambda a: np.clip(a, 0, 1))
    if low < -NEAR or high > 1 + NEAR or uniform > margin:
        normal = statistics.NormalDist(alpha.mean(), alpha.std() or 1.0)
        to_normal = _distance(alpha, np.vectorize(normal.cdf))
        to_flat = _distance(alpha, lambda a: (a - low) / (high - low or 1.0))
        seen = f"mean {alpha.mean():.2f}, from {low:.2f} to {high:.2f}"
        report._add("alpha_normal" if to_normal < min(to_flat, margin) else "alpha_law", seen)


def _judge_noise(report: Report, looks: list[_Look], law: _Look) -> None:
    """Is the noise αδ / (½ std) a product of two uniform numbers, one of them per sample?"""
    noise, top = law.noise, law.noise.max()
    if noise.min() < -NEAR:
        report._add("noise_negative", f"{noise.min():.2g}")
    elif top > 1 + NEAR:
        report._add("noise_scale", f"{top:.2g}")
    elif noise.shape[1] < 8:  # too few values a sample to see which α they share
        return
    # Healthy: P(a sample's highest < 0.3 top) > 0.28; a share below 0.08 of 128 has P < 1e-6.
    elif (noise.max(axis=1) < 0.3 * top).mean() < 0.08:
        value = noise[:, 0] / top
        to_product = _distance(value, lambda v: v - v * np.log(np.maximum(v, 1e-9)))
        if to_product < _distance(value, lambda v: v):
            report._add("alpha_per_pixel")
        else:
            always = min(one.noise.max() for one in looks) > 0.9
            report._add("no_alpha" if always else "alpha_per_batch")
    elif top < 0.6:  # healthy: P < 1e-12
        report._add("noise_scale", f"{top:.2g}")


def _distance(values: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> float:
    """Kolmogorov's distance of values from a law."""
    at, steps = cdf(np.sort(values)), np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - at).max(), (at - steps[:-1]).max()))


# ---------------------------------------------------------------- losses

_softplus = functools.partial(np.logaddexp, 0.0)
_relu = functools.partial(np.maximum, 0.0)
# What the discriminator adds up, and the generator's loss, of logits real and fake.
_Loss = tuple[tuple[Callable[..., Any], ...], Callable[..., Any]]
_CROSS_ENTROPY = (lambda r, f: _softplus(-r), lambda r, f: _softplus(f))
_LOSSES: dict[str, _Loss] = {
    "non_saturating": (_CROSS_ENTROPY, lambda r, f: _softplus(-f)),
    "minimax": (_CROSS_ENTROPY, lambda r, f: -_softplus(f)),
    "wasserstein": ((lambda r, f: -r, lambda r, f: f), lambda r, f: -f),
    "hinge": ((lambda r, f: _relu(1 - r), lambda r, f: _relu(1 + f)), lambda r, f: -f),
    "least_squares": (
        (lambda r, f: (r - 1) ** 2 / 2, lambda r, f: f**2 / 2),
        lambda r, f: (f - 1) ** 2 / 2,
    ),
    "relativistic": ((lambda r, f: _softplus(f - r),), lambda r, f: _softplus(r - f)),
}


def examine_loss(pair: Any, loss: str = "non_saturating", framework: str = "tensorflow") -> Report:
    """Examine an adversarial loss, and name what is wrong with it.

    Args:
        pair: The discriminator's loss and the generator's, as attributes ``discriminator`` and
            ``generator`` (a ``losses.AdversarialLoss``) or as a pair of functions. Each is
            ``(real_logits, fake_logits) -> scalar``, with logits ``(n, 1)`` and several n; the
            generator's may take ``fake_logits`` alone.
        loss: What is meant, a name in ``losses.LOSSES``.
        framework: "tensorflow" or "numpy".

    Returns:
        A report; what is seen begins with the player. What a function raises is a finding, too.

    Raises:
        ValueError: If an argument is not one of these.
    """
    _checks.member("loss", loss, _LOSSES)
    tensors = _checks.member("framework", framework, {"tensorflow": True, "numpy": False})
    if hasattr(pair, "discriminator") and hasattr(pair, "generator"):
        pair = (pair.discriminator, pair.generator)
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(map(callable, pair))):
        raise ValueError(f"pair must be two functions, discriminator's and generator's; got {pair}")
    report = Report(loss)
    for player, function in zip(("discriminator", "generator"), pair, strict=True):
        add = functools.partial(report._add, player=player)
        try:
            _examine_player(add, player, _of_both(function), loss, tensors)
        except _Stopped as error:
            add("raises", error)
    return report


def _of_both(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss of the fakes alone, as a function of real and fake."""
    arguments = inspect.signature(function).parameters.values()
    needed = sum(a.default is a.empty and a.kind in (0, 1) for a in arguments)  # positional
    return function if needed != 1 else lambda real, fake: function(fake)


def _examine_player(
    add: Callable[..., None], player: str, function: Callable[..., Any], loss: str, tensors: bool
) -> None:
    def look(*logits: np.ndarray) -> tuple[np.ndarray, str, np.ndarray]:
        given = [tf.constant(a, tf.float32) if tensors else a.copy() for a in logits]
        value, dtype, gradients = _call(function, tensors, given, given)
        if not tensors:
            average = functools.partial(_average, function)
            return value, dtype, _differences(average, logits)
        return value, dtype, np.array(gradients)

    def value(chosen: list[Callable[..., Any]], logits: tuple[np.ndarray, ...]) -> float:
        formula, given, mean = chosen
        return mean(formula, *given(*logits))

    rng = np.random.default_rng(0)
    cases = [tuple(rng.normal(0, 2, (2, n, 1))) for n in (5, 7)]
    results = [look(*case) for case in cases]
    values = np.array([value.mean() for value, _, _ in results])
    if not _usable(add, results[0][0].shape, results[0][1], values):
        return
    parts = _loss_parts(loss, player)
    match = _identify(values, cases, parts, value)
    for illness, detail in match[0] if match else []:
        add(illness, detail, wish=loss)
    if match is None:
        right = value([part[""] for part in parts], cases[0])
        add("formula", f"{values[0]:.4g} on random logits", f"{right:.4g}")
    if not results[0][2].any():
        add("detached")
        return
    ends = [(np.full((5, 1), s), np.full((5, 1), -s)) for s in (20.0, -20.0, 1e4, -1e4)]
    for logits in [cases[0], *ends]:
        result, _, gradients = look(*logits)
        size = f"{abs(logits[0]).max():g}"
        if not (np.isfinite(result).all() and np.isfinite(gradients).all()):
            add("overflow", size)
            return
        if match is None:
            continue
        exact = _differences(lambda *case: match[1](case), logits)
        wrong = abs(gradients - exact) - 0.05 * abs(exact)
        if wrong.max() > 1e-4 and logits is cases[0]:
            add("wrong_gradient")
            return
        if wrong.max() > 1e-4:
            at = np.unravel_index(wrong.argmax(), wrong.shape)
            add("saturates", f"{gradients[at]:.2g} at logits of ±{size}", f"{exact[at]:.2g}")
            return


def _average(function: Callable[..., Any], *logits: np.ndarray) -> float:
    return float(_call(function, False, [*logits], [])[0].mean())


def _differences(
    function: Callable[..., float], logits: tuple[np.ndarray, ...], step: float = 1e-4
) -> np.ndarray:
    """The gradient of a scalar for real and fake logits, (2, n, 1), by central differences."""
    start = np.array(logits)
    gradient = np.zeros_like(start)
    for index in np.ndindex(*start.shape):
        shift = np.zeros_like(start)
        shift[index] = step
        gradient[index] = (function(*(start + shift)) - function(*(start - shift))) / (2 * step)
    return gradient


def _loss_parts(loss: str, player: str) -> list[Part]:
    """The ways to do each step: the formula, which logits go in, the mean."""

    def whole(terms: Any, generator: Any) -> Callable[..., Any]:
        return generator if player == "generator" else lambda r, f: sum(t(r, f) for t in terms)

    terms = _LOSSES[loss][0]
    formulas: Part = {"": whole(*_LOSSES[loss])}
    if player == "generator":  # it lowers what the discriminator lowers
        formulas["wrong_sign"] = terms[-1]
    elif len(terms) == 2:
        formulas |= {"missing_term|real": terms[0], "missing_term|fake": terms[1]}
    if (loss, player) == ("non_saturating", "generator"):
        formulas["saturates|this is minimax"] = whole(*_LOSSES["minimax"])
    formulas |= {f"another_loss|{name}": whole(*other) for name, other in _LOSSES.items()}
    if terms is _CROSS_ENTROPY:  # as Keras clips probabilities; 1 - 2^-23 is float32's 1 - 1e-7
        clipped = functools.partial(np.clip, a_min=1e-7, a_max=1 - 2**-23)
        parts = (lambda r, f: -np.log(clipped(r)), lambda r, f: -np.log(1 - clipped(f)))
        formulas["not_logits"] = whole(parts, lambda r, f: -np.log(clipped(f)))
    inputs: Part = {
        "": lambda r, f: (r, f),
        "swapped": lambda r, f: (f, r),
        "wrong_sign": lambda r, f: (-r, -f),
        "double_sigmoid": lambda r, f: (np.exp(-_softplus(-r)), np.exp(-_softplus(-f))),
    }
    if player == "generator":  # what both would explain: the pairs' losses
        inputs = {name: inputs[name] for name in ("", "wrong_sign", "swapped", "double_sigmoid")}
    means: Part = {
        "": lambda loss, r, f: loss(r, f).mean(),
        "wrong_sign": lambda loss, r, f: -loss(r, f).mean(),
        "sum_over_batch": lambda loss, r, f: loss(r, f).sum(),
        "all_pairs": lambda loss, r, f: loss(r, f.T).mean(),
    }
    return [formulas, inputs, means]
