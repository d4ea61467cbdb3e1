"""The public repository's address is one value; everything else repeats it."""

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tools import set_repository, setup_cell

ROOT = set_repository.ROOT
OURS = set_repository.parse(set_repository.current())
# Repositories of others that texts may name, and placeholders. An address that is neither ours
# nor here is most likely ours, written wrongly.
OTHERS = {"OWNER/NAME", "zalandoresearch/fashion-mnist"}


def test_every_address_agrees_with_the_configuration():
    wrong = {
        str(path.relative_to(ROOT)): sorted(found)
        for path, text in set_repository.text_files().items()
        if path != Path(__file__) and (found := set_repository.repositories(text) - {OURS} - OTHERS)
    }
    assert wrong == {}, f"neither {OURS} nor listed in tests/test_repository.py"


def test_set_repository_changes_every_address(tmp_path):
    for path in set_repository.text_files():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "tools.set_repository"]
    url = f"https://github.com/copy-of-{OURS}"
    subprocess.run([*command, url + "/"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)

    assert set_repository.current(tmp_path) == url
    left = [
        path.name
        for path, text in set_repository.text_files(tmp_path).items()
        if OURS in set_repository.repositories(text)
    ]
    assert left == []


@pytest.mark.parametrize(
    "form",
    [
        "https://github.com/{}/{}",
        "git@github.com:{}/{}.git",
        "See https://github.com/{}/{}.",
        "github.com/{}/{}/blob/main/x.md",
        "colab.research.google.com/github/{}/{}/blob/main/x.ipynb",
        "mybinder.org/v2/gh/{}/{}/main",
        "https://{}.github.io/{}/intro",
    ],
)
def test_forms_of_an_address(form):
    changed = set_repository.replaced(form.format("a-b", "c.d"), "a-b/c.d", "new/name")
    assert changed == form.format("new", "name")


@pytest.mark.parametrize("form", ["https://github.com/{}/{}2", "https://docs.github.com/{}/{}"])
def test_other_addresses_stay(form):
    text = form.format("a-b", "c.d")
    assert set_repository.replaced(text, "a-b/c.d", "new/name") == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "github",
        "http://github.com/OWNER/NAME",
        "https://github.com/a",
        "https://gitlab.com/a/b",
    ],
)
def test_a_wrong_url_is_refused(url, capsys):
    assert set_repository.main([url]) == 2
    assert f"URL: expected https://github.com/OWNER/NAME, got {url!r}" in capsys.readouterr().err


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """A place that looks like a fresh Colab session; the clone comes from a local repository."""
    origin = tmp_path / "origin"
    for name in ("chapters", "gpat_lib"):
        (origin / name).mkdir(parents=True)
        (origin / name / "x.py").touch()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *command], cwd=origin, check=True)
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    session = tmp_path / "session"
    session.mkdir()
    monkeypatch.chdir(session)
    return origin


def test_the_set_up_cell_in_colab(colab, capfd):
    cell = setup_cell.source(colab.as_uri())
    session = Path.cwd()
    for _ in range(2):  # run twice
        exec(cell, {})
        assert Path.cwd() == session / "gpat-course" / "chapters"
        assert sys.path[0] == str(session / "gpat-course")
    os.chdir(session)  # a restarted session: the files are there, the working folder is not
    exec(cell, {})
    assert Path.cwd() == session / "gpat-course" / "chapters"
    assert capfd.readouterr() == ("", "")


def test_the_set_up_cell_says_when_the_clone_fails(colab):
    cell = setup_cell.source((colab / "missing").as_uri())
    with pytest.raises(RuntimeError, match="Could not fetch the course"):
        exec(cell, {})


def test_the_set_up_cell_fetches_nothing_beside_the_library(tmp_path, monkeypatch, capfd):
    for name in ("chapters", "gpat_lib"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "chapters")
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(setup_cell.source("https://github.com/nobody/nothing"), {})
    assert list(Path.cwd().iterdir()) == []
    assert sys.path[0] == str(tmp_path)
    assert capfd.readouterr() == ("", "")
