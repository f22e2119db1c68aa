"""Starts `mlflow models serve` with a model that is registered in a store of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
from ports import free_ports
from project import ROOT
from wire import Client, Request

REGISTER = """
import sys
from pathlib import Path
import mlflow
from small_registry import package_denoiser
mlflow.set_experiment(experiment_id=mlflow.create_experiment("service", sys.argv[2]))
with mlflow.start_run():
    model = package_denoiser(Path(sys.argv[1]))
version = mlflow.register_model(model.model_uri, "ftn-denoiser").version
mlflow.MlflowClient().set_registered_model_alias("ftn-denoiser", "champion", version)
"""


class ModelService:
    """Registers the weights as champion in a store of its own, and serves them until ``stop`` is called."""

    def __init__(self, folder: Path, weights: Path, **env: str) -> None:
        self.log = folder / "service.log"
        self.port = free_ports(1)[0]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "UVICORN", "FTN"))}
        own = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "MLFLOW_DISABLE_TELEMETRY": "true"}
        register = [sys.executable, "-c", REGISTER, str(weights), str(folder / "artifacts")]
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/ftn-denoiser@champion"]
        command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(self.port)]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by name
        environment = clean | own | {"PATH": path} | env
        project = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests/support'}"}  # only for registering
        with self.log.open("w") as log:
            subprocess.run(register, cwd=ROOT, env=environment | project, stdout=log, stderr=log, check=True)
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def ask(self, payload: object, **headers: str) -> tuple[int, dict]:
        """Send one request on a new connection. Returns status and answer."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        request = Request("", body)
        request.headers |= {key.replace("_", "-"): value for key, value in headers.items()}
        client = Client(self.port)
        status, answer = client.send(request.wire())
        client.close()
        return status, json.loads(answer)

    @property
    def megabytes(self) -> float:
        """Resident memory of the server in MB."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return max(process.memory_info().rss for process in family) / 2**20

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
