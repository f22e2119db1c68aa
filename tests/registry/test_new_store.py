import os
import subprocess
import sys
import time
from pathlib import Path

from forked_python import forked_python
from project import ROOT

CLIENT = "from registry.server import mlflow_client; print(len(mlflow_client().search_experiments()))"


def test_a_store_whose_creation_was_killed_is_created_again(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen([sys.executable, "-c", CLIENT], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL)
    partial, deadline = tmp_path / ".mlflow.db.partial", time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size > 50_000):
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.001)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "mlflow.db").exists()
    printed = subprocess.check_output([forked_python(), "-c", CLIENT], cwd=tmp_path, env=env, text=True)
    assert printed == "1\n"  # MLflow's own
    assert [path.name for path in Path(tmp_path).iterdir()] == ["mlflow.db"]
