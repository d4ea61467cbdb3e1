"""pyproject.toml, constraints.txt and environment.yml agree with each other and with .venv."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Google Colab's runtime image of 2026-08-19.
COLAB = {
    "tensorflow": "2.20.0",
    "keras": "3.13.2",
    "numpy": "2.1.3",
    "matplotlib": "3.10.0",
    "protobuf": "5.29.6",
    "scikit-image": "0.25.2",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "pandas": "2.2.3",
}


def constraints() -> dict[str, str]:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line:
            name, pin = line.split("==")
            pins[canonicalize_name(name)] = pin
    return pins


def requirements() -> list[Requirement]:
    lines = PROJECT["dependencies"] + [line for extra in EXTRAS.values() for line in extra]
    return [Requirement(line) for line in lines]


def test_the_tested_versions_are_colabs():
    pins = constraints()
    assert {name: pins.get(name) for name in COLAB} == COLAB


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_direct_requirement_is_pinned_within_its_bounds(requirement):
    pin = constraints().get(canonicalize_name(requirement.name))
    assert pin is not None, f"constraints.txt lacks {requirement.name}"
    assert requirement.specifier.contains(pin)


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_the_library_declares_loose_lower_bounds_only(requirement):
    assert re.fullmatch(r"[a-z-]+>=[\d.]+", requirement)


def test_environment_yml_installs_the_same_through_pip():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"] == [
        "python=3.13",  # Colab's
        "pip",
        {"pip": ["-c constraints.txt", "-e .[book,test]"]},
    ]
    assert {"book", "test"} <= set(EXTRAS)


def test_installed_versions_are_the_tested_ones():
    differing = {}
    for name, pin in constraints().items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # pinned only for when something brings it along, as pandas
        if installed != pin:
            differing[name] = f"{installed}, expected {pin}"
    assert differing == {}


def test_the_book_needs_no_tensorflow():
    names = {canonicalize_name(Requirement(line).name) for line in EXTRAS["book"]}
    assert not names & {"tensorflow", "keras"}
    command = [sys.executable, "-m", "tools.requirements", "book"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert printed.split("\n")[:-1] == EXTRAS["book"]


def test_an_unknown_extra_is_named():
    command = [sys.executable, "-m", "tools.requirements", "books"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "got ['books']" in done.stderr


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 127", "does not run"),
        ("echo 3.14", "is Python 3.14"),
        ('case "$2" in *ensurepip*) exit 1;; *) echo 3.12;; esac', "python3.12-venv"),
    ],
)
def test_an_unusable_python_is_named(tmp_path, script, message):
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    command = ["sh", "tools/find_python.sh", str(python)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Needed: Python 3.11, 3.12 or 3.13" in done.stderr


def test_versions_agree():
    """Citation, changelog and package speak of one version."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
