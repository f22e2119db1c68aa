import threading
import time
from pathlib import Path

import pytest

import flows.stage
from flows.stage import TAIL, Children, run_stage


def _run(name, **options):
    lines, percents = [], []
    with Children() as children:
        outcome = run_stage(name, children, on_line=lines.append, on_progress=percents.append, **options)
    return outcome, lines, percents


def _only_stage(command):
    Path("dvc.yaml").write_text(f"stages:\n  odd:\n    cmd: {command}\n    deps: [seed.txt]\n    outs: [odd.txt]\n")


def test_runs_then_unchanged_then_forced(fresh):
    outcome, lines, _ = _run("prepare")
    assert outcome.how == "ran"
    assert "hello from prepare" in lines
    assert _run("prepare")[0].how == "unchanged"
    assert fresh.runs() == ["prepare"]
    assert _run("prepare", force=True)[0].how == "ran"
    assert fresh.runs() == ["prepare", "prepare"]


def test_deleted_output_is_restored_not_computed(done):
    Path("out/prepared.txt").unlink()
    assert _run("prepare")[0].how == "restored"
    assert Path("out/prepared.txt").exists()
    assert done.runs() == []


def test_earlier_input_is_restored_from_the_run_cache(done):
    Path("seed.txt").write_text("other\n")
    assert _run("prepare")[0].how == "ran"
    Path("seed.txt").write_text("seed\n")
    assert _run("prepare")[0].how == "restored"
    assert done.runs() == ["prepare"]


def test_matrix_stage_runs_without_its_upstream(done):
    Path("seed.txt").write_text("other\n")
    assert _run("degraded@0.2")[0].how == "unchanged"
    assert done.runs() == []


def test_output_that_reads_like_dvcs_is_not_taken_for_it(fresh):
    Path("odd.sh").write_text("echo \"Stage 'odd' didn't change, skipping\"\ntouch odd.txt\n")
    _only_stage("sh odd.sh")
    assert _run("odd")[0].how == "ran"


def test_failure_keeps_the_last_lines(fresh):
    Path("fail-prepare").touch()
    outcome, lines, _ = _run("prepare")
    assert outcome.how == "failed"
    assert outcome.summary == "boom in prepare"
    assert len(outcome.tail) == TAIL
    assert "prepare says 0" in lines
    assert "prepare says 0" not in outcome.tail
    assert "prepare says 29" in outcome.tail


def test_a_bar_is_progress_and_not_a_line(fresh):
    Path("odd.sh").write_text(r"printf '\r  0%%|   |\r 27%%|#  |\rodd: 100%%|###|\n150%% more\n'; touch odd.txt")
    _only_stage("sh odd.sh")
    outcome, lines, percents = _run("odd")
    assert outcome.how == "ran"
    assert percents == [0, 27, 100]
    assert not any("27%" in line for line in lines)
    assert "odd: 100%|###|" in lines


def test_lines_come_while_the_stage_runs(fresh, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    Path("slow-prepare").write_text("2")
    seen = {}
    with Children() as children:
        run_stage(
            "prepare",
            children,
            on_line=lambda line: seen.setdefault(line, time.time()),
            on_progress=lambda _: None,
        )
    (_, _, end), *_ = fresh.times()
    assert seen["hello from prepare"] < end - 1


STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


def _gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _wait_until_gone(pids):
    """Signals are sent before this is called, but the kernel may take a moment to end a process."""
    deadline = time.time() + 5
    while not all(_gone(pid) for pid in pids):
        assert time.time() < deadline
        time.sleep(0.05)


def _wait_for(path):
    deadline = time.time() + 20
    while not (path.exists() and path.read_text()):
        assert time.time() < deadline
        time.sleep(0.05)


def test_stopping_leaves_no_orphan_even_of_a_stage_that_ignores_it(fresh, monkeypatch):
    monkeypatch.setattr(flows.stage, "STOP_TIMEOUT", 0.5)
    Path("stubborn.py").write_text(STUBBORN)
    _only_stage("python stubborn.py")
    outcomes = []
    with Children() as children:
        thread = threading.Thread(
            target=lambda: outcomes.append(
                run_stage("odd", children, on_line=lambda _: None, on_progress=lambda _: None)
            )
        )
        thread.start()
        _wait_for(Path("pids"))
        pids = [int(pid) for pid in Path("pids").read_text().split()]
        assert not any(_gone(pid) for pid in pids)
    thread.join(10)
    assert [o.how for o in outcomes] == ["stopped"]
    _wait_until_gone(pids)

    late = run_stage("odd", children, on_line=pytest.fail, on_progress=pytest.fail)
    assert late.how == "stopped"

    _only_stage("touch odd.txt")  # no lock of the killed DVC stands in the way
    assert _run("odd")[0].how == "ran"


def test_a_failing_listener_does_not_leave_the_stage_running(fresh):
    Path("stubborn.py").write_text(f"print('go')\n{STUBBORN}")
    _only_stage("python stubborn.py")

    def listen(line):
        if line == "go":
            _wait_for(Path("pids"))
            raise OSError("no log")

    with Children() as children, pytest.raises(OSError, match="no log"):
        run_stage("odd", children, on_line=listen, on_progress=lambda _: None)
    _wait_until_gone([int(pid) for pid in Path("pids").read_text().split()])
