"""Every benchmark runs in its quick form, on a machine that has neither trained models nor photographs."""

import re
import subprocess

import pytest
from forked_python import forked_python
from project import ROOT

from benchmarks.__main__ import names

RESULTS = ROOT / "benchmarks" / "results"


@pytest.mark.parametrize("name", names(ROOT / "benchmarks"))
def test_it_runs_prints_rows_and_saves_nothing(name):
    before = {path: path.stat().st_mtime_ns for path in RESULTS.iterdir()}
    done = subprocess.run(
        [forked_python(), "-m", f"benchmarks.{name}", "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  [^:\n]*: \S.*  [^:\n]*: \S", done.stdout, re.MULTILINE), done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in RESULTS.iterdir()}
