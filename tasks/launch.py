"""A stage in several processes: torch's launcher starts its command once for each. Only the first one tracks."""

import contextlib
import json
import logging
import os
import re
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ftn_core.utils.errors import UserError
from tasks.identity import identify
from tasks.tracking.mlflow_tracker import track
from tasks.tracking.tracker import Tracker

if TYPE_CHECKING:
    from argparse import Namespace

StepOf = Callable[[float], int]
OPTIONS = "FTN_TORCHRUN"
"""Environment variable with options for torch's launcher. They say where processes run, which changes no result."""


@contextlib.contextmanager
def run_in_processes(stage: str, devices: int, step_of: StepOf) -> Iterator[Tracker]:
    """Open the tracker of a stage that runs in ``devices`` processes. Only the first one tracks.

    In the process that the user started, this becomes the launcher if ``devices`` is more than one: it starts the same
    command once for each, waits for them, and exits with their exit code. If a signal ends the launcher, that ends all
    of them, and the exit code is the signal's.

    Raises:
        UserError: one of the processes raised it; the launcher's options are wrong; there are more or fewer processes
            than ``devices``.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        with _worker(stage, devices, step_of) as tracker:
            yield tracker
    elif devices > 1:
        _launch(stage, devices)
    else:
        with open_tracker(stage, step_of) as tracker:
            yield tracker


def open_tracker(stage: str, step_of: StepOf) -> AbstractContextManager[Tracker]:
    """MLflow's, unless ``FTN_TRACKING=off``."""
    if os.environ.get("FTN_TRACKING") == "off":
        return contextlib.nullcontext(Tracker(stage, identify(stage).state_file, step_of))
    return track(stage, step_of)


@contextlib.contextmanager
def _worker(stage: str, devices: int, step_of: StepOf) -> Iterator[Tracker]:
    """In one of the processes: a user's mistake is written to a file, so that the launcher prints it once."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    started, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
    try:
        if started != devices:
            raise UserError(f"train.devices is {devices}, but torchrun started {started} processes: make them equal")
        silent = contextlib.nullcontext(Tracker(stage, Path(), step_of))
        with open_tracker(stage, step_of) if rank == 0 else silent as tracker:
            yield tracker
    except UserError as error:
        report = {"message": str(error), "timestamp": int(time.time())}  # torchrun reads it, too
        Path(os.environ["TORCHELASTIC_ERROR_FILE"]).write_text(json.dumps(report))
        sys.exit(2)


def _end_with(parent: int) -> None:
    """End this process when the launcher is gone. A killed launcher cannot end the processes that it started."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(143)


def _launch(stage: str, devices: int) -> NoReturn:
    # torch's launcher logs much; what a user needs of it is printed below
    logging.disable(logging.ERROR)
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.run import run

    with tempfile.TemporaryDirectory(prefix="ftn-processes-") as reports:
        try:
            run(_arguments(devices, reports))
        except SignalException as error:
            sys.exit(128 + error.sigval)
        except (DistError, RendezvousError) as error:
            raise UserError(f"{OPTIONS}: the machines did not meet: {' '.join(str(error).split())}") from None
        except ChildFailedError as error:
            for report in sorted(Path(reports).rglob("error.json")):
                raise UserError(json.loads(report.read_text())["message"]) from None
            # A process that was ended by a signal is the cause. The others then lost their connection to it.
            rank, failure = min(error.failures.items(), key=lambda item: (item[1].exitcode >= 0, item[1].timestamp))
            how = f"by {failure.signal_name()}" if failure.exitcode < 0 else f"with exit code {failure.exitcode}"
            print(f"{stage}: process {rank} of {devices} ended {how}, and the others with it", file=sys.stderr)
            sys.exit(1)
    sys.exit(0)


def _arguments(devices: int, reports: str) -> "Namespace":
    """Arguments of torch's launcher; by default all processes run on this machine.

    Args:
        reports: folder for the processes' error messages.
    """
    from torch.distributed.run import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{OPTIONS}: {message}")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # avoids a warning; the stage sets its threads itself
    given = shlex.split(os.environ.get(OPTIONS, ""))
    # the command of this process, unchanged
    arguments = parser.parse_args([*given, f"--log-dir={reports}", "--no-python", sys.executable, *sys.orig_argv[1:]])
    count = arguments.nnodes.removeprefix("1:") if arguments.nnodes == "1:1" else arguments.nnodes
    if not re.fullmatch("[1-9][0-9]*", count):
        refuse(f"--nnodes={count} must be a number: the shares of a batch are equal")
    machines = int(count)
    if devices % machines:
        refuse(f"train.devices = {devices} is not divisible by --nnodes={machines}")
    arguments.nproc_per_node = str(devices // machines)
    if machines == 1:
        arguments.standalone, arguments.local_addr = True, "127.0.0.1"
        # other machines need not reach these processes
        if sys.platform == "linux":
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return arguments
