"""What a killed run leaves behind does not keep the next one from starting."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import ROOT

from flows.lock import run_lock
from registry.repository import locked_stages
from tasks.parent_death import RUN

RWLOCK = Path(".dvc/tmp/rwlock")
LOCK = Path("dvc.lock")


def repro(*arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "flows.repro", *arguments], env=env, capture_output=True, text=True)


def take_lock():
    said = []
    with run_lock("test", said.append):
        pass
    return said


@pytest.fixture
def zombie():
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()  # it has ended, and nobody has waited for it
    time.sleep(0.1)
    yield process.pid
    process.wait()


def test_entries_of_dead_processes_are_forgotten_and_those_of_running_ones_stay(done, zombie):
    (gone := subprocess.Popen(["true"])).wait()
    running = {"pid": os.getpid(), "cmd": "/usr/bin/dvc repro"}
    ours = running | {"cmd": "/project/flows/repro.py"}
    dead = [{"pid": pid, "cmd": "/usr/bin/dvc repro"} for pid in (zombie, gone.pid)] + [ours]
    entries = {"write": {"/a": running, "/b": dead[0]}, "read": {"/c": [running, *dead], "/d": [dead[1]]}}
    RWLOCK.write_text(json.dumps(entries))
    assert take_lock() == []
    assert json.loads(RWLOCK.read_text()) == {"write": {"/a": running}, "read": {"/c": [running]}}

    os.utime(RWLOCK, (1e9, 1e9))  # this process is younger: it has got the id of one that ended
    take_lock()
    assert json.loads(RWLOCK.read_text()) == {"write": {}, "read": {}}


@pytest.mark.parametrize("content", ["", '{"write": {"/a": {"pi', '{"write": 3}'])
def test_a_torn_list_of_dvcs_locks_is_removed(done, content):
    RWLOCK.write_text(content)
    take_lock()
    assert not RWLOCK.exists()


CUTS = {
    "nothing": lambda text: "",
    "a key": lambda text: text[: text.index("outs") + 2],
    "a hash": lambda text: text[: text.rindex("md5: ") + 9],  # still YAML that DVC would take
    "a stage": lambda text: text[: text.rindex("  prepare:") + 11],
}


@pytest.mark.parametrize("cut", CUTS)
def test_in_place_of_a_torn_dvc_lock_comes_the_commits(committed, cut):
    committed_text = LOCK.read_text()
    LOCK.write_text(torn := CUTS[cut](committed_text.replace("fancy.txt", "other.txt")))
    (line,) = take_lock()
    assert line.startswith("dvc.lock was torn") and "the commit's is in its place" in line
    assert (LOCK.read_text(), Path(".ftn/dvc.lock.torn").read_text()) == (committed_text, torn)
    assert take_lock() == []


def test_a_stage_that_runs_alone_after_a_tear_does_not_lose_the_others(done):
    """No commit has a dvc.lock, so that what the next run alone would not restore is in the copy only."""
    before = LOCK.read_text()
    assert repro("--single-item", "--force", "evaluate").returncode == 0
    LOCK.write_text("")
    found = repro("--single-item", "--force", "evaluate")
    assert "dvc.lock was torn" in found.stdout and "that of the last run's start is in its place" in found.stdout
    assert locked_stages(LOCK.read_text()) == locked_stages(before)


def test_after_a_kill_the_door_starts_and_nothing_runs_again(done, zombie):
    """In the worst case: no commit has a dvc.lock, and nobody reaps the killed DVC."""
    path = str(done.root / "out/prepared.txt")
    RWLOCK.write_text(json.dumps({"write": {path: {"pid": zombie, "cmd": "dvc repro"}}, "read": {}}))
    after = LOCK.read_text()
    LOCK.write_text(after[: after.index("deps") + 2])
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    why = subprocess.run([sys.executable, "-m", "flows.why"], env=env, capture_output=True, text=True)
    assert why.returncode == 2 and why.stderr.endswith("`make repro` repairs dvc.lock\n")
    found = repro()
    assert found.returncode == 0, found.stderr
    assert "dvc.lock was torn (it is kept as .ftn/dvc.lock.torn): none is in its place" in found.stdout
    assert done.runs() == [] and locked_stages(LOCK.read_text()) == locked_stages(after)


def test_conflict_markers_are_one_line_and_no_tear(committed):
    text = LOCK.read_text()
    LOCK.write_text(conflict := f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    for module in ("flows.repro", "flows.why"):
        found = subprocess.run([sys.executable, "-m", module], env={**os.environ, "PYTHONPATH": str(ROOT)},
                               capture_output=True, text=True)  # fmt: skip
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr.startswith("dvc.lock holds conflict markers of Git: take one side")
        assert found.stderr.count("\n") == 1
    assert LOCK.read_text() == conflict and committed.runs() == []


STAGE = """
import sys, time
from tasks.running import mark_as_running
mark_as_running()
print("runs", flush=True)
time.sleep(2)
"""


def test_the_next_run_waits_for_a_stage_that_its_killed_run_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    stages = [subprocess.Popen([sys.executable, "-c", STAGE], env=env, stdout=subprocess.PIPE) for _ in range(2)]
    for stage in stages:
        assert stage.stdout.readline() == b"runs\n"  # both share the lock
    assert take_lock() == ["waits for a stage that an earlier run started, which has not ended yet"]
    assert [stage.wait(timeout=1) for stage in stages] == [0, 0]


@pytest.mark.parametrize(("run", "code"), [(os.getpid(), 0), (2**22 - 1, 143)], ids=["running", "gone"])
def test_what_starts_after_its_run_was_killed_ends_at_once(run, code):
    command = [sys.executable, "-P", str(ROOT / "tasks/parent_death.py"), "dvc", "version"]
    env = {**os.environ, RUN: str(run)}
    assert subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL).returncode == code
