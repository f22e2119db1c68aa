import subprocess
import sys
import time
from pathlib import Path

import pytest

HOLD = """
import subprocess, sys, time
from flows.lock import run_lock
with run_lock(sys.argv[1], lambda line: print(line, flush=True)) as descriptor:
    print("has it", flush=True)
    if sys.argv[1] == "parent":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3)"], pass_fds=[descriptor])
    time.sleep(float(sys.argv[2]))
print("done", flush=True)
"""


@pytest.fixture
def hold(tmp_path):
    (tmp_path / "hold.py").write_text(HOLD)

    def start(owner: str, seconds: float) -> subprocess.Popen:
        env = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""}
        command = [sys.executable, "hold.py", owner, str(seconds)]
        return subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True)

    return start


def test_the_second_waits_and_names_the_first(hold):
    first = hold("first", 2)
    assert first.stdout.readline() == "has it\n"
    second = hold("second", 0)
    assert second.communicate(timeout=20)[0].splitlines()[0].startswith(f"waits for first (process {first.pid})")
    assert first.wait(timeout=20) == 0


def test_a_killed_holder_is_not_waited_for(hold):
    first = hold("first", 60)
    first.stdout.readline()
    first.kill()
    first.wait()
    assert hold("second", 0).communicate(timeout=20)[0] == "has it\ndone\n"


def test_a_child_of_a_killed_holder_is_waited_for(hold):
    first = hold("parent", 60)
    first.stdout.readline()
    time.sleep(0.3)
    first.kill()
    first.wait()
    began = time.monotonic()
    assert "waits for parent" in hold("second", 0).communicate(timeout=20)[0]
    assert time.monotonic() - began > 1
