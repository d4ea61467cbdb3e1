"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

What a reference answers to the very same probe is what is expected.
"""

from pathlib import Path

import numpy as np
from gpat_lib import practice
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = ("range", "channels", "wrap", "content", "sum", "border", "blend")
LUMA = np.array([0.299, 0.587, 0.114])


def patient(student):
    """Which fault the notebook draws for this student, after its other draws."""
    rng = practice.variant(student, "07_style")
    for options in (
        5,
        ["astronaut", "coffee", "flower", "rocket"],
        [3, 5, 7],
    ):
        rng.choice(options)
    for options in ([3, 5, 7], [2, 4], [3, 5], [2, 4]):
        rng.choice(options)
    return FAULTS[rng.integers(len(FAULTS))]


# -------------------------------------------------------------------- references


def gram(features):
    """The mean over places of the outer product."""
    return np.einsum("nhwi,nhwj->nij", features, features) / np.prod(
        features.shape[1:3]
    )


def style_loss(features, target):
    """Relative squared distances."""
    return ((gram(features) - target) ** 2).sum((1, 2)) / (target**2).sum()


def style_gradient(features, target):
    """4 F (G − T) / (hw ‖T‖²)."""
    places = np.prod(features.shape[1:3])
    pull = np.einsum("nhwi,nij->nhwj", features, gram(features) - target)
    return 4 * pull / (places * (target**2).sum())


def patches(image, size):
    """Windows, row by row."""
    windows = np.lib.stride_tricks.sliding_window_view(
        image, (size, size), axis=(0, 1)
    )
    return np.moveaxis(windows, 2, -1).reshape(
        -1, size * size * image.shape[2]
    )


def sliced_distance(a, b, directions):
    """Sorted shadows, read at the levels of the first."""
    n, m = len(a), len(b)
    ours, theirs = (np.sort(x @ directions.T, axis=0) for x in (a, b))
    places = [(2 * i + 1) * m // (2 * n) for i in range(n)]
    return ((ours - theirs[places]) ** 2).mean()


def softplus(x):
    """Without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def map_losses(real_maps, fake_maps, kind):
    """Each score is a verdict."""
    if kind == "wasserstein":
        return fake_maps.mean() - real_maps.mean(), -fake_maps.mean()
    critic = softplus(-real_maps).mean() + softplus(fake_maps).mean()
    return critic, softplus(-fake_maps).mean()


def content_loss(photos, painted, side):
    """Squares of block means."""
    light = (photos - painted) @ LUMA
    rows, columns = (length // side for length in light.shape[1:])
    squares = [
        light[
            :, y * side : (y + 1) * side, x * side : (x + 1) * side
        ].mean((1, 2))
        ** 2
        for y in range(rows)
        for x in range(columns)
    ]
    return np.mean(squares)


def receptive_field(layers):
    """What is seen, and the step."""
    steps = np.cumprod([1, *(stride for _, stride in layers)])
    return 1 + sum(
        (k - 1) * j for (k, _), j in zip(layers, steps, strict=False)
    ), steps[-1]


def paint_in_tiles(paint, image, tile, margin):
    """All at once is the same."""
    wide = np.pad(
        image, [(margin, margin), (margin, margin), (0, 0)], mode="reflect"
    )
    height, width = image.shape[:2]
    return paint(wide)[margin : margin + height, margin : margin + width]


def objective(photos, painted, strokes, scores, weight):
    """The healthy objective."""
    return (
        weight * (((photos - painted) @ LUMA) ** 2).mean() - scores.mean()
    )


def repaint(photo, paint, strength, margin):
    """The healthy painter."""
    x = photo / 127.5 - 1
    x = x + strength * (paint_in_tiles(paint, x, 1, margin) - x)
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)


REFERENCE = {
    **{
        f.__name__: f
        for f in (
            gram,
            style_loss,
            style_gradient,
            patches,
            sliced_distance,
            map_losses,
            content_loss,
            receptive_field,
            paint_in_tiles,
        )
    },
    "repaired_objective": objective,
    "repaired_repaint": repaint,
    "fault": "",
    "prediction_signs": 0,
    "prediction_new": 0,
    "prediction_field": 0,
    "prediction_byte": 0,
}


# -------------------------------------------------------------------- judges


def judge_gram(answers, seed, student):
    """Matrices, losses, gradients."""
    expected = PROBE.gram(REFERENCE, seed)
    return [
        Check(
            agree(answers, expected, "matrices/1"),
            1,
            "The Gram matrix of one picture is wrong: which products are summed, and by what is "
            "the sum divided?",
        ),
        Check(
            agree(answers, expected, "matrices"),
            1,
            "The Gram matrices of a batch are wrong, or have another shape: one for each picture.",
        ),
        Check(
            agree(answers, expected, "loss"),
            1,
            "style_loss is wrong: one relative squared distance for each picture, relative to "
            "the target.",
        ),
        Check(
            agree(answers, expected, "gradient"),
            1.5,
            "style_gradient is wrong: F stands twice in G, and G is squared; mind the factors, "
            "and that pictures do not share a loss.",
        ),
        made(answers["prediction"], 0.5),
    ]


def judge_patches(answers, seed, student):
    """Patches and distances."""
    expected = PROBE.patches(REFERENCE, seed)
    return [
        Check(
            agree(answers, expected, "cut"),
            2,
            "patches is wrong for a picture that is not square, or for another size: all places, "
            "row by row, each patch as ravel() reads it.",
        ),
        Check(
            agree(answers, expected, "equal"),
            1.5,
            "sliced_distance is wrong for equal counts: project, then sort along the patches, "
            "then the mean of squares.",
        ),
        Check(
            agree(answers, expected, "few"),
            0.5,
            "sliced_distance is wrong for fewer directions than coordinates.",
        ),
        Check(
            agree(answers, expected, "unequal"),
            1.5,
            "sliced_distance is wrong for unequal counts: which sorted value of b stands at the "
            "level of a's?",
        ),
        made(answers["prediction"], 0.5),
    ]


def judge_maps(answers, seed, student):
    """Losses, content, field, tiles."""
    expected = PROBE.maps(REFERENCE, seed)
    narrow = np.asarray(answers["widest"])
    small = (
        narrow.shape == ()
        and narrow.dtype.kind in "iu"
        and 3 <= narrow <= 7
    )
    return [
        Check(
            agree(answers, expected, "wasserstein"),
            0.5,
            "The Wasserstein losses of two maps are wrong: who wants whose scores high?",
        ),
        Check(
            agree(answers, expected, "cross_entropy", "steep"),
            1,
            "The cross-entropy of maps is wrong: each score is a verdict, and no score may break "
            "the loss.",
        ),
        Check(
            agree(answers, expected, "content"),
            1,
            "content_loss is wrong for some side of the blocks: luma, the mean in each whole "
            "block, then the square.",
        ),
        Check(
            agree(answers, expected, "field"),
            1,
            "receptive_field is wrong: does a stride act on its own layer, or on those after it?",
        ),
        Check(
            agree(answers, expected, "tiles") and bool(small),
            1.5,
            "A picture painted in tiles differs from one painted whole, or a piece is larger than "
            "allowed: seams, the border, and tiles that do not fill.",
        ),
        Check(
            agree(answers, expected, "bare"),
            0.5,
            "paint_in_tiles is wrong without a margin.",
        ),
        made(answers["prediction"], 0.5),
    ]


def judge_diagnosis(answers, seed, student):
    """The fault's name, and both repaired functions."""
    expected = PROBE.diagnosis(REFERENCE, seed)
    painted = {
        key: value
        for key, value in expected.items()
        if key.startswith("painted/")
    }
    right = [
        close(answers.get(key), value, rtol=0, atol=1.01)
        for key, value in painted.items()
    ]
    # A few bytes may differ by rounding; of bytes that were cut off, about half do.
    others = [
        np.mean(np.asarray(answers[key]) != value)
        for key, value in painted.items()
        if all(right)
    ]
    return [
        Check(
            str(answers["fault"]) == patient(student),
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            agree(answers, expected, "objective"),
            1,
            "The repaired objective is wrong on other pictures and maps.",
        ),
        Check(
            all(right),
            1,
            "The repaired painter makes other bytes for some strength, at the border, or beyond "
            "the range.",
        ),
        Check(
            str(answers["kind"]) == "uint8" and sum(others) < 0.4,
            0.5,
            "The repaired painter should return bytes, uint8, rounded to the nearest.",
        ),
        made(answers["prediction"], 0.5),
    ]


TASKS = {
    "gram": Task(points=5, judge=judge_gram),
    "patches": Task(points=6, judge=judge_patches),
    "maps": Task(points=6, judge=judge_maps),
    "diagnosis": Task(points=5, judge=judge_diagnosis),
}
MANUAL = {"explain_measures": 3, "explain_fault": 3}
SCRATCH = ("gpat_lib.style_statistics", "gpat_lib.models")
