"""Starts a worker: ``python -m stack.worker default`` in a clone whose ``.env`` holds the servers' addresses."""

import argparse
import ctypes
import os
import socket
import sys
from pathlib import Path

from ftn_core.utils.environment_file import load_environment
from ftn_core.utils.errors import UserError
from stack.deploy import HEARTBEAT_SECONDS
from stack.s3 import point_dvc
from stack.settings import NO_TELEMETRY, load_settings


def main() -> None:
    """Become Prefect's worker for one pool. Flow runs start in this clone."""
    parser = argparse.ArgumentParser(prog="python -m stack.worker", description=main.__doc__)
    parser.add_argument("pool")
    parser.add_argument("--name", help="the worker's name (default: machine and pool)")
    parser.add_argument("--limit", type=int, help="flow runs at once (default: one, or one for each GPU)")
    given = parser.parse_args()
    load_environment()
    if "PREFECT_API_URL" not in os.environ:
        print("worker: PREFECT_API_URL is not set: put the servers' addresses into .env", file=sys.stderr)
        sys.exit(2)
    os.environ.update(worker_environment())
    try:
        point_dvc(load_settings())
    except UserError as error:
        print(f"worker: {error}", file=sys.stderr)
        sys.exit(2)
    gpus = _gpus() if given.pool == "gpu" else []
    if gpus:
        _make_slots(gpus)
    # an empty list hides the GPUs from the stages of other pools
    os.environ["FTN_GPUS"] = ",".join(gpus)
    limit = given.limit or len(gpus) or 1
    name = given.name or f"{socket.gethostname()}-{given.pool}"
    arguments = ["--pool", given.pool, "--type", "process", "--name", name, "--limit", str(limit)]
    os.execv(sys.executable, [sys.executable, "-m", "prefect", "worker", "start", *arguments])


def worker_environment() -> dict[str, str]:
    """The environment of flow runs on this machine's workers, without the servers' addresses."""
    return NO_TELEMETRY | {
        "FTN_CLONE": str(Path.cwd()),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _gpus() -> list[str]:
    """Numbers of the GPUs that this worker may use: those in ``FTN_GPUS``, else all."""
    chosen = os.environ.get("FTN_GPUS")
    if chosen is not None:
        return [gpu for gpu in chosen.split(",") if gpu]
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:  # no driver: importing PyTorch takes two seconds
        return []
    import torch

    return [str(i) for i in range(torch.cuda.device_count())]


def _make_slots(gpus: list[str]) -> None:
    """Create one slot for each GPU. A stage holds a slot while it runs: see ``flows.gpu``."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for gpu in gpus:
            client.upsert_global_concurrency_limit_by_name(f"gpu-{socket.gethostname()}-{gpu}", limit=1)


if __name__ == "__main__":
    main()
