"""Runs the student's functions on secret inputs; what is right, it does not know."""

import numpy as np
from tools.grading.asking import attempt, flat, number


def gram(names, seed):
    """Matrices, losses and gradients of batches that are neither square nor alike."""
    rng = np.random.default_rng(seed)
    batches = [
        rng.normal(size=shape)
        for shape in ((2, 3, 5, 4), (1, 4, 2, 3), (3, 2, 2, 2))
    ]
    targets = [rng.normal(size=(6, f.shape[-1])) for f in batches]
    targets = [rows.T @ rows / 6 for rows in targets]
    mixed = rng.permuted(batches[0].reshape(2, 15, 4), axis=1).reshape(
        batches[0].shape
    )
    matrices, loss, gradient = (
        names["gram"],
        names["style_loss"],
        names["style_gradient"],
    )
    return flat(
        {
            "matrices": [
                attempt(matrices, f.copy()) for f in (*batches, mixed)
            ],
            "loss": [
                attempt(loss, f.copy(), t.copy())
                for f, t in zip(batches, targets, strict=True)
            ],
            "gradient": [
                attempt(gradient, f.copy(), t.copy())
                for f, t in zip(batches, targets, strict=True)
            ],
            "prediction": number(names["prediction_signs"]),
        }
    )


def patches(names, seed):
    """Patches of pictures with uneven sides; distances with equal and unequal counts."""
    rng = np.random.default_rng(seed)
    pictures = [
        (rng.normal(size=(5, 7, 3)), 3),
        (rng.normal(size=(6, 4, 2)), 2),
    ]
    pictures += [
        (rng.normal(size=(4, 4, 3)), 4),
        (rng.normal(size=(3, 5, 1)), 1),
    ]
    a, b = rng.normal(size=(9, 5)), 0.5 + rng.normal(size=(9, 5))
    longer, shorter = (
        rng.exponential(size=(22, 5)),
        rng.normal(size=(4, 5)),
    )
    looks = rng.normal(size=(5, 5))
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    cut, distance = names["patches"], names["sliced_distance"]
    pairs = {
        "equal": [(a, b), (b, a), (a, a[::-1])],
        "unequal": [
            (a, longer),
            (longer, a),
            (a, shorter),
            (longer, shorter),
        ],
    }
    return flat(
        {
            "cut": [
                attempt(cut, image.copy(), size)
                for image, size in pictures
            ],
            **{
                name: [
                    attempt(distance, x.copy(), y.copy(), looks.copy())
                    for x, y in some
                ]
                for name, some in pairs.items()
            },
            "few": attempt(distance, a.copy(), b.copy(), looks[:2].copy()),
            "prediction": number(names["prediction_new"]),
        }
    )


def maps(names, seed):
    """Losses of maps, content, fields of layers, and a picture painted in tiles."""
    rng = np.random.default_rng(seed)
    reals, fakes = (
        rng.normal(size=(3, 2, 4, 1)),
        2 * rng.normal(size=(2, 3, 3, 1)),
    )
    steep = 1000.0 * np.sign(rng.normal(size=(2, 2, 2, 1)))
    photos, painted = rng.normal(size=(2, 2, 7, 9, 3))
    stacks = [
        [
            (int(k), int(s))
            for k, s in zip(
                rng.integers(1, 8, 5), rng.integers(1, 4, 5), strict=True
            )
        ]
        for _ in range(3)
    ]
    weights = rng.normal(size=(3, 3))
    image, widest = rng.normal(size=(11, 8, 3)), []

    def paint(x):
        """Sees one pixel to each side, and zeros outside."""
        x = np.asarray(x)
        widest.append(max(x.shape[:2]))
        wide = np.pad(x, [(1, 1), (1, 1), (0, 0)])
        seen = [
            weights[i, j] * wide[i : i + x.shape[0], j : j + x.shape[1]]
            for i in range(3)
            for j in range(3)
        ]
        return np.tanh(sum(seen))

    losses, content = names["map_losses"], names["content_loss"]
    field, tiles = names["receptive_field"], names["paint_in_tiles"]
    far = lambda x: paint(paint(x))
    answers = {
        kind: [
            attempt(losses, reals.copy(), f.copy(), kind)
            for f in (fakes, -fakes)
        ]
        for kind in ("wasserstein", "cross_entropy")
    }
    answers["steep"] = attempt(
        losses, steep.copy(), -steep, "cross_entropy"
    )
    answers["content"] = [
        attempt(content, photos.copy(), painted.copy(), side)
        for side in (1, 2, 3, 4)
    ]
    answers["field"] = [
        attempt(field, list(layers)) for layers in (*stacks, [(4, 2)])
    ]
    answers["tiles"] = [
        attempt(tiles, far, image.copy(), tile, 2) for tile in (4, 3, 50)
    ] + [attempt(tiles, paint, image.copy(), 5, 1)]
    answers["bare"] = attempt(tiles, np.tanh, image.copy(), 3, 0)
    widest.clear()
    attempt(tiles, far, image.copy(), 3, 2)
    answers["widest"] = max(widest, default=0)
    answers["prediction"] = number(names["prediction_field"])
    return flat(answers)


def diagnosis(names, seed):
    """The fault's name, and both repaired functions."""
    rng = np.random.default_rng(seed)
    photos, painted, strokes = rng.normal(size=(3, 2, 4, 5, 3))
    scores = rng.normal(size=(2, 3, 2, 1))
    photo = rng.integers(0, 256, (7, 6, 3)).astype(np.uint8)
    shift = rng.permutation([-0.4, 0.1, 0.4]) + rng.uniform(-0.1, 0.1)

    def paint(x):
        """Shifts each channel, and adds what stands two rows below."""
        wide = np.pad(np.asarray(x, float), [(0, 2), (0, 0), (0, 0)])
        return 0.7 * np.asarray(x) + shift + 0.2 * wide[2:]

    objective, repaint = (
        names["repaired_objective"],
        names["repaired_repaint"],
    )
    made = {
        str(strength): attempt(repaint, photo.copy(), paint, strength, 2)
        for strength in (0.0, 0.4, 1.0, 1.6)
    }
    return flat(
        {
            "fault": str(names["fault"])[:40],
            "objective": [
                attempt(
                    objective,
                    photos.copy(),
                    painted.copy(),
                    strokes.copy(),
                    scores.copy(),
                    weight,
                )
                for weight in (0.0, 3.0)
            ],
            "painted": made,
            "kind": str(getattr(made["1.0"], "dtype", "none")),
            "prediction": number(names["prediction_byte"]),
        }
    )


PROBES = {
    "gram": gram,
    "patches": patches,
    "maps": maps,
    "diagnosis": diagnosis,
}
