"""Two-player games small enough to see: the Dirac-GAN and bilinear games.

A state holds the generator's numbers x, then the discriminator's numbers y. Each player descends
its own loss, so a state moves along the field v = (−∇ₓL_g, −∇_yL_d). Near an equilibrium the
eigenvalues of v's Jacobian decide: a negative real part draws states in, an imaginary part turns
them. The losses and penalties are those of ``gpat_lib.losses`` and ``gpat_lib.penalties``, and
every derivative is taken by autodiff, in float64. Closed forms to compare with stand at the end.
"""

import cmath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gpat_lib import _checks, losses, penalties

Losses = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


@dataclass(frozen=True)
class Game:
    """Two players, each with numbers of its own and a loss that depends on both.

    Attributes:
        name: What to call it in a figure.
        sizes: How many numbers the generator and the discriminator have, p and q; d = p + q.
        losses: ``(x (p,), y (q,)) -> (L_g, L_d)``, two scalar tensors, of float64 tensors. Write
            squares as ``tf.square``: TensorFlow's power has no second derivative at 0.
        adversarial: The same without penalties and gradient terms; ``None`` if there are none.
    """

    name: str
    sizes: tuple[int, int]
    losses: Losses
    adversarial: Losses | None = None


# -------------------------------------------------------------------- games


def dirac(
    loss: str | losses.AdversarialLoss = "minimax",
    penalty: str | Callable[..., Any] | None = None,
    weight: float = 1.0,
) -> Game:
    """The Dirac-GAN: one datum at 0, one fake at θ, and a discriminator D(x) = ψx.

    L_g = loss.generator(D(0), D(θ)) and L_d = loss.discriminator(D(0), D(θ)) + weight ·
    penalty(D, 0, θ); a state is (θ, ψ). Source: Mescheder et al. 2018, section 2. Their
    discriminator scores *fakes* high; this library's scores reals high, so ψ here is their −ψ.
    That mirrors the pictures and leaves every eigenvalue as it is. D's slope is ``|ψ|``
    everywhere, so points that a penalty draws at random change nothing.

    "wgan_gp" and "dragan" have a corner at ψ = 0, which the guard of ``gradient_norm`` rounds
    over ``|ψ|`` < 1e-6: eigenvalues there are huge. With the exact ``|ψ|`` and the Wasserstein loss
    a weight from 1 stalls for ever at θ = 2 · weight · sign ψ; with the guard it waits there, the
    longer the larger the weight, then ψ slips through 0 and it goes round.

    Args:
        loss: What ``losses.get`` takes.
        penalty: What ``penalties.get`` takes, or ``None``.
        weight: λ4, which multiplies the penalty; from 0.

    Raises:
        ValueError: If a name is unknown, or ``weight`` is negative or not finite.
    """
    adversary = losses.get(loss)
    cost = None if penalty is None else penalties.get(penalty)
    weight = _checks.number("weight", weight)
    real = tf.zeros([1, 1], tf.float64)

    def adversarial(theta: tf.Tensor, psi: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        scores = psi * real, psi * theta[None]
        return adversary.generator(*scores), adversary.discriminator(*scores)

    if cost is None:
        return Game(f"Dirac-GAN, {adversary.name}", (1, 1), adversarial)

    def penalised(theta: tf.Tensor, psi: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        g_loss, d_loss = adversarial(theta, psi)
        return g_loss, d_loss + weight * cost(lambda x: psi * x, real, theta[None], seed=0)

    label = penalty if isinstance(penalty, str) else getattr(penalty, "name", "own penalty")
    return Game(f"Dirac-GAN, {adversary.name}, {weight:g} {label}", (1, 1), penalised, adversarial)


def bilinear(matrix: Any) -> Game:
    """The game min over x, max over y of xᵀAy: L_g = xᵀAy = −L_d.

    Args:
        matrix: A, finite, of shape ``(p, q)``; a number is the scalar game.

    Raises:
        ValueError: If the matrix is empty, not finite, or has more than two axes.
    """
    matrix = _matrix(matrix)
    size = f"{matrix.shape[0]} × {matrix.shape[1]}"
    constant = tf.constant(matrix)

    def value(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        gain = tf.reduce_sum(x * tf.linalg.matvec(constant, y))
        return gain, -gain

    return Game(f"bilinear game, {size}", matrix.shape, value)


# Which squared gradient each player adds to its loss, as weights of (‖∇ₓL_g‖², ‖∇_yL_d‖²):
# first the generator's two weights, then the discriminator's.
GRADIENT_TERMS = {
    "field": ((0.0, 1.0), (0.0, 0.0)),  # Nagarajan and Kolter 2017
    "jare": ((0.0, 1.0), (1.0, 0.0)),  # Nie and Patel 2019
    "consensus": ((1.0, 1.0), (1.0, 1.0)),  # Mescheder et al. 2017
}


def with_gradient_term(game: Game, kind: str, gamma: float) -> Game:
    """Add λ2's term, γ/2 times squared gradients of the players' losses, to a game.

    ========= ============================== ==============================
    kind      the generator's loss gains     the discriminator's loss gains
    ========= ============================== ==============================
    field     γ/2 ‖∇_yL_d‖²                  nothing
    jare      γ/2 ‖∇_yL_d‖²                  γ/2 ‖∇ₓL_g‖²
    consensus γ/2 (‖∇_yL_d‖² + ‖∇ₓL_g‖²)     the same
    ========= ============================== ==============================

    The gradients are those of the adversarial losses, without the game's penalty or an earlier
    term. "field" is Nagarajan and Kolter's (2017) regulariser; they write η without the ½, so
    γ = 2η. "jare" is Nie and Patel's, "consensus" Mescheder et al.'s (2017), both with this ½.

    Args:
        game: The game; it is left as it is.
        kind: A name in ``GRADIENT_TERMS``.
        gamma: γ, from 0.

    Raises:
        ValueError: If the kind is unknown, or ``gamma`` is negative or not finite.
    """
    weights = tf.constant(_checks.member("kind", kind, GRADIENT_TERMS), tf.float64)
    weights *= _checks.number("gamma", gamma)
    adversarial = game.adversarial or game.losses

    def with_term(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        g_loss, d_loss = game.losses(x, y)
        squares = [tf.reduce_sum(tf.square(g)) for g in _own_gradients(adversarial, x, y)]
        g_term, d_term = tf.unstack(0.5 * tf.linalg.matvec(weights, tf.stack(squares)))
        return g_loss + g_term, d_loss + d_term

    return Game(f"{game.name}, {gamma:g} {kind}", game.sizes, with_term, adversarial)


# -------------------------------------------------------------------- fields and eigenvalues


def field(game: Game, states: Any) -> np.ndarray:
    """The field v = (−∇ₓL_g, −∇_yL_d): where each player pushes.

    Args:
        game: The game.
        states: One state ``(d,)`` or several ``(n, d)``, finite.

    Returns:
        float64 array of the same shape.

    Raises:
        ValueError: If the states have another shape or are not finite.
    """
    states = _states("states", game, states)
    return _compiled(lambda now: _each(lambda state: _velocity(game, state), now), states)


def jacobian(game: Game, state: Any) -> np.ndarray:
    """The Jacobian ∂v/∂state of the field at one state ``(d,)``: float64 ``(d, d)``.

    Raises:
        ValueError: If the state has another shape or is not finite.
    """
    return _jacobian(lambda s: _velocity(game, s), _states("state", game, state, one=True)).numpy()


def eigenvalues(game: Game, state: Any) -> np.ndarray:
    """The eigenvalues of ``jacobian(game, state)``: complex ``(d,)``, in no special order.

    At an equilibrium, the flow converges near it if all real parts are negative. With small
    enough steps the simultaneous method then converges too (Mescheder et al. 2017).

    Raises:
        ValueError: If the state has another shape or is not finite.
    """
    return np.linalg.eigvals(jacobian(game, state)).astype(complex)


def step_eigenvalues(
    game: Game, state: Any, step_size: float, method: str = "simultaneous", **options: Any
) -> np.ndarray:
    """The eigenvalues of the Jacobian of one step of a method: complex ``(d,)``, in no order.

    At an equilibrium, the steps converge near it if the largest absolute value, the spectral
    radius, is below 1.

    Args:
        game: The game.
        state: One state ``(d,)``, finite.
        step_size: Learning rate of both players, from 0.
        method: A name in ``METHODS``.
        **options: Further arguments of the method, such as ``n_critic``.

    Raises:
        ValueError: If the method is unknown, or an argument has a wrong shape or range.
    """
    step = _step(game, step_size, method, options)
    matrix = _jacobian(step, _states("state", game, state, one=True)).numpy()
    return np.linalg.eigvals(matrix).astype(complex)


# -------------------------------------------------------------------- methods
# Differentiable functions (game, state (d,), step_size) -> state (d,).


def simultaneous(game: Game, state: tf.Tensor, step_size: Any) -> tf.Tensor:
    """Both players step from where they stand: w + ηv(w)."""
    return state + step_size * _velocity(game, state)


def alternating(
    game: Game, state: tf.Tensor, step_size: Any, n_critic: int = 1, n_generator: int = 1
) -> tf.Tensor:
    """The discriminator steps first, ``n_critic`` times, and the generator answers.

    The order is that of ``GPAT.train_step``. ``n_generator`` steps of the generator follow.
    """
    p, q = game.sizes
    for chosen, count in (
        ([0.0] * p + [1.0] * q, _checks.whole("n_critic", n_critic)),
        ([1.0] * p + [0.0] * q, _checks.whole("n_generator", n_generator)),
    ):
        for _ in range(count):
            mover = tf.constant(chosen, tf.float64)
            state += step_size * mover * _velocity(game, state)
    return state


def extragradient(game: Game, state: tf.Tensor, step_size: Any) -> tf.Tensor:
    """Look ahead, then step from where you stood: w + ηv(w + ηv(w)) (Korpelevich 1976)."""
    return state + step_size * _velocity(game, simultaneous(game, state, step_size))


def competitive(game: Game, state: tf.Tensor, step_size: Any) -> tf.Tensor:
    """Competitive gradient descent: each player answers the other's step, to first order.

    The steps solve Δx = η(vₓ + ∂vₓ/∂y Δy), Δy = η(v_y + ∂v_y/∂x Δx), one linear system. For
    L_g = f = −L_d that is Δx = −η(I + η²D_xy D_yx)⁻¹(∇ₓf + ηD_xy∇_yf) and
    Δy = η(I + η²D_yx D_xy)⁻¹(∇_yf − ηD_yx∇ₓf), which always exists; in other games (one with a
    penalty) a large step can make the system singular. Source: Schäfer and Anandkumar 2019.
    """
    p, q = game.sizes
    theirs = np.ones((p + q, p + q))  # keeps the derivatives for the *other* player's numbers
    theirs[:p, :p] = theirs[p:, p:] = 0.0
    matrix = _jacobian(lambda w: _velocity(game, w), state) * theirs
    system = tf.eye(p + q, dtype=tf.float64) - step_size * matrix
    pull = step_size * _velocity(game, state)
    return state + tf.linalg.solve(system, pull[:, None])[:, 0]


def flow(game: Game, state: tf.Tensor, step_size: Any, substeps: int = 1) -> tf.Tensor:
    """Follow the field dw/dt = v(w) for a time η: ``substeps`` classical Runge-Kutta steps.

    The error shrinks with the fourth power of η/``substeps``.
    """
    substeps = _checks.whole("substeps", substeps)
    time = step_size / substeps
    for _ in range(substeps):
        first = _velocity(game, state)
        second = _velocity(game, state + time / 2 * first)
        third = _velocity(game, state + time / 2 * second)
        fourth = _velocity(game, state + time * third)
        state += time / 6 * (first + 2 * second + 2 * third + fourth)
    return state


METHODS: dict[str, Callable[..., tf.Tensor]] = {
    "simultaneous": simultaneous,
    "alternating": alternating,
    "extragradient": extragradient,
    "competitive": competitive,
    "flow": flow,
}


def simulate(
    game: Game,
    start: Any,
    steps: int,
    step_size: float,
    method: str = "simultaneous",
    **options: Any,
) -> np.ndarray:
    """Play the game from one or several starts.

    Args:
        game: The game.
        start: One state ``(d,)`` or several ``(n, d)``, finite.
        steps: How many steps, from 0.
        step_size: Learning rate of both players, from 0; for "flow", the time between states.
        method: A name in ``METHODS``.
        **options: Further arguments of the method: ``n_critic`` and ``n_generator`` of
            "alternating", ``substeps`` of "flow".

    Returns:
        float64 array ``(steps + 1, d)`` or ``(steps + 1, n, d)``, the start first. A run that
        diverges far enough ends in infinity or NaN.

    Raises:
        ValueError: If the method is unknown, or an argument has a wrong shape or range.
    """
    states = _states("start", game, start)
    steps = _checks.whole("steps", steps, least=0)
    step = _step(game, step_size, method, options)

    def play(first: tf.Tensor) -> tf.Tensor:
        return tf.scan(lambda now, _: _each(step, now), tf.range(steps), initializer=first)

    return np.concatenate([states[None], _compiled(play, states)])


# -------------------------------------------------------------------- closed forms


def dirac_eigenvalues(cure: str = "none", gamma: float = 0.0, slope: float = 0.5) -> np.ndarray:
    """Eigenvalues of the Dirac-GAN's field at its equilibrium θ = ψ = 0.

    With f′ the loss's slope at 0 (½ for minimax, non-saturating and relativistic; 1 for
    Wasserstein and hinge), all are −damping ± √(damping² − f′²), with

    - "none", and "one_sided" as slopes below 1 are free: 0, so ±i f′, round and round;
    - "r1" or "r2" of weight γ: γ/2 (Mescheder et al. 2018); critical at γ = 2f′;
    - "r1_r2", and "zero_centered" as it has no ½: γ; critical at γ = f′;
    - "field": γf′²/2; with Nagarajan and Kolter's η = γ/2 and f′ = ½ this is η/4;

    except "consensus" and "jare", which damp both players alike: −γf′² ± i f′. Beyond the
    critical weight both eigenvalues are real, and the slower one returns to 0 as γ grows.

    Args:
        cure: Which term is added; a name above.
        gamma: γ, its weight, from 0.
        slope: f′, from 0.

    Returns:
        complex ``(2,)``.

    Raises:
        ValueError: If the cure is unknown, or a number is negative or not finite.
    """
    gamma, slope = _checks.number("gamma", gamma), _checks.number("slope", slope)
    on_one_player = {
        **dict.fromkeys(("none", "one_sided"), 0.0),
        **dict.fromkeys(("r1", "r2"), gamma / 2),
        **dict.fromkeys(("r1_r2", "zero_centered"), gamma),
        "field": gamma * slope**2 / 2,
    }
    on_both = dict.fromkeys(("consensus", "jare"), gamma * slope**2)
    damping = _checks.member("cure", cure, {**on_one_player, **on_both})
    root = 1j * slope if cure in on_both else cmath.sqrt(damping**2 - slope**2)
    return np.array([-damping + root, -damping - root])


def dirac_growth(states: Any, step_size: float) -> np.ndarray:
    """What one simultaneous step multiplies θ² + ψ² by: 1 + h²σ(θψ)², never below 1.

    For the minimax loss without a penalty; σ is the sigmoid, the losses' slope at this state in
    the library's sign. In the flow θ² + ψ² is conserved. Source: Mescheder et al. 2018.

    Args:
        states: Finite, ``(..., 2)``.
        step_size: h, from 0.

    Returns:
        float64 array ``(...)``.

    Raises:
        ValueError: If the states have another shape, or a number is out of range.
    """
    step_size = _checks.number("step_size", step_size)
    values = _finite("states", states)
    if values.ndim == 0 or values.shape[-1] != 2:
        raise ValueError(f"states must have shape (..., 2); got {values.shape}")
    # σ through tanh, which cannot overflow.
    sigmoid = 0.5 * (1.0 + np.tanh(values.prod(axis=-1) / 2))
    return 1.0 + (step_size * sigmoid) ** 2


def alternating_eigenvalues(
    step_size: float, frequency: float = 0.5, n_critic: int = 1, n_generator: int = 1
) -> np.ndarray:
    """Eigenvalues of alternating steps at a centre, where the field's are ±iω.

    1 − a²/2 ± √((1 − a²/2)² − 1) with a = h ω √(n_critic · n_generator). For a ≤ 2 both have
    absolute value 1; a run stays bounded if and only if a < 2, for at a = 2 they meet in −1 and
    states grow linearly. Source: Mescheder et al. 2018.

    Args:
        step_size: h, from 0.
        frequency: ω, from 0: f′ = ½ or 1 of the unregularised Dirac-GAN, or a singular value of
            a bilinear game.
        n_critic: Steps of the discriminator.
        n_generator: Steps of the generator.

    Returns:
        complex ``(2,)``.

    Raises:
        ValueError: If a number is out of range.
    """
    turns = _checks.whole("n_critic", n_critic) * _checks.whole("n_generator", n_generator)
    angle = _checks.number("step_size", step_size) * _checks.number("frequency", frequency)
    middle = 1.0 - turns * angle**2 / 2
    root = cmath.sqrt(middle**2 - 1.0)
    return np.array([middle + root, middle - root])


# Functions (η, σ, γ) -> the number m by which one step multiplies z = a + ib, where a and b are
# the two players' components along a pair of singular vectors: in the flow, dz/dt = iσz.
BILINEAR_FACTORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "flow": lambda eta, sigma, gamma: np.exp(1j * eta * sigma),
    "simultaneous": lambda eta, sigma, gamma: 1 + 1j * eta * sigma,
    "extragradient": lambda eta, sigma, gamma: 1 - (eta * sigma) ** 2 + 1j * eta * sigma,
    "competitive": lambda eta, sigma, gamma: 1 / (1 - 1j * eta * sigma),
    "consensus": lambda eta, sigma, gamma: 1 - eta * gamma * sigma**2 + 1j * eta * sigma,
}


def bilinear_factor(
    singular_value: float, step_size: float, method: str, gamma: float = 0.0
) -> complex:
    r"""How one step turns and stretches a bilinear game along one singular value σ.

    ============= ============================ ====================
    method        factor m                     spectral radius \|m\|
    ============= ============================ ====================
    flow          exp(iησ)                     1
    simultaneous  1 + iησ                      √(1 + η²σ²)
    extragradient 1 − η²σ² + iησ               √((1 − η²σ²)² + η²σ²)
    competitive   1/(1 − iησ)                  1/√(1 + η²σ²)
    consensus     1 − ηγσ² + iησ               √((1 − ηγσ²)² + η²σ²)
    ============= ============================ ====================

    The eigenvalues of the step are m and its conjugate. "consensus" means simultaneous steps
    with that term, and "jare" has the same factor. Alternating steps stretch the circle into an
    ellipse, so no single factor describes them: see ``alternating_eigenvalues``. Sources: Schäfer
    and Anandkumar 2019; Mescheder et al. 2017.

    Args:
        singular_value: σ, from 0.
        step_size: η, from 0.
        method: A name in ``BILINEAR_FACTORS``.
        gamma: The weight of "consensus", from 0.

    Raises:
        ValueError: If the method is unknown, or a number is negative or not finite.
    """
    factor = _checks.member("method", method, BILINEAR_FACTORS)
    singular_value = _checks.number("singular_value", singular_value)
    gamma = _checks.number("gamma", gamma)
    return complex(factor(_checks.number("step_size", step_size), singular_value, gamma))


def bilinear_trajectory(
    matrix: Any, start: Any, steps: int, step_size: float, method: str, gamma: float = 0.0
) -> np.ndarray:
    """What ``simulate`` does in a bilinear game, without simulating.

    With A = UΣVᵀ, a = Uᵀx and b = Vᵀy, each pair z = a + ib is after k steps mᵏz, where m is
    ``bilinear_factor``; components without a singular value stand still.

    Args:
        matrix: A, as for ``bilinear``.
        start: One state ``(p + q,)``, finite.
        steps: How many steps, from 0.
        step_size: η, from 0.
        method: A name in ``BILINEAR_FACTORS``.
        gamma: The weight of "consensus", from 0.

    Returns:
        float64 array ``(steps + 1, p + q)``, the start first.

    Raises:
        ValueError: If the method is unknown, or an argument has a wrong shape or range.
    """
    matrix = _matrix(matrix)
    state = _states("start", bilinear(matrix), start, one=True).numpy()
    powers = np.arange(_checks.whole("steps", steps, least=0) + 1)[:, None]
    left, values, right = np.linalg.svd(matrix)
    p, rank = len(left), len(values)
    factors = np.array([bilinear_factor(float(s), step_size, method, gamma) for s in values])
    a = np.tile(left.T @ state[:p], (len(powers), 1))
    b = np.tile(right @ state[p:], (len(powers), 1))
    z = (a[:, :rank] + 1j * b[:, :rank]) * factors**powers
    a[:, :rank], b[:, :rank] = z.real, z.imag
    return np.concatenate([a @ left.T, b @ right], axis=1)


# -------------------------------------------------------------------- helpers


def _own_gradients(both: Losses, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(∇ₓL_g, ∇_yL_d), zero where a loss does not depend on its player."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch((x, y))
        g_loss, d_loss = both(x, y)
    return _gradient(tape, g_loss, x), _gradient(tape, d_loss, y)


def _gradient(tape: tf.GradientTape, value: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    return tape.gradient(value, source, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _velocity(game: Game, state: tf.Tensor) -> tf.Tensor:
    """The field at one state ``(d,)``, differentiable."""
    x, y = tf.split(state, game.sizes)
    return -tf.concat(_own_gradients(game.losses, x, y), axis=0)


def _jacobian(function: Callable[[tf.Tensor], tf.Tensor], state: tf.Tensor) -> tf.Tensor:
    """The Jacobian ``(d, d)`` of a function of one state, differentiable."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(state)
        # Unstacked on the tape: a loop over few rows is traced faster than tape.jacobian.
        rows = tf.unstack(function(state))
    return tf.stack([_gradient(tape, row, state) for row in rows])


def _each(function: Callable[[tf.Tensor], tf.Tensor], states: tf.Tensor) -> tf.Tensor:
    """A function of one state at every state: losses see one at a time, so none mixes two."""
    return function(states) if states.shape.rank == 1 else tf.vectorized_map(function, states)


def _compiled(function: Callable[[tf.Tensor], tf.Tensor], states: tf.Tensor) -> np.ndarray:
    """The function's value, computed as a graph.

    A concrete function, because TensorFlow warns when many ``tf.function``s are traced once each.
    """
    graph = tf.function(function, autograph=False).get_concrete_function(states)
    return graph(states).numpy()


def _step(
    game: Game, step_size: float, method: str, options: dict[str, Any]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """One step of the named method as a function of the state alone."""
    function = _checks.member("method", method, METHODS)
    size = tf.constant(_checks.number("step_size", step_size), tf.float64)
    return lambda state: function(game, state, size, **options)


def _finite(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    return array


def _matrix(matrix: Any) -> np.ndarray:
    array = _finite("matrix", matrix)
    if array.ndim == 0:
        array = array[None, None]
    if array.ndim != 2 or not array.size:
        raise ValueError(f"matrix must have shape (p, q); got {array.shape}")
    return array


def _states(name: str, game: Game, states: Any, one: bool = False) -> tf.Tensor:
    array = _finite(name, states)
    size = sum(game.sizes)
    if array.shape != (size,) and (one or array.ndim != 2 or array.shape[1] != size):
        wish = f"({size},)" if one else f"({size},) or (n, {size})"
        raise ValueError(f"{name} must have shape {wish}; got {array.shape}")
    return tf.constant(array)
