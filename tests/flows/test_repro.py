import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from forked_python import forked_python
from project import ROOT

from flows.lock import RUN_LOCK
from flows.next_steps import next_steps
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError
from tasks.paths import REGISTERED, REPORT, TABLE


def repro(*arguments, by=()):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*by, sys.executable if by else forked_python(), "-m", "flows.repro", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_repro_runs_what_changed_under_the_lock(done):
    Path("fancy.txt").write_text("other\n")
    result = repro("finetune")
    assert result.returncode == 0
    assert re.search(r"^stage [1-4] of 4: method@ftn\nRunning stage 'method@ftn':\n> ", result.stdout, re.M)
    assert "stage 4 of 4: finetune@ftn-0.5\n" in result.stdout
    assert done.runs() == ["finetune@ftn-0.5"]
    assert RUN_LOCK.read_text().startswith("dvc repro finetune (process ")


def test_the_exit_code_is_dvcs(done):
    Path("fail-prepare").touch()
    assert repro("--single-item", "--force", "prepare").returncode == 255


def test_a_project_that_is_read_only_is_one_line(fresh):
    fresh.root.chmod(0o555)
    try:
        result = repro(by=["setpriv", "--bounding-set", "-dac_override"])
    finally:
        fresh.root.chmod(0o755)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(".ftn: Permission denied: make it accessible") and result.stderr.count("\n") == 1


GRAPH = """
stages:
  finetune: {cmd: touch data/models/a, deps: [seed.txt], outs: [data/models/a]}
  report: {cmd: ls data/models > list.txt, deps: [data/models], outs: [list.txt]}
"""


def test_a_typo_is_refused_in_the_words_of_the_flow_before_anything_is_removed_or_runs(fresh):
    Path("dvc.yaml").write_text(GRAPH)
    left = Path("data/models/left.txt")
    left.parent.mkdir(parents=True)
    left.touch()
    fresh.dvc("add", "-q", "seed.txt")
    left.write_bytes(Path("seed.txt").read_bytes())  # so DVC's cache has it
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(params.replace("methods: [ftn,", "methods: [ftm,"))
    with pytest.raises(UserError, match="ftm") as caught:
        load_parameters()
    result = repro()
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"{caught.value}\n")
    assert left.exists()

    Path("params.yaml").write_text(params)
    unknown = repro("finetuna")
    assert unknown.returncode == 255 and "finetuna" in unknown.stderr and left.exists()

    for name in (TABLE, REPORT):
        name.parent.mkdir(exist_ok=True)
        name.write_text("| results |\n")
    REGISTERED.write_text('{"model": "m", "version": "2", "champion": "2"}')
    assert "make demo" not in repro("finetune").stdout
    left.write_bytes(Path("seed.txt").read_bytes())
    output = repro().stdout
    assert "data/models/left.txt: no stage makes it any more, removed" in output
    assert "| results |" in output and "`ftn restore photo.jpg --model champion`" in output.splitlines()[-1]
    assert Path("list.txt").read_text() == "a\n"


@pytest.mark.parametrize(
    ("version", "champion", "words"),
    [
        ('"2"', '"2"', "or `ftn restore photo.jpg --model champion`"),
        (
            '"2"',
            '"1"',
            "--model models:/m/2`; results/verdict.md says why it is not champion",
        ),
        (
            '"2"',
            "null",
            "--model models:/m/2`; results/verdict.md says why it is not champion",
        ),
        ("null", '"1"', "or `make register`: an experiment registers nothing"),
    ],
)
def test_the_next_step_is_one_that_works(tmp_path, monkeypatch, version, champion, words):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    TABLE.touch(), REPORT.touch()
    REGISTERED.write_text(f'{{"model": "m", "version": {version}, "champion": {champion}}}')
    assert next_steps().endswith(words)


@pytest.mark.parametrize("target", ["nowhere.png", "b.png"])
def test_a_link_that_leads_nowhere_is_named(fresh, target):
    Path("photographs/deep").mkdir(parents=True)
    Path("photographs/a.png").touch()
    Path("photographs/deep/c.png").symlink_to("../a.png")
    Path("photographs/deep/b.png").symlink_to(target)
    result = repro()
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "data.folder: photographs/deep/b.png is a link that leads nowhere: remove it\n"


def test_an_unpacked_archive_is_told_what_it_lacks(fresh):
    shutil.rmtree(".git")
    result = repro()
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"{fresh.root} is no Git repository, which DVC needs: run `git init` in it\n"
