"""``docs/benchmarks.md`` from the JSON files in ``benchmarks/results``, and from nothing else.

python -m benchmarks.render
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

How long things take, what they cost, and how good they are beside other programs and beside what was tried.

Rendered by `python -m benchmarks.render` from `benchmarks/results/*.json`; `make bench` measures anew. The variants of
one run are interleaved, after warm-up. Read ratios rather than milliseconds: a ratio is the median over the rounds of
two times that were taken in the same round. The spread is the fastest and the slowest round beside the median.

Each section ends with the machine, the commit and the date of its figures. They stand for the code of that commit.
"""


def render(results: Path) -> str:
    """The whole page, benchmarks in the order of their file names."""
    found = [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]
    return "\n".join([HEAD, *_dates(found), *("\n".join(_section(result)) for result in found)])


def _dates(results: list[dict[str, Any]]) -> Iterator[str]:
    """What was measured last, and what was not measured again since an earlier day."""
    by_date: dict[str, list[str]] = {}
    for result in results:
        by_date.setdefault(result["date"], []).append(result["title"].partition(":")[0])
    for i, date in enumerate(sorted(by_date, reverse=True)):
        yield f"- {'not measured again since' if i else 'measured on'} {date}: {', '.join(by_date[date])}"
    yield ""


def _section(result: dict[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    yield f"## {result['title']}\n\n{result['text']}\n"
    for table in result["tables"]:
        yield from _table(table)
    yield f"`{result['command']}` · {result['machine']} · commit {result['commit']} · {result['date']} · {versions}\n"


def _table(table: dict[str, Any]) -> Iterator[str]:
    columns = list(table["rows"][0])
    yield f"{table['caption']}\n"
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "|".join("---" for _ in columns) + "|"
    for row in table["rows"]:
        yield "| " + " | ".join(show(row[column]) for column in columns) + " |"
    yield ""


def show(value: object) -> str:
    """A cell: numbers to three digits or one decimal, whatever is more."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:#.3g}"


if __name__ == "__main__":
    PAGE.write_text(render(ROOT / "benchmarks" / "results"))
    print(f"{PAGE.relative_to(ROOT)} is up to date with the JSON files")
