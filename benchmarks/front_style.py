"""Write data/results/front_style.jpg, the front page's repainted photograph.

    python benchmarks/front_style.py

A held-out photograph, as it is and by three shipped painters; a card beside it says how it was
made.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import data, pictures, style

STYLES, SUBJECT, SIDE = ("stippling", "marbling", "brush_strokes"), "cat", 200


def main() -> None:
    """Repaint, and write picture and card."""
    clock = provenance.Clock()
    images, photographs = data.style_images(list(STYLES)), data.content_images(split="test")
    photograph = photographs[SUBJECT]
    painted = [style.style_transfer(photograph, images[n], *style.load_style(n)) for n in STYLES]
    squares = [pictures.resized(p, SIDE, SIDE) for p in (photograph, *painted)]
    rows = [np.concatenate(squares[k : k + 2], axis=1) for k in (0, 2)]
    strip = np.concatenate(rows, axis=0)
    path = provenance.RESULTS / "front_style.jpg"
    pictures.save(strip.clip(-1, 1), path, force=True)
    card = {"styles": STYLES, "photograph": data.CONTENT_CREDITS[SUBJECT], **clock.card(0)}
    provenance.write(path.with_suffix(".json"), card)


if __name__ == "__main__":
    main()
