"""Every stored chapter was run whole, is clean, and has the parts a chapter must have."""

import ast
import re

import pytest
import yaml

from tools import notebooks, set_repository, setup_cell

PATHS = notebooks.chapters()
MACHINE_PATH = re.compile(r"(?<![\w.:/+=-])/(?:root|home|work|tmp|Users|content)/|[A-Z]:\\+Users")
IMAGE_TYPES = {"image/png", "image/jpeg", "image/gif", "image/svg+xml"}
TOC = yaml.safe_load((notebooks.ROOT / "_toc.yml").read_text(encoding="utf-8"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return notebooks.read(path)


def images(cell):
    """Return the pictures among a code cell's outputs."""
    return [o for o in cell.get("outputs", []) if IMAGE_TYPES & set(o.get("data", {}))]


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def defined(source):
    """Return the names that a piece of code sets or defines at its top."""
    body = ast.parse(source).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    sets = [node for node in body if isinstance(node, ast.Assign)]
    return names | {
        name.id for node in sets for name in ast.walk(node.targets[0]) if isinstance(name, ast.Name)
    }


def headings(notebook):
    return re.findall(r"^(#+ .*?)\s*$", "\n".join(prose(notebook)), flags=re.MULTILINE)


def test_the_table_of_contents_lists_every_chapter():
    listed = [entry["file"] for part in TOC["parts"] for entry in part["chapters"]]
    listed = [name.removeprefix("chapters/") for name in listed if name.startswith("chapters/")]
    assert listed == [path.stem for path in PATHS]


def test_every_cell_ran_in_order_without_errors(notebook):
    assert notebooks.run_problems(notebook) == []


def test_it_is_clean(notebook):
    """No run's own metadata: what `make execute` stores."""
    assert notebooks.clean(notebook) == notebook


def test_it_names_its_language(notebook):
    assert notebook.metadata.language_info.name == "python"


def test_it_has_one_parameters_cell_of_literals(notebook):
    cells = notebooks.tagged(notebook, "parameters")
    assert len(cells) == 1
    assert notebooks.default_parameters(notebook)
    assert notebooks.tagged(notebook, "injected-parameters") == []


def test_its_set_up_cell_is_the_canonical_one(notebook):
    cells = notebooks.tagged(notebook, "setup")
    expected = setup_cell.source(set_repository.current())
    assert [cell.source for cell in cells] == [expected], "copy it from tools/setup_cell.py"


def test_its_tier_cell_is_the_canonical_one_and_follows_the_parameters(notebook, path):
    cells = notebooks.tagged(notebook, "tier")
    expected = setup_cell.tier_source(path.stem)
    assert [cell.source for cell in cells] == [expected], "copy it from tools/setup_cell.py"
    code = notebooks.code_cells(notebook)
    assert code.index(cells[0]) == code.index(notebooks.tagged(notebook, "parameters")[0]) + 1


def test_it_has_the_parts_of_a_chapter(path, notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {path.stem[:2]} "), "the first cell is number and title"
    titles = headings(notebook)
    assert sum(title.startswith("# ") for title in titles) == 1
    sections = [title.removeprefix("## ") for title in titles if title.startswith("## ")]
    assert "Summary" in sections
    last = sections[:-1] if sections[-1] == "References" else sections
    end = ["Summary", "Check yourself", "Exercises"]
    assert last[-3:] == end, f"a chapter ends with {end} (and References): {sections}"
    for part in (
        "After this chapter you can",
        "**Before you start:**",
        "**Difficulty:**",
        "**Run time:**",
    ):
        assert part in first.source


def test_its_exercises_have_all_their_parts(notebook):
    """Difficulty and time, a hint, an answer to write, a check, a solution that is an answer."""
    exercises = notebooks.exercises(notebook)
    assert 3 <= len(exercises) <= 6
    for exercise in exercises:
        assert re.search(r"^\*(Easy|Medium|Hard), \d+ minutes\.\*", exercise.text, re.MULTILINE)
        assert "{dropdown} Hint" in exercise.text, exercise.label
        assert len(exercise.answers) == len(exercise.checks) == 1, exercise.label
        said = "".join(output.text for output in exercise.checks[0].outputs)
        assert said.strip().endswith("not answered yet."), exercise.label
        assert exercise.code, f"{exercise.label}: the solution has no python block"
        names, given = defined(exercise.answers[0].source), defined(exercise.code[0])
        assert names, exercise.label
        assert names <= given, f"{exercise.label}: the solution does not set {names - given}"


def test_its_quiz_works_without_a_kernel(notebook):
    """Each question folds its options; one answer begins with Yes, the others with No."""
    text = "\n".join(prose(notebook)).split("## Check yourself\n")[1].split("## Exercises")[0]
    questions = re.split(r"^\*\*\d+\. ", text, flags=re.MULTILINE)[1:]
    assert 3 <= len(questions) <= 5
    for question in questions:
        options = re.findall(
            r'^<details class="option"><summary>.+?</summary>\n\n(Yes|No)\b.+?\n\n</details>$',
            question,
            flags=re.MULTILINE | re.DOTALL,
        )
        assert len(options) == question.count("<details") >= 2
        assert options.count("Yes") == 1


def test_it_names_no_place_on_a_machine(notebook):
    texts = [cell.source for cell in notebook.cells]
    for cell in notebooks.code_cells(notebook):
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            texts += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    found = [match[0] for text in texts for match in MACHINE_PATH.finditer(text)]
    assert found == []


def test_every_figure_has_an_alternative_text(notebook):
    """A cell's text is read out for each of its pictures, so it must say what is to be seen."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and images(cell):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 3, f"mystnb.image.alt is {alt!r} in\n{cell.source}"
    for text in prose(notebook):
        assert not re.search(r"!\[\s*\]\(", text), f"a picture without alternative text in\n{text}"


def test_every_figure_has_a_caption(notebook):
    """It is the figure's title on the page, shorter than its alternative text."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and images(cell):
            caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
            assert len(caption.split()) >= 3, (
                f"mystnb.figure.caption is {caption!r} in\n{cell.source}"
            )
            assert caption.endswith((".", "?"))
            assert len(caption) < 100


@pytest.mark.parametrize(("part", "text"), [("image", "alt"), ("figure", "caption")])
def test_texts_of_figures_differ(notebook, part, text):
    texts = [
        cell.metadata.get("mystnb", {}).get(part, {}).get(text)
        for cell in notebook.cells
        if cell.cell_type == "code" and images(cell)
    ]
    assert len(texts) == len(set(texts))


def test_its_tiers_name_existing_parameters(path, notebook):
    defaults = notebooks.default_parameters(notebook)
    for tier, entries in notebooks.tiers().items():
        assert path.stem in entries, f"tiers.yml: {tier} lacks {path.stem}"
        unknown = set(entries[path.stem]) - set(defaults)
        assert unknown == set(), f"tiers.yml: {tier}: not in the parameters cell"


def test_the_book_tier_is_the_defaults(path, notebook):
    """Stored outputs come from the defaults; nothing is injected into a stored chapter."""
    book = notebooks.tiers()["book"][path.stem]
    defaults = notebooks.default_parameters(notebook)
    assert book == {name: defaults[name] for name in book}


def test_tiers_name_existing_chapters():
    tiers = notebooks.tiers()
    assert list(tiers) == ["smoke", "book", "colab", "full"]
    for entries in tiers.values():
        assert list(entries) == [path.stem for path in PATHS]
