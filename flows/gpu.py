"""A GPU runs one stage at a time: slots that Prefect's server counts, one for each GPU of each machine."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from itertools import cycle

from prefect.concurrency.sync import concurrency


@contextlib.contextmanager
def gpu_slot(on_wait: Callable[[str], object]) -> Iterator[dict[str, str]]:
    """Wait for one of this worker's GPUs (``FTN_GPUS``, set by ``stack.worker``) and hold it; gives the environment.

    A worker without GPUs hides those that its machine may have. Outside a worker nothing is changed.
    """
    listed = os.environ.get("FTN_GPUS")
    gpus = [gpu for gpu in (listed or "").split(",") if gpu]
    if not gpus:
        yield {} if listed is None else {"CUDA_VISIBLE_DEVICES": ""}
        return
    held = contextlib.ExitStack()
    for turn, gpu in enumerate(cycle(gpus)):
        if turn == len(gpus):
            on_wait(f"waits for a GPU: {listed} busy")
        # a lease, so that a dead worker's slot is free again; a server that is away for longer ends no training
        slot = concurrency(
            f"gpu-{socket.gethostname()}-{gpu}",
            timeout_seconds=2,
            lease_duration=60,
            strict=True,
            raise_on_lease_renewal_failure=False,
        )
        with contextlib.suppress(TimeoutError):
            held.enter_context(slot)
            break
    try:
        yield {"CUDA_VISIBLE_DEVICES": gpu}
    finally:
        try:
            held.close()
        except Exception as error:  # whatever it is, a finished training must not be lost for it
            on_wait(f"the slot of GPU {gpu} is not given back, its lease will end by itself: {type(error).__name__}")
