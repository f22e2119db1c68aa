"""The identity of a stage follows dvc.yaml: it decides which unfinished training a stage resumes."""

import re
import signal
import time
from pathlib import Path

import pytest
from sandbox import Sandbox

from tasks.identity import identify

STEPS = 400


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    changes = {"train.steps": STEPS, "train.precision": "32-true"}
    sandbox = Sandbox(tmp_path_factory.mktemp("identity") / "project", **changes)
    sandbox.save_often()
    sandbox.untracked("degraded@0.2", "degraded@0.5", "loss", "pretrained")
    return sandbox


@pytest.fixture
def edit(sandbox, monkeypatch):
    """Replaces text in a file of the project until the test ends."""
    monkeypatch.chdir(sandbox.root)
    kept = {}

    def replace(name: str, old: str, new: str) -> None:
        path = Path(name)
        text = path.read_text()
        kept.setdefault(path, text)
        assert old in text
        path.write_text(text.replace(old, new, 1))

    yield replace
    for path, text in kept.items():
        path.write_text(text)


MESSAGES = [
    ("ftn_core/utils/progress.py", " left", " to go"),
    ("ftn_core/utils/errors.py", '"""', '"""Reworded: '),
    ("tasks/tracking/uploader.py", "takes records again", "takes them again"),
    ("tasks/tracking/mlflow_tracker.py", "the next stage uploads them", "the next stage sends them"),
]
SCIENCE = [
    ("ftn_core/training/loop.py", "betas=(0.9, 0.99)", "betas=(0.9, 0.98)"),
    ("ftn_core/networks/unshuffle_net.py", '"""', '"""Edited: '),
    ("tasks/train_base.py", '"""', '"""Edited: '),
    ("params.yaml", f"steps: {STEPS}", f"steps: {STEPS + 1}"),
]


@pytest.mark.parametrize(("file", "old", "new"), MESSAGES, ids=[row[0] for row in MESSAGES])
def test_a_reworded_message_leaves_the_identity(edit, file, old, new):
    before = identify("train_base")
    edit(file, old, new)
    assert identify("train_base") == before


@pytest.mark.parametrize(("file", "old", "new"), SCIENCE, ids=[row[0] for row in SCIENCE])
def test_what_can_change_the_training_changes_the_identity(edit, file, old, new):
    before = identify("train_base")
    edit(file, old, new)
    after = identify("train_base")
    assert after.digest != before.digest and after.state_file != before.state_file


def stopped(sandbox: Sandbox) -> str:
    """Start the training and end it when it has saved its state. Returns what it printed."""
    process = sandbox.start(sandbox.interpreter, "-u", "-m", "tasks", "train_base", FTN_TRACKING="off")
    states = sandbox.root / ".ftn/resume"
    before = {path: path.stat().st_mtime_ns for path in states.glob("*.safetensors")}
    while process.poll() is None:
        if {path: path.stat().st_mtime_ns for path in states.glob("*.safetensors")} != before:
            process.send_signal(signal.SIGTERM)
            break
        time.sleep(0.02)
    printed = process.communicate(timeout=60)[0]
    assert process.returncode == 143, printed
    return printed


def test_a_training_is_resumed_after_a_message_was_reworded_but_not_after_its_loop_was_edited(sandbox, edit):
    assert "goes on from step" not in stopped(sandbox)
    for message in MESSAGES:
        edit(*message)
    assert int(re.search(r"train_base: goes on from step (\d+)", stopped(sandbox))[1]) > 0
    edit(*SCIENCE[0])
    assert "goes on from step" not in stopped(sandbox)
