"""Judge generated digits with a classifier trained on real ones.

    python benchmarks/judge_digits.py data/checkpoints/digits.keras --save

Prints one JSON object; --save also writes it to data/results/digits_quality.json. The classifier,
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

RESULT = provenance.RESULTS / "digits_quality.json"


def train_classifier(seed: int = 0) -> features.Trained:
    """The library's classifier, if it is good enough to judge."""
    train, test = (data.digits(split, labels=True) for split in ("train", "test"))
    classifier = features.trained(*train, held_out=test, seed=seed)
    if classifier.accuracy < 0.97:
        raise SystemExit(
            f"the classifier recognises only {classifier.accuracy:.3f} of held-out digits"
        )
    return classifier


def judge(images: np.ndarray, classifier: features.Trained) -> dict[str, object]:
    """Figures for 1,000 generated images ``(1000, 32, 32, 3)`` in [−1, 1]."""
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


def main() -> None:
    """Judge the generator of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generator", help="a .keras file, from noise to images")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--save", action="store_true", help="write the results file")
    arguments = parser.parse_args()
    clock = provenance.Clock()
    generator = keras.saving.load_model(arguments.generator, compile=False)
    noise = np.random.default_rng(arguments.seed).standard_normal((1000, generator.input_shape[1]))
    images = generator.predict(noise.astype(np.float32), verbose=0)
    result = {"figures": judge(images, train_classifier()), **clock.card(seed=arguments.seed)}
    print(json.dumps(result, indent=2))
    if arguments.save:
        provenance.write(RESULT, result)


if __name__ == "__main__":
    main()
