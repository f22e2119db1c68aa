"""What both doors say when the whole graph is up to date."""

import json

from tasks.paths import REGISTERED, REPORT, TABLE, VERDICT


def next_steps() -> str:
    """The table of results, where the report is, and what can be done with the model; empty if nothing was made."""
    if not (TABLE.exists() and REPORT.exists() and REGISTERED.exists()):
        return ""
    return (
        f"\n{TABLE.read_text()}\n"
        f"report: {REPORT}    runs: `make mlflow`\n"
        f"next: `make demo` (the dial in a browser), or {_use()}"
    )


def _use() -> str:
    """How to restore a photograph with what was trained."""
    found = json.loads(REGISTERED.read_text())
    version, restore = found["version"], "`ftn restore photo.jpg --model"
    if version is None:
        return "`make register`: an experiment registers nothing"
    if version == found["champion"]:
        return f"{restore} champion`"
    return f"{restore} models:/{found['model']}/{version}`; {VERDICT} says why it is not champion"
