"""The set-up and tier cells that every chapter carries, word for word.

The set-up cell is silent and changes nothing but the import path outside Colab. In Colab it fetches
the course once; it may be run twice, and again after the session was restarted. A clone that fails
says so: a later `import gpat_lib` would only report a missing module.
"""

SOURCE = """\
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # silence TensorFlow's C++ log lines
if "google.colab" in sys.modules and not os.path.isdir("../gpat_lib"):  # in Colab: get the course
    if not os.path.isdir("gpat-course"):
        address = "{address}"
        clone = ["git", "clone", "--quiet", "--depth=1", "--branch=main", address, "gpat-course"]
        done = subprocess.run(clone, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"Could not fetch the course; run this cell again. {done.stderr}")
    os.chdir("gpat-course/chapters")
sys.path.insert(0, os.path.abspath(".."))  # gpat_lib lives beside the chapters"""


def source(address: str) -> str:
    """Return the cell's source for a repository address."""
    return SOURCE.replace("{address}", address)


TIER = """\
import tensorflow as tf
import yaml

if "google.colab" in sys.modules and tf.config.list_physical_devices("GPU"):
    with open("tiers.yml") as file:  # a GPU in Colab: the larger run
        globals().update(yaml.safe_load(file)["colab"]["{stem}"])"""


def tier_source(stem: str) -> str:
    """Return the source of a chapter's `tier` cell, which follows its parameters."""
    return TIER.replace("{stem}", stem)
