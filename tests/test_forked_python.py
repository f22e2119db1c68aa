import os
import signal
import subprocess
import sys
import time

import pytest
from forked_python import forked_python

pytestmark = pytest.mark.slow
SHOW = "import os, sys; print(sys.argv, os.getcwd(), os.environ['A'], sys.stdin.read(), flush=True);"
PROGRAMS = {
    "code": ["-c", f"{SHOW} sys.exit(3)", "x", "-y"],
    "an error": ["-c", f"{SHOW} sys.exit('no such file')"],
    "a module": ["-m", "shown", "x"],
    "a file": ["shown.py", "x"],
    "without its folder": ["-P", "shown.py"],
    "another option": ["-u", "shown.py"],
    "a signal": ["-c", "import os; os.kill(os.getpid(), 9)"],
    "temporary files": ["-c", "import tempfile; print(tempfile.gettempdir())"],
    "an open file": ["-c", "import os, sys; os.write(int(os.environ['FILE']), b'text')"],
}


def ended(program, arguments, folder):
    (folder / "shown.py").write_text(f"{SHOW} print(__name__, sys.path[0])")
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site/sitecustomize.py").write_text("import os; os.environ['A'] += '2'")
    with (folder / "written").open("w") as file:
        environment = {
            **os.environ,
            "A": "1",
            "TMPDIR": str(folder / "site"),
            "FILE": str(file.fileno()),
            "PYTHONPATH": str(folder / "site"),
        }
        done = subprocess.run(
            [program, *arguments], cwd=folder, env=environment, input="typed", capture_output=True, text=True,
            pass_fds=[file.fileno()],
        )  # fmt: skip
    return done.returncode, done.stdout, done.stderr, (folder / "written").read_text()


@pytest.mark.parametrize("arguments", PROGRAMS.values(), ids=PROGRAMS)
def test_a_fork_does_what_the_interpreter_does(tmp_path, arguments):
    assert ended(forked_python(), arguments, tmp_path) == ended(sys.executable, arguments, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_fork_ends_with_its_client(tmp_path, number):
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    process = subprocess.Popen([forked_python(), "-c", script], stdout=subprocess.PIPE, text=True)
    fork = int(process.stdout.readline())
    process.send_signal(number)
    assert process.wait(10) == -number
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{fork}"):  # noqa: PTH110
        assert time.monotonic() < deadline
        time.sleep(0.05)
