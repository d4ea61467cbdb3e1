"""README's table agrees with the chapters, their record and the public address."""

from tools import readme


def test_table_of_chapters_is_up_to_date():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.updated(text) == text, "run: .venv/bin/python -m tools.readme"


def test_every_chapter_has_a_recorded_run_time():
    rows = [row for row in readme.table().splitlines() if row.startswith("| [")]
    assert rows
    assert all(row.rstrip(" |").endswith(" s") for row in rows), "run: make execute"
