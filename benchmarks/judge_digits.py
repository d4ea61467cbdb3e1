"""Judge generated digits with a classifier trained on real ones.

    python benchmarks/judge_digits.py data/checkpoints/digits.keras --save

Prints one JSON object; --save also writes it to data/results/digits_quality.json, named after the
generator. A class-conditional generator makes 100 of each digit, and `as_asked` tells how many are
recognised as such. With --stacked the three channels are judged one by one: 26,000 images, and how
many of the 1,000 classes are found. The classifier,
`features.trained`, is trained here on the 1,437 training digits and must recognise at
least 97 % of the 360 held-out ones, else the run fails. Distances and recall are taken on the
features of its last hidden layer, and on pixels.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import data, features, metrics

COUNT, STACKED = 1000, 26_000


def train_classifier(seed: int = 0) -> features.Trained:
    """The library's classifier, if it is good enough to judge."""
    train, test = (data.digits(split, labels=True) for split in ("train", "test"))
    classifier = features.trained(*train, held_out=test, seed=seed)
    if classifier.accuracy < 0.97:
        raise SystemExit(
            f"the classifier recognises only {classifier.accuracy:.3f} of held-out digits"
        )
    return classifier


def judge(
    images: np.ndarray, labels: np.ndarray | None, classifier: features.Trained
) -> dict[str, object]:
    """Figures for generated images ``(n, 32, 32, 3)`` in [−1, 1], and the labels asked for."""
    train, test = data.digits("train"), data.digits("test")
    probabilities = features.extract(classifier.probabilities, images)
    coverage = metrics.class_coverage(probabilities, 10)
    confident, confident_real = (
        metrics.class_coverage(found, 10, confidence=0.9).share
        for found in (probabilities, features.extract(classifier.probabilities, test))
    )

    def hidden(x: np.ndarray) -> np.ndarray:
        return features.extract(classifier.features, x)

    figures: dict[str, object] = {
        "classifier_accuracy_held_out": round(classifier.accuracy, 4),
        "images": len(images),
        "confident_share": round(confident, 4),
        "confident_share_of_real_held_out": round(confident_real, 4),
        "class_shares": [round(n / len(images), 3) for n in coverage.counts],
    }
    if labels is not None:
        figures["as_asked"] = provenance.as_asked(probabilities.argmax(axis=1), labels, "class")
    for name, view in (("features", hidden), ("pixels", lambda x: x[..., 0])):
        precision, recall = metrics.precision_recall(view(train), view(images), k=3)
        figures[f"precision_{name}"] = round(precision, 3)
        figures[f"recall_{name}"] = round(recall, 3)
        for source, samples in (("generated", images), ("held_out_real", test)):
            distances = metrics.nearest_distance(view(samples), view(train))
            figures[f"nearest_training_image_{name}_{source}"] = {
                f"{q} %": round(float(np.percentile(distances, q)), 2) for q in (1, 10, 50, 90)
            }
    return figures


def judge_stacked(images: np.ndarray, classifier: features.Trained) -> dict[str, object]:
    """Classes of stacked digits ``(n, 32, 32, 3)``, and those of as many real ones."""

    def coverage(stacks: np.ndarray) -> dict[str, object]:
        channels = [np.repeat(stacks[..., c : c + 1], 3, axis=-1) for c in range(3)]
        found = [features.extract(classifier.probabilities, x) for x in channels]
        numbers = sum(10 ** (2 - i) * p.argmax(axis=1) for i, p in enumerate(found))
        classes = metrics.class_coverage(numbers, 1000)
        confident = np.mean([p.max(axis=1) >= 0.9 for p in found])
        return {
            "classes": classes.modes,
            "kl": round(classes.kl, 4),
            "confident_share_of_channels": round(float(confident), 4),
        }

    real, _ = data.stacked_digits(*data.digits("train", labels=True), len(images), seed=1)
    return {
        "classifier_accuracy_held_out": round(classifier.accuracy, 4),
        "images": len(images),
        "generated": coverage(images),
        "real": coverage(real),
    }


def main() -> None:
    """Judge the generator of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "generator", type=Path, help="a .keras file, from noise, or noise and labels, to images"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--stacked", action="store_true", help="three digits in one image")
    parser.add_argument("--save", action="store_true", help="write the results file")
    arguments = parser.parse_args()
    clock = provenance.Clock()
    generator = keras.saving.load_model(arguments.generator, compile=False)
    count = STACKED if arguments.stacked else COUNT
    rng = np.random.default_rng(arguments.seed)
    noise = rng.standard_normal((count, generator.inputs[0].shape[1])).astype(np.float32)
    labels = np.arange(count) % 10 if len(generator.inputs) == 2 else None
    images = generator.predict(noise if labels is None else [noise, labels], verbose=0)
    classifier = train_classifier()
    figures = (
        judge_stacked(images, classifier)
        if arguments.stacked
        else judge(images, labels, classifier)
    )
    result = {"figures": figures, **clock.card(seed=arguments.seed)}
    print(json.dumps(result, indent=2))
    if arguments.save:
        provenance.write(provenance.RESULTS / f"{arguments.generator.stem}_quality.json", result)


if __name__ == "__main__":
    main()
