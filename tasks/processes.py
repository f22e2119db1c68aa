"""A stage in several processes: torch's launcher starts its command once for each, and the first of them tracks."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ftn_core.errors import UserError

if TYPE_CHECKING:
    from argparse import Namespace

    from tasks.tracking import Tracker

OPTIONS = "FTN_TORCHRUN"
"""The environment's options for torch's launcher. They say where processes run, which changes no result."""


class Follower:
    """What a stage has as its tracker in all processes but the first: nothing is tracked."""

    resume_key = "state"

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """The first process logs them."""

    def tag(self, key: str, value: str) -> None:
        """The first process notes it."""


@contextlib.contextmanager
def together(stage: str, devices: int) -> "Iterator[Tracker | Follower]":
    """Open the tracker of a stage that runs in ``devices`` processes.

    Called in none of them yet, it starts this very command in each and ends this process as they ended: with their exit
    code, or the one of the signal that ended this one and with it all of them.

    Raises:
        UserError: a process ended with one; the launcher's options are wrong; processes are more or fewer than
            ``devices``.
    """
    from tasks.tracking import track

    if "TORCHELASTIC_RUN_ID" in os.environ:
        with _member(stage, devices) as tracker:
            yield tracker
    elif devices > 1:
        _launch(stage, devices)
    else:
        with track(stage) as tracker:
            yield tracker


@contextlib.contextmanager
def _member(stage: str, devices: int) -> "Iterator[Tracker | Follower]":
    """In one of the processes: what the user did wrong is written down for the launcher, which says it once."""
    from tasks.tracking import track

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    started, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
    try:
        if started != devices:
            raise UserError(f"train.devices is {devices}, but torchrun started {started} processes: make them equal")
        with track(stage) if rank == 0 else contextlib.nullcontext(Follower(stage)) as tracker:
            yield tracker
    except UserError as error:
        report = {"message": str(error), "timestamp": int(time.time())}  # as torchrun prints it, too
        Path(os.environ["TORCHELASTIC_ERROR_FILE"]).write_text(json.dumps(report))
        sys.exit(2)


def _end_with(parent: int) -> None:
    """End this process when the launcher is gone: killed without a chance to end the processes that it started."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(143)


def _launch(stage: str, devices: int) -> NoReturn:
    # the launcher's own lines: what a user needs of them is said below
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
            # whom a signal ended is the cause; the others lost their connection to it
            rank, failure = min(error.failures.items(), key=lambda item: (item[1].exitcode >= 0, item[1].timestamp))
            how = f"by {failure.signal_name()}" if failure.exitcode < 0 else f"with exit code {failure.exitcode}"
            print(f"{stage}: process {rank} of {devices} ended {how}, and the others with it", file=sys.stderr)
            sys.exit(1)
    sys.exit(0)


def _arguments(devices: int, reports: str) -> "Namespace":
    """The launcher's, by default for all processes on this machine; ``reports`` is where they may leave a message."""
    from torch.distributed.run import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{OPTIONS}: {message}")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # silences a warning; the stage sets its threads itself
    given = shlex.split(os.environ.get(OPTIONS, ""))
    # this process's command, word for word
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
        # processes of one machine need not be reachable from others
        if sys.platform == "linux":
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return arguments
