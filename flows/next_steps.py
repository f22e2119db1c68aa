"""What both doors say when the whole graph is up to date."""

from tasks.paths import REPORT, TABLE


def next_steps() -> str:
    """The table of results, where the report is, and what can be done with the model; empty if nothing was made."""
    if not (TABLE.exists() and REPORT.exists()):
        return ""
    return (
        f"\n{TABLE.read_text()}\n"
        f"report: {REPORT}    runs: `make mlflow`\n"
        "next: `make demo` (the dial in a browser), or `ftn restore photo.jpg --model champion`"
    )
