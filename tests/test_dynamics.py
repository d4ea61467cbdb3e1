"""Small games: closed forms against autodiff and simulation, and where each method ends."""

import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import dynamics, losses, penalties

STARTS = np.array([[1.0, 0.5], [-0.4, 1.2], [0.7, -2.0]])
MATRIX = np.array([[1.0, -0.5, 0.3], [0.4, 0.8, -1.1]])


def same_numbers(got, expected, atol=1e-9):
    """Equal as sets: a sum of powers tells them apart, whatever their order."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    np.testing.assert_allclose(np.poly(got), np.poly(expected), atol=atol)


def radius(values):
    return np.abs(values).max()


# ---------------------------------------------------------------- fields


def test_the_dirac_field_is_the_textbooks_with_the_sign_of_psi_turned():
    """Textbook: (−ψf′(θψ), θf′(θψ)) with f′(t) = σ(−t); here ψ → −ψ."""
    theta, psi = STARTS.T
    pull = 1 / (1 + np.exp(-theta * psi))
    expected = np.stack([psi * pull, -theta * pull], axis=1)
    np.testing.assert_allclose(dynamics.field(dynamics.dirac(), STARTS), expected, rtol=1e-12)
    alone = dynamics.field(dynamics.dirac(), STARTS[1])
    np.testing.assert_allclose(alone, expected[1], rtol=1e-12)
    # The generator moves towards the data when the discriminator scores real (at 0) above fake.
    assert dynamics.field(dynamics.dirac("wasserstein"), [1.0, -1.0])[0] < 0


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_the_field_of_every_loss_by_finite_differences(loss):
    known, step = losses.get(loss), 1e-6

    def value(player, theta, psi):
        return float(getattr(known, player)(np.zeros([1, 1]), np.array([[psi * theta]])))

    expected = [
        (
            -(value("generator", t + step, p) - value("generator", t - step, p)) / (2 * step),
            -(value("discriminator", t, p + step) - value("discriminator", t, p - step))
            / (2 * step),
        )
        for t, p in STARTS
    ]
    got = dynamics.field(dynamics.dirac(loss), STARTS)
    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-8)


# What each penalty's derivative for ψ is, as a function of the slope s = |ψ|, times sign ψ.
PENALTY_SLOPES = {
    "wgan_gp": lambda s: 2 * (s - 1),
    "one_sided": lambda s: 2 * np.maximum(s - 1, 0),
    "zero_centered": lambda s: 2 * s,
    "r1": lambda s: s,
    "r2": lambda s: s,
    "r1_r2": lambda s: 2 * s,
    "dragan": lambda s: 2 * (s - 1),
}


@pytest.mark.parametrize("penalty", penalties.PENALTIES)
def test_a_penalty_acts_on_the_discriminator_alone_with_its_weight(penalty):
    plain = dynamics.field(dynamics.dirac(), STARTS)
    got = dynamics.field(dynamics.dirac("minimax", penalty, weight=0.3), STARTS) - plain
    psi = STARTS[:, 1]
    np.testing.assert_allclose(got[:, 0], 0.0, atol=1e-15)
    expected = -0.3 * PENALTY_SLOPES[penalty](np.abs(psi)) * np.sign(psi)
    np.testing.assert_allclose(got[:, 1], expected, rtol=1e-6, atol=1e-9)


def test_a_penalty_of_your_own_and_a_game_of_your_own():
    def quartic(discriminator, real, fake):
        return tf.reduce_sum(discriminator(tf.ones_like(real)) ** 4)

    got = dynamics.field(dynamics.dirac("wasserstein", quartic, 0.5), [1.0, 2.0])
    np.testing.assert_allclose(got, [2.0, -1.0 - 0.5 * 4 * 2.0**3])

    def own(x, y):
        return x[0] ** 2 * y[1], y[0] * tf.reduce_sum(x)

    game = dynamics.Game("own", (1, 2), own)
    np.testing.assert_allclose(dynamics.field(game, [3.0, 5.0, 7.0]), [-42.0, -3.0, 0.0])
    expected = [[-14, 0, -6], [-1, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(dynamics.jacobian(game, [3.0, 5.0, 7.0]), expected)


def test_the_bilinear_field_and_its_jacobian():
    x, y = np.array([1.0, -2.0]), np.array([0.5, 3.0, -1.0])
    game = dynamics.bilinear(MATRIX)
    state = np.concatenate([x, y])
    expected = np.concatenate([-MATRIX @ y, MATRIX.T @ x])
    np.testing.assert_allclose(dynamics.field(game, state), expected, rtol=1e-12)
    whole = np.block([[np.zeros((2, 2)), -MATRIX], [MATRIX.T, np.zeros((3, 3))]])
    np.testing.assert_allclose(dynamics.jacobian(game, state), whole, atol=1e-12)
    sigma = np.linalg.svd(MATRIX)[1]
    same_numbers(dynamics.eigenvalues(game, state), [*(1j * sigma), *(-1j * sigma), 0])


# ---------------------------------------------------------------- eigenvalues of the Dirac-GAN

SLOPES = {
    "minimax": 0.5,
    "non_saturating": 0.5,
    "relativistic": 0.5,
    "wasserstein": 1.0,
    "hinge": 1,
}


def cured(loss, cure, gamma):
    if cure in penalties.PENALTIES:
        return dynamics.dirac(loss, cure, gamma)
    game = dynamics.dirac(loss)
    return game if cure == "none" else dynamics.with_gradient_term(game, cure, gamma)


@pytest.mark.parametrize("loss", SLOPES)
@pytest.mark.parametrize(
    "cure",
    ["none", "one_sided", "r1", "r2", "zero_centered", "r1_r2", "consensus", "jare", "field"],
)
def test_dirac_eigenvalues_by_autodiff(loss, cure):
    for gamma in (0.3, 5.0):
        got = dynamics.eigenvalues(cured(loss, cure, gamma), [0.0, 0.0])
        same_numbers(got, dynamics.dirac_eigenvalues(cure, gamma, SLOPES[loss]))


@pytest.mark.parametrize("gamma", [0.2, 0.9, 3.0])
def test_dirac_eigenvalues_as_the_papers_print_them(gamma):
    root = np.emath.sqrt
    for cure, slope, damping, discriminant in [
        ("none", 0.5, 0.0, -0.25),
        ("r1", 0.5, gamma / 2, gamma**2 / 4 - 0.25),
        ("r1_r2", 0.5, gamma, gamma**2 - 0.25),
        ("r1", 1.0, gamma / 2, gamma**2 / 4 - 1),
        ("consensus", 0.5, gamma / 4, -0.25),
        ("jare", 0.5, gamma / 4, -0.25),
        # Nagarajan and Kolter's η = γ/2.
        ("field", 0.5, (gamma / 2) / 4, (gamma / 2) ** 2 / 16 - 0.25),
    ]:
        pair = -damping + np.array([1, -1]) * root(discriminant)
        same_numbers(dynamics.dirac_eigenvalues(cure, gamma, slope), pair)


@pytest.mark.parametrize(
    ("cure", "slope", "critical"),
    [("r1", 0.5, 1.0), ("r1_r2", 0.5, 0.5), ("r1", 1.0, 2.0), ("field", 0.5, 4.0)],
)
def test_beyond_the_critical_weight_nothing_turns(cure, slope, critical):
    loss = {0.5: "minimax", 1.0: "wasserstein"}[slope]
    below = dynamics.eigenvalues(cured(loss, cure, 0.98 * critical), [0.0, 0.0])
    above = dynamics.eigenvalues(cured(loss, cure, 1.02 * critical), [0.0, 0.0])
    assert np.abs(below.imag).min() > 0.05
    assert np.abs(above.imag).max() == 0.0
    assert max(below.real) < 0
    assert max(above.real) < 0


def test_gradient_terms_use_the_adversarial_field_without_the_penalty():
    """With R1, ∇_ψL_d would also hold γψ, and the generator's and discriminator's terms more."""
    base = dynamics.dirac("wasserstein", "r1", 0.7)
    theta, psi = state = np.array([0.6, -1.1])
    plain = dynamics.field(base, state)
    # Adversarial: L_g = −ψθ, L_d = ψθ, so ∇_θL_g = −ψ and ∇_ψL_d = θ.
    for kind, term in {
        "field": (theta, 0),
        "jare": (theta, psi),
        "consensus": (theta, psi),
    }.items():
        game = dynamics.with_gradient_term(base, kind, 0.4)
        np.testing.assert_allclose(dynamics.field(game, state) - plain, -0.4 * np.array(term))
        twice = dynamics.with_gradient_term(game, kind, 0.4)
        np.testing.assert_allclose(dynamics.field(twice, state) - plain, -0.8 * np.array(term))


def test_jare_and_consensus_differ_away_from_bilinear_games():
    """Consensus also lets each player descend its own squared gradient."""

    def quadratic(x, y):
        return 1.5 * x[0] ** 2 + x[0] * y[0], 0.5 * y[0] ** 2 - x[0] * y[0]

    game = dynamics.Game("quadratic", (1, 1), quadratic)
    x, y = state = np.array([0.4, -0.9])
    g_own, d_own = 3 * x + y, y - x
    plain = dynamics.field(game, state)
    for kind, expected in {
        "field": (d_own * -1, 0),
        "jare": (d_own * -1, g_own * 1),
        "consensus": (d_own * -1 + g_own * 3, d_own * 1 + g_own * 1),
    }.items():
        got = dynamics.field(dynamics.with_gradient_term(game, kind, 0.5), state) - plain
        np.testing.assert_allclose(got, -0.5 * np.array(expected), rtol=1e-12)


# ---------------------------------------------------------------- trajectories of the Dirac-GAN


def test_the_minimax_flow_conserves_the_distance_and_the_non_saturating_does_not():
    path = dynamics.simulate(dynamics.dirac("minimax"), STARTS, 200, 0.05, "flow")
    energy = (path**2).sum(axis=2)
    np.testing.assert_allclose(energy, energy[:1].repeat(201, 0), rtol=1e-7)
    assert np.ptp(path[..., 0]) > 1.0  # it does move
    # Non-saturating: d(θ² + ψ²)/dt = −2ψθ tanh(ψθ/2) in the textbook's sign, even in ψ.
    for loss, factor in {"minimax": 0.0, "non_saturating": 1.0}.items():
        v = dynamics.field(dynamics.dirac(loss), STARTS)
        product = STARTS.prod(axis=1)
        expected = -2 * factor * product * np.tanh(product / 2)
        np.testing.assert_allclose(2 * (v * STARTS).sum(1), expected, atol=1e-12)


def test_a_simultaneous_step_grows_by_the_exact_factor():
    path = dynamics.simulate(dynamics.dirac("minimax"), STARTS, 300, 0.2)
    energy = (path**2).sum(axis=2)
    growth = dynamics.dirac_growth(path[:-1], 0.2)
    np.testing.assert_allclose(energy[1:], energy[:-1] * growth, rtol=1e-12)
    assert (energy[-1] > 1.5 * energy[0]).all()
    np.testing.assert_allclose(dynamics.dirac_growth([0.0, 0.0], 0.2), 1 + 0.2**2 / 4)
    assert dynamics.dirac_growth([1e4, -1e4], 0.2) == 1.0


@pytest.mark.parametrize("counts", [(1, 1), (3, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("step_size", [0.1, 0.9, 2.5])
def test_alternating_eigenvalues_by_autodiff(counts, step_size):
    numbers = dict(zip(("n_critic", "n_generator"), counts, strict=True))
    game = dynamics.dirac("non_saturating")
    got = dynamics.step_eigenvalues(game, [0.0, 0.0], step_size, "alternating", **numbers)
    expected = dynamics.alternating_eigenvalues(step_size, **numbers)
    same_numbers(got, expected)
    a = np.sqrt(np.prod(counts)) * step_size / 2
    same_numbers(
        expected, 1 - a**2 / 2 + np.array([1, -1]) * np.emath.sqrt((1 - a**2 / 2) ** 2 - 1)
    )
    assert (radius(got) < 1 + 1e-6) == (a <= 2)


def test_alternating_steps_are_bounded_below_two_only():
    """At a = 2 the eigenvalues still lie on the circle, but states grow linearly."""
    ends = {}
    for a in (1.99, 2.0, 2.01):
        path = dynamics.simulate(dynamics.bilinear(1.0), [1.0, 0.3], 400, a, "alternating")
        ends[a] = np.abs(path).max(axis=1)
    assert ends[1.99].max() < 20
    np.testing.assert_allclose(np.diff(ends[2.0][1:]), 2 * 1.3, rtol=1e-6)  # linear: 2(x + y)
    assert ends[2.01].max() > 1e6
    np.testing.assert_allclose(dynamics.alternating_eigenvalues(2.0, 1.0), [-1, -1])


def test_the_discriminator_moves_first_and_the_generator_sees_it():
    """min over x, max over y of xy: y ← y + hx, then x ← x − h·(new y)."""
    game = dynamics.bilinear(1.0)
    path = dynamics.simulate(game, [1.0, 2.0], 1, 0.1, "alternating", n_critic=2, n_generator=3)
    np.testing.assert_allclose(path[1], [1.0 - 3 * 0.1 * 2.2, 2.2])


def test_with_r1_it_converges_and_without_it_circles():
    for loss in ("minimax", "non_saturating", "wasserstein"):
        ends = dynamics.simulate(dynamics.dirac(loss, "r1", 1.0), STARTS, 400, 0.1)[-1]
        assert np.linalg.norm(ends, axis=1).max() < 1e-4
    ends = dynamics.simulate(dynamics.dirac("wasserstein"), STARTS, 400, 0.1)[-1]
    assert (np.linalg.norm(ends, axis=1) > np.linalg.norm(STARTS, axis=1)).all()


@pytest.mark.parametrize("weight", [0.3, 0.8])
def test_a_light_wgan_gp_cycles(weight):
    """It never reaches θ = 0: late states still cross it, as fast as before."""
    path = dynamics.simulate(dynamics.dirac("wasserstein", "wgan_gp", weight), STARTS, 3000, 0.02)
    middle, late = path[1000:2000], path[2000:]
    for part in (middle, late):
        assert (np.abs(part[..., 0]).max(axis=0) > 1.5 * weight).all()
        assert (part[..., 0].min(axis=0) < -1.5 * weight).all()
        assert (np.linalg.norm(part, axis=2).min(axis=0) > 0.5 * weight).all()
    swing = [np.abs(part[..., 0]).max() for part in (middle, late)]
    np.testing.assert_allclose(swing[0], swing[1], rtol=0.05)


def exact_wgan_gp(discriminator, real, fake):
    """(|ψ| − 1)² without the guard in the root: D(1) = ψ."""
    return tf.reduce_sum((tf.abs(discriminator(tf.ones_like(real))) - 1) ** 2)


@pytest.mark.parametrize(("weight", "steps"), [(1.0, 500), (1.5, 1100)])
def test_a_heavy_wgan_gp_stalls_at_the_wrong_place(weight, steps):
    """θ → 2λ sign ψ with ψ → 0 from one side (the textbook's sign: θ → −2λ).

    For ever with the exact |ψ|; the guard, which rounds the corner at ψ = 0, lets ψ through.
    """
    exact, guarded = (
        dynamics.simulate(
            dynamics.dirac("wasserstein", penalty, weight), [[0.5, 1.0], [-0.5, -1.0]], 3000, 0.02
        )
        for penalty in (exact_wgan_gp, "wgan_gp")
    )
    stall = np.array([[2 * weight, 0.0], [-2 * weight, 0.0]])
    np.testing.assert_allclose(exact[-1], stall, atol=1e-6)
    np.testing.assert_allclose(guarded[steps], stall, atol=1e-3)
    assert (np.sign(exact[..., 1]) == [1, -1]).all()
    assert (np.sign(guarded[:steps, :, 1]) == [1, -1]).all()
    np.testing.assert_allclose(np.abs(guarded[steps:, 0, 0].min()), 2 * weight, rtol=0.01)


def test_wgan_gp_stalls_at_a_lower_weight_with_several_critic_steps():
    def play(penalty, n_critic):
        game = dynamics.dirac("wasserstein", penalty, 0.5)
        return dynamics.simulate(game, [0.5, 1.0], 1000, 0.02, "alternating", n_critic=n_critic)

    assert np.ptp(play(exact_wgan_gp, 1)[500:, 0]) > 1.0  # cycles
    np.testing.assert_allclose(play(exact_wgan_gp, 5)[500:], [[1.0, 0.0]] * 501, atol=1e-3)
    np.testing.assert_allclose(play("wgan_gp", 5)[300], [1.0, 0.0], atol=1e-2)


# ---------------------------------------------------------------- bilinear games


def play(method):
    """The game and the method behind a name of the closed forms."""
    return ("simultaneous", True) if method == "consensus" else (method, False)


@pytest.mark.parametrize("method", dynamics.BILINEAR_FACTORS)
@pytest.mark.parametrize("step_size", [0.1, 0.7])
def test_bilinear_factors_by_autodiff(method, step_size):
    sigma, gamma = 1.3, 0.6
    game, (name, term) = dynamics.bilinear(sigma), play(method)
    if term:
        game = dynamics.with_gradient_term(game, "consensus", gamma)
    options = {"substeps": 3} if name == "flow" else {}
    got = dynamics.step_eigenvalues(game, [0.2, 0.4], step_size, name, **options)
    factor = dynamics.bilinear_factor(sigma, step_size, method, gamma)
    error = 1e-3 if name == "flow" else 1e-9  # Runge-Kutta steps are not exact
    same_numbers(got, [factor, factor.conjugate()], atol=error)
    a = step_size * sigma
    expected = {
        "flow": 1.0,
        "simultaneous": np.sqrt(1 + a**2),
        "extragradient": np.sqrt((1 - a**2) ** 2 + a**2),
        "competitive": 1 / np.sqrt(1 + a**2),
        "consensus": abs(1 - step_size * gamma * sigma**2 + 1j * a),
    }
    np.testing.assert_allclose(radius(got), expected[method], rtol=error)


def test_alternating_steps_in_a_bilinear_game():
    game = dynamics.bilinear(1.3)
    for step_size in (0.5, 1.5, 1.6):
        got = dynamics.step_eigenvalues(game, [0.0, 0.0], step_size, "alternating")
        same_numbers(got, dynamics.alternating_eigenvalues(step_size, 1.3))
        assert (radius(got) < 1 + 1e-9) == (step_size * 1.3 < 2)


@pytest.mark.parametrize("method", dynamics.BILINEAR_FACTORS)
@pytest.mark.parametrize("matrix", [-0.8, MATRIX, MATRIX.T])
def test_bilinear_trajectories_by_simulation(method, matrix):
    game, (name, term) = dynamics.bilinear(matrix), play(method)
    if term:
        game = dynamics.with_gradient_term(game, "jare", 0.6)
    start = np.random.default_rng(0).normal(size=sum(game.sizes))
    path = dynamics.simulate(game, start, 60, 0.05, name)
    expected = dynamics.bilinear_trajectory(matrix, start, 60, 0.05, method, 0.6)
    np.testing.assert_allclose(path, expected, atol=1e-5 if method == "flow" else 1e-12)
    assert np.abs(path[-1] - start).max() > 0.5 * np.abs(start).max()


def test_competitive_steps_divide_by_exactly_one_plus_eta_squared():
    path = dynamics.simulate(dynamics.bilinear(1.0), [3.0, -1.0], 50, 0.3, "competitive")
    energy = (path**2).sum(axis=1)
    np.testing.assert_allclose(energy[:-1] / energy[1:], 1.09, rtol=1e-12)


def test_a_competitive_step_is_the_papers_formula():
    """min f over x, max over y, f not bilinear: D_xy and both gradients by hand."""

    def value(x, y):
        f = tf.reduce_sum(x * tf.linalg.matvec(MATRIX, tf.sin(y))) + tf.reduce_sum(x**3)
        f -= tf.reduce_sum(y**4)
        return f, -f

    game = dynamics.Game("curved", (2, 3), value)
    x, y, eta = np.array([0.4, -0.3]), np.array([0.7, 0.2, -0.5]), 0.8
    grad_x = MATRIX @ np.sin(y) + 3 * x**2
    grad_y = np.cos(y) * (MATRIX.T @ x) - 4 * y**3
    d_xy = MATRIX * np.cos(y)
    inverse_x = np.linalg.inv(np.eye(2) + eta**2 * d_xy @ d_xy.T)
    inverse_y = np.linalg.inv(np.eye(3) + eta**2 * d_xy.T @ d_xy)
    expected = np.concatenate(
        [
            x - eta * inverse_x @ (grad_x + eta * d_xy @ grad_y),
            y + eta * inverse_y @ (grad_y - eta * d_xy.T @ grad_x),
        ]
    )
    got = dynamics.simulate(game, np.concatenate([x, y]), 1, eta, "competitive")[1]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_the_methods_agree_with_the_flow_to_their_order():
    """Halving the step divides the error after a fixed time by 2, and by 16 for Runge-Kutta."""
    game, start = dynamics.dirac("non_saturating", "r1", 0.3), [1.0, 0.5]
    exact = dynamics.simulate(game, start, 100, 0.01, "flow")[-1]
    for method, order in [*((m, 1) for m in dynamics.METHODS if m != "flow"), ("flow", 4)]:
        errors = [
            np.linalg.norm(dynamics.simulate(game, start, n, 1 / n, method)[-1] - exact)
            for n in (10, 20)
        ]
        np.testing.assert_allclose(np.log2(errors[0] / errors[1]), order, atol=0.25)


def test_several_starts_are_played_apart_and_the_start_comes_first():
    game = dynamics.with_gradient_term(dynamics.dirac("hinge", "dragan", 0.2), "jare", 0.1)
    for method in ("simultaneous", "competitive"):
        together = dynamics.simulate(game, STARTS, 20, 0.1, method)
        assert together.shape == (21, 3, 2)
        assert together.dtype == np.float64
        np.testing.assert_array_equal(together[0], STARTS)
        alone = dynamics.simulate(game, STARTS[1], 20, 0.1, method)
        np.testing.assert_allclose(together[:, 1], alone, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(dynamics.simulate(game, STARTS, 0, 0.1), STARTS[None])


def test_many_calls_write_nothing(capfd):
    """TensorFlow warns of repeated tracing, which would stand in a chapter's output."""
    for weight in range(6):
        game = dynamics.dirac("minimax", "wgan_gp", weight)
        dynamics.field(game, STARTS)
        dynamics.simulate(game, STARTS[0], 2, 0.1)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- faults

GAME = dynamics.dirac()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dynamics.dirac("no"), r"unknown loss 'no'.*minimax"),
        (lambda: dynamics.dirac("minimax", "no"), r"unknown penalty 'no'.*r1"),
        (lambda: dynamics.with_gradient_term(GAME, "no", 1.0), r"unknown kind 'no'.*jare"),
        (lambda: dynamics.simulate(GAME, [0, 1], 1, 0.1, "no"), r"unknown method 'no'.*flow"),
        (lambda: dynamics.step_eigenvalues(GAME, [0, 1], 0.1, "no"), r"unknown method 'no'.*flow"),
        (lambda: dynamics.bilinear_factor(1.0, 0.1, "alternating"), r"unknown method.*consensus"),
        (lambda: dynamics.dirac_eigenvalues("wgan_gp"), r"unknown cure 'wgan_gp'.*r1_r2"),
        (lambda: dynamics.simulate(GAME, [0, 1], -1, 0.1), "steps.*>= 0; got -1"),
        (lambda: dynamics.simulate(GAME, [0, 1], 1, 0.1, "flow", substeps=0), "substeps.*got 0"),
        (
            lambda: dynamics.simulate(GAME, [0, 1], 1, 0.1, "alternating", n_critic=0),
            "n_critic.*got 0",
        ),
        (
            lambda: dynamics.simulate(GAME, [0, 1], 1, 0.1, "alternating", n_generator=0.5),
            "n_generator.*got 0.5",
        ),
        (lambda: dynamics.bilinear(np.zeros((2, 0))), r"matrix.*\(2, 0\)"),
        (lambda: dynamics.bilinear([1.0, 2.0]), r"matrix.*\(p, q\); got \(2,\)"),
        (lambda: dynamics.bilinear([[np.nan]]), "matrix must be finite"),
        (lambda: dynamics.dirac_growth([1.0, 2.0, 3.0], 0.1), r"states.*got \(3,\)"),
        (lambda: dynamics.dirac_growth(1.0, 0.1), r"states.*got \(\)"),
    ],
)
def test_unknown_names_and_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("wrong", [-0.1, np.nan, np.inf, "1"])
def test_numbers_out_of_range_are_named(wrong):
    for name, call in [
        ("weight", lambda: dynamics.dirac("minimax", "r1", wrong)),
        ("gamma", lambda: dynamics.with_gradient_term(GAME, "field", wrong)),
        ("step_size", lambda: dynamics.simulate(GAME, [0, 1], 1, wrong)),
        ("step_size", lambda: dynamics.step_eigenvalues(GAME, [0, 1], wrong)),
        ("gamma", lambda: dynamics.dirac_eigenvalues("r1", wrong)),
        ("slope", lambda: dynamics.dirac_eigenvalues("r1", 1.0, wrong)),
        ("step_size", lambda: dynamics.dirac_growth([0, 1], wrong)),
        ("step_size", lambda: dynamics.alternating_eigenvalues(wrong)),
        ("frequency", lambda: dynamics.alternating_eigenvalues(0.1, wrong)),
        ("singular_value", lambda: dynamics.bilinear_factor(wrong, 0.1, "flow")),
        ("step_size", lambda: dynamics.bilinear_factor(1.0, wrong, "flow")),
        ("gamma", lambda: dynamics.bilinear_factor(1.0, 0.1, "consensus", wrong)),
    ]:
        with pytest.raises(ValueError, match=f"{name} must be.*got {wrong!r}"):
            call()


@pytest.mark.parametrize("wrong", [1.0, [1.0], [1.0, 2.0, 3.0], [[1.0]], [[[1.0, 2.0]]]])
def test_states_of_another_shape_are_refused(wrong):
    got = str(np.shape(wrong)).replace("(", r"\(").replace(")", r"\)")
    for name, call in [
        ("start", lambda: dynamics.simulate(GAME, wrong, 1, 0.1)),
        ("states", lambda: dynamics.field(GAME, wrong)),
        ("state", lambda: dynamics.eigenvalues(GAME, wrong)),
        ("state", lambda: dynamics.step_eigenvalues(GAME, wrong, 0.1)),
        ("start", lambda: dynamics.bilinear_trajectory(1.0, wrong, 1, 0.1, "flow")),
    ]:
        with pytest.raises(ValueError, match=rf"{name} must have shape \(2,\).*got {got}"):
            call()


def test_eigenvalues_belong_to_one_state():
    with pytest.raises(ValueError, match=r"state must have shape \(2,\); got \(3, 2\)"):
        dynamics.jacobian(GAME, STARTS)


@pytest.mark.parametrize("wrong", [[np.nan, 0.0], [0.0, np.inf]])
def test_states_that_are_not_finite_are_refused(wrong):
    for name, call in [
        ("start", lambda: dynamics.simulate(GAME, wrong, 1, 0.1)),
        ("states", lambda: dynamics.field(GAME, [wrong])),
        ("state", lambda: dynamics.jacobian(GAME, wrong)),
        ("states", lambda: dynamics.dirac_growth(wrong, 0.1)),
    ]:
        with pytest.raises(ValueError, match=f"{name} must be finite"):
            call()
