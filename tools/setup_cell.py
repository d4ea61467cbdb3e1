"""The set-up and tier cells that every chapter carries, word for word.

The set-up cell is silent. Where a chapter lies beside the library it changes nothing but the
import path; where it came alone, as in Colab, on Kaggle or as a download, it fetches the course
once. It may be run twice, and again after the session was restarted. A clone that fails says so: a
later `import gpat_lib` would only report a missing module.
"""

SOURCE = """\
import os
import subprocess
import sys

# Silence TensorFlow's C++ log lines.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
in_colab = "google.colab" in sys.modules
if not os.path.isdir("../gpat_lib"):  # Colab, Kaggle: get the course
    if not os.path.isdir("gpat-course"):
        address = "{address}"
        options = ["--quiet", "--depth=1", "--branch=main"]
        clone = ["git", "clone", *options, address, "gpat-course"]
        done = subprocess.run(clone, capture_output=True, text=True)
        if done.returncode != 0:
            advice = "Could not fetch the course; run this cell again."
            raise RuntimeError(f"{advice} {done.stderr}")
    os.chdir("gpat-course/chapters")
# gpat_lib lives beside the chapters.
sys.path.insert(0, os.path.abspath(".."))"""


def source(address: str) -> str:
    """Return the cell's source for a repository address."""
    return SOURCE.replace("{address}", address)


TIER = """\
import tensorflow as tf
import yaml

if in_colab:
    chapter = "{stem}"
    if tf.config.list_physical_devices("GPU"):
        with open("tiers.yml") as file:
            larger = yaml.safe_load(file)["colab"][chapter]
        globals().update(larger)
        run = "the larger run, within about 5 minutes."
        print("GPU found:", run if larger else "the same run as without.")
    else:
        with open("../data/results/chapters.json") as file:
            seconds = yaml.safe_load(file)[chapter]["seconds"]
        print(f"No GPU: about {seconds:.0f} s on two cores.")"""


def tier_source(stem: str) -> str:
    """Return the source of a chapter's `tier` cell, which follows its parameters."""
    return TIER.replace("{stem}", stem)
