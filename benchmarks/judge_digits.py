"""Judge generated digits with a classifier trained on real ones.

    python benchmarks/judge_digits.py data/checkpoints/digits.keras --save

Prints one JSON object; --save also writes it to data/results/digits_quality.json. The classifier,
a small convolutional network, is trained here on the 1,437 training digits and must recognise at
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
from gpat_lib import data, metrics

RESULT = provenance.RESULTS / "digits_quality.json"


def train_classifier(seed: int = 0) -> tuple[keras.Model, keras.Model, float]:
    """Return the classifier, its feature extractor, and its accuracy on held-out digits."""
    keras.utils.set_random_seed(seed)
    images, labels = data.digits("train", labels=True)
    test_images, test_labels = data.digits("test", labels=True)
    layers = keras.layers
    classifier = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.RandomTranslation(0.06, 0.06, fill_mode="nearest"),
            layers.Conv2D(16, 5, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu", name="features"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    classifier.fit(images, labels, epochs=40, batch_size=64, verbose=0)
    accuracy = classifier.evaluate(test_images, test_labels, verbose=0)[1]
    if accuracy < 0.97:
        raise SystemExit(f"the classifier recognises only {accuracy:.3f} of held-out digits")
    features = keras.Model(classifier.inputs, classifier.get_layer("features").output)
    return classifier, features, float(accuracy)


def judge(images: np.ndarray, judges: tuple[keras.Model, keras.Model, float]) -> dict[str, object]:
    """Figures for 1,000 generated images ``(1000, 32, 32, 3)`` in [−1, 1]."""
    classifier, extractor, accuracy = judges
    train, test = data.digits("train"), data.digits("test")
    probabilities = classifier.predict(images, verbose=0)
    shares = np.bincount(probabilities.argmax(axis=1), minlength=10) / len(images)

    def features(x: np.ndarray) -> np.ndarray:
        return extractor.predict(x, verbose=0)

    figures: dict[str, object] = {
        "classifier_accuracy_held_out": round(accuracy, 4),
        "images": len(images),
        "confident_share": round(float((probabilities.max(axis=1) >= 0.9).mean()), 4),
        "confident_share_of_real_held_out": round(
            float((classifier.predict(test, verbose=0).max(axis=1) >= 0.9).mean()), 4
        ),
        "class_shares": [round(float(share), 3) for share in shares],
    }
    for name, view in (("features", features), ("pixels", lambda x: x[..., 0])):
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
