import json

from project import ROOT

from benchmarks.render import render, show


def test_the_page_is_what_the_json_files_give():
    assert (ROOT / "docs" / "benchmarks.md").read_text() == render(ROOT / "benchmarks" / "results")


def test_a_result_becomes_a_section(tmp_path):
    result = {
        "title": "Speed", "text": "What was done.", "command": "python -m x", "machine": "a box", "commit": "abc",
        "date": "2026-01-01", "versions": {"torch": "2"},
        "tables": [{"caption": "Times", "rows": [{"variant": "old", "ms": 2.0}, {"variant": "new", "ms": 1.0}]}],
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(result))
    page = render(tmp_path)
    for text in ("## Speed", "What was done.", "| old | 2.00 |", "| new | 1.00 |", "a box", "commit abc", "torch 2"):
        assert text in page


def test_the_page_says_what_was_not_measured_again(tmp_path):
    for name, date in (("a", "2026-01-01"), ("b", "2026-01-02"), ("c", "2026-01-01")):
        result = {
            "title": f"{name}: x", "text": "", "command": "", "machine": "", "commit": "", "date": date,
            "versions": {}, "tables": [],
        }  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    page = render(tmp_path)
    assert "- measured on 2026-01-02: b\n- not measured again since 2026-01-01: a, c\n" in page


def test_numbers_show_three_digits():
    assert [show(x) for x in (0.012345, 1.0, 23.456, 456.78, 12345.6, 7, "x")] == [
        "0.0123", "1.00", "23.5", "456.8", "12,346", "7", "x",
    ]  # fmt: skip
