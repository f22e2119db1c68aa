import os
import time
from pathlib import Path

from benchmarks.processes import Process, closing, interleave


def sleeper(seconds, variable=""):
    """Something to measure: sleeps, and logs each call with the value of an environment variable."""
    log = Path(os.environ["FTN_TEST_LOG"])

    def run():
        time.sleep(seconds)
        log.write_text((log.read_text() if log.exists() else "") + os.environ.get(variable, "-"))

    return run


def variants(tmp_path, monkeypatch, **kinds):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(sleeper, "__module__", "test_processes")
    return {
        name: Process(sleeper, *arguments, variables={"FTN_TEST_LOG": str(tmp_path / name), "OMP_X": name})
        for name, arguments in kinds.items()
    }


def test_each_is_timed_in_its_own_process_and_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_X", "inherited")
    processes = variants(tmp_path, monkeypatch, slow=(0.2, "OMP_X"), fast=(0.001, "OMP_X"))
    with closing(processes.values()):
        timings = interleave(processes, seconds=0.05, rounds=2)
    assert len(timings["slow"].seconds) == 2
    assert timings["slow"].median >= 0.2
    assert timings["slow"].ratio(timings["fast"]) > 2
    assert set((tmp_path / "slow").read_text().replace("slow", "s")) == {"s"}
    assert all(process.process.returncode is not None for process in processes.values())


def test_one_call_at_least_and_warm_up_apart(tmp_path, monkeypatch):
    processes = variants(tmp_path, monkeypatch, once=(0.0, "NONE"))
    with closing(processes.values()):
        processes["once"].start(0, warmup=2)
        assert processes["once"].finish() < 0.1
    assert (tmp_path / "once").read_text() == "---"
